"""Every endpoint of `identity`: participants, their documents, people and programs, and tokens."""

from fastapi import APIRouter

from services.identity.api import accounts, administration, delegations, documents, participants, tokens

router = APIRouter(tags=["identity"])
for part in (documents, delegations, administration, participants, accounts, tokens):
    router.include_router(part.router)

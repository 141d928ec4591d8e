"""Every endpoint of `identity`: participants, their people and programs, and tokens."""

from fastapi import APIRouter

from services.identity.api import accounts, participants, tokens

router = APIRouter(tags=["identity"])
for part in (participants, accounts, tokens):
    router.include_router(part.router)

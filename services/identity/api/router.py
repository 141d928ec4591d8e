"""Every endpoint of `identity`: participants, their people and programs, and tokens."""

from fastapi import APIRouter

from services.identity.api import accounts, client_keys, participants, sign_in, tokens

router = APIRouter(tags=["identity"])
for part in (participants, accounts, sign_in, client_keys, tokens):
    router.include_router(part.router)

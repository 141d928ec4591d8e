"""Every endpoint of `identity`: participants, their documents, people and programs, and tokens."""

from fastapi import APIRouter

from services.identity.api import (
    accounts,
    administration,
    client_keys,
    delegations,
    documents,
    dormancy,
    participants,
    sign_in,
    sponsorships,
    tokens,
)

router = APIRouter(tags=["identity"])
for part in (
    documents,
    delegations,
    sponsorships,
    administration,
    dormancy,
    participants,
    accounts,
    sign_in,
    client_keys,
    tokens,
):
    router.include_router(part.router)

"""Every endpoint of `identity`: participants, their documents, people and programs, and tokens."""

from services.identity.api import (
    accounts,
    administration,
    assignments,
    client_keys,
    delegations,
    documents,
    dormancy,
    participants,
    sign_in,
    sponsorships,
    tokens,
)
from shared.routing import Router

router = Router()
for part in (
    documents, delegations, sponsorships, administration, assignments, dormancy, participants, accounts, sign_in,
    client_keys, tokens,
):  # fmt: skip
    router.include(part.router)

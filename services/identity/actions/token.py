"""What happens when someone asks for a token, by whichever grant; and what is forgotten of it in the end."""

from services.identity.actions import client, session
from services.identity.actions.identity import Identity
from services.identity.actions.session import Issued
from services.identity.schemas.tokens import (
    AssertionGrant,
    ClientCredentialsGrant,
    PasswordGrant,
    RefreshTokenGrant,
    StepUpGrant,
    TokenRequest,
)
from services.identity.store import client_key
from services.identity.store import token as store


async def grant(identity: Identity, request: TokenRequest, network: str) -> Issued:
    match request:
        case PasswordGrant():
            return await session.log_in(identity, request, network)
        case RefreshTokenGrant():
            return await session.refresh(identity, request)
        case StepUpGrant():
            return await session.step_up(identity, request, network)
        case ClientCredentialsGrant():
            return await client.authenticate(identity, request)
        case AssertionGrant():
            return await client.authenticate_by_signature(identity, request)


async def forget_expired(identity: Identity) -> None:
    async with identity.database.transaction() as tx:
        now = await identity.database.now(tx)
        await store.forget_expired(tx, now)
        await client_key.forget_expired(tx, now)


async def tell_disclosures(identity: Identity) -> None:
    await identity.disclosures.tell()

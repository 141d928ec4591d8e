"""People whom an outside OpenID provider vouches for, instead of our own log-in.

Promises: the provider and where its keys are published are fixed by the operator, and nothing in a token chooses them;
it vouches for trading roles alone, never for staff, a service, a program or anybody of ours; what its tokens must be is
what ours must be (RFC 9068 with ES256 and one audience, ten minutes at most); standing is ours as ever.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from httpx2 import AsyncClient, HTTPError

from shared.access import InvalidToken, KeySet, Verifier
from shared.clock import Clock
from shared.errors import Unavailable
from shared.rest import TIMEOUT_SECONDS
from shared.settings import Settings

VOUCHED_FOR = frozenset({"buyer", "provider"})
SAME_CLAIMS = ("iss", "aud", "jti", "client_id", "iat", "exp", "nbf", "auth_time")
SUBJECT = "outside:"
SUBJECT_LENGTH_MAX = 255  # OpenID Connect Core 2


def outside_verifier(settings: Settings, clock: Clock) -> Verifier | None:
    """What verifies the provider's tokens; None where none is named."""
    if settings.outside_issuer is None or settings.outside_keys_url is None:
        return None
    url = settings.outside_keys_url

    async def fetch() -> KeySet:
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS), AsyncClient(follow_redirects=False) as provider:
                return (await provider.get(url)).raise_for_status().json()
        except (HTTPError, TimeoutError, ValueError) as error:
            raise Unavailable(service="outside_issuer", retry_after_seconds=1) from error

    return Verifier(fetch, settings.outside_issuer, clock, reading=lambda claims: translated(claims, settings))


def translated(claims: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """The claims of a verified token in our own names. Raises InvalidToken for a subject or roles that cannot be.

    Roles that the provider does not vouch for are left out. How strong the log-in was counts only where the operator
    said what the provider's `acr` means here.
    """
    subject, roles = claims.get("sub"), claims.get(settings.outside_roles_claim)
    if not isinstance(subject, str) or not 0 < len(subject) <= SUBJECT_LENGTH_MAX:
        raise InvalidToken()
    if not subject.isascii() or not subject.isprintable() or not isinstance(roles, list):
        raise InvalidToken()
    told = {name: claims[name] for name in SAME_CLAIMS if name in claims}
    strength = settings.outside_strengths.get(str(claims.get("acr")))
    if strength is not None:
        told["acr"] = strength
    if settings.outside_participant_claim in claims:
        told["org"] = claims[settings.outside_participant_claim]
    vouched = [role for role in VOUCHED_FOR if role in roles]
    return told | {"sub": f"{SUBJECT}{subject}", "roles": sorted(vouched), "amr": "outside"}

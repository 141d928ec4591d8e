"""An outside provider in place of our own log-in: what it may vouch for, and what it may not."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from shared.access import InvalidToken, Verifier
from shared.core import core_of
from shared.database import Database
from shared.errors import Unavailable
from shared.ids import ParticipantId
from shared.outside import translated
from shared.rest import Directory
from shared.settings import Settings
from tests.kernel.test_access import ANA, HEADER, ISSUER, LIFETIME, Identity, signed
from tests.support.clock import ToldClock

PROVIDER = "https://login.example/realms/data"
ORGANISATION = ParticipantId.new()
CLOCK = ToldClock()
NOW = int(CLOCK.now().timestamp())
CLAIMS: dict[str, Any] = {
    "iss": PROVIDER, "aud": "yaosu", "sub": "8f14e45f", "client_id": "portal", "jti": "1", "iat": NOW, "exp": NOW + 300,
    "groups": ["buyer", "staff-of-ours", "operator_security", "regulator", "service"], "tenant": ORGANISATION,
    "acr": "urn:example:two-factors", "auth_time": NOW - 60, "amr": ["pwd", "otp"], "email": "ana@example.com",
}  # fmt: skip
SETTINGS = Settings(
    outside_issuer=PROVIDER, outside_keys_url="http://127.0.0.1:1/keys", outside_roles_claim="groups",
    outside_participant_claim="tenant", outside_strengths={"urn:example:two-factors": "totp"},
)  # fmt: skip


def a_verifier() -> Verifier:
    """Of ours and, with the very same key, of the provider's: only the name tells them apart."""
    outside = Verifier(Identity(ISSUER).key_set, PROVIDER, CLOCK, reading=lambda claims: translated(claims, SETTINGS))
    return Verifier(Identity(ISSUER).key_set, SETTINGS.issuer, CLOCK, beside=outside)


def a_token(**changes: object) -> str:
    claims = {name: value for name, value in (CLAIMS | changes).items() if value is not ...}
    return signed(HEADER, claims)


async def test_a_person_of_the_providers_trades_in_the_roles_that_it_may_vouch_for():
    caller = await a_verifier().caller(a_token())
    assert (caller.subject, caller.kind, caller.participant_id) == ("outside:8f14e45f", "user", ORGANISATION)
    assert (caller.roles, caller.acr, caller.authenticated_by) == (frozenset({"buyer"}), "totp", "outside")
    assert caller.authenticated_at == CLOCK.now() - timedelta(minutes=1)


async def test_our_own_tokens_are_as_good_as_before():
    own = ISSUER.issue(ANA, "yaosu", CLOCK.now(), LIFETIME)[0]
    assert (await a_verifier().caller(own)).subject == "user_ana"


@pytest.mark.parametrize("acr", ["urn:example:one-factor", "totp", 7, None, ["urn:example:two-factors"]], ids=str)
async def test_a_strength_that_nobody_explained_is_none(acr: object):
    assert (await a_verifier().caller(a_token(acr=acr))).acr is None


@pytest.mark.parametrize("subject", ["service:trading", "client_" + "0" * 32, "user_" + "0" * 32])
async def test_whatever_the_provider_calls_somebody_they_are_nobody_of_ours(subject: str):
    caller = await a_verifier().caller(a_token(sub=subject))
    assert (caller.kind, caller.subject) == ("user", f"outside:{subject}")


SPOILED: list[dict[str, object]] = [
    {"sub": 7}, {"sub": ""}, {"sub": "x" * 256}, {"sub": "ana\n"}, {"sub": "anä"}, {"sub": ...}, {"groups": ...},
    {"groups": "buyer"}, {"tenant": "asset_1"}, {"tenant": 7}, {"aud": ["yaosu"]}, {"aud": "portal"}, {"aud": ...},
    {"exp": NOW}, {"exp": NOW + 601}, {"exp": ...}, {"iat": ...}, {"jti": ...}, {"client_id": ...}, {"nbf": NOW},
    {"auth_time": "now"}, {"iss": f"{PROVIDER}/"}, {"iss": "https://another.example"}, {"iss": [PROVIDER]},
    {"iss": SETTINGS.issuer},
]  # fmt: skip


@pytest.mark.parametrize("change", SPOILED, ids=lambda change: next(iter(change)))
async def test_what_is_refused_of_ours_is_refused_of_the_providers(change: dict[str, object]):
    with pytest.raises(InvalidToken):
        await a_verifier().caller(a_token(**change))


async def test_the_provider_vouches_for_nobody_inside():
    for audience in ("catalog", "trading"):
        with pytest.raises(InvalidToken):
            await a_verifier().caller(a_token(aud=audience), audience=audience)


async def test_the_providers_keys_are_not_ours_nor_ours_its():
    other = Verifier(Identity().key_set, PROVIDER, CLOCK, reading=lambda claims: translated(claims, SETTINGS))
    verifier = Verifier(Identity(ISSUER).key_set, SETTINGS.issuer, CLOCK, beside=other)
    with pytest.raises(InvalidToken):
        await verifier.caller(a_token())
    ours = Verifier(Identity().key_set, SETTINGS.issuer, CLOCK, beside=a_verifier()._beside)  # pyright: ignore
    with pytest.raises(InvalidToken):
        await ours.caller(ISSUER.issue(ANA, "yaosu", CLOCK.now(), LIFETIME)[0])


@asynccontextmanager
async def a_provider(answer: str) -> AsyncGenerator[str]:
    """Where a provider's keys are."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer.encode())
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1") as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/keys"


def an_answer(body: str, status: str = "200 OK", more: str = "") -> str:
    return f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{more}\r\n{body}"


def a_core(tmp_path: Path, url: str) -> Verifier:
    settings = SETTINGS.model_copy(update={"outside_keys_url": url, "service_secret": SecretStr("x")})
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/catalog.db", schema="catalog", clock=CLOCK)
    return core_of("catalog", settings, CLOCK, database, Directory()).verifier


async def test_a_service_fetches_the_providers_keys_from_where_the_operator_said(tmp_path: Path):
    async with a_provider(an_answer(json.dumps(ISSUER.key_set))) as url:
        caller = await a_core(tmp_path, url).caller(a_token())
    assert caller.subject == "outside:8f14e45f"


@pytest.mark.parametrize("answer", [
    an_answer("{"), an_answer("{}"), an_answer("{}", "500 Internal Server Error"),
    an_answer("", "302 Found", "Location: http://127.0.0.1:1/elsewhere\r\n"), "no HTTP at all\r\n\r\n",
], ids=["no JSON", "no keys", "broken", "elsewhere", "no HTTP"])  # fmt: skip
async def test_while_the_provider_has_no_answer_its_people_are_told_to_come_back(tmp_path: Path, answer: str):
    async with a_provider(answer) as url:
        with pytest.raises(Unavailable):
            await a_core(tmp_path, url).caller(a_token())


@pytest.mark.parametrize("changes, named", [
    ({"outside_issuer": PROVIDER},                                       "outside_issuer"),
    ({"outside_keys_url": "https://login.example/keys"},                 "outside_issuer"),
    ({"outside_issuer": SETTINGS.issuer, "outside_keys_url": "https://login.example/keys"}, "outside_issuer"),
    ({"outside_issuer": PROVIDER, "outside_keys_url": "http://login.example/keys", "environment": "production",
      "issuer": "https://market.example/identity",
      "database_url": "postgresql+asyncpg://yaosu@host/yaosu"},          "outside_keys_url"),
    ({"outside_strengths": {"mfa": "key"}},                              "outside_strengths"),
])  # fmt: skip
def test_a_provider_that_is_named_by_half_stops_the_start(changes: dict[str, Any], named: str):
    with pytest.raises(ValidationError, match=named):
        Settings.model_validate(changes)

"""Faults of authorisation, planted one by one: each check passes without its fault, and fails with it.

The numbers are those of the list of planted bugs. What is planted here is what others have shipped: Saleor's `all([])`,
OpenFGA's keys of a cache, Vault's audience that nobody checks.
"""

import re
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Any, cast

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from jose import jwt
from sqlalchemy import MetaData

from shared import access, matrix, outbox, permission, web
from shared.access import Caller, InvalidToken, Role, Verifier
from shared.database import Database
from shared.idempotency import Once
from shared.routing import Router
from tests.kernel.test_access import CLOCK, FORGER, ISSUER, WHO, Identity, a_token
from tests.support import smallest
from tests.support.bench import Bench, ParticipantSuspended, Person
from tests.support.forged_tokens import encoded, mac

METADATA = MetaData()
outbox.tables(METADATA)
on_sqlite = pytest.mark.parametrize("server", ["sqlite"], indirect=True)
PATH = "/catalog/v1/marks"


def fails(check: Callable[..., object], *given: Any) -> bool:
    try:
        check(*given)
    except (AssertionError, pytest.fail.Exception):
        return True
    return False


@dataclass
class Shop:
    bench: Bench
    ana: Person
    ben: Person


@pytest.fixture
async def shop(bench: Bench) -> AsyncGenerator[Shop]:
    app, _ = await smallest.build(bench)
    async with bench.serve(catalog=app):
        yield Shop(bench, await bench.member("buyer"), await bench.member("buyer"))


class AnswersFromMemory:
    """An app before which stands a memory of answers by key: nobody asks again who is asking."""

    def __init__(self, app: Any) -> None:
        self.app, self.kept = app, dict[bytes, list[Any]]()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        key = dict(scope["headers"]).get(b"idempotency-key", b"")
        if key in self.kept:
            for message in self.kept[key]:
                await send(message)
            return
        told = self.kept.setdefault(key, [])

        async def keep(message: Any) -> None:
            told.append(message)
            await send(message)

        await self.app(scope, receive, keep)


async def whoever_repeats_is_asked_who_they_are(shop: Shop) -> None:
    assert (await shop.bench.post(shop.ana, PATH, {"name": "first"}, "one-and-the-same-key")).status_code == 201
    for person in (None, shop.bench.staff("regulator")):
        answer = await shop.bench.post(person, PATH, {"name": "first"}, "one-and-the-same-key")
        assert answer.status_code == (403 if person else 401)
    assert shop.ana.participant_id
    await shop.bench.announce(ParticipantSuspended(shop.ana.participant_id, "fraud"))
    assert (await shop.bench.post(shop.ana, PATH, {"name": "first"}, "one-and-the-same-key")).status_code == 403


@on_sqlite
async def test_p_12_an_answer_that_is_kept_is_given_to_nobody_who_may_not_ask(shop: Shop):
    await whoever_repeats_is_asked_who_they_are(shop)


@on_sqlite
async def test_p_12_planted_an_answer_from_memory(shop: Shop):
    shop.bench.apps["catalog"] = AnswersFromMemory(shop.bench.apps["catalog"])  # pyright: ignore[reportArgumentType]
    with pytest.raises(AssertionError):
        await whoever_repeats_is_asked_who_they_are(shop)


def a_router(endpoint: Callable[..., Any]) -> Router:
    router = Router()
    router.add_api_route("/forgotten", endpoint)
    return router


async def forgotten() -> None: ...


async def asks_only_for_a_token(caller: permission.Authenticated) -> None: ...


@on_sqlite
async def test_p_14_planted_a_route_without_a_policy_and_a_policy_without_anybody(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    core = await bench.core("catalog", METADATA)
    web.application(core, a_router(asks_only_for_a_token), None)
    with pytest.raises(RuntimeError, match="/forgotten.*declares no permission"):
        web.application(core, a_router(forgotten), None)
    with pytest.raises(ValueError, match="for nobody"):
        matrix.read("permission  buyer\nnobody      -")
    monkeypatch.setattr(permission, "MATRIX", {"nobody": {}})  # as if it had been read
    with pytest.raises(permission.NotYourRole):
        permission.Permission("nobody").require(cast(Any, None), Caller("user_1", "user", frozenset(Role)))


DER = FORGER.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


async def a_public_key_signs_nothing(verifier: Verifier) -> None:
    with pytest.raises(InvalidToken):
        message = FORGER.message(FORGER.header | {"alg": "HS256"})
        await verifier.caller(f"{message}.{encoded(mac(message.encode(), DER, SHA256()))}")
    assert (await verifier.caller(a_token())).subject == "user_ana"


async def test_p_15_planted_a_key_as_bytes_for_whatever_algorithm_a_token_names(monkeypatch: pytest.MonkeyPatch):
    """CVE-2024-33663. Three locks must be open: the list, the key that is an object, the length of a signature."""
    verifier = Verifier(Identity(ISSUER).key_set, WHO, CLOCK)
    await a_public_key_signs_nothing(verifier)
    decode, key_of = cast(Any, jwt.decode), verifier._key_of  # pyright: ignore[reportPrivateUsage]

    def mixed(token: str, key: Any, _: Any, options: Any, **claims: Any) -> Any:
        return decode(token, key, ["ES256", "HS256"], options, **claims)

    async def as_the_header_says(header: Any) -> Any:
        return DER if header["alg"] == "HS256" else await key_of(header)

    monkeypatch.setattr(access.jwt, "decode", mixed)
    await a_public_key_signs_nothing(verifier)
    monkeypatch.setattr(verifier, "_key_of", as_the_header_says)
    await a_public_key_signs_nothing(verifier)
    monkeypatch.setattr(access, "TOKEN_SHAPE", re.compile(".+"))
    with pytest.raises(pytest.fail.Exception):
        await a_public_key_signs_nothing(verifier)


async def a_token_counts_where_it_was_meant_for(verifier: Verifier) -> None:
    for audience in ("catalog", "trading", "yaosu2"):
        with pytest.raises(InvalidToken):
            await verifier.caller(a_token(audience=audience))
    assert (await verifier.caller(a_token())).subject == "user_ana"


async def test_p_15_planted_an_audience_that_nobody_set(monkeypatch: pytest.MonkeyPatch):
    await a_token_counts_where_it_was_meant_for(Verifier(Identity(ISSUER).key_set, WHO, CLOCK))
    decode = cast(Any, jwt.decode)

    def forgiving(token: str, key: Any, algorithms: Any, options: Any, audience: str, issuer: str) -> Any:
        options |= {"verify_aud": False, "require_aud": False}
        return decode(token, key, algorithms, options, issuer=issuer) | {"aud": audience}

    monkeypatch.setattr(access.jwt, "decode", forgiving)
    with pytest.raises(pytest.fail.Exception):
        await a_token_counts_where_it_was_meant_for(Verifier(Identity(ISSUER).key_set, WHO, CLOCK))


TEXTS = st.tuples(st.text(max_size=4), st.text(max_size=4), st.text(max_size=4))
Named = Callable[[tuple[str, str, str]], str]


def of_once(place: tuple[str, str, str]) -> str:
    caller, route, key_digest = place
    return Once(caller, route, key_digest, "", Database.__new__(Database)).name


def other_requests_have_other_names(name: Named) -> None:
    @settings(max_examples=500, database=None, derandomize=True)
    @given(one=TEXTS, other=TEXTS)
    def holds(one: tuple[str, str, str], other: tuple[str, str, str]) -> None:
        assert one == other or name(one) != name(other)

    holds()


def test_p_16_planted_a_name_put_together_without_bounds():
    other_requests_have_other_names(of_once)
    assert fails(other_requests_have_other_names, "".join)

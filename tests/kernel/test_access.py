"""Who gets in. Most of these tokens python-jose alone would let pass."""

import asyncio
import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from shared.access import REFRESH_INTERVAL, Caller, Claims, InvalidToken, Role, TokenIssuer, Verifier
from shared.core import core_of
from shared.database import Database
from shared.errors import Unauthenticated, Unavailable
from shared.ids import ParticipantId
from shared.rest import Directory
from shared.settings import Settings
from shared.signing import new_token_key
from tests.support.clock import ToldClock
from tests.support.forged_tokens import Forger, Part

OUR_KEY, ANOTHER_KEY = new_token_key(), new_token_key()
WHO = "http://127.0.0.1:8000/identity"
ISSUER = TokenIssuer(OUR_KEY, WHO)
ORGANISATION = ParticipantId.new()
ANA = Claims("user_ana", "user_ana", frozenset({Role.BUYER}), ORGANISATION, "password")
CLOCK = ToldClock()
LIFETIME = timedelta(minutes=10)


class Identity:
    """The key set that identity publishes, and how often it was asked for."""

    def __init__(self, *issuers: TokenIssuer) -> None:
        self.issuers, self.asked, self.is_out = list(issuers), 0, False

    async def key_set(self) -> Mapping[str, Any]:
        self.asked += 1
        await asyncio.sleep(0)  # whoever else asks now is here before the answer
        if self.is_out:
            raise Unavailable()
        keys: list[Any] = []
        for issuer in self.issuers:
            keys += list(issuer.key_set["keys"])  # pyright: ignore
        return {"keys": [{"kty": "RSA", "kid": "rsa"}, {"kty": "EC", "crv": "P-384", "kid": "p384"}, *keys]}


def a_verifier(clock: ToldClock = CLOCK) -> Verifier:
    return Verifier(Identity(ISSUER).key_set, WHO, clock)


def a_token(issuer: TokenIssuer = ISSUER, audience: str = "yaosu", clock: ToldClock = CLOCK) -> str:
    return issuer.issue(ANA, audience, clock.now(), LIFETIME)[0]


def read(token: str) -> tuple[Part, Part]:
    header, claims, _ = token.split(".")
    return tuple(json.loads(base64.urlsafe_b64decode(part + "==")) for part in (header, claims))  # pyright: ignore


HEADER, CLAIMS = read(a_token())


FORGER = Forger(OUR_KEY, ISSUER.key_id, CLAIMS, others=("trading", "catalog"))
signed = FORGER.token


async def test_a_token_of_ours_makes_its_caller():
    token = a_token()
    caller = await a_verifier().caller(token)
    assert caller == Caller("user_ana", "user", frozenset({"buyer"}), ORGANISATION, "password", token)
    assert caller.actor.organisation == ORGANISATION


async def test_a_token_says_how_strong_its_log_in_was_and_when_or_nothing_of_it():
    claims = replace(ANA, acr="totp", authenticated_at=CLOCK.now() - timedelta(hours=1), session_id="family_1")
    caller = await a_verifier().caller(ISSUER.issue(claims, "yaosu", CLOCK.now(), LIFETIME)[0])
    told = (caller.acr, caller.authenticated_at, caller.session_id)
    assert told == ("totp", CLOCK.now() - timedelta(hours=1), "family_1")
    caller = await a_verifier().caller(a_token())
    assert (caller.acr, caller.authenticated_at, caller.session_id) == (None, None, None)


@pytest.mark.parametrize("subject, kind", [
    ("user_1", "user"), ("client_1", "client"), ("service:trading", "service"), ("li.na", "user"),
])  # fmt: skip
async def test_the_subject_says_what_kind_of_caller_it_is(subject: str, kind: str):
    token = ISSUER.issue(Claims(subject, subject, frozenset()), "yaosu", CLOCK.now(), LIFETIME)[0]
    assert (await a_verifier().caller(token)).kind == kind


def test_the_tokens_that_are_spoiled_below_would_be_good():
    assert set(HEADER) == {"alg", "typ", "kid"}
    assert set(CLAIMS) == {"iss", "aud", "sub", "client_id", "roles", "jti", "iat", "exp", "org", "amr"}


async def test_a_token_that_was_put_together_by_hand_is_as_good():
    assert (await a_verifier().caller(signed(HEADER, CLAIMS))).subject == "user_ana"


@pytest.mark.parametrize("forged", FORGER.all())
async def test_a_forged_token_is_refused_in_one_shape(forged: str):
    with pytest.raises(InvalidToken) as refused:
        await a_verifier().caller(FORGER.all()[forged])
    assert (type(refused.value), refused.value.facts) == (InvalidToken, {})
    assert issubclass(InvalidToken, Unauthenticated)


@pytest.mark.parametrize("key_id", ["rsa", "p384"])
async def test_a_published_key_of_another_kind_verifies_nothing(key_id: str):
    with pytest.raises(InvalidToken):
        await a_verifier().caller(signed(HEADER | {"kid": key_id}))


@given(st.integers(min_value=0, max_value=len(a_token()) - 1), st.sampled_from("ABab01-_=.+/ \n\t\0é"), st.booleans())
async def test_one_other_sign_anywhere_makes_a_good_token_a_bad_one(place: int, sign: str, inserted: bool):
    token = a_token()
    spoiled = token[:place] + sign + token[place if inserted else place + 1 :]
    if spoiled != token:
        with pytest.raises(InvalidToken):
            await a_verifier().caller(spoiled)


async def test_a_token_for_one_service_is_no_token_for_another_or_for_people():
    token = a_token(audience="trading")
    assert (await a_verifier().caller(token, audience="trading")).subject == "user_ana"
    for audience in ("yaosu", "catalog", "tradin"):
        with pytest.raises(InvalidToken):
            await a_verifier().caller(token, audience=audience)


async def test_a_token_that_was_seen_before_still_expires_and_still_has_its_audience():
    clock = ToldClock()
    verifier, token = a_verifier(clock), a_token()
    await verifier.caller(token)
    clock.advance(minutes=10, seconds=-1)
    await verifier.caller(token)
    with pytest.raises(InvalidToken):
        await verifier.caller(token, audience="trading")
    clock.advance(seconds=1)
    with pytest.raises(InvalidToken):
        await verifier.caller(token)


async def test_only_our_own_clock_says_whether_a_token_has_expired():
    clock = ToldClock()
    clock.set(datetime(2020, 1, 1, tzinfo=UTC))  # long past by the clock of any machine that this runs on
    assert (await a_verifier(clock).caller(a_token(clock=clock))).subject == "user_ana"


async def test_keys_are_asked_for_again_when_one_is_unknown_but_not_more_often_than_that():
    clock, identity = ToldClock(), Identity(ISSUER)
    verifier, new_issuer = Verifier(identity.key_set, WHO, clock), TokenIssuer(ANOTHER_KEY, WHO)
    await verifier.caller(a_token())
    for _ in range(5):
        with pytest.raises(InvalidToken):
            await verifier.caller(a_token(new_issuer))
    assert identity.asked == 1

    identity.issuers.append(new_issuer)
    clock.advance(seconds=REFRESH_INTERVAL.total_seconds())
    assert (await verifier.caller(a_token(new_issuer))).subject == "user_ana"
    assert (await verifier.caller(a_token(clock=clock))).subject == "user_ana"
    assert identity.asked == 2


async def test_a_flood_of_unknown_keys_is_one_question():
    identity = Identity(ISSUER)
    verifier = Verifier(identity.key_set, WHO, ToldClock())
    flood = [signed(HEADER | {"kid": f"key {number}"}, CLAIMS) for number in range(50)]
    answers = await asyncio.gather(*map(verifier.caller, flood), return_exceptions=True)
    assert {type(answer) for answer in answers} == {InvalidToken}
    assert identity.asked == 1


async def test_while_identity_does_not_answer_it_is_asked_once_a_second_and_nobodys_token_is_called_bad():
    clock, identity = ToldClock(), Identity(ISSUER)
    verifier, identity.is_out = Verifier(identity.key_set, WHO, clock), True
    for seconds in (1, 2):
        answers = await asyncio.gather(*(verifier.caller(a_token()) for _ in range(20)), return_exceptions=True)
        assert {type(answer) for answer in answers} == {Unavailable}
        assert identity.asked == seconds
        clock.advance(seconds=1)
    identity.is_out = False
    assert (await verifier.caller(a_token())).subject == "user_ana"


async def test_a_key_that_was_taken_back_vouches_for_nobody_any_more():
    clock, identity = ToldClock(), Identity(ISSUER)
    verifier, new_issuer = Verifier(identity.key_set, WHO, clock), TokenIssuer(ANOTHER_KEY, WHO)
    token = a_token()
    await verifier.caller(token)
    identity.issuers = [new_issuer]
    clock.advance(seconds=REFRESH_INTERVAL.total_seconds())
    await verifier.caller(a_token(new_issuer, clock=clock))
    with pytest.raises(InvalidToken):
        await verifier.caller(token)


@pytest.mark.parametrize("identity", ["http://127.0.0.1:1", FastAPI()], ids=["no one listens", "no such page"])
async def test_whoever_cannot_be_verified_because_identity_is_out_is_told_to_come_back(
    tmp_path: Path, identity: FastAPI | str
):
    directory = Directory({} if isinstance(identity, FastAPI) else {"identity": identity})
    if isinstance(identity, FastAPI):
        directory.register("identity", identity)
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/catalog.db", schema="catalog", clock=CLOCK)
    core = core_of("catalog", Settings(service_secret=SecretStr("x")), CLOCK, database, directory)
    with pytest.raises(Unavailable):
        await core.verifier.caller(a_token())


def test_a_caller_is_printed_without_the_token():
    assert "eyJ" not in repr(Caller("user_ana", "user", frozenset(), token=a_token()))


async def test_what_is_no_token_costs_identity_nothing():
    identity = Identity(ISSUER)
    verifier = Verifier(identity.key_set, WHO, ToldClock())
    changes: list[Part] = [{"alg": "none"}, {"jwk": {}}, {"typ": "JWT"}]
    for change in changes:
        with pytest.raises(InvalidToken):
            await verifier.caller(signed(HEADER | change, CLAIMS))
    assert identity.asked == 0


def test_the_published_key_is_the_public_half_only():
    [key] = json.loads(json.dumps(ISSUER.key_set))["keys"]
    assert (key["kty"], key["crv"], key["kid"], key["use"]) == ("EC", "P-256", ISSUER.key_id, "sig")
    assert not key.keys() & {"d", "k", "p", "q"}

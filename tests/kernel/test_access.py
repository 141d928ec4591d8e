"""Who gets in. Most of these tokens python-jose alone would let pass."""

import asyncio
import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from shared.access import REFRESH_INTERVAL, TOKEN_LENGTH_MAX, Caller, Claims, InvalidToken, Role, TokenIssuer, Verifier
from shared.core import core_of
from shared.database import Database
from shared.errors import Unauthenticated, Unavailable
from shared.ids import ParticipantId
from shared.rest import Directory
from shared.settings import Settings
from shared.signing import new_token_key
from tests.support.clock import ToldClock

OUR_KEY, ANOTHER_KEY = new_token_key(), new_token_key()
WHO = "http://127.0.0.1:8000/identity"
ISSUER = TokenIssuer(OUR_KEY, WHO)
ORGANISATION = ParticipantId.new()
ANA = Claims("user_ana", "user_ana", frozenset({Role.BUYER}), ORGANISATION, "password")
CLOCK = ToldClock()
LIFETIME = timedelta(minutes=10)
Part = dict[str, Any]


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


def encoded(part: bytes | Part) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def read(token: str) -> tuple[Part, Part]:
    header, claims, _ = token.split(".")
    return tuple(json.loads(base64.urlsafe_b64decode(part + "==")) for part in (header, claims))  # pyright: ignore


HEADER, CLAIMS = read(a_token())


def signed(header: bytes | Part, claims: bytes | Part, pem: str = OUR_KEY) -> str:
    """A token of any shape, with a good ES256 signature."""
    message = f"{encoded(header)}.{encoded(claims)}"
    key = load_pem_private_key(pem.encode(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    r, s = decode_dss_signature(key.sign(message.encode(), ec.ECDSA(SHA256())))
    return f"{message}.{encoded(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def keyed(header: Part, secret: bytes) -> str:
    message = f"{encoded(header)}.{encoded(CLAIMS)}"
    mac = HMAC(secret, SHA256())
    mac.update(message.encode())
    return f"{message}.{encoded(mac.finalize())}"


def public(encoding: Encoding, format: PublicFormat) -> bytes:
    return load_pem_private_key(OUR_KEY.encode(), None).public_key().public_bytes(encoding, format)


def without(part: Part, name: str) -> Part:
    return {other: value for other, value in part.items() if other != name}


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


NOW = int(CLOCK.now().timestamp())
SPOILED_HEADERS: list[Part] = [
    {"alg": "none"}, {"alg": "HS256"}, {"alg": "RS512"}, {"alg": "ES384"}, {"alg": "es256"}, {"alg": None},
    {"typ": "JWT"}, {"typ": "id+jwt"}, {"typ": "AT+JWT"}, {"typ": None},
    {"kid": "another"}, {"kid": "../../etc/passwd"}, {"kid": "' OR 1=1 --"}, {"kid": "http://127.0.0.1/key"},
    {"kid": None}, {"kid": 1}, {"kid": ["x"]}, {"kid": "rsa"}, {"kid": "p384"},
    {"jku": "http://127.0.0.1/keys"}, {"x5u": "http://127.0.0.1/cert"}, {"jwk": {}}, {"crit": ["b64"]}, {"b64": False},
    {"zip": "DEF"}, {"cty": "JWT"},
]  # fmt: skip
SPOILED_CLAIMS: list[Part] = [
    {"aud": "trading"}, {"aud": ["yaosu"]}, {"aud": "yaosu-other"}, {"aud": "yao"}, {"aud": ""}, {"aud": None},
    {"iss": f"{WHO}/"}, {"iss": "http://127.0.0.1:8000/IDENTITY"}, {"iss": [WHO]}, {"iss": ""},
    {"exp": NOW}, {"exp": NOW - 1}, {"exp": str(NOW + 60)}, {"exp": NOW + 60.5}, {"exp": None}, {"exp": True},
    {"exp": NOW + 601}, {"exp": 2**100}, {"exp": 10**400}, {"iat": -1}, {"iat": True}, {"iat": NOW - 1.5},
    {"iat": NOW + 31}, {"iat": str(NOW)}, {"iat": None}, {"nbf": NOW + 60}, {"nbf": NOW - 60},
    {"jti": None}, {"jti": 7}, {"sub": 7}, {"sub": None}, {"client_id": None},
    {"roles": "buyer"}, {"roles": [1]}, {"roles": {"buyer": 1}}, {"roles": None},
    {"acr": 7}, {"acr": ["totp"]}, {"acr": None}, {"sid": 7}, {"sid": None},
    {"auth_time": str(NOW)}, {"auth_time": None}, {"auth_time": NOW + 1}, {"auth_time": -1}, {"auth_time": NOW - 0.5},
    {"auth_time": True}, {"auth_time": -(2**100)},
    {"amr": 7}, {"amr": ["password"]}, {"amr": None}, {"org": "asset_1"}, {"org": 7}, {"org": ORGANISATION.upper()},
]  # fmt: skip


@pytest.mark.parametrize("change", SPOILED_HEADERS, ids=json.dumps)
async def test_a_header_with_anything_else_in_it_is_refused(change: Part):
    with pytest.raises(InvalidToken):
        await a_verifier().caller(signed(HEADER | change, CLAIMS))


@pytest.mark.parametrize("change", SPOILED_CLAIMS, ids=lambda change: next(iter(change)))
async def test_claims_with_a_wrong_part_are_refused(change: Part):
    with pytest.raises(InvalidToken):
        await a_verifier().caller(signed(HEADER, CLAIMS | change))


@pytest.mark.parametrize("part, name", [("header", name) for name in ("alg", "typ", "kid")] + [
    ("claims", name) for name in ("exp", "iat", "iss", "aud", "sub", "jti", "client_id", "roles")
])  # fmt: skip
async def test_a_token_without_a_required_part_is_refused(part: str, name: str):
    header = without(HEADER, name) if part == "header" else HEADER
    claims = without(CLAIMS, name) if part == "claims" else CLAIMS
    with pytest.raises(InvalidToken):
        await a_verifier().caller(signed(header, claims))


HS256 = HEADER | {"alg": "HS256"}
SPKI, POINT = PublicFormat.SubjectPublicKeyInfo, PublicFormat.UncompressedPoint


def with_a_signature_from_elsewhere() -> str:
    message = signed(HEADER, CLAIMS | {"sub": "user_root"}).rpartition(".")[0]
    return f"{message}.{a_token().rpartition('.')[2]}"


def with_an_endless_expiry() -> str:
    return signed(HEADER, json.dumps(CLAIMS | {"exp": 0}).replace('"exp": 0', '"exp": 1e400').encode())


def with_a_spare_bit() -> str:
    """The last sign of 64 bytes in base64 has four bits that a decoder drops."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    token = a_token()
    return token[:-1] + letters[letters.index(token[-1]) + 1]


def twice(part: Part, name: str, first: object) -> bytes:
    """The part with a member before the one of the same name: a parser that takes the last sees nothing amiss."""
    return f"{{{json.dumps(name)}: {json.dumps(first)}, {json.dumps(part)[1:]}".encode()


FORGED: dict[str, Callable[[], str]] = {
    "of another key": lambda: signed(HEADER, CLAIMS, ANOTHER_KEY),
    "without a signature": lambda: a_token().rpartition(".")[0] + ".",
    "with none as algorithm": lambda: f"{encoded(HEADER | {'alg': 'none'})}.{encoded(CLAIMS)}.",
    "with the signature of another token": with_a_signature_from_elsewhere,
    "HMAC with our public key as PEM": lambda: keyed(HS256, public(Encoding.PEM, SPKI)),
    "HMAC with our public key as DER": lambda: keyed(HS256, public(Encoding.DER, SPKI)),
    "HMAC with our public point": lambda: keyed(HS256, public(Encoding.X962, POINT)),
    "HMAC with our public key as JWK": lambda: keyed(HS256, json.dumps(ISSUER.key_set).encode()),
    "HMAC with an empty key": lambda: keyed(HS256, b""),
    "empty": lambda: "",
    "of dots": lambda: "..",
    "of two parts": lambda: a_token().rpartition(".")[0],
    "of five parts, as if encrypted": lambda: f"{a_token()}.x.y",
    "with a trailing dot": lambda: f"{a_token()}.",
    "nested": lambda: signed(HEADER, a_token().encode()),
    "with a list as claims": lambda: signed(HEADER, b"[]"),
    "with a list as header": lambda: signed(b"[]", CLAIMS),
    "with broken JSON": lambda: signed(HEADER, b"{"),
    "with deep JSON": lambda: signed(HEADER, b"[" * 2500),
    "in other letters": lambda: a_token().replace("e", "е"),
    "with a line break": lambda: a_token()[:40] + "\n" + a_token()[40:],
    "with a NUL": lambda: a_token() + "\x00",
    "longer than any of ours": lambda: signed(HEADER, CLAIMS | {"amr": "x" * TOKEN_LENGTH_MAX}),
    "of 100 kB": lambda: "x" * 100_000,
    "with an endless expiry": with_an_endless_expiry,
    "with padding": lambda: f"{a_token()}==",
    "with a spare bit": with_a_spare_bit,
    "with a claim twice": lambda: signed(HEADER, twice(CLAIMS, "sub", "user_root")),
    "with an audience twice": lambda: signed(HEADER, twice(CLAIMS, "aud", "trading")),
    "with an algorithm twice": lambda: signed(twice(HEADER, "alg", "none"), CLAIMS),
    "with a byte order mark": lambda: signed(HEADER, b"\xef\xbb\xbf" + json.dumps(CLAIMS).encode()),
    "in UTF-16": lambda: signed(HEADER, json.dumps(CLAIMS).encode("utf-16")),
    "with half a character": lambda: signed(HEADER, CLAIMS | {"sub": "\ud800"}),
    "with a NUL in a claim": lambda: signed(HEADER, CLAIMS | {"sub": "user\0"}),
}  # fmt: skip


@pytest.mark.parametrize("forged", FORGED)
async def test_a_forged_token_is_refused_in_one_shape(forged: str):
    with pytest.raises(InvalidToken) as refused:
        await a_verifier().caller(FORGED[forged]())
    assert (type(refused.value), refused.value.facts) == (InvalidToken, {})
    assert issubclass(InvalidToken, Unauthenticated)


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

"""A program shows who it is by its own signature: for us, for now, once (RFC 7523; rows B-72 of the bad input)."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from httpx2 import Response
from jose import jwt

from services.identity.rules.client_key import ACTIVE_KEYS_MAX
from services.identity.rules.throttle import ATTEMPTS_MAX
from tests.identity.conftest import ON_ONE_DATABASE, Desk
from tests.identity.program import JWT_BEARER, Key, Part, Program, a_program, encoded

ALGORITHMS = pytest.mark.parametrize("algorithm", ["ES256", "EdDSA"])


def outcome(answer: Response) -> tuple[int, str | None]:
    return answer.status_code, answer.json().get("code")


REFUSED = (401, "invalid_client")


@ALGORITHMS
async def test_a_program_gets_a_token_by_its_signature(desk: Desk, algorithm: str):
    participant_id = await desk.admitted("ana", "buyer")
    program = await a_program(desk, "ana", algorithm)
    answer = await program.ask(program.assertion())
    assert (answer.status_code, answer.json()["expires_in"], answer.json()["refresh_token"]) == (200, 600, None)
    caller = await desk.core.verifier.caller(answer.json()["access_token"])
    assert (caller.kind, caller.subject, caller.participant_id) == ("client", program.client_id, participant_id)
    assert (caller.authenticated_by, caller.acr) == ("private_key_jwt", "key")
    assert caller.authenticated_at == desk.clock.now()


@ON_ONE_DATABASE
async def test_the_thumbprint_is_that_of_the_standard(desk: Desk):
    """The key of RFC 8037, appendix A.3."""
    await desk.admitted("ana", "buyer")
    program = await a_program(desk, "ana")
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    made = await desk.post("ana", f"/clients/{program.client_id}/keys", {"jwk": jwk})
    assert made.json()["thumbprint"] == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


SPOILED: list[Part] = [
    {"aud": "http://127.0.0.1:8000/identity/v1/token"}, {"aud": ["http://127.0.0.1:8000/identity"]},
    {"aud": "http://127.0.0.1:8000/identity/"}, {"aud": "http://127.0.0.1:8000/IDENTITY"}, {"aud": "yaosu"},
    {"aud": "https://another.example"}, {"aud": ["http://127.0.0.1:8000/identity", "https://another.example"]},
    {"aud": ...}, {"aud": None}, {"aud": ""},
    {"iss": "client_" + "0" * 32}, {"iss": ...}, {"iss": "http://127.0.0.1:8000/identity"},
    {"sub": "client_" + "0" * 32}, {"sub": ...}, {"sub": 7}, {"sub": "service:trading"}, {"sub": None},
    {"jti": ...}, {"jti": ""}, {"jti": 7}, {"jti": "x" * 257}, {"jti": None},
    {"exp": ...}, {"exp": None}, {"exp": "1893456060"}, {"exp": 1e12}, {"exp": True}, {"exp": 2**100}, {"exp": -1},
    {"iat": "now"}, {"iat": 1.5}, {"iat": None}, {"nbf": "now"}, {"nbf": None},
]  # fmt: skip
SPOILED_SECONDS: list[dict[str, int]] = [
    {"exp": 0}, {"exp": -1}, {"exp": 301}, {"exp": 3600}, {"iat": 31}, {"exp": 60, "iat": -241}, {"nbf": 31},
]  # fmt: skip
GOOD_SECONDS: list[dict[str, int]] = [
    {"exp": 1}, {"exp": 300}, {"iat": 30}, {"exp": 60, "iat": -240}, {"nbf": 30}, {"nbf": -3600},
]  # fmt: skip
SPOILED_HEADERS: list[Part] = [
    {"alg": "none"}, {"alg": "HS256"}, {"alg": "EdDSA"}, {"alg": "RS256"}, {"alg": "es256"}, {"alg": ...},
    {"alg": None}, {"kid": ...}, {"kid": None}, {"kid": 7}, {"kid": ""}, {"kid": "../keys"}, {"kid": "' OR 1=1 --"},
    {"typ": "at+jwt"}, {"typ": "jwt"}, {"typ": None}, {"typ": 7},
    {"jwk": {}}, {"jku": "http://127.0.0.1/keys"}, {"x5c": []}, {"crit": ["b64"]}, {"b64": False}, {"zip": "DEF"},
]  # fmt: skip


@ON_ONE_DATABASE
async def test_an_assertion_with_anything_wrong_is_refused_in_one_shape_and_a_good_one_still_counts(desk: Desk):
    await desk.admitted("ana", "buyer")
    answers: list[Response] = []
    now = int(desk.clock.now().timestamp())
    changes = SPOILED + [{name: now + seconds for name, seconds in each.items()} for each in SPOILED_SECONDS]
    program = await a_program(desk, "ana")
    for number, change in enumerate(changes + SPOILED_HEADERS):
        if number % ATTEMPTS_MAX == 0:  # so that none is refused for the others' sake
            program = await a_program(desk, "ana")
        key = program.keys[0]
        if number < len(changes):
            answer = await program.ask(program.assertion(**change))
        else:
            answer = await program.ask(program.assertion(header={"alg": "ES256", "kid": key.thumbprint} | change))
        assert outcome(answer) == REFUSED, change
        answers.append(answer)
    bodies = [{name: part for name, part in answer.json().items() if name != "request_id"} for answer in answers]
    assert all(body == bodies[0] for body in bodies)
    for change in GOOD_SECONDS:
        times: Part = {name: now + seconds for name, seconds in change.items()}
        good = program.assertion(**times)
        assert (await program.ask(good)).status_code == 200, change
    for header_type in ("JWT", "client-authentication+jwt"):
        header = {"alg": "ES256", "kid": program.keys[0].thumbprint, "typ": header_type}
        assert (await program.ask(program.assertion(header=header))).status_code == 200


def with_the_public_key_as_secret(program: Program) -> str:
    """HMAC with what is published: the oldest confusion of algorithms."""
    key = program.keys[0]
    message = f"{encoded({'alg': 'HS256', 'kid': key.thumbprint})}.{encoded(program.claims())}"
    mac = HMAC(json.dumps(key.jwk(), sort_keys=True, separators=(",", ":")).encode(), SHA256())
    mac.update(message.encode())
    return f"{message}.{encoded(mac.finalize())}"


def with_a_claim_twice(program: Program) -> str:
    key = program.keys[0]
    claims = json.dumps(program.claims()).replace("{", '{"aud": "https://another.example", ', 1).encode()
    return program.signed({"alg": "ES256", "kid": key.thumbprint}, claims, key)


def with_a_key_of_its_own_choice(program: Program) -> str:
    """The key travels with what it signed."""
    key = Key()
    return program.assertion(key, {"alg": "ES256", "kid": program.keys[0].thumbprint, "jwk": key.jwk()})


FORGED: dict[str, Callable[[Program], str]] = {
    "of another key": lambda program: program.assertion(Key(), {"alg": "ES256", "kid": program.keys[0].thumbprint}),
    "with a key of its own choice": with_a_key_of_its_own_choice,
    "with the public key as secret": with_the_public_key_as_secret,
    "with a claim twice": with_a_claim_twice,
    "without a signature": lambda program: program.assertion().rpartition(".")[0] + ".",
    "with a signature of zeros": lambda program: program.assertion().rpartition(".")[0] + "." + encoded(bytes(64)),
    "with padding": lambda program: program.assertion() + "==",
    "of five parts": lambda program: program.assertion() + ".x.y",
    "of two parts": lambda program: program.assertion().rpartition(".")[0],
    "with a list as claims": lambda program: program.signed({"alg": "ES256"}, b"[]", program.keys[0]),
    "with a list as header": lambda program: program.signed(b"[]", program.claims(), program.keys[0]),
    "of 100 kB": lambda _: "x" * 100_000,
    "an access token": lambda program: program.signed(
        {"alg": "ES256", "typ": "at+jwt", "kid": program.keys[0].thumbprint}, program.claims(), program.keys[0]
    ),
}


@ON_ONE_DATABASE
async def test_a_forged_assertion_is_refused(desk: Desk):
    await desk.admitted("ana", "buyer")
    program = await a_program(desk, "ana")
    for number, (name, forge) in enumerate(FORGED.items()):
        if number % ATTEMPTS_MAX == ATTEMPTS_MAX - 1:
            program = await a_program(desk, "ana")
        assert outcome(await program.ask(forge(program))) == REFUSED, name
    assert (await program.ask(program.assertion())).status_code == 200


@ON_ONE_DATABASE
async def test_a_key_signs_with_its_own_algorithm_only(desk: Desk):
    await desk.admitted("ana", "buyer")
    program = await a_program(desk, "ana", "ES256", "EdDSA")
    curve, edwards = program.keys
    crossed = [program.assertion(curve, {"alg": "EdDSA", "kid": curve.thumbprint}),
               program.assertion(edwards, {"alg": "ES256", "kid": edwards.thumbprint}),
               program.assertion(curve, {"alg": "ES256", "kid": edwards.thumbprint})]  # fmt: skip
    assert [outcome(await program.ask(each)) for each in crossed] == [REFUSED] * 3


async def test_of_fifty_that_bring_one_assertion_one_gets_a_token(desk: Desk):
    await desk.admitted("ana", "buyer")
    program = await a_program(desk, "ana")
    assertion = program.assertion()
    answers = await asyncio.gather(*(program.ask(assertion) for _ in range(50)))
    outcomes = Counter(answer.status_code for answer in answers)
    assert outcomes[200] == 1 and set(outcomes) <= {200, 401, 429, 503}  # 503: the pool is busy
    assert [fact.rsn for fact in await desk.facts() if fact.act == "identity.client_refused"][0] == "assertion_replayed"
    assert (await program.ask(program.assertion())).status_code == 200  # those who send it again keep nobody out


async def test_two_processes_agree_on_who_brought_an_assertion_first(desk: Desk):
    await desk.admitted("ana", "buyer")
    program = await a_program(desk, "ana")
    assertion = program.assertion()
    async with desk.replica() as second:
        there = Program(second, "ana", program.client_id, program.keys)
        answers = await asyncio.gather(*(each.ask(assertion) for each in (program, there) * 4))
    assert Counter(answer.status_code for answer in answers)[200] == 1


@ON_ONE_DATABASE
async def test_an_assertion_is_remembered_until_it_has_expired_and_over_a_restart(desk: Desk):
    await desk.admitted("ana", "buyer")
    program = await a_program(desk, "ana")
    now = int(desk.clock.now().timestamp())
    assertion = program.assertion(exp=now + 300)
    assert (await program.ask(assertion)).status_code == 200
    await desk.pass_time(seconds=299)
    assert outcome(await program.ask(assertion)) == REFUSED
    await desk.pass_time(seconds=1)
    assert outcome(await program.ask(assertion)) == REFUSED
    assert (await program.ask(program.assertion(jti=jwt.get_unverified_claims(assertion)["jti"]))).status_code == 200


@ON_ONE_DATABASE
async def test_one_programs_key_and_assertion_are_nobody_elses(desk: Desk):
    await desk.admitted("ana", "buyer")
    await desk.admitted("ben", "buyer")
    ours, theirs = await a_program(desk, "ana"), await a_program(desk, "ben")
    borrowed = [
        theirs.assertion(ours.keys[0]), ours.assertion(sub=theirs.client_id, iss=theirs.client_id),
        ours.assertion(theirs.keys[0], {"alg": "ES256", "kid": theirs.keys[0].thumbprint}),
    ]  # fmt: skip
    assert [outcome(await ours.ask(each)) for each in borrowed] == [REFUSED] * 3
    same_jti = [await program.ask(program.assertion(jti="one and the same")) for program in (ours, theirs)]
    assert [answer.status_code for answer in same_jti] == [200, 200]
    assert outcome(await ours.ask(ours.assertion(), client_id=theirs.client_id)) == REFUSED
    assert (await ours.ask(ours.assertion(), client_id=ours.client_id)).status_code == 200
    taken = await desk.post("ben", f"/clients/{theirs.client_id}/keys", {"jwk": ours.keys[0].jwk()})
    assert outcome(taken) == (409, "client_key_taken")


@ON_ONE_DATABASE
async def test_keys_follow_each_other_without_a_gap_and_a_revoked_one_lets_nobody_in(desk: Desk):
    await desk.admitted("ana", "buyer")
    program = await a_program(desk, "ana")
    old, new = program.keys[0], Key("EdDSA")
    await program.register(new)
    assert [(await program.ask(program.assertion(key))).status_code for key in (old, new)] == [200, 200]
    assert (await program.revoke(old)).json()["revoked_at"]
    assert [(await program.ask(program.assertion(key))).status_code for key in (old, new)] == [401, 200]
    assert outcome(await program.revoke(old)) == (409, "client_key_revoked")
    assert outcome(await desk.post("ana", f"/clients/{program.client_id}/keys", {"jwk": old.jwk()}))[0] == 409
    listed = (await desk.get("ana", f"/clients/{program.client_id}/keys")).json()["items"]
    assert [(each["thumbprint"], each["revoked_at"] is None) for each in listed] == [
        (old.thumbprint, False), (new.thumbprint, True),
    ]  # fmt: skip


@ON_ONE_DATABASE
async def test_a_disabled_program_gets_nothing_and_no_new_key(desk: Desk):
    await desk.admitted("ana", "buyer")
    program = await a_program(desk, "ana")
    await desk.post("ana", f"/clients/{program.client_id}/disable")
    assert outcome(await program.ask(program.assertion())) == REFUSED
    assert outcome(await program.register(Key())) == (409, "already_disabled")


async def test_keys_registered_at_once_are_no_more_than_are_allowed(desk: Desk):
    await desk.admitted("ana", "buyer")
    program = await a_program(desk, "ana")
    answers = await asyncio.gather(*(program.register(Key()) for _ in range(ACTIVE_KEYS_MAX + 3)))
    wanted = {(201, None): ACTIVE_KEYS_MAX - 1, (409, "too_many_client_keys"): 4}
    assert Counter(outcome(answer) for answer in answers) == wanted


@ON_ONE_DATABASE
async def test_keys_are_the_administrators_of_the_program_alone(desk: Desk):
    await desk.admitted("ana", "buyer")
    await desk.colleague("dan", of="ana")
    await desk.admitted("ben", "buyer")
    program = await a_program(desk, "ana")
    path, body = f"/clients/{program.client_id}/keys", {"jwk": Key().jwk()}
    for login, wanted in (("dan", (403, "not_administrator")), ("ben", (404, "no_such_client"))):
        answers = [await desk.post(login, path, body), await desk.get(login, path),
                   await desk.post(login, f"{path}/{program.keys[0].id}/revoke")]  # fmt: skip
        assert [outcome(answer) for answer in answers] == [wanted] * 3
    other = await a_program(desk, "ana")
    crossed = await desk.post("ana", f"/clients/{other.client_id}/keys/{program.keys[0].id}/revoke")
    assert outcome(crossed) == (404, "no_such_client_key")


@ON_ONE_DATABASE
async def test_what_is_no_public_key_is_not_taken(desk: Desk):
    await desk.admitted("ana", "buyer")
    program = await a_program(desk, "ana")
    curve, edwards = Key().jwk(), Key("EdDSA").jwk()
    wrong: list[object] = [
        {}, None, "x", curve | {"d": curve["x"]}, curve | {"crv": "P-384"}, curve | {"kty": "RSA"},
        curve | {"x": "A" * 43}, curve | {"x": curve["y"]}, curve | {"y": curve["y"][:-1]},
        {"kty": "oct", "k": "x" * 43}, edwards | {"y": "A" * 43}, edwards | {"crv": "X25519"},
        edwards | {"x": edwards["x"] + "="}, edwards | {"kid": "mine"},
        edwards | {"x": edwards["x"][:-1] + chr(ord(edwards["x"][-1]) + 1)},
    ]  # fmt: skip
    path = f"/clients/{program.client_id}/keys"
    assert [(await desk.post("ana", path, {"jwk": each})).status_code for each in wrong] == [422] * len(wrong)
    weak = await desk.post("ana", path, {"jwk": edwards | {"x": "A" * 43}})
    assert outcome(weak) == (422, "weak_key")


@ON_ONE_DATABASE
async def test_a_program_authenticates_in_one_way_at_a_time(desk: Desk):
    await desk.admitted("ana", "buyer")
    program = await a_program(desk, "ana")
    fields = {"client_assertion": program.assertion(), "client_assertion_type": JWT_BEARER}
    grant = {"grant_type": "client_credentials", "client_id": program.client_id}
    forms = [
        grant | fields | {"client_secret": "x"}, grant | fields | {"client_assertion_type": "jwt"}, grant,
        {"grant_type": "client_credentials", "client_assertion": program.assertion()},
        grant | fields | {"scope": "all"},
        {"grant_type": "password"} | fields,
    ]  # fmt: skip
    assert [outcome(await desk.form(**each)) for each in forms] == [(400, "invalid_request")] * len(forms)
    assert outcome(await program.ask(program.assertion(), audience="catalog")) == (400, "invalid_request")


async def test_wrong_assertions_are_counted_and_keep_the_right_one_out_of_nothing(desk: Desk):
    await desk.admitted("ana", "buyer")
    program = await a_program(desk, "ana")
    answers = [await program.ask(program.assertion(aud="yaosu")) for _ in range(ATTEMPTS_MAX + 2)]
    assert [answer.status_code for answer in answers] == [401] * ATTEMPTS_MAX + [429] * 2
    assert (await program.ask(program.assertion())).status_code == 200

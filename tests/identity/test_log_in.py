"""Who gets a token, and what those are told who do not."""

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass, field

import pytest
from jose import jwt
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import func, select

from services.identity.actions.identity import HASHES_AT_ONCE_MAX, HASHES_WAITING_MAX, HashingBusy, Passwords
from services.identity.app import LANES, MEMORY_KIBIBYTES, PASSES, build
from services.identity.rules.throttle import ATTEMPTS_MAX
from services.identity.store import account
from services.identity.tables import log_in_throttles, refresh_tokens, token_families
from shared.facts import Event
from shared.settings import SERVICES
from tests.identity.conftest import CHEAP, ON_ONE_DATABASE, PASSWORD, SERVICE_SECRET, STAFF, Desk

LATER = 15 * 60
SERVICE = {
    "grant_type": "client_credentials", "client_id": "service:trading", "client_secret": SERVICE_SECRET,
    "audience": "catalog",
}  # fmt: skip


def claims_of(token: str) -> dict[str, object]:
    return jwt.get_unverified_claims(token)


async def refusals(desk: Desk) -> list[Event]:
    return [fact for fact in await desk.facts() if fact.act == "identity.log_in_refused"]


@ON_ONE_DATABASE
async def test_a_person_logs_in_and_the_token_says_who_and_in_which_roles(desk: Desk):
    participant_id = await desk.admitted("ana", "buyer")
    answer = await desk.log_in("ANA")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert (answer.json()["token_type"], answer.json()["expires_in"]) == ("Bearer", 600)
    claims = claims_of(answer.json()["access_token"])
    me = (await desk.get("ana", "/me")).json()
    assert (claims["sub"], claims["roles"], claims["aud"]) == (me["subject"], ["buyer"], "yaosu")
    assert claims["org"] == participant_id
    assert (me["login"], me["is_administrator"], me["participant"]["status"]) == ("ana", True, "admitted")


@ON_ONE_DATABASE
async def test_nothing_that_anyone_logs_in_with_is_said_to_an_operator(desk: Desk, caplog: pytest.LogCaptureFixture):
    await desk.admitted("ana", "buyer")
    caplog.set_level(logging.INFO)
    mistyped = "a pass phrase that was mistyped"
    for login, password in (("ana", mistyped), ("nobody-known", mistyped), ("ana", PASSWORD)):
        await desk.log_in(login, password)
    said = "\n".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)
    assert not [secret for secret in (mistyped, "nobody-known", PASSWORD) if secret in said]


@ON_ONE_DATABASE
async def test_the_platforms_people_log_in_without_an_organisation(desk: Desk):
    for log_in in STAFF:
        claims = claims_of((await desk.log_in(log_in.login)).json()["access_token"])
        assert (claims["roles"], "org" in claims) == ([log_in.role], False)


@ON_ONE_DATABASE
async def test_an_applicant_can_see_how_it_stands_but_not_act(desk: Desk):
    participant_id = await desk.applied("ana")
    assert (await desk.get("ana", f"/participants/{participant_id}")).json()["status"] == "applied"
    await desk.hear()
    user = {"login": "ben", "password": PASSWORD, "roles": ["buyer"]}
    refused = await desk.post("ana", "/users", user)
    assert (refused.status_code, refused.json()["code"], refused.json()["status"]) == (403, "not_admitted", 403)


async def test_everyone_who_is_refused_is_told_the_same(desk: Desk):
    await desk.admitted("ana")
    user_id = await desk.colleague("gone", of="ana")
    await desk.post("ana", f"/users/{user_id}/disable")
    tries = [("nobody", PASSWORD), ("ana", "a wrong pass phrase"), ("gone", PASSWORD), ("ana", "x" * 100_000),
             ("ana", PASSWORD + "\0"), ("ana\u200b", PASSWORD), ("ana\0", PASSWORD),
             ("ana", "x" + "\u0301\u0327" * 50_000)]  # fmt: skip
    answers = [await desk.log_in(*each) for each in tries]
    bodies = [{name: part for name, part in answer.json().items() if name != "request_id"} for answer in answers]
    assert [answer.status_code for answer in answers] == [401] * len(tries)
    assert all(body == bodies[0] for body in bodies) and bodies[0]["code"] == "invalid_grant"
    assert len({tuple(sorted(answer.headers)) for answer in answers}) == 1
    reasons = ["unknown_user", "wrong_password", "user_disabled", "wrong_password", "wrong_password", "unknown_user",
               "unknown_user", "wrong_password"]  # fmt: skip
    assert [fact.rsn for fact in await refusals(desk)] == reasons


@dataclass
class CountingHasher(Argon2Hasher):
    """Counts how much work it was given."""

    verified: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)

    def verify(self, password: str | bytes, hash: str | bytes) -> bool:
        self.verified.append(str(hash).split("$")[3])
        return super().verify(password, hash)


async def test_an_unknown_name_costs_the_same_work_as_a_wrong_password():
    hasher = CountingHasher()
    passwords = Passwords(hasher)
    known = await passwords.hash(PASSWORD)
    assert [await passwords.matches("wrong", hash) for hash in (known, None)] == [False, False]
    assert not await passwords.matches("compared with where there is no user", None)
    assert hasher.verified == ["m=8,t=1,p=1"] * 3


def test_passwords_cost_what_was_decided():
    assert (MEMORY_KIBIBYTES, PASSES, LANES) == (64 * 1024, 3, 4)


async def test_hashing_has_a_queue_that_ends():
    passwords = Passwords(CHEAP)
    asked = HASHES_AT_ONCE_MAX + HASHES_WAITING_MAX + 5
    answers = await asyncio.gather(*(passwords.matches("x", None) for _ in range(asked)), return_exceptions=True)
    assert Counter(type(answer) for answer in answers) == {bool: asked - 5, HashingBusy: 5}
    assert await passwords.matches("x", None) is False


@ON_ONE_DATABASE
async def test_a_hash_with_older_parameters_is_renewed_at_the_next_log_in(desk: Desk):
    stronger = Argon2Hasher(time_cost=2, memory_cost=8, parallelism=1)
    renewed = Desk(desk.core, build(desk.core, hasher=stronger), desk.clock)
    assert (await renewed.log_in("security")).status_code == 200
    hashes = Passwords(stronger)
    async with desk.core.database.read() as tx:
        user = await account.user_of_login(tx, "security")
        assert user and not hashes.is_outdated(await account.password_hash_of(tx, user.id))
    assert (await renewed.log_in("security")).status_code == 200


@pytest.mark.parametrize("login", ["ana", "nobody"])
async def test_a_name_is_tried_ten_times_in_all_its_variants_and_then_waits(desk: Desk, login: str):
    await desk.admitted("ana")
    variants = [login, login.upper(), login.title(), "ａｎａ" if login == "ana" else "ｎｏｂｏｄｙ"]
    tries = [await desk.log_in(variants[number % 4], "a wrong pass phrase") for number in range(ATTEMPTS_MAX + 2)]
    assert [answer.status_code for answer in tries] == [401] * ATTEMPTS_MAX + [429] * 2
    assert (tries[-1].json()["code"], int(tries[-1].headers["Retry-After"])) == ("too_many_log_ins", LATER)
    assert (await desk.log_in(login)).status_code == 429
    assert (await desk.log_in("security")).status_code == 200  # the others are not kept out
    desk.clock.advance(seconds=LATER)
    assert (await desk.log_in(login)).status_code == (200 if login == "ana" else 401)


@ON_ONE_DATABASE
async def test_a_log_in_that_succeeds_clears_the_count(desk: Desk):
    for _ in range(3):
        for _ in range(ATTEMPTS_MAX - 1):
            await desk.log_in("security", "a wrong pass phrase")
        assert (await desk.log_in("security")).status_code == 200


async def test_tries_at_once_are_no_more_than_tries_in_turn(desk: Desk):
    answers = await asyncio.gather(*(desk.log_in("security", "a wrong pass phrase") for _ in range(40)))
    assert Counter(answer.status_code for answer in answers) == {401: ATTEMPTS_MAX, 429: 40 - ATTEMPTS_MAX}


@ON_ONE_DATABASE
async def test_what_was_tried_in_vain_is_told_as_a_commitment(desk: Desk):
    for login in ("my secret password", "security", "SECURITY", "my secret password"):
        await desk.log_in(login, "a wrong pass phrase")
    facts = await refusals(desk)
    assert {fact.out for fact in facts} == {"deny"} and all("login" not in fact.data for fact in facts)
    committed = [(fact.pd or {})["login"] for fact in facts]
    assert committed[0] == committed[3] == desk.identity.commitment_to("my secret password").hex
    assert len({committed[0], committed[1], committed[2]}) == 3, "of a user's name, each has a salt of its own"
    lines = [change.line for change in await desk.core.feed.after({})]
    assert not [line for line in lines if "my secret password" in line]


async def test_old_counts_and_families_are_forgotten(desk: Desk):
    await desk.log_in("nobody", "a wrong pass phrase")
    refresh_token = (await desk.log_in("security")).json()["refresh_token"]
    await desk.pass_time(days=7)
    async with desk.core.database.read() as tx:
        counts = [
            await tx.scalar(select(func.count()).select_from(each))
            for each in (log_in_throttles, refresh_tokens, token_families)
        ]
    assert counts == [0, 0, 0]
    assert (await desk.refresh(refresh_token)).status_code == 401


@ON_ONE_DATABASE
async def test_a_form_that_cannot_be_read_is_400(desk: Desk):
    cases: list[tuple[dict[str, str], str]] = [
        ({},                                                               "invalid_request"),
        ({"grant_type": "implicit"},                                       "unsupported_grant_type"),
        ({"grant_type": "password", "username": "ana"},                    "invalid_request"),
        ({"grant_type": "password", "username": "a", "password": "b", "role": "regulator"}, "invalid_request"),
    ]  # fmt: skip
    for fields, code in cases:
        answer = await desk.form(**fields)
        assert (answer.status_code, answer.json()["code"], answer.json()["error"]) == (400, code, code)


@ON_ONE_DATABASE
async def test_a_token_request_is_a_form_and_nothing_else(desk: Desk):
    assert (await desk.post(None, "/token", {"grant_type": "password"})).status_code == 415


@ON_ONE_DATABASE
async def test_a_service_gets_a_token_for_one_neighbour_and_five_minutes(desk: Desk):
    for audience in SERVICES:
        answer = await desk.form(**SERVICE | {"audience": audience})
        assert (answer.status_code, answer.json()["expires_in"], answer.json()["refresh_token"]) == (200, 300, None)
        claims = claims_of(answer.json()["access_token"])
        assert (claims["sub"], claims["aud"], claims["roles"]) == ("service:trading", audience, ["service"])
        assert (await desk.core.verifier.caller(answer.json()["access_token"], audience)).kind == "service"


@ON_ONE_DATABASE
async def test_a_service_is_not_believed_like_this(desk: Desk):
    cases = [
        ({"client_secret": "guessed"},          401, "invalid_client"),
        ({"client_id": "service:nobody"},       401, "invalid_client"),
        ({"client_id": "client_1"},             401, "invalid_client"),
        ({"client_id": "client_" + "0" * 32},   401, "invalid_client"),
        ({"client_id": "trading"},              401, "invalid_client"),
        ({"audience": "yaosu"},                 400, "invalid_request"),
        ({"audience": "nobody"},                400, "invalid_request"),
    ]  # fmt: skip
    for changes, status, code in cases:
        answer = await desk.form(**SERVICE | changes)
        assert (answer.status_code, answer.json()["code"]) == (status, code)


@ON_ONE_DATABASE
async def test_a_service_without_an_audience_gets_nothing(desk: Desk):
    fields = {name: value for name, value in SERVICE.items() if name != "audience"}
    assert (await desk.form(**fields)).json()["code"] == "invalid_request"


async def test_wrong_secrets_do_not_keep_the_right_one_out(desk: Desk):
    guesses = [await desk.form(**SERVICE | {"client_secret": f"guess{n}"}) for n in range(ATTEMPTS_MAX + 3)]
    assert [answer.status_code for answer in guesses] == [401] * ATTEMPTS_MAX + [429] * 3
    assert (await desk.told()).count("client_refused") == ATTEMPTS_MAX
    assert (await desk.form(**SERVICE)).status_code == 200


@ON_ONE_DATABASE
async def test_a_token_ends_after_ten_minutes(desk: Desk):
    token = (await desk.log_in("security")).json()["access_token"]
    desk.clock.advance(minutes=10, seconds=-1)
    assert (await desk.core.verifier.caller(token)).roles == {"operator_security"}
    desk.clock.advance(seconds=1)
    answer = await desk.get_with(token, "/me")
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")


@ON_ONE_DATABASE
async def test_where_everything_is_can_be_found(desk: Desk):
    metadata = (await desk.get(None, "/identity/.well-known/openid-configuration")).json()
    assert metadata["issuer"] == desk.core.settings.issuer
    base = metadata["issuer"].removesuffix("/identity")
    key_set = (await desk.get(None, metadata["jwks_uri"].removeprefix(base))).json()
    token = (await desk.log_in("security")).json()["access_token"]
    kid = jwt.get_unverified_header(token)["kid"]
    assert [key["kid"] for key in key_set["keys"]] == [kid]
    assert not {"d", "p", "q", "k"} & set(key_set["keys"][0])
    assert (await desk.form(metadata["token_endpoint"].removeprefix(base))).status_code == 400

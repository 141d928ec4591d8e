"""A log-in says how strong it was and when, a refresh never makes it younger, and a step-up takes all that it took."""

import asyncio
from collections import Counter

import pytest
from jose import jwt

from services.identity.rules import token as rules
from services.identity.rules.token import FAMILY_LIFETIME, STRENGTHS
from tests.identity.authenticator import with_second_factor
from tests.identity.conftest import ON_ONE_DATABASE, PASSWORD, SERVICE_SECRET, Desk
from tests.identity.test_token import A_MOMENT, NOON, a_family


def claims_of(answer: dict[str, str]) -> dict[str, object]:
    return jwt.get_unverified_claims(answer["access_token"])


@ON_ONE_DATABASE
async def test_a_refresh_does_not_refresh_when_the_password_came(desk: Desk):
    answer = (await desk.log_in("security")).json()
    first = claims_of(answer)
    assert (first["acr"], first["amr"], first["auth_time"]) == ("password", "password", first["iat"])
    for _ in range(3):
        desk.clock.advance(minutes=7)
        answer = (await desk.refresh(answer["refresh_token"])).json()
    last = claims_of(answer)
    assert (last["auth_time"], last["acr"], last["sid"]) == (first["auth_time"], "password", first["sid"])
    assert last["iat"] == int(desk.clock.now().timestamp())


async def test_a_step_up_is_a_log_in_within_the_session(desk: Desk):
    app = await with_second_factor(desk, "security")
    started = (await desk.log_in("security", code=app.recovery_codes[0])).json()
    assert claims_of(started)["acr"] == "password"
    desk.clock.advance(minutes=7)
    answer = await desk.step_up(started["refresh_token"], code=app.code(desk.clock.now()))
    stepped_up, claims = answer.json(), claims_of(answer.json())
    assert (answer.status_code, claims["acr"], claims["auth_time"]) == (200, "totp", claims["iat"])
    assert claims["sid"] == claims_of(started)["sid"]
    desk.clock.advance(minutes=7)
    refreshed = claims_of((await desk.refresh(stepped_up["refresh_token"])).json())
    assert (refreshed["acr"], refreshed["auth_time"]) == ("totp", claims["auth_time"])
    assert [fact.data["grant"] for fact in await desk.facts() if fact.act == "identity.token_issued"][-2:] == [
        "step_up", "refresh_token",
    ]  # fmt: skip


@ON_ONE_DATABASE
async def test_what_is_wrong_with_a_step_up_is_not_told_and_leaves_the_session_as_it_was(desk: Desk):
    app = await with_second_factor(desk, "security")
    session = (await desk.log_in("security", code=app.code(desk.clock.now()))).json()
    refresh_token, used = session["refresh_token"], app.code(desk.clock.now())
    desk.clock.advance(seconds=30)
    code = app.code(desk.clock.now())
    answers = [
        await desk.step_up(refresh_token, "a wrong pass phrase", code=code),
        await desk.step_up(refresh_token),
        await desk.step_up(refresh_token, code=used),
        await desk.step_up("no such token", code=code),
        await desk.step_up("no such token", "a wrong pass phrase"),
    ]
    bodies = [{name: part for name, part in answer.json().items() if name != "request_id"} for answer in answers]
    assert [answer.status_code for answer in answers] == [401] * 5 and all(body == bodies[0] for body in bodies)
    assert claims_of((await desk.step_up(refresh_token, code=code)).json())["acr"] == "totp"


async def test_a_refresh_token_that_comes_again_with_a_step_up_ends_the_session(desk: Desk):
    app = await with_second_factor(desk, "security")
    started = (await desk.log_in("security", code=app.recovery_codes[0])).json()
    following = (await desk.refresh(started["refresh_token"])).json()
    again = await desk.step_up(started["refresh_token"], code=app.code(desk.clock.now()))
    assert (again.status_code, again.json()["code"]) == (401, "invalid_grant")
    assert (await desk.refresh(following["refresh_token"])).status_code == 401
    assert (await desk.facts())[-1].rsn == "refresh_token_reused"


async def test_of_twenty_step_ups_at_once_one_succeeds(desk: Desk):
    app = await with_second_factor(desk, "security")
    started = (await desk.log_in("security", code=app.recovery_codes[0])).json()
    code = app.code(desk.clock.now())
    answers = await asyncio.gather(*(desk.step_up(started["refresh_token"], code=code) for _ in range(20)))
    outcomes = Counter(answer.status_code for answer in answers)
    assert outcomes[200] == 1 and set(outcomes) <= {200, 401, 429, 503}  # 503: the pool is busy


@ON_ONE_DATABASE
async def test_whoever_is_disabled_steps_up_no_more(desk: Desk):
    await desk.admitted("ana")
    user_id = await desk.colleague("ben", of="ana")
    session = (await desk.log_in("ben")).json()
    await desk.post("ana", f"/users/{user_id}/disable")
    assert (await desk.step_up(session["refresh_token"])).status_code == 401


@ON_ONE_DATABASE
async def test_a_program_says_when_and_how_it_showed_who_it_is_and_a_service_says_neither(desk: Desk):
    await desk.admitted("ana")
    made = (await desk.post("ana", "/clients", {"name": "bot", "roles": ["buyer"]})).json()
    fields = {name: made[name] for name in ("client_id", "client_secret")}
    claims = claims_of((await desk.form(grant_type="client_credentials", **fields)).json())
    assert ("acr" in claims, claims["amr"], claims["auth_time"]) == (False, "client_secret", claims["iat"])
    service = {"client_id": "service:trading", "client_secret": SERVICE_SECRET, "audience": "catalog"}
    claims = claims_of((await desk.form(grant_type="client_credentials", **service)).json())
    assert not {"acr", "amr", "auth_time", "sid"} & claims.keys()


async def test_where_one_is_required_a_log_in_without_a_second_factor_is_good_only_to_enrol_it(desk: Desk):
    await desk.admitted("ana", "buyer")
    object.__setattr__(desk.identity, "second_factor_required_of", "staff")
    assert claims_of((await desk.log_in("ana")).json())["roles"] == ["buyer"]
    bare = (await desk.log_in("security")).json()
    assert claims_of(bare)["roles"] == [] == claims_of((await desk.refresh(bare["refresh_token"])).json())["roles"]
    desk.use("security", bare["access_token"])
    assert (await desk.get("security", "/participants")).json()["code"] == "not_your_role"
    app = await with_second_factor(desk, "security")
    answer = (await desk.log_in("security", code=app.code(desk.clock.now()))).json()
    assert claims_of(answer)["roles"] == ["operator_security"]
    desk.use("security", answer["access_token"])
    assert (await desk.get("security", "/participants")).status_code == 200
    assert (await desk.log_in("security", PASSWORD)).status_code == 401


def test_a_session_lives_no_longer_for_a_step_up():
    family = a_family()
    stepped_up = rules.step_up(family, "totp", NOON + FAMILY_LIFETIME - A_MOMENT)
    assert (stepped_up.expires_at, stepped_up.authenticated_by) == (family.expires_at, "totp")
    assert (family.authenticated_at, stepped_up.authenticated_at) == (NOON, NOON + FAMILY_LIFETIME - A_MOMENT)


def test_a_session_is_alive_until_it_ends():
    family = a_family()
    assert [family.is_alive(NOON + FAMILY_LIFETIME - A_MOMENT), family.is_alive(NOON + FAMILY_LIFETIME)] == [
        True,
        False,
    ]
    assert not rules.Family(family.id, family.user_id, "totp", family.expires_at, revoked_at=NOON).is_alive(NOON)


@pytest.mark.parametrize("by, acr", [
    ("password", "password"), ("recovery_code", "password"), ("totp", "totp"), ("private_key_jwt", "key"),
    ("client_secret", None),
])  # fmt: skip
def test_how_strong_each_way_to_log_in_is(by: str, acr: str | None):
    assert STRENGTHS.get(by) == acr

"""A second factor over HTTP: told once, used once, and asked for wherever it counts."""

import asyncio
from collections import Counter

from jose import jwt
from sqlalchemy import select

from services.identity.rules.throttle import ATTEMPTS_MAX
from services.identity.tables import recovery_codes, second_factors
from tests.identity.authenticator import Authenticator, enrol, with_second_factor
from tests.identity.conftest import ON_ONE_DATABASE, PASSWORD, Desk


def claims_of(answer: dict[str, str]) -> dict[str, object]:
    return jwt.get_unverified_claims(answer["access_token"])


async def refusals(desk: Desk) -> list[str | None]:
    return [fact.rsn for fact in await desk.facts() if fact.act == "identity.log_in_refused"]


async def test_a_person_enrols_confirms_and_then_needs_a_code(desk: Desk):
    enrolled = await enrol(desk, "security")
    assert (enrolled.status_code, enrolled.json()["confirmed_at"]) == (201, None)
    uri = enrolled.json()["otpauth_uri"]
    assert uri.startswith("otpauth://totp/Yaosu:security?") and "issuer=Yaosu" in uri
    assert (await desk.log_in("security")).status_code == 200  # nothing is in force before the first code

    app = Authenticator.of(uri)
    first = app.code(desk.clock.now())
    confirmed = await desk.post("security", "/me/second-factor/confirm", {"code": first})
    codes = confirmed.json()["recovery_codes"]
    assert (confirmed.status_code, len(set(codes)), confirmed.json()["recovery_codes_left"]) == (200, 10, 10)

    assert [(await desk.log_in("security", **more)).status_code for more in ({}, {"code": first})] == [401, 401]
    desk.clock.advance(seconds=30)
    answer = await desk.log_in("security", code=app.code(desk.clock.now()))
    claims = claims_of(answer.json())
    assert (claims["amr"], claims["acr"], claims["auth_time"]) == ("totp", "totp", claims["iat"])
    caller = await desk.core.verifier.caller(answer.json()["access_token"])
    assert (caller.acr, caller.authenticated_at) == ("totp", desk.clock.now())


async def test_the_secret_and_the_recovery_codes_are_told_once_and_kept_unreadable(desk: Desk):
    body, key = {"password": PASSWORD}, "one-and-the-same"
    first, again = [await desk.post("security", "/me/second-factor", body, key) for _ in range(2)]
    assert again.json() == first.json() | {"otpauth_uri": None}
    app = Authenticator.of(first.json()["otpauth_uri"])
    code = {"code": app.code(desk.clock.now())}
    first, again = [await desk.post("security", "/me/second-factor/confirm", code, key) for _ in range(2)]
    assert (again.status_code, again.json()) == (200, first.json() | {"recovery_codes": None})
    async with desk.core.database.read() as tx:
        kept = await tx.scalar(select(second_factors.c.secret))
        digests = list(await tx.scalars(select(recovery_codes.c.digest)))
    assert kept and app.secret not in kept
    told = [each.replace("-", "").encode() for each in first.json()["recovery_codes"]]
    assert len(digests) == 10 and not any(code in digest for code in told for digest in digests)
    lines = [change.line for change in await desk.core.feed.after({})]
    assert not [line for line in lines if any(each in line for each in first.json()["recovery_codes"])]


async def test_of_fifty_log_ins_with_one_code_one_succeeds(desk: Desk):
    app = await with_second_factor(desk, "security")
    code = app.code(desk.clock.now())
    answers = await asyncio.gather(*(desk.log_in("security", code=code) for _ in range(50)))
    outcomes = Counter(answer.status_code for answer in answers)
    assert outcomes[200] == 1 and set(outcomes) <= {200, 401, 429, 503}  # 503: the pool is busy
    assert (await desk.log_in("security", code=code)).status_code in {401, 429}


async def test_two_processes_agree_on_which_log_in_used_a_code(desk: Desk):
    app = await with_second_factor(desk, "security")
    code = app.code(desk.clock.now())
    async with desk.replica() as second:
        answers = await asyncio.gather(*(each.log_in("security", code=code) for each in (desk, second) * 5))
    assert Counter(answer.status_code for answer in answers)[200] == 1


@ON_ONE_DATABASE
async def test_a_code_is_good_in_its_own_step_and_the_ones_beside_it(desk: Desk):
    app = await with_second_factor(desk, "security")
    outcomes: dict[int, int] = {}
    for ahead in (-2, -1, 0, 1, 2):
        desk.clock.advance(minutes=5)
        answer = await desk.log_in("security", code=app.code(desk.clock.now(), ahead))
        outcomes[ahead] = answer.status_code
    assert outcomes == {-2: 401, -1: 200, 0: 200, 1: 200, 2: 401}


@ON_ONE_DATABASE
async def test_a_code_is_not_good_after_a_later_one_was_used(desk: Desk):
    app = await with_second_factor(desk, "security")
    now = desk.clock.now()
    tried = [(await desk.log_in("security", code=app.code(now, ahead))).status_code for ahead in (1, 0, -1, 1)]
    assert tried == [200, 401, 401, 401]


@ON_ONE_DATABASE
async def test_what_is_no_code_is_refused_like_a_wrong_one(desk: Desk):
    app = await with_second_factor(desk, "security")
    right = app.code(desk.clock.now())
    wide = "".join(chr(ord(digit) + 0xFEE0) for digit in right)
    tries = ["", right[:5], right + "0", f" {right}", wide, "\0" * 6, "x" * 64, "½" * 6]
    answers = [await desk.log_in("security", code=each) if each else await desk.log_in("security") for each in tries]
    answers.append(await desk.log_in("security", "a wrong pass phrase", code=right))
    bodies = [{name: part for name, part in answer.json().items() if name != "request_id"} for answer in answers]
    assert [answer.status_code for answer in answers] == [401] * 9 and all(body == bodies[0] for body in bodies)
    assert await refusals(desk) == ["wrong_code"] * 8 + ["wrong_password"]
    assert (await desk.log_in("security", code=right)).status_code == 200  # a wrong password used no code up


async def test_guesses_at_the_code_count_on_the_name_with_the_guesses_at_the_password(desk: Desk):
    app = await with_second_factor(desk, "security")
    names = ["security", "SECURITY", "ｓｅｃｕｒｉｔｙ"]
    guesses = [
        await desk.log_in(names[number % 3], *(["a wrong pass phrase"] if number % 2 else []), code="000000")
        for number in range(ATTEMPTS_MAX + 1)
    ]
    assert [answer.status_code for answer in guesses] == [401] * ATTEMPTS_MAX + [429]
    assert (await desk.log_in("security", code=app.code(desk.clock.now()))).status_code == 429
    desk.clock.advance(minutes=15)
    assert (await desk.log_in("security", code=app.code(desk.clock.now()))).status_code == 200


@ON_ONE_DATABASE
async def test_guesses_at_the_first_code_and_at_ones_own_password_count_too(desk: Desk):
    await enrol(desk, "security")
    token = (await desk.log_in("security")).json()["access_token"]
    desk.use("security", token)
    code, password = {"code": "no such code"}, {"password": "a wrong pass phrase"}
    answers = [await desk.post("security", "/me/second-factor/confirm", code) for _ in range(ATTEMPTS_MAX - 1)]
    answers.append(await desk.post("security", "/me/second-factor", password))
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(403, "not_proven")}
    late = [await desk.post("security", "/me/second-factor/confirm", code), await desk.log_in("security")]
    assert [answer.status_code for answer in late] == [429, 429]


async def test_a_recovery_code_lets_in_once_and_is_no_fresh_second_factor(desk: Desk):
    app = await with_second_factor(desk, "security")
    code = app.recovery_codes[3]
    answers = await asyncio.gather(*(desk.log_in("security", code=code.lower()) for _ in range(8)))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 401: 7}
    answer = next(answer for answer in answers if answer.status_code == 200)
    claims = claims_of(answer.json())
    assert (claims["amr"], claims["acr"], claims["roles"]) == ("recovery_code", "password", ["operator_security"])
    desk.use("security", answer.json()["access_token"])
    assert (await desk.get("security", "/me/second-factor")).json()["recovery_codes_left"] == 9


@ON_ONE_DATABASE
async def test_a_recovery_code_is_its_owners_alone(desk: Desk):
    app, other = await with_second_factor(desk, "security"), await with_second_factor(desk, "security2")
    assert (await desk.log_in("security2", code=app.recovery_codes[0])).status_code == 401
    assert (await desk.log_in("security2", code=app.code(desk.clock.now()))).status_code == 401
    assert (await desk.log_in("security2", code=other.recovery_codes[0])).status_code == 200


@ON_ONE_DATABASE
async def test_who_lost_the_app_enrols_another_by_recovery_codes_and_the_old_one_is_worth_nothing(desk: Desk):
    old = await with_second_factor(desk, "security")
    token = (await desk.log_in("security", code=old.recovery_codes[0])).json()["access_token"]
    desk.use("security", token)
    assert (await enrol(desk, "security")).json()["code"] == "not_proven"
    new = Authenticator.of((await enrol(desk, "security", code=old.recovery_codes[1])).json()["otpauth_uri"])
    assert (await desk.log_in("security", code=old.code(desk.clock.now()))).status_code == 200  # until it is confirmed
    confirmed = await desk.post("security", "/me/second-factor/confirm", {"code": new.code(desk.clock.now())})
    assert confirmed.status_code == 200
    desk.clock.advance(seconds=30)
    tried = [old.code(desk.clock.now()), old.recovery_codes[2], new.code(desk.clock.now())]
    assert [(await desk.log_in("security", code=each)).status_code for each in tried] == [401, 401, 200]


@ON_ONE_DATABASE
async def test_a_new_second_factor_ends_every_other_session(desk: Desk):
    other = (await desk.log_in("security")).json()["refresh_token"]
    own = (await desk.log_in("security")).json()
    desk.use("security", own["access_token"])
    await with_second_factor(desk, "security")
    assert (await desk.refresh(other)).status_code == 401
    answer = await desk.refresh(own["refresh_token"])
    assert (answer.status_code, claims_of(answer.json())["acr"]) == (200, "password")


@ON_ONE_DATABASE
async def test_a_secret_whose_first_code_does_not_come_is_worth_nothing(desk: Desk):
    early = await desk.post("security", "/me/second-factor/confirm", {"code": "123456"})
    assert (early.status_code, early.json()["code"]) == (409, "nothing_to_confirm")
    app = Authenticator.of((await enrol(desk, "security")).json()["otpauth_uri"])
    desk.clock.advance(minutes=15)
    late = await desk.post("security", "/me/second-factor/confirm", {"code": app.code(desk.clock.now())})
    assert (late.status_code, late.json()["code"]) == (409, "nothing_to_confirm")
    assert (await desk.log_in("security")).status_code == 200


@ON_ONE_DATABASE
async def test_a_lost_factor_is_reset_by_the_administrator_or_an_operator_for_security_and_by_nobody_else(desk: Desk):
    await desk.admitted("ana")
    ben = await desk.colleague("ben", of="ana")
    await desk.admitted("cai")
    path = f"/users/{ben}/second-factor/reset"
    assert (await desk.post("ana", path)).json()["code"] == "no_second_factor"
    for by in ("ana", "security"):
        app = await with_second_factor(desk, "ben")
        session = (await desk.log_in("ben", code=app.code(desk.clock.now()))).json()
        others = [(await desk.post(login, path)).json()["code"] for login in ("cai", "business", "regulator")]
        assert others == ["no_such_user", "not_your_role", "not_your_role"]
        desk.use("ben", session["access_token"])
        assert (await desk.post("ben", path)).json()["code"] == "not_administrator"
        assert (await desk.post(by, path)).status_code == 200
        told = (await desk.told())[-3:]
        assert told == ["second_factor_reset", "token_family_revoked", "token_family_revoked"]
        assert (await desk.refresh(session["refresh_token"])).status_code == 401
        assert claims_of((await desk.log_in("ben")).json())["acr"] == "password"
        desk.clock.advance(minutes=1)


@ON_ONE_DATABASE
async def test_nobody_resets_their_own(desk: Desk):
    app = await with_second_factor(desk, "security")
    desk.use("security", (await desk.log_in("security", code=app.code(desk.clock.now()))).json()["access_token"])
    own = (await desk.get("security", "/me")).json()["subject"]
    refused = await desk.post("security", f"/users/{own}/second-factor/reset")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_yourself")


@ON_ONE_DATABASE
async def test_a_program_has_no_second_factor(desk: Desk):
    await desk.admitted("ana")
    made = (await desk.post("ana", "/clients", {"name": "bot", "roles": ["buyer"]})).json()
    fields = {name: made[name] for name in ("client_id", "client_secret")}
    token = (await desk.form(grant_type="client_credentials", **fields)).json()["access_token"]
    answers = [await desk.get_with(token, path) for path in ("/me/second-factor", "/me/sessions")]
    answers.append(await desk.post_with(token, "/me/second-factor", {"password": PASSWORD}))
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(403, "only_for_people")}

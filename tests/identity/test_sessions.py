"""A person's own password and sessions: changed by who has both, ended at once, and ended for good."""

import asyncio
from dataclasses import replace

import pytest

from services.identity.app import build
from shared.core import core_of
from shared.database import Database
from shared.rest import Directory
from tests.identity.authenticator import with_second_factor
from tests.identity.conftest import CHEAP, ON_ONE_DATABASE, PASSWORD, Desk

NEW = "quite another pass phrase for tests"


async def change(desk: Desk, login: str, old: str = PASSWORD, new: str = NEW, **more: str):
    return await desk.post(login, "/me/password", {"old_password": old, "new_password": new} | more)


async def test_a_new_password_takes_the_old_one_and_ends_every_other_session(desk: Desk):
    other, own = (await desk.log_in("security")).json(), (await desk.log_in("security")).json()
    desk.use("security", own["access_token"])
    answer = await change(desk, "security")
    assert (answer.status_code, answer.json()["login"]) == (200, "security")
    assert [(await desk.log_in("security", each)).status_code for each in (PASSWORD, NEW)] == [401, 200]
    assert [(await desk.refresh(each["refresh_token"])).status_code for each in (other, own)] == [401, 200]
    told = await desk.told()
    assert told.count("password_changed") == 1 and "token_family_revoked" in told


@ON_ONE_DATABASE
async def test_a_token_alone_changes_no_password(desk: Desk):
    app = await with_second_factor(desk, "security")
    desk.use("security", (await desk.log_in("security", code=app.recovery_codes[0])).json()["access_token"])
    code = app.code(desk.clock.now())
    refused = [
        await change(desk, "security", "a wrong pass phrase", code=code), await change(desk, "security"),
        await change(desk, "security", code="000000"),
    ]  # fmt: skip
    assert {(answer.status_code, answer.json()["code"]) for answer in refused} == {(403, "not_proven")}
    assert (await change(desk, "security", code=code)).status_code == 200
    assert PASSWORD not in "".join(change.line for change in await desk.core.feed.after({}))


@ON_ONE_DATABASE
async def test_a_new_password_is_as_good_as_a_first_one_and_is_not_counted_before_that(desk: Desk):
    await desk.admitted("ana", "buyer")
    name = (await desk.get("ana", "/me")).json()["participant"]["name"]
    weak = ["fourteen chars", "passwordpassword", f"{name}{name}2030", "my name is ana, hello", "yaosu yaosu 123456"]
    answers = [await change(desk, "ana", new=each) for each in weak * 3]
    assert {answer.status_code for answer in answers} == {422}
    assert (await change(desk, "ana")).status_code == 200


@ON_ONE_DATABASE
async def test_changing_a_password_once_more_under_the_same_key_is_answered_as_before(desk: Desk):
    own = (await desk.log_in("security")).json()
    desk.use("security", own["access_token"])
    body = {"old_password": PASSWORD, "new_password": NEW}
    first, again = [await desk.post("security", "/me/password", body, "one-and-the-same") for _ in range(2)]
    assert (first.status_code, first.json()) == (again.status_code, again.json())


async def test_who_logs_in_with_the_old_password_while_it_changes_is_left_with_nothing(desk: Desk):
    own = (await desk.log_in("security")).json()
    desk.use("security", own["access_token"])
    racing = [desk.log_in("security") for _ in range(4)]
    *answers, changed = await asyncio.gather(*racing[:2], *racing[2:], change(desk, "security"))
    assert changed.status_code == 200
    given = [answer.json()["refresh_token"] for answer in answers if answer.status_code == 200]
    assert {(await desk.refresh(each)).status_code for each in given} <= {401}


async def test_a_person_sees_where_they_are_logged_in_and_ends_what_is_not_theirs_any_more(desk: Desk):
    app = await with_second_factor(desk, "security")
    lost = (await desk.log_in("security", code=app.recovery_codes[0])).json()
    own = (await desk.log_in("security", code=app.code(desk.clock.now()))).json()
    desk.use("security", own["access_token"])
    listed = (await desk.get("security", "/me/sessions")).json()["items"]
    shown = [(each["authenticated_by"], each["is_this"]) for each in listed]
    assert shown[-2:] == [("recovery_code", False), ("totp", True)]

    path = f"/me/sessions/{listed[-2]['id']}/end"
    assert (await desk.post("security2", path)).json()["code"] == "no_such_session"
    assert (await desk.post("security", path)).status_code == 200
    assert (await desk.post("security", path)).json()["code"] == "no_such_session"
    assert [(await desk.refresh(each["refresh_token"])).status_code for each in (lost, own)] == [401, 200]
    left = (await desk.get("security", "/me/sessions")).json()["items"]
    assert [each["id"] for each in left] == [each["id"] for each in listed if each["id"] != listed[-2]["id"]]


@ON_ONE_DATABASE
async def test_sessions_are_listed_page_by_page_and_no_longer_than_they_live(desk: Desk):
    for _ in range(3):
        await desk.log_in("security")
    first = (await desk.get("security", "/me/sessions", limit=3)).json()
    rest = (await desk.get("security", "/me/sessions", limit=3, cursor=first["next_cursor"])).json()
    assert (len(first["items"]), rest["next_cursor"]) == (3, None)
    assert len({each["id"] for each in first["items"] + rest["items"]}) == 3 + len(rest["items"])
    desk.clock.advance(days=7)
    assert [each["is_this"] for each in (await desk.get("security", "/me/sessions")).json()["items"]] == [True]


async def test_what_was_ended_stays_ended_after_a_restart(desk: Desk):
    """By logging out, by reuse, by a switched-off user: none of it is only in a process's memory."""
    await desk.admitted("ana")
    user_id = await desk.colleague("ben", of="ana")
    spent = (await desk.log_in("security")).json()["refresh_token"]
    following = (await desk.refresh(spent)).json()["refresh_token"]
    await desk.refresh(spent)
    logged_out = (await desk.log_in("security")).json()["refresh_token"]
    await desk.form("/token/revoke", token=logged_out)
    disabled = (await desk.log_in("ben")).json()
    await desk.post("ana", f"/users/{user_id}/disable")

    core = core_of("identity", desk.core.settings, desk.clock, desk.core.database, Directory())
    restarted = Desk(core, build(replace(core, outbox=desk.core.outbox), hasher=CHEAP), desk.clock)
    await restarted.hear()
    tokens = (spent, following, logged_out, disabled["refresh_token"])
    assert [(await restarted.refresh(each)).status_code for each in tokens] == [401] * 4
    assert (await restarted.get_with(disabled["access_token"], "/me")).status_code == 401
    assert (await restarted.log_in("ben")).status_code == 401


@pytest.mark.timeout(30)
async def test_whoever_is_disabled_is_refused_by_a_running_service_within_a_second(desk: Desk):
    """By identity's feed, while the other service waits for news on it."""
    await desk.admitted("ana")
    user_id = await desk.colleague("ben", of="ana")
    token = (await desk.log_in("ben")).json()["access_token"]
    await desk.get("ana", "/me")
    directory = Directory()
    directory.register("identity", desk.app)
    settings = desk.core.settings
    database = Database(desk.core.database.url, schema="identity", clock=desk.clock, told_time=True)
    catalog = core_of("catalog", settings, desk.clock, database, directory)
    desk.core.feed.open()
    await catalog.standing.tick()
    subject = (await catalog.verifier.caller(token)).subject
    waiting = asyncio.create_task(catalog.standing.run())
    try:
        assert not catalog.standing.is_disabled(subject)
        assert (await desk.post("ana", f"/users/{user_id}/disable")).status_code == 200
        async with asyncio.timeout(1):
            while not catalog.standing.is_disabled(subject):  # noqa: ASYNC110 - the mirror has no event for this
                await asyncio.sleep(0)
    finally:
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await desk.core.feed.close()
        await database.close()

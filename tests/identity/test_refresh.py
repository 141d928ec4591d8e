"""A refresh token is good once, whoever presents it and however often at the same time."""

import asyncio
import base64
from collections import Counter

import pytest

from services.identity.actions import staff
from services.identity.app import build
from services.identity.rules.user import LoginTaken
from tests.identity.conftest import CHEAP, ON_ONE_DATABASE, Desk, LogIn


async def refresh_token_of(desk: Desk, login: str = "security") -> str:
    return (await desk.log_in(login)).json()["refresh_token"]


@ON_ONE_DATABASE
async def test_a_refresh_gives_the_next_pair(desk: Desk):
    first = await refresh_token_of(desk)
    answer = await desk.refresh(first)
    assert (answer.status_code, answer.json()["expires_in"]) == (200, 600)
    assert (await desk.get_with(answer.json()["access_token"], "/me")).json()["login"] == "security"
    assert (await desk.refresh(answer.json()["refresh_token"])).status_code == 200
    drawn = [first, answer.json()["refresh_token"]]
    assert {len(base64.urlsafe_b64decode(f"{each}=")) for each in drawn} == {32} and len(set(drawn)) == 2


async def test_of_fifty_refreshes_at_once_one_succeeds_and_then_the_family_is_dead(desk: Desk):
    """T-10: all but one of those who have it are thieves, or the first was."""
    token, other = await refresh_token_of(desk), await refresh_token_of(desk)
    answers = await asyncio.gather(*(desk.refresh(token) for _ in range(50)))
    outcomes = Counter((answer.status_code, answer.json().get("code")) for answer in answers)
    assert outcomes == {(200, None): 1, (401, "invalid_grant"): 49}
    winner = next(answer.json() for answer in answers if answer.status_code == 200)
    assert (await desk.refresh(winner["refresh_token"])).json()["code"] == "invalid_grant"
    assert (await desk.told()).count("token_family_revoked") == 1
    assert (await desk.refresh(other)).status_code == 200  # another log-in is another family


async def test_two_processes_agree_on_which_refresh_was_first(desk: Desk):
    async with desk.replica() as second:
        token = await refresh_token_of(desk)
        answers = await asyncio.gather(*(each.refresh(token) for each in (desk, second) * 10))
        assert Counter(answer.status_code for answer in answers) == {200: 1, 401: 19}


async def test_a_token_that_comes_back_later_ends_what_grew_from_it(desk: Desk):
    stolen = await refresh_token_of(desk)
    rightful = (await desk.refresh(stolen)).json()["refresh_token"]
    rightful = (await desk.refresh(rightful)).json()["refresh_token"]
    assert (await desk.refresh(stolen)).json()["code"] == "invalid_grant"
    assert (await desk.refresh(rightful)).json()["code"] == "invalid_grant"
    fact = (await desk.facts())[-1]
    assert (fact.act, fact.rsn) == ("identity.token_family_revoked", "refresh_token_reused")


@ON_ONE_DATABASE
async def test_a_refresh_token_that_was_not_used_for_half_a_day_is_refused(desk: Desk):
    token, other = await refresh_token_of(desk), await refresh_token_of(desk)
    desk.clock.advance(hours=12, microseconds=-1)
    assert (await desk.refresh(token)).status_code == 200
    desk.clock.advance(microseconds=1)
    assert (await desk.refresh(other)).status_code == 401


async def test_logging_out_ends_the_family_and_tells_nothing_of_tokens_that_are_not_known(desk: Desk):
    token = await refresh_token_of(desk)
    answers = [await desk.form("/token/revoke", token=each) for each in (token, token, "no such token")]
    assert [(answer.status_code, answer.content) for answer in answers] == [(200, b"")] * 3
    assert (await desk.refresh(token)).status_code == 401
    assert (await desk.told()).count("token_family_revoked") == 1


async def test_whoever_is_disabled_refreshes_no_more_and_is_soon_known_everywhere(desk: Desk):
    await desk.admitted("ana")
    user_id = await desk.colleague("ben", of="ana")
    answer = (await desk.log_in("ben")).json()
    assert (await desk.post("ana", f"/users/{user_id}/disable")).json()["disabled_at"]
    assert (await desk.refresh(answer["refresh_token"])).status_code == 401
    await desk.hear()
    refused = await desk.get_with(answer["access_token"], "/me")
    assert (refused.status_code, refused.json()["code"]) == (401, "invalid_token")


async def test_whoever_is_disabled_while_they_refresh_ends_with_nothing(desk: Desk):
    await desk.admitted("ana")
    user_id = await desk.colleague("ben", of="ana")
    await desk.get("ana", "/me")
    tokens = [await refresh_token_of(desk, "ben") for _ in range(12)]
    disabling = desk.post("ana", f"/users/{user_id}/disable")
    *before, disabled, last = await asyncio.gather(*map(desk.refresh, tokens[:11]), disabling, desk.refresh(tokens[11]))
    assert disabled.status_code == 200
    assert {answer.status_code for answer in (*before, last)} <= {200, 401}
    given = [answer.json()["refresh_token"] for answer in (*before, last) if answer.status_code == 200]
    assert {(await desk.refresh(token)).status_code for token in (*given, *tokens)} == {401}


@ON_ONE_DATABASE
async def test_a_restart_forgets_neither_tokens_nor_their_end(desk: Desk):
    token, spent = await refresh_token_of(desk), await refresh_token_of(desk)
    await desk.refresh(spent)
    again = Desk(desk.core, build(desk.core, hasher=CHEAP), desk.clock)
    assert [(await again.refresh(each)).status_code for each in (token, spent)] == [200, 401]


@ON_ONE_DATABASE
async def test_the_staff_is_made_once_however_often_the_market_starts(desk: Desk):
    again = [LogIn("security", "operator_security", "another pass phrase")]
    assert await staff.bootstrap(desk.identity, again) == []
    assert (await desk.log_in("security", "another pass phrase")).status_code == 401
    await desk.applied("ana")
    for taken in (LogIn("SECURITY", "operator_audit"), LogIn("ana", "regulator")):
        with pytest.raises(LoginTaken):
            await staff.bootstrap(desk.identity, [taken])

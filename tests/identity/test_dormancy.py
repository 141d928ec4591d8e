"""Accounts that nobody uses: told of, and shut, by their time and by nothing else."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.identity import jobs
from services.identity.app import identity_of
from services.identity.rules import dormancy as rules
from services.identity.rules.dormancy import Limits, NoSuchSubject, Use
from services.identity.rules.merchant import MerchantClass
from shared.ids import ApiClientId, UserId
from shared.settings import Settings
from tests.identity.conftest import CHEAP, ON_ONE_DATABASE, Desk

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
A_MOMENT = timedelta(microseconds=1)
LIMITS = Limits(timedelta(days=90), timedelta(days=180))
ANA, BEN = UserId.new(), UserId.new()


@pytest.mark.parametrize("unused, is_told, is_over", [
    (timedelta(days=90) - A_MOMENT,  False, False),
    (timedelta(days=90),             True,  False),
    (timedelta(days=180) - A_MOMENT, True,  False),
    (timedelta(days=180),            True,  True),
])  # fmt: skip
def test_an_account_is_told_of_and_over_at_the_moment_and_not_after_it(
    unused: timedelta, is_told: bool, is_over: bool
):  # fmt: skip
    use = Use(ANA, None, NOON)
    assert rules.is_to_tell(use, LIMITS, NOON + unused) is is_told
    assert rules.is_over(use, LIMITS, NOON + unused) is is_over
    assert rules.shut_at(use, LIMITS) == NOON + timedelta(days=180)
    if is_told:
        assert not rules.is_to_tell(rules.tell(use, NOON + unused), LIMITS, NOON + unused)


def test_where_nothing_is_shut_nothing_is_over():
    limits = replace(LIMITS, shut_after=None)
    assert rules.shut_at(Use(ANA, None, NOON), limits) is None
    assert not rules.is_over(Use(ANA, None, NOON), limits, NOON + timedelta(days=9_999))


@pytest.mark.parametrize("keepers, keeps", [({ANA}, True), ({ANA, BEN}, False), ({BEN}, False), (set[UserId](), False)])
def test_whoever_is_the_last_keeps_the_door(keepers: set[UserId], keeps: bool):
    assert rules.keeps_a_door(ANA, keepers) is keeps
    assert not rules.keeps_a_door(ApiClientId.new(), keepers)


def test_an_account_is_a_user_or_a_client():
    for subject in (UserId.new(), ApiClientId.new()):
        found = rules.subject_of(str(subject))
        assert (found, type(found)) == (subject, type(subject))
    with pytest.raises(NoSuchSubject):
        rules.subject_of(f"key_{'0' * 32}")


def test_an_account_is_told_of_before_it_is_shut():
    assert Settings().dormant_shut_days_in_force is None
    assert Settings(dormant_shut_days=90).dormant_shut_days_in_force == 90
    with pytest.raises(ValueError, match="dormant_shut_days"):
        Settings(dormant_shut_days=89)


@ON_ONE_DATABASE
async def test_settings_say_what_the_market_asks(desk: Desk):
    asked = {"sponsored_classes": ("party",), "dormant_days": 30, "dormant_shut_days": 60}
    settings = desk.core.settings.model_copy(update=asked)
    identity = identity_of(replace(desk.core, settings=settings), CHEAP)
    assert identity.sponsored_classes == {MerchantClass.PARTY}
    assert identity.dormancy == Limits(timedelta(days=30), timedelta(days=60))
    in_production = settings.model_copy(update={"environment": "production", "dormant_shut_days": None})
    assert in_production.dormant_shut_days_in_force == 180
    longer = in_production.model_copy(update={"dormant_days": 200})
    assert longer.dormant_shut_days_in_force == 200


@pytest.fixture
async def desk(desk: Desk) -> AsyncGenerator[Desk]:
    desk.app.state.service = replace(desk.identity, dormancy=LIMITS)
    yield desk


async def dormant(desk: Desk, login: str) -> list[str]:
    return [each["subject"] for each in (await desk.get(login, "/dormant-accounts")).json()["items"]]


async def a_client(desk: Desk, of: str) -> dict[str, str]:
    return (await desk.post(of, "/clients", {"name": "feed", "roles": ["buyer"]})).json()


async def client_status(desk: Desk, client: dict[str, str]) -> int:
    told = {"client_id": client["client_id"], "client_secret": client["client_secret"]}
    return (await desk.form(grant_type="client_credentials", **told)).status_code


async def months(desk: Desk, count: int, *used: str) -> None:
    """So many times thirty days, each with what is used meanwhile; the organisation is verified anew in time."""
    for _ in range(count):
        desk.clock.advance(days=30)
        for login in used:
            await desk.log_in(login)
        await jobs.tick(desk.identity)
        await desk.hear()


@ON_ONE_DATABASE
async def test_what_nobody_uses_is_told_to_whom_it_concerns_once_and_shut_in_the_end(desk: Desk):
    await desk.admitted("ana")
    await desk.admitted("eve")
    dora, client = await desk.colleague("dora", of="ana"), await a_client(desk, "ana")
    kept = ("ana", "security", "eve")
    await months(desk, 2, *kept)
    assert await dormant(desk, "ana") == [] and await client_status(desk, await a_client(desk, "ana")) == 200
    await months(desk, 1, *kept)
    assert await dormant(desk, "ana") == [client["client_id"], dora]
    assert set(await dormant(desk, "security")) >= {dora, client["client_id"]}
    assert await dormant(desk, "eve") == []
    told = [fact.data for fact in await desk.facts() if fact.act == "identity.account_dormant"]
    assert sorted(each["subject"] for each in told if each.get("participant_id")) == [client["client_id"], dora]

    await months(desk, 3, *kept)
    assert len([fact for fact in await desk.facts() if fact.act == "identity.account_dormant"]) >= len(told)
    users = (await desk.get("ana", "/users")).json()["items"]
    assert [each["login"] for each in users if each["disabled_at"]] == ["dora"]
    assert (await desk.log_in("dora")).status_code == await client_status(desk, client) == 401
    assert dora not in await dormant(desk, "ana")

    assert (await desk.post("ana", f"/users/{dora}/enable")).status_code == 200
    assert (await desk.log_in("dora")).status_code == 200
    await months(desk, 1, *kept)
    assert (await desk.log_in("dora")).status_code == 200


async def test_what_is_over_counts_before_the_job_has_noticed_and_the_last_one_keeps_the_door(desk: Desk):
    await desk.admitted("ana")
    await desk.colleague("dora", of="ana")
    client = await a_client(desk, "ana")
    desk.clock.advance(days=180, microseconds=-1)
    assert (await desk.log_in("business")).status_code == 200
    desk.clock.advance(microseconds=1)
    assert [(await desk.log_in(who)).status_code for who in ("dora", "system", "business")] == [401, 401, 200]
    assert await client_status(desk, client) == 401
    assert (await desk.log_in("ana")).status_code == 200  # without her nobody could let anyone in
    assert (await desk.log_in("dora", "a wrong pass phrase")).json()["detail"] == (await desk.log_in("dora")).json()[
        "detail"
    ]


@ON_ONE_DATABASE
async def test_of_all_operators_for_security_one_is_left(desk: Desk):
    desk.clock.advance(days=200)
    await jobs.tick(desk.identity)
    entered = [who for who in ("security", "security2", "checker") if (await desk.log_in(who)).status_code == 200]
    assert len(entered) == 1
    assert (await desk.log_in("regulator")).status_code == 401


@ON_ONE_DATABASE
async def test_a_cursor_of_another_kind_is_refused_and_mere_members_see_nothing(desk: Desk):
    await desk.admitted("ana")
    await desk.colleague("dora", of="ana")
    assert (await desk.get("dora", "/dormant-accounts")).status_code == 403
    assert (await desk.get("business", "/dormant-accounts")).status_code == 403
    desk.clock.advance(days=90)
    first = (await desk.get("security", "/dormant-accounts", limit=3)).json()
    rest = (await desk.get("security", "/dormant-accounts", limit=100, cursor=first["next_cursor"])).json()
    subjects = [each["subject"] for each in first["items"] + rest["items"]]
    assert subjects == sorted(set(subjects)) and len(subjects) == 9  # all but whoever just asked

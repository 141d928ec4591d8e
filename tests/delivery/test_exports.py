"""Transfers abroad, over HTTP and on both databases: what is recorded, what is counted, and what is blocked."""

import asyncio
from typing import Any

import pytest
from httpx2 import Response

from shared.grades import C5, G2, G5, Clearance, Condition, Flag, Grade, Mode
from shared.ids import EntitlementId, VersionId
from tests.delivery.desk import ONE_DATABASE, Desk, deal
from tests.delivery.made_files import PLACES
from tests.support.bench import Person

CONSENTED = [Condition.SEPARATE_CONSENT, Condition.IMPACT_ASSESSMENT]


def path(entitlement_id: EntitlementId) -> str:
    return f"/delivery/v1/entitlements/{entitlement_id}/export-clearances"


async def clear(
    desk: Desk, entitlement_id: EntitlementId, persons: int, *, who: Person | None = None, key: str | None = None,
    **more: Any,
) -> Response:  # fmt: skip
    told = {"persons": persons, "sensitive_persons": 0, "valid_until": "2031-01-01T00:00:00Z", "reason": "已核验"}
    operator = who or desk.bench.staff("operator_security")
    return await desk.bench.post(operator, path(entitlement_id), told | more, key)


async def abroad(
    desk: Desk, buyer: Person, *flags: Flag, grade: Grade = G2, mode: Mode = Mode.RAW, provider: Person | None = None,
    version_id: VersionId | None = None,
) -> EntitlementId:  # fmt: skip
    """A right for Singapore to a version of its own, with everything on record that concerns its persons."""
    provider = provider or await desk.bench.member("provider")
    version_id = version_id or await desk.stocked(provider, PLACES, grade, *flags)
    desk.shelf.change(version_id, on_record=CONSENTED)
    granted = await desk.grant(buyer, version_id, mode, territory="SG", provider_id=provider.participant_id)
    assert await desk.depot.watch.heard_of(granted, buyer.participant_id)
    return granted


async def code(desk: Desk, buyer: Person, entitlement_id: EntitlementId) -> str | None:
    answer = await desk.fetch(buyer, entitlement_id)
    if answer.status_code == 200:
        return None
    assert answer.json()["code"] == "export_blocked" and answer.json()["rule"].startswith("export.")
    return answer.json()["reason_code"]


async def test_all_that_a_provider_sends_abroad_in_a_year_is_added_up_to_whomever_it_goes(desk: Desk):
    provider, buyer, another = [await desk.bench.member(role) for role in ("provider", "buyer", "buyer")]
    one, other = [await abroad(desk, who, Flag.PERSONAL, provider=provider) for who in (buyer, another)]
    assert await code(desk, buyer, one) == "needs_info"
    await clear(desk, one, 60_000)
    assert [await code(desk, buyer, one) for _ in range(2)] == [None, None]  # the same version counts once
    await clear(desk, other, 39_999)
    assert await code(desk, another, other) is None
    await clear(desk, other, 40_000)
    assert await code(desk, another, other) == "standard_contract_or_certification_missing"
    await clear(desk, other, 40_000, instrument="standard_contract", number="京-2030-1", covers_persons=99_999)
    assert await code(desk, another, other) == "beyond_assessed_scope"
    await clear(desk, other, 40_000, instrument="standard_contract", number="京-2030-1", covers_persons=100_000)
    assert await code(desk, another, other) is None
    theirs = await abroad(desk, buyer, Flag.PERSONAL)
    await clear(desk, theirs, 99_999)
    assert await code(desk, buyer, theirs) is None  # each provider by itself


async def test_the_same_version_to_two_recipients_is_the_same_persons(desk: Desk):
    provider, buyer, another = [await desk.bench.member(role) for role in ("provider", "buyer", "buyer")]
    one = await abroad(desk, buyer, Flag.PERSONAL, provider=provider)
    same = desk.counter.granted[one].version_id
    two = await abroad(desk, another, Flag.PERSONAL, provider=provider, version_id=same)
    more = await abroad(desk, another, Flag.PERSONAL, provider=provider)
    for right, persons in ((one, 50_000), (two, 50_000), (more, 49_999)):
        await clear(desk, right, persons)
    assert [await code(desk, who, right) for who, right in ((buyer, one), (another, two), (another, more))] == [
        None
    ] * 3
    await clear(desk, more, 50_000)
    assert await code(desk, another, more) == "standard_contract_or_certification_missing"


@ONE_DATABASE
async def test_the_count_begins_anew_with_the_year(desk: Desk):
    provider, buyer = [await desk.bench.member(role) for role in ("provider", "buyer")]
    one, other = [await abroad(desk, buyer, Flag.PERSONAL, provider=provider) for _ in range(2)]
    for each in (one, other):
        await clear(desk, each, 60_000, valid_until="2032-06-01T00:00:00Z")
    assert [await code(desk, buyer, each) for each in (one, other)] == [
        None, "standard_contract_or_certification_missing",
    ]  # fmt: skip
    desk.bench.clock.advance(days=366)
    await desk.bench.refresh()
    assert await code(desk, buyer, other) is None


async def test_two_transfers_of_a_provider_at_once_are_counted_as_two(desk: Desk):
    provider = await desk.bench.member("provider")
    buyers = [await desk.bench.member("buyer") for _ in range(4)]
    rights = [(buyer, await abroad(desk, buyer, Flag.PERSONAL, provider=provider)) for buyer in buyers]
    for _, each in rights:
        await clear(desk, each, 60_000)
    answers = await asyncio.gather(*(desk.fetch(buyer, each) for buyer, each in rights))
    codes = sorted(str(answer.status_code if answer.is_success else answer.json()["code"]) for answer in answers)
    assert codes[0] == "200" and set(codes[1:]) <= {"export_blocked", "export_running"}
    assert len(await desk.facts("delivery_started")) == 1
    assert len(await desk.facts("delivery_refused")) == codes.count("export_blocked")


@ONE_DATABASE
async def test_important_data_go_abroad_by_their_assessment_only(desk: Desk):
    buyer = await desk.bench.member("buyer", clearance=C5)
    right = await abroad(desk, buyer, grade=G5, mode=Mode.COMPUTE)
    desk.shelf.change(desk.counter.granted[right].version_id, on_record=list(Condition))
    answer = await desk.fetch(buyer, right)
    assert (answer.status_code, answer.json()["code"]) == (403, "export_blocked")
    assert (answer.json()["reason_code"], answer.json()["rule"], answer.json()["article"]) == (
        "security_assessment_missing", "export.important_data", "网络数据安全管理条例 art. 37",
    )  # fmt: skip
    [refused] = await desk.facts("delivery_refused")
    assert refused["reason_code"] == "security_assessment_missing"
    await clear(desk, right, 0, instrument="security_assessment", number="国网办-1")
    assert (await desk.fetch(buyer, right)).json()["code"] == "mode_not_served"  # allowed, but not as a file


@ONE_DATABASE
async def test_what_names_nobody_goes_abroad_without_asking(desk: Desk):
    buyer = await desk.bench.member("buyer")
    assert await code(desk, buyer, await abroad(desk, buyer)) is None


async def test_a_clearance_is_recorded_once_by_security_and_read_by_both_sides(desk: Desk):
    buyer = await desk.bench.member("buyer")
    right = await abroad(desk, buyer, Flag.PERSONAL)
    told: dict[str, Any] = {"who": desk.bench.staff("operator_security"), "key": "a-key-of-its-own"}
    made, again = [await clear(desk, right, 10, ground="contract_necessity", **told) for _ in range(2)]
    assert made.status_code == again.status_code == 201 and made.json() == again.json()
    assert made.headers["Location"] == path(right)
    provider = Person("user_" + "0" * 32, frozenset({"provider"}), desk.counter.granted[right].provider_id)
    for who in (buyer, provider, desk.bench.staff("regulator"), desk.bench.staff("operator_security")):
        assert (await desk.bench.get(who, path(right))).json()["items"] == [made.json()]
    [recorded] = await desk.facts("export_clearance_recorded")
    assert (recorded["entitlement_id"], recorded["ground"]) == (right, "contract_necessity")


@ONE_DATABASE
async def test_a_strangers_clearances_and_absent_ones_look_the_same(desk: Desk):
    buyer, stranger = await desk.bench.member("buyer"), await desk.bench.member("buyer")
    right = await abroad(desk, buyer)
    answers = [await desk.bench.get(stranger, path(each)) for each in (right, EntitlementId.new())]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].json() | {"request_id": ""} == answers[1].json() | {"request_id": ""}
    assert (await clear(desk, EntitlementId.new(), 1)).status_code == 404


@ONE_DATABASE
@pytest.mark.parametrize("roles", [["operator_business"], ["operator_audit"], ["regulator"], ["buyer"], ["provider"]])
async def test_nobody_else_clears(desk: Desk, roles: list[str]):
    buyer = await desk.bench.member("buyer")
    right = await abroad(desk, buyer)
    assert (await clear(desk, right, 1, who=desk.bench.staff(*roles))).status_code == 403


@ONE_DATABASE
@pytest.mark.parametrize("more, status", [
    ({"number": "N-1"},                                    422),
    ({"instrument": "standard_contract"},                  422),
    ({"sensitive_persons": 2},                             422),
    ({"covers_persons": 10},                               422),
    ({"covers_persons": 0},                                422),
    ({"valid_until": "2029-01-01T00:00:00Z"},              422),
    ({"valid_until": "2040-01-01T00:00:00Z"},              422),
    ({"persons": -1},                                      422),
    ({"persons": "1"},                                     422),
    ({"ground": "none"},                                   422),
    ({"reason": " "},                                      422),
])  # fmt: skip
async def test_a_clearance_that_says_nothing_whole_is_refused(desk: Desk, more: dict[str, Any], status: int):
    buyer, entitlement_id, _ = await deal(desk, clearance=Clearance.C2)
    assert await desk.depot.watch.heard_of(entitlement_id, buyer.participant_id)
    answer = await clear(desk, entitlement_id, more.pop("persons", 1), **more)
    assert answer.status_code == status and not await desk.facts("export_clearance_recorded")

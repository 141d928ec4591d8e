"""A request for access: who decides, in which order, until when, and what an approval is worth."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalog import jobs
from services.catalog.rules import access
from services.catalog.rules.access import (
    APPROVED,
    AWAITING_OPERATOR,
    AWAITING_PROVIDER,
    ENDED,
    LAPSED,
    AccessAlreadyRequested,
    AccessDeadlinePassed,
    AccessRequest,
    AccessStands,
    Form,
    JudgesOwnAffair,
    NothingToRenew,
    NotPossible,
    NotYourTurn,
    OwnVersion,
)
from shared.errors import Failure
from shared.grades import C2, C3, G1, G3, G4, G5, Grade, Mode
from shared.ids import AccessRequestId, AssetId, ParticipantId, VersionId
from shared.lifecycle import IllegalMove
from tests.catalog.made import NOON
from tests.catalog.market import Market, a_field, harm, refusal
from tests.support.bench import Person

FORM = Form(Mode.COMPUTE, "research", 30, "为了研究")
VERSION, ASSET, PROVIDER, BUYER = VersionId.new(), AssetId.new(), ParticipantId.new(), ParticipantId.new()
SECRET = harm("individual", "extreme")


def asked(grade: Grade = G3, *earlier: AccessRequest, now: datetime = NOON, **form: Any) -> AccessRequest:
    return access.request(
        AccessRequestId.new(), form.pop("buyer_id", BUYER), "user_b", replace(FORM, **form), asset_id=ASSET,
        version_id=VERSION, provider_id=PROVIDER, grade=grade, flags=frozenset(), earlier=earlier, now=now,
    )  # fmt: skip


def agreed(request: AccessRequest, grade: Grade = G3, now: datetime = NOON) -> AccessRequest:
    return access.approve_as_provider(request, "user_p", "用途清楚", grade, frozenset(), now)


def confirmed(request: AccessRequest, grade: Grade = G4, organisation: ParticipantId | None = None) -> AccessRequest:
    return access.approve_as_operator(request, "user_o", "已复核", organisation, grade, frozenset(), NOON)


def test_below_g4_the_provider_alone_decides():
    request = agreed(asked(G3), G3)
    assert (request.state, request.next_actor, request.deadline) == (APPROVED, "buyer", NOON + timedelta(days=30))


def test_from_g4_an_operator_decides_after_the_provider():
    request = agreed(asked(G4), G4)
    assert (request.state, request.next_actor, request.deadline) == (
        AWAITING_OPERATOR, "operator_business", NOON + timedelta(days=15),
    )  # fmt: skip
    assert confirmed(request).state is APPROVED


def test_the_second_level_is_asked_for_where_the_grade_rose_while_the_request_lay():
    assert agreed(asked(G3), G4).state is AWAITING_OPERATOR


def test_every_step_is_kept_with_its_words():
    steps = confirmed(agreed(asked(G4), G4)).steps
    assert [(taken.step, taken.by, taken.reason) for taken in steps] == [
        ("requested", "user_b", "为了研究"), ("agreed", "user_p", "用途清楚"), ("approved", "user_o", "已复核"),
    ]  # fmt: skip


@pytest.mark.parametrize("act, refused", [
    (lambda: asked(buyer_id=PROVIDER), OwnVersion),
    (lambda: asked(G4, mode=Mode.RAW), NotPossible),
    (lambda: asked(G3, asked()), AccessAlreadyRequested),
    (lambda: asked(G3, agreed(asked())), AccessStands),
    (lambda: asked(G3, renews=AccessRequestId.new()), NothingToRenew),
    (lambda: confirmed(asked(G4)), NotYourTurn),
    (lambda: agreed(agreed(asked(G4), G4), G4), NotYourTurn),
    (lambda: confirmed(agreed(asked(G4), G4), organisation=BUYER), JudgesOwnAffair),
    (lambda: confirmed(agreed(asked(G4), G4), organisation=PROVIDER), JudgesOwnAffair),
    (lambda: agreed(asked(), now=NOON + timedelta(days=15)), AccessDeadlinePassed),
    (lambda: agreed(agreed(asked())), IllegalMove),
    (lambda: access.withdraw(agreed(asked()), "user_b", NOON), IllegalMove),
])  # fmt: skip
def test_what_cannot_be_done(act: Callable[[], object], refused: type[Failure]):
    with pytest.raises(refused):
        act()


def test_an_approval_holds_up_to_its_grade_and_until_its_day():
    request = agreed(asked(G3), G3)
    last = NOON + timedelta(days=30, microseconds=-1)
    assert access.stands(request, G3, last) and access.stands(request, G1, last)
    assert not access.stands(request, G4, last)
    assert not access.stands(request, G3, NOON + timedelta(days=30))


def test_a_renewal_takes_the_place_of_what_it_renews():
    first = agreed(asked())
    second = agreed(asked(G3, first, renews=first.id))
    assert second.state is APPROVED
    ended = access.give_way(first, "user_p", NOON)
    assert (ended.state, ended.reason_code) == (ENDED, "renewed")


def test_what_ended_by_its_day_was_not_renewed():
    assert access.give_way(agreed(asked()), "user_p", NOON + timedelta(days=31)).reason_code == "expired"


@given(st.lists(st.sampled_from(["agree", "confirm", "refuse", "withdraw", "revoke", "wait"]), max_size=8))
def test_left_alone_every_request_comes_to_its_end(acts: list[str]):
    request, now = asked(G4), NOON
    for act in acts:
        try:
            match act:
                case "agree":
                    request = agreed(request, G4, now)
                case "confirm":
                    request = confirmed(request)
                case "refuse":
                    request = access.refuse(request, AWAITING_PROVIDER, "user_p", "no", "不行", now)
                case "withdraw":
                    request = access.withdraw(request, "user_b", now)
                case "revoke":
                    request = access.revoke(request, "user_p", "misused", "越权使用", now)
                case _:
                    now += timedelta(days=7)
        except Failure:
            continue
    while request.deadline is not None:
        request = access.pass_deadline(request, "catalog", request.deadline)
    assert request.next_actor is None and request.state not in (AWAITING_PROVIDER, AWAITING_OPERATOR, APPROVED)
    assert request.reason_code is not None


async def ask(market: Market, buyer: Person, version_id: str, status: int = 201, **form: Any) -> dict[str, Any]:
    body = {"version_id": version_id, "mode": "compute", "purpose": "research", "days": 30, "reason": "研究"} | form
    return market.done(await market.bench.post(buyer, "/catalog/v1/access-requests", body), status)


async def decide(market: Market, who: Person, request: dict[str, Any], word: str, status: int = 200) -> dict[str, Any]:
    body = None if word == "withdrawal" else {"reason": "因为"}
    if word.endswith(("refusal", "revocation")):
        body = {"reason_code": "no_need", "reason": "因为"}
    return market.done(
        await market.bench.post(who, f"/catalog/v1/access-requests/{request['id']}/{word}", body), status
    )


async def fields_seen(market: Market, who: Person, asset: dict[str, Any]) -> list[str] | None:
    found = market.done(await market.bench.get(who, f"/catalog/v1/assets/{asset['id']}"))
    fields = found["versions"][0]["fields"]
    return fields and [field["name"] for field in fields]


async def test_an_approved_request_opens_the_field_names_of_g4_until_the_grade_rises(market: Market):
    bench, provider = market.bench, await market.provider()
    buyer, other = await bench.member("buyer", clearance=C3), await bench.member("buyer", clearance=C3)
    asset = await market.registered(provider, a_field("诊断"), impacts=SECRET)
    version_id = asset["versions"][0]["id"]
    assert await fields_seen(market, buyer, asset) is None
    request = await ask(market, buyer, version_id)
    await decide(market, provider, request, "approval")
    assert await fields_seen(market, buyer, asset) is None
    done = await decide(market, await market.officer(asset["id"], "G4"), request, "second-approval")
    assert (done["state"], [step["step"] for step in done["steps"]]) == (
        "approved",
        ["requested", "agreed", "approved"],
    )
    assert await fields_seen(market, buyer, asset) == ["诊断"]
    assert await fields_seen(market, other, asset) is None
    assert (await market.acts())[-3:] == ["access_requested", "access_agreed", "access_approved"]
    bench.clock.advance(days=30)
    await bench.refresh()
    assert await fields_seen(market, buyer, asset) is None
    await jobs.tick(market.catalog)
    seen = market.done(await bench.get(buyer, f"/catalog/v1/access-requests/{request['id']}"))
    assert (seen["state"], seen["reason_code"]) == ("ended", "expired")


async def test_neighbours_are_told_what_stands(market: Market):
    bench, provider, buyer = market.bench, await market.provider(), await market.bench.member("buyer")
    version_id = (await market.registered(provider))["versions"][0]["id"]
    request = await decide(market, provider, await ask(market, buyer, version_id, mode="raw"), "approval")
    path = f"/catalog/v1/versions/{version_id}/access?participant_id={buyer.participant_id}"
    told = (await bench.ask_as_service("delivery", "GET", path)).json()
    assert told == [{"request_id": request["id"], "mode": "raw", "purpose": "research", "until": request["deadline"]}]
    await decide(market, provider, request, "revocation")
    assert (await bench.ask_as_service("delivery", "GET", path)).json() == []


async def test_neighbours_are_told_who_graded_and_who_registered_a_version(market: Market):
    bench, provider = market.bench, await market.provider()
    asset = await market.registered(provider)
    version_id = asset["versions"][0]["id"]
    path = f"/catalog/v1/versions/{version_id}/reviewers"
    told = (await bench.ask_as_service("trading", "GET", path)).json()
    operators = [each for each in told if each != provider.subject]
    assert told == sorted(told) and provider.subject in told and operators
    raiser, raised = bench.staff("operator_business"), {"impacts": SECRET, "reason": "复核"}
    market.done(await bench.post(raiser, f"/catalog/v1/versions/{version_id}/raise-grade", raised))
    again = (await bench.ask_as_service("trading", "GET", path)).json()
    assert set(again) == {*told, raiser.subject}
    nowhere = await bench.ask_as_service("trading", "GET", f"/catalog/v1/versions/{VersionId.new()}/reviewers")
    assert refusal(nowhere) == (404, "no_such_version")


async def test_who_may_not_see_the_entry_cannot_ask_for_it(market: Market):
    provider, low = await market.provider(), await market.bench.member("buyer", clearance=C2)
    version_id = (await market.registered(provider, impacts=SECRET))["versions"][0]["id"]
    body = {"version_id": version_id, "mode": "compute", "purpose": "research", "days": 30, "reason": "研究"}
    there = await market.bench.post(low, "/catalog/v1/access-requests", body)
    nowhere = await market.bench.post(low, "/catalog/v1/access-requests", body | {"version_id": VersionId.new()})
    assert refusal(there) == refusal(nowhere) == (404, "no_such_version")


async def test_a_request_is_there_for_its_two_sides_and_the_staff_alone(market: Market):
    bench, provider, buyer = market.bench, await market.provider(), await market.bench.member("buyer")
    stranger = await bench.member("buyer", "provider")
    request = await ask(market, buyer, (await market.registered(provider))["versions"][0]["id"])
    path = f"/catalog/v1/access-requests/{request['id']}"
    for who, status in ((buyer, 200), (provider, 200), (bench.staff("regulator"), 200), (stranger, 404)):
        assert (await bench.get(who, path)).status_code == status
        listed = (await bench.get(who, "/catalog/v1/access-requests")).json()["items"]
        assert [one["id"] for one in listed] == ([request["id"]] if status == 200 else [])
    for word in ("approval", "refusal", "withdrawal", "revocation"):
        await decide(market, stranger, request, word, 404)


async def test_of_two_requests_at_once_one_is_kept(market: Market):
    provider, buyer = await market.provider(), await market.bench.member("buyer")
    version_id = (await market.registered(provider))["versions"][0]["id"]
    body = {"version_id": version_id, "mode": "raw", "purpose": "research", "days": 30, "reason": "研究"}
    answers = await asyncio.gather(*(market.bench.post(buyer, "/catalog/v1/access-requests", body) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7


async def test_of_a_yes_and_a_no_at_once_one_counts(market: Market):
    bench, provider, buyer = market.bench, await market.provider(), await market.bench.member("buyer")
    request = await ask(market, buyer, (await market.registered(provider))["versions"][0]["id"])
    path = f"/catalog/v1/access-requests/{request['id']}"
    answers = await asyncio.gather(
        bench.post(provider, f"{path}/approval", {"reason": "因为"}),
        bench.post(provider, f"{path}/refusal", {"reason_code": "no_need", "reason": "因为"}),
        bench.post(buyer, f"{path}/withdrawal"),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]


async def test_a_request_that_nobody_decides_lapses_and_another_may_follow(market: Market):
    bench, provider, buyer = market.bench, await market.provider(), await market.bench.member("buyer")
    version_id = (await market.registered(provider))["versions"][0]["id"]
    request = await ask(market, buyer, version_id)
    bench.clock.advance(days=15)
    await bench.refresh()
    late = await bench.post(provider, f"/catalog/v1/access-requests/{request['id']}/approval", {"reason": "因为"})
    assert refusal(late) == (409, "access_deadline_passed")
    await jobs.tick(market.catalog)
    seen = market.done(await bench.get(buyer, f"/catalog/v1/access-requests/{request['id']}"))
    assert (seen["state"], seen["reason_code"]) == (LAPSED, "not_decided_in_time")
    await ask(market, buyer, version_id)


async def test_an_expired_approval_that_nobody_noticed_does_not_stand_in_the_way(market: Market):
    bench, provider, buyer = market.bench, await market.provider(), await market.bench.member("buyer")
    version_id = (await market.registered(provider))["versions"][0]["id"]
    first = await decide(market, provider, await ask(market, buyer, version_id, days=1), "approval")
    bench.clock.advance(days=1)
    await bench.refresh()
    await decide(market, provider, await ask(market, buyer, version_id), "approval")
    seen = market.done(await bench.get(buyer, f"/catalog/v1/access-requests/{first['id']}"))
    assert (seen["state"], seen["reason_code"]) == ("ended", "expired")


async def test_a_renewal_ends_the_one_that_it_renews(market: Market):
    bench, provider, buyer = market.bench, await market.provider(), await market.bench.member("buyer")
    version_id = (await market.registered(provider))["versions"][0]["id"]
    first = await decide(market, provider, await ask(market, buyer, version_id), "approval")
    again = await ask(market, buyer, version_id, renews=first["id"])
    still = market.done(await bench.get(buyer, f"/catalog/v1/access-requests/{first['id']}"))
    assert still["state"] == "approved"  # until the new one is decided
    await decide(market, provider, again, "approval")
    ended = market.done(await bench.get(buyer, f"/catalog/v1/access-requests/{first['id']}"))
    assert (ended["state"], ended["reason_code"]) == ("ended", "renewed")


def test_important_data_are_asked_for_in_compute_mode_alone():
    assert asked(G5).state is AWAITING_PROVIDER
    for mode in set(Mode) - {Mode.COMPUTE}:
        with pytest.raises(NotPossible):
            asked(G5, mode=mode)

"""What is computed over important data goes out only after a person has looked at it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.catalog.client import ApprovedAccess
from services.delivery.rules import result_review as rules
from services.delivery.rules.cube import Level
from services.delivery.rules.cube_query import Question
from services.delivery.rules.result_review import (
    AWAITING_REVIEW,
    LAPSED,
    RELEASED,
    REVIEWED_WITHIN,
    WITHHELD,
    NotReviewedInTime,
    Reason,
    ResultAwaitsReview,
    ResultReview,
    ResultWithheld,
    ReviewsOwnAffair,
)
from shared.grades import C5, G4, G5, G6, Condition, Grade, Mode
from shared.ids import (
    AccessRequestId,
    CubeId,
    EntitlementId,
    ParticipantId,
    ResultReviewId,
    UseId,
    VersionId,
)
from shared.lifecycle import IllegalMove
from tests.delivery.desk import ONE_DATABASE, Desk
from tests.delivery.test_cubes import COUNT, ask, cubed, table
from tests.support.bench import Person
from tests.trading.made import MICROSECOND, NOON

LATE = NOON + REVIEWED_WITHIN
BUYER, PROVIDER, OTHER = (ParticipantId.new() for _ in range(3))
REASON = {"reason": "已核对"}


def waiting() -> ResultReview:
    return ResultReview(
        ResultReviewId.new(), CubeId.new(), VersionId.new(), PROVIDER, EntitlementId.new(), BUYER, UseId.new(),
        Level.NOISY, Question((), (), ()), "ab" * 32, 500_000, AWAITING_REVIEW, Reason.REVIEW_DUE, NOON,
        rules.deadline_of(NOON),
    )  # fmt: skip


@pytest.mark.parametrize("grade, reviewed", [(G4, False), (G5, True), (G6, True)])
def test_results_are_reviewed_from_important_data_on(grade: Grade, reviewed: bool):
    assert rules.is_reviewed(grade) is reviewed
    reviews = {Condition.RESULT_REVIEW} if reviewed else set[Condition]()
    assert rules.kept_to(grade) == {Condition.SMALLEST_GROUP} | reviews


@pytest.mark.parametrize("releases, state, code", [(True, RELEASED, "released"), (False, WITHHELD, "withheld")])
def test_a_person_decides_until_the_deadline(releases: bool, state: rules.State, code: str):
    in_time = LATE - MICROSECOND
    done = rules.decide(waiting(), "user_o", OTHER, "看过了", in_time, releases=releases)
    assert (done.state, done.reason_code, done.deadline, done.next_actor) == (state, code, None, None)
    assert (done.reviewed_by, done.reason, done.revision) == ("user_o", "看过了", 2)
    with pytest.raises(NotReviewedInTime) as late:
        rules.decide(waiting(), "user_o", None, "晚了", LATE, releases=releases)
    assert late.value.facts == {"deadline": LATE}
    with pytest.raises(IllegalMove):
        rules.decide(done, "user_o", None, "再看", NOON, releases=not releases)
    for own in (BUYER, PROVIDER):
        with pytest.raises(ReviewsOwnAffair):
            rules.decide(waiting(), "user_o", own, "自己的", NOON, releases=releases)


def test_only_what_was_released_goes_out():
    review = waiting()
    with pytest.raises(ResultAwaitsReview) as awaits:
        rules.require_released(review)
    assert awaits.value.facts == {"result_review_id": review.id, "deadline": LATE, "next_actor": "operator"}
    lapsed = rules.lapse(review)
    assert (lapsed.state, lapsed.reason_code, lapsed.deadline) == (LAPSED, "not_reviewed_in_time", None)
    with pytest.raises(ResultAwaitsReview):
        rules.require_released(lapsed)
    with pytest.raises(ResultWithheld) as withheld:
        rules.require_released(replace(review, state=WITHHELD, reason="可识别"))
    assert withheld.value.facts == {"result_review_id": review.id, "reason": "可识别"}
    rules.require_released(replace(review, state=RELEASED))


async def important(desk: Desk) -> tuple[Person, EntitlementId, VersionId, Person]:
    """A buyer with an approved request to compute over important data with an approved cube."""
    buyer, entitlement_id, version_id, provider = await cubed(desk, table(factor=2), G5, clearance=C5)
    desk.shelf.change(version_id, on_record=[Condition.RISK_ASSESSMENT])
    approve(desk, buyer, version_id)
    return buyer, entitlement_id, version_id, provider


def approve(desk: Desk, buyer: Person, version_id: VersionId) -> None:
    until = desk.bench.clock.now() + timedelta(days=30)
    told = ApprovedAccess(request_id=AccessRequestId.new(), mode=Mode.COMPUTE, purpose="research", until=until)
    assert buyer.participant_id
    desk.shelf.approved[version_id, buyer.participant_id] = [told]


async def review_of(desk: Desk, buyer: Person, entitlement_id: EntitlementId, **asked: Any) -> str:
    """The id of the review that the answer waits for."""
    answer = await ask(desk, buyer, entitlement_id, ["region"], [COUNT], **asked)
    assert (answer.status_code, answer.json()["code"]) == (409, "result_awaits_review"), answer.text
    assert "groups" not in answer.text
    return answer.json()["result_review_id"]


async def test_a_result_is_computed_paid_for_reviewed_and_then_told(desk: Desk):
    buyer, entitlement_id, version_id, provider = await important(desk)
    review_id = await review_of(desk, buyer, entitlement_id, key="the-same-key")
    assert await review_of(desk, buyer, entitlement_id, key="the-same-key") == review_id
    path, officer = f"/delivery/v1/result-reviews/{review_id}", await desk.officer(version_id, G5)
    for party in (buyer, provider):
        seen = (await desk.bench.get(party, path)).json()
        assert (seen["state"], seen["next_actor"], seen["result"]) == ("awaiting_review", "operator", None)
    looked = (await desk.bench.get(officer, path)).json()["result"]
    unnamed, stranger = desk.bench.staff("operator_business"), await desk.bench.member("buyer", clearance=C5)
    for nobody in (unnamed, stranger):
        assert (await desk.bench.get(nobody, path)).json()["code"] == "no_such_result_review"
        listed = await desk.bench.get(nobody, f"/delivery/v1/versions/{version_id}/result-reviews")
        assert listed.json()["items"] == []
    assert (await desk.bench.post(unnamed, f"{path}/release", REASON)).json()["code"] == "no_such_result_review"
    assert (await desk.bench.post(buyer, f"{path}/release", REASON)).status_code == 403
    released = await desk.bench.post(officer, f"{path}/release", REASON)
    assert (released.json()["state"], released.json()["reason"]) == ("released", "已核对")
    answer = await ask(desk, buyer, entitlement_id, ["region"], [COUNT], key="the-same-key")
    told = answer.json()
    assert answer.status_code == 200 and told["level"] == "noisy" and len(told["groups"]) == 3
    assert told | {"epsilon_micro_charged": 0} == looked | {"epsilon_micro_charged": 0}
    assert len(desk.counter.used) == 1 and told["certificate"]["contributors_min"] == 20
    [requested], [out] = await desk.facts("result_review_requested"), await desk.facts("result_released")
    assert requested["epsilon_micro_charged"] == 500_000 and told["epsilon_micro_charged"] == 0
    assert requested["answer_digest"] == out["answer_digest"] == told["certificate"]["answer_digest"]
    [answered] = await desk.facts("cube_answered")
    decision: Any = answered["decision"]
    demanded = {f"condition.{each}" for each in ("order_approval", "risk_assessment", "result_review")}
    assert demanded <= set(decision["rules"])


@ONE_DATABASE
async def test_each_order_is_reviewed_for_itself(desk: Desk):
    buyer, entitlement_id, version_id, _ = await important(desk)
    officer, other = await desk.officer(version_id, G5), await desk.bench.member("buyer", clearance=C5)
    approve(desk, other, version_id)
    first = await review_of(desk, buyer, entitlement_id)
    await desk.bench.post(officer, f"/delivery/v1/result-reviews/{first}/release", REASON)
    second = await review_of(desk, other, await desk.grant(other, version_id, Mode.COMPUTE))
    third = await review_of(desk, buyer, await desk.grant(buyer, version_id, Mode.COMPUTE))
    assert len({first, second, third}) == 3
    listed = f"/delivery/v1/versions/{version_id}/result-reviews"
    assert [one["id"] for one in (await desk.bench.get(buyer, listed)).json()["items"]] == [first, third]
    assert len((await desk.bench.get(officer, listed)).json()["items"]) == 3


@ONE_DATABASE
async def test_what_was_withheld_stays_so_and_what_nobody_reviewed_is_reviewed_anew(desk: Desk):
    buyer, entitlement_id, version_id, _ = await important(desk)
    first = await review_of(desk, buyer, entitlement_id)
    desk.bench.clock.advance(seconds=REVIEWED_WITHIN.total_seconds())
    await desk.bench.refresh()
    officer = await desk.officer(version_id, G5)
    late = await desk.bench.post(officer, f"/delivery/v1/result-reviews/{first}/release", REASON)
    assert (late.status_code, late.json()["code"]) == (409, "not_reviewed_in_time")
    second = await review_of(desk, buyer, entitlement_id)
    assert second != first and [one["result_review_id"] for one in await desk.facts("result_review_lapsed")] == [first]
    path = f"/delivery/v1/result-reviews/{second}"
    assert (await desk.bench.post(officer, f"{path}/withhold", {"reason": "可识别"})).json()["state"] == "withheld"
    answer = await ask(desk, buyer, entitlement_id, ["region"], [COUNT])
    assert (answer.status_code, answer.json()["code"], answer.json()["reason"]) == (403, "result_withheld", "可识别")
    third = await ask(desk, buyer, entitlement_id, ["age"], [COUNT])
    assert third.json()["code"] == "result_awaits_review"
    desk.bench.clock.advance(seconds=REVIEWED_WITHIN.total_seconds())
    await desk.tick()
    lapsed = (await desk.bench.get(buyer, f"/delivery/v1/result-reviews/{third.json()['result_review_id']}")).json()
    assert (lapsed["state"], lapsed["reason_code"]) == ("lapsed", "not_reviewed_in_time")
    assert await desk.facts("cube_answered") == []


@ONE_DATABASE
async def test_a_released_result_is_told_only_while_the_approval_stands(desk: Desk):
    buyer, entitlement_id, version_id, _ = await important(desk)
    review_id = await review_of(desk, buyer, entitlement_id)
    officer = await desk.officer(version_id, G5)
    await desk.bench.post(officer, f"/delivery/v1/result-reviews/{review_id}/release", REASON)
    desk.shelf.approved.clear()
    answer = await ask(desk, buyer, entitlement_id, ["region"], [COUNT])
    assert (answer.status_code, answer.json()["code"]) == (403, "order_approval_missing")

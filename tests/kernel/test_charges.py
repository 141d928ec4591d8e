"""What somebody of the staff is charged with: the same whichever way it was heard, and after a start as before it."""

import json
from datetime import timedelta
from itertools import permutations

import pytest

from services.audit.events.log import CaseApproved, CaseEnded, CaseExtended, CaseFact, CaseOpened, CaseRefused
from services.audit.rules.case import Form, Scope, State, open_case
from services.identity.events.assignments import AssignmentEnded, AssignmentMade
from services.identity.rules import assignment
from shared.charges import Charges
from shared.facts import Actor, Fact
from shared.grades import G4, G5, Grade
from shared.ids import AssetId, AssignmentId, CaseId, ParticipantId, UserId
from shared.oversight import Charge
from tests.support.bench import WrittenFeed
from tests.support.clock import ToldClock

ANA, BEN, EVE = UserId.new(), UserId.new(), UserId.new()
ASSET, PROVIDER, CASE, ASSIGNMENT = AssetId.new(), ParticipantId.new(), CaseId.new(), AssignmentId.new()
START = ToldClock().now()
TICK = timedelta(microseconds=1)
BY_CASE = Charge("regulator", G5, frozenset({ASSET}), frozenset({PROVIDER}))


def a_case(highest: Grade = G5) -> CaseOpened:
    until = START + timedelta(days=9)
    scope = Scope(frozenset({PROVIDER}), frozenset({ASSET}), frozenset(), START, until, highest)
    return CaseOpened.of(open_case(CASE, ANA, Form("检查", "数据安全法", scope, until, frozenset({BEN})), START))


async def heard(service: str, *told: tuple[Fact, str]) -> Charges:
    feed, charges = WrittenFeed(service), Charges()
    for fact, by in told:
        feed.announce(ToldClock(), fact, actor=Actor("user", by))
    for change in await feed.after({}):
        charges.hear(change)
    return charges


OPENED, APPROVED = (a_case(), ANA), (CaseApproved(CASE, 2, "同意"), EVE)
EXTENDED = (CaseExtended(CASE, 3, START + timedelta(days=20), "再查"), EVE)
OVER: tuple[CaseFact, ...] = (
    CaseRefused(CASE, 2, "no", "不同意"), CaseEnded(CASE, 4, State.EXPIRED, "expired"),
)  # fmt: skip


@pytest.mark.parametrize("told", [*permutations((OPENED, APPROVED, EXTENDED))])
async def test_a_case_comes_to_the_same_in_whatever_order_it_is_heard(told: tuple[tuple[Fact, str], ...]):
    charges = await heard("audit", *told)
    for officer in (ANA, BEN, EVE):
        assert charges.of(officer, START + timedelta(days=20) - TICK) == (BY_CASE,)
        assert charges.of(officer, START + timedelta(days=20)) == ()
    assert charges.of(UserId.new(), START) == ()


@pytest.mark.parametrize("over", OVER, ids=lambda over: type(over).__name__)
async def test_what_is_over_charges_nobody_though_its_end_was_heard_first(over: CaseFact):
    for told in permutations((OPENED, APPROVED, (over, EVE))):
        assert (await heard("audit", *told)).lasting(START) == ()


async def test_a_case_of_two_charges_nobody_before_the_second_yes_and_one_below_g5_at_once():
    assert (await heard("audit", OPENED)).lasting(START) == ()
    assert {charge.highest for charge in (await heard("audit", (a_case(G4), ANA))).lasting(START)} == {G4}
    assert (await heard("audit", APPROVED)).lasting(START) == ()


async def test_each_officer_is_charged_in_the_office_that_they_were_named_for():
    made = AssignmentMade(ASSIGNMENT, G5, ANA, BEN, None, PROVIDER, "复核", START + timedelta(days=1))
    charges = await heard("identity", (made, EVE))
    for officer, office in ((ANA, "operator_business"), (BEN, "operator_security")):
        assert charges.of(officer, START) == (Charge(office, G5, providers=frozenset({PROVIDER})),)
    assert charges.of(EVE, START) == charges.of(ANA, START + timedelta(days=1)) == ()
    ended = AssignmentEnded(ASSIGNMENT, assignment.REVOKED, "case_over")
    for told in permutations(((made, EVE), (ended, EVE))):
        assert (await heard("identity", *told)).lasting(START) == ()


async def test_a_start_goes_on_from_all_that_was_kept():
    charges, again = await heard("audit", OPENED, APPROVED, EXTENDED), Charges()
    for key in charges.told:
        again.take_up(key, json.loads(json.dumps(charges.row(key))))
    for officer in (ANA, BEN, EVE):
        assert again.of(officer, START) == charges.of(officer, START) == (BY_CASE,)

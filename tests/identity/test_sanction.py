"""A joint sanction beside an operator's suspension: whoever is under either is suspended, whatever is told in whatever
order and however often; beside what a clerk would have written down."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.identity.rules import delegation, sponsorship
from services.identity.rules import participant as rules
from services.identity.rules import sanction as sanctions
from services.identity.rules.merchant import MerchantClass
from services.identity.rules.participant import (
    ADMITTED,
    APPLIED,
    EXITED,
    LASTS,
    REFUSED,
    SUSPENDED,
    OnlyWhileAdmitted,
    Participant,
    Status,
    status_at,
)
from services.identity.rules.sanction import Binding, Sanction
from shared.delegation import Act, Limits
from shared.facts import microseconds
from shared.grades import C1, C2, C3
from shared.ids import DelegationId, ParticipantId, SanctionId
from shared.lifecycle import IllegalMove
from shared.standing import Record
from tests.identity.test_participant import A_MOMENT, ANA, NOON, a_participant, proven

SUBJECT = ParticipantId.new()
DAY, ENDS = timedelta(days=1), NOON + timedelta(days=9)
IDS = sorted(SanctionId.new() for _ in range(3))


def a_sanction(revision: int, days: int | None, number: int = 0) -> Sanction:
    until = None if days is None else NOON + DAY * days
    return Sanction(IDS[number], SUBJECT, revision, until, f"reason {number}")


def bound(status: Status = ADMITTED) -> Participant:
    return rules.bind(a_participant(status, C2), Binding(IDS[0], ENDS, "why"))


@pytest.mark.parametrize("known, told, counts", [
    (None, a_sanction(3, 9),              a_sanction(3, 9)),
    (a_sanction(3, 9), a_sanction(4, None), a_sanction(4, None)),
    (a_sanction(4, None), a_sanction(3, 9), a_sanction(4, None)),
    (a_sanction(3, 9), a_sanction(3, 8),  a_sanction(3, 9)),
], ids=["new", "later", "earlier", "again"])  # fmt: skip
def test_what_was_said_last_counts(known: Sanction | None, told: Sanction, counts: Sanction):
    assert sanctions.last_told(known, told) == counts


@pytest.mark.parametrize("against, days", [
    ([], None),
    ([a_sanction(3, None)], None),
    ([a_sanction(3, 5)], (0, 5)),
    ([a_sanction(3, 5), a_sanction(3, 9, 1), a_sanction(3, 7, 2)], (1, 9)),
    ([a_sanction(3, 5), a_sanction(4, None, 1)], (0, 5)),
    ([a_sanction(3, 5, 1), a_sanction(3, 5)], (1, 5)),
])  # fmt: skip
def test_the_one_that_ends_last_binds(against: list[Sanction], days: tuple[int, int] | None):
    expected = days and Binding(IDS[days[0]], NOON + DAY * days[1], f"reason {days[0]}")
    assert sanctions.binding(against) == expected


@pytest.mark.parametrize("status, while_bound", [
    (APPLIED, APPLIED), (ADMITTED, SUSPENDED), (SUSPENDED, SUSPENDED), (REFUSED, REFUSED), (EXITED, EXITED),
])  # fmt: skip
def test_a_sanction_suspends_whoever_is_admitted_until_its_end_and_not_a_moment_longer(
    status: Status, while_bound: Status
):
    participant = bound(status)
    assert status_at(participant, NOON) is while_bound
    assert status_at(participant, ENDS - A_MOMENT) is while_bound
    assert status_at(participant, ENDS) is status


def test_a_verification_that_expires_under_a_sanction_has_expired():
    participant = replace(bound(), deadline=NOON + DAY)
    assert status_at(participant, ENDS) is SUSPENDED


def test_only_a_sanction_that_is_news_makes_a_revision():
    free, by = a_participant(ADMITTED, C2), Binding(IDS[0], ENDS, "why")
    under = rules.bind(free, by)
    assert (under.sanction, under.revision) == (by, free.revision + 1)
    assert rules.bind(under, replace(by)) is under
    assert rules.bind(free, None) is free
    assert rules.bind(under, None) == replace(free, revision=free.revision + 2)


def test_under_a_sanction_nobody_is_reinstated_by_hand_nor_trusted_with_more_nor_acts_for_others():
    participant, other = bound(), a_participant(ADMITTED, C2)
    with pytest.raises(IllegalMove):
        rules.reinstate(participant, ANA, "why", proven(NOON), NOON)
    with pytest.raises(OnlyWhileAdmitted) as refused:
        rules.change_clearance(participant, C3, ANA, proven(NOON), NOON)
    assert refused.value.facts == {"status": SUSPENDED}
    assert rules.change_clearance(participant, C1, ANA, proven(NOON), NOON).sanction == participant.sanction
    merchant = replace(participant, classes=frozenset({MerchantClass.INTERMEDIARY}))
    assert not sponsorship.may_sponsor(merchant, frozenset(), NOON)
    assert sponsorship.may_sponsor(merchant, frozenset(), ENDS)
    limits = Limits(frozenset({Act.PLACE_BIDS}), NOON, NOON + DAY)
    for pair in ((participant, other), (other, participant)):
        with pytest.raises(delegation.AgentNotAdmitted) as not_able:
            delegation.propose(DelegationId.new(), *pair, limits, NOON)
        assert not_able.value.facts == {"participant_id": participant.id}


class SanctionMachine(RuleBasedStateMachine):
    """Trading imposes and ends three sanctions; what it said is told here at any time, in any order, again and again.
    An operator suspends and reinstates as they please. The clerk notes the newest word on each sanction, and whether
    the operator has suspended."""

    @initialize()
    def begin(self) -> None:
        self.now, self.participant = NOON, a_participant(ADMITTED, C2)
        self.said: list[Sanction] = []
        self.known: dict[SanctionId, Sanction] = {}
        self.clerk: dict[SanctionId, Sanction] = {}
        self.by_operator = False
        self.announced: list[tuple[str, dict[str, object]]] = [("identity.participant_admitted", {
            "revision": 1, "roles": [], "clearance": C2, "verified_until": microseconds(NOON + LASTS[ADMITTED]),
        })]  # fmt: skip

    @rule(number=st.integers(0, 2), days=st.integers(1, 20))
    def impose(self, number: int, days: int) -> None:
        if self._last(number) is None:
            self.said.append(Sanction(IDS[number], SUBJECT, 3, self.now + DAY * days, "why"))

    @rule(number=st.integers(0, 2))
    def end(self, number: int) -> None:
        if (last := self._last(number)) is not None and last.until is not None:
            self.said.append(replace(last, revision=4, until=None))

    @rule(step=st.sampled_from([A_MOMENT, DAY / 24, DAY, DAY - A_MOMENT, DAY * 3]))
    def wait(self, step: timedelta) -> None:
        self.now += step

    @rule(number=st.integers(0, 99))
    def tell(self, number: int) -> None:
        if not self.said:
            return
        told = self.said[number % len(self.said)]
        self.known[told.id] = sanctions.last_told(self.known.get(told.id), told)
        self._bind()
        if told.id not in self.clerk or told.revision > self.clerk[told.id].revision:
            self.clerk[told.id] = told

    @rule()
    def suspend(self) -> None:
        if self.by_operator:
            return
        self.participant, self.by_operator = rules.suspend(self.participant, "fraud", self.now), True
        self._announce("suspended")

    @rule()
    def reinstate(self) -> None:
        before = self.participant
        try:
            after = rules.reinstate(before, ANA, "cleared", proven(self.now), self.now)
        except IllegalMove:
            assert not self.by_operator
            return
        assert self.by_operator
        self.participant, self.by_operator = after, False
        self._announce("reinstated", verified_until=microseconds(after.verified_until or self.now))

    @invariant()
    def whoever_is_under_either_is_suspended(self) -> None:
        if not hasattr(self, "participant"):
            return
        sanctioned = any(each.until is not None and self.now < each.until for each in self.clerk.values())
        expected = SUSPENDED if sanctioned or self.by_operator else ADMITTED
        assert status_at(self.participant, self.now) is expected
        assert self._in_every_service() == expected

    def teardown(self) -> None:
        """Once all was told, whatever was told before, what trading said last binds."""
        if not hasattr(self, "participant"):
            return
        for number in reversed(range(len(self.said))):
            self.tell(number)
        in_force = [each.until for each in map(self._last, range(3)) if each and each.until]
        assert (self.participant.sanction and self.participant.sanction.until) == max(in_force, default=None)

    def _bind(self) -> None:
        before = self.participant
        self.participant = rules.bind(before, sanctions.binding(self.known.values()))
        if self.participant is not before:
            by = self.participant.sanction
            told = {"sanctioned_until": microseconds(by.until)} if by else {}
            self._announce("sanctioned" if by else "sanction_lifted", **told)

    def _announce(self, act: str, **told: object) -> None:
        self.announced.append((f"identity.participant_{act}", {"revision": self.participant.revision} | told))

    def _in_every_service(self) -> str:
        """By a mirror that heard of it all in the opposite order."""
        record = Record(SUBJECT)
        for act, data in reversed(self.announced):
            record.hear(act, data)
        return record.standing().at(self.now).status

    def _last(self, number: int) -> Sanction | None:
        return max((each for each in self.said if each.id == IDS[number]), key=lambda each: each.revision, default=None)


TestSanctions = SanctionMachine.TestCase
TestSanctions.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)

"""Credit records and sanctions by the rules alone: a pure fold, appeals by another person, a hearing first."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.trading.rules import complaint as complaint_rules
from services.trading.rules import credit_record as rules
from services.trading.rules import sanction as sanctions
from services.trading.rules.credit_record import (
    AnotherMustDecide,
    Appeal,
    AppealTooLate,
    Band,
    Entry,
    Kind,
    NothingToAppeal,
    NotYoursToDecide,
)
from services.trading.rules.dispute import EVIDENCE
from services.trading.rules.dispute_outcome import Basis, Outcome
from services.trading.rules.due_date import DueDate
from services.trading.rules.order import DEFAULTED, LAPSED, REFUNDED, SETTLING, Reason, State
from services.trading.rules.sanction import (
    AWAITING_DECISION,
    DROPPED,
    ENDED,
    NOTIFIED,
    REVOKED,
    DecisionTooLate,
    NotIndependent,
    NotToBeHeard,
    Sanction,
    SubjectNotHeard,
)
from services.trading.rules.supervision import SUPERVISION
from shared.ids import CreditAppealId, CreditEntryId, OrderId, ParticipantId, SanctionId
from shared.lifecycle import IllegalMove
from shared.money import Money
from tests.trading.dispute.cases import in_state
from tests.trading.made import MICROSECOND, NOON, an_order
from tests.trading.test_complaint import a_complaint

DAY = timedelta(days=1)
ANA = ParticipantId.new()
DUE, LATER = DueDate(NOON + 7 * DAY, provisional=False), DueDate(NOON + 30 * DAY, provisional=True)
FAILURES = [kind for kind in Kind if kind is not Kind.CORRECTION]


def an_entry(kind: Kind = Kind.PAYMENT_DEFAULT, at: datetime = NOON, by: str = "trading") -> Entry:
    return rules.entry_of(CreditEntryId.new(), ANA, kind, OrderId.new(), by, at)


def corrected(entry: Entry, at: datetime = NOON) -> Entry:
    return rules.entry_of(CreditEntryId.new(), ANA, Kind.CORRECTION, CreditAppealId.new(), "user_1", at, entry.id)


@pytest.mark.parametrize("kind, points, days", [
    (Kind.PAYMENT_DEFAULT,    40,  730), (Kind.UNSIGNED_AWARD,   30, 365), (Kind.OBJECTION_CONCEDED, 10, 365),
    (Kind.RULING_AGAINST,     40,  730), (Kind.UPHELD_COMPLAINT, 30, 365), (Kind.ILLEGAL_TRADE,    100, 1095),
])  # fmt: skip
def test_what_a_failure_weighs_and_for_how_long(kind: Kind, points: int, days: int):
    entry = an_entry(kind)
    assert (entry.points, entry.expires_at) == (points, NOON + days * DAY)
    assert rules.standing([entry], entry.expires_at - MICROSECOND).points == points
    assert rules.standing([entry], entry.expires_at) == rules.Standing(0, Band.A, {})
    assert days <= 5 * 365, "征信业管理条例 art. 16"


@pytest.mark.parametrize("points, band", [
    (0, "A"), (1, "B"), (49, "B"), (50, "C"), (99, "C"), (100, "D"), (1000, "D")
])  # fmt: skip
def test_the_bands(points: int, band: str):
    assert rules.band_of(points) == band


def test_a_worked_record():
    default, award, old = an_entry(), an_entry(Kind.UNSIGNED_AWARD), an_entry(Kind.OBJECTION_CONCEDED, NOON - 365 * DAY)
    told = rules.standing([default, award, old, corrected(default)], NOON)
    assert told == rules.Standing(30, Band.B, {Kind.UNSIGNED_AWARD: 1})
    assert rules.standing([default, award, default], NOON).counts == {Kind.PAYMENT_DEFAULT: 2, Kind.UNSIGNED_AWARD: 1}


@given(
    st.lists(st.tuples(st.sampled_from(FAILURES), st.integers(-1200, 0), st.booleans()), max_size=12),
    st.integers(0, 1200), st.randoms(use_true_random=False),
)  # fmt: skip
def test_a_record_is_what_neither_expired_nor_was_corrected_in_whatever_order(
    drawn: list[tuple[Kind, int, bool]], days: int, order: random.Random
):
    entries, now, expected = list[Entry](), NOON + days * DAY, 0
    for kind, since, is_corrected in drawn:
        entry = an_entry(kind, NOON + since * DAY)
        entries += [entry, corrected(entry)] if is_corrected else [entry]
        expected += 0 if is_corrected or days - since >= rules.WEIGHTS[kind].days else rules.WEIGHTS[kind].points
    before = rules.standing(entries, now)
    order.shuffle(entries)
    assert rules.standing(entries, now) == before and before.points == expected


@pytest.mark.parametrize("state, reason, who, kind", [
    (DEFAULTED, Reason.PAYMENT_OVERDUE,        "buyer_id",    Kind.PAYMENT_DEFAULT),
    (DEFAULTED, Reason.NOT_SIGNED_BY_BUYER,    "buyer_id",    Kind.UNSIGNED_AWARD),
    (LAPSED,    Reason.NOT_SIGNED_BY_BUYER,    "buyer_id",    Kind.UNSIGNED_AWARD),
    (LAPSED,    Reason.NOT_SIGNED_BY_PROVIDER, "provider_id", Kind.UNSIGNED_AWARD),
    (LAPSED,    Reason.NOT_SIGNED,             None,          None),
    (LAPSED,    "grade_forbids",               None,          None),
    (LAPSED,    Reason.PAYMENT_OVERDUE,        None,          None),
    (REFUNDED,  Reason.NOT_SIGNED_BY_BUYER,    None,          None),
    (REFUNDED,  Reason.CLAIM_CONCEDED,         "provider_id", Kind.OBJECTION_CONCEDED),
    (SETTLING,  Reason.PROVIDER_SILENT,        "provider_id", Kind.OBJECTION_CONCEDED),
    (SETTLING,  Reason.PART_TAKEN,             None,          None),
    (SETTLING,  Reason.ACCEPTED_BY_BUYER,      None,          None),
], ids=str)  # fmt: skip
def test_an_order_that_ends_by_somebodys_fault_is_theirs(state: State, reason: str, who: str | None, kind: Kind | None):
    order = an_order(state=state, reason_code=reason)
    assert rules.breach_of(order) == (None if who is None else (getattr(order, who), kind))


@pytest.mark.parametrize(("basis", "claimants", "loser"), [
    (Basis.RULING,      6_000, "respondent_id"), (Basis.RULING,  3_999, "claimant_id"),
    (Basis.RULING,      4_000, None),            (Basis.DEFAULT, 8_000, None),
    (Basis.SETTLEMENT,  8_000, None),            (None,          0,     None),
], ids=str)  # fmt: skip
def test_a_ruling_is_against_whom_it_gives_less_to(basis: Basis | None, claimants: int, loser: str | None):
    dispute = in_state(EVIDENCE)
    if basis is not None:
        outcome = Outcome(basis, Money(claimants), Money(8_000 - claimants), None, ())
        dispute = replace(dispute, outcome=outcome)
    assert rules.loser_of(dispute) == (None if loser is None else getattr(dispute, loser))


@pytest.mark.parametrize("kind", complaint_rules.Kind)
def test_what_is_against_the_law_weighs_more_than_a_quarrel_about_a_deal(kind: complaint_rules.Kind):
    of_a_deal = kind is complaint_rules.Kind.TRADE
    assert rules.kind_of(a_complaint(kind=kind)) is (Kind.UPHELD_COMPLAINT if of_a_deal else Kind.ILLEGAL_TRADE)


# --- appeals


def an_appeal(entry: Entry | None = None, **changes: object) -> Appeal:
    made = rules.appeal(
        CreditAppealId.new(), entry or an_entry(by="user_1"), "已付款", ("ab" * 32,), NOON + DAY, DUE, NOON
    )  # fmt: skip
    return replace(made, **changes)


def test_an_appeal_is_made_in_its_term_and_against_what_counts():
    made = an_appeal()
    assert (made.deadline, made.provisional, made.next_actor) == (DUE.at, False, "operator_business")
    entry = an_entry()
    with pytest.raises(AppealTooLate) as refused:
        rules.appeal(CreditAppealId.new(), entry, "", (), NOON, DUE, NOON)
    assert refused.value.facts == {"until": NOON}
    rules.appeal(CreditAppealId.new(), entry, "", (), NOON + MICROSECOND, DUE, NOON)
    for nothing, at in ((corrected(entry), NOON), (entry, entry.expires_at)):
        with pytest.raises(NothingToAppeal):
            rules.appeal(CreditAppealId.new(), nothing, "", (), NOON + 9999 * DAY, DUE, at)


@pytest.mark.parametrize("upheld", [True, False])
def test_another_person_than_entered_it_decides(upheld: bool):
    with pytest.raises(AnotherMustDecide):
        rules.decide(an_appeal(), "user_1", by_regulator=False, upheld=upheld, reason="")
    decided = rules.decide(an_appeal(), "user_2", by_regulator=False, upheld=upheld, reason="查实")
    assert (decided.state, decided.decided_by) == (rules.UPHELD if upheld else rules.DISMISSED, "user_2")
    assert (decided.deadline, decided.next_actor, decided.decision_reason) == (None, None, "查实")
    with pytest.raises(IllegalMove):
        rules.decide(decided, "user_3", by_regulator=False, upheld=upheld, reason="")


def test_what_nobody_decides_in_time_is_the_regulators():
    made = an_appeal()
    assert not rules.is_overdue(made, DUE.at - MICROSECOND) and rules.is_overdue(made, DUE.at)
    late = rules.escalate(made, LATER)
    assert (late.next_actor, late.deadline, late.provisional) == ("regulator", LATER.at, True)
    for appeal, by_regulator in ((made, True), (late, False)):
        with pytest.raises(NotYoursToDecide) as refused:
            rules.decide(appeal, "user_2", by_regulator=by_regulator, upheld=True, reason="")
        assert refused.value.facts == {"next_actor": appeal.next_actor}
    assert rules.decide(late, "user_2", by_regulator=True, upheld=True, reason="").state is rules.UPHELD
    assert not rules.is_overdue(rules.decide(made, "user_2", by_regulator=False, upheld=True, reason=""), LATER.at)


# --- sanctions


def notified() -> Sanction:
    return sanctions.notify(SanctionId.new(), ANA, 100, DUE, NOON)


def heard() -> Sanction:
    return sanctions.hear(notified(), "申辩", LATER, NOON)


def imposed() -> Sanction:
    return sanctions.impose(heard(), "user_9", "累计违约", SUPERVISION, NOON)


def test_nothing_is_decided_before_the_subject_was_heard():
    fresh = notified()
    assert (fresh.state, fresh.next_actor, fresh.deadline) == (NOTIFIED, "subject", DUE.at)
    for act in (
        lambda: sanctions.impose(fresh, "user_9", "", SUPERVISION, NOON),
        lambda: sanctions.drop(fresh, "user_9", "", NOON),
    ):
        with pytest.raises(SubjectNotHeard) as refused:
            act()
        assert refused.value.facts == {"until": DUE.at}
    answered = heard()
    assert (answered.state, answered.statement, answered.next_actor) == (
        AWAITING_DECISION, "申辩", "operator_security"
    )  # fmt: skip
    assert (answered.deadline, answered.provisional) == (LATER.at, True)
    silent = sanctions.pass_deadline(fresh, LATER)
    assert (silent.state, silent.statement, silent.deadline) == (AWAITING_DECISION, None, LATER.at)


def test_the_subject_answers_once_and_in_time():
    assert sanctions.hear(notified(), "", LATER, DUE.at - MICROSECOND).state is AWAITING_DECISION
    for sanction, at in ((notified(), DUE.at), (heard(), NOON), (imposed(), NOON)):
        with pytest.raises(NotToBeHeard) as refused:
            sanctions.hear(sanction, "", LATER, at)
        assert refused.value.facts == {"state": sanction.state}


def test_it_binds_for_its_time_and_ends_by_itself():
    binding = imposed()
    until = NOON + 180 * DAY
    assert (binding.deadline, binding.decided_by, binding.reason) == (until, "user_9", "累计违约")
    assert binding.binds_at(until - MICROSECOND) and not binding.binds_at(until) and not heard().binds_at(NOON)
    assert not sanctions.is_due(binding, until - MICROSECOND) and sanctions.is_due(binding, until)
    over = sanctions.pass_deadline(binding, DUE)
    assert (over.state, over.reason_code, over.deadline) == (ENDED, "time_is_up", None)
    assert not sanctions.is_due(over, until) and not over.binds_at(NOON)


def test_what_nobody_decides_in_time_is_dropped_whoever_has_noticed():
    acts: list[Callable[[datetime], Sanction]] = [
        lambda at: sanctions.impose(heard(), "user_9", "", SUPERVISION, at),
        lambda at: sanctions.drop(heard(), "user_9", "", at),
    ]
    for act in acts:
        with pytest.raises(DecisionTooLate) as refused:
            act(LATER.at)
        assert refused.value.facts == {"deadline": LATER.at}
        act(LATER.at - MICROSECOND)
    lapsed = sanctions.pass_deadline(heard(), DUE)
    assert (lapsed.state, lapsed.reason_code) == (DROPPED, "not_decided")
    dropped = sanctions.drop(heard(), "user_9", "情有可原", NOON)
    assert (dropped.state, dropped.reason, dropped.decided_by, dropped.deadline) == (
        DROPPED, "情有可原", "user_9", None
    )  # fmt: skip
    with pytest.raises(IllegalMove):
        sanctions.impose(dropped, "user_9", "", SUPERVISION, NOON)


@pytest.mark.parametrize(
    "made, after", [(notified, DROPPED), (heard, DROPPED), (imposed, REVOKED)], ids=["notified", "heard", "imposed"]
)
def test_a_record_below_the_threshold_carries_no_sanction(made: Callable[[], Sanction], after: sanctions.State):
    sanction = made()
    assert sanctions.follow_record(sanction, 100, SUPERVISION) is sanction
    cleared = sanctions.follow_record(sanction, 99, SUPERVISION)
    assert (cleared.state, cleared.reason_code, cleared.deadline) == (after, "record_cleared", None)


def test_whatever_is_left_alone_comes_to_an_end():
    for made, days in ((notified, 2), (heard, 1), (imposed, 1)):
        sanction = made()
        for _ in range(days):
            assert sanctions.is_due(sanction, NOON + 9999 * DAY) and sanction.next_actor
            sanction = sanctions.pass_deadline(sanction, LATER)
        assert not sanctions.SANCTION.moves[sanction.state] and sanction.next_actor is None


def test_whoever_belongs_to_a_participant_decides_on_none():
    sanctions.require_independent(None)
    with pytest.raises(NotIndependent):
        sanctions.require_independent(ANA)

"""A dispute's way: what may happen when, what deadlines do, and that every way ends."""

from collections.abc import Callable
from datetime import datetime

import pytest

from services.trading.rules import dispute as rules
from services.trading.rules import hearing
from services.trading.rules.demand import Demand, NotTheClaim, Remedy, Side, Split
from services.trading.rules.dispute import (
    APPEAL,
    DEFAULTED,
    DISPUTE,
    ENFORCED,
    EVIDENCE,
    OPEN,
    RESPONSE,
    REVIEW,
    RULED,
    RULED_AGAIN,
    SETTLED,
    UNHEARD,
    WITHDRAWN,
    AdmittedTooMuch,
    AppealedAlready,
    Dispute,
    Extension,
    NoSuchDispute,
    NotDueInDispute,
    NoticeBy,
    State,
    TooLateInDispute,
)
from services.trading.rules.dispute_outcome import Basis
from services.trading.rules.evidence import PIECES_MAX, Evidence, EvidenceClosed, EvidenceKind, TooMuchEvidence, hash_of
from shared.money import Money
from tests.trading.dispute.cases import (
    ARBITERS,
    DISPUTED,
    SEED,
    a_dispute,
    a_disputed_order,
    a_panel,
    a_stranger,
    a_vote,
    an_offer,
    answered,
    by,
    goes,
    in_state,
    late,
    ruled,
)
from tests.trading.made import MICROSECOND, NOON

OPEN_STATES = DISPUTE.open_states()


def a_piece(sequence: int = 1, who: str = "claimant") -> Evidence:
    return Evidence(sequence, who, EvidenceKind.DOCUMENT, hash_of("x"), True, NOON)


def first_undecided(dispute: Dispute):
    return dispute.panel.undecided[0] if dispute.panel and dispute.panel.undecided else ARBITERS[0]


ACTS: dict[str, Callable[[Dispute, datetime], Dispute]] = {
    "notice": lambda each, now: rules.prove_notice(each, NoticeBy.READ, by(5), now),
    "answer": lambda each, now: rules.answer(each, Money(0), "bb" * 32, by(5), now),
    "evidence": lambda each, now: rules.add_evidence(each, a_piece(), now=now),
    "withdraw": rules.withdraw,
    "rule": lambda each, now: hearing.rule(each, a_vote(first_undecided(each)), SEED, by(6), now),
    "step down": lambda each, now: hearing.step_down(each, goes(first_undecided(each)), SEED, by(6), now),
    "extend": lambda each, now: hearing.extend(
        each, Extension(first_undecided(each), each.state, 1, "ab" * 32, now), by(20), now
    ),
    "appeal": lambda each, now: hearing.file_appeal(each, Side.CLAIMANT, "ee" * 32, by(3), now),
    "fund": lambda each, now: hearing.fund_appeal(each, Side.RESPONDENT, "ff" * 32, by(10), now),
    "offer": lambda each, now: rules.offer_settlement(each, an_offer(Side.CLAIMANT, 1), now),
}  # fmt: skip
TO = {
    "notice": {OPEN: RESPONSE},
    "answer": {OPEN: EVIDENCE, RESPONSE: EVIDENCE},
    "evidence": {OPEN: OPEN, RESPONSE: RESPONSE, EVIDENCE: EVIDENCE},
    "withdraw": {OPEN: WITHDRAWN, RESPONSE: WITHDRAWN, EVIDENCE: WITHDRAWN},
    "rule": {REVIEW: RULED, APPEAL: APPEAL},
    "step down": {EVIDENCE: EVIDENCE, REVIEW: REVIEW, APPEAL: APPEAL},
    "extend": {EVIDENCE: EVIDENCE, REVIEW: REVIEW, APPEAL: APPEAL},
    "appeal": {RULED: APPEAL},
    "fund": dict[State, State](),  # the appeal that `in_state` makes is funded
    "offer": {OPEN: OPEN, RESPONSE: RESPONSE, EVIDENCE: EVIDENCE, REVIEW: REVIEW, RULED: RULED, APPEAL: APPEAL},
}  # fmt: skip
REFUSALS = (NotDueInDispute, AppealedAlready, EvidenceClosed)


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("state", State)
def test_every_act_in_every_state(state: State, act: str):
    before = in_state(state)
    if to := TO[act].get(state):
        after = ACTS[act](before, NOON)
        assert (after.state, after.revision) == (to, before.revision + 1)
    else:
        with pytest.raises(REFUSALS) as refused:
            ACTS[act](before, NOON)
        assert refused.value.facts["state"] == state


@pytest.mark.parametrize("act, state", [(act, state) for act in TO for state in TO[act]])
def test_what_is_due_counts_until_its_deadline_and_not_at_it(act: str, state: State):
    dispute = in_state(state)
    assert dispute.deadline is not None
    assert ACTS[act](dispute, dispute.deadline - MICROSECOND).state is TO[act][state]
    for moment in (dispute.deadline, dispute.deadline + MICROSECOND):
        with pytest.raises((TooLateInDispute, EvidenceClosed)) as refused:
            ACTS[act](dispute, moment)
        assert refused.value.facts["deadline"] == dispute.deadline


@pytest.mark.parametrize("state, to, reason", [
    (OPEN,        EVIDENCE,  "notice_not_proven"),  # without proof of notice silence is no default
    (RESPONSE,    DEFAULTED, "no_response"),
    (EVIDENCE,    REVIEW,    "evidence_closed"),
    (REVIEW,      REVIEW,    "evidence_closed"),    # the next arbiter has as much time
    (RULED,       ENFORCED,  "ruling_final"),
    (APPEAL,      APPEAL,    "appealed"),
    (RULED_AGAIN, ENFORCED,  "ruling_final"),
])  # fmt: skip
def test_what_deadlines_do(state: State, to: State, reason: str):
    dispute = in_state(state)
    assert dispute.deadline is not None
    with pytest.raises(NotDueInDispute):
        hearing.pass_deadline(dispute, hearing.Next(by(1), by(1), by(1), SEED), dispute.deadline - MICROSECOND)
    after = late(dispute)
    assert (after.state, after.reason_code) == (to, reason)
    assert after.revision > dispute.revision


@pytest.mark.parametrize("found", [0, 1, 7])
@pytest.mark.parametrize("state", State)
def test_when_everyone_falls_silent_every_dispute_ends(state: State, found: int):
    dispute, steps = in_state(state), 0
    while dispute.is_open:
        panel = a_panel(dispute.number, ARBITERS[:found]) if found and dispute.panel is None else None
        dispute, steps = late(dispute, panel), steps + 1
        assert steps < 20
    assert (dispute.deadline, dispute.next_actor) == (None, None)
    assert (dispute.outcome is None) == (dispute.state is WITHDRAWN)


@pytest.mark.parametrize("state", State)
def test_whoever_must_act_is_named_until_the_end(state: State):
    dispute = in_state(state)
    assert (dispute.next_actor is None) == (dispute.deadline is None) == (not DISPUTE.moves[state])
    assert dispute.is_open == (state in OPEN_STATES)


def test_an_opened_dispute_remembers_where_its_order_goes_on():
    order = a_disputed_order()
    dispute = a_dispute(order=order)
    assert (dispute.came_from, dispute.window_seconds) == (order.state, 2 * 86_400)
    assert (dispute.claimant_id, dispute.respondent_id) == (order.buyer_id, order.provider_id)
    assert dispute.undisputed == Money(2_000) and dispute.admitted == Money(0)
    assert (dispute.revision, dispute.opened_at, dispute.provisional) == (1, NOON, False)
    assert (dispute.nonces[0].claimant, dispute.nonces[0].respondent) == ("aa" * 32, "")
    theirs = a_dispute(order=order, by_provider=True)
    assert (theirs.claimant_id, theirs.respondent_id) == (order.provider_id, order.buyer_id)


@pytest.mark.parametrize("disputed, price", [(1, 1), (10_000, 10_000), (1, 10_000)])
def test_one_fen_to_the_whole_price_is_disputed(disputed: int, price: int):
    assert a_dispute(disputed, price=price).demand.amount.minor == disputed


@pytest.mark.parametrize("disputed", [-1, 0, 10_001])
def test_nothing_and_more_than_the_price_is_no_claim(disputed: int):
    with pytest.raises(NotTheClaim) as refused:
        a_dispute(disputed)
    assert refused.value.facts == {"minor_min": 1, "minor_max": 10_000}


def test_another_currency_and_a_doubled_remedy_are_no_claim():
    with pytest.raises(NotTheClaim) as refused:
        a_dispute(remedies=(Remedy.REDELIVER, Remedy.REDELIVER))
    assert refused.value.facts == {"detail": "a remedy is asked for once"}
    with pytest.raises(NotTheClaim) as refused:
        rules.require_within(Demand(a_dispute().demand.category, Money(1, "USD")), Money(1))
    assert refused.value.facts == {"currency": "CNY"}


def test_sides_are_known_and_strangers_are_not():
    dispute = a_dispute()
    assert (
        dispute.side_of(dispute.buyer_id) is Side.CLAIMANT and dispute.side_of(dispute.provider_id) is Side.RESPONDENT
    )
    assert dispute.participant_of(Side.CLAIMANT) == dispute.buyer_id
    assert dispute.participant_of(Side.RESPONDENT) == dispute.provider_id
    with pytest.raises(NoSuchDispute):
        dispute.side_of(a_stranger())


@pytest.mark.parametrize("admitted", [0, 1, DISPUTED])
def test_as_much_as_is_disputed_may_be_admitted(admitted: int):
    dispute = answered(a_dispute(), admitted)
    assert dispute.admitted == Money(admitted)
    assert dispute.notice and dispute.notice.by is NoticeBy.ANSWERED
    assert (dispute.nonces[0].claimant, dispute.nonces[0].respondent) == ("aa" * 32, "bb" * 32)


@pytest.mark.parametrize("admitted", [Money(-1), Money(DISPUTED + 1), Money(1, "USD")])
def test_more_is_not_admitted_than_is_disputed(admitted: Money):
    with pytest.raises(AdmittedTooMuch) as refused:
        rules.answer(a_dispute(), admitted, "bb" * 32, by(5), NOON)
    assert refused.value.facts == {"disputed_minor": DISPUTED}


def test_an_answer_keeps_the_notice_that_was_proven():
    noticed = rules.prove_notice(a_dispute(), NoticeBy.LOGGED, by(5), NOON)
    heard = rules.answer(noticed, Money(0), "bb" * 32, by(6), NOON)
    assert heard.notice and heard.notice.by is NoticeBy.LOGGED
    assert (heard.deadline, heard.reason_code) == (by(6).at, "answered")


def test_each_side_adds_so_many_pieces_and_no_more():
    dispute = a_dispute()
    dispute = rules.add_evidence(dispute, *(a_piece(number) for number in range(1, PIECES_MAX + 1)), now=NOON)
    assert len(dispute.evidence) == PIECES_MAX == 50 and dispute.revision == 2
    with pytest.raises(TooMuchEvidence) as refused:
        rules.add_evidence(dispute, a_piece(), now=NOON)
    assert refused.value.facts == {"pieces_max": PIECES_MAX}
    assert len(rules.add_evidence(dispute, a_piece(who="respondent"), now=NOON).evidence) == PIECES_MAX + 1


def test_two_sides_that_say_the_same_have_settled():
    dispute = in_state(REVIEW)
    offered = rules.offer_settlement(dispute, an_offer(Side.CLAIMANT, 4_001), NOON)
    assert (offered.state, len(offered.offers)) == (REVIEW, 1)
    other = rules.offer_settlement(offered, an_offer(Side.RESPONDENT, 4_000), NOON)
    assert (other.state, len(other.offers)) == (REVIEW, 2)
    settled = rules.offer_settlement(other, an_offer(Side.RESPONDENT, 4_001), NOON)
    assert (settled.state, len(settled.offers), settled.reason_code) == (SETTLED, 2, "settled_by_parties")
    assert settled.outcome and settled.outcome.basis is Basis.SETTLEMENT
    assert (settled.outcome.claimant.minor, settled.outcome.respondent.minor) == (3_201, 4_799)  # of 8000, .8 goes up
    assert settled.outcome.fees == Split(5_000, 5_000), "it was under review: each bears half"


def test_the_same_split_with_other_remedies_is_no_settlement():
    offered = rules.offer_settlement(a_dispute(), an_offer(Side.CLAIMANT, remedies=(Remedy.END_RIGHT,)), NOON)
    assert rules.offer_settlement(offered, an_offer(Side.RESPONDENT), NOON).state is OPEN


@pytest.mark.parametrize("state", sorted(UNHEARD))
def test_what_is_settled_before_it_is_heard_costs_nothing(state: State):
    offered = rules.offer_settlement(in_state(state), an_offer(Side.RESPONDENT), NOON)
    settled = rules.offer_settlement(offered, an_offer(Side.CLAIMANT), NOON)
    assert settled.state is SETTLED and settled.outcome and settled.outcome.fees is None


def test_an_offer_from_before_the_ruling_is_over_with_it():
    offered = rules.offer_settlement(in_state(REVIEW), an_offer(Side.CLAIMANT), NOON)
    decided = ruled(offered, a_vote(ARBITERS[0]))
    assert decided.offers == ()
    assert rules.offer_settlement(decided, an_offer(Side.RESPONDENT), NOON).state is RULED


def test_who_withdraws_after_an_answer_bears_the_fee():
    assert rules.fees_of_withdrawal(in_state(RESPONSE)) is None
    assert rules.fees_of_withdrawal(in_state(EVIDENCE)) == Split(10_000, 0)


def test_silence_after_notice_gives_the_claimant_all_it_asked_for():
    outcome = in_state(DEFAULTED).outcome
    assert outcome and (outcome.basis, outcome.fees, outcome.remedies) == (Basis.DEFAULT, None, (Remedy.END_RIGHT,))
    assert (outcome.claimant.minor, outcome.respondent.minor) == (DISPUTED, 0)

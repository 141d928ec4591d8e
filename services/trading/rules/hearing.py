"""How a dispute is heard: who sits, how they rule, one appeal, and what passing deadlines do.

Promises: an arbiter who is silent, steps down or is refused is followed by the next in the drawn order, with time of
their own; where nobody is left, those who have voted have ruled, and where nobody has, nobody wins; a ruling is given
once in each round, and the last one is carried out.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from services.trading.rules import ruling as ruling_rules
from services.trading.rules.arbiter_draw import Nonces
from services.trading.rules.demand import Side
from services.trading.rules.dispute import (
    APPEAL,
    DEFAULTED,
    ENFORCED,
    EVIDENCE,
    REVIEW,
    RULED,
    RULED_AGAIN,
    Appeal,
    AppealedAlready,
    Dispute,
    Extension,
    ExtensionTooLong,
    NotDueInDispute,
    Reason,
    State,
    changed,
    is_past,
    moved,
    require_step,
)
from services.trading.rules.dispute_outcome import by_default, by_lone_funder, by_ruling
from services.trading.rules.due_date import DueDate
from services.trading.rules.ruling import Gone, NotSeated, Panel, Ruling, Vote
from shared.ids import FactId


def seat(dispute: Dispute, panel: Panel) -> Dispute:
    """The dispute with those drawn for its round. Requires that none were."""
    return changed(dispute, panels=(*dispute.panels, panel))


def rule(dispute: Dispute, vote: Vote, commitment: str, deadline: DueDate, now: datetime) -> Dispute:
    """One arbiter's vote; with the last the ruling. `commitment` is to the seed of an appeal's draw, and the deadline
    the one for an appeal."""
    require_step(dispute, {REVIEW, APPEAL}, now)
    panel = dispute.panel
    if panel is None:
        raise NotSeated()
    ruling_rules.require_bounds(dispute.demand, dispute.admitted, vote.split, vote.remedies)
    voted = _with_panel(dispute, ruling_rules.take(panel, vote))
    return _rule_if_complete(voted, commitment, deadline, now)


def step_down(dispute: Dispute, gone: Gone, commitment: str, deadline: DueDate, now: datetime) -> Dispute:
    """An arbiter's seat is the next one's. Where nobody is left to wait for, those who have voted have ruled."""
    require_step(dispute, {EVIDENCE, REVIEW, APPEAL}, now)
    panel = dispute.panel
    if panel is None:
        raise NotSeated()
    left = _with_panel(dispute, ruling_rules.leave(panel, gone))
    return _rule_if_complete(left, commitment, deadline, now)


def extend(dispute: Dispute, extension: Extension, deadline: DueDate, now: datetime) -> Dispute:
    """More time by an arbiter who sits on it. Requires the deadline that so much more time gives."""
    require_step(dispute, {EVIDENCE, REVIEW, APPEAL}, now)
    if dispute.panel is None or extension.arbiter_id not in dispute.panel.seated:
        raise NotSeated()
    if not 1 <= extension.length <= dispute.rules.extension_max:
        raise ExtensionTooLong(length_max=dispute.rules.extension_max)
    if len(dispute.extensions) >= dispute.rules.extensions_max:
        raise ExtensionTooLong(extensions_max=dispute.rules.extensions_max)
    return changed(
        dispute, extensions=(*dispute.extensions, extension), deadline=deadline.at, provisional=deadline.provisional
    )  # fmt: skip


def file_appeal(
    dispute: Dispute, side: Side, nonce: str, deadline: DueDate, now: datetime, fact_id: FactId | None = None
) -> Dispute:
    """Requires that the side's appeal fee is held in the same commit. The deadline is the other side's, to pay too."""
    if dispute.appeal or dispute.state in {RULED_AGAIN, ENFORCED}:
        raise AppealedAlready(state=dispute.state)
    require_step(dispute, {RULED}, now)
    said = Nonces(nonce) if side is Side.CLAIMANT else Nonces(respondent=nonce)
    return moved(
        dispute, APPEAL, deadline, appeal=Appeal(side, now, fact_id=fact_id), nonces=(*dispute.nonces, said),
        reason_code=Reason.APPEALED,
    )  # fmt: skip


def fund_appeal(dispute: Dispute, side: Side, nonce: str, deadline: DueDate, now: datetime) -> Dispute:
    """The other side's part. Requires that its fee is held in the same commit; the panel is drawn after."""
    require_step(dispute, {APPEAL}, now)
    assert dispute.appeal is not None
    if dispute.appeal.side is side or dispute.appeal.is_funded:
        raise AppealedAlready(state=dispute.state)
    if not dispute.awaits_funds:
        raise NotDueInDispute(state=dispute.state, next_actor=dispute.next_actor)
    said = replace(dispute.nonces[-1], **{str(side): nonce})
    return changed(
        dispute, appeal=replace(dispute.appeal, is_funded=True), nonces=(*dispute.nonces[:-1], said),
        deadline=deadline.at, provisional=deadline.provisional,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Next:
    """What may be needed once a deadline has passed: the deadlines of what may follow, a commitment for an appeal's
    draw, and the panel of this round, where it is yet to be drawn and somebody can be."""

    evidence: DueDate
    review: DueDate
    appeal: DueDate
    commitment: str
    panel: Panel | None = None


def pass_deadline(dispute: Dispute, after: Next, now: datetime) -> Dispute:
    """The dispute once its deadline has passed."""
    if not is_past(dispute, now):
        raise NotDueInDispute(state=dispute.state, next_actor=dispute.next_actor)
    match dispute.state:
        case State.OPEN:
            heard = moved(dispute, EVIDENCE, after.evidence, reason_code=Reason.NOTICE_NOT_PROVEN)
            return _seated(heard, after)
        case State.RESPONSE:
            outcome = by_default(dispute.demand)
            return moved(dispute, DEFAULTED, None, outcome=outcome, reason_code=Reason.NO_RESPONSE)
        case State.EVIDENCE:
            heard = moved(dispute, REVIEW, after.review, reason_code=Reason.EVIDENCE_CLOSED)
            return _seated(heard, after)
        case State.REVIEW:
            return _overdue(dispute, after, now)
        case State.APPEAL:
            return _unfunded(dispute, after) if dispute.awaits_funds else _overdue(dispute, after, now)
        case _:
            return _final(dispute)


def _seated(dispute: Dispute, after: Next) -> Dispute:
    return seat(dispute, after.panel) if after.panel and dispute.panel is None else dispute


def _unfunded(dispute: Dispute, after: Next) -> Dispute:
    """Only one side has paid for the appeal: it wins, or it is heard alone, as the market's rules have it."""
    assert dispute.appeal is not None
    if dispute.rules.lone_funder_wins:
        outcome = by_lone_funder(dispute.demand, dispute.appeal.side, dispute.admitted)
        return moved(dispute, ENFORCED, None, outcome=outcome, reason_code=Reason.APPEAL_NOT_FUNDED)
    if after.panel is None:
        return _final(dispute)
    return seat(replace(dispute, deadline=after.review.at, provisional=after.review.provisional), after.panel)


def _overdue(dispute: Dispute, after: Next, now: datetime) -> Dispute:
    """Whoever has not ruled is followed by the next, with new time; if nobody is left, it ends without them."""
    panel = dispute.panel
    let = after.panel if panel is None else ruling_rules.let_go(panel, now)
    waiting = let is not None and bool(let.undecided)
    if let is not None:
        known = tuple(each for each in dispute.panels if each.number != let.number)
        dispute = replace(dispute, panels=(*known, let))
    if waiting:
        return changed(dispute, deadline=after.review.at, provisional=after.review.provisional)
    if let is not None and let.is_complete:
        return _rule_if_complete(dispute, after.commitment, after.appeal, now)
    if dispute.state is APPEAL:
        return _final(dispute)
    ruling = ruling_rules.no_winner(dispute.number, now)
    return _ruled(dispute, ruling, Reason.NO_ARBITER, after.commitment, after.appeal)


def _final(dispute: Dispute) -> Dispute:
    """The last ruling is carried out."""
    outcome = by_ruling(dispute.demand, dispute.admitted, dispute.rulings[-1])
    return moved(dispute, ENFORCED, None, outcome=outcome, reason_code=Reason.RULING_FINAL)


def _rule_if_complete(dispute: Dispute, commitment: str, deadline: DueDate, now: datetime) -> Dispute:
    panel = dispute.panel
    if panel is None or not panel.is_complete:
        return changed(dispute)
    return _ruled(dispute, ruling_rules.combined(panel, now), Reason.RULED, commitment, deadline)


def _ruled(dispute: Dispute, ruling: Ruling, reason: Reason, commitment: str, deadline: DueDate) -> Dispute:
    told: dict[str, Any] = {"rulings": (*dispute.rulings, ruling), "reason_code": reason, "offers": ()}
    if dispute.state is APPEAL:
        return moved(dispute, RULED_AGAIN, DueDate(ruling.given_at), **told)  # final: it is due at once
    return moved(dispute, RULED, deadline, commitments=(*dispute.commitments, commitment), **told)


def _with_panel(dispute: Dispute, panel: Panel) -> Dispute:
    others = tuple(each for each in dispute.panels if each.number != panel.number)
    return replace(dispute, panels=(*others, panel))

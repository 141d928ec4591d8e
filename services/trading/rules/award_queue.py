"""After the close (成交后): the winner pays, or defaults, and then whoever came second may have it in their place.
The same for an open outcry and for sealed bids, wherever one bidder wins.

Promises: at any time at most one award stands; the second is asked only after the winner's default, once, and only if
the terms keep their deposit and they meet the reserve; they are asked the price at which they would lead had the winner
never bid; whoever declines, or says nothing by the deadline, has lost nothing by it.
Sources: 法释〔2016〕18号 art. 24 (a defaulter loses the deposit and may not bid again); the award queue is ProZorro's,
where the second may refuse and gets the deposit back.
Does not: move deposits, or make orders.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TypeVar

from services.trading.rules import proxy
from services.trading.rules.any_auction import Awardable
from services.trading.rules.auction import (
    AWARDED,
    SECOND_ASKED,
    SOLD,
    UNSOLD,
    Reason,
    State,
    change,
    move,
)
from services.trading.rules.auction_terms import Terms
from services.trading.rules.bid import Bid
from services.trading.rules.proxy import Lead
from shared.errors import Conflict, Forbidden
from shared.ids import ParticipantId
from shared.lifecycle import IllegalMove

Kind = TypeVar("Kind", bound=Awardable)


class NobodyIsAsked(Conflict):
    """No second bidder is being asked in this auction."""


class NotTheSecond(Forbidden):
    """Somebody else is asked."""


class AnswerOverdue(Conflict):
    """The time to answer is over."""


def second_of(terms: Terms, bids: Iterable[Bid], winner_id: ParticipantId) -> Lead | None:
    """Whose deposit is kept until the winner of an open outcry has paid, and what they would pay. Of sealed bids,
    `sealed.second_of` says it."""
    if not terms.keeps_second:
        return None
    lead = proxy.lead_of(terms, ((bid.participant_id, bid.maximum) for bid in bids), without=winner_id)
    return lead if lead and terms.reserve_is_met_by(lead.maximum) else None


def confirm(auction: Kind, now: datetime) -> Kind:
    """The award after the winner's payment, which nothing can take back. Requires an awarded auction."""
    _require(auction, AWARDED, SOLD)
    return move(auction, SOLD, second_id=None, last_at=_later(auction, now))


def ask_second(auction: Kind, second: Lead, now: datetime) -> Kind:
    """After the winner's default. Requires an awarded auction, and the lead without its winner."""
    _require(auction, AWARDED, SECOND_ASKED)
    assert auction.leader_id is not None
    at = _later(auction, now)
    return move(
        auction, SECOND_ASKED, leader_id=second.bidder_id, leader_maximum=second.maximum, price=second.price,
        reason_code=Reason.WINNER_DEFAULTED, defaulter_ids=(*auction.defaulter_ids, auction.leader_id),
        award_deadline=at + timedelta(seconds=auction.terms.second_answer_seconds), last_at=at,
    )  # fmt: skip


def fail(auction: Kind, now: datetime) -> Kind:
    """After the default of the winner, with nobody left to ask. Requires a sold auction, which it stays."""
    assert auction.leader_id is not None
    at = _later(auction, now)
    return change(
        auction, reason_code=Reason.WINNER_DEFAULTED, defaulter_ids=(*auction.defaulter_ids, auction.leader_id),
        failed_at=at, last_at=at,
    )  # fmt: skip


def lapse(auction: Kind, reason_code: str, now: datetime) -> Kind:
    """The auction after its award ended by no fault of the winner's. Requires an awarded auction."""
    _require(auction, AWARDED, UNSOLD)
    return _fail(auction, reason_code, _later(auction, now))


def accept(auction: Kind, bidder_id: ParticipantId, now: datetime) -> Kind:
    """Sold to the second, at the price that they were asked."""
    at = _require_asked(auction, bidder_id, now)
    return move(auction, SOLD, reason_code=Reason.SECOND_ACCEPTED, second_id=None, last_at=at)


def decline(auction: Kind, bidder_id: ParticipantId, now: datetime) -> Kind:
    return _fail(auction, Reason.SECOND_DECLINED, _require_asked(auction, bidder_id, now))


def answer_is_overdue(auction: Awardable, now: datetime) -> bool:
    return auction.state is SECOND_ASKED and auction.deadline is not None and now >= auction.deadline


def pass_deadline(auction: Kind) -> Kind:
    """Silence is a no. Requires that the time to answer is over."""
    _require(auction, SECOND_ASKED, UNSOLD)
    assert auction.deadline is not None
    return _fail(auction, Reason.SECOND_SILENT, _later(auction, auction.deadline))


def _require(auction: Awardable, state: State, to: State) -> None:
    """More than the table of moves asks: each of these ways leads from one state only."""
    if auction.state is not state:
        raise IllegalMove(state=auction.state, to=to)


def _require_asked(auction: Awardable, bidder_id: ParticipantId, now: datetime) -> datetime:
    """The moment of the answer."""
    at = _later(auction, now)
    if auction.state is not SECOND_ASKED:
        raise NobodyIsAsked(state=auction.state)
    if auction.leader_id != bidder_id:
        raise NotTheSecond()
    if answer_is_overdue(auction, at):
        raise AnswerOverdue(deadline=auction.deadline)
    return at


def _fail(auction: Kind, reason_code: str, at: datetime) -> Kind:
    return move(auction, UNSOLD, reason_code=reason_code, second_id=None, failed_at=at, last_at=at)


def _later(auction: Awardable, now: datetime) -> datetime:
    return max(now, auction.last_at)

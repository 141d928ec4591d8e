"""Calling an auction off after somebody has bid: a bid binds its bidder, so it takes a ground and two operators.

Promises: no single person ends an auction with bids; the second names the ground that the first proposed, so both
agree on the same; a proposal that nobody confirms in its time counts for nothing.
Sources: matrix row 17 of the authorisation rules (after the first bid: two operators of the business, with a reason);
法释〔2016〕18号 art. 31 (the grounds on which a sale by auction is undone).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from services.trading.rules.any_auction import AnyAuction
from services.trading.rules.auction import require_takes_bidders
from shared.errors import Conflict, Forbidden, NotFound
from shared.ids import AuctionId, ParticipantId

CONFIRMED_WITHIN = timedelta(days=1)


class Ground(StrEnum):
    FALSE_DESCRIPTION = "false_description"  # 文字说明、视频照片与实际不符
    SYSTEM_FAULT = "system_fault"  # 系统故障、病毒入侵、黑客攻击
    COLLUSION = "collusion"  # 恶意串通
    UNQUALIFIED_BIDDER = "unqualified_bidder"  # 不具备资格
    UNEQUAL_CONDITIONS = "unequal_conditions"  # 设置不公平条件
    RIGHTS_IN_DISPUTE = "rights_in_dispute"  # 权属争议


@dataclass(frozen=True, slots=True)
class Proposal:
    """That an auction be called off. `operator` is the first of the two."""

    auction_id: AuctionId
    operator: str
    ground: Ground
    proposed_at: datetime

    @property
    def deadline(self) -> datetime:
        return self.proposed_at + CONFIRMED_WITHIN


class NobodyHasBid(Conflict):
    """Before the first bid, calling the auction off is the provider's."""


class ProposedAlready(Conflict):
    """Somebody has proposed this; a second operator may confirm it until `deadline`."""


class NothingProposed(NotFound):
    """Nobody has proposed to call this auction off, or it was not confirmed in its time."""


class AnotherGround(Conflict):
    """The auction is proposed to be called off on another ground, which `ground` says."""


class SecondOperatorRequired(Conflict):
    """Whoever proposed it cannot confirm it: a second operator must."""


class NotIndependent(Forbidden):
    """Whoever belongs to a participant's organisation calls off nobody's auction."""


def require_independent(participant_id: ParticipantId | None) -> None:
    if participant_id is not None:
        raise NotIndependent()


def propose(auction: AnyAuction, standing: Proposal | None, operator: str, ground: Ground, now: datetime) -> Proposal:
    """`standing` is the last proposal that there was. Requires an independent operator."""
    require_takes_bidders(auction, now)
    if not auction.bid_count:
        raise NobodyHasBid()
    if standing and now < standing.deadline:
        raise ProposedAlready(deadline=standing.deadline, ground=standing.ground)
    return Proposal(auction.id, operator, ground, now)


def require_confirmable(
    auction: AnyAuction, proposal: Proposal | None, operator: str, ground: Ground, now: datetime
) -> None:
    """Raises unless this operator's yes is the second one to one and the same proposal."""
    require_takes_bidders(auction, now)
    if proposal is None or now >= proposal.deadline:
        raise NothingProposed()
    if operator == proposal.operator:
        raise SecondOperatorRequired()
    if ground is not proposal.ground:
        raise AnotherGround(ground=proposal.ground)

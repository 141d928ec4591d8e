"""A block deal 大宗协议: several listings of one provider to one buyer, in one agreement that an operator approves.

Promises: the parts are agreed on together or not at all; a yes names the hash of all of them, so that nothing is agreed
unseen; a price that lies outside the band about its reference price is proposed only with a reason; every deal is
approved or refused by an operator who belongs to neither side; an offer and an approval have their deadlines. Whoever
says the same again is told the same again.
Sources: the carbon market's 大宗协议 (a smallest size, a band about the reference price); 32号令 art. 31 (a directed
transfer is approved); market rules B7 (N3 to N5, N7, N8). Decision 41.
Does not: bargain. Whoever wants other terms says so and is offered another; a single listing is negotiated.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from services.trading.rules.award import FrozenFees
from services.trading.rules.market_rules import BlockRules, MarketRules
from services.trading.rules.negotiation import Approval, Ender, Ending, Objection, PartyDecides, Withdrawal
from services.trading.rules.negotiation_terms import BadExpiry, Side, Terms
from shared import canonical
from shared.errors import Conflict, Malformed, NotFound
from shared.facts import plain
from shared.ids import BlockDealId, ListingId, OrderId, ParticipantId
from shared.lifecycle import Lifecycle
from shared.money import MINOR_MAX, Money

WHOLE = 10_000  # basis points


class State(StrEnum):
    OFFERED = "offered"
    ACCEPTED = "accepted"
    AGREED = "agreed"
    TERMINATED = "terminated"


OFFERED, ACCEPTED, AGREED, TERMINATED = State

BLOCK_DEAL = Lifecycle(start=OFFERED, moves={
    OFFERED:    {ACCEPTED, TERMINATED},
    ACCEPTED:   {AGREED, TERMINATED},
    AGREED:     set(),
    TERMINATED: set(),
})  # fmt: skip
NEXT_ACTOR = {OFFERED: "buyer", ACCEPTED: "operator_business"}


class Reason(StrEnum):
    OFFER_EXPIRED = "offer_expired"
    APPROVAL_OVERDUE = "approval_overdue"


@dataclass(frozen=True, slots=True)
class Reference:
    """The last published reference price of a theme and a mode, when the deal was offered."""

    theme: str
    month: str
    median: Money


@dataclass(frozen=True, slots=True)
class Part:
    """One listing of the deal, on whole terms. No reference: none was published that tells anything."""

    terms: Terms
    reference: Reference | None

    def is_within(self, band_basis_points: int) -> bool:
        """Whether the price lies no further from its reference than the band."""
        if self.reference is None:
            return True
        price, median = self.terms.price.minor, self.reference.median.minor
        return abs(price - median) * WHOLE <= median * band_basis_points


@dataclass(frozen=True, slots=True)
class BlockDeal:
    """`parts` are in the order of their listings' ids, as they are locked; `last_at` is the latest moment seen."""

    id: BlockDealId
    provider_id: ParticipantId
    buyer_id: ParticipantId
    parts: tuple[Part, ...]
    band_basis_points: int
    grounds: str | None
    fees: FrozenFees
    approval_seconds: int
    offered_at: datetime
    expires_at: datetime
    state: State
    last_at: datetime
    deadline: datetime | None
    accepted_at: datetime | None = None
    approval: Approval | None = None
    ending: Ending | None = None
    order_ids: tuple[OrderId, ...] = ()
    revision: int = 1

    @property
    def total(self) -> Money:
        return sum((part.terms.price for part in self.parts[1:]), self.parts[0].terms.price)

    @property
    def terms_hash(self) -> str:
        """SHA-256, in hex, over the canonical JSON (RFC 8785) of the terms of every part, in their order."""
        return canonical.digest(plain([part.terms for part in self.parts]))

    @property
    def listing_ids(self) -> tuple[ListingId, ...]:
        return tuple(part.terms.listing_id for part in self.parts)

    @property
    def next_actor(self) -> str | None:
        return NEXT_ACTOR.get(self.state)

    @property
    def reason_code(self) -> str | None:
        return self.ending and self.ending.reason_code

    def side_of(self, participant_id: ParticipantId) -> Side:
        """Raises NoSuchBlockDeal for anyone but the two."""
        if participant_id == self.buyer_id:
            return Side.BUYER
        if participant_id == self.provider_id:
            return Side.PROVIDER
        raise NoSuchBlockDeal()


class NoSuchBlockDeal(NotFound):
    """You have no such block deal."""


class BlockParts(Malformed):
    """A block deal has as many parts as the facts say, each of another listing."""


class BlockTooSmall(Conflict):
    """A block deal comes to at least `total_minor_min`; what is less is negotiated listing by listing."""


class BlockTooLarge(Conflict):
    """All parts together come to no more than the facts say."""


class OutsideBand(Conflict):
    """These listings are priced further from their reference prices than the band; say on which grounds."""


class BlockPartRefused(Conflict):
    """One of the listings cannot be sold to this buyer any more, so nothing is; the facts say which, and why."""


class BlockDealOver(Conflict):
    """There is nothing more to say to this offer; the facts say in which state the deal is, and why."""


class BlockTermsDiffer(Conflict):
    """These are not the terms that are offered; the facts say their hash."""


class BlockNotAwaitingApproval(Conflict):
    """This block deal awaits no approval; the facts say in which state it is, and why."""


def offer(
    block_deal_id: BlockDealId, provider_id: ParticipantId, buyer_id: ParticipantId, parts: Sequence[Part],
    grounds: str | None, expires_at: datetime, fees: FrozenFees, rules: MarketRules, now: datetime,
) -> BlockDeal:  # fmt: skip
    """By the provider. Requires two unrelated parties, and terms within the provider's own listings."""
    block, market = rules.block, rules.negotiation
    listings = {part.terms.listing_id for part in parts}
    if len(listings) != len(parts) or not block.parts_min <= len(parts) <= block.parts_max:
        raise BlockParts(parts_min=block.parts_min, parts_max=block.parts_max)
    shortest, longest = (timedelta(seconds=each) for each in (market.offer_seconds_min, market.offer_seconds_max))
    if not shortest <= expires_at - now <= longest:
        raise BadExpiry(seconds_min=market.offer_seconds_min, seconds_max=market.offer_seconds_max)
    made = BlockDeal(
        block_deal_id, provider_id, buyer_id, tuple(sorted(parts, key=lambda part: part.terms.listing_id)),
        block.band_basis_points, grounds, fees, market.approval_seconds, now, expires_at, BLOCK_DEAL.start, now,
        expires_at,
    )  # fmt: skip
    _require_size(made, block)
    outside = [part.terms.listing_id for part in made.parts if not part.is_within(block.band_basis_points)]
    if outside and grounds is None:
        raise OutsideBand(listings=outside, band_basis_points=block.band_basis_points)
    return made


def accept(deal: BlockDeal, terms_hash: str, now: datetime) -> BlockDeal:
    """The buyer's yes to all parts. The very deal, if it has been said and holds."""
    if deal.accepted_at is not None and deal.state is not TERMINATED and terms_hash == deal.terms_hash:
        return deal
    at = _answering_at(deal, now)
    if terms_hash != deal.terms_hash:
        raise BlockTermsDiffer(terms_hash=deal.terms_hash, total=deal.total)
    due = at + timedelta(seconds=deal.approval_seconds)
    return _move(deal, ACCEPTED, at, due, accepted_at=at)


def terminate(deal: BlockDeal, side: Side, reason_code: Withdrawal, reason: str, now: datetime) -> BlockDeal:
    """Ended by one side before the yes. The very deal, if this side has ended it for this reason."""
    ending = Ending(Ender(side), reason_code, reason)
    return deal if deal.ending == ending else _end(deal, ending, _answering_at(deal, now))


def approve(
    deal: BlockDeal, by: str, of: ParticipantId | None, reason: str, now: datetime
) -> BlockDeal:  # fmt: skip
    """With the approval; its orders follow in the same commit. `of` is the operator's organisation. The very deal, if
    this operator has approved it for this reason."""
    given = deal.approval
    if given is not None and (given.by, given.reason) == (by, reason):
        return deal
    at = _deciding_at(deal, of, now)
    return _move(deal, AGREED, at, None, approval=Approval(by, reason, at))


def refuse(deal: BlockDeal, of: ParticipantId | None, reason_code: Objection, reason: str, now: datetime) -> BlockDeal:
    """Ended by an operator in place of an approval. The very deal, if that was done for this reason."""
    ending = Ending(Ender.OPERATOR, reason_code, reason)
    return deal if deal.ending == ending else _end(deal, ending, _deciding_at(deal, of, now))


def ordered(deal: BlockDeal, order_ids: Sequence[OrderId]) -> BlockDeal:
    """With the orders that its parts became. Requires an approval in the same commit, and one order for each part."""
    return replace(deal, order_ids=tuple(order_ids))


def deadline_has_passed(deal: BlockDeal, now: datetime) -> bool:
    return deal.deadline is not None and max(now, deal.last_at) >= deal.deadline


def pass_deadline(deal: BlockDeal, now: datetime) -> BlockDeal:
    """Requires that the deadline has passed."""
    reason = Reason.APPROVAL_OVERDUE if deal.state is ACCEPTED else Reason.OFFER_EXPIRED
    return _end(deal, Ending(Ender.DEADLINE, reason), max(now, deal.last_at))


def _require_size(deal: BlockDeal, block: BlockRules) -> None:
    if deal.total.minor < block.total_minor_min:
        raise BlockTooSmall(total_minor_min=block.total_minor_min, total=deal.total)
    if deal.total.minor > MINOR_MAX:
        raise BlockTooLarge(total_minor_max=MINOR_MAX)


def _answering_at(deal: BlockDeal, now: datetime) -> datetime:
    """The moment at which the offer is answered or withdrawn. Raises BlockDealOver once it cannot be."""
    at = max(now, deal.last_at)
    if deal.state is not OFFERED:
        raise BlockDealOver(state=deal.state, reason_code=deal.reason_code)
    if deadline_has_passed(deal, at):
        raise BlockDealOver(state=deal.state, reason_code=Reason.OFFER_EXPIRED)
    return at


def _deciding_at(deal: BlockDeal, of: ParticipantId | None, now: datetime) -> datetime:
    """The moment at which an operator decides. Raises PartyDecides or BlockNotAwaitingApproval if they may not."""
    at = max(now, deal.last_at)
    if of in {deal.buyer_id, deal.provider_id}:
        raise PartyDecides()
    if deal.state is not ACCEPTED:
        raise BlockNotAwaitingApproval(state=deal.state, reason_code=deal.reason_code)
    if deadline_has_passed(deal, at):
        raise BlockNotAwaitingApproval(state=deal.state, reason_code=Reason.APPROVAL_OVERDUE)
    return at


def _end(deal: BlockDeal, ending: Ending, at: datetime) -> BlockDeal:
    return _move(deal, TERMINATED, at, None, ending=ending)


def _move(deal: BlockDeal, to: State, at: datetime, deadline: datetime | None, **changes: Any) -> BlockDeal:
    state = BLOCK_DEAL.move(deal.state, to)
    return replace(deal, state=state, last_at=at, deadline=deadline, revision=deal.revision + 1, **changes)

"""A negotiation (协议议价): alternating offers between two parties over one listing, until one takes the other's.

Promises: at most one offer is open, and only the other side may take or answer it; a yes names the offer and the hash
of its terms, so that nothing is agreed unseen; an offer is over at its expiry, whoever has noticed; both sides see the
same history, and nothing else is kept of either; who says the same again is told the same again, and whoever says
another thing after the end is told the end. A yes binds: after it, only an approval that is due can be refused.
States are the Dataspace Protocol's (2025-1): a request is the buyer's offer, an offer the provider's; agreed, verified
and finalized follow the contract as it is drafted, signed by both, and in force. One edge is ours: the provider's yes
to a request passes through accepted, where a directed deal waits for its approval (`protocol_state`).
Sources: market rules B7; the carbon market's 挂牌协议 and 大宗协议; 32号令 art. 31 (a directed transfer is approved).
Does not: claim that anybody tells the truth: no mechanism between two is efficient, truthful and balanced at once
(Myerson and Satterthwaite 1983).
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from services.trading.rules.award import FrozenFees
from services.trading.rules.market_rules import NegotiationRules
from services.trading.rules.negotiation_terms import Manner, Offer, Side, Terms, offer_of
from shared.errors import Conflict, Forbidden, NotFound
from shared.ids import ContractId, ListingId, NegotiationId, OfferId, OrderId, ParticipantId
from shared.lifecycle import Lifecycle


class State(StrEnum):
    REQUESTED = "requested"
    OFFERED = "offered"
    ACCEPTED = "accepted"
    AGREED = "agreed"
    VERIFIED = "verified"
    FINALIZED = "finalized"
    TERMINATED = "terminated"


REQUESTED, OFFERED, ACCEPTED, AGREED, VERIFIED, FINALIZED, TERMINATED = State

NEGOTIATION = Lifecycle(start=REQUESTED, moves={
    REQUESTED:  {OFFERED, ACCEPTED, TERMINATED},
    OFFERED:    {REQUESTED, ACCEPTED, TERMINATED},
    ACCEPTED:   {AGREED, TERMINATED},
    AGREED:     {VERIFIED, TERMINATED},
    VERIFIED:   {FINALIZED, TERMINATED},
    FINALIZED:  set(),
    TERMINATED: set(),
})  # fmt: skip
BARGAINING = (REQUESTED, OFFERED)
WAITING = (*BARGAINING, ACCEPTED)  # what time ends here; later states end with their order
OFFER_OF = {Side.BUYER: REQUESTED, Side.PROVIDER: OFFERED}
NEXT_ACTOR = {
    REQUESTED: "provider",
    OFFERED:   "buyer",
    ACCEPTED:  "operator_business",
    AGREED:    "buyer_and_provider",  # both sign
    VERIFIED:  "provider",
}  # fmt: skip


class Reason(StrEnum):
    OFFER_EXPIRED = "offer_expired"
    APPROVAL_OVERDUE = "approval_overdue"


class Withdrawal(StrEnum):
    """Why a side ends it."""

    PRICE_NOT_AGREED = "price_not_agreed"
    TERMS_NOT_AGREED = "terms_not_agreed"
    NO_LONGER_WANTED = "no_longer_wanted"


class Objection(StrEnum):
    """Why an operator refuses a deal that both sides want."""

    PRICE_OUT_OF_LINE = "price_out_of_line"
    PARTIES_RELATED = "parties_related"
    GROUNDS_MISSING = "grounds_missing"


class Ender(StrEnum):
    BUYER = "buyer"
    PROVIDER = "provider"
    OPERATOR = "operator_business"
    DEADLINE = "deadline"
    ORDER = "order"


@dataclass(frozen=True, slots=True)
class Yes:
    """One side's yes to the other's offer, with the fees that held at that moment."""

    side: Side
    offer_id: OfferId
    terms_hash: str
    said_at: datetime
    fees: FrozenFees


@dataclass(frozen=True, slots=True)
class Approval:
    """An operator's yes to a directed deal, and why. `by` is the operator's pseudonym."""

    by: str
    reason: str
    given_at: datetime


@dataclass(frozen=True, slots=True)
class Ending:
    """Why there is no deal, and who brought that about. `reason` are the words of whoever did."""

    by: Ender
    reason_code: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Negotiation:
    """`offers` is the history, the last one is or was open; `last_at` the latest moment seen."""

    id: NegotiationId
    listing_id: ListingId
    provider_id: ParticipantId
    buyer_id: ParticipantId
    manner: Manner
    state: State
    offers: tuple[Offer, ...]
    last_at: datetime
    deadline: datetime | None
    yes: Yes | None = None
    approval: Approval | None = None
    order_id: OrderId | None = None
    contract_id: ContractId | None = None
    ending: Ending | None = None
    revision: int = 1

    @property
    def offer(self) -> Offer:
        return self.offers[-1]

    @property
    def needs_approval(self) -> bool:
        return self.manner.directed and self.offer.terms.price.minor >= self.manner.approval_from_minor

    @property
    def awaits_approval(self) -> bool:
        return self.state is ACCEPTED and self.approval is None

    @property
    def next_actor(self) -> str | None:
        return NEXT_ACTOR.get(self.state)

    @property
    def reason_code(self) -> str | None:
        return self.ending and self.ending.reason_code

    @property
    def protocol_state(self) -> State:
        """As a connector is told: it knows no yes of the provider's but the agreement itself."""
        by_provider = self.yes is not None and self.yes.side is Side.PROVIDER
        return REQUESTED if self.state is ACCEPTED and by_provider else self.state

    def side_of(self, participant_id: ParticipantId) -> Side:
        """Raises NoSuchNegotiation for anyone but the two."""
        if participant_id == self.buyer_id:
            return Side.BUYER
        if participant_id == self.provider_id:
            return Side.PROVIDER
        raise NoSuchNegotiation()


class NoSuchNegotiation(NotFound):
    """You have no such negotiation."""


class NegotiationUnderWay(Conflict):
    """This buyer has a negotiation of this listing under way."""


class NegotiationOver(Conflict):
    """There is nothing more to bargain here; the facts say in which state it is, and why."""


class NotYourTurn(Conflict):
    """The open offer is your own; the other side answers it."""


class OfferSuperseded(Conflict):
    """This is not the open offer, or not its terms; the facts say which it is."""


class OfferExpired(Conflict):
    """The offer is no longer held."""


class RoundsSpent(Conflict):
    """No further offer can be made: the last one is taken, or there is no deal."""


class ConcessionReversed(Conflict):
    """In this negotiation nobody goes back behind a price of their own; `last_minor` was yours."""


class NotAwaitingApproval(Conflict):
    """This negotiation awaits no approval; the facts say in which state it is, and why."""


class PartyDecides(Forbidden):
    """Nobody approves or refuses a deal of their own organisation."""


def open_negotiation(
    negotiation_id: NegotiationId, provider_id: ParticipantId, buyer_id: ParticipantId, manner: Manner, first: Offer
) -> Negotiation:
    """By the first offer: a buyer's request, or, if directed, an offer to one buyer. Requires two unrelated parties."""
    return Negotiation(
        negotiation_id, first.terms.listing_id, provider_id, buyer_id, manner, OFFER_OF[first.side], (first,),
        first.made_at, first.expires_at,
    )  # fmt: skip


def answer(
    negotiation: Negotiation, side: Side, offer_id: OfferId, terms: Terms, expires_at: datetime,
    rules: NegotiationRules, now: datetime,
) -> Negotiation:  # fmt: skip
    """A counter-offer. It ends the offer that it answers. Requires terms of the negotiation's own listing."""
    at = max(now, negotiation.last_at)
    _require_bargaining(negotiation)
    _require_turn(negotiation, side)
    _require_held(negotiation.offer, at)
    if len(negotiation.offers) >= negotiation.manner.rounds_max:
        raise RoundsSpent(rounds_max=negotiation.manner.rounds_max)
    if negotiation.manner.concession:
        _require_concession(negotiation, side, terms)
    made = offer_of(offer_id, negotiation.offer.number + 1, side, terms, expires_at, rules, at)
    offers = (*negotiation.offers, made)
    return _move(negotiation, OFFER_OF[side], at, made.expires_at, offers=offers)


def accept(
    negotiation: Negotiation, side: Side, offer_id: OfferId, terms_hash: str, fees: FrozenFees, now: datetime
) -> Negotiation:
    """One side's yes. The very negotiation, if this side has said this yes before and it holds."""
    if _has_said(negotiation, side, offer_id, terms_hash):
        return negotiation
    at, offer = max(now, negotiation.last_at), negotiation.offer
    _require_bargaining(negotiation)
    if (offer_id, terms_hash) != (offer.id, offer.terms_hash):
        raise OfferSuperseded(
            offer_id=offer.id, terms_hash=offer.terms_hash, number=offer.number, price=offer.terms.price
        )
    _require_turn(negotiation, side)
    _require_held(offer, at)
    deadline = at + timedelta(seconds=negotiation.manner.approval_seconds)
    return _move(negotiation, ACCEPTED, at, deadline, yes=Yes(side, offer_id, terms_hash, at, fees))


def approve(
    negotiation: Negotiation, by: str, of: ParticipantId | None, reason: str, now: datetime
) -> Negotiation:  # fmt: skip
    """With the approval that it awaited; the agreement follows in the same commit. `of` is the operator's organisation.

    The very negotiation, if this operator has approved it for this reason.
    """
    given = negotiation.approval
    holds = negotiation.state is not TERMINATED
    if holds and given is not None and (given.by, given.reason) == (by, reason):
        return negotiation
    at = max(now, negotiation.last_at)
    _require_awaiting(negotiation, of, at)
    return _change(negotiation, approval=Approval(by, reason, at), last_at=at)


def refuse(
    negotiation: Negotiation, of: ParticipantId | None, reason_code: Objection, reason: str, now: datetime
) -> Negotiation:
    """Ended by an operator in place of an approval. The very negotiation, if that was done for this reason."""
    ending = Ending(Ender.OPERATOR, reason_code, reason)
    if negotiation.ending == ending:
        return negotiation
    at = max(now, negotiation.last_at)
    _require_awaiting(negotiation, of, at)
    return _end(negotiation, ending, at)


def agree(
    negotiation: Negotiation, order_id: OrderId, contract_id: ContractId, sign_by: datetime | None
) -> Negotiation:  # fmt: skip
    """The contract is drafted. Requires an accepted negotiation, approved if need be, and the order's own commit."""
    at = negotiation.last_at
    return _move(negotiation, AGREED, at, sign_by, order_id=order_id, contract_id=contract_id)


def verify(negotiation: Negotiation, now: datetime) -> Negotiation:
    """Both have signed."""
    return _move(negotiation, VERIFIED, now, negotiation.deadline)


def finalize(negotiation: Negotiation, now: datetime) -> Negotiation:
    """The contract is in force; what becomes of it now is its order's affair."""
    return _move(negotiation, FINALIZED, now, None)


def terminate(
    negotiation: Negotiation, side: Side, reason_code: Withdrawal, reason: str, now: datetime
) -> Negotiation:  # fmt: skip
    """Ended by one side, whosever turn it is. The very negotiation, if this side has ended it for this reason."""
    ending = Ending(Ender(side), reason_code, reason)
    if negotiation.ending == ending:
        return negotiation
    at = max(now, negotiation.last_at)
    _require_bargaining(negotiation)
    _require_held(negotiation.offer, at)
    return _end(negotiation, ending, at)


def fail(negotiation: Negotiation, reason_code: str, now: datetime) -> Negotiation:
    """Without a contract after all: its order came to nothing before both had signed. Later, nothing changes."""
    if negotiation.state is not AGREED:
        return negotiation
    return _end(negotiation, Ending(Ender.ORDER, reason_code), now)


def deadline_has_passed(negotiation: Negotiation, now: datetime) -> bool:
    """Whether time alone has ended it. What was agreed waits for its order instead."""
    deadline = negotiation.deadline
    return negotiation.state in WAITING and deadline is not None and max(now, negotiation.last_at) >= deadline


def pass_deadline(negotiation: Negotiation, now: datetime) -> Negotiation:
    """Requires that the deadline has passed."""
    reason = Reason.APPROVAL_OVERDUE if negotiation.state is ACCEPTED else Reason.OFFER_EXPIRED
    return _end(negotiation, Ending(Ender.DEADLINE, reason), now)


def _has_said(negotiation: Negotiation, side: Side, offer_id: OfferId, terms_hash: str) -> bool:
    yes = negotiation.yes
    if yes is None or negotiation.state is TERMINATED:
        return False
    return (yes.side, yes.offer_id, yes.terms_hash) == (side, offer_id, terms_hash)


def _require_bargaining(negotiation: Negotiation) -> None:
    if negotiation.state not in BARGAINING:
        raise NegotiationOver(state=negotiation.state, reason_code=negotiation.reason_code)


def _require_turn(negotiation: Negotiation, side: Side) -> None:
    if negotiation.offer.side is side:
        raise NotYourTurn(next_actor=negotiation.next_actor)


def _require_held(offer: Offer, at: datetime) -> None:
    if at >= offer.expires_at:
        raise OfferExpired(expired_at=offer.expires_at)


def _require_concession(negotiation: Negotiation, side: Side, terms: Terms) -> None:
    own = [offer.terms.price for offer in negotiation.offers if offer.side is side]
    if not own:
        return
    went_back = terms.price < own[-1] if side is Side.BUYER else terms.price > own[-1]
    if went_back:
        raise ConcessionReversed(last_minor=own[-1].minor)


def _require_awaiting(negotiation: Negotiation, of: ParticipantId | None, at: datetime) -> None:
    if of in {negotiation.buyer_id, negotiation.provider_id}:
        raise PartyDecides()
    if not negotiation.awaits_approval:
        raise NotAwaitingApproval(state=negotiation.state, reason_code=negotiation.reason_code)
    if deadline_has_passed(negotiation, at):
        raise NotAwaitingApproval(state=negotiation.state, reason_code=Reason.APPROVAL_OVERDUE)


def _end(negotiation: Negotiation, ending: Ending, now: datetime) -> Negotiation:
    return _move(negotiation, TERMINATED, now, None, ending=ending)


def _move(
    negotiation: Negotiation, to: State, now: datetime, deadline: datetime | None, **changes: Any
) -> Negotiation:  # fmt: skip
    at = max(now, negotiation.last_at)
    moved = NEGOTIATION.move(negotiation.state, to)
    return _change(negotiation, state=moved, last_at=at, deadline=deadline, **changes)


def _change(negotiation: Negotiation, **changes: Any) -> Negotiation:
    return replace(negotiation, revision=negotiation.revision + 1, **changes)

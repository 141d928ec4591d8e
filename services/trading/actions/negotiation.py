"""What happens in a negotiation, from its opening to the contract.

Promises: whoever takes an offer and whoever answers it at the same time are decided one after the other, by the locked
negotiation and the moment taken after it; a yes, or the approval that it waits for, makes the order and its contract in
its own commit; whether this buyer may have what is sold is decided at the opening, at the yes and at the approval, by
the grade and the standing of that moment; nobody but the two, who decides and who supervises sees that there is one.
Locks the listing before the negotiation; what an order's own end does to it comes after the order.
"""

from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime

from services.trading.actions.award import place_order
from services.trading.actions.permission import decide_for, fulfilled_for, sight_in
from services.trading.actions.restraint import require_may_deal
from services.trading.actions.trading import Trading, fees_of_today, party_of
from services.trading.events.negotiation import (
    NegotiationAccepted,
    NegotiationAgreed,
    NegotiationAnswered,
    NegotiationApproved,
    NegotiationFinalized,
    NegotiationOpened,
    NegotiationTerminated,
    NegotiationVerified,
)
from services.trading.rules import negotiation as rules
from services.trading.rules.award import Award, FromNegotiation
from services.trading.rules.listing import Listing, ListingNotOpen, NoSuchListing, require_open
from services.trading.rules.mechanism import Pricing
from services.trading.rules.negotiation import Negotiation, Objection, State, Withdrawal
from services.trading.rules.negotiation_terms import Proposal, Side, manner_of, offer_of, terms_of
from services.trading.rules.order import Order
from services.trading.store import listing as listing_store
from services.trading.store import negotiation as store
from shared.access import Caller, Member, Role
from shared.database import Transaction
from shared.errors import Conflict, NotAdmitted, NotFound
from shared.facts import Fact
from shared.grades import Clearance, Condition, Decision
from shared.idempotency import Once
from shared.ids import ListingId, NegotiationId, OfferId, ParticipantId
from shared.web import Page


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody opens a negotiation with. `buyer_id`: whom a provider names."""

    listing_id: ListingId
    proposal: Proposal
    concession: bool
    rounds_max: int | None
    buyer_id: ParticipantId | None = None


class NoSuchBuyer(NotFound):
    """There is no buyer with this id who could be offered something."""


class BuyerNotAdmitted(Conflict):
    """The buyer may not buy at present."""


async def request(trading: Trading, caller: Member, wanted: Wanted, once: Once) -> Negotiation:
    """Ask the provider of a listing for terms. Requires that one may see and have what is listed."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Negotiation):
            return earlier
        listing = await listing_store.listing(tx, wanted.listing_id)
        now = await trading.database.now(tx)
        fulfilled = await fulfilled_for(tx, listing, caller.participant_id, now)
        if not (await sight_in(trading, tx, caller.caller, now)).shows(listing):
            raise NoSuchListing()
        decide_for(trading, caller.standing, listing, fulfilled)
        negotiation = _opened(trading, listing, caller.participant_id, Side.BUYER, wanted, now)
        await require_may_deal(tx, caller.participant_id, now)
        await _add(trading, tx, caller, negotiation, now, once)
    return negotiation


async def direct(trading: Trading, caller: Member, wanted: Wanted, once: Once) -> Negotiation:
    """Offer a listing of one's own to one buyer, whom nobody else sees. Requires that the buyer may have it."""
    assert wanted.buyer_id
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Negotiation):
            return earlier
        listing = await listing_store.own_listing(tx, wanted.listing_id, caller.participant_id)
        now = await trading.database.now(tx)
        await _permitted(trading, tx, wanted.buyer_id, listing, now)
        negotiation = _opened(trading, listing, wanted.buyer_id, Side.PROVIDER, wanted, now)
        await require_may_deal(tx, caller.participant_id, now)
        await _add(trading, tx, caller, negotiation, now, once)
    return negotiation


async def answer(
    trading: Trading, caller: Member, negotiation_id: NegotiationId, proposal: Proposal, once: Once
) -> Negotiation:
    """Make a counter-offer, if it is one's turn."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Negotiation):
            return earlier
        negotiation = await _own(tx, caller, negotiation_id)
        listing = await listing_store.listing(tx, negotiation.listing_id)
        now = await trading.database.now(tx)
        side = negotiation.side_of(caller.participant_id)
        terms = terms_of(listing, proposal)
        negotiation = rules.answer(
            negotiation, side, OfferId.new(), terms, proposal.expires_at, trading.rules.negotiation, now
        )  # fmt: skip
        require_open(listing, now)
        await require_may_deal(tx, caller.participant_id, now)
        await store.save_negotiation(tx, negotiation)
        await store.add_offer(tx, negotiation)
        await once.remember(tx, negotiation)
        await trading.outbox.record(tx, caller.actor, now, NegotiationAnswered.of(negotiation))
    return negotiation


async def accept(
    trading: Trading, caller: Member, negotiation_id: NegotiationId, offer_id: OfferId, terms_hash: str, once: Once
) -> Negotiation:
    """Take the other side's offer. Unless an operator must approve it first, the same commit makes the order."""
    fees = await fees_of_today(trading)
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Negotiation):
            return earlier
        listing, before = await _locked(tx, negotiation_id, caller.participant_id)
        now = await trading.database.now(tx)
        side = before.side_of(caller.participant_id)
        negotiation, facts = rules.accept(before, side, offer_id, terms_hash, fees, now), list[Fact]()
        if negotiation is not before:
            require_open(listing, now)
            grounds = await _permitted(trading, tx, negotiation.buyer_id, listing, now)
            await require_may_deal(tx, caller.participant_id, now)
            await store.save_negotiation(tx, negotiation)
            facts.append(NegotiationAccepted.of(negotiation))
            if not negotiation.needs_approval:
                negotiation, made = await _agree(trading, tx, negotiation, listing, grounds, now)
                facts += made
        await once.remember(tx, negotiation)
        await trading.outbox.record(tx, caller.actor, now, *facts)
    return negotiation


async def terminate(
    trading: Trading, caller: Member, negotiation_id: NegotiationId, reason_code: Withdrawal, reason: str, once: Once
) -> Negotiation:
    """End it without a deal, whosever turn it is, and say why."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Negotiation):
            return earlier
        before = await _own(tx, caller, negotiation_id)
        now = await trading.database.now(tx)
        side = before.side_of(caller.participant_id)
        negotiation = rules.terminate(before, side, reason_code, reason, now)
        facts = await _ended(tx, before, negotiation)
        await once.remember(tx, negotiation)
        await trading.outbox.record(tx, caller.actor, now, *facts)
    return negotiation


async def approve(
    trading: Trading, caller: Caller, negotiation_id: NegotiationId, reason: str, once: Once
) -> Negotiation:  # fmt: skip
    """Let a directed deal be made: the same commit makes its order, if the buyer may still have what is sold."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Negotiation):
            return earlier
        listing, before = await _locked(tx, negotiation_id, None, directed_only=True)
        now = await trading.database.now(tx)
        negotiation, facts = rules.approve(before, caller.subject, caller.participant_id, reason, now), list[Fact]()
        if negotiation is not before:
            require_open(listing, now)
            grounds = await _permitted(trading, tx, negotiation.buyer_id, listing, now)
            await store.save_negotiation(tx, negotiation)
            facts.append(NegotiationApproved.of(negotiation))
            negotiation, made = await _agree(trading, tx, negotiation, listing, grounds, now)
            facts += made
        await once.remember(tx, negotiation)
        await trading.outbox.record(tx, caller.actor, now, *facts)
    return negotiation


async def refuse(
    trading: Trading, caller: Caller, negotiation_id: NegotiationId, reason_code: Objection, reason: str, once: Once
) -> Negotiation:
    """End a directed deal that both sides want, in place of its approval."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Negotiation):
            return earlier
        await store.negotiation(tx, negotiation_id, None, directed_only=True)
        before = await store.negotiation_for_update(tx, negotiation_id)
        now = await trading.database.now(tx)
        negotiation = rules.refuse(before, caller.participant_id, reason_code, reason, now)
        facts = await _ended(tx, before, negotiation)
        await once.remember(tx, negotiation)
        await trading.outbox.record(tx, caller.actor, now, *facts)
    return negotiation


async def negotiation(trading: Trading, caller: Caller, negotiation_id: NegotiationId) -> Negotiation:
    """What one may not see is not there."""
    party_id, directed_only = _sight(caller)
    async with trading.database.read() as tx:
        return await store.negotiation(tx, negotiation_id, party_id, directed_only=directed_only)


async def negotiations(trading: Trading, caller: Caller, page: Page, state: State | None) -> list[Negotiation]:
    party_id, directed_only = _sight(caller)
    async with trading.database.read() as tx:
        return await store.page_of_negotiations(tx, page, party_id, state, directed_only=directed_only)


async def pass_deadline(trading: Trading, negotiation_id: NegotiationId) -> None:
    """End one whose offer has expired or whose approval is overdue, if nobody has yet."""
    async with trading.database.transaction() as tx:
        before = await store.negotiation_for_update(tx, negotiation_id)
        now = await trading.database.now(tx)
        if not rules.deadline_has_passed(before, now):
            return
        facts = await _ended(tx, before, rules.pass_deadline(before, now))
        await trading.outbox.record(tx, trading.outbox.itself, now, *facts)


async def follow_contract(tx: Transaction, order: Order, now: datetime) -> list[Fact]:
    """What the second signature makes of the negotiation that an order came of. Requires the locked order."""
    if order.negotiation_id is None:
        return []
    signed = rules.verify(await store.negotiation_for_update(tx, order.negotiation_id), now)
    await store.save_negotiation(tx, signed)
    final = rules.finalize(signed, now)
    await store.save_negotiation(tx, final)
    return [NegotiationVerified.of(signed), NegotiationFinalized.of(final)]


async def follow_failure(tx: Transaction, order: Order, now: datetime) -> list[Fact]:
    """What an order that came to nothing makes of the negotiation that it came of. Requires the locked order."""
    if order.negotiation_id is None:
        return []
    before = await store.negotiation_for_update(tx, order.negotiation_id)
    return await _ended(tx, before, rules.fail(before, str(order.reason_code), now))


def _sight(caller: Caller) -> tuple[ParticipantId | None, bool]:
    """Whose negotiations someone may see, and whether only directed ones: those an operator of business decides on."""
    if Role.OPERATOR_BUSINESS in caller.roles:
        return None, True
    return party_of(caller), False


def _opened(
    trading: Trading, listing: Listing, buyer_id: ParticipantId, side: Side, wanted: Wanted, now: datetime
) -> Negotiation:
    require_open(listing, now)
    if listing.pricing is not Pricing.NEGOTIATION:
        raise ListingNotOpen(pricing=listing.pricing)
    market, proposal = trading.rules.negotiation, wanted.proposal
    manner = manner_of(
        market, directed=side is Side.PROVIDER, concession=wanted.concession, rounds_max=wanted.rounds_max
    )  # fmt: skip
    terms = terms_of(listing, proposal)
    first = offer_of(OfferId.new(), 1, side, terms, proposal.expires_at, market, now)
    return rules.open_negotiation(NegotiationId.new(), listing.provider_id, buyer_id, manner, first)


async def _add(
    trading: Trading, tx: Transaction, caller: Member, negotiation: Negotiation, now: datetime, once: Once
) -> None:
    await store.add_negotiation(tx, negotiation)
    await once.remember(tx, negotiation)
    await trading.outbox.record(tx, caller.actor, now, NegotiationOpened.of(negotiation))


async def _own(tx: Transaction, caller: Member, negotiation_id: NegotiationId) -> Negotiation:
    """Locked. Raises NoSuchNegotiation for whoever is not one of the two."""
    await store.negotiation(tx, negotiation_id, caller.participant_id)
    return await store.negotiation_for_update(tx, negotiation_id)


async def _locked(
    tx: Transaction, negotiation_id: NegotiationId, party_id: ParticipantId | None, *, directed_only: bool = False
) -> tuple[Listing, Negotiation]:
    """The listing first, as everywhere: it may be sold by this."""
    seen = await store.negotiation(tx, negotiation_id, party_id, directed_only=directed_only)
    listing = await listing_store.listing(tx, seen.listing_id, lock=True)
    return listing, await store.negotiation_for_update(tx, negotiation_id)


async def _permitted(
    trading: Trading, tx: Transaction, buyer_id: ParticipantId, listing: Listing, now: datetime
) -> tuple[Clearance | None, Decision]:
    return permitted(trading, buyer_id, listing, await fulfilled_for(tx, listing, buyer_id, now))


def permitted(
    trading: Trading, buyer_id: ParticipantId, listing: Listing, fulfilled: Set[Condition] = frozenset()
) -> tuple[Clearance | None, Decision]:
    """The clearance and the decision by which this buyer may have what is listed now, whoever asks. `fulfilled`: as
    for `decide_for`."""
    try:
        standing = trading.standing.of(buyer_id)
    except NotAdmitted as unknown:
        raise NoSuchBuyer() from unknown
    if Role.BUYER not in standing.roles:
        raise NoSuchBuyer()
    if not standing.is_admitted:
        raise BuyerNotAdmitted(standing=standing.status)
    return standing.clearance, decide_for(trading, standing, listing, fulfilled)


async def _agree(
    trading: Trading, tx: Transaction, negotiation: Negotiation, listing: Listing,
    grounds: tuple[Clearance | None, Decision], now: datetime,
) -> tuple[Negotiation, list[Fact]]:  # fmt: skip
    """The order and the contract of a deal. Requires the locked listing, and that the yes is saved."""
    assert negotiation.yes
    terms = negotiation.offer.terms
    award = Award(
        listing.id, listing.provider_id, negotiation.buyer_id, terms.price, FromNegotiation(negotiation.id),
        negotiation.yes.fees, now, scope=terms.scope,
    )  # fmt: skip
    order, facts = await place_order(tx, trading.standing, award, listing, *grounds, trading.rules.windows)
    agreed = rules.agree(negotiation, order.id, order.contract_id, order.deadline)
    await store.save_negotiation(tx, agreed)
    return agreed, [*facts, NegotiationAgreed.of(agreed)]


async def _ended(tx: Transaction, before: Negotiation, after: Negotiation) -> list[Fact]:
    """Nothing, if it had ended so already."""
    if after is before:
        return []
    await store.save_negotiation(tx, after)
    return [NegotiationTerminated.of(after)]

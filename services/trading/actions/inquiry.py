"""What happens in an inquiry, from its publication to the award.

Promises: what counts is decided inside each act's own transaction, by the moment taken after the inquiry is locked; an
offer shows to nobody but its provider before all are opened together, in the commit that judges them and makes the
winner's order; whether the buyer may have what is offered is decided in that commit, by the listings and grades of
then.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from services.trading.actions.award import place_order
from services.trading.actions.permission import decide_for
from services.trading.actions.restraint import require_may_deal
from services.trading.actions.trading import Trading, fees_of_today
from services.trading.events.inquiry import (
    InquiryCancelled,
    InquiryPublished,
    OfferSealed,
    OffersEnded,
    SealOpened,
    facts_of_close,
)
from services.trading.rules import inquiry as rules
from services.trading.rules.auction import RelatedParty
from services.trading.rules.award import Award, FromInquiry, FrozenFees
from services.trading.rules.inquiry import OPEN, OPENING, Inquiry, NoSuchInquiry, State
from services.trading.rules.inquiry_terms import (
    Asked,
    Invitee,
    Terms,
    misfit,
    related_among,
    require_invitable,
    terms_of,
)
from services.trading.rules.listing import Listing, ListingNotOpen, NoSuchListing
from services.trading.rules.scoring import Candidate, Proposal, ScoringRule
from services.trading.store import freeze as freeze_store
from services.trading.store import inquiry as store
from services.trading.store import listing as listing_store
from shared.access import Member, Role
from shared.database import Transaction
from shared.errors import NotAdmitted
from shared.facts import SALT_BYTES, Fact
from shared.grades import Decision, NotPermitted, Visibility, visibility
from shared.idempotency import Once
from shared.ids import InquiryId, ListingId, NeedId, ParticipantId
from shared.money import Money
from shared.standing import Standing
from shared.web import Page


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a buyer asks for, of whom, and how they will compare the answers."""

    title: str
    description: str
    asked: Asked
    scoring: ScoringRule
    budget: Money | None
    budget_is_open: bool
    offers_until: datetime
    invited: tuple[ParticipantId, ...]


@dataclass(slots=True)
class Checked:
    """What the buyer may have of what was offered: why not, or on which grounds."""

    listings: dict[ListingId, Listing] = field(default_factory=dict[ListingId, Listing])
    denied: dict[ParticipantId, str] = field(default_factory=dict[ParticipantId, str])
    decisions: dict[ParticipantId, Decision] = field(default_factory=dict[ParticipantId, Decision])


async def publish(trading: Trading, caller: Member, wanted: Wanted, once: Once) -> Inquiry:
    """Ask at least three providers for sealed offers. The rule that compares them never changes."""
    fees = await fees_of_today(trading)
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Inquiry):
            return earlier
        now = await trading.database.now(tx)
        inquiry, facts = await add(trading, tx, caller, wanted, fees, None, now)
        await once.remember(tx, inquiry)
        await trading.outbox.record(tx, caller.actor, now, *facts)
    return inquiry


async def add(
    trading: Trading, tx: Transaction, caller: Member, wanted: Wanted, fees: FrozenFees, need_id: NeedId | None,
    now: datetime,
) -> tuple[Inquiry, list[Fact]]:  # fmt: skip
    """A published inquiry, kept. The facts are for the caller to record, last. Raises Sanctioned."""
    trading.standing.require_fresh(wanted.asked.grade_ceiling)
    terms = terms_of(
        title=wanted.title, description=wanted.description, asked=wanted.asked, scoring_rule=wanted.scoring,
        budget=wanted.budget, budget_is_open=wanted.budget_is_open, offers_until=wanted.offers_until, fees=fees,
        rules=trading.rules, now=now,
    )  # fmt: skip
    invited = [invitee(trading, provider_id) for provider_id in wanted.invited]
    require_invitable(invitee(trading, caller.participant_id), invited)
    await require_may_deal(tx, caller.participant_id, now)
    inquiry = rules.publish(InquiryId.new(), caller.participant_id, need_id, terms, wanted.invited, now)
    salt = salt_for(terms)
    await store.add_inquiry(tx, inquiry, salt)
    return inquiry, [InquiryPublished.of(inquiry, salt)]


async def seal_offer(
    trading: Trading, caller: Member, inquiry_id: InquiryId, commitment: str, once: Once
) -> Inquiry:  # fmt: skip
    """Make one's offer, as a commitment that nobody can read. It cannot be changed."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Inquiry):
            return earlier
        inquiry = await store.inquiry_for_update(tx, inquiry_id)
        now = await trading.database.now(tx)
        inquiry = rules.seal(inquiry, caller.participant_id, commitment, now)
        await require_may_deal(tx, caller.participant_id, now)
        await store.save_inquiry(tx, inquiry)
        sealed = inquiry.sealed[-1]
        await store.add_sealed(tx, inquiry.id, sealed)
        await once.remember(tx, inquiry)
        await trading.outbox.record(tx, caller.actor, now, OfferSealed.of(inquiry, sealed))
    return inquiry


async def open_offer(
    trading: Trading, caller: Member, inquiry_id: InquiryId, proposal: Proposal, salt: str, once: Once
) -> Inquiry:  # fmt: skip
    """Open one's own offer, exactly as it was sealed. It shows to nobody else before all are judged."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Inquiry):
            return earlier
        inquiry = await store.inquiry_for_update(tx, inquiry_id)
        now = await trading.database.now(tx)
        facts = list[Fact]()
        if inquiry.state is OPEN and rules.is_due(inquiry, now):
            inquiry, facts = await _end_offers(tx, inquiry, now)
        inquiry = rules.open_offer(inquiry, caller.participant_id, proposal, salt, now)
        await store.save_inquiry(tx, inquiry)
        opened = inquiry.opened[-1]
        await store.add_opened(tx, inquiry.id, opened)
        await once.remember(tx, inquiry)
        await trading.outbox.record(tx, caller.actor, now, *facts, SealOpened.of(inquiry, opened))
    return inquiry


async def cancel(trading: Trading, caller: Member, inquiry_id: InquiryId, once: Once) -> Inquiry:
    """Call the inquiry off, before anyone has offered."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Inquiry):
            return earlier
        inquiry = await store.inquiry_for_update(tx, inquiry_id)
        if inquiry.buyer_id != caller.participant_id:
            raise NoSuchInquiry()
        now = await trading.database.now(tx)
        inquiry = rules.cancel(inquiry, now)
        await store.save_inquiry(tx, inquiry)
        await once.remember(tx, inquiry)
        await trading.outbox.record(tx, caller.actor, now, InquiryCancelled.of(inquiry))
    return inquiry


async def move_on(trading: Trading, inquiry_id: InquiryId) -> None:
    """What follows from a deadline that has passed, if nobody has noticed yet: offers end, or all are judged."""
    async with trading.database.transaction() as tx:
        inquiry = await store.inquiry_for_update(tx, inquiry_id)
        now = await trading.database.now(tx)
        if not rules.is_due(inquiry, now):
            return
        step = _end_offers(tx, inquiry, now) if inquiry.state is OPEN else _close(trading, tx, inquiry, now)
        _, facts = await step
        await trading.outbox.record(tx, trading.outbox.itself, now, *facts)


async def inquiry(trading: Trading, party_id: ParticipantId | None, inquiry_id: InquiryId) -> Inquiry:
    """For the buyer, those who were invited, and supervisors (None). For anyone else it is not there."""
    async with trading.database.read() as tx:
        found = await store.inquiry(tx, inquiry_id)
    if party_id is not None and party_id not in (found.buyer_id, *found.invited):
        raise NoSuchInquiry()
    return found


async def inquiries(
    trading: Trading, party_id: ParticipantId | None, page: Page, state: State | None
) -> list[Inquiry]:  # fmt: skip
    async with trading.database.read() as tx:
        return await store.page_of_inquiries(tx, page, party_id, state)


def invitee(trading: Trading, participant_id: ParticipantId) -> Invitee:
    """What standing says now of someone who is to be asked."""
    standing = _standing(trading, participant_id)
    if standing is None:
        return Invitee(participant_id, False, frozenset())
    return Invitee(participant_id, standing.is_admitted and Role.PROVIDER in standing.roles, standing.affiliates)


def salt_for(terms: Terms) -> str | None:
    """A salt for a budget that is to stay secret until the opening."""
    return secrets.token_hex(SALT_BYTES) if terms.budget and not terms.budget_is_open else None


async def _end_offers(tx: Transaction, inquiry: Inquiry, now: datetime) -> tuple[Inquiry, list[Fact]]:
    ended = rules.end_offers(inquiry, now)
    await store.save_inquiry(tx, ended)
    if ended.state is OPENING:
        return ended, [OffersEnded.of(ended)]
    return ended, list(facts_of_close(ended, None))


async def _close(
    trading: Trading, tx: Transaction, inquiry: Inquiry, now: datetime
) -> tuple[Inquiry, list[Fact]]:  # fmt: skip
    buyer = _standing(trading, inquiry.buyer_id)
    held = await freeze_store.frozen_among(tx, [inquiry.buyer_id], now)
    admitted = buyer is not None and buyer.is_admitted and not held
    candidates = rules.candidates(inquiry, {})
    checked = await _checked(trading, tx, inquiry, buyer, candidates, now) if buyer and admitted else Checked()
    closed = rules.close(inquiry, now, checked.denied, buyer_is_admitted=admitted)
    await store.save_inquiry(tx, closed)
    facts = list(facts_of_close(closed, await store.budget_salt(tx, inquiry.id)))
    if closed.won and buyer:
        facts += await _award(trading, tx, closed, buyer, checked, now)
    return closed, facts


async def _award(
    trading: Trading, tx: Transaction, inquiry: Inquiry, buyer: Standing, checked: Checked, now: datetime
) -> list[Fact]:  # fmt: skip
    """The winner's order, drafted on the decision that was taken at the close. Requires an awarded inquiry."""
    won, terms = inquiry.won, inquiry.terms
    assert won is not None
    listing = checked.listings[won.listing_id]
    award = Award(
        listing.id, won.provider_id, inquiry.buyer_id, won.price, FromInquiry(inquiry.id), terms.fees, now
    )  # fmt: skip
    grounds = (buyer.clearance, checked.decisions[won.provider_id])
    _, facts = await place_order(tx, trading.standing, award, listing, *grounds, terms.windows)
    return facts


async def _checked(
    trading: Trading, tx: Transaction, inquiry: Inquiry, buyer: Standing, candidates: Sequence[Candidate], now: datetime
) -> Checked:
    """Every offer's listing, locked in the order of their ids, and whether this buyer may have it now."""
    checked = Checked()
    for listing_id in sorted({each.proposal.listing_id for each in candidates}):
        try:
            checked.listings[listing_id] = await listing_store.listing(tx, listing_id, lock=True)
        except NoSuchListing:
            continue
    related = related_among([invitee(trading, each.provider_id) for each in candidates])
    for each in candidates:
        reason = _misfit(inquiry, checked.listings, each, now)
        if reason is None and each.provider_id in related:
            reason = "related_to_another_offer"
        if reason is None:
            reason = _decide(trading, buyer, checked, each)
        if reason is not None:
            checked.denied[each.provider_id] = reason
    return checked


def _misfit(
    inquiry: Inquiry, listings: Mapping[ListingId, Listing], offered: Candidate, now: datetime
) -> str | None:  # fmt: skip
    listing = listings.get(offered.proposal.listing_id)
    if listing is None:
        return NoSuchListing.code()
    return misfit(inquiry.terms.asked, listing, offered.provider_id, now)


def _decide(trading: Trading, buyer: Standing, checked: Checked, offered: Candidate) -> str | None:
    """Why the buyer may not have it; else the decision is kept. Raises StandingUnknown from G3 on: it is tried anew."""
    listing = checked.listings[offered.proposal.listing_id]
    if visibility(listing.grade, buyer.clearance) is Visibility.NONE:
        return "not_visible"
    try:
        decision = decide_for(trading, buyer, listing)
    except ListingNotOpen:
        return "provider_not_admitted"
    except (RelatedParty, NotPermitted, NotAdmitted) as denied:
        return denied.told_code
    checked.decisions[offered.provider_id] = decision
    return None


def _standing(trading: Trading, participant_id: ParticipantId) -> Standing | None:
    try:
        return trading.standing.of(participant_id)
    except NotAdmitted:
        return None

"""A listing (挂牌): an offer of a right over a version, in a mode, on terms.

Promises: only what could lawfully be sold to someone is listed; a grade that rises suspends what it no longer allows,
and only a grade that falls lets the provider resume it; what is withdrawn from the catalogue is offered no more; an
exclusive right overlaps no other right over the asset (see `claim`).
Which way of trading fits which right stands in `mechanism`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from services.trading.rules.acceptance_terms import AcceptanceTerms
from services.trading.rules.claim import Claim, claim_of, conflict
from services.trading.rules.co_owner import Ownership
from services.trading.rules.market_rules import MarketRules
from services.trading.rules.mechanism import FITTING, KEEPING_A_CAP, Mechanism, Pricing
from services.trading.rules.price_cap import ARTICLE
from services.trading.rules.right import Right, RightKind
from services.trading.rules.traits import Traits
from shared.errors import Conflict, Malformed, NotFound
from shared.grades import KEPT_TO, Condition, Flag, Grade, Mode, possible
from shared.ids import AssetId, ListingId, ParticipantId, PlanId, VersionId
from shared.lifecycle import Lifecycle

COPIES_MAX = 1_000


class State(StrEnum):
    LISTED = "listed"
    SUSPENDED = "suspended"
    SOLD = "sold"
    DELISTED = "delisted"


LISTED, SUSPENDED, SOLD, DELISTED = State

LISTING = Lifecycle(start=LISTED, moves={
    LISTED:    {SUSPENDED, SOLD, DELISTED},
    SUSPENDED: {LISTED, DELISTED},
    SOLD:      set(),  # a right is sold out once; whoever gets it back lists it again
    DELISTED:  set(),
})  # fmt: skip
NEXT_ACTOR = {LISTED: "buyer", SUSPENDED: "provider"}


class Reason(StrEnum):
    BY_PROVIDER = "by_provider"
    EXPIRED = "expired"
    SOLD_EXCLUSIVELY = "sold_exclusively"
    ALL_COPIES_SOLD = "all_copies_sold"
    ASSET_WITHDRAWN = "asset_withdrawn"
    FROZEN = "frozen"  # by a freeze order
    ALLOWED_AGAIN = "allowed_again"  # the grade that suspended it was lowered; its provider may resume it


@dataclass(frozen=True, slots=True)
class Licence:
    """What may be granted of a version at most, by the terms that the catalogue keeps. None sets no limit."""

    purposes: frozenset[str] | None
    fields: frozenset[str] | None
    territories: frozenset[str] | None
    period_days_max: int | None


@dataclass(frozen=True, slots=True)
class Version:
    """What the catalogue says of a version, as far as trading needs it. `content_hash` is SHA-256 in hex."""

    id: VersionId
    asset_id: AssetId
    provider_id: ParticipantId
    title: str
    registered: bool
    grade: Grade | None
    flags: frozenset[Flag]
    grade_revision: int
    content_hash: str | None
    licence: Licence | None = None
    quality_gates: tuple[str, ...] = ()
    on_record: frozenset[Condition] = frozenset()
    traits: Traits = Traits()


@dataclass(frozen=True, slots=True)
class Offer:
    """What a provider asks to list."""

    version_id: VersionId
    mode: Mode
    right: Right
    purposes: tuple[str, ...]
    quota_uses: int
    pricing: Pricing
    plan_id: PlanId | None
    mechanism: Mechanism | None = None
    acceptance: AcceptanceTerms | None = None  # None: the market's own
    ownership: Ownership | None = None  # None: all of it is the provider's


@dataclass(frozen=True, slots=True)
class Listing:
    id: ListingId
    provider_id: ParticipantId
    asset_id: AssetId
    version_id: VersionId
    title: str
    grade: Grade
    flags: frozenset[Flag]
    grade_revision: int
    content_hash: str
    mode: Mode
    right: Right
    purposes: tuple[str, ...]
    quota_uses: int
    pricing: Pricing
    plan_id: PlanId | None
    state: State
    listed_at: datetime
    deadline: datetime | None
    reason_code: str | None = None
    revision: int = 1
    on_record: frozenset[Condition] = frozenset()
    mechanism: Mechanism | None = None
    acceptance: AcceptanceTerms | None = None
    ownership: Ownership | None = None

    @property
    def next_actor(self) -> str | None:
        return NEXT_ACTOR.get(self.state)

    @property
    def conditions(self) -> frozenset[Condition]:
        """What is on record for a decision: by the catalogue, and because this mode is kept to it."""
        return self.on_record | KEPT_TO[self.mode]

    @property
    def is_exclusive(self) -> bool:
        return self.right.is_exclusive


class NoSuchListing(NotFound):
    """There is no such listing, or you may not see it."""


class NotYourVersion(NotFound):
    """You have no such version."""


class AssetNotRegistered(Conflict):
    """Only a version of a registered asset, with its content inspected and its grade confirmed, can be listed."""


class BelowQuality(Conflict):
    """The quality report of the version holds a gate that nothing else makes up for; the gates stand in the facts."""


class OutsideLicence(Conflict):
    """The licence terms of the version do not let this be granted; `term` says which, and `allowed` what they let."""


class PricingDoesNotFit(Conflict):
    """This mechanism does not fit the right; `fitting` names those that do, and a fixed price fits every right."""


class BeginsTooEarlyOrLate(Conflict):
    """A right begins with its grant, or at a moment between now and the end of the listing."""


class CopiesMissing(Malformed):
    """A limited right says how many copies of it there are; an exclusive and an unlimited one say nothing of it."""


class MechanismMissing(Malformed):
    """A listing for an auction names its mechanism, and no other does."""


class PlanMissing(Malformed):
    """A listing at a fixed price names its price plan; any other names none."""


class RightsOverlap(Conflict):
    """An exclusive right overlaps no other right over the same asset; the facts name the listings that take it up."""


class NoCopyLeft(Conflict):
    """Every copy of this limited right has a buyer."""


class ListingNotOpen(Conflict):
    """This listing takes no orders or auctions now."""


class PublicDataUncapped(ListingNotOpen):
    """Public data are sold only where their price cap is kept (发改价格〔2025〕65号): at a fixed price, or by an open
    auction; `fitting` names the ways."""


class SuspendedByGrade(Conflict):
    """The grade of the data no longer allows this listing; only a new version can be listed."""


def open_listing(
    listing_id: ListingId,
    offer: Offer,
    version: Version,
    provider_id: ParticipantId,
    beside: Iterable[Claim],
    rules: MarketRules,
    now: datetime,
) -> Listing:
    """The listing. `beside` is what is claimed of the asset already: offered, being sold, or in force."""
    if version.provider_id != provider_id:
        raise NotYourVersion()
    if not version.registered or version.grade is None or version.content_hash is None:
        raise AssetNotRegistered()
    possible(version.grade, offer.mode, version.flags).require()
    if version.quality_gates:
        raise BelowQuality(gates=list(version.quality_gates))
    if version.licence:
        _require_within(version.licence, offer)
    _require_fitting(offer)
    require_capped(version.flags, offer.pricing, offer.mechanism)
    _require_begins_in_time(offer.right, rules, now)
    _require_free(claim_of(listing_id, version.asset_id, offer.right, now), beside)
    return Listing(
        id=listing_id, provider_id=provider_id, asset_id=version.asset_id, version_id=version.id, title=version.title,
        grade=version.grade, flags=version.flags, grade_revision=version.grade_revision,
        content_hash=version.content_hash, mode=offer.mode, right=offer.right, purposes=offer.purposes,
        quota_uses=offer.quota_uses, pricing=offer.pricing, plan_id=offer.plan_id, state=LISTING.start,
        listed_at=now, deadline=now + timedelta(seconds=rules.listing_seconds), on_record=version.on_record,
        mechanism=offer.mechanism, acceptance=offer.acceptance, ownership=offer.ownership,
    )  # fmt: skip


def require_open(listing: Listing, now: datetime) -> None:
    """Raises ListingNotOpen unless it takes orders and auctions at this moment, for public data PublicDataUncapped."""
    require_capped(listing.flags, listing.pricing, listing.mechanism)
    if listing.state is not LISTED:
        raise ListingNotOpen(state=listing.state, reason_code=listing.reason_code)
    if listing.deadline and now >= listing.deadline:
        raise ListingNotOpen(state=listing.state, reason_code=Reason.EXPIRED)


def require_capped(flags: frozenset[Flag], pricing: Pricing, mechanism: Mechanism | None) -> None:
    """Raises PublicDataUncapped for public data that would be sold in a way which keeps no price cap."""
    if _is_uncapped(flags, pricing, mechanism):
        raise PublicDataUncapped(article=ARTICLE, fitting=[Pricing.FIXED, *KEEPING_A_CAP])


def suspend(listing: Listing) -> Listing:
    return _move(listing, SUSPENDED, reason_code=Reason.BY_PROVIDER)


def resume(listing: Listing) -> Listing:
    """Listed again. Requires that the provider suspended it, or that the grade which did allows it again, and that no
    freeze order holds it now."""
    own = {Reason.BY_PROVIDER, Reason.ALLOWED_AGAIN, Reason.FROZEN}
    if listing.state is SUSPENDED and listing.reason_code not in own:
        raise SuspendedByGrade(reason_code=listing.reason_code, grade=listing.grade)
    return _move(listing, LISTED, reason_code=None)


def freeze(listing: Listing) -> Listing:
    """Off the market by a freeze order. One that is suspended already stays so for its own reason."""
    return _move(listing, SUSPENDED, reason_code=Reason.FROZEN) if listing.state is LISTED else listing


def thaw(listing: Listing) -> Listing:
    """On offer again once no freeze order holds it, unless something else suspended it meanwhile."""
    return _move(listing, LISTED, reason_code=None) if is_frozen(listing) else listing


def is_frozen(listing: Listing) -> bool:
    return listing.state is SUSPENDED and listing.reason_code == Reason.FROZEN


def delist(listing: Listing, reason: Reason = Reason.BY_PROVIDER) -> Listing:
    return _move(listing, DELISTED, reason_code=reason, deadline=None)


def copies_left(listing: Listing, taken: int) -> int | None:
    """How many more buyers a right can have, if so many awards of it stand. None for a right without limit."""
    copies = 1 if listing.is_exclusive else listing.right.copies
    return None if copies is None else max(0, copies - taken)


def sell(listing: Listing, taken: int = 0) -> Listing:
    """The listing after one more award: an exclusive right and the last copy of a limited one are sold, any other
    stays on offer. `taken` are the awards of a limited right that stand already.

    What was withdrawn after the first bid of its auction is sold all the same, and stays taken off. What was sold to
    a winner who did not pay stays sold, to the second: that one sale stands at most is the database's to keep.
    """
    if listing.right.copies is not None and not copies_left(listing, taken):
        raise NoCopyLeft(copies=listing.right.copies)
    taken_off_since = listing.state is DELISTED and listing.reason_code == Reason.ASSET_WITHDRAWN
    sold_before = listing.state is SOLD and listing.reason_code == Reason.SOLD_EXCLUSIVELY
    is_last = listing.is_exclusive or copies_left(listing, taken) == 1
    if taken_off_since or sold_before or not is_last:
        return listing
    reason = Reason.SOLD_EXCLUSIVELY if listing.is_exclusive else Reason.ALL_COPIES_SOLD
    return _move(listing, SOLD, reason_code=reason, deadline=None)


def regrade(
    listing: Listing, grade: Grade, flags: frozenset[Flag], grade_revision: int,
    on_record: frozenset[Condition] = frozenset(),
) -> Listing:  # fmt: skip
    """The open listing under the version's new grade; suspended if nobody may have it in this mode any more, and its
    provider's to resume if somebody may again.

    News that is older than what the listing knows changes nothing.
    """
    if grade_revision <= listing.grade_revision or not LISTING.moves[listing.state]:
        return listing
    told = replace(listing, grade=grade, flags=flags, grade_revision=grade_revision, on_record=on_record)
    reason_code = why_denied(told)
    if reason_code is None:
        denied = why_denied(listing)
        by_grade = listing.state is SUSPENDED and denied is not None and listing.reason_code == denied
        return _change(told, reason_code=Reason.ALLOWED_AGAIN) if by_grade else _change(told)
    if listing.state is SUSPENDED:
        return _change(told, reason_code=reason_code)
    return _move(told, SUSPENDED, reason_code=reason_code)


def why_denied(listing: Listing) -> str | None:
    """Why nobody may have it in this mode, or in this way, by its grade and flags; None if somebody may."""
    if denied := possible(listing.grade, listing.mode, listing.flags).reason_code:
        return denied
    is_uncapped = _is_uncapped(listing.flags, listing.pricing, listing.mechanism)
    return PublicDataUncapped.code() if is_uncapped else None


def pass_deadline(listing: Listing) -> Listing:
    """Requires that the deadline has passed."""
    return delist(listing, Reason.EXPIRED)


def _require_fitting(offer: Offer) -> None:
    """Raises unless the offer is complete for its pricing, and its mechanism fits the right."""
    kind, mechanism = offer.right.kind, offer.mechanism
    if (offer.right.copies is not None) != (kind is RightKind.LIMITED):
        raise CopiesMissing(right=kind)
    if (mechanism is not None) != (offer.pricing is Pricing.AUCTION):
        raise MechanismMissing(pricing=offer.pricing)
    if mechanism is not None and mechanism not in FITTING[kind]:
        raise PricingDoesNotFit(right=kind, mechanism=mechanism, fitting=list(FITTING[kind]))
    if (offer.plan_id is not None) != (offer.pricing is Pricing.FIXED):
        raise PlanMissing(pricing=offer.pricing)


def _is_uncapped(flags: frozenset[Flag], pricing: Pricing, mechanism: Mechanism | None) -> bool:
    return Flag.PUBLIC_DATA in flags and pricing is not Pricing.FIXED and mechanism not in KEEPING_A_CAP


def _require_begins_in_time(right: Right, rules: MarketRules, now: datetime) -> None:
    latest = now + timedelta(seconds=rules.listing_seconds)
    if right.starts_at is not None and not now <= right.starts_at <= latest:
        raise BeginsTooEarlyOrLate(starts_at_min=now, starts_at_max=latest)


def _require_free(claim: Claim, beside: Iterable[Claim]) -> None:
    taken = [other for other in beside if conflict(claim, other)]
    if taken:
        raise RightsOverlap(listings=sorted(other.listing_id for other in taken))


def _require_within(licence: Licence, offer: Offer) -> None:
    """Raises OutsideLicence unless every term of the offer keeps within the licence."""
    right, days_max = offer.right, licence.period_days_max
    country = right.territory.partition("-")[0]
    terms = (
        ("purposes", licence.purposes, licence.purposes is None or licence.purposes >= set(offer.purposes)),
        ("fields", licence.fields, licence.fields is None or right.field in licence.fields),
        ("territories", licence.territories,
         licence.territories is None or not licence.territories.isdisjoint({right.territory, country})),
    )  # fmt: skip
    for term, allowed, fits in terms:
        if not fits:
            raise OutsideLicence(term=term, allowed=sorted(allowed or ()))
    if days_max is not None and right.period_days > days_max:
        raise OutsideLicence(term="period_days_max", allowed=[days_max])


def _move(listing: Listing, to: State, **changes: Any) -> Listing:
    return _change(listing, state=LISTING.move(listing.state, to), **changes)


def _change(listing: Listing, **changes: Any) -> Listing:
    return replace(listing, revision=listing.revision + 1, **changes)

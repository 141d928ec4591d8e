"""The terms of an inquiry (询价): what is asked for, by when, of whom, and how the offers are compared.

Promises: terms that cannot end, or cannot be judged, cannot be made; nothing changes them once they are published; at
least three are invited, who are strangers to the buyer and to one another, so that there is somebody to compete with.
Sources: 政府采购法 art. 40 (three are asked, each offers once and cannot change it); its 实施条例 art. 18 (who is
controlled by the same hand does not take part twice); 财政部令第74号 art. 45 (three working days to answer) [K].
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.trading.rules import scoring
from services.trading.rules.auction import RelatedParty
from services.trading.rules.award import FrozenFees
from services.trading.rules.claim import ALL_FIELDS
from services.trading.rules.listing import Listing, ListingNotOpen, require_open
from services.trading.rules.market_rules import DAY, HOUR, MarketRules, Windows
from services.trading.rules.mechanism import Pricing
from services.trading.rules.right import RightKind
from services.trading.rules.scoring import ScoringRule
from shared.errors import Conflict, Malformed
from shared.grades import Grade, Mode
from shared.ids import ParticipantId
from shared.money import Money

INVITED_MIN, INVITED_MAX = 3, 30
CURRENCY = "CNY"


@dataclass(frozen=True, slots=True)
class InquiryWindows:
    """How long offers are taken, and how long they may be opened after that."""

    offers_seconds_min: int
    offers_seconds_max: int
    opening_seconds: int


WINDOWS: Mapping[str, InquiryWindows] = {
    "standard": InquiryWindows(
        offers_seconds_min=3 * DAY,  # 财政部令第74号 art. 45 counts working days; ours are days of the calendar
        offers_seconds_max=90 * DAY,
        opening_seconds=1 * DAY,
    ),
    "demo": InquiryWindows(offers_seconds_min=3, offers_seconds_max=1 * HOUR, opening_seconds=10),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """The right that the buyer needs, for this purpose, over data of at most this grade."""

    purpose: str
    mode: Mode
    grade_ceiling: Grade
    right_kind: RightKind
    right_field: str
    territory: str
    period_days: int
    quota_uses: int


@dataclass(frozen=True, slots=True)
class Terms:
    """`budget` is known to the buyer alone until the opening, unless `budget_is_open`."""

    title: str
    description: str
    asked: Asked
    scoring: ScoringRule
    budget: Money | None
    budget_is_open: bool
    offers_until: datetime
    opened_until: datetime
    fees: FrozenFees
    windows: Windows
    rules_name: str


@dataclass(frozen=True, slots=True)
class Invitee:
    """Who is to be asked. `affiliates`: whom identity knows to be controlled by the same hand."""

    participant_id: ParticipantId
    is_provider: bool
    affiliates: frozenset[ParticipantId]


class TooFewInvited(Malformed):
    """An inquiry asks at least three different providers."""


class InvitedTwice(Malformed):
    """Each provider is invited once."""


class NotAProvider(Conflict):
    """Whoever is invited must be admitted as a provider; the facts say who is not."""


class InvitedAreRelated(Conflict):
    """Those who are invited must be strangers to one another, or they would not compete; the facts say who is not."""


class BadInquiryTimes(Malformed):
    """Offers must be taken for as long as the facts say."""


class BudgetIsNone(Malformed):
    """A budget that is open must be named."""


def terms_of(
    *, title: str, description: str, asked: Asked, scoring_rule: ScoringRule, budget: Money | None,
    budget_is_open: bool, offers_until: datetime, fees: FrozenFees, rules: MarketRules, now: datetime,
) -> Terms:  # fmt: skip
    """The terms under the market's rules. Offers are opened in the window that follows `offers_until`."""
    scoring.check(scoring_rule)
    if budget_is_open and budget is None:
        raise BudgetIsNone()
    windows = WINDOWS[rules.name]
    shortest, longest = timedelta(seconds=windows.offers_seconds_min), timedelta(seconds=windows.offers_seconds_max)
    if not shortest <= offers_until - now <= longest:
        raise BadInquiryTimes(seconds_min=windows.offers_seconds_min, seconds_max=windows.offers_seconds_max)
    opened_until = offers_until + timedelta(seconds=windows.opening_seconds)
    return Terms(
        title, description, asked, scoring_rule, budget, budget_is_open, offers_until, opened_until, fees,
        rules.windows, rules.name,
    )  # fmt: skip


def require_invitable(buyer: Invitee, invited: Sequence[Invitee]) -> None:
    """Raises unless at least three providers are invited, each once, unrelated to the buyer and to one another."""
    ids = [each.participant_id for each in invited]
    if len(set(ids)) < len(ids):
        raise InvitedTwice(participant_ids=sorted({each for each in ids if ids.count(each) > 1}))
    if not INVITED_MIN <= len(ids) <= INVITED_MAX:
        raise TooFewInvited(invited=len(ids), invited_min=INVITED_MIN, invited_max=INVITED_MAX)
    if strangers := sorted(each.participant_id for each in invited if not each.is_provider):
        raise NotAProvider(participant_ids=strangers)
    own = buyer.affiliates | {buyer.participant_id}
    if related := sorted(own & set(ids)):
        raise RelatedParty(participant_ids=related)
    if related := sorted(related_among(invited)):
        raise InvitedAreRelated(participant_ids=related)


def related_among(invited: Sequence[Invitee]) -> frozenset[ParticipantId]:
    """Those who are affiliates of another among them."""
    pairs = [
        {one.participant_id, other.participant_id}
        for number, one in enumerate(invited)
        for other in invited[:number]
        if other.participant_id in one.affiliates or one.participant_id in other.affiliates
    ]
    return frozenset[ParticipantId]().union(*pairs)


def misfit(asked: Asked, listing: Listing, provider_id: ParticipantId, now: datetime) -> str | None:
    """Why a listing cannot be had as what was asked for; None if it can. Wider in field or territory is what was asked
    for, too."""
    try:
        require_open(listing, now)
    except ListingNotOpen:
        return "listing_not_open"
    right = listing.right
    checks = (
        ("listing_of_another", listing.provider_id == provider_id),
        ("pricing_not_inquiry", listing.pricing is Pricing.INQUIRY),
        ("mode_differs", listing.mode is asked.mode),
        ("grade_above_ceiling", listing.grade <= asked.grade_ceiling),
        ("right_differs", right.kind is asked.right_kind and right.field in (asked.right_field, ALL_FIELDS)),
        ("territory_differs", right.territory in (asked.territory, asked.territory.partition("-")[0])),
        ("period_too_short", right.period_days >= asked.period_days),
        ("quota_too_small", listing.quota_uses >= asked.quota_uses),
        ("purpose_not_granted", asked.purpose in listing.purposes),
    )
    return next((reason_code for reason_code, fits in checks if not fits), None)

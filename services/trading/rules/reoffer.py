"""Offering again what failed to sell (再次拍卖).

Promises: only what failed is offered again, as the same right, soon after, and not for much less; whoever took it and
did not pay is not among the bidders.
Sources: 法释〔2016〕18号 art. 24 (the defaulter may not take part), art. 26 (within 30 days, the start price at most
20 % lower than before).
"""

from dataclasses import replace
from datetime import datetime, timedelta

from services.trading.rules.auction import Auction, NoSuchAuction
from services.trading.rules.auction_terms import WHOLE_BASIS_POINTS
from services.trading.rules.listing import Listing
from services.trading.rules.right import Right
from shared.errors import Conflict, Forbidden, Malformed
from shared.ids import ParticipantId
from shared.money import Money

WITHIN = timedelta(days=30)
CUT_BASIS_POINTS_MAX = 2_000


class NotFailed(Conflict):
    """Only an auction that failed to sell is offered again."""


class NotTheSameRight(Conflict):
    """What is offered again is the same right over the same version, in the same form."""


class ReofferTooLate(Conflict):
    """An auction is offered again within thirty days after it failed."""


class CutTooDeep(Malformed):
    """The start price may be at most a fifth lower than before; `start_minor_min` is the least."""


class Defaulted(Forbidden):
    """Whoever won this before and did not pay may not bid for it again."""


def require_reofferable(earlier: Auction, of: Listing, listing: Listing, start_price: Money, now: datetime) -> None:
    """Raises unless this listing may be auctioned as a re-offer of the earlier auction, whose listing was `of`."""
    if earlier.provider_id != listing.provider_id:
        raise NoSuchAuction()
    if earlier.failed_at is None:
        raise NotFailed(state=earlier.state)
    if (of.version_id, of.mode, _undated(of.right)) != (listing.version_id, listing.mode, _undated(listing.right)):
        raise NotTheSameRight(version_id=of.version_id)
    if now > earlier.failed_at + WITHIN:
        raise ReofferTooLate(until=earlier.failed_at + WITHIN)
    least = start_minor_min(earlier.terms.start_price)
    if start_price.minor < least:
        raise CutTooDeep(start_minor_min=least)


def start_minor_min(before: Money) -> int:
    """The least start price: what is left of the one before, rounded up, so that the cut is never deeper."""
    return -(-before.minor * (WHOLE_BASIS_POINTS - CUT_BASIS_POINTS_MAX) // WHOLE_BASIS_POINTS)


def _undated(right: Right) -> Right:
    """The right whenever it begins: what is offered again may begin later."""
    return replace(right, starts_at=None)


def barred_from(earlier: Auction) -> tuple[ParticipantId, ...]:
    """Whoever may not register for a re-offer: the earlier auction's defaulters, and those barred from it already."""
    return (*earlier.barred_ids, *earlier.defaulter_ids)


def require_not_barred(auction: Auction, participant_id: ParticipantId) -> None:
    if participant_id in auction.barred_ids:
        raise Defaulted()

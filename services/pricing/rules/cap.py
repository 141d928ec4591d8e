"""The filed price cap of public data under authorised operation (公共数据授权运营).

Owns: which filing holds, and what lies above it. Does not: check that a filing is genuine; its reference says where
the authority keeps it.
Promises: public data are free, or cost at most the cap that holds now: of all of them, of a period, or of a unit, as
the price is. Filings are never changed; a later one follows.
Source: 《关于建立公共数据资源授权运营价格形成机制的通知》 (发改价格〔2025〕65号), as market-rules B0 tells it; the
official text decides.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from services.pricing.rules.arbitrage import charged
from services.pricing.rules.plan import BUNDLE, FREE, TIERED, Plan
from shared.errors import Conflict, Malformed, NotFound
from shared.ids import ParticipantId, PriceCapId, VersionId
from shared.money import Money

ARTICLE = "发改价格〔2025〕65号"


@dataclass(frozen=True, slots=True)
class Filing:
    """What a provider says of a filing. `valid_from` None means from now on."""

    cap: Money
    reference: str
    authority: str
    valid_from: datetime | None = None
    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class PriceCap:
    id: PriceCapId
    version_id: VersionId
    provider_id: ParticipantId
    cap: Money
    reference: str
    authority: str
    valid_from: datetime
    valid_until: datetime | None
    filed_at: datetime


class NoSuchPriceCap(NotFound):
    """There is no such price cap, or you may not see it."""


class NotPublicData(Conflict):
    """Only public data have a price cap; this version is not marked as such."""


class CapEndsBeforeItBegins(Malformed):
    """A price cap ends after it begins, and has not ended yet."""


class PriceCapMissing(Conflict):
    """Public data are free unless a price cap is filed for them; none holds at this time."""


class AbovePriceCap(Conflict):
    """Public data cost at most the price cap that is filed for them; the facts say what it is."""


class PublicDataBundled(Conflict):
    """What a bundle asks for public data would hang on what the rest of it costs, so it has none among its parts."""


def file(
    cap_id: PriceCapId, version_id: VersionId, provider_id: ParticipantId, filing: Filing, now: datetime
) -> PriceCap:
    """A filing for public data. Requires that the provider owns the version."""
    valid_from = filing.valid_from or now
    if filing.valid_until is not None and filing.valid_until <= max(valid_from, now):
        raise CapEndsBeforeItBegins(valid_from=valid_from, valid_until=filing.valid_until, now=now)
    return PriceCap(
        cap_id, version_id, provider_id, filing.cap, filing.reference, filing.authority, valid_from,
        filing.valid_until, now,
    )  # fmt: skip


def cap_at(caps: Iterable[PriceCap], now: datetime) -> PriceCap | None:
    """The cap that was filed last of those that hold at this moment."""
    holding = (cap for cap in caps if cap.valid_from <= now and (cap.valid_until is None or now < cap.valid_until))
    return max(holding, key=lambda cap: (cap.filed_at, cap.id), default=None)


def require_within(plan: Plan, caps: Iterable[PriceCap], at: datetime) -> None:
    """Raises what keeps a plan for public data from asking its price at this moment."""
    if plan.kind is FREE:
        return
    if plan.kind is BUNDLE:
        raise PublicDataBundled(article=ARTICLE)
    cap = cap_at(caps, at)
    if cap is None:
        raise PriceCapMissing(article=ARTICLE, at=at)
    listed = max(tier.unit_minor for tier in plan.tiers) if plan.kind is TIERED else plan.price.minor
    asked = charged(plan, listed, at)
    if asked > cap.cap:
        raise AbovePriceCap(article=ARTICLE, cap=cap.cap, asked=asked, reference=cap.reference)

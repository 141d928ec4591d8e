"""What of a bundle's price falls on each of its parts.

Owns: what a part costs alone, and its share. Does not: say whether a bundle costs too much; `arbitrage` does.
Promises: the shares make the total, and the taxes in them the tax in it, to the fen; a part that costs more alone bears
no less than one that costs less; where the bundle costs no more than its parts alone, none bears more than that.
The rule: by what each part costs alone, which is the least that its provider asks for all of the same version in the
same mode, less discounts, with tax. Where one of the parts has no such price, or none costs anything, all bear alike.
Largest remainder, ties to the part that the plan names first.
Source: market-rules B3 (P5, and `split`); 企业会计准则第14号——收入 art. 20, which shares a price for several things by
what each costs alone [K: the official text decides].
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.pricing.rules.arbitrage import WHOLE, charged
from services.pricing.rules.plan import BUNDLE, Part, Plan
from services.pricing.rules.tax import Taxed
from shared.grades import Mode
from shared.ids import VersionId
from shared.money import Money


@dataclass(frozen=True, slots=True)
class PartShare:
    """`alone` is None for what is not sold whole by itself; `share` is gross, with `tax` in it."""

    version_id: VersionId
    mode: Mode
    alone: Money | None
    share: Money
    tax: Money


def price_alone(part: Part, plans: Iterable[Plan], at: datetime) -> Money | None:
    """The least that the plans, which are in force at this moment, ask for all of a part and nothing else."""
    whole = [plan for plan in plans if plan.kind in WHOLE and plan.kind is not BUNDLE]
    own = [plan for plan in whole if (plan.version_id, plan.mode) == (part.version_id, part.mode)]
    prices = [charged(plan, plan.price.minor, at) for plan in own]
    return min(prices, default=None)


def shared_out(parts: Sequence[Part], alone: Sequence[Money | None], taxed: Taxed) -> tuple[PartShare, ...]:
    """The share of each part in a total and in its tax. Requires one price alone, or None, for each part."""
    weights = [0 if price is None else price.minor for price in alone]
    if None in alone or not any(weights):
        weights = [1] * len(parts)
    shares = taxed.gross.split(weights)
    taxes = taxed.tax.split([share.minor for share in shares] if taxed.gross.minor else weights)
    return tuple(
        PartShare(part.version_id, part.mode, price, share, tax)
        for part, price, share, tax in zip(parts, alone, shares, taxes, strict=True)
    )

"""The price cap of public data under authorised operation (公共数据授权运营), as far as a sale is bound by it.

Promises: no price of an auction of public data lies above the cap that held when it opened, and none is opened without
one; no quote is taken for more than the cap that holds when it is taken. Which ways of trading keep a cap at all stands
in `mechanism`; the others sell no public data (`listing.require_capped`).
Does not: keep the filings; pricing does. Source: 发改价格〔2025〕65号, as market-rules B0 tells it; the official text
decides.
"""

from shared.errors import Conflict
from shared.grades import Flag
from shared.money import Money

ARTICLE = "发改价格〔2025〕65号"


class AbovePriceCap(Conflict):
    """Public data cost at most the price cap that is filed for them; the facts say what it is."""


class PriceCapMissing(Conflict):
    """Public data are free unless a price cap is filed for them, and none holds: they are sold for no price."""


def require_filed(flags: frozenset[Flag], cap: Money | None) -> None:
    """Raises PriceCapMissing for public data without a cap."""
    if Flag.PUBLIC_DATA in flags and cap is None:
        raise PriceCapMissing(article=ARTICLE)


def require_total_within(flags: frozenset[Flag], cap: Money | None, asked: Money, units: int) -> None:
    """Raises what keeps public data from being sold at this total. A cap is of all of them, of a unit or of a period,
    as the price is: `units` says how many of what it is of are bought."""
    if Flag.PUBLIC_DATA not in flags or asked.minor == 0:
        return
    require_filed(flags, cap)
    if cap is not None and asked.minor > cap.minor * units:
        raise AbovePriceCap(article=ARTICLE, cap=cap, asked=asked, units=units)


def require_within(cap: Money | None, *amounts: Money | None) -> None:
    """Raises AbovePriceCap for the first amount that lies above a cap."""
    for amount in amounts:
        if cap is not None and amount is not None and amount > cap:
            raise AbovePriceCap(article=ARTICLE, cap=cap, asked=amount)

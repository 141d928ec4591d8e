"""Which way of trading fits which right.

Data are non-rival: a licence can be granted without limit, so scarcity exists only where the right creates it.
Promises: a right that can be granted without limit is never sold by a mechanism that needs scarcity, for an ascending
or a second-price auction over unlimited supply sells at the reserve; a refusal names what would fit.
Source: Goldberg, Hartline and Wright, Competitive Auctions and Digital Goods (2001): no deterministic truthful auction
of a digital good is competitive, so the one for an unlimited right draws lots (RSOP).
"""

from collections.abc import Mapping
from enum import StrEnum

from services.trading.rules.right import RightKind


class Pricing(StrEnum):
    FIXED = "fixed"  # 报价
    INQUIRY = "inquiry"  # 询价
    AUCTION = "auction"  # 竞价
    NEGOTIATION = "negotiation"  # 协议


class Mechanism(StrEnum):
    """How an auction finds its winners and its price."""

    ENGLISH = "english"
    DUTCH = "dutch"
    SEALED_FIRST = "sealed_first"
    SEALED_SECOND = "sealed_second"
    UNIFORM = "uniform"
    RSOP = "rsop"


FITTING: Mapping[RightKind, tuple[Mechanism, ...]] = {
    RightKind.EXCLUSIVE: (Mechanism.ENGLISH, Mechanism.DUTCH, Mechanism.SEALED_FIRST, Mechanism.SEALED_SECOND),
    RightKind.LIMITED:   (Mechanism.UNIFORM,),
    RightKind.UNLIMITED: (Mechanism.RSOP,),
}  # fmt: skip
KEEPING_A_CAP = (Mechanism.ENGLISH, Mechanism.DUTCH)  # every price of which is seen before it is taken

"""An auction, whichever its mechanism, and the act that asks for one of its own."""

from typing import TypeVar

from services.trading.rules.auction import Auction
from services.trading.rules.dutch import DutchAuction
from services.trading.rules.sealed import SealedAuction
from shared.errors import Conflict

AnyAuction = Auction | DutchAuction | SealedAuction
Awardable = Auction | SealedAuction  # whose award may wait for its payment, with a second beside its winner
OneKind = TypeVar("OneKind", Auction, DutchAuction, SealedAuction)


class OtherMechanism(Conflict):
    """This auction takes no such act: it goes by another mechanism, which the facts name."""


def of_kind(auction: AnyAuction, kind: type[OneKind]) -> OneKind:
    """The auction, if it goes by the mechanism that an act is for."""
    if not isinstance(auction, kind):
        raise OtherMechanism(mechanism=auction.mechanism)
    return auction


def awardable(auction: AnyAuction) -> Awardable:
    """The auction, if it can have a second."""
    if isinstance(auction, DutchAuction):
        raise OtherMechanism(mechanism=auction.mechanism)
    return auction

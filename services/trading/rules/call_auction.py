"""A call auction (集合竞价): orders to buy and to sell one standard unit are gathered, and cleared at one price.

Promises: the price is the one at which most is traded; among those, at which least is left over; then the nearest to
the reference, then the lower. Nobody pays more or gets less than their limit; no order waits while a worse one of its
side trades: a better limit goes first, and at the same limit the earlier. What is bought is what is sold. Nobody trades
with themselves or an affiliate: an order that could is not taken, so that at no price the book holds such a pair.
The outcome is a function of the orders and the reference alone; the price is a whole number of minor units, of the
whole range and not only of the limits, so that a reference between the limits can itself be the price.
Sources: market rules B6; 集合竞价 in the exchanges' trading rules (most volume, least surplus, then the reference).
"""

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from enum import StrEnum

from shared.errors import Conflict, Malformed
from shared.ids import ParticipantId


class Direction(StrEnum):
    BUY = "buy"
    SELL = "sell"


@dataclass(frozen=True, slots=True)
class UnitOrder:
    """So many units, at this limit or better. `sequence` is the order of arrival, from 1, without twins."""

    sequence: int
    participant_id: ParticipantId
    direction: Direction
    limit_minor: int
    quantity: int


@dataclass(frozen=True, slots=True)
class Match:
    """Units that one order sells to another, at the price of the clearing."""

    buy: UnitOrder
    sell: UnitOrder
    quantity: int


@dataclass(frozen=True, slots=True)
class Clearing:
    """The price for everyone, and who trades with whom."""

    price_minor: int
    volume: int
    matches: tuple[Match, ...]


class SelfTrade(Conflict):
    """This order could trade with one of your own, or of an affiliate."""


class NothingOrdered(Malformed):
    """An order is for one unit or more, at one minor unit or more."""


def enter(book: Sequence[UnitOrder], order: UnitOrder, related: Set[ParticipantId]) -> tuple[UnitOrder, ...]:
    """The book with one more order. `related` are the participant's affiliates, who count as the participant does."""
    if order.quantity < 1 or order.limit_minor < 1:
        raise NothingOrdered()
    own = related | {order.participant_id}
    for other in book:
        if other.participant_id in own and other.direction is not order.direction and _cross(order, other):
            raise SelfTrade()
    return (*book, order)


def clear(book: Sequence[UnitOrder], reference_minor: int) -> Clearing | None:
    """The one price and its matches. None: no buyer's limit reaches a seller's."""
    buys = _by_rank(order for order in book if order.direction is Direction.BUY)
    sells = _by_rank(order for order in book if order.direction is Direction.SELL)
    if not buys or not sells or buys[0].limit_minor < sells[0].limit_minor:
        return None
    price = min(
        _candidates(book, reference_minor), key=lambda each: _merit(buys, sells, each, reference_minor)
    )  # fmt: skip
    matches = _matches(
        [order for order in buys if order.limit_minor >= price],
        [order for order in sells if order.limit_minor <= price],
    )  # fmt: skip
    return Clearing(price, sum(match.quantity for match in matches), tuple(matches))


def _candidates(book: Sequence[UnitOrder], reference_minor: int) -> list[int]:
    """Enough prices to find the best of all. Demand and supply change only beside a limit, so that between two limits
    all prices do as well, and the best of them is the reference or the nearest to it. The lower comes first."""
    near = {order.limit_minor + step for order in book for step in (-1, 0, 1)}
    return sorted(near | {reference_minor})


def _merit(
    buys: Iterable[UnitOrder], sells: Iterable[UnitOrder], price: int, reference_minor: int
) -> tuple[int, int, int]:
    """The less, the better: by volume, surplus, and distance from the reference."""
    demand = sum(order.quantity for order in buys if order.limit_minor >= price)
    supply = sum(order.quantity for order in sells if order.limit_minor <= price)
    return -min(demand, supply), abs(demand - supply), abs(price - reference_minor)


def _by_rank(orders: Iterable[UnitOrder]) -> list[UnitOrder]:
    """The best limit first, then the earliest."""
    return sorted(
        orders,
        key=lambda order: (
            -order.limit_minor if order.direction is Direction.BUY else order.limit_minor, order.sequence
        ),
    )  # fmt: skip


def _matches(buys: Sequence[UnitOrder], sells: Sequence[UnitOrder]) -> list[Match]:
    """Units paired off in rank, until one side has none left. Requires both sides in rank, willing at one price."""
    matches = list[Match]()
    waiting = [(order, order.quantity) for order in reversed(sells)]
    for buy in buys:
        wanted = buy.quantity
        while wanted and waiting:
            sell, left = waiting.pop()
            quantity = min(wanted, left)
            matches.append(Match(buy, sell, quantity))
            wanted -= quantity
            if left > quantity:
                waiting.append((sell, left - quantity))
    return matches


def _cross(one: UnitOrder, other: UnitOrder) -> bool:
    buy, sell = (one, other) if one.direction is Direction.BUY else (other, one)
    return buy.limit_minor >= sell.limit_minor

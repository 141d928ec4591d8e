"""The k-double auction of one pair: a bid and an ask, sealed from each other, and one price between them.

Promises: they trade exactly if the bid reaches the ask; nobody pays more than they bid or gets less than they asked;
what the buyer pays is what the provider gets. Does not: make anybody bid what it is worth to them.
Source: Chatterjee and Samuelson 1983, with k = 1/2: the difference is split.
"""

from shared.money import Money


def price(bid: Money, ask: Money) -> Money | None:
    """Halfway between; an odd minor unit is the buyer's, so that the price is rounded down. None: they do not trade."""
    return None if bid < ask else ask + Money((bid - ask).minor // 2, ask.currency)

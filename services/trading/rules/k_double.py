"""The k-double auction of one pair: a bid and an ask, sealed from each other, and one price between them.

Promises: they trade exactly if the bid reaches the ask; nobody pays more than they bid or gets less than they asked;
what the buyer pays is what the provider gets. Does not: make anybody bid what it is worth to them.
Source: Chatterjee and Samuelson 1983: k·bid + (1 − k)·ask; with k = 1/2, as it stands if nobody says otherwise, the
difference is split.
"""

from shared.money import Money

HALF = 50


def price(bid: Money, ask: Money, bid_weight_percent: int = HALF) -> Money | None:
    """`bid_weight_percent`, k, of the way from ask to bid, rounded once, down: the odd minor unit is the buyer's.

    None: they do not trade. Requires a weight from 0 to 100.
    """
    return None if bid < ask else ask + Money((bid - ask).minor * bid_weight_percent // 100, ask.currency)

"""Random-sampling optimal price (RSOP): what an unlimited licence sells for, found by two halves of its bidders.

Each bidder falls on one of two sides by a coin that was fixed before bids opened. Each side tells the other its price:
the one at which that side alone would have paid most. So nobody's offer moves their own price, whatever the coins.
Promises: truthful and individually rational for every throw of the coins; a coin depends on the seed and the bidder
alone, and the seed is committed to before bids open, so that anyone can check both afterwards.
Choices: of several prices that would bring a side the same, the lowest counts, because it serves more bidders. A side
without an offer that reaches the floor has no price to tell: the other side then buys at the reserve, if one was set,
and not at all otherwise.
Source: Goldberg, Hartline and Wright, Competitive Auctions and Digital Goods (2001). It pays off from some 20 bidders.
"""

import hashlib
from collections.abc import Sequence

from services.trading.rules.clearing import Prices
from shared.facts import Commitment, commit
from shared.ids import AuctionId, ParticipantId
from shared.money import Money

SIDES = (0, 1)


def seed_commitment(auction_id: AuctionId, seed: str) -> Commitment:
    """What binds the exchange to the seed, 32 random bytes in hex: the seed is the salt over the auction's id."""
    return commit("seed", auction_id, bytes.fromhex(seed))


def coin(seed: str, bidder_id: ParticipantId) -> int:
    """The bidder's side: the lowest bit of the first byte of SHA-256 over the seed and the bidder's id."""
    return hashlib.sha256(bytes.fromhex(seed) + bidder_id.encode()).digest()[0] & 1


def prices(offers: Sequence[Money], coins: Sequence[int], floor: Money, reserve: Money | None) -> Prices:
    """What each winner pays, by the place of their offer. Requires a coin for each offer, and a floor that is the
    reserve if there is one."""
    told = [best_price([offer for offer, side in zip(offers, coins, strict=True) if side == each], floor)
            for each in SIDES]  # fmt: skip
    asked = [told[1 - side] or reserve for side in SIDES]
    won = dict[int, Money]()
    for place, (offer, side) in enumerate(zip(offers, coins, strict=True)):
        price = asked[side]
        if price is not None and offer >= price:
            won[place] = price
    return won


def best_price(side: Sequence[Money], floor: Money) -> Money | None:
    """The price at or above the floor that would bring most if each of this side who offered so much paid it."""
    ranked = sorted((offer for offer in side if offer >= floor), key=lambda offer: -offer.minor)
    best = None
    most_minor = 0
    for buyers, price in enumerate(ranked, start=1):
        if price.minor * buyers >= most_minor:
            best, most_minor = price, price.minor * buyers
    return best

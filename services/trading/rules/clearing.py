"""Who wins sealed offers for one right or for k copies of it, and what each winner pays.

Promises: the outcome depends on the offers, their order and the floor alone; nobody pays more than they offered, nor
less than the floor; of equal offers the earlier wins. Where all pay the highest losing offer, no offer moves its own
price, so offering what the right is worth is best for whoever wants one copy (Vickrey 1961). First price is
individually rational and no more than that: nobody should call it truthful.
"""

from collections.abc import Mapping, Sequence

from shared.money import Money

Prices = Mapping[int, Money]  # what each winner pays, by the place of their offer


def first_price(offers: Sequence[Money], floor: Money) -> Prices:
    """The highest offer wins one right and pays itself. Requires the offers in the order in which they were sealed."""
    return {place: offers[place] for place in _ranked(offers, floor)[:1]}


def uniform_price(offers: Sequence[Money], copies: int, floor: Money) -> Prices:
    """The highest offers win a copy each, and all pay the highest losing offer or, without one, the floor.

    With one copy this is the second-price auction. Requires the offers in the order in which they were sealed.
    """
    ranked = _ranked(offers, floor)
    price = offers[ranked[copies]] if copies < len(ranked) else floor
    return dict.fromkeys(ranked[:copies], price)


def _ranked(offers: Sequence[Money], floor: Money) -> list[int]:
    """The places of the offers that reach the floor, best first."""
    reaching = [place for place, offer in enumerate(offers) if offer >= floor]
    return sorted(reaching, key=lambda place: (-offers[place].minor, place))

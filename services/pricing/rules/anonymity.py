"""What may be told of several trades together without telling of one: k-anonymous publication.

Promises: figures follow from at least five trades by at least three buyers and three providers, affiliates counted as
one, of whom no provider took more than half of the value; otherwise there are none, and why is not told more closely.
Sources: the rule of frequency and the rule of dominance, as in Hundepool et al., Statistical Disclosure Control, 2012.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from services.pricing.rules.trade import Trade
from shared import canonical
from shared.facts import plain
from shared.ids import ParticipantId

TRADES_MIN, BUYERS_MIN, PROVIDERS_MIN = 5, 3, 3
NOT_ENOUGH = "not_enough_trades"

Groups = Mapping[ParticipantId, ParticipantId]


def may_be_told(trades: Sequence[Trade], groups: Groups) -> bool:
    """Requires the group of every party, and prices above nothing."""
    buyers = {groups[trade.buyer_id] for trade in trades}
    taken = Counter[ParticipantId]()
    for trade in trades:
        taken[groups[trade.provider_id]] += trade.price.minor
    if len(trades) < TRADES_MIN or len(buyers) < BUYERS_MIN or len(taken) < PROVIDERS_MIN:
        return False
    return 2 * max(taken.values()) <= taken.total()


def inputs_hash(trades: Iterable[Trade], groups: Groups) -> str:
    """The digest of what a figure was made from. Whoever holds the log can compute it again."""
    told = [
        {
            "order_id": trade.order_id, "version_id": trade.version_id, "mode": trade.mode, "price": trade.price,
            "buyer": groups[trade.buyer_id], "provider": groups[trade.provider_id], "at": trade.settled_at,
        }
        for trade in sorted(trades, key=lambda trade: trade.order_id)
    ]  # fmt: skip
    return canonical.digest(plain(told))

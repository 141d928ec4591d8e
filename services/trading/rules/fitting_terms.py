"""Which terms an auction names by its mechanism: what it needs, what it may have, and what does not belong to it."""

from collections.abc import Mapping, Set
from dataclasses import dataclass

from services.trading.rules.mechanism import Mechanism
from shared.errors import Malformed

COMMON = frozenset({"listing_id", "start_price", "deposit", "opens_at", "closes_at"})


@dataclass(frozen=True, slots=True)
class Names:
    needed: frozenset[str]
    taken: frozenset[str] = frozenset()


KEEPING_A_SECOND = frozenset({Mechanism.ENGLISH, Mechanism.SEALED_FIRST, Mechanism.SEALED_SECOND})
_SEALED = Names(frozenset({"reveal_closes_at"}), frozenset({"reserve_price"}))
_SEALED_FOR_ONE = Names(_SEALED.needed, _SEALED.taken | {"keeps_second"})
OWN: Mapping[Mechanism, Names] = {
    Mechanism.ENGLISH:       Names(frozenset({"increments"}), frozenset({
        "reserve_price", "reserve_is_open", "soft_close", "priority_buyers", "buy_now_price", "keeps_second",
        "reoffer_of",
    })),
    Mechanism.DUTCH:         Names(frozenset({"schedule"})),  # its floor is an open reserve
    Mechanism.SEALED_FIRST:  _SEALED_FOR_ONE,
    Mechanism.SEALED_SECOND: _SEALED_FOR_ONE,
    Mechanism.UNIFORM:       _SEALED,
    Mechanism.RSOP:          _SEALED,
}  # fmt: skip


class TermsDoNotFit(Malformed):
    """An auction by this mechanism needs the terms that are `missing`, and has none that are `foreign` to it."""


class NoSecondToKeep(Malformed):
    """Only where one of several bids wins is there a second to ask: a Dutch auction ends with its first bid; of several
    copies each has a winner and a payment of its own; and in random sampling no bid takes another's place."""


def require_fitting_terms(mechanism: Mechanism, named: Set[str]) -> None:
    if "keeps_second" in named and mechanism not in KEEPING_A_SECOND:
        raise NoSecondToKeep(mechanism=mechanism)
    own = OWN[mechanism]
    missing, foreign = own.needed - named, named - COMMON - own.needed - own.taken
    if missing or foreign:
        raise TermsDoNotFit(mechanism=mechanism, missing=sorted(missing), foreign=sorted(foreign))

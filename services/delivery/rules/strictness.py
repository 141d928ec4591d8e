"""How strict one mask is beside another: a partial order, written down step by step.

Owns: the order, and what stands in for a declared mask that is no longer enough.
Promises: every mask is as strict as itself, the order is transitive, no two masks are each stricter than the other;
keeping is the least of all and dropping the most; where two masks cannot be compared, neither stands for the other.
The order is a rule of ours. Within one family (dates, places, numbers) a step shows less of the value. A keyed
pseudonym counts as stricter than masks that leave characters of a number or a name in place, for it leaves none; it is
not comparable with those that leave a group (a district, a year), for it tells equal values apart.
Source: GB/T 37964-2019 annex A (techniques of de-identification) for the families.
"""

from collections.abc import Mapping
from functools import cache

from services.delivery.rules.masking import Mask

# fmt: off
NEXT_STRICTER: Mapping[Mask, frozenset[Mask]] = {
    Mask.KEEP: frozenset({
        Mask.KEEP_REGION, Mask.KEEP_ENDS, Mask.KEEP_INITIAL, Mask.KEEP_DISTRICT, Mask.KEEP_LAST_FOUR, Mask.KEEP_DOMAIN,
        Mask.KEEP_MONTH, Mask.KEEP_NETWORK, Mask.KEEP_PLATE_OFFICE, Mask.ROUND_TENTH, Mask.ROUND_INTEGER, Mask.BAND_10,
        Mask.SHIFT_DATES,
    }),
    Mask.KEEP_REGION:        frozenset({Mask.KEEP_PROVINCE_CODE, Mask.PSEUDONYM}),
    Mask.KEEP_PROVINCE_CODE: frozenset({Mask.HIDE}),
    Mask.KEEP_ENDS:          frozenset({Mask.PSEUDONYM}),
    Mask.KEEP_INITIAL:       frozenset({Mask.PSEUDONYM}),
    Mask.KEEP_LAST_FOUR:     frozenset({Mask.PSEUDONYM}),
    Mask.KEEP_DOMAIN:        frozenset({Mask.PSEUDONYM}),
    Mask.KEEP_NETWORK:       frozenset({Mask.PSEUDONYM}),
    Mask.KEEP_PLATE_OFFICE:  frozenset({Mask.PSEUDONYM}),
    Mask.KEEP_DISTRICT:      frozenset({Mask.KEEP_PROVINCE}),
    Mask.KEEP_PROVINCE:      frozenset({Mask.HIDE}),
    Mask.KEEP_MONTH:         frozenset({Mask.KEEP_YEAR}),
    Mask.KEEP_YEAR:          frozenset({Mask.KEEP_DECADE}),
    Mask.KEEP_DECADE:        frozenset({Mask.HIDE}),
    Mask.ROUND_TENTH:        frozenset({Mask.ROUND_DEGREE}),
    Mask.ROUND_DEGREE:       frozenset({Mask.HIDE}),
    Mask.ROUND_INTEGER:      frozenset({Mask.HIDE}),
    Mask.BAND_10:            frozenset({Mask.BAND_100, Mask.AGE_RANGE}),
    Mask.BAND_100:           frozenset({Mask.BAND_1000}),
    Mask.BAND_1000:          frozenset({Mask.BAND_10000}),
    Mask.BAND_10000:         frozenset({Mask.HIDE}),
    Mask.AGE_RANGE:          frozenset({Mask.HIDE}),
    Mask.SHIFT_DATES:        frozenset({Mask.HIDE}),
    Mask.PSEUDONYM:          frozenset({Mask.HIDE}),
    Mask.HIDE:               frozenset({Mask.DROP}),
    Mask.DROP:               frozenset(),
}
# One step further, for the cells of a row that too few others resemble; what has no such step is hidden at once.
COARSER: Mapping[Mask, Mask] = {
    Mask.KEEP_REGION: Mask.KEEP_PROVINCE_CODE, Mask.KEEP_DISTRICT: Mask.KEEP_PROVINCE, Mask.KEEP_MONTH: Mask.KEEP_YEAR,
    Mask.KEEP_YEAR: Mask.KEEP_DECADE, Mask.ROUND_TENTH: Mask.ROUND_DEGREE, Mask.BAND_10: Mask.BAND_100,
    Mask.BAND_100: Mask.BAND_1000, Mask.BAND_1000: Mask.BAND_10000,
}
# fmt: on
SHOW_NO_GROUP = frozenset({Mask.HIDE, Mask.DROP, Mask.PSEUDONYM})


def at_least(mask: Mask, minimum: Mask) -> bool:
    """Whether the mask is the minimum, or stricter."""
    return mask in _as_strict_as(minimum)


def stricter(declared: Mask, minimum: Mask) -> Mask:
    """What applies where a provider declared one mask and the policy by now demands another: never less than either."""
    if at_least(declared, minimum):
        return declared
    return minimum if at_least(minimum, declared) else Mask.HIDE


@cache
def _as_strict_as(mask: Mask) -> frozenset[Mask]:
    above = (_as_strict_as(step) for step in NEXT_STRICTER[mask])
    return frozenset({mask}).union(*above)

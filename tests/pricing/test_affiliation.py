"""Affiliates of affiliates are one."""

import pytest

from services.pricing.rules.affiliation import groups, representatives
from shared.ids import ParticipantId

PARTIES = tuple(ParticipantId(f"participant_{number:032x}") for number in range(4))


def known(pairs: list[tuple[int, int]]) -> dict[ParticipantId, frozenset[ParticipantId]]:
    """Told on one side only, as the first of two to hear would know it."""
    return {party: frozenset(PARTIES[b] for a, b in pairs if a == place) for place, party in enumerate(PARTIES)}


@pytest.mark.parametrize("pairs, expected", [
    ([],                       (0, 1, 2, 3)),
    ([(0, 1)],                 (0, 0, 2, 3)),
    ([(3, 1)],                 (0, 1, 2, 1)),
    ([(0, 3), (1, 2)],         (0, 1, 1, 0)),
    ([(0, 3), (3, 2)],         (0, 1, 0, 0)),
    ([(1, 2), (2, 3)],         (0, 1, 1, 1)),
    ([(0, 1), (2, 3), (1, 3)], (0, 0, 0, 0)),
])  # fmt: skip
def test_affiliates_of_affiliates_are_of_one_group(pairs: list[tuple[int, int]], expected: tuple[int, ...]):
    assert groups(PARTIES, known(pairs).__getitem__) == expected


def test_the_least_id_stands_for_its_group():
    found = representatives([PARTIES[3], PARTIES[1], PARTIES[2], PARTIES[1]], known([(3, 1)]).__getitem__)
    assert found == {PARTIES[1]: PARTIES[1], PARTIES[2]: PARTIES[2], PARTIES[3]: PARTIES[1]}

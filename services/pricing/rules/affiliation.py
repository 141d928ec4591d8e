"""Who counts as one: participants that are affiliated, directly or through others."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from shared.ids import ParticipantId

Affiliates = Callable[[ParticipantId], frozenset[ParticipantId]]


def groups(parties: Sequence[ParticipantId], affiliates: Affiliates) -> tuple[int, ...]:
    """For each party the place of the first that it is connected with, by affiliations among these parties alone."""
    found, place_of = list(range(len(parties))), {party: place for place, party in enumerate(parties)}
    for place, party in enumerate(parties):
        for affiliate in affiliates(party) & place_of.keys():
            low, high = sorted((found[place], found[place_of[affiliate]]))
            if low < high:
                found = [low if group == high else group for group in found]
    return tuple(found)


def representatives(
    parties: Iterable[ParticipantId], affiliates: Affiliates
) -> Mapping[ParticipantId, ParticipantId]:  # fmt: skip
    """For each party the one that stands for its group: the least of their ids."""
    ordered = sorted(set(parties))
    return {party: ordered[group] for party, group in zip(ordered, groups(ordered, affiliates), strict=True)}

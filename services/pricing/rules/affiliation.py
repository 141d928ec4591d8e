"""Who counts as one: participants that are affiliated, directly or through others."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from shared.ids import ParticipantId

Affiliates = Callable[[ParticipantId], frozenset[ParticipantId]]


def groups(parties: Sequence[ParticipantId], affiliates: Affiliates) -> tuple[int, ...]:
    """For each party the place of the first that it is connected with, by affiliations among these parties alone."""
    found = list(range(len(parties)))
    for place, party in enumerate(parties):
        for other in range(place):
            if parties[other] in affiliates(party) or party in affiliates(parties[other]):
                low, high = sorted((found[place], found[other]))
                found = [low if group == high else group for group in found]
    return tuple(found)


def representatives(
    parties: Iterable[ParticipantId], affiliates: Affiliates
) -> Mapping[ParticipantId, ParticipantId]:  # fmt: skip
    """For each party the one that stands for its group: the least of their ids."""
    ordered = sorted(set(parties))
    return {party: ordered[group] for party, group in zip(ordered, groups(ordered, affiliates), strict=True)}

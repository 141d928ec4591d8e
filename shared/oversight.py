"""Who of the exchange and of the authorities sees data of which grade: by office, and from G4 on only by name.

Owns: what each office sees whatever it is of, what it sees only where somebody was charged with it, and how far a
charge reaches. Promises: deny unless an office has the grade; a charge counts for the one office that it was given to;
a higher grade never shows more; whoever may see data of no grade yet is the one who reviews it or answers for it.
Does not: know who was charged. The mirrors of identity's assignments and of the log's cases do (`shared.charges`).
Source: reliability 5.2, the rows of the operator's and the regulator's metadata: from G4 on by assignment or case, from
G5 on by two persons named or a case of two; of G6 nothing but the refusal is the operator's.
"""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass

from shared.grades import G1, G2, G3, G4, G5, G6, Grade
from shared.ids import AssetId, ParticipantId

BUSINESS, SECURITY, REGULATOR = "operator_business", "operator_security", "regulator"
OFFICES = frozenset({BUSINESS, "operator_system", SECURITY, "operator_audit", REGULATOR})
ANSWERABLE = frozenset({BUSINESS, SECURITY, REGULATOR})
NO_OFFICE: frozenset[str] = frozenset()

# Whatever it is of; with None what has no grade yet, and may turn out to be of any.
BY_OFFICE: Mapping[Grade | None, frozenset[str]] = {
    None: ANSWERABLE, G1: OFFICES, G2: OFFICES, G3: OFFICES, G4: NO_OFFICE, G5: NO_OFFICE, G6: NO_OFFICE,
}  # fmt: skip
# Only of what somebody was charged with: an operator by assignment, the regulator by a case.
BY_CHARGE: Mapping[Grade, frozenset[str]] = {
    G1: NO_OFFICE, G2: NO_OFFICE, G3: NO_OFFICE,
    G4: frozenset({BUSINESS, REGULATOR}), G5: ANSWERABLE, G6: frozenset({REGULATOR}),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Charge:
    """What somebody answers for by name in one office: these entries, or all of these providers, or all there is; up to
    a grade."""

    office: str
    highest: Grade
    assets: frozenset[AssetId] = frozenset()
    providers: frozenset[ParticipantId] = frozenset()
    is_of_all: bool = False

    def reaches(self, asset_id: AssetId, provider_id: ParticipantId) -> bool:
        return self.is_of_all or asset_id in self.assets or provider_id in self.providers


@dataclass(frozen=True, slots=True)
class Oversight:
    """What somebody sees by their offices. The grades of `by_office` show whatever they are of."""

    offices: frozenset[str] = frozenset()
    charges: tuple[Charge, ...] = ()

    @property
    def by_office(self) -> frozenset[Grade | None]:
        return frozenset(grade for grade, offices in BY_OFFICE.items() if offices & self.offices)

    def charges_with(self, grade: Grade) -> tuple[Charge, ...]:
        """Those under which something of this grade shows."""
        offices = BY_CHARGE[grade] & self.offices
        return tuple(each for each in self.charges if each.office in offices and each.highest >= grade)

    def reaches(self, grade: Grade | None, asset_id: AssetId, provider_id: ParticipantId) -> bool:
        if grade in self.by_office:
            return True
        return grade is not None and any(each.reaches(asset_id, provider_id) for each in self.charges_with(grade))

    def reaches_all(self, grades: Iterable[Grade | None], asset_id: AssetId, provider_id: ParticipantId) -> bool:
        """Whether what is said of several at once shows: each of them does, and they have an office at all."""
        return bool(self.by_office) and all(self.reaches(grade, asset_id, provider_id) for grade in grades)


def oversight(roles: Set[str], charges: Iterable[Charge] = ()) -> Oversight:
    """Requires the charges of one person. Roles that are no office see nothing by it."""
    return Oversight(frozenset(roles) & OFFICES, tuple(charges))

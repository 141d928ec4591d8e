"""A desensitisation plan: what a provider wants done to each field of a version, and what therefore is done.

Owns: the plan and its revisions, the check against the platform's own masks, and the treatment that results.
Promises: a plan is as strict as the platform's masks or stricter, field by field, when it is declared; where the grade
rises afterwards, the stricter of both applies, and hiding where they cannot be compared; the same treatment has the
same digest, so nothing is written twice, and another key, policy or threshold has another.
Sources: GB/T 37964-2019 section 5 (setting aims, choosing techniques, per field).
"""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from datetime import datetime

from services.delivery.rules.inspection import Inspection
from services.delivery.rules.masking import KEYED, MASK_POLICY, Mask, masks_for
from services.delivery.rules.quasi_identifier import quasi_identifiers, showing_groups, smallest_group
from services.delivery.rules.strictness import at_least, stricter
from shared import canonical
from shared.errors import Conflict, Malformed
from shared.grades import Flag, Grade
from shared.ids import ParticipantId, VersionId

PERSONS = frozenset({Flag.PERSONAL, Flag.SENSITIVE_PERSONAL, Flag.MINOR})


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a provider declares: masks for some fields, and further fields that identify together or are sensitive."""

    masks: tuple[tuple[str, Mask], ...] = ()
    quasi_identifiers: tuple[str, ...] = ()
    sensitive_fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """A revision of a version's plan, never changed. The newest applies to what is delivered from then on."""

    version_id: VersionId
    revision: int
    provider_id: ParticipantId
    wishes: Wishes
    declared_at: datetime

    @property
    def digest(self) -> str:
        return wishes_digest(self.wishes)


@dataclass(frozen=True, slots=True)
class Treatment:
    """All that decides what a desensitised content of a version looks like, but for the key."""

    grade: Grade
    plan_revision: int  # 0: the platform's own masks
    fields: tuple[str, ...]
    minimum: Mapping[str, Mask]
    masks: Mapping[str, Mask]
    quasi_identifiers: tuple[str, ...]
    sensitive_fields: tuple[str, ...]
    smallest_group: int
    persons: bool

    @property
    def showing_groups(self) -> tuple[str, ...]:
        return showing_groups(self.quasi_identifiers, self.masks)

    @property
    def needs_key(self) -> bool:
        return bool(KEYED & set(self.masks.values()))

    def digest(self, key_id: str) -> str:
        """Names what would be written. Requires the key's id, which counts only where a mask needs a key."""
        groups = {"k": self.smallest_group, "of": list(self.showing_groups)} if self.smallest_group > 1 else {}
        return canonical.digest({
            "policy": MASK_POLICY, "masks": [[field, mask] for field, mask in sorted(self.masks.items())],
            "groups": groups, "persons": self.persons, "quasi": list(self.quasi_identifiers),
            "sensitive": list(self.sensitive_fields), "key": key_id if self.needs_key else "",
        })[:32]  # fmt: skip


class UnknownField(Conflict):
    """This version has no such field; the fields it has stand in its catalogue entry."""


class NamedTwice(Malformed):
    """A plan names each field once."""


class MaskTooWeak(Conflict):
    """At this version's grade the field needs at least the mask in the facts, or a stricter one."""


class NothingLeft(Conflict):
    """A plan that drops every field leaves nothing to deliver."""


def treatment(inspection: Inspection, grade: Grade, flags: Set[Flag], plan: Plan | None) -> Treatment:
    """What is done to a content now. The grade and flags are those of the moment, the plan the newest."""
    fields = tuple(field.name for field in inspection.fields)
    minimum = _minimum(inspection, grade)
    wishes = plan.wishes if plan else Wishes()
    masks = minimum | {field: stricter(mask, minimum.get(field, Mask.KEEP)) for field, mask in wishes.masks}
    persons = bool(PERSONS & flags)
    quasi = quasi_identifiers(fields, inspection.detections, wishes.quasi_identifiers)
    named = set(wishes.sensitive_fields)
    return Treatment(
        grade, plan.revision if plan else 0, fields, minimum,
        {field: mask for field, mask in masks.items() if mask is not Mask.KEEP},
        quasi if persons or wishes.quasi_identifiers else (), tuple(field for field in fields if field in named),
        smallest_group(grade) if persons or wishes.quasi_identifiers else 1, persons,
    )  # fmt: skip


def check(wishes: Wishes, inspection: Inspection, grade: Grade) -> None:
    """Raises NamedTwice, UnknownField, MaskTooWeak or NothingLeft unless the wishes can be a plan at this grade."""
    masked = [field for field, _ in wishes.masks]
    known = {field.name for field in inspection.fields}
    minimum = _minimum(inspection, grade)
    for names in (masked, wishes.quasi_identifiers, wishes.sensitive_fields):
        if twice := _repeated(names):
            raise NamedTwice(field=twice)
        for name in names:
            if name not in known:
                raise UnknownField(field=name)
    for field, mask in wishes.masks:
        needed = minimum.get(field, Mask.KEEP)
        if not at_least(mask, needed):
            raise MaskTooWeak(field=field, mask=mask, minimum=needed)
    if {field for field, mask in wishes.masks if mask is Mask.DROP} >= known:
        raise NothingLeft()


def wishes_digest(wishes: Wishes) -> str:
    """Names what a plan says, whatever the order in which it says it."""
    return canonical.digest({
        "masks": [[field, mask] for field, mask in sorted(wishes.masks)],
        "quasi": sorted(wishes.quasi_identifiers), "sensitive": sorted(wishes.sensitive_fields),
    })  # fmt: skip


def _minimum(inspection: Inspection, grade: Grade) -> dict[str, Mask]:
    return masks_for(inspection.detections, grade)


def _repeated(names: Iterable[str]) -> str | None:
    seen = set[str]()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None

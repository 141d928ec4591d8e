"""Lowering a grade: which of its grounds a provider asks to strike, and what is left of them.

Owns: what can be named, and the grading without it.
Promises: a grade never falls below what the grounds that nobody named demand; a finding goes only if it was named, so
that detection's floors stand for every other, and for every later version.
Source: GB/T 43697-2024 clause 6.5 (综合确定) and annex J; market rule G3 (detection may only raise; lowering needs a
named reviewer with evidence).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from services.catalog.rules.evidence import Field
from services.catalog.rules.grading import Finding, Grounds, Impact
from services.catalog.rules.rule_tables import Degree, Object
from shared.errors import Conflict
from shared.grades import Flag


@dataclass(frozen=True, slots=True, order=True)
class NamedImpact:
    """Every impact of this degree on this object, whoever named it."""

    object: Object
    degree: Degree


@dataclass(frozen=True, slots=True)
class Strike:
    """Requires that it names something."""

    impacts: tuple[NamedImpact, ...]
    findings: tuple[Finding, ...]
    flags: tuple[Flag, ...]


class NothingToStrike(Conflict):
    """The grade does not rest on what you name; look at its reasons."""


def without(grounds: Grounds, fields: Iterable[Field], strike: Strike) -> Grounds:
    """What is left. Raises NothingToStrike for what the present grade does not rest on."""
    found = {Finding(field.name, detection.kind) for field in fields for detection in field.detections}
    said = {_named(impact) for impact in (*grounds.declared, *grounds.added)}
    unknown = {
        "impacts": sorted({f"{named.object}.{named.degree}" for named in strike.impacts if named not in said}),
        "findings": sorted({finding.kind for finding in strike.findings if finding not in found - grounds.struck}),
        "flags": sorted(set(strike.flags) - grounds.flags),
    }
    if any(unknown.values()):
        raise NothingToStrike(**unknown)
    return replace(
        grounds, declared=_left(grounds.declared, strike), added=_left(grounds.added, strike),
        flags=grounds.flags - set(strike.flags), struck=grounds.struck | set(strike.findings),
    )  # fmt: skip


def _left(impacts: tuple[Impact, ...], strike: Strike) -> tuple[Impact, ...]:
    return tuple(impact for impact in impacts if _named(impact) not in strike.impacts)


def _named(impact: Impact) -> NamedImpact:
    return NamedImpact(impact.object, impact.degree)

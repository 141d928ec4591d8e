"""Transfer abroad (数据出境): which path a content must have taken before it may leave mainland China.

Owns: the table of `market-rules` B8.3, in its order: the first row that applies decides. Promises: what is not known
is never guessed (`needs_info`); what goes to one recipient in a year is added up, each version once; an exemption lifts
the path, never the duties of consent and assessment.
Sources: CAC Order 16 of 2024-03-22 arts 3–8; Measures on Security Assessment art. 14 (three years); Network Data
Security Regulation arts 37, 38; PIPL arts 38, 39, 55. Persons are counted from 1 January, Beijing time; "以上" includes
the number. The law adds up all that a provider sends abroad; what is known here is one recipient's part of it, so
whoever records a clearance states the path for the whole of it.
"""

from collections.abc import Callable, Set
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from enum import StrEnum

from shared.errors import Malformed
from shared.grades import G5, G6, Condition, Flag, Grade
from shared.ids import EntitlementId, ExportClearanceId

BEIJING = timezone(timedelta(hours=8))
VALID_AT_MOST = timedelta(days=3 * 366)
PERSONS_ASSESSED_FROM = 1_000_000
PERSONS_CONTRACTED_FROM = 100_000
SENSITIVE_ASSESSED_FROM = 10_000
# ISO 3166-2 of mainland China, and the two digits of GB/T 2260 for the same: Hong Kong, Macao and Taiwan are 境外.
MAINLAND = frozenset(
    "CN-" + part
    for part in (
        "AH BJ CQ FJ GD GS GX GZ HA HB HE HI HL HN JL JS JX LN NM NX QH SC SD SH SN SX TJ XJ XZ YN ZJ "
        "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65"
    ).split()
) | {"CN"}


class Instrument(StrEnum):
    SECURITY_ASSESSMENT = "security_assessment"  # 数据出境安全评估
    STANDARD_CONTRACT = "standard_contract"  # 个人信息出境标准合同
    CERTIFICATION = "certification"  # 个人信息保护认证


class Ground(StrEnum):
    """Why no path is needed although persons are named: arts 4, 5(1), 5(2), 5(3); and art. 6, which a person judges."""

    PROCESSED_HERE = "processed_here"
    CONTRACT_NECESSITY = "contract_necessity"
    HUMAN_RESOURCES = "human_resources"
    EMERGENCY = "emergency"
    ZONE_OR_SECTOR = "zone_or_sector"


@dataclass(frozen=True, slots=True)
class ExportClearance:
    """What the platform checked and wrote down for one entitlement; the newest one counts, until it runs out.

    `persons` are the natural persons in the version, `sensitive_persons` those of them with sensitive information.
    """

    id: ExportClearanceId
    entitlement_id: EntitlementId
    persons: int
    sensitive_persons: int
    ground: Ground | None
    instrument: Instrument | None
    number: str | None
    valid_until: datetime
    reason: str
    recorded_by: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Export:
    """What is known of a transfer abroad. The earlier persons are those this recipient got in other versions this year,
    by flows that count."""

    clearance: ExportClearance | None = None
    earlier_persons: int = 0
    earlier_sensitive_persons: int = 0


@dataclass(frozen=True, slots=True)
class Crossing:
    """All that the table reads. None is what is not known; the persons are those of the year, with this content's."""

    grade: Grade | None
    admitted: bool
    personal: bool
    sensitive: bool
    infrastructure: bool
    ground: Ground | None
    persons: int | None
    sensitive_persons: int | None


@dataclass(frozen=True, slots=True)
class Path:
    """A row's outcome: refused for a reason, or free if one of the instruments is on record, or needed none."""

    rule: str
    refused: str | None = None
    needs: frozenset[Instrument] = frozenset()
    counts: bool = False


@dataclass(frozen=True, slots=True)
class Ruling:
    """May it cross? `rules` are those that were consulted, `reason_code` why not, `counts` if its persons add up."""

    rules: tuple[str, ...]
    reason_code: str | None = None
    counts: bool = False


class ClearanceContradicts(Malformed):
    """An instrument has its number, a clearance ends within three years, and sensitive persons are persons too."""


ASSESSED = frozenset({Instrument.SECURITY_ASSESSMENT})
IMPORTANT = Path("export.important_data", needs=ASSESSED)
EXEMPT = Path("export.exempt")
ASSESSMENT = Path("export.security_assessment", needs=ASSESSED, counts=True)
CONTRACT = Path("export.contract_or_certification", needs=frozenset(Instrument), counts=True)
FEW_PERSONS = Path("export.few_persons", counts=True)
UNKNOWN = Path("export.facts_known", refused="needs_info")
NOT_TRADABLE = Path("export.core_or_barred", refused="core_data_not_tradable")
BARRED = Path("export.core_or_barred", refused="recipient_barred")

# True: the row decides; False: it does not apply; None: whether it applies is not known.
Applies = Callable[[Crossing], bool | None]
TABLE: tuple[tuple[Applies, Path], ...] = (
    (lambda it: None if it.grade is None else it.grade is G6,               NOT_TRADABLE),
    (lambda it: not it.admitted,                                            BARRED),
    (lambda it: it.grade is G5,                                             IMPORTANT),
    (lambda it: not it.personal or it.ground in EXEMPTING,                  EXEMPT),
    (lambda it: it.infrastructure,                                          ASSESSMENT),
    (lambda it: _reaches(it, PERSONS_ASSESSED_FROM, SENSITIVE_ASSESSED_FROM), ASSESSMENT),
    (lambda it: _reaches(it, PERSONS_CONTRACTED_FROM, 1),                   CONTRACT),
    (lambda it: True,                                                       FEW_PERSONS),
)  # fmt: skip
EXEMPTING = frozenset(Ground) - {Ground.ZONE_OR_SECTOR}


def is_abroad(territory: str | None) -> bool:
    """Whether a right for this territory reaches outside mainland China; so it does where that is not known."""
    return territory not in MAINLAND


def year_of(now: datetime) -> int:
    """The year that persons are counted in."""
    return now.astimezone(BEIJING).year


def path(crossing: Crossing) -> Path:
    """The first row that applies; `UNKNOWN` where that cannot be told."""
    for applies, outcome in TABLE:
        match applies(crossing):
            case None:
                return UNKNOWN
            case True:
                return outcome
            case False:
                pass
    return UNKNOWN


def rule(
    grade: Grade | None, admitted: bool, flags: Set[Flag], on_record: Set[Condition], export: Export, now: datetime
) -> Ruling:
    """Whether a content of this grade with these flags may go abroad now."""
    clearance = export.clearance if export.clearance and now < export.clearance.valid_until else None
    crossing = _crossing(grade, admitted, flags, clearance, export)
    found = path(crossing)
    if found.refused:
        return Ruling((found.rule,), found.refused)
    held = clearance.instrument if clearance else None
    if found.needs and held not in found.needs:
        review = crossing.ground is Ground.ZONE_OR_SECTOR and found is not IMPORTANT
        return Ruling((found.rule,), "needs_review" if review else _missing(found))
    rules = [found.rule]
    for rule_id, condition in DUTIES if crossing.personal else ():
        rules.append(rule_id)
        if condition not in on_record:
            return Ruling(tuple(rules), f"{condition}_missing")
    return Ruling(tuple(rules), counts=found.counts)


def check_clearance(clearance: ExportClearance) -> ExportClearance:
    """The clearance, if it can be one. Raises ClearanceContradicts."""
    if (clearance.instrument is None) != (clearance.number is None):
        raise ClearanceContradicts(part="number")
    if clearance.sensitive_persons > clearance.persons:
        raise ClearanceContradicts(part="sensitive_persons")
    if not timedelta(0) < clearance.valid_until - clearance.recorded_at <= VALID_AT_MOST:
        raise ClearanceContradicts(part="valid_until", days_max=VALID_AT_MOST.days)
    return clearance


# Whatever the path: separate consent for the transfer, and the assessment of its impact.
DUTIES = (
    ("export.pipl_39", Condition.SEPARATE_CONSENT),
    ("export.pipl_55", Condition.IMPACT_ASSESSMENT),
)
NAMES_PERSONS = frozenset({Flag.PERSONAL, Flag.SENSITIVE_PERSONAL, Flag.MINOR})
SENSITIVE = frozenset({Flag.SENSITIVE_PERSONAL, Flag.MINOR})  # under fourteen is sensitive: PIPL art. 28


def _crossing(
    grade: Grade | None, admitted: bool, flags: Set[Flag], clearance: ExportClearance | None, export: Export
) -> Crossing:
    sensitive = bool(flags & SENSITIVE) or bool(clearance and clearance.sensitive_persons)
    personal = bool(flags & NAMES_PERSONS) or bool(clearance and clearance.persons)
    persons = sensitive_persons = None
    # Persons were found and none were counted: one of the two is wrong, and we do not know which.
    if clearance and personal <= bool(clearance.persons) and sensitive <= bool(clearance.sensitive_persons):
        persons = clearance.persons + export.earlier_persons
        sensitive_persons = clearance.sensitive_persons + export.earlier_sensitive_persons
    return Crossing(
        grade, admitted, personal, sensitive, Flag.CRITICAL_INFRASTRUCTURE in flags,
        clearance.ground if clearance else None, persons, sensitive_persons,
    )  # fmt: skip


def _reaches(crossing: Crossing, persons: int, sensitive_persons: int) -> bool | None:
    if crossing.persons is None or crossing.sensitive_persons is None:
        return None
    return crossing.persons >= persons or crossing.sensitive_persons >= sensitive_persons


def _missing(found: Path) -> str:
    return "security_assessment_missing" if found.needs == ASSESSED else "standard_contract_or_certification_missing"

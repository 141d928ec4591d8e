"""Transfer abroad (数据出境): which path a content must have taken before it may leave mainland China.

Owns: the table of `market-rules` B8.3, in its order: the first row that applies decides; and the dated numbers in it.
Promises: what is not known is never guessed (`needs_info`); all that one provider sends abroad in a year is added up,
to whomever it goes, each version once; more than an assessment covers is not sent under it; an exemption lifts the
path, never the duties of consent and assessment.
Sources: CAC Order 16 of 2024-03-22 arts 3–8; Measures on Security Assessment art. 14 (three years); Network Data
Security Regulation arts 37, 38; PIPL arts 38, 39, 55. Persons are counted from 1 January, Beijing time; "以上" includes
the number. The law counts what a processor sends by whatever way, so whoever records a clearance of a provider that
also sends elsewhere counts that in.
"""

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from enum import StrEnum

from shared.errors import Malformed
from shared.grades import G5, G6, Condition, Flag, Grade
from shared.ids import EntitlementId, ExportClearanceId

BEIJING = timezone(timedelta(hours=8))
VALID_AT_MOST = timedelta(days=3 * 366)
# ISO 3166-2 of mainland China, and the two digits of GB/T 2260 for the same: Hong Kong, Macao and Taiwan are 境外.
MAINLAND = frozenset(
    "CN-" + part
    for part in (
        "AH BJ CQ FJ GD GS GX GZ HA HB HE HI HL HN JL JS JX LN NM NX QH SC SD SH SN SX TJ XJ XZ YN ZJ "
        "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65"
    ).split()
) | {"CN"}


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Numbers of persons in a year from which a path must be taken, as they are in force from a day on."""

    id: str
    effective_from: datetime
    persons_assessed_from: int
    persons_contracted_from: int
    sensitive_assessed_from: int
    sensitive_contracted_from: int


THRESHOLDS = (
    Thresholds("cac_order_16", datetime(2024, 3, 22, tzinfo=BEIJING), 1_000_000, 100_000, 10_000, 1),
)  # fmt: skip


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
    `covers_persons`: how many persons of one year the instrument was issued for, if it says so.
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
    covers_persons: int | None = None


@dataclass(frozen=True, slots=True)
class Export:
    """What is known of a transfer abroad. The earlier persons are those in other versions that the same provider has
    sent abroad this year, by flows that count; None where it is not known whose version it is."""

    clearance: ExportClearance | None = None
    earlier_persons: int | None = 0
    earlier_sensitive_persons: int | None = 0


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
    """A row's outcome: refused for a reason, or free if one of the instruments is on record, or needed none. `article`
    is where that is written."""

    rule: str
    article: str
    refused: str | None = None
    needs: frozenset[Instrument] = frozenset()
    counts: bool = False


@dataclass(frozen=True, slots=True)
class Ruling:
    """May it cross? `rules` are those that were consulted, `reason_code` why not, `counts` if its persons add up."""

    rules: tuple[str, ...]
    reason_code: str | None = None
    counts: bool = False
    article: str | None = None


class ClearanceContradicts(Malformed):
    """An instrument has its number, what it covers is an instrument's, a clearance ends within three years, and
    sensitive persons are persons too."""


ASSESSED = frozenset({Instrument.SECURITY_ASSESSMENT})
IMPORTANT = Path("export.important_data", "网络数据安全管理条例 art. 37", needs=ASSESSED)
EXEMPT = Path("export.exempt", "CAC Order 16 arts 3–5")
ASSESSMENT = Path("export.security_assessment", "CAC Order 16 art. 7", needs=ASSESSED, counts=True)
CONTRACT = Path("export.contract_or_certification", "CAC Order 16 art. 8", needs=frozenset(Instrument), counts=True)
FEW_PERSONS = Path("export.few_persons", "CAC Order 16 art. 5(4)", counts=True)
UNKNOWN = Path("export.facts_known", "个人信息保护法 art. 38", refused="needs_info")
NOT_TRADABLE = Path("export.core_or_barred", "数据安全法 art. 21", refused="core_data_not_tradable")
BARRED = Path("export.core_or_barred", "个人信息保护法 art. 42", refused="recipient_barred")
SCOPE = Path("export.assessed_scope", "网络数据安全管理条例 art. 38", refused="beyond_assessed_scope")

# True: the row decides; False: it does not apply; None: whether it applies is not known.
Applies = Callable[[Crossing, Thresholds], bool | None]
TABLE: tuple[tuple[Applies, Path], ...] = (
    (lambda it, _: None if it.grade is None else it.grade is G6,                                  NOT_TRADABLE),
    (lambda it, _: not it.admitted,                                                               BARRED),
    (lambda it, _: it.grade is G5,                                                                IMPORTANT),
    (lambda it, _: not it.personal or it.ground in EXEMPTING,                                     EXEMPT),
    (lambda it, _: it.infrastructure,                                                             ASSESSMENT),
    (lambda it, law: _reaches(it, law.persons_assessed_from, law.sensitive_assessed_from),        ASSESSMENT),
    (lambda it, law: _reaches(it, law.persons_contracted_from, law.sensitive_contracted_from),    CONTRACT),
    (lambda it, _: True,                                                                          FEW_PERSONS),
)  # fmt: skip
EXEMPTING = frozenset(Ground) - {Ground.ZONE_OR_SECTOR}


def is_abroad(territory: str | None) -> bool:
    """Whether a right for this territory reaches outside mainland China; so it does where that is not known."""
    return territory not in MAINLAND


def year_of(now: datetime) -> int:
    """The year that persons are counted in."""
    return now.astimezone(BEIJING).year


def thresholds_at(now: datetime, known: Sequence[Thresholds] = THRESHOLDS) -> Thresholds | None:
    """The numbers in force at this moment: those that began last. None before the first."""
    begun = [one for one in known if one.effective_from <= now]
    return max(begun, key=lambda one: one.effective_from) if begun else None


def path(crossing: Crossing, law: Thresholds | None = THRESHOLDS[-1]) -> Path:
    """The first row that applies; `UNKNOWN` where that cannot be told."""
    if law is None:
        return UNKNOWN
    for applies, outcome in TABLE:
        match applies(crossing, law):
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
    found = path(crossing, thresholds_at(now))
    if found.refused:
        return Ruling((found.rule,), found.refused, article=found.article)
    held = clearance.instrument if clearance else None
    if found.needs and held not in found.needs:
        review = crossing.ground is Ground.ZONE_OR_SECTOR and found is not IMPORTANT
        return Ruling((found.rule,), "needs_review" if review else _missing(found), article=found.article)
    if found.needs and clearance and _is_beyond(clearance, crossing):
        return Ruling((found.rule, SCOPE.rule), SCOPE.refused, article=SCOPE.article)
    rules = [found.rule]
    for rule_id, condition, article in DUTIES if crossing.personal else ():
        rules.append(rule_id)
        if condition not in on_record:
            return Ruling(tuple(rules), f"{condition}_missing", article=article)
    return Ruling(tuple(rules), counts=found.counts, article=found.article)


def check_clearance(clearance: ExportClearance) -> ExportClearance:
    """The clearance, if it can be one. Raises ClearanceContradicts."""
    if (clearance.instrument is None) != (clearance.number is None):
        raise ClearanceContradicts(part="number")
    if clearance.covers_persons is not None and clearance.instrument is None:
        raise ClearanceContradicts(part="covers_persons")
    if clearance.sensitive_persons > clearance.persons:
        raise ClearanceContradicts(part="sensitive_persons")
    if not timedelta(0) < clearance.valid_until - clearance.recorded_at <= VALID_AT_MOST:
        raise ClearanceContradicts(part="valid_until", days_max=VALID_AT_MOST.days)
    return clearance


# Whatever the path: separate consent for the transfer, and the assessment of its impact.
DUTIES = (
    ("export.pipl_39", Condition.SEPARATE_CONSENT, "个人信息保护法 art. 39"),
    ("export.pipl_55", Condition.IMPACT_ASSESSMENT, "个人信息保护法 art. 55"),
)
NAMES_PERSONS = frozenset({Flag.PERSONAL, Flag.SENSITIVE_PERSONAL, Flag.MINOR})
SENSITIVE = frozenset({Flag.SENSITIVE_PERSONAL, Flag.MINOR})  # under fourteen is sensitive: PIPL art. 28


def _crossing(
    grade: Grade | None, admitted: bool, flags: Set[Flag], clearance: ExportClearance | None, export: Export
) -> Crossing:
    sensitive = bool(flags & SENSITIVE) or bool(clearance and clearance.sensitive_persons)
    personal = bool(flags & NAMES_PERSONS) or bool(clearance and clearance.persons)
    persons = sensitive_persons = None
    earlier = export.earlier_persons, export.earlier_sensitive_persons
    # Persons were found and none were counted: one of the two is wrong, and we do not know which.
    counted = clearance and personal <= bool(clearance.persons) and sensitive <= bool(clearance.sensitive_persons)
    if clearance and counted and earlier[0] is not None and earlier[1] is not None:
        persons, sensitive_persons = clearance.persons + earlier[0], clearance.sensitive_persons + earlier[1]
    return Crossing(
        grade, admitted, personal, sensitive, Flag.CRITICAL_INFRASTRUCTURE in flags,
        clearance.ground if clearance else None, persons, sensitive_persons,
    )  # fmt: skip


def _reaches(crossing: Crossing, persons: int, sensitive_persons: int) -> bool | None:
    if crossing.persons is None or crossing.sensitive_persons is None:
        return None
    return crossing.persons >= persons or crossing.sensitive_persons >= sensitive_persons


def _is_beyond(clearance: ExportClearance, crossing: Crossing) -> bool:
    """Whether the year has more persons by now than the instrument was issued for."""
    covers, persons = clearance.covers_persons, crossing.persons
    return covers is not None and (persons is None or persons > covers)


def _missing(found: Path) -> str:
    return "security_assessment_missing" if found.needs == ASSESSED else "standard_contract_or_certification_missing"

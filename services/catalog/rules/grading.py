"""The grade of a version: the highest that any impact, finding, declared flag or mere number gives it (就高从严).

Owns: how a table of rules is applied, and the reasons, which are kept whether or not they decided.
Promises: more impacts, fields, findings, flags or rows never lower a grade, and their order changes nothing; a finding
only ever raises; every reason names its rule and the evidence for it, so that without the evidence the reason is gone.
The rules themselves, with their sources, are data: `rule_tables.py`.
"""

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, replace
from enum import StrEnum

from services.catalog.rules.evidence import Detection, Field
from services.catalog.rules.lineage import Parent, Processing
from services.catalog.rules.rule_tables import CURRENT, TABLES, Degree, Object, RuleTable
from shared.grades import G1, Flag, Grade
from shared.ids import VersionId
from shared.kinds import Kind

RULE_VERSION = CURRENT
# Persons under 14 are sensitive, what is sensitive is personal.
IMPLIED: Mapping[Flag, frozenset[Flag]] = {
    Flag.MINOR: frozenset({Flag.SENSITIVE_PERSONAL, Flag.PERSONAL}),
    Flag.SENSITIVE_PERSONAL: frozenset({Flag.PERSONAL}),
}


@dataclass(frozen=True, slots=True)
class Impact:
    object: Object
    degree: Degree
    rationale: str


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """A kind in a field, as a person names it."""

    field: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Grounds:
    """What people say of a version: the provider's impacts and flags, the impacts that its raisers added, the
    findings that its reviewers struck as mistaken, and what it is derived from."""

    declared: tuple[Impact, ...] = ()
    flags: frozenset[Flag] = frozenset()
    added: tuple[Impact, ...] = ()
    struck: frozenset[Finding] = frozenset()
    derived: tuple[Parent, ...] = ()


@dataclass(frozen=True, slots=True)
class Reason:
    """One rule that applied, the grade that it gives by itself, and what it rests on.

    An impact's reason names object, degree and rationale; a finding's names field, kind and counts, and the other
    field where it takes two; a declaration's names the flag; a derivation's names the parent; a number's names the
    flag, the rows, and from how many rows on it applies.
    """

    rule: str
    grade: Grade
    text: str
    object: Object | None = None
    degree: Degree | None = None
    rationale: str | None = None
    field: str | None = None
    kind: Kind | None = None
    name_hit: bool | None = None
    hit_basis_points: int | None = None
    checksum_basis_points: int | None = None
    with_field: str | None = None
    with_kind: Kind | None = None
    flag: Flag | None = None
    parent: VersionId | None = None
    decimals: int | None = None
    rows: int | None = None
    rows_from: int | None = None


@dataclass(frozen=True, slots=True)
class Grading:
    """`reasons` begin with those that decided."""

    grade: Grade
    flags: frozenset[Flag]
    reasons: tuple[Reason, ...]
    rule_version: str = RULE_VERSION


def grade(grounds: Grounds, fields: Iterable[Field], rows: int = 0, rules: RuleTable = TABLES[CURRENT]) -> Grading:
    """The grade, flags and reasons of a version with these fields and rows. G1 where nothing speaks for more."""
    found = [
        (field.name, detection)
        for field in fields for detection in field.detections
        if Finding(field.name, detection.kind) not in grounds.struck
    ]  # fmt: skip
    reasons = {
        *(_of_impact(impact, rules) for impact in (*grounds.declared, *grounds.added)),
        *(_of_flag(flag, rules) for flag in grounds.flags),
        *(reason for parent in grounds.derived for reason in _of_parent(parent, rules)),
        *(reason for name, detection in found for reason in _of_finding(name, detection, rules)),
        *_of_pairs(found, rules),
    }
    flags = _closed(reason.flag for reason in reasons if reason.flag)
    reasons |= set(_of_rows(rows, flags, rules))
    highest = max((reason.grade for reason in reasons), default=G1)
    return Grading(highest, flags, tuple(sorted(reasons, key=_order)), rules.version)


def _of_impact(impact: Impact, rules: RuleTable) -> Reason:
    given = rules.impacts[impact.object][impact.degree]
    harm = "no" if impact.degree is Degree.NONE else impact.degree
    text = f"{CHINESE[impact.object]}：{CHINESE[impact.degree]}，定为 {given} · {harm} harm to {impact.object}: {given}"
    return Reason(
        f"table.{impact.object}.{impact.degree}", given, text,
        object=impact.object, degree=impact.degree, rationale=impact.rationale,
    )  # fmt: skip


def _of_flag(flag: Flag, rules: RuleTable) -> Reason:
    given = rules.floors.get(flag, G1)
    text = f"提供方声明：{CHINESE[flag]}，不低于 {given} · declared {flag}: at least {given}"
    return Reason(f"declared.{flag}", given, text, flag=flag)


def _of_parent(parent: Parent, rules: RuleTable) -> Iterator[Reason]:
    """Annex I: the grade that a parent passes on, and a reason for each flag that it does."""
    rule, made = f"derived.{parent.processing}", f"派生自 {parent.version_id}（{CHINESE[parent.processing]}）"
    english = f"{parent.processing} from {parent.version_id}"
    if parent.floor:
        text = f"{made}：不低于 {parent.floor} · {english}: at least {parent.floor}"
        yield Reason(rule, parent.floor, text, parent=parent.version_id)
    for flag in parent.flags_passed_on:
        given = rules.floors.get(flag, G1)
        text = f"{made}：{CHINESE[flag]}，不低于 {given} · {english}: {flag}, at least {given}"
        yield Reason(rule, given, text, flag=flag, parent=parent.version_id)


def _of_finding(name: str, detection: Detection, rules: RuleTable) -> Iterator[Reason]:
    for mark in rules.marks:
        if detection.kind in mark.kinds:
            yield _reason(mark.rule, rules.floors.get(mark.flag, G1), mark.flag, name, detection)
    for precision in rules.precisions:
        if detection.kind is Kind.COORDINATES and _is_fine(detection, precision.decimals_from):
            fine = _reason(precision.rule, precision.grade, Flag.GEOGRAPHIC, name, detection)
            yield replace(fine, decimals=detection.decimals)


def _of_pairs(found: list[tuple[str, Detection]], rules: RuleTable) -> Iterator[Reason]:
    """For each field that is sensitive beside another, one reason, with the surest of those others."""
    for pair in rules.pairs:
        beside = [(name, detection) for name, detection in found if detection.kind in pair.beside]
        if surest := max(beside, key=_sureness, default=None):
            for name, detection in found:
                if detection.kind in pair.of:
                    yield _reason(pair.rule, pair.grade, Flag.SENSITIVE_PERSONAL, name, detection, surest)


def _of_rows(rows: int, flags: Set[Flag], rules: RuleTable) -> Iterator[Reason]:
    """Of each flag, the highest threshold that is reached: every row may be another person."""
    reached = {scale.flag: scale for scale in rules.scales if scale.flag in flags and rows >= scale.rows_from}
    for flag, scale in reached.items():
        text = (
            f"{CHINESE[flag]} {rows} 行，达到 {scale.rows_from} 行，不低于 {scale.grade} · "
            f"{rows} rows of {flag}, from {scale.rows_from} on: at least {scale.grade}"
        )
        yield Reason(scale.rule, scale.grade, text, flag=flag, rows=rows, rows_from=scale.rows_from)


def _reason(
    rule: str, given: Grade, flag: Flag, name: str, detection: Detection, beside: tuple[str, Detection] | None = None
) -> Reason:  # fmt: skip
    chinese, english = _evidence(name, detection, beside)
    text = f"{chinese}：{CHINESE[flag]}，不低于 {given} · {english}: {flag}, at least {given}"
    return Reason(
        rule, given, text, field=name, kind=detection.kind, name_hit=detection.name_hit,
        hit_basis_points=detection.hit_basis_points, checksum_basis_points=detection.checksum_basis_points, flag=flag,
        with_field=beside and beside[0], with_kind=beside and beside[1].kind,
    )  # fmt: skip


def _evidence(name: str, detection: Detection, beside: tuple[str, Detection] | None) -> tuple[str, str]:
    """What was found, in both languages."""
    kind, hit = detection.kind, _percent(detection.hit_basis_points)
    chinese, english = f"字段「{name}」{CHINESE[kind]}命中 {hit}", f"{name} holds {kind}: {hit} hit"
    if detection.checksum_basis_points is not None:
        proven = _percent(detection.checksum_basis_points)
        chinese, english = f"{chinese}，校验通过 {proven}", f"{english}, {proven} proven"
    if beside:
        other, found = beside
        chinese, english = f"{chinese}，与字段「{other}」（{CHINESE[found.kind]}）同在", f"{english}, beside {other}"
    return chinese, english


def _closed(flags: Iterable[Flag]) -> frozenset[Flag]:
    told: Set[Flag] = frozenset(flags)
    return frozenset(told).union(*(IMPLIED.get(flag, frozenset[Flag]()) for flag in told))


def _is_fine(coordinates: Detection, decimals_from: int) -> bool:
    return coordinates.decimals is None or coordinates.decimals >= decimals_from


def _sureness(found: tuple[str, Detection]) -> tuple[int, int, str, str]:
    name, detection = found
    return detection.hit_basis_points, detection.checksum_basis_points or 0, name, detection.kind


def _order(reason: Reason) -> tuple[int, str, str, str, str]:
    """The highest grade first; beyond that, any order that does not depend on how the reasons came."""
    return -int(reason.grade[1:]), reason.rule, reason.field or "", reason.rationale or "", repr(reason)


def _percent(basis_points: int) -> str:
    return f"{basis_points // 100}.{basis_points % 100:02}%"


# One word for each word: `minor` is the same of a flag and of a finding.
# fmt: off
CHINESE: Mapping[StrEnum, str] = {
    Object.NATIONAL_SECURITY: "国家安全", Object.ECONOMY: "经济运行", Object.SOCIAL_ORDER: "社会秩序",
    Object.PUBLIC_INTEREST: "公共利益", Object.ORGANISATION: "组织权益", Object.INDIVIDUAL: "个人权益",
    Degree.NONE: "无危害", Degree.ORDINARY: "一般危害", Degree.SERIOUS: "严重危害", Degree.EXTREME: "特别严重危害",
    Flag.PERSONAL: "个人信息", Flag.SENSITIVE_PERSONAL: "敏感个人信息", Flag.MINOR: "未满十四周岁未成年人",
    Flag.PUBLIC_DATA: "公共数据", Flag.GEOGRAPHIC: "地理信息", Flag.CRITICAL_INFRASTRUCTURE: "关键信息基础设施",
    Processing.LABELLED: "标注", Processing.CLEANED: "清洗", Processing.DESENSITISED: "脱敏",
    Processing.AGGREGATED: "汇聚统计", Processing.FUSED: "融合",
    Kind.RESIDENT_ID: "身份证号", Kind.USCC: "统一社会信用代码", Kind.PHONE: "电话号码", Kind.BANK_CARD: "银行卡号",
    Kind.PASSPORT: "护照号", Kind.PLATE: "车牌号", Kind.EMAIL: "电子邮箱", Kind.IP_ADDRESS: "网络地址",
    Kind.COORDINATES: "坐标", Kind.NAME: "姓名", Kind.ADDRESS: "地址", Kind.BIRTH_DATE: "出生日期",
    Kind.HEALTH: "健康信息", Kind.RELIGION: "宗教信仰", Kind.BIOMETRIC: "生物识别信息",
}
# fmt: on

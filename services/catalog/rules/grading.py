"""The grade of a version: the highest that any impact, finding or declared flag gives it (就高从严).

Owns: the table of GB/T 43697-2024 (object × degree) with the sub-levels of annex H, the floors that personal
information sets, and the reasons, which are kept whether or not they decided.
Promises: more impacts, fields, findings or flags never lower a grade, and their order changes nothing; a finding only
ever raises; every reason names its rule and the evidence for it, so that without the evidence the reason is gone.
Sources: GB/T 43697-2024 table 1 and annex H; GB/T 45574-2025 (what is sensitive). Ours, on the strict side: ordinary
harm to economy, order or public interest is G4; a resident ID or passport beside a name, phone or address is sensitive,
and so are coordinates beside whom they place.
"""

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from enum import StrEnum

from services.catalog.rules.evidence import Detection, Field, Kind
from services.catalog.rules.lineage import Parent, Processing
from shared.grades import G1, G2, G3, G4, G5, G6, Flag, Grade
from shared.ids import VersionId

RULE_VERSION = "GB/T 43697-2024 2026-11"


class Object(StrEnum):
    """影响对象: who or what is harmed if the data leak, are altered or misused."""

    NATIONAL_SECURITY = "national_security"
    ECONOMY = "economy"
    SOCIAL_ORDER = "social_order"
    PUBLIC_INTEREST = "public_interest"
    ORGANISATION = "organisation"
    INDIVIDUAL = "individual"


class Degree(StrEnum):
    """影响程度."""

    NONE = "none"
    ORDINARY = "ordinary"  # 一般危害
    SERIOUS = "serious"  # 严重危害
    EXTREME = "extreme"  # 特别严重危害


@dataclass(frozen=True, slots=True)
class Impact:
    object: Object
    degree: Degree
    rationale: str


@dataclass(frozen=True, slots=True)
class Grounds:
    """What people say of a version: the provider's impacts and flags, the impacts that its raisers added, and what it
    is derived from."""

    declared: tuple[Impact, ...] = ()
    flags: frozenset[Flag] = frozenset()
    added: tuple[Impact, ...] = ()
    derived: tuple[Parent, ...] = ()


@dataclass(frozen=True, slots=True)
class Reason:
    """One rule that applied, the grade that it gives by itself, and what it rests on.

    An impact's reason names object, degree and rationale; a finding's names field, kind and counts, and the other
    field where it takes two; a declaration's names the flag; a derivation's names the parent.
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


@dataclass(frozen=True, slots=True)
class Grading:
    """`reasons` begin with those that decided."""

    grade: Grade
    flags: frozenset[Flag]
    reasons: tuple[Reason, ...]
    rule_version: str = RULE_VERSION


# fmt: off
TABLE: Mapping[Object, Mapping[Degree, Grade]] = {
    Object.NATIONAL_SECURITY: {Degree.EXTREME: G6, Degree.SERIOUS: G6, Degree.ORDINARY: G5, Degree.NONE: G1},
    Object.ECONOMY:           {Degree.EXTREME: G6, Degree.SERIOUS: G5, Degree.ORDINARY: G4, Degree.NONE: G1},
    Object.SOCIAL_ORDER:      {Degree.EXTREME: G6, Degree.SERIOUS: G5, Degree.ORDINARY: G4, Degree.NONE: G1},
    Object.PUBLIC_INTEREST:   {Degree.EXTREME: G6, Degree.SERIOUS: G5, Degree.ORDINARY: G4, Degree.NONE: G1},
    Object.ORGANISATION:      {Degree.EXTREME: G4, Degree.SERIOUS: G3, Degree.ORDINARY: G2, Degree.NONE: G1},
    Object.INDIVIDUAL:        {Degree.EXTREME: G4, Degree.SERIOUS: G3, Degree.ORDINARY: G2, Degree.NONE: G1},
}
# fmt: on

# What a flag demands by itself, and what it implies: persons under 14 are sensitive, what is sensitive is personal.
FLOORS: Mapping[Flag, Grade] = {Flag.PERSONAL: G2, Flag.SENSITIVE_PERSONAL: G3, Flag.MINOR: G3}
IMPLIED: Mapping[Flag, frozenset[Flag]] = {
    Flag.MINOR: frozenset({Flag.SENSITIVE_PERSONAL, Flag.PERSONAL}),
    Flag.SENSITIVE_PERSONAL: frozenset({Flag.PERSONAL}),
}

SENSITIVE = frozenset({Kind.BANK_CARD, Kind.HEALTH, Kind.RELIGION, Kind.BIOMETRIC})
PERSONAL = SENSITIVE | {
    Kind.RESIDENT_ID, Kind.PHONE, Kind.PASSPORT, Kind.PLATE, Kind.EMAIL, Kind.IP_ADDRESS, Kind.NAME, Kind.ADDRESS,
    Kind.BIRTH_DATE,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pair:
    """Two kinds in one version that are sensitive together though neither is alone."""

    rule: str
    of: frozenset[Kind]
    beside: frozenset[Kind]


IDENTITY = frozenset({Kind.RESIDENT_ID, Kind.PASSPORT})
PAIRS = (
    Pair("floor.identity_with_contact", IDENTITY, frozenset({Kind.NAME, Kind.PHONE, Kind.ADDRESS})),
    Pair("floor.whereabouts", frozenset({Kind.COORDINATES}), IDENTITY | {Kind.NAME, Kind.PHONE, Kind.PLATE}),
)


def grade(grounds: Grounds, fields: Iterable[Field]) -> Grading:
    """The grade, flags and reasons of a version with these fields. G1 where nothing speaks for more."""
    found = [(field.name, detection) for field in fields for detection in field.detections]
    reasons = {
        *(_of_impact(impact) for impact in (*grounds.declared, *grounds.added)),
        *(_of_flag(flag) for flag in grounds.flags),
        *(reason for parent in grounds.derived for reason in _of_parent(parent)),
        *(reason for name, detection in found for reason in _of_finding(name, detection)),
        *_of_pairs(found),
    }
    flags = _closed(reason.flag for reason in reasons if reason.flag)
    return Grading(max((reason.grade for reason in reasons), default=G1), flags, tuple(sorted(reasons, key=_order)))


def _of_impact(impact: Impact) -> Reason:
    given = TABLE[impact.object][impact.degree]
    harm = "no" if impact.degree is Degree.NONE else impact.degree
    text = f"{CHINESE[impact.object]}：{CHINESE[impact.degree]}，定为 {given} · {harm} harm to {impact.object}: {given}"
    return Reason(
        f"table.{impact.object}.{impact.degree}", given, text,
        object=impact.object, degree=impact.degree, rationale=impact.rationale,
    )  # fmt: skip


def _of_flag(flag: Flag) -> Reason:
    given = FLOORS.get(flag, G1)
    text = f"提供方声明：{CHINESE[flag]}，不低于 {given} · declared {flag}: at least {given}"
    return Reason(f"declared.{flag}", given, text, flag=flag)


def _of_parent(parent: Parent) -> Iterator[Reason]:
    """Annex I: the grade that a parent passes on, and a reason for each flag that it does."""
    rule, made = f"derived.{parent.processing}", f"派生自 {parent.version_id}（{CHINESE[parent.processing]}）"
    english = f"{parent.processing} from {parent.version_id}"
    if parent.floor:
        text = f"{made}：不低于 {parent.floor} · {english}: at least {parent.floor}"
        yield Reason(rule, parent.floor, text, parent=parent.version_id)
    for flag in parent.flags_passed_on:
        given = FLOORS.get(flag, G1)
        text = f"{made}：{CHINESE[flag]}，不低于 {given} · {english}: {flag}, at least {given}"
        yield Reason(rule, given, text, flag=flag, parent=parent.version_id)


def _of_finding(name: str, detection: Detection) -> Iterator[Reason]:
    kind = detection.kind
    if kind in PERSONAL:
        yield _reason("floor.personal", Flag.PERSONAL, name, detection)
    if kind in SENSITIVE:
        yield _reason("floor.sensitive_personal", Flag.SENSITIVE_PERSONAL, name, detection)
    if kind is Kind.COORDINATES:
        yield _reason("flag.geographic", Flag.GEOGRAPHIC, name, detection)


def _of_pairs(found: list[tuple[str, Detection]]) -> Iterator[Reason]:
    """For each field that is sensitive beside another, one reason, with the surest of those others."""
    for pair in PAIRS:
        beside = [(name, detection) for name, detection in found if detection.kind in pair.beside]
        if surest := max(beside, key=_sureness, default=None):
            for name, detection in found:
                if detection.kind in pair.of:
                    yield _reason(pair.rule, Flag.SENSITIVE_PERSONAL, name, detection, surest)


def _reason(
    rule: str, flag: Flag, name: str, detection: Detection, beside: tuple[str, Detection] | None = None
) -> Reason:  # fmt: skip
    given = FLOORS.get(flag, G1)
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


def _sureness(found: tuple[str, Detection]) -> tuple[int, int, str, str]:
    name, detection = found
    return detection.hit_basis_points, detection.checksum_basis_points or 0, name, detection.kind


def _order(reason: Reason) -> tuple[int, str, str, str, str]:
    """The highest grade first; beyond that, any order that does not depend on how the reasons came."""
    return -int(reason.grade[1:]), reason.rule, reason.field or "", reason.rationale or "", repr(reason)


def _percent(basis_points: int) -> str:
    return f"{basis_points // 100}.{basis_points % 100:02}%"


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

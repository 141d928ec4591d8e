"""What kind of personal or sensitive thing a column holds, from its name and from what was counted in it.

Owns: the kinds, the dictionary of column names (Chinese, English, pinyin initials), the thresholds, and the decision.
Promises: a name alone accuses nobody where values can be looked at, so an airport's name is no person's; what is
counted only ever adds a detection, and a detection only ever raises a grade (the catalogue's floors).
Does not: look at values (the inspector's child counts what its recognisers find), or set a grade.
Sources: GB/T 35273-2020 annexes A and B, GB/T 45574-2025 (kinds); the thresholds are ours, on the strict side.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

WHOLE = 10_000  # basis points


class Kind(StrEnum):
    RESIDENT_ID = "resident_id"  # 身份证号, GB 11643
    USCC = "uscc"  # 统一社会信用代码, GB 32100: names an organisation, not a person
    PHONE = "phone"
    BANK_CARD = "bank_card"
    PASSPORT = "passport"
    PLATE = "plate"  # 车牌
    EMAIL = "email"
    IP_ADDRESS = "ip_address"
    COORDINATES = "coordinates"
    NAME = "name"
    ADDRESS = "address"
    BIRTH_DATE = "birth_date"
    HEALTH = "health"
    RELIGION = "religion"
    BIOMETRIC = "biometric"


@dataclass(frozen=True, slots=True)
class Threshold:
    """From which share of hits on a kind is taken as present, with and without a telling column name.

    `None` never suffices alone. `valid_min` is the share of candidates that must prove true where no name tells.
    In basis points.
    """

    named: int
    alone: int | None
    valid_min: int = 0


# fmt: off
THRESHOLDS: Mapping[Kind, Threshold] = {
    # A random 18-digit number with a possible date passes the check digit one time in eleven.
    Kind.RESIDENT_ID: Threshold(named=1,    alone=1,     valid_min=5_000),
    Kind.USCC:        Threshold(named=100,  alone=1_000, valid_min=5_000),
    Kind.PHONE:       Threshold(named=1,    alone=100,   valid_min=5_000),
    Kind.BANK_CARD:   Threshold(named=100,  alone=2_000, valid_min=8_000),
    Kind.PASSPORT:    Threshold(named=2_000, alone=None),
    Kind.PLATE:       Threshold(named=100,  alone=500),
    Kind.EMAIL:       Threshold(named=1,    alone=1),
    Kind.IP_ADDRESS:  Threshold(named=1_000, alone=5_000, valid_min=9_000),
    Kind.COORDINATES: Threshold(named=8_000, alone=None, valid_min=9_000),
    Kind.NAME:        Threshold(named=3_000, alone=8_500),
    Kind.ADDRESS:     Threshold(named=1_000, alone=3_000),
    Kind.BIRTH_DATE:  Threshold(named=5_000, alone=None),
    Kind.HEALTH:      Threshold(named=1,    alone=None),
    Kind.RELIGION:    Threshold(named=1,    alone=None),
    Kind.BIOMETRIC:   Threshold(named=1,    alone=None),
}

# Whole words of a column name (English and pinyin), and parts of one (Chinese), that point at a kind.
WORDS: Mapping[Kind, str] = {
    Kind.RESIDENT_ID: "idcard idno idnum identity sfz sfzh sfzhm gmsfhm zjhm id_card id_number identity_card ssn",
    Kind.USCC:        "uscc tyshxydm xydm credit_code",
    Kind.PHONE:       "phone mobile tel telephone cellphone sjh sjhm lxdh lxfs dh phone_number",
    Kind.BANK_CARD:   "bankcard yhk yhkh yhzh bank_card card_number account_number bank_account iban",
    Kind.PASSPORT:    "passport hzh hzhm passport_number",
    Kind.PLATE:       "plate cph cphm license_plate plate_number",
    Kind.EMAIL:       "email mail e_mail yx dzyx dzyj",
    Kind.IP_ADDRESS:  "ip ipv4 ipv6 ip_address client_ip remote_addr",
    Kind.COORDINATES: "lat lon lng latitude longitude coordinate coordinates jd wd jwd gps geo location",
    Kind.NAME:        "name xm full_name person_name customer_name patient_name contact first_name last_name surname "
                      "given_name family_name lxr",
    Kind.ADDRESS:     "address addr dz zz jtzz street residence",
    Kind.BIRTH_DATE:  "birthday birthdate dob csrq birth_date date_of_birth born",
    Kind.HEALTH:      "diagnosis disease icd icd10 symptom medication blood_type medical_record",
    Kind.RELIGION:    "religion faith zjxy",
    Kind.BIOMETRIC:   "fingerprint face iris voiceprint face_id biometric dna genome",
}
PARTS: Mapping[Kind, str] = {
    Kind.RESIDENT_ID: "身份证 证件号 公民身份",
    Kind.USCC:        "信用代码",
    Kind.PHONE:       "手机 电话 联系方式",
    Kind.BANK_CARD:   "银行卡 银行账号 卡号 收款账号",
    Kind.PASSPORT:    "护照",
    Kind.PLATE:       "车牌",
    Kind.EMAIL:       "邮箱 电子邮件",
    Kind.IP_ADDRESS:  "IP地址",
    Kind.COORDINATES: "经度 纬度 坐标 经纬",
    Kind.NAME:        "姓名 联系人 户主 法定代表人 患者名",
    Kind.ADDRESS:     "地址 住址 住所",
    Kind.BIRTH_DATE:  "出生日期 生日 出生年月",
    Kind.HEALTH:      "诊断 疾病 病史 病历 症状 用药 血型",
    Kind.RELIGION:    "宗教 信仰",
    Kind.BIOMETRIC:   "指纹 人脸 虹膜 声纹 基因",
}
# fmt: on
PERSON_WORDS = frozenset(WORDS[Kind.NAME].split()) - {"name", "xm", "contact"}
_WORDS = {kind: frozenset(words.split()) for kind, words in WORDS.items()}
_PARTS = {kind: tuple(parts.split()) for kind, parts in PARTS.items()}


@dataclass(frozen=True, slots=True)
class Count:
    """What a recogniser found in a column's sample: candidates, and how many of those looked at proved true."""

    hits: int
    checked: int = 0
    valid: int = 0


@dataclass(frozen=True, slots=True)
class Evidence:
    """A column as it was counted. `sample_size` is the number of its values that were looked at, without nulls."""

    field: str
    sample_size: int
    counts: Mapping[Kind, Count]


@dataclass(frozen=True, slots=True)
class FieldDetection:
    """A kind found in a column, and on what grounds. In basis points."""

    field: str
    kind: Kind
    name_hit: bool
    hit_basis_points: int
    checksum_basis_points: int | None  # None where the kind has nothing to check
    sample_size: int
    confidence_basis_points: int


def detect(evidence: Evidence) -> tuple[FieldDetection, ...]:
    """The kinds that a column holds, surest first."""
    named = kinds_named(evidence.field)
    found = [
        _detection(evidence, kind, count, kind in named)
        for kind, count in evidence.counts.items()
        if _present(evidence, kind, count, named)
    ]
    return tuple(sorted(found, key=lambda one: (-one.confidence_basis_points, one.kind)))


def kinds_named(column: str) -> frozenset[Kind]:
    """The kinds that a column's name points at: `customerPhone`, `联系电话`, `sjhm` all say phone."""
    phrases = _phrases(column)
    return frozenset(
        kind for kind in Kind if phrases & _WORDS[kind] or any(part in column.upper() for part in _PARTS[kind])
    )


def names_person(column: str) -> bool:
    """Whether the column's name leaves no doubt that it holds people's names; a bare `name` does not."""
    return bool(_phrases(column) & PERSON_WORDS) or any(part in column for part in _PARTS[Kind.NAME])


def share(part: int, whole: int) -> int:
    """In basis points, rounded up: what was found once is not nothing."""
    return -(-part * WHOLE // whole) if whole else 0


def _phrases(column: str) -> set[str]:
    words = re.findall(r"[a-z]+|[0-9]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", column).lower())
    return set(words) | {"_".join(words[i : i + n]) for n in (2, 3) for i in range(len(words))} | {"".join(words)}


def _present(evidence: Evidence, kind: Kind, count: Count, named: frozenset[Kind]) -> bool:
    threshold = THRESHOLDS[kind]
    minimum = threshold.named if kind in named else threshold.alone
    if minimum is None or count.hits == 0:
        return False
    # Numbers made up or mistyped are still meant to be what the column's name says.
    if kind not in named and count.checked and count.valid * WHOLE < threshold.valid_min * count.checked:
        return False
    return share(count.hits, evidence.sample_size) >= minimum


def _detection(evidence: Evidence, kind: Kind, count: Count, name_hit: bool) -> FieldDetection:
    hit = share(count.hits, evidence.sample_size)
    checksum = count.valid * WHOLE // count.checked if count.checked else None
    confidence = hit if checksum is None else checksum
    if name_hit:
        confidence += (WHOLE - confidence) // 2
    return FieldDetection(evidence.field, kind, name_hit, hit, checksum, evidence.sample_size, confidence)

"""Columns that point at nobody alone and at somebody together: 准标识符.

Owns: which columns count as such, by what was found in them or by their names, and how many rows must look alike.
Promises: a column whose mask leaves no group to belong to is none; what a provider names is added, never taken away.
Sources: GB/T 42460-2023 annex B (quasi-identifiers) and annex D (their groups), GB/T 37964-2019 annex B (k-anonymity).
The numbers are ours: at G3 five, a size that statistics offices commonly publish; at G4 twenty, for a risk of at most
0.05 (`effect.py`). G2 is measured and not cut: its personal information is neither sensitive nor for the public.
"""

import re
from collections.abc import Iterable, Mapping

from services.delivery.rules.detection import FieldDetection
from services.delivery.rules.masking import Mask
from services.delivery.rules.strictness import SHOW_NO_GROUP
from shared.grades import G3, G4, Grade
from shared.kinds import Kind

QUASI_KINDS = frozenset({
    Kind.BIRTH_DATE, Kind.ADDRESS, Kind.RESIDENT_ID, Kind.PLATE, Kind.COORDINATES,
})  # fmt: skip
# fmt: off
WORDS = frozenset(
    "sex gender xb age nl postcode postal_code zip zipcode zip_code yb yzbm province city district county region "
    "ethnicity nationality mz occupation profession zy education degree xl marital_status hyzk".split()
)
PARTS = ("性别", "年龄", "邮编", "邮政编码", "省份", "城市", "区县", "地区", "籍贯", "民族", "国籍", "职业", "学历",
         "婚姻")
# fmt: on
_SMALLEST_GROUP: Mapping[Grade, int] = {G3: 5, G4: 20}


def smallest_group(grade: Grade) -> int:
    """How many rows of persons must share their quasi-identifiers at this grade; one asks for nothing."""
    return _SMALLEST_GROUP.get(grade, 1)


def quasi_identifiers(
    fields: Iterable[str], detections: Iterable[FieldDetection], named: Iterable[str]
) -> tuple[str, ...]:
    """The columns that count, in the order of the content's own."""
    found = {detection.field for detection in detections if detection.kind in QUASI_KINDS} | set(named)
    return tuple(field for field in fields if field in found or says_so(field))


def says_so(column: str) -> bool:
    """Whether the name of a column is that of a quasi-identifier."""
    words = re.findall(r"[a-z]+|[0-9]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", column).lower())
    phrases = set(words) | {"_".join(pair) for pair in zip(words, words[1:], strict=False)}
    return bool(phrases & WORDS) or any(part in column for part in PARTS)


def showing_groups(columns: Iterable[str], masks: Mapping[str, Mask]) -> tuple[str, ...]:
    """Those that still show a group to belong to."""
    return tuple(column for column in columns if masks.get(column, Mask.KEEP) not in SHOW_NO_GROUP)

"""What a desensitised column still shows, and the SQL that makes it so.

Owns: the mask for each kind of thing, its stricter form from G4 on, and the expressions that DuckDB runs.
Promises: a value that does not look like its column's kind is hidden whole, so a mask never lets through what it did
not foresee; two kinds in one column hide it; a name of a column cannot leave its quotes; no cell that is guarded runs
as a formula.
Does not: anonymise. A masked column drops what points at a person directly; the rest of the row may still do so, hence
desensitised content keeps the flags of its source (GB/T 37964-2019: de-identification).
"""

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum

from services.delivery.rules.detection import FieldDetection, Kind
from shared import canonical
from shared.grades import Grade

MASK_POLICY = "2026-11"
STRICT_FROM = Grade.G4
HIDDEN = "***"


class Mask(StrEnum):
    KEEP_REGION = "keep_region"  # 110105************
    KEEP_ENDS = "keep_ends"  # 138****1234
    KEEP_INITIAL = "keep_initial"  # 王*
    KEEP_DISTRICT = "keep_district"  # 北京市朝阳区***
    KEEP_LAST_FOUR = "keep_last_four"  # ************1234
    KEEP_DOMAIN = "keep_domain"  # a***@example.cn
    KEEP_YEAR = "keep_year"  # 1987
    KEEP_NETWORK = "keep_network"  # 203.0.113.0
    KEEP_PLATE_OFFICE = "keep_plate_office"  # 京A*****
    ROUND_TENTH = "round_tenth"  # of a degree, about 11 km
    ROUND_DEGREE = "round_degree"
    HIDE = "hide"  # ***


# fmt: off
MASKS: Mapping[Kind, Mask | None] = {
    Kind.RESIDENT_ID: Mask.KEEP_REGION,
    Kind.USCC:        None,             # the public number of an organisation
    Kind.PHONE:       Mask.KEEP_ENDS,
    Kind.BANK_CARD:   Mask.KEEP_LAST_FOUR,
    Kind.PASSPORT:    Mask.HIDE,
    Kind.PLATE:       Mask.KEEP_PLATE_OFFICE,
    Kind.EMAIL:       Mask.KEEP_DOMAIN,
    Kind.IP_ADDRESS:  Mask.KEEP_NETWORK,
    Kind.COORDINATES: Mask.ROUND_TENTH,
    Kind.NAME:        Mask.KEEP_INITIAL,
    Kind.ADDRESS:     Mask.KEEP_DISTRICT,
    Kind.BIRTH_DATE:  Mask.KEEP_YEAR,
    Kind.HEALTH:      Mask.HIDE,
    Kind.RELIGION:    Mask.HIDE,
    Kind.BIOMETRIC:   Mask.HIDE,
    Kind.MINOR:       None,             # the column is masked as the id or birth date that it holds
}
STRICT: Mapping[Kind, Mask | None] = dict.fromkeys(MASKS, Mask.HIDE) | {
    Kind.USCC:        None,
    Kind.MINOR:       None,
    Kind.COORDINATES: Mask.ROUND_DEGREE,
    Kind.BIRTH_DATE:  Mask.KEEP_YEAR,
}

# Province or city, then city or district; what follows is hidden.
DISTRICT = r"\p{Han}{2,5}?(省|自治区|市|州|区|县|旗)(\p{Han}{1,7}?(市|州|区|县|旗))?"
_DISTRICT = DISTRICT.replace("{", "{{").replace("}", "}}")

# What a spreadsheet would run, also in full-width form, and what it would not.
FORMULA = r"^[=+\-@\t\r＝＋－＠]"
NUMBER = r"[+-]?\d[\d,]*(\.\d+)?([eE][+-]?\d+)?%?"
QUOTE = "'"

# For the value `v` as text: the shape it must have, and what then is left of it.
_NUMBER = r"-?\d{1,3}(\.\d+)?"
_SHAPES: Mapping[Mask, tuple[str, str]] = {
    Mask.KEEP_REGION:       (r"\d{17}[\dXx]",             "left({v}, 6) || '************'"),
    Mask.KEEP_ENDS:         (r"(\+?86[- ]?)?1[3-9]\d{9}", "left(right({v}, 11), 3) || '****' || right({v}, 4)"),
    Mask.KEEP_INITIAL:      (r"[\p{Han}A-Z].*",           "left({v}, 1) || '*'"),
    Mask.KEEP_LAST_FOUR:    (r"(\d[ -]?){12,19}",         "'************' || right({v}, 4)"),
    Mask.KEEP_DOMAIN:       (r"[^@\s]+@[A-Za-z0-9.-]+",   "left({v}, 1) || '***@' || split_part({v}, '@', 2)"),
    Mask.KEEP_YEAR:         (r"(19|20)\d{2}[-/.年]?\d.*", "left({v}, 4)"),
    Mask.KEEP_NETWORK:      (r"\d{1,3}(\.\d{1,3}){3}",    "regexp_replace({v}, '\\d+$', '0')"),
    Mask.KEEP_PLATE_OFFICE: (r"\p{Han}[A-Z].{4,8}",       "left({v}, 2) || '*****'"),
    Mask.KEEP_DISTRICT:     (DISTRICT + ".*",             f"regexp_extract({{v}}, '^{_DISTRICT}') || '***'"),
    Mask.ROUND_TENTH:       (_NUMBER,                     "CAST(round(CAST({v} AS DOUBLE), 1) AS VARCHAR)"),
    Mask.ROUND_DEGREE:      (_NUMBER,                     "CAST({v} AS DOUBLE)::INTEGER::VARCHAR"),
}
# fmt: on


def masks_for(detections: Iterable[FieldDetection], grade: Grade) -> dict[str, Mask]:
    """The mask of each column that needs one, at this grade."""
    policy = STRICT if grade >= STRICT_FROM else MASKS
    wanted: dict[str, set[Mask]] = {}
    for detection in detections:
        if mask := policy[detection.kind]:
            wanted.setdefault(detection.field, set()).add(mask)
    return {field: masks.pop() if len(masks) == 1 else Mask.HIDE for field, masks in wanted.items()}


def policy_digest(masks: Mapping[str, Mask]) -> str:
    """Names a set of masks: the same masks under the same policy make the same rendition."""
    pairs = [[field, mask] for field, mask in sorted(masks.items())]
    return canonical.digest({"policy": MASK_POLICY, "masks": pairs})[:32]


def expression(column: str, mask: Mask | None) -> str:
    """The SQL of a column as it may be shown, under its own name. Text where a mask applies; null stays null."""
    name = quoted(column)
    return name if mask is None else f"{masked(f'CAST({name} AS VARCHAR)', mask)} AS {name}"


def masked(value: str, mask: Mask) -> str:
    """The SQL that masks a text expression. Requires SQL of ours, never a provider's text."""
    if mask is Mask.HIDE:
        return f"CASE WHEN {value} IS NOT NULL THEN {literal(HIDDEN)} END"
    shape, kept = _SHAPES[mask]
    fits = f"regexp_full_match({value}, {literal(shape)})"
    return f"CASE WHEN {value} IS NULL THEN NULL WHEN {fits} THEN {kept.format(v=value)} ELSE {literal(HIDDEN)} END"


def guarded(value: str) -> str:
    """The SQL of a text that no spreadsheet takes for a formula: an apostrophe leads it. Numbers stay as they are."""
    runs = f"regexp_matches({value}, {literal(FORMULA)}) AND NOT regexp_full_match({value}, {literal(NUMBER)})"
    return f"CASE WHEN {runs} THEN {literal(QUOTE)} || {value} ELSE {value} END"


def guarded_name(name: str) -> str:
    """A column's name, which is a cell too where a file begins with its names."""
    return QUOTE + name if re.match(FORMULA, name) and not re.fullmatch(NUMBER, name) else name


def quoted(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"

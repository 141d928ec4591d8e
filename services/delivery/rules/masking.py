"""What a desensitised column still shows, and the SQL that makes it so.

Owns: the mask for each kind of thing, its stricter form from G4 on, and the expressions that DuckDB runs.
Promises: a value that does not look like its column's kind is hidden whole, so a mask never lets through what it did
not foresee; two kinds in one column hide it; a name of a column cannot leave its quotes; no cell that is guarded runs
as a formula; no key stands in an expression, which names the variables of `pseudonym.py` instead.
Does not: anonymise. A masked column drops what points at a person directly; the rest of the row may still do so, hence
desensitised content keeps the flags of its source (GB/T 37964-2019: de-identification).
"""

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum

from services.delivery.rules.detection import FieldDetection
from shared.grades import Grade
from shared.kinds import Kind

MASK_POLICY = "2026-11"
STRICT_FROM = Grade.G4
HIDDEN = "***"


class Mask(StrEnum):
    """What is done to a column. How strict one is beside another: `strictness.py`."""

    KEEP = "keep"
    KEEP_REGION = "keep_region"  # 110105************
    KEEP_PROVINCE_CODE = "keep_province_code"  # 11****************
    KEEP_ENDS = "keep_ends"  # 138****1234
    KEEP_INITIAL = "keep_initial"  # 王*
    KEEP_DISTRICT = "keep_district"  # 北京市朝阳区***, 广东省深圳市***
    KEEP_PROVINCE = "keep_province"  # 广东省***
    KEEP_LAST_FOUR = "keep_last_four"  # ************1234
    KEEP_DOMAIN = "keep_domain"  # a***@example.cn
    KEEP_MONTH = "keep_month"  # 1987-06
    KEEP_YEAR = "keep_year"  # 1987
    KEEP_DECADE = "keep_decade"  # 1980s
    KEEP_NETWORK = "keep_network"  # 203.0.113.0
    KEEP_PLATE_OFFICE = "keep_plate_office"  # 京A*****
    ROUND_TENTH = "round_tenth"  # of a degree, about 11 km
    ROUND_DEGREE = "round_degree"
    ROUND_INTEGER = "round_integer"
    AGE_RANGE = "age_range"  # 30-39; from 90 on all together
    BAND_10 = "band_10"  # [30,40)
    BAND_100 = "band_100"
    BAND_1000 = "band_1000"
    BAND_10000 = "band_10000"
    SHIFT_DATES = "shift_dates"  # all of a version by the same secret number of days: intervals stay
    PSEUDONYM = "pseudonym"  # equal values stay equal, and nothing else of them
    HIDE = "hide"  # ***
    DROP = "drop"  # the column is not there


# The variables of DuckDB that a key is spread over (`pseudonym.py`): HMAC's two pads (RFC 2104), and a shift of days.
OUTER_PAD, INNER_PAD = "getvariable('outer_pad')", "getvariable('inner_pad')"
SHIFT_DAYS = "getvariable('shift_days')::INTEGER"
PSEUDONYM_HEX_DIGITS = 32
KEYED = frozenset({Mask.PSEUDONYM, Mask.SHIFT_DATES})
BANDS: Mapping[Mask, int] = {Mask.BAND_10: 10, Mask.BAND_100: 100, Mask.BAND_1000: 1000, Mask.BAND_10000: 10_000}


def _band(width: int) -> str:
    low = f"(floor(CAST({{v}} AS DOUBLE) / {width}) * {width})::BIGINT"
    return f"'[' || {low} || ',' || ({low} + {width}) || ')'"


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
PROVINCE = r"\p{Han}{2,5}?(省|自治区|特别行政区|市)"
_PROVINCE = PROVINCE.replace("{", "{{").replace("}", "}}")

# What a spreadsheet would run, also in full-width form, and what it would not.
FORMULA = r"^[=+\-@\t\r＝＋－＠]"
NUMBER = r"[+-]?\d[\d,]*(\.\d+)?([eE][+-]?\d+)?%?"
QUOTE = "'"

# For the value `v` as text: the shape it must have, and what then is left of it.
_NUMBER = r"-?\d{1,3}(\.\d+)?"
_MEASURE = r"-?\d{1,15}(\.\d+)?"  # what a double holds exactly
_MONTH = r"(1[0-2]|0?[1-9])"
_DATE = r"(19|20)\d{2}([-/.年]" + _MONTH + r"([-/.月].*)?|(1[0-2]|0[1-9])(\d{2}.*)?)"
_MONTH_OF = "lpad(regexp_extract({v}, '^\\d{{4}}[-/.年]?" + _MONTH + "', 1), 2, '0')"
_MOMENT = r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}(:?\d{2})?)?)?"
_SHIFTED = f"CAST(TRY_CAST(left({{v}}, 10) AS DATE) + {SHIFT_DAYS} AS VARCHAR) || substr({{v}}, 11)"
_TEN_YEARS = "(floor(CAST({v} AS DOUBLE) / 10) * 10)::INTEGER"
_AGES = f"CASE WHEN CAST({{v}} AS DOUBLE) >= 90 THEN '90+' ELSE {_TEN_YEARS} || '-' || {_TEN_YEARS} + 9 END"
_SHAPES: Mapping[Mask, tuple[str, str]] = {
    Mask.KEEP_REGION:       (r"\d{17}[\dXx]",             "concat(left({v}, 6), '************')"),
    Mask.KEEP_PROVINCE_CODE: (r"\d{17}[\dXx]",            "concat(left({v}, 2), '****************')"),
    Mask.KEEP_ENDS:         (r"(\+?86[- ]?)?1[3-9]\d{9}", "concat(substr({v}, -11, 3), '****', substr({v}, -4))"),
    Mask.KEEP_INITIAL:      (r"[\p{Han}A-Z].+",           "concat(left({v}, 1), '*')"),
    Mask.KEEP_LAST_FOUR:    (r"(\d[ -]?){12,19}",         "'************' || right({v}, 4)"),
    Mask.KEEP_DOMAIN:       (r"[^@\s]+@[A-Za-z0-9.-]+",   "left({v}, 1) || '***@' || split_part({v}, '@', 2)"),
    Mask.KEEP_MONTH:        (_DATE,                       "left({v}, 4) || '-' || " + _MONTH_OF),
    Mask.KEEP_DECADE:       (r"(19|20)\d{2}[-/.年]?\d.*", "left({v}, 3) || '0s'"),
    Mask.KEEP_YEAR:         (r"(19|20)\d{2}[-/.年]?\d.*", "left({v}, 4)"),
    Mask.KEEP_NETWORK:      (r"\d{1,3}(\.\d{1,3}){3}",    "regexp_replace({v}, '\\d+$', '0')"),
    Mask.KEEP_PLATE_OFFICE: (r"\p{Han}[A-Z].{4,8}",       "left({v}, 2) || '*****'"),
    Mask.KEEP_DISTRICT:     (DISTRICT + ".*",             f"regexp_extract({{v}}, '^{_DISTRICT}') || '***'"),
    Mask.KEEP_PROVINCE:     (PROVINCE + ".*",             f"regexp_extract({{v}}, '^{_PROVINCE}') || '***'"),
    Mask.ROUND_TENTH:       (_NUMBER,                     "CAST(round(CAST({v} AS DOUBLE), 1) AS VARCHAR)"),
    Mask.ROUND_DEGREE:      (_NUMBER,                     "CAST({v} AS DOUBLE)::INTEGER::VARCHAR"),
    Mask.ROUND_INTEGER:     (_MEASURE,                    "CAST({v} AS DOUBLE)::BIGINT::VARCHAR"),
    Mask.AGE_RANGE:         (r"1?\d{1,2}(\.\d+)?",        _AGES),
    Mask.SHIFT_DATES:       (_MOMENT,                     f"coalesce({_SHIFTED}, '{HIDDEN}')"),
    **{mask: (_MEASURE, _band(width)) for mask, width in BANDS.items()},
}
# How most values of that shape are written, told in half the time. Whatever it says yes to has the shape.
_USUAL: Mapping[Mask, str] = {
    Mask.KEEP_INITIAL: "{v} >= '一' AND {v} < '龥' AND strlen({v}) > 3 AND NOT contains({v}, chr(10))",
    Mask.KEEP_ENDS:    "{v} GLOB '1[3-9]" + "[0-9]" * 9 + "'",
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


def expression(column: str, mask: Mask | None) -> str:
    """The SQL of a column as it may be shown, under its own name. Text where a mask applies; null stays null."""
    name = quoted(column)
    return name if mask in (None, Mask.KEEP) else f"{masked(f'CAST({name} AS VARCHAR)', mask)} AS {name}"


def masked(value: str, mask: Mask) -> str:
    """The SQL that masks a text expression. Requires SQL of ours, never a provider's text."""
    if mask is Mask.KEEP:
        return value
    if mask is Mask.DROP:
        return "CAST(NULL AS VARCHAR)"
    if mask is Mask.PSEUDONYM:
        inner = f"unhex(sha256({INNER_PAD} || encode({value})))"
        return f"CASE WHEN {value} IS NOT NULL THEN left(sha256({OUTER_PAD} || {inner}), {PSEUDONYM_HEX_DIGITS}) END"
    if mask is Mask.HIDE:
        return f"CASE WHEN {value} IS NOT NULL THEN {literal(HIDDEN)} END"
    shape, kept = _SHAPES[mask]
    fits = f"regexp_full_match({value}, {literal(shape)})"
    if usual := _USUAL.get(mask):
        fits = f"{usual.format(v=value)} OR {fits}"
    # What fits comes first: it is nearly everything, and nothing fits null.
    return f"CASE WHEN {fits} THEN {kept.format(v=value)} WHEN {value} IS NOT NULL THEN {literal(HIDDEN)} END"


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

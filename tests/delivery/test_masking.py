"""What a mask leaves, as DuckDB computes it."""

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.delivery.rules.detection import FieldDetection
from services.delivery.rules.masking import (
    BANDS,
    HIDDEN,
    MASKS,
    STRICT,
    Mask,
    expression,
    guarded,
    guarded_name,
    masked,
    masks_for,
)
from services.delivery.rules.strictness import COARSER
from shared.grades import Grade
from shared.kinds import Kind

# Shape and rest of the masks that look first whether a value is written as most are.
NAIVE = {
    Mask.KEEP_INITIAL: (r"[\p{Han}A-Z].+", "left(v, 1) || '*'"),
    Mask.KEEP_ENDS: (r"(\+?86[- ]?)?1[3-9]\d{9}", "substr(v, -11, 3) || '****' || substr(v, -4)"),
}
DATABASE = duckdb.connect(":memory:")
DATABASE.execute("SET VARIABLE shift_days = -30")
FOR_PERSONS = sorted(
    {mask for policy in (MASKS, STRICT) for mask in policy.values() if mask} | set(COARSER.values()) - set(BANDS)
)


def shown(mask: Mask, value: str | None) -> str | None:
    return DATABASE.execute(f"SELECT {masked('v', mask)} FROM (SELECT CAST(? AS VARCHAR) AS v)", [value]).fetchall()[0][
        0
    ]


def detection(field: str, kind: Kind) -> FieldDetection:
    return FieldDetection(field, kind, True, 10_000, None, 100, 10_000)


@pytest.mark.parametrize("mask, value, left", [
    (Mask.KEEP_REGION,       "11010519491231002X",         "110105************"),
    (Mask.KEEP_ENDS,         "13812341234",                "138****1234"),
    (Mask.KEEP_ENDS,         "+86 13812341234",            "138****1234"),
    (Mask.KEEP_INITIAL,      "王小明",                     "王*"),
    (Mask.KEEP_INITIAL,      "Ada Lovelace",               "A*"),
    (Mask.KEEP_LAST_FOUR,    "6222 0212 3456 7890",        "************7890"),
    (Mask.KEEP_DOMAIN,       "ada@example.cn",             "a***@example.cn"),
    (Mask.KEEP_YEAR,         "1987-06-05",                 "1987"),
    (Mask.KEEP_YEAR,         "19870605",                   "1987"),
    (Mask.KEEP_NETWORK,      "203.0.113.77",               "203.0.113.0"),
    (Mask.KEEP_PLATE_OFFICE, "京A12345",                   "京A*****"),
    (Mask.KEEP_DISTRICT,     "北京市朝阳区建国路1号",      "北京市朝阳区***"),
    (Mask.KEEP_DISTRICT,     "广东省深圳市南山区科技园1栋", "广东省深圳市***"),
    (Mask.ROUND_TENTH,       "39.908823",                  "39.9"),
    (Mask.ROUND_TENTH,       "-116.39",                    "-116.4"),
    (Mask.ROUND_DEGREE,      "39.908823",                  "40"),
    (Mask.HIDE,              "A+",                         HIDDEN),
    (Mask.KEEP,              "anything",                   "anything"),
    (Mask.KEEP_REGION,       "11010519491231002x",         "110105************"),
    (Mask.KEEP_PROVINCE_CODE, "11010519491231002x",        "11****************"),
    (Mask.KEEP_PROVINCE,     "广东省深圳市南山区科技园1栋", "广东省***"),
    (Mask.KEEP_PROVINCE,     "新疆维吾尔自治区乌鲁木齐市",  "新疆维吾尔自治区***"),
    (Mask.KEEP_PROVINCE,     "北京市朝阳区建国路1号",      "北京市***"),
    (Mask.KEEP_MONTH,        "1987-06-05",                 "1987-06"),
    (Mask.KEEP_MONTH,        "19871105",                   "1987-11"),
    (Mask.KEEP_MONTH,        "1987/6/5",                   "1987-06"),
    (Mask.KEEP_MONTH,        "1987年10月5日",              "1987-10"),
    (Mask.KEEP_MONTH,        "2026-12-31 23:59:59",        "2026-12"),
    (Mask.KEEP_DECADE,       "1987-06-05",                 "1980s"),
    (Mask.ROUND_INTEGER,     "-1234.6",                    "-1235"),
    (Mask.AGE_RANGE,         "0",                          "0-9"),
    (Mask.AGE_RANGE,         "39",                         "30-39"),
    (Mask.AGE_RANGE,         "39.5",                       "30-39"),
    (Mask.AGE_RANGE,         "89",                         "80-89"),
    (Mask.AGE_RANGE,         "90",                         "90+"),
    (Mask.AGE_RANGE,         "117",                        "90+"),
    (Mask.BAND_10,           "30",                         "[30,40)"),
    (Mask.BAND_10,           "39.99",                      "[30,40)"),
    (Mask.BAND_100,          "-1",                         "[-100,0)"),
    (Mask.BAND_1000,         "123456789012345",            "[123456789012000,123456789013000)"),
    (Mask.BAND_10000,        "0",                          "[0,10000)"),
    (Mask.SHIFT_DATES,       "2026-03-01",                 "2026-01-30"),
    (Mask.SHIFT_DATES,       "2026-03-01T08:00:00+08:00",  "2026-01-30T08:00:00+08:00"),
])  # fmt: skip
def test_worked_masks(mask: Mask, value: str, left: str):
    assert shown(mask, value) == left


@pytest.mark.parametrize("mask, value", [
    (Mask.KEEP_REGION,   "电话 13812341234"),
    (Mask.KEEP_ENDS,     "call 13812341234 at night"),
    (Mask.KEEP_ENDS,     "13812341234\n13999999999"),
    (Mask.KEEP_DOMAIN,   "ada@example.cn, phone 13812341234"),
    (Mask.KEEP_DISTRICT, "12 Downing Street"),
    (Mask.ROUND_TENTH,   "39.9, 116.3"),
    (Mask.KEEP_NETWORK,  "2001:db8::1"),
    (Mask.KEEP_REGION,   "１１０１０５１９４９１２３１００２Ｘ"),
    (Mask.KEEP_REGION,   "身份证 11010519491231002X"),
    (Mask.KEEP_ENDS,     "１３８１２３４１２３４"),
    (Mask.KEEP_ENDS,     "13812341234.0"),
    (Mask.KEEP_LAST_FOUR, "6222 0212 3456 7890 (王)"),
    (Mask.KEEP_INITIAL,  "王"),
    (Mask.KEEP_INITIAL,  "小明\n13812341234"),
    (Mask.KEEP_DOMAIN,   "ada＠example.cn"),
    (Mask.KEEP_YEAR,     "１９８７-06-05"),
    (Mask.KEEP_YEAR,     "born in 1987"),
    (Mask.KEEP_MONTH,    "1987-13-05"),
    (Mask.KEEP_MONTH,    "1987"),
    (Mask.AGE_RANGE,     "forty"),
    (Mask.AGE_RANGE,     "-1"),
    (Mask.BAND_10,       "1234567890123456"),
    (Mask.BAND_10,       "1e5"),
    (Mask.SHIFT_DATES,   "2026-02-30"),
    (Mask.SHIFT_DATES,   "01/03/2026"),
    (Mask.SHIFT_DATES,   "2026-03-01, phone 13812341234"),
])  # fmt: skip
def test_a_value_of_another_shape_is_hidden_whole(mask: Mask, value: str):
    assert shown(mask, value) == HIDDEN


def differing(mask: Mask, values: str) -> list[tuple[str]]:
    """Of the column `v` of a query, what the mask shows otherwise than without its first look."""
    shape, kept = NAIVE[mask]
    naive = f"CASE WHEN regexp_full_match(v, '{shape}') THEN {kept} WHEN v IS NOT NULL THEN '{HIDDEN}' END"
    differs = f"{masked('v', mask)} IS DISTINCT FROM {naive}"
    return DATABASE.execute(f"SELECT v FROM ({values}) WHERE {differs} LIMIT 9").fetchall()


CHARACTERS = (
    "SELECT chr(code::INTEGER) AS c FROM range(1, 205_744) AS codes(code) WHERE code NOT BETWEEN 55_296 AND 57_343"
)


@pytest.mark.parametrize("rest", ["''", "'小'", "'x'", "chr(10)", "chr(13)", "'小' || chr(10)", "chr(10) || '小'"])
def test_what_follows_any_first_character_is_masked_as_naively(rest: str):
    assert not differing(Mask.KEEP_INITIAL, f"SELECT c || {rest} AS v FROM ({CHARACTERS})")


@pytest.mark.parametrize("place", range(12))
def test_a_telephone_number_with_any_other_character_is_masked_as_naively(place: int):
    """One put in the place of a digit, and one put before it."""
    before, after = "13812341234"[:place], "13812341234"[place:]
    for rest in {after, after[1:]}:
        assert not differing(Mask.KEEP_ENDS, f"SELECT '{before}' || c || '{rest}' AS v FROM ({CHARACTERS})")


LIKE_NUMBERS = st.from_regex(r"([+]?86)?1[2-9][0-9]{8,10}", fullmatch=True)
LIKE_NAMES = st.text("王龥龦一丿AZa 小9\n\0", max_size=5)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(list(NAIVE)), st.lists(LIKE_NUMBERS | LIKE_NAMES | st.none(), max_size=50))
def test_texts_are_masked_as_naively(mask: Mask, values: list[str | None]):
    DATABASE.execute("CREATE OR REPLACE TEMP TABLE texts AS SELECT unnest(CAST(? AS VARCHAR[])) AS v", [values])
    assert not differing(mask, "FROM texts")


@pytest.mark.parametrize("mask", list(Mask))
def test_null_stays_null(mask: Mask):
    assert shown(mask, None) is None


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(FOR_PERSONS), st.from_regex(r"[0-9]{11}|[0-9]{17}[0-9X]|[0-9]{6} [^\x00]{0,12}", fullmatch=True))
def test_no_mask_leaves_more_than_half_of_a_number(mask: Mask, value: str):
    left = shown(mask, value)
    assert left is not None and (left == HIDDEN or sum(map(str.isdigit, left)) < len(value))
    if mask not in (Mask.ROUND_TENTH, Mask.ROUND_DEGREE):
        longest = max(left.replace("*", " ").split() or [""], key=len)
        assert left == HIDDEN or len(longest) <= 6


@pytest.mark.parametrize("name", ['a"b', "a'b", "x; DROP TABLE t", '"', "姓名", "a\\b", "--", "a b"])
def test_a_column_name_cannot_leave_its_quotes(name: str):
    identifier = '"' + name.replace('"', '""') + '"'
    DATABASE.execute(f"CREATE OR REPLACE TEMP TABLE t AS SELECT '13812341234' AS {identifier}")
    found = DATABASE.execute(f"SELECT {expression(name, Mask.KEEP_ENDS)}, {expression(name, None)} FROM t")
    assert [column[0] for column in found.description or []] == [name, name]
    assert found.fetchall() == [("138****1234", "13812341234")]


@pytest.mark.parametrize("text, led", [
    ("=1+1",                   True),
    ("=HYPERLINK(\"http://x\")", True),
    ("+1+cmd|' /C calc'!A0",   True),
    ("-2+3",                   True),
    ("@SUM(1)",                True),
    ("\t=1",                   True),
    ("\r=1",                   True),
    ("＝1+1",                  True),
    ("+86-10",                 True),
    ("-5",                     False),
    ("-1,234.50",              False),
    ("+8613812341234",         False),
    ("-1.5e-3",                False),
    ("a=1",                    False),
    ("",                       False),
])  # fmt: skip
def test_a_cell_that_would_run_as_a_formula_is_led_by_an_apostrophe(text: str, led: bool):
    [(found,)] = DATABASE.execute(f"SELECT {guarded('v')} FROM (SELECT CAST(? AS VARCHAR) AS v)", [text]).fetchall()
    assert found == guarded_name(text) == ("'" + text if led else text)


def test_every_kind_has_a_mask_in_both_policies():
    assert set(MASKS) == set(STRICT) == set(Kind)


def test_two_kinds_in_one_column_hide_it():
    found = [detection("note", Kind.PHONE), detection("note", Kind.NAME), detection("tel", Kind.PHONE)]
    assert masks_for(found, Grade.G3) == {"note": Mask.HIDE, "tel": Mask.KEEP_ENDS}


def test_from_g4_on_persons_are_hidden_whole():
    found = [detection("tel", Kind.PHONE), detection("lat", Kind.COORDINATES), detection("code", Kind.USCC)]
    assert masks_for(found, Grade.G4) == {"tel": Mask.HIDE, "lat": Mask.ROUND_DEGREE}

"""What counts as a find, given a column's name and what was counted in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.delivery.rules.column_names import kinds_named, names_nobody_ill, names_person, names_things
from services.delivery.rules.detection import Count, Evidence, detect, share
from shared.kinds import Kind

counts = st.integers(1, 1000).flatmap(
    lambda size: st.tuples(st.just(size), st.integers(0, size), st.integers(0, size)).map(sorted)
)

NOTHING = set[Kind]()
PROVABLE = sorted(set(Kind) - {Kind.MINOR})  # seen beside an id or a birth date, in a column of any name
TELLING = "身份证号 uscc 手机 卡号 护照 车牌 email ip lat 姓名 地址 生日 病史 宗教 指纹"


def found(column: str, kind: Kind, hits: int, checked: int = 0, valid: int = 0, of: int = 1000) -> bool:
    return bool(detect(Evidence(column, of, {kind: Count(hits, checked, valid)})))


@pytest.mark.parametrize("column, kinds", [
    ("身份证号码",     {Kind.RESIDENT_ID}),
    ("sfzh",           {Kind.RESIDENT_ID}),
    ("id_card",        {Kind.RESIDENT_ID}),
    ("ID Card No.",    {Kind.RESIDENT_ID}),
    ("id_card_no",     {Kind.RESIDENT_ID}),
    ("sim_card_no",    NOTHING),
    ("card_no",        {Kind.BANK_CARD}),
    ("customerPhone",  {Kind.PHONE}),
    ("联系电话",       {Kind.PHONE}),
    ("phone_number_2", {Kind.PHONE}),
    ("EMAIL",          {Kind.EMAIL}),
    ("e-mail",         {Kind.EMAIL}),
    ("Latitude",       {Kind.COORDINATES}),
    ("name",           {Kind.NAME}),
    ("联系人电话",     {Kind.NAME, Kind.PHONE}),
    ("出生日期",       {Kind.BIRTH_DATE}),
    ("diagnosis_code", {Kind.HEALTH}),
    ("身分證字號",     {Kind.RESIDENT_ID}),
    ("手機號碼",       {Kind.PHONE}),
    ("聯絡人",         {Kind.NAME}),
    ("銀行帳號",       {Kind.BANK_CARD}),
    ("護照",           {Kind.PASSPORT}),
    ("座標經度",       {Kind.COORDINATES}),
    ("電郵",           {Kind.EMAIL}),
    ("病歷",           {Kind.HEALTH}),
    ("手機品牌",       NOTHING),
    ("出生",           {Kind.BIRTH_DATE}),
    ("出生人数",       NOTHING),
    ("next_of_kin",    {Kind.NAME}),
    ("shipment",       NOTHING),
    ("platelets",      NOTHING),
    ("elevation",      NOTHING),
    ("iata",           NOTHING),
])  # fmt: skip
def test_what_a_column_name_points_at(column: str, kinds: set[Kind]):
    assert kinds_named(column) == kinds


@pytest.mark.parametrize("column, person", [
    ("full_name", True), ("客户姓名", True), ("name", False), ("品名", False), ("Patient", True), ("next of kin", True),
    ("patient_id", False), ("customer", False),  # which may be a company
])  # fmt: skip
def test_a_bare_name_may_be_that_of_an_airport(column: str, person: bool):
    assert names_person(column) is person


@pytest.mark.parametrize("column, nobody", [
    ("shelf", True), ("seat_no", True), ("库位", True), ("適應症", True), ("适应症", True), ("indication", True),
    ("shelf_life_of_drug", False), ("诊断", False), ("diagnosis", False),
])  # fmt: skip
def test_codes_of_shelves_are_nobodys_diseases(column: str, nobody: bool):
    assert names_nobody_ill(column) is nobody


@pytest.mark.parametrize("column, things", [("植物", True), ("药材", True), ("城市", True), ("植物学家", False)])
def test_a_column_of_plants_names_no_persons(column: str, things: bool):
    assert names_things(column) is things


@pytest.mark.parametrize("story, expected, column, kind, count", [
    ("a single true id among a thousand notes",     True,  "备注",   Kind.RESIDENT_ID, (1, 1, 1)),
    ("long order numbers, one in eleven by chance", False, "order",  Kind.RESIDENT_ID, (1000, 1000, 91)),
    ("made-up ids in a column that says so",        True,  "身份证", Kind.RESIDENT_ID, (1000, 1000, 91)),
    ("an id column that is masked already",         False, "身份证", Kind.RESIDENT_ID, (0, 0, 0)),
    ("cities, a fifth of them like surnames",       False, "城市",   Kind.NAME,        (200, 0, 0)),
    ("short Chinese text, nearly all like names",   True,  "经办",   Kind.NAME,        (990, 0, 0)),
    ("a column of names, some foreign",             True,  "姓名",   Kind.NAME,        (700, 0, 0)),
    ("airports: no Chinese name among them",        False, "name",   Kind.NAME,        (0, 0, 0)),
    ("pairs of numbers, few of them on the globe",  False, "x",      Kind.COORDINATES, (1000, 1000, 800)),
    ("numbers of degrees under a telling name",     True,  "lat",    Kind.COORDINATES, (1000, 0, 0)),
    ("eleven digits, a few of them like mobiles",   False, "order",  Kind.PHONE,       (1000, 1000, 70)),
    ("one mobile among a thousand notes",           True,  "remark", Kind.PHONE,       (1, 1, 1)),
    ("two states that could be names",              False, "c1",     Kind.NAME,        (1000, 2, 2)),
    ("a station and a market called like persons",  False, "name",   Kind.NAME,        (900, 500, 100)),
    ("one card quoted in a thousand remarks",       True,  "remark", Kind.BANK_CARD,   (1, 1, 1)),
    ("ids, none of a child",                        False, "身份证", Kind.MINOR,       (3, 3, 0)),
    ("ids, one of a child",                         True,  "x",      Kind.MINOR,       (1, 1, 1)),
    ("dates of children, of nobody's birth",        False, "入园",   Kind.MINOR,       (1000, 0, 0)),
    ("one e-mail address",                          True,  "remark", Kind.EMAIL,       (1, 0, 0)),
    ("sixteen digits, a tenth pass Luhn",           False, "serial", Kind.BANK_CARD,   (1000, 1000, 100)),
    ("sixteen digits, all pass Luhn",               True,  "serial", Kind.BANK_CARD,   (1000, 1000, 1000)),
    ("dates of anything",                           False, "date",   Kind.BIRTH_DATE,  (1000, 0, 0)),
])  # fmt: skip
def test_worked_columns(story: str, expected: bool, column: str, kind: Kind, count: tuple[int, int, int]):
    assert found(column, kind, *count) is expected, story


def test_the_surest_find_comes_first_and_carries_its_grounds():
    evidence = Evidence("手机号", 200, {Kind.BANK_CARD: Count(200, 10, 9), Kind.PHONE: Count(200, 10, 10)})
    phone, card = detect(evidence)
    assert (phone.kind, phone.name_hit, phone.hit_basis_points, phone.checksum_basis_points) == (
        Kind.PHONE, True, 10_000, 10_000,
    )  # fmt: skip
    assert (card.kind, card.name_hit, card.checksum_basis_points) == (Kind.BANK_CARD, False, 9_000)
    assert phone.confidence_basis_points > card.confidence_basis_points


def test_what_was_found_once_is_not_nothing():
    assert share(1, 50_000) == 1


@given(counts, st.sampled_from(sorted(Kind)), st.sampled_from(["x", "姓名", "phone", "lat", "身份证号"]))
def test_more_hits_never_undo_a_find(numbers: list[int], kind: Kind, column: str):
    fewer, more, size = numbers
    if found(column, kind, fewer, of=size):
        assert found(column, kind, more, of=size)


@given(counts, st.sampled_from(PROVABLE))
def test_a_telling_name_never_undoes_a_find(numbers: list[int], kind: Kind):
    valid, hits, size = numbers
    telling = next(name for name in TELLING.split() if kind in kinds_named(name))
    if found("x", kind, hits, hits, valid, of=size):
        assert found(telling, kind, hits, hits, valid, of=size)

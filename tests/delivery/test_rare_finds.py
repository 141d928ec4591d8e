"""What stands once in many rows, outside the sample; and persons under 14 by their ids and birth dates."""

import random
from pathlib import Path

import pytest

from services.delivery.inspector import profile as profiling
from services.delivery.inspector.messages import Profile
from services.delivery.inspector.work import perform
from services.delivery.rules.detection import FieldDetection, detect
from shared.kinds import Kind
from tests.delivery.corpus_values import CHECK_DIGITS, CHECK_WEIGHTS, luhn
from tests.delivery.made_files import csv_of, inspection_of, source

ROWS = 4_000
ADULT = "11010519491231002X"


def finds(folder: Path, column: str, values: list[str]) -> dict[Kind, FieldDetection]:
    answer = perform(inspection_of(source(folder, csv_of([column], [[value] for value in values]))))
    assert isinstance(answer, Profile), answer
    return {one.kind: one for field in answer.fields for one in detect(field.evidence)}


def an_id(born: str) -> str:
    body = f"110105{born}002"
    return body + CHECK_DIGITS[sum(int(a) * b for a, b in zip(body, CHECK_WEIGHTS, strict=True)) % 11]


@pytest.fixture(autouse=True)
def a_small_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profiling, "SAMPLE_ROWS", 20)


@pytest.mark.parametrize("kind, planted", [
    (Kind.RESIDENT_ID, f"本人{ADULT}已核"),
    (Kind.RESIDENT_ID, "１１０１０５１９４９１２３１００２Ｘ"),
    (Kind.PHONE,       "急，打13812345678"),
    (Kind.EMAIL,       "发到 a.b@example.cn 即可"),
    (Kind.BANK_CARD,   f"卡号{luhn('622848', 19)(random.Random(1))}"),
])  # fmt: skip
def test_one_row_among_thousands_is_found_and_told_of_all_of_them(tmp_path: Path, kind: Kind, planted: str):
    found = finds(tmp_path, "备注", ["货已到"] * (ROWS // 2) + [planted] + ["请轻放"] * (ROWS // 2 - 1))
    assert set(found) == {kind}
    assert (found[kind].hit_basis_points, found[kind].sample_size) == (3, ROWS)  # one in four thousand, rounded up


def test_order_numbers_outside_the_sample_accuse_nobody(tmp_path: Path):
    rng = random.Random(3)
    orders = [f"单号{rng.randrange(10**17, 10**18)}" if n % 50 == 7 else "已发货" for n in range(ROWS)]
    assert not finds(tmp_path, "备注", orders)


def test_one_child_among_thousands_of_adults_is_found(tmp_path: Path):
    ids = [an_id(f"{1950 + n % 50}0{n % 9 + 1}15") for n in range(ROWS)]
    assert set(finds(tmp_path, "c1", ids)) == {Kind.RESIDENT_ID}
    ids[ROWS // 2] = an_id("20180601")
    assert finds(tmp_path, "c1", ids)[Kind.MINOR].hit_basis_points == 3


@pytest.mark.parametrize("born, minor", [
    ("20121126", False),  # fourteen today, the 26th of November 2026
    ("20121127", True),
    ("20261126", True),
    ("20261127", False),  # not born yet: a number made up
    ("19491231", False),
])  # fmt: skip
def test_who_is_under_fourteen_by_their_id(tmp_path: Path, born: str, minor: bool):
    assert (Kind.MINOR in finds(tmp_path, "备注", [f"证{an_id(born)}。"])) is minor


def test_an_id_that_is_not_proved_is_no_childs(tmp_path: Path):
    wrong = an_id("20180601")[:-1] + ("0" if an_id("20180601")[-1] != "0" else "1")
    assert not finds(tmp_path, "x", [wrong] * 3)


@pytest.mark.parametrize("column, value, minor", [
    ("出生日期",   "2015-03-01",          True),
    ("birthday",   "2015/3/1",            True),
    ("csrq",       "20150301",            True),
    ("出生日期",   "2015年3月1日",        True),
    ("dob",        "03/01/2015",          True),
    ("dob",        "1 Mar 2015",          True),
    ("dob",        "March 1, 2015",       True),
    ("birth_date", "2015-03-01 00:00:00", True),
    ("dob",        "1985-03-01",          False),
    ("入园日期",   "2015-03-01",          False),
    ("date",       "2015-03-01",          False),
])  # fmt: skip
def test_who_is_under_fourteen_by_their_birth_date(tmp_path: Path, column: str, value: str, minor: bool):
    assert (Kind.MINOR in finds(tmp_path, column, [value] * 3)) is minor

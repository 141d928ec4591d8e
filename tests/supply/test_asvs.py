"""The map to OWASP ASVS 5.0: whole, and held to the files and tests that it names."""

import re
from collections import Counter
from dataclasses import dataclass

import pytest

from tests.supply.standard import LEVELS, REQUIRED
from tests.supply.written import ROOT, has_test, in_code, rows_of

DOCUMENT = "docs/asvs.md"
STATUSES = ("met", "partly", "not met", "not applicable")


@dataclass(frozen=True)
class Row:
    requirement: str
    level: str
    words: str
    status: str
    where: str
    why: str


ROWS = [Row(*cells) for cells in rows_of((ROOT / DOCUMENT).read_text(), columns=6) if re.fullmatch(r"[\d.]+", cells[0])]


def faults(row: Row) -> list[str]:
    """What is wrong with a row."""
    tests = [named for named in in_code(row.why) if named.startswith("tests/")]
    places = in_code(row.where)
    documents = bool(places) and all(place.endswith(".md") for place in places)
    found = [f"{place} does not exist" for place in places if not (ROOT / place).exists()]
    found += [f"{test} does not exist" for test in tests if not has_test(test)]
    if row.status not in STATUSES:
        found.append(f"{row.status} is no status")
    if row.level != str(LEVELS.get(row.requirement)):
        found.append(f"{row.level} is not its level")
    if row.status == "met" and not (places and (tests or documents)):
        found.append("what is met is met somewhere, and a test holds it")
    if row.status == "partly" and not (places and re.sub(r"`[^`]*`", "", row.why).strip(" ,;:()")):
        found.append("what is partly met says what is missing")
    if row.status in {"not met", "not applicable"} and not re.search(r"[A-Za-z]{2}", row.why):
        found.append("what is not met has a reason")
    return found


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.requirement)
def test_what_a_row_names_is_there(row: Row):
    assert faults(row) == []


def test_every_requirement_has_one_row_in_the_standards_order():
    numbers = [row.requirement for row in ROWS]
    assert [number for number, rows in Counter(numbers).items() if rows > 1] == []
    assert set(numbers) ^ REQUIRED == set()
    assert numbers == sorted(numbers, key=lambda number: [int(part) for part in number.split(".")])


def test_the_standard_is_whole():
    """As many requirements of each level as the standard says of itself."""
    assert Counter(LEVELS.values()) == {1: 70, 2: 183, 3: 92}


def test_the_summary_counts_the_rows():
    counted = Counter((row.status, row.level) for row in ROWS)
    told = {cells[0]: cells[1:] for cells in rows_of((ROOT / DOCUMENT).read_text(), columns=4)}
    assert {status: told[status] for status in STATUSES} == {
        status: [str(counted[status, level]) for level in "123"] for status in STATUSES
    }


@pytest.mark.parametrize("row", [
    Row("1.2.4", "1", "", "met", "`shared/web.py`", "`tests/kernel/test_web.py::test_of_nothing`"),
    Row("1.2.4", "1", "", "met", "`shared/nothing.py`", "`tests/kernel/test_web.py`"),
    Row("1.2.4", "1", "", "met", "`shared/web.py`", "surely"),
    Row("1.2.4", "1", "", "met", "–", "`tests/kernel/test_web.py`"),
    Row("1.2.4", "2", "", "met", "`shared/web.py`", "`tests/kernel/test_web.py`"),
    Row("1.2.99", "1", "", "met", "`shared/web.py`", "`tests/kernel/test_web.py`"),
    Row("1.2.4", "1", "", "partly", "`shared/web.py`", "`tests/kernel/test_web.py`"),
    Row("1.2.4", "1", "", "not met", "–", ""),
    Row("1.2.4", "1", "", "not applicable", "–", "–"),
    Row("1.2.4", "1", "", "planned", "`shared/web.py`", "`tests/kernel/test_web.py`"),
], ids=["test", "place", "no test", "nowhere", "level", "number", "partly", "no reason", "dash", "status"])  # fmt: skip
def test_a_row_that_claims_too_much_is_found(row: Row):
    assert faults(row)


def test_a_good_row_is_not_complained_of():
    assert faults(Row("1.2.4", "1", "", "met", "`shared/web.py`", "`tests/kernel/test_web.py`")) == []

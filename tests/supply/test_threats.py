"""The page of threats: whole, and held to the files and tests that it names."""

import re

import pytest

from tests.supply.written import ROOT, has_test, in_code, rows_of

ROWS = [row for row in rows_of((ROOT / "docs/threats.md").read_text(), columns=6) if re.fullmatch(r"T-\d+", row[0])]


def test_every_threat_has_one_row():
    assert [row[0] for row in ROWS] == [f"T-{number:02}" for number in range(1, 45)]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_what_stands_against_a_threat_is_there(row: list[str]):
    _, _, _, state, where, tests = row
    assert [place for place in in_code(where) if not (ROOT / place).exists()] == []
    assert in_code(tests) and [test for test in in_code(tests) if not has_test(test)] == []
    left = re.sub(r"`[^`]*`", "", tests).strip()
    assert state in {"held", "partly"} and (state == "partly") == bool(left), "what is left open is said, and only that"

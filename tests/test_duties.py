"""Every legal duty has its line, and every test that a line names exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "duties.md").read_text()
LINES = re.findall(r"^\| (L-\d\d) \| (.+) \|$", PAGE, re.MULTILINE)
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)


def test_the_duties_are_those_of_the_list_in_its_order():
    assert [duty for duty, _ in LINES] == [f"L-{number:02}" for number in range(1, 23)]


@pytest.mark.parametrize("duty, line", LINES, ids=[duty for duty, _ in LINES])
def test_a_duty_says_where_it_is_met_and_names_a_test(duty: str, line: str):
    asked, met, tests = (cell.strip() for cell in line.split(" | "))
    assert asked and met and re.search(r"`tests/[\w/]+\.py::\w+`", tests), duty


@pytest.mark.parametrize("file, name", sorted(set(NAMED)), ids=[name for _, name in sorted(set(NAMED))])
def test_a_test_that_is_named_exists(file: str, name: str):
    assert re.search(rf"^(async )?def {name}\(", (ROOT / file).read_text(), re.MULTILINE)

"""What a spreadsheet is given it shows, and never runs."""

import csv
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.spreadsheet import BYTE_ORDER_MARK, csv_text, guarded_cell

RUNS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
cells = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\x00")) | st.sampled_from(["=1", '"', ",", "a\nb"])


@pytest.mark.parametrize("text, led", [
    ("=1+1", True), ('=HYPERLINK("http://x")', True), ("+1+cmd|' /C calc'!A0", True), ("-2+3", True),
    ("@SUM(1)", True), ("\t=1", True), ("\r=1", True), ("＝1+1", True), ("＋1a", True), ("－1a", True), ("＠a", True),
    ("+86-10", True), ("-5", False), ("-1,234.50", False), ("+8613812341234", False), ("-1.5e-3", False),
    ("-5%", False), ("a=1", False), (" =1", False), ("", False),
])  # fmt: skip
def test_a_cell_that_would_run_as_a_formula_is_led_by_an_apostrophe(text: str, led: bool):
    assert guarded_cell(text) == ("'" + text if led else text)


@given(st.text())
def test_no_cell_begins_a_formula_unless_it_is_a_number(text: str):
    found = guarded_cell(text)
    assert not found.startswith(RUNS) or float(found.replace(",", "").rstrip("%")) is not None
    assert found.removeprefix("'") == text.removeprefix("'") or found == "'" + text


@given(st.lists(st.lists(cells, min_size=1), min_size=1))
def test_every_cell_is_read_back_as_it_was_guarded(rows: list[list[str]]):
    text = csv_text(rows)
    assert text.startswith(BYTE_ORDER_MARK)
    read = csv.reader(StringIO(text.removeprefix(BYTE_ORDER_MARK), newline=""), strict=True)
    assert list(read) == [[guarded_cell(cell) for cell in row] for row in rows]


def test_a_table_is_written_as_rfc_4180_says():
    assert csv_text([["类别", 'a "b", c'], ["=1", "-5"]]) == '\ufeff"类别","a ""b"", c"\r\n"\'=1","-5"\r\n'

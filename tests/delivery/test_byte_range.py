"""Which bytes a request asks for: every spelling that is read, and every one that is refused."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.delivery.rules.byte_range import RangeNotSatisfiable, Wanted, span

SIZE = 1000
HASH = "0" * 64
ETAG = f'"{HASH}"'


def read(text: str | None, if_range: str | None = None, size: int = SIZE) -> tuple[int, int] | str:
    """First and last byte; or `whole`, or the reason why nothing is sent."""
    try:
        found = span(Wanted(text, if_range), size, HASH)
    except RangeNotSatisfiable as refused:
        assert refused.facts["size"] == size
        return str(refused.facts["reason_code"])
    return (found.first, found.last) if found.partial else "whole"


@pytest.mark.parametrize("text, found", [
    (None,                       "whole"),
    ("bytes=0-0",                (0, 0)),
    ("bytes=0-999",              (0, 999)),
    ("bytes=0-1000",             (0, 999)),
    ("bytes=10-",                (10, 999)),
    ("bytes=999-",               (999, 999)),
    ("bytes=-1",                 (999, 999)),
    ("bytes=-1000",              (0, 999)),
    ("bytes=-5000",              (0, 999)),
    ("BYTES=5-6",                (5, 6)),
    ("bytes=007-0010",           (7, 10)),
    ("bytes=1000-",              "beyond_the_end"),
    ("bytes=1000-2000",          "beyond_the_end"),
    ("bytes=-0",                 "beyond_the_end"),
    ("bytes=6-5",                "no_range"),
    ("bytes=-",                  "no_range"),
    ("bytes=",                   "no_range"),
    ("bytes=5",                  "no_range"),
    ("bytes=--5",                "no_range"),
    ("bytes=+5-6",               "no_range"),
    ("bytes=0x5-6",              "no_range"),
    ("bytes=5-6 ",               "no_range"),
    ("bytes= 5-6",               "no_range"),
    ("bytes =5-6",               "no_range"),
    ("bytes=5.0-6",              "no_range"),
    ("bytes=1e2-",               "no_range"),
    ("bytes=５-６",               "no_range"),   # digits, but not those of RFC 9110
    ("bytes=٣-٤",                "no_range"),
    ("bytes=0-²",                "no_range"),
    ("bytes=0-1\x00",            "no_range"),
    ("bytes=0-1,2-3",            "several_ranges"),
    ("bytes=0-5,3-9",            "several_ranges"),
    ("bytes=0-0,-1",             "several_ranges"),
    ("bytes=0-1,",               "several_ranges"),
    ("bytes=" + ",".join(["0-0"] * 10_000), "several_ranges"),
    ("bytes=0-" + "9" * 18,      (0, 999)),
    ("bytes=0-" + "9" * 8000,    (0, 999)),      # Python reads no number that long
    ("bytes=" + "9" * 8000 + "-", "beyond_the_end"),
    ("bytes=-" + "9" * 8000,     (0, 999)),
    ("bytes=" + "0" * 8000 + "-0", (0, 0)),
    ("bytes=99999999999999999999-1", "no_range"),
    ("items=0-5",                "whole"),       # a unit that is not known here counts for nothing: RFC 9110, 14.2
    ("",                         "whole"),
])  # fmt: skip
def test_what_a_range_says(text: str | None, found: tuple[int, int] | str):
    assert read(text) == found


@pytest.mark.parametrize("if_range, found", [
    (None,                            (0, 9)),
    (ETAG,                            (0, 9)),
    (f"W/{ETAG}",                     "whole"),  # weak: not the same bytes
    ('"another"',                     "whole"),
    (HASH,                            "whole"),
    ("Wed, 21 Oct 2026 07:28:00 GMT", "whole"),  # contents have no date of their own
    ("",                              "whole"),
])  # fmt: skip
def test_a_range_of_another_content_counts_for_nothing(if_range: str | None, found: tuple[int, int] | str):
    assert read("bytes=0-9", if_range) == found


@given(st.integers(1, 50), st.integers(0, 60), st.integers(0, 60))
def test_a_range_is_what_a_slice_of_the_bytes_is(size: int, first: int, last: int):
    content = list(range(size))
    slices = {
        f"bytes={first}-{last}": content[first : last + 1], f"bytes={first}-": content[first:],
        f"bytes=-{first}": content[-first:] if first else [],
    }  # fmt: skip
    for text, sliced in slices.items():
        found = read(text, size=size)
        assert found in ({"no_range", "beyond_the_end"} if not sliced else {(sliced[0], sliced[-1])})


@given(st.text(st.characters(max_codepoint=0x7F) | st.sampled_from("bytes=-0123456789,"), max_size=30))
def test_no_text_breaks_it_and_no_span_leaves_the_content(text: str):
    found = read(text)
    if isinstance(found, tuple):
        assert 0 <= found[0] <= found[1] < SIZE and re.fullmatch("(?i)bytes=[0-9]*-[0-9]*", text)

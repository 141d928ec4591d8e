"""What is shown of the words that were found."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.rules.asset import Description, UpdateCycle
from services.catalog.rules.fragment import LENGTH_MAX, Fragment, fragments
from services.catalog.rules.words import words

ABOUT = Description("空气质量", "", "air", UpdateCycle.DAILY)


def written(fragment: Fragment) -> str:
    """With hits in brackets."""
    return "".join(f"[{piece.text}]" if piece.hit else piece.text for piece in fragment.pieces)


def of_title(title: str, sought: str) -> list[str]:
    return [written(each) for each in fragments(replace(ABOUT, title=title), words(sought), in_full=True)]


@pytest.mark.parametrize("title, sought, shown", [
    ("全国空气质量监测", "空气", "全国[空气]质量监测"),
    ("全国空气质量监测", "空气质量", "全国[空气质量]监测"),
    ("空气与降水", "降水 空气", "[空气]与[降水]"),
    ("Ｃａｆé du Monde", "cafe", "[Ｃａｆé] du Monde"),
    ("<em>空气</em>", "空气", "<em>[空气]</em>"),  # what is written is text, whatever it looks like
])  # fmt: skip
def test_worked_fragments(title: str, sought: str, shown: str):
    assert of_title(title, sought) == [shown]


def test_a_field_without_a_hit_is_not_shown():
    assert fragments(ABOUT, ("降水",), in_full=True) == []


def test_only_titles_are_shown_of_what_shows_by_its_title():
    about = replace(ABOUT, title_english="Air", keywords=("air",), description="air", region="air", category="air")
    assert [each.field for each in fragments(about, ("air",), in_full=False)] == ["title_english"]
    all_fields = ["title_english", "keywords", "category", "region", "description"]
    assert [each.field for each in fragments(about, ("air",), in_full=True)] == all_fields


def test_of_a_long_text_the_part_around_the_first_hit_is_shown():
    about = replace(ABOUT, description="一" * 500 + "降水" + "二" * 500 + "降水")
    (fragment,) = fragments(about, ("降水",), in_full=True)
    assert fragment.cut and written(fragment) == "一" * 40 + "[降水]" + "二" * (LENGTH_MAX - 42)


@given(
    parts=st.lists(st.sampled_from(["空气质量", "降水", "Ａir", " ", "é", "·", "ab"]), max_size=60),
    word=st.sampled_from(["空气", "质量", "降水", "air", "e", "ab"]),
)
def test_pieces_are_a_part_of_the_text_and_hits_hold_the_word(parts: list[str], word: str):
    about = replace(ABOUT, description="".join(parts))
    for fragment in fragments(about, (word,), in_full=True):
        text = "".join(piece.text for piece in fragment.pieces)
        whole = getattr(about, fragment.field)
        assert text in whole and len(text) <= LENGTH_MAX and fragment.cut == (text != whole)
        assert any(piece.hit for piece in fragment.pieces)
        assert all(piece.hit != other.hit for piece, other in zip(fragment.pieces, fragment.pieces[1:], strict=False))
        uncut = [piece for piece in fragment.pieces if piece.hit][: None if not fragment.cut else -1]
        assert all(word in words(piece.text) for piece in uncut)

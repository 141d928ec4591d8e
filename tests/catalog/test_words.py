"""How text is cut into words: the same on both sides of a search."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.rules.words import TERMS, WORD_LENGTH_MAX, folded, last_run, marked, words

anything = st.text(max_size=40) | st.text(alphabet="空气质量监测abＡé\u0301ｶﾞ 〇々·_-½ﬁ𠮷", max_size=40)


@pytest.mark.parametrize("text, found", [
    ("空气", "空气"), ("降水", "降水"), ("气象", "气象"),
    ("全国空气质量监测", "全国 空气 气质 质量 空气质量 监测"),
    ("数据要素流通", "数据 要素 数据要素 流通"),  # a term of the trade
    ("ＰＭ２．５浓度", "pm2 5 浓度"),
    ("Café CAFÉ cafe\u0301", "cafe"),
    ("ﾊﾞｽ バス", "バス"),
    ("Straße STRASSE", "strasse"),
    ("public_data", "public data"),
    ("½", "1 2"),
    ("100%", "100"), ("%", ""), ("\"*:'", ""), ("🙂", ""), ("", ""),
])  # fmt: skip
def test_worked_cuts(text: str, found: str):
    assert " ".join(words(text)) == found


@pytest.mark.parametrize("term", TERMS)
def test_a_term_of_the_trade_is_one_word_and_found_by_its_parts(term: str):
    assert term in words(term)
    assert term in words(f"全国的{term}与")
    assert len(words(term)) > 1


@given(anything)
def test_words_are_letters_and_digits_alone(text: str):
    assert all(word.isalnum() and len(word) <= WORD_LENGTH_MAX for word in words(text))


@given(anything)
def test_a_word_is_found_by_itself(text: str):
    assert all(word in words(word) for word in words(text))


@given(anything)
def test_folding_again_changes_nothing(text: str):
    assert folded(folded(text)) == folded(text)
    assert words(folded(text)) == words(text)


@given(anything)
def test_marks_are_the_words_where_they_stand(text: str):
    found = list(marked(text))
    assert tuple(dict.fromkeys(mark.word for mark in found)) == words(text)
    assert all(0 <= mark.start < mark.end <= len(text) for mark in found)
    assert all(mark.word in words(text[mark.start : mark.end]) for mark in found if len(mark.word) < WORD_LENGTH_MAX)


@pytest.mark.parametrize("text, before, run", [
    ("北京 空气质", "北京 ", "空气质"), ("Ａ", "", "a"), ("air-qual", "air-", "qual"), ("空气 ", "", "空气"),
    ("%", "", ""),
])  # fmt: skip
def test_the_last_run_is_what_is_completed(text: str, before: str, run: str):
    assert last_run(text) == (before, run)

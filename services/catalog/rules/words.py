"""Words: how text is cut, alike where it is kept and where it is sought.

Owns: the one tokeniser, its version, and the terms of the trade that the general dictionary does not know.
Promises: the same text gives the same words wherever it stands; full and half width, large and small letters, and
letters with and without accents are one; a word is made of letters and digits alone, so that nothing in it can mean
anything to a database; `marked` cuts as `words` does, and says where in the text as it was written.
Does not: fold traditional into simplified characters. That takes a table of phrases, and no maintained one is small.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING
from unicodedata import combining, normalize

if TYPE_CHECKING:
    from rjieba import Jieba

# Whatever changes the words of any text changes this number: what was indexed before is then indexed anew.
TOKENISER_VERSION = 1
WORD_LENGTH_MAX = 64
TERMS = (
    "数据要素", "数据资产", "数据产品", "数据资源", "数据集", "数据交易", "数据治理", "数据标注", "元数据",
    "授权运营", "隐私计算", "联邦学习", "可信数据空间", "知识图谱", "大模型", "信用数据", "裁判文书", "电子病历",
    "碳排放", "碳配额", "车联网", "充电桩",
)  # fmt: skip
RUN = re.compile(r"[^\W_]+")
HAN = "々〇\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
PART = re.compile(f"([{HAN}]+)|[^{HAN}]+")
PLAIN = re.compile("[\x00-\x7f\u4e00-\u9fff]*")  # folds to itself, but for capitals
ACCENTS = re.compile("[\u0300-\u036f]+")


@dataclass(frozen=True, slots=True)
class Marked:
    """A word, and the part of the text, as it was written, that it was read from."""

    word: str
    start: int
    end: int


def words(text: str) -> tuple[str, ...]:
    """The words of a text, each once, in the order in which they are met."""
    return tuple(dict.fromkeys(word for word, _, _ in _cut(folded(text))))


def marked(text: str) -> Iterator[Marked]:
    """Every word with its place. Places may overlap: 空气质量 is read as 空气, 质量 and 空气质量."""
    starts, ends, spelled = list[int](), list[int](), list[str]()
    for start, end in _clusters(text):
        letters = _folded_cluster(text[start:end])
        spelled.append(letters)
        starts += [start] * len(letters)
        ends += [end] * len(letters)
    for word, start, end in _cut("".join(spelled)):
        yield Marked(word, starts[start], ends[end - 1])


def last_run(text: str) -> tuple[str, str]:
    """What stands before the last run of letters and digits, and that run as it is searched by: for completion."""
    runs = list(RUN.finditer(folded(text)))
    return (runs[-1].string[: runs[-1].start()], runs[-1].group()[:WORD_LENGTH_MAX]) if runs else ("", "")


def folded(text: str) -> str:
    """The text as its words are compared."""
    if PLAIN.fullmatch(text):
        return text.lower()
    return "".join(_folded_cluster(text[start:end]) for start, end in _clusters(text))


def _cut(folded_text: str) -> Iterator[tuple[str, int, int]]:
    for run in RUN.finditer(folded_text):
        for part in PART.finditer(run.group()):
            start = run.start() + part.start()
            if part.group(1):
                for word, first, last in _dictionary().tokenize(part.group(), mode="search", hmm=False):
                    yield word, start + first, start + last
            else:
                yield part.group()[:WORD_LENGTH_MAX], start, start + len(part.group())


def _clusters(text: str) -> Iterator[tuple[int, int]]:
    """Each letter with the marks that join it, so that what is composed and what is not fold alike."""
    start = 0
    for place, letter in enumerate(text):
        if place and not _joins(letter):
            yield start, place
            start = place
    if text:
        yield start, len(text)


@lru_cache(65_536)
def _joins(letter: str) -> bool:
    """Marks, the voicing marks of half-width kana, and the later letters of a Hangul syllable."""
    return combining(normalize("NFKD", letter)[0]) != 0 or "\u1160" <= normalize("NFKC", letter)[0] <= "\u11ff"


@lru_cache(65_536)
def _folded_cluster(cluster: str) -> str:
    spelled = normalize("NFKC", normalize("NFKC", cluster).casefold())
    return normalize("NFC", ACCENTS.sub("", normalize("NFD", spelled)))


@cache
def _dictionary() -> "Jieba":
    """Without guessing at words it does not know: what is guessed depends on what stands beside it. Loaded with the
    first text: it is a seventh of what a market at rest would hold."""
    from rjieba import Jieba

    dictionary = Jieba()
    for term in TERMS:
        dictionary.add_word(term, None, None)
    return dictionary

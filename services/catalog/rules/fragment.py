"""What is shown of the words that were found: pieces of the text as it was written, each a hit or not.

Promises: the pieces put together are the text, or a part of it around the first hit; a piece is a hit exactly where
`words.marked` reads a word that is sought; there is no markup in them that was not in the text.
"""

from collections.abc import Set
from dataclasses import dataclass

from services.catalog.rules import words
from services.catalog.rules.asset import Description

LENGTH_MAX = 160
BEFORE_MAX = 40  # of it, what stands before the first hit


@dataclass(frozen=True, slots=True)
class Piece:
    text: str
    hit: bool


@dataclass(frozen=True, slots=True)
class Fragment:
    """Of one field of an entry. `cut` where the field goes on before or after."""

    field: str
    pieces: tuple[Piece, ...]
    cut: bool = False


def fragments(about: Description, sought: tuple[str, ...], *, in_full: bool) -> list[Fragment]:
    """A fragment of each field that shows and holds a word of those sought; not in full, titles alone."""
    texts = [("title", about.title), ("title_english", about.title_english or "")]
    if in_full:
        texts += [("keywords", keyword) for keyword in about.keywords]
        texts += [
            ("category", about.category or ""),
            ("region", about.region or ""),
            ("description", about.description),
        ]
    found = (_fragment(field, text, frozenset(sought)) for field, text in texts)
    return [fragment for fragment in found if fragment]


def _fragment(field: str, text: str, sought: Set[str]) -> Fragment | None:
    hits = _joined([(mark.start, mark.end) for mark in words.marked(text) if mark.word in sought])
    if not hits:
        return None
    first = max(hits[0][0] - BEFORE_MAX, 0) if len(text) > LENGTH_MAX else 0
    end = min(first + LENGTH_MAX, len(text))
    pieces, place = list[Piece](), first
    for start, stop in hits:
        if start < end:
            pieces += [Piece(text[place:start], False), Piece(text[start : min(stop, end)], True)]
            place = min(stop, end)
    pieces.append(Piece(text[place:end], False))
    return Fragment(field, tuple(piece for piece in pieces if piece.text), cut=first > 0 or end < len(text))


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """In order, with those that touch or overlap made one."""
    joined = list[tuple[int, int]]()
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined

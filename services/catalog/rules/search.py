"""What is sought in the catalogue, how much a word weighs where it stands, and how the results are ordered.

Owns: the weights, the sorts, the limits of a question, and the place in a list that a cursor keeps.
Promises: every word that is sought must be there; a score is a whole number made of the weights below and nothing else,
so that every database computes the same one; equal ranks are ordered by id, the newest first.
"""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, fields
from enum import StrEnum
from hashlib import sha256

from services.catalog.rules import words
from services.catalog.rules.asset import Description, UpdateCycle
from services.catalog.rules.offer import OfferedAs
from shared.errors import Malformed
from shared.grades import Grade, Mode
from shared.ids import AssetId, ParticipantId

# The weight of a word is that of the best place where it stands; of a text's words, their sum.
TITLE, KEYWORD, THEME, SUBJECT, ELSEWHERE = 8, 4, 2, 2, 1
COUNTED_MAX = 10_000  # of the newest that are found: so many are ranked and counted
WORDS_MAX = 32
VALUES_MAX = 50  # of one facet
FACETS = ("theme", "provider_id", "industry", "update_cycle", "region", "grade", "mode", "pricing")
SUGGESTED_FROM = 1_000  # of the newest entries that hold such a word
LAST = -(2**62)  # ranks what has no quality or price after everything that has


class Sort(StrEnum):
    RELEVANCE = "relevance"
    NEWEST = "newest"
    QUALITY = "quality"
    PRICE = "price"


class TooManyWords(Malformed):
    """You seek more words at once than can be looked up; take the ones that matter."""


class NothingToRankBy(Malformed):
    """Without words there is no relevance: name some in `q`, or choose another `sort`."""


@dataclass(frozen=True, slots=True)
class Sought:
    """What a list is narrowed to. `words` None: everything; none at all: what was asked has no word, and finds none."""

    words: tuple[str, ...] | None = None
    theme: str | None = None
    category: str | None = None
    grade: Grade | None = None
    mode: Mode | None = None
    pricing: str | None = None
    update_cycle: UpdateCycle | None = None
    provider_id: ParticipantId | None = None
    region: str | None = None
    sort: Sort = Sort.NEWEST

    @property
    def fingerprint(self) -> str:
        """What tells this question from every other."""
        told = [f"{field.name}={getattr(self, field.name)!r}" for field in fields(self)]
        return sha256("\n".join(told).encode()).hexdigest()[:16]

    @property
    def asks_beyond_title(self) -> bool:
        """Whether it names something that an entry which shows by its title does not tell."""
        return any((self.category, self.grade, self.mode, self.pricing, self.update_cycle, self.region))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a list ended: the rank and the id of the last that was given out. A higher rank comes first."""

    rank: int
    asset_id: AssetId


@dataclass(frozen=True, slots=True)
class Count:
    """So many entries have this value, as it stands in the index. `inside`: they show whole, whatever their grade."""

    facet: str
    value: str
    number: int
    inside: bool


@dataclass(frozen=True, slots=True)
class Indexed:
    """The words of an entry, each once, by where they stand; `everywhere` has them all."""

    title: tuple[str, ...]
    keywords: tuple[str, ...]
    theme: tuple[str, ...]
    subject: tuple[str, ...]
    everywhere: tuple[str, ...]


def question(text: str | None, sort: Sort | None, **narrowed: object) -> Sought:
    """What is sought. Sorted by relevance where words are named, by age otherwise, unless it is said how."""
    sought = None if text is None else words.words(text)
    if sought is not None and len(sought) > WORDS_MAX:
        raise TooManyWords(words_max=WORDS_MAX)
    if sort is Sort.RELEVANCE and sought is None:
        raise NothingToRankBy()
    chosen = sort or (Sort.NEWEST if sought is None else Sort.RELEVANCE)
    return Sought(words=sought, sort=chosen, **narrowed)  # pyright: ignore[reportArgumentType]


def cursor(sought: Sought, place: Place) -> str:
    return f"{sought.fingerprint}:{place.rank}:{place.asset_id}"


def place(sought: Sought, cursor: str) -> Place:
    """Raises ValueError unless the cursor was given out for this very question."""
    fingerprint, rank, asset_id = cursor.split(":")
    kept = Place(int(rank), AssetId(asset_id))
    if fingerprint != sought.fingerprint or abs(kept.rank) > -LAST or str(kept.rank) != rank:
        raise ValueError("a cursor of another question")
    return kept


def indexed(about: Description) -> Indexed:
    """The words of what is said of an asset."""
    title = words.words("\n".join([about.title, about.title_english or ""]))
    keywords = words.words("\n".join(about.keywords))
    theme = words.words(about.theme)
    subject = words.words("\n".join([about.category or "", about.region or ""]))
    described = words.words(about.description)
    everywhere = tuple(dict.fromkeys((*title, *keywords, *theme, *subject, *described)))
    return Indexed(title, keywords, theme, subject, everywhere)


def facets(counts: Iterable[Count], theirs: Set[Grade]) -> Mapping[str, list[tuple[str, int]]]:
    """How many entries have which value, the most first, at most `VALUES_MAX` values; an entry with several counts for
    each. Of what hangs on a version, only what hangs on one of `theirs`, the grades whose versions show."""
    tally = {facet: dict[str, int]() for facet in FACETS}
    for count in counts:
        for facet, value in _values(count, theirs):
            tally[facet][value] = tally[facet].get(value, 0) + count.number
    return {
        facet: sorted(found.items(), key=lambda item: (-item[1], item[0]))[:VALUES_MAX]
        for facet, found in tally.items()
    }


def _values(count: Count, theirs: Set[Grade]) -> Set[tuple[str, str]]:
    match count.facet:
        case "grades":
            grades = map(Grade, count.value.split())
            return {("grade", grade) for grade in grades if count.inside or grade in theirs}
        case "offers":
            ways = [way for way in map(OfferedAs.read, count.value.split()) if count.inside or way.grade in theirs]
            return {("mode", way.mode) for way in ways} | {("pricing", way.pricing) for way in ways}
        case facet:
            return {(facet, count.value)}


def completions(prefix: str, seen: Mapping[str, int], limit: int) -> list[str]:
    """Words that begin so, the commonest first, equal ones in order."""
    found = [word for word in seen if word.startswith(prefix) and word != prefix]
    return sorted(found, key=lambda word: (-seen[word], word))[:limit]

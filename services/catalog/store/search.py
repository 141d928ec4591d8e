"""How the search index is kept and asked: the only place that knows how each database looks up words.

Promises: both databases find the same entries and rank them alike, because only the look-up of words differs, and every
score is made of the words in the row; what does not show to the viewer is in no list, count or suggestion; a question
takes one query however much is found, and ranks and counts the newest `COUNTED_MAX` of it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    FromClause,
    Integer,
    Row,
    Select,
    String,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    null,
    or_,
    select,
    text,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import TSQUERY

from services.catalog.rules import offer as offer_rules
from services.catalog.rules import search as rules
from services.catalog.rules.asset import Entry
from services.catalog.rules.offer import OfferedAs
from services.catalog.rules.search import Count, Place, Sort, Sought
from services.catalog.rules.viewing import Viewer, grades_shown
from services.catalog.rules.words import TOKENISER_VERSION
from services.catalog.store import offers, sight
from services.catalog.tables.search import lexemes, search_index, search_words
from shared.database import Transaction, insert_into
from shared.grades import Grade, Mode, Visibility
from shared.ids import AssetId
from shared.money import Money

index = search_index.c
Part = Select[*tuple[Any, ...]]  # of the answer: a kind, a value, a number, and whether it is of the inside
FACETS = ("theme", "provider_id")  # what every entry that shows tells
FACETS_IN_FULL = ("industry", "update_cycle", "region", "grades", "offers")


@dataclass(frozen=True, slots=True)
class Ranked:
    """What is found, in order, with the place of each; and what there is of it in all, where that was asked."""

    places: list[Place]
    counts: list[Count]
    total: int


@dataclass(frozen=True, slots=True)
class Told:
    """What the index knows of an entry beside its description."""

    offered: tuple[OfferedAs, ...]
    price: Money | None
    quality_score: int | None


@dataclass(frozen=True, slots=True)
class LookUp:
    """Where rows come from, which of them hold the words, and what they are numbered by."""

    source: FromClause
    matches: ColumnElement[bool]
    number: ColumnElement[int]

    def newest(self, *columns: ColumnElement[Any]) -> Select[*tuple[Any, ...]]:
        """SQLite must take the words first, which come by number, and look each row up by its number."""
        query = select(*columns).select_from(self.source).where(self.matches).order_by(self.number.desc())
        return query if self.source is search_index else query.with_hint(search_index, "NOT INDEXED", "sqlite")


async def put(tx: Transaction, entries: Sequence[Entry]) -> None:
    """Index the entries as they are now, with what is on offer of them. What others score of them stays."""
    if not entries:
        return
    on_offer = await offers.of_versions(tx, [version.id for entry in entries for version in entry.versions])
    rows = [
        _row(entry, [one for version in entry.versions for one in on_offer.get(version.id, ())]) for entry in entries
    ]
    added = insert_into(tx, search_index)
    kept = {name: added.excluded[name] for name in rows[0] if name != "asset_id"}
    await tx.execute(added.on_conflict_do_update(index_elements=["asset_id"], set_=kept), rows)


async def score_quality(tx: Transaction, asset_id: AssetId, basis_points: int | None) -> None:
    """Keep how good an entry's data are; None where nobody has measured. Requires an indexed entry."""
    await tx.execute(search_index.update().where(index.asset_id == asset_id).values(quality_score=basis_points))


async def find(
    tx: Transaction, viewer: Viewer, sought: Sought, limit: int, after: Place | None = None, *, count: bool = True
) -> Ranked:
    """At most `limit` of what shows and is sought, after the place; with its counts, unless they are not wanted."""
    found = _candidates(tx, viewer, sought)
    unranked = sought.words is None and sought.sort is Sort.NEWEST
    parts = [_newest(viewer, sought, limit, after) if unranked else _page(found, limit, after)]
    if count:
        parts.append(_part("total", literal(""), func.count(), found, true()))
        parts += [_counted(facet, found, true()) for facet in FACETS]
        parts += [_counted(facet, found, found.c.in_full == 1) for facet in FACETS_IN_FULL]
    await _plan_by_the_words(tx)
    rows = (await tx.execute(union_all(*parts))).all()
    places = [Place(row.number, AssetId(row.value)) for row in rows if row.part == "item"]
    places.sort(key=lambda place: (place.rank, place.asset_id), reverse=True)
    counted = [row for row in rows if row.part not in ("item", "total")]
    counts = [Count(row.part, row.value, row.number, row.inside == 1) for row in counted]
    return Ranked(places, counts, sum(row.number for row in rows if row.part == "total"))


async def told(tx: Transaction, asset_ids: Iterable[AssetId]) -> Mapping[AssetId, Told]:
    query = select(index.asset_id, index.offers, index.price_minor, index.quality_score)
    rows = await tx.execute(query.where(index.asset_id.in_(list(asset_ids))))
    return {row.asset_id: _told(row) for row in rows}


async def words_that_show(tx: Transaction, viewer: Viewer, sought: Sought, prefix: str) -> list[str]:
    """The words of titles, and of keywords where they show, of the newest entries that have one with this prefix."""
    shows, in_full, _ = _visible(viewer)
    begins = f" {prefix}"
    titled = index.title_words.contains(begins, autoescape=True)
    described = and_(in_full, index.keyword_words.contains(begins, autoescape=True))
    keywords = case((in_full, index.keyword_words), else_=" ")
    query = _look_up(tx, sought.words, prefix).newest(index.title_words.concat(keywords))
    query = query.where(shows, _narrowed(viewer, sought, in_full), or_(titled, described))
    await _plan_by_the_words(tx)
    return list(await tx.scalars(query.limit(rules.SUGGESTED_FROM)))


async def _plan_by_the_words(tx: Transaction) -> None:
    """PostgreSQL would soon keep one plan for all words: measured, ten times as slow for those it does not suit."""
    if tx.dialect.name == "postgresql":
        await tx.execute(text("SET LOCAL plan_cache_mode = force_custom_plan"))


def _candidates(tx: Transaction, viewer: Viewer, sought: Sought) -> CTE:
    """The newest that are found, with all that they are ranked and counted by."""
    shows, in_full, inside = _visible(viewer)
    columns = [index[name] for name in (*FACETS, *FACETS_IN_FULL)]
    flags = [case((condition, 1), else_=0) for condition in (in_full, inside)]
    query = _look_up(tx, sought.words).newest(
        index.asset_id, *columns, flags[0].label("in_full"), flags[1].label("inside"),
        _rank(sought, in_full).label("rank"),
    )  # fmt: skip
    query = query.where(shows, _narrowed(viewer, sought, in_full)).limit(rules.COUNTED_MAX)
    return query.cte("candidates").prefix_with("MATERIALIZED")


def _look_up(
    tx: Transaction, words: tuple[str, ...] | None, prefix: str | None = None
) -> LookUp:  # fmt: skip
    """Every word, and one that begins so. Words are letters and digits: quoting is enough."""
    if words is None and prefix is None:
        return LookUp(search_index, true(), index.number)
    if not words and not prefix:
        return LookUp(search_index, false(), index.number)
    if tx.dialect.name == "sqlite":
        terms = [f'"{word}"' for word in words or ()] + ([f'"{prefix}"*'] if prefix else [])
        matches = search_words.c.search_words.bool_op("MATCH")(" AND ".join(terms))
        both = search_words.join(search_index, index.number == search_words.c.rowid)
        return LookUp(both, matches, search_words.c.rowid)
    terms = [f"'{word}'" for word in words or ()] + ([f"'{prefix}':*"] if prefix else [])
    return LookUp(search_index, lexemes.bool_op("@@")(cast(" & ".join(terms), TSQUERY)), index.number)


def _visible(viewer: Viewer) -> tuple[ColumnElement[bool], ColumnElement[bool], ColumnElement[bool]]:
    """Whether an entry shows at all, whether in full, and whether with all its versions: as `viewing` says of one."""
    of = (index.grade, index.asset_id, index.provider_id, viewer.oversight)
    full, titled = grades_shown(viewer, Visibility.FULL), grades_shown(viewer, Visibility.TITLE)
    in_full, inside = sight.of_grades(full, *of), sight.owned(index.provider_id, viewer)
    if viewer.is_staff:
        known = true() if None in viewer.oversight.by_office else index.grade.is_not(None)
        inside = or_(inside, and_(sight.readable(index.asset_id, index.provider_id, viewer), known))
    return or_(inside, in_full, index.grade.in_(sorted(titled))), or_(inside, in_full), inside


def _narrowed(viewer: Viewer, sought: Sought, in_full: ColumnElement[bool]) -> ColumnElement[bool]:
    """What was named beside words; and that what shows by its title is found by nothing but what that tells."""
    conditions: list[ColumnElement[bool]] = [true()]
    if sought.theme:
        conditions.append(index.theme == sought.theme)
    if sought.provider_id:
        conditions.append(index.provider_id == sought.provider_id)
    if sought.region:
        conditions.append(index.region == sought.region)
    if sought.update_cycle:
        conditions.append(index.update_cycle == sought.update_cycle)
    if sought.category:
        below = f"{sought.category}/"
        conditions.append(index.industry == sought.category.split("/")[0])
        conditions.append(or_(index.category == sought.category, func.substr(index.category, 1, len(below)) == below))
    if sought.grade or sought.mode or sought.pricing:
        conditions.append(_graded(viewer, sought))
    if sought.asks_beyond_title:
        return and_(in_full, *conditions)
    told = [or_(_has(index.title_words, word), _has(index.theme_words, word)) for word in sought.words or ()]
    return and_(or_(in_full, and_(true(), *told)), *conditions)


def _graded(viewer: Viewer, sought: Sought) -> ColumnElement[bool]:
    """That a version of the grade, or one offered in this way, is there; among those whose own grade shows."""
    _, _, inside = _visible(viewer)
    theirs = grades_shown(viewer, Visibility.FULL)
    return or_(and_(inside, _of_grades(tuple(Grade), sought)), _of_grades(sorted(theirs), sought))


def _of_grades(grades: Sequence[Grade], sought: Sought) -> ColumnElement[bool]:
    grades = [grade for grade in grades if sought.grade in (None, grade)]
    if not sought.mode and not sought.pricing:
        return or_(false(), *(_has(index.grades, grade) for grade in grades))
    modes = [sought.mode] if sought.mode else list(Mode)
    ways = [f"{grade}:{mode}:" for grade in grades for mode in modes]
    if sought.pricing:
        return or_(false(), *(_has(index.offers, f"{way}{sought.pricing}") for way in ways))
    return or_(false(), *(index.offers.contains(f" {way}", autoescape=True) for way in ways))


def _rank(sought: Sought, in_full: ColumnElement[bool]) -> ColumnElement[int]:
    """Higher comes first. Of what does not show in full, only what its title tells is ranked."""
    if sought.sort is Sort.RELEVANCE:
        total: ColumnElement[int] = literal(0, BigInteger)
        for word in sought.words or ():
            total = total + case(
                (_has(index.title_words, word), rules.TITLE),
                (and_(in_full, _has(index.keyword_words, word)), rules.KEYWORD),
                (_has(index.theme_words, word), rules.THEME),
                (_has(index.subject_words, word), rules.SUBJECT),
                else_=rules.ELSEWHERE,
            )
        return total
    if sought.sort is Sort.NEWEST:
        return literal(0, BigInteger)
    value = cast(index.quality_score, BigInteger) if sought.sort is Sort.QUALITY else -index.price_minor
    last = literal(rules.LAST, BigInteger)
    return case((in_full, func.coalesce(value, last)), else_=last)


def _has(words: ColumnElement[str], word: str) -> ColumnElement[bool]:
    return words.contains(f" {word} ", autoescape=True)


def _page(found: CTE, limit: int, after: Place | None) -> Part:
    beyond: ColumnElement[bool] = true()
    if after:
        rank = literal(after.rank, BigInteger)
        beyond = or_(found.c.rank < rank, and_(found.c.rank == rank, found.c.asset_id < after.asset_id))
    page = select(found.c.asset_id, found.c.rank).where(beyond)
    page = page.order_by(found.c.rank.desc(), found.c.asset_id.desc()).limit(limit)
    return _item(page)


def _newest(viewer: Viewer, sought: Sought, limit: int, after: Place | None) -> Part:
    """Everything that shows, the newest first, to its end: nothing needs to be ranked, so nothing is capped."""
    shows, in_full, _ = _visible(viewer)
    beyond = index.asset_id < after.asset_id if after else true()
    page = select(index.asset_id, literal(0, BigInteger).label("rank"))
    page = page.where(shows, _narrowed(viewer, sought, in_full), beyond)
    return _item(page.order_by(index.asset_id.desc()).limit(limit))


def _item(page: Select[*tuple[Any, ...]]) -> Part:
    items = page.subquery()
    return select(
        literal("item").label("part"), cast(items.c.asset_id, String).label("value"),
        cast(items.c.rank, BigInteger).label("number"), cast(null(), Integer).label("inside"),
    )  # fmt: skip


def _counted(facet: str, found: CTE, where: ColumnElement[bool]) -> Part:
    value = found.c[facet]
    counted = _part(facet, value, func.count(), found, and_(where, value.is_not(None)), found.c.inside)
    return counted.group_by(value, found.c.inside)


def _part(
    part: str, value: ColumnElement[Any], number: ColumnElement[int], found: CTE, where: ColumnElement[bool],
    inside: ColumnElement[Any] | None = None,
) -> Part:  # fmt: skip
    told = cast(null(), Integer) if inside is None else inside
    return select(literal(part), cast(value, String), cast(number, BigInteger), told).select_from(found).where(where)


def _row(entry: Entry, on_offer: Sequence[offer_rules.Offer]) -> dict[str, object]:
    about, found = entry.asset.about, rules.indexed(entry.asset.about)
    known = offer_rules.grades(entry)
    price = offer_rules.lowest_price(entry, on_offer)
    return {
        "asset_id": entry.asset.id, "provider_id": entry.asset.provider_id, "theme": about.theme,
        "category": about.category, "industry": about.category and about.category.split("/")[0],
        "region": about.region, "update_cycle": about.update_cycle, "grade": min(known.values(), default=None),
        "grades": _spaced(sorted(set(known.values()))),
        "offers": _spaced(str(way) for way in offer_rules.offered_as(entry, on_offer)),
        "price_minor": price and price.minor, "title_words": _spaced(found.title),
        "keyword_words": _spaced(found.keywords), "theme_words": _spaced(found.theme),
        "subject_words": _spaced(found.subject), "words": " ".join(found.everywhere),
        "tokeniser_version": TOKENISER_VERSION,
    }  # fmt: skip


def _spaced(words: Iterable[str]) -> str:
    """With a space on both sides of each, so that a whole word can be told from a part of one."""
    return f" {' '.join(words)} "


def _told(row: Row[*tuple[Any, ...]]) -> Told:
    price = None if row.price_minor is None else Money(row.price_minor, offer_rules.PRICED_IN)
    return Told(tuple(map(OfferedAs.read, row.offers.split())), price, row.quality_score)

"""A search finds the same on both databases, and what is read off the catalogue one entry after the other."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from services.catalog.rules import search as rules
from services.catalog.rules.search import Place, Sort, Sought
from services.catalog.rules.viewing import EVERYTHING, Viewer, grades_shown
from services.catalog.rules.words import words
from services.catalog.store import search
from services.catalog.tables.whole import metadata
from shared.database import Database, Transaction
from shared.grades import Grade, Visibility
from tests.catalog.searched import (
    VIEWERS,
    Kept,
    a_described,
    a_kept,
    a_question,
    expected,
    keep,
    suggested,
    with_grades,
)
from tests.conftest import MakeDatabase

QUIET = (HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large)
MANY, SOME = (settings(max_examples=number, suppress_health_check=QUIET, deadline=None) for number in (100, 25))


class Undo(Exception):
    """Ends a transaction without its effect."""


@pytest.fixture
async def kept(database: MakeDatabase) -> Database:
    return await database("catalog", metadata)


@MANY
@given(
    catalogue=st.lists(a_kept(), min_size=4, max_size=8), viewer=st.sampled_from(VIEWERS), sought=a_question(),
    size=st.sampled_from([1, 2, 10]),
)  # fmt: skip
async def test_a_search_finds_and_counts_what_shows_in_the_order_that_its_words_give(
    kept: Database, catalogue: list[Kept], viewer: Viewer, sought: Sought, size: int
):
    places, facets = expected(catalogue, viewer, sought)
    with pytest.raises(Undo):
        async with kept.transaction() as tx:
            await keep(tx, *catalogue)
            first = await search.find(tx, viewer, sought, size)
            found = await _all(tx, viewer, sought, size, first.places)
            assert [(place.rank, place.asset_id) for place in found] == places
            assert first.total == len(places)
            theirs = grades_shown(viewer, Visibility.FULL)
            assert {facet: dict(told) for facet, told in rules.facets(first.counts, theirs).items()} == facets
            raise Undo()


async def _all(tx: Transaction, viewer: Viewer, sought: Sought, size: int, page: list[Place]) -> list[Place]:
    """The pages together."""
    found = list(page)
    while len(page) == size:
        last = rules.place(sought, rules.cursor(sought, page[-1]))
        page = (await search.find(tx, viewer, sought, size, last, count=False)).places
        found += page
    return found


@SOME
@given(
    catalogue=st.lists(a_kept(), min_size=1, max_size=4), viewer=st.sampled_from(VIEWERS),
    prefix=st.sampled_from(["空", "q", "a", "数", "n", "1", "x"]),
)  # fmt: skip
async def test_only_words_of_titles_and_keywords_that_show_are_suggested(
    kept: Database, catalogue: list[Kept], viewer: Viewer, prefix: str
):
    with pytest.raises(Undo):
        async with kept.transaction() as tx:
            await keep(tx, *catalogue)
            texts = await search.words_that_show(tx, viewer, Sought(), prefix)
            found = {word for text in texts for word in text.split() if word.startswith(prefix)}
            assert found == suggested(catalogue, viewer, prefix)
            raise Undo()


async def test_a_keyword_of_what_shows_by_its_title_is_suggested_to_nobody(kept: Database):
    entry = a_described(with_grades([Grade.G3]), title="空气质量", keywords=("空港",))
    async with kept.transaction() as tx:
        await keep(tx, Kept(entry))
        anyone = await search.words_that_show(tx, Viewer(), Sought(), "空")
        staff = await search.words_that_show(tx, EVERYTHING, Sought(), "空")
    assert [text.split() for text in anyone] == [["空气", "气质", "质量", "空气质量"]]
    assert "空港" in staff[0].split()


async def test_what_a_title_does_not_tell_moves_no_rank(kept: Database):
    hidden = a_described(with_grades([Grade.G3]), title="机场", theme="air", keywords=("air",))
    async with kept.transaction() as tx:
        await keep(tx, Kept(hidden, quality=9_000))
        ranks = [
            (await search.find(tx, viewer, Sought(("air",), sort=sort), 1)).places[0].rank
            for viewer in (Viewer(), EVERYTHING)
            for sort in (Sort.RELEVANCE, Sort.QUALITY)
        ]
    assert ranks == [2, rules.LAST, 4, 9_000]


async def test_what_has_no_quality_or_price_comes_last_and_the_newest_of_equals_first(kept: Database):
    catalogue = [Kept(with_grades([Grade.G1]), quality=quality) for quality in (None, 0, 9_000, None, 9_000)]
    async with kept.transaction() as tx:
        await keep(tx, *catalogue)
        found = (await search.find(tx, Viewer(), Sought(sort=Sort.QUALITY), 10)).places
    ids = [each.entry.asset.id for each in catalogue]
    assert [ids.index(place.asset_id) for place in found] == [4, 2, 1, 3, 0]


@SOME
@given(text=st.text(max_size=30) | st.text(alphabet="'\"*:^-+(){}%_\\&|!<> andornotNEAR空气质量", max_size=30))
@example("' OR 1=1 --")
@example('"空气" NEAR/2 "质量"')
@example("空气*\x00")
@example("0\x000")
@example("\u202e空\ufeff气")
async def test_no_sign_in_what_is_sought_means_anything_to_a_database(kept: Database, text: str):
    entry = a_described(with_grades([Grade.G1]), title=f"机场 {text}".replace("\x00", " "))
    asked = rules.question(text, None) if len(words(text)) <= rules.WORDS_MAX else Sought(("机场",))
    with pytest.raises(Undo):
        async with kept.transaction() as tx:
            await keep(tx, Kept(entry))
            found = (await search.find(tx, Viewer(), asked, 10)).places
            assert bool(found) == bool(asked.words)
            raise Undo()


async def test_an_entry_is_found_by_what_it_says_now(kept: Database):
    before = a_described(with_grades([Grade.G1]), title="空气", keywords=("降水",))
    after = a_described(before, title="铁路", keywords=())

    async def found(tx: Transaction, text: str) -> int:
        return len((await search.find(tx, Viewer(), Sought(words(text)), 10)).places)

    async with kept.transaction() as tx:
        await keep(tx, Kept(before, quality=5_000))
        assert [await found(tx, text) for text in ("空气", "降水", "铁路")] == [1, 1, 0]
        await search.put(tx, [after])
        assert [await found(tx, text) for text in ("空气", "降水", "铁路")] == [0, 0, 1]
        told = await search.told(tx, [after.asset.id])
        assert told[after.asset.id].quality_score == 5_000  # what others scored stays


ASKED = Sought(("空气", "质量"), sort=Sort.RELEVANCE)


@pytest.mark.parametrize("other", [
    replace(ASKED, words=("空气",)), replace(ASKED, sort=Sort.NEWEST), replace(ASKED, theme="air"),
    replace(ASKED, grade=Grade.G1), replace(ASKED, pricing="fixed"), replace(ASKED, words=None),
])  # fmt: skip
def test_a_cursor_is_of_one_question(other: Sought):
    place = Place(16, with_grades([]).asset.id)
    kept = rules.cursor(ASKED, place)
    assert rules.place(ASKED, kept) == place
    with pytest.raises(ValueError):
        rules.place(other, kept)


@pytest.mark.parametrize("rank", ["", "x", "1.0", "+1", " 1", "01", str(2**63), "-0"])
def test_a_cursor_that_was_not_given_out_is_refused(rank: str):
    asked = Sought()
    with pytest.raises(ValueError):
        rules.place(asked, f"{asked.fingerprint}:{rank}:{with_grades([]).asset.id}")

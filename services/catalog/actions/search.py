"""What anyone may find in the catalogue, and how its index is brought up to the present tokeniser."""

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from services.catalog.actions.catalog import Catalog, viewer
from services.catalog.rules import search as rules
from services.catalog.rules import words
from services.catalog.rules.asset import Entry
from services.catalog.rules.search import Place, Sought
from services.catalog.rules.viewing import Viewer
from services.catalog.store import entries as store
from services.catalog.store import search as search_store
from services.catalog.store.search import Ranked, Told
from shared.access import Caller
from shared.database import Database
from shared.ids import AssetId

INDEXED_AT_ONCE = 200
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Found:
    """What was found, in order, to whom it shows, and what there is of it in all where that was asked."""

    entries: list[tuple[Entry, Told]]
    viewer: Viewer
    ranked: Ranked


async def find(catalog: Catalog, caller: Caller | None, sought: Sought, limit: int, after: Place | None) -> Found:
    """Looks for one more than `limit`, so that the end is known. Counts come with the first page."""
    looking = viewer(catalog, caller)
    async with catalog.database.read() as tx:
        ranked = await search_store.find(tx, looking, sought, limit + 1, after, count=after is None)
        asset_ids = [place.asset_id for place in ranked.places]
        told = await search_store.told(tx, asset_ids)
        entries = await store.entries(tx, asset_ids)
    return Found([(entry, told[entry.asset.id]) for entry in entries], looking, ranked)


async def suggest(catalog: Catalog, caller: Caller | None, text: str, limit: int) -> list[str]:
    """What the last word of a text may become, in entries that show to the caller and hold the words before it."""
    before, prefix = words.last_run(text)
    if not prefix:
        return []
    looking, sought = viewer(catalog, caller), rules.question(before, None)
    async with catalog.database.read() as tx:
        texts = await search_store.words_that_show(tx, looking, sought, prefix)
    seen = Counter(word for text in texts for word in set(text.split()))
    return [before + word for word in rules.completions(prefix, seen, limit)]


async def reindex(database: Database, report: Callable[[int, int], None] | None = None) -> int:
    """Index what the index lacks, or has from another tokeniser. Safe to repeat and to break off; tells how many of how
    many are done. Returns how many there were."""
    async with database.read() as tx:
        total = await store.count_to_index(tx)
    done, after = 0, None
    while total and (batch := await _reindex(database, after)):
        done, after = done + len(batch), batch[-1]
        log.info("indexed %s of %s entries", done, total)
        if report:
            report(done, total)
    return done


async def _reindex(database: Database, after: AssetId | None) -> list[AssetId]:
    async with database.transaction() as tx:
        batch = await store.to_index(tx, after, INDEXED_AT_ONCE)
        await search_store.put(tx, await store.entries(tx, batch, lock=True))
    return batch

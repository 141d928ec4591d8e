"""Content that a process left unnamed when it died, on the real store in a folder."""

import os
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert

from services.delivery.actions.collection import NAMED_WITHIN, collect
from services.delivery.store import content as contents
from services.delivery.store.naming import named
from services.delivery.tables import uploads as tables
from shared.ids import ContentId, VersionId
from tests.delivery.desk import Desk, deal

GOOD = b"icao,lat\nZBAA,40.08\nZSPD,31.14\n"


async def once(content: bytes) -> AsyncGenerator[bytes]:
    yield content


def folder(desk: Desk) -> Path:
    return desk.depot.scratch.parent / "content" / "content"


async def put(desk: Desk, age: timedelta) -> ContentId:
    """Content whose process died before it was named."""
    content_id = ContentId.new()
    await desk.depot.content.put(content_id, once(GOOD))
    dated(desk, folder(desk) / content_id, age)
    return content_id


def dated(desk: Desk, path: Path, age: timedelta) -> None:
    moment = (desk.bench.clock.now() - age).timestamp()
    os.utime(path, (moment, moment))


async def test_content_that_nobody_names_is_deleted_after_a_day_and_no_other(desk: Desk):
    _, _, upload_id = await desk.declared(GOOD)
    buyer, entitlement_id, _ = await deal(desk)
    for path in folder(desk).iterdir():
        dated(desk, path, 2 * NAMED_WITHIN)
    kept = {path.name for path in folder(desk).iterdir()}
    fresh, left = await put(desk, NAMED_WITHIN - timedelta(seconds=1)), await put(desk, NAMED_WITHIN * 2)
    await collect(desk.depot)
    assert {path.name for path in folder(desk).iterdir()} == kept | {fresh} and left not in kept
    assert (await desk.fetch(buyer, entitlement_id)).is_success and upload_id


async def test_a_store_is_looked_through_page_by_page(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(contents, "PAGE_CONTENTS", 3)
    left = [await put(desk, NAMED_WITHIN * 2) for _ in range(10)]
    pages = [page async for page in desk.depot.content.written_before(desk.bench.clock.now())]
    assert sorted(one for page in pages for one in page) == sorted(left) and max(map(len, pages)) == 3
    await collect(desk.depot)
    assert not list(folder(desk).iterdir())


async def test_what_was_half_written_is_removed_and_strange_files_stay(desk: Desk):
    await put(desk, timedelta())
    for name, age in (("content_1#1", NAMED_WITHIN * 2), ("content_2#1", timedelta()), ("README", NAMED_WITHIN * 2)):
        (folder(desk) / name).write_bytes(GOOD)
        dated(desk, folder(desk) / name, age)
    await collect(desk.depot)
    assert {path.name for path in folder(desk).iterdir() if len(path.name) < 20} == {"content_2#1", "README"}


async def test_whatever_a_table_names_is_known(desk: Desk):
    await deal(desk)
    [kept] = folder(desk).iterdir()
    renditions = await put(desk, timedelta())
    async with desk.depot.database.transaction() as tx:
        row = {"version_id": VersionId.new(), "policy_digest": "x", "content_id": renditions, "bytes": 1}
        await tx.execute(
            insert(tables.renditions).values(row | {"content_hash": "x", "made_at": desk.bench.clock.now()})
        )
    async with desk.depot.database.read() as tx:
        assert await named(tx, [ContentId(kept.name), renditions, ContentId.new()]) == {kept.name, renditions}
        assert await named(tx, []) == set()

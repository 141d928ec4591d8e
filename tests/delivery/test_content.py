"""The store of contents: the same promises over a folder and over a real S3 server."""

import asyncio
import hashlib
import random
from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.delivery.store.content import (
    CHUNK_BYTES,
    FETCHED_BYTES,
    PART_BYTES,
    ContentGone,
    ContentStore,
    content_store,
)
from shared.errors import Unreadable
from shared.ids import ContentId
from shared.settings import Settings
from tests.support.bucket import S3Server

ON_S3 = [pytest.mark.process, pytest.mark.xdist_group("process")]
SIZES = [1, CHUNK_BYTES, FETCHED_BYTES + 1, 2 * PART_BYTES + 7]
MakeStore = Callable[[], ContentStore]


@pytest.fixture(params=["folder", pytest.param("bucket", marks=ON_S3)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ContentStore:
    told = {}
    if request.param == "bucket":
        server: S3Server = request.getfixturevalue("s3")
        told = server.settings(prefix=f"contract-{tmp_path.name}")
    return content_store(Settings(**told).bucket, tmp_path)


async def in_pieces(content: bytes, piece_bytes: int = 100_000) -> AsyncGenerator[bytes]:
    for start in range(0, len(content), piece_bytes):
        yield content[start : start + piece_bytes]


async def whole(store: ContentStore, content_id: ContentId) -> bytes:
    return b"".join([bytes(chunk) async for chunk in store.chunks(content_id)])


async def part(store: ContentStore, content_id: ContentId, first: int, length: int) -> bytes:
    return b"".join([bytes(chunk) async for chunk in store.part(content_id, first, length)])


async def kept(store: ContentStore) -> set[ContentId]:
    later = datetime.now(UTC) + timedelta(days=1)
    return {one async for page in store.written_before(later) for one in page}


async def test_what_is_kept_comes_back_whole_and_in_any_part(store: ContentStore):
    for size in SIZES:
        content, content_id = random.Random(size).randbytes(size), ContentId.new()
        await store.put(content_id, in_pieces(content))
        assert hashlib.sha256(await whole(store, content_id)).digest() == hashlib.sha256(content).digest()
        for first, length in ((0, 1), (size - 1, 1), (size // 3, size // 2), (0, size)):
            assert await part(store, content_id, first, length) == content[first : first + length]


async def test_no_piece_is_larger_than_a_mebibyte_however_much_is_asked_for(store: ContentStore):
    content_id = ContentId.new()
    await store.put(content_id, in_pieces(bytes(SIZES[-1])))
    assert {len(chunk) <= CHUNK_BYTES async for chunk in store.chunks(content_id)} == {True}


async def test_what_nobody_kept_is_not_there(store: ContentStore):
    content_id = ContentId.new()
    assert not await store.has(content_id)
    for asked in (store.chunks(content_id), store.part(content_id, 0, 1)):
        with pytest.raises(ContentGone):
            await anext(asked)
    await store.delete(content_id)  # what is gone is gone


async def test_what_is_deleted_is_not_there_any_more(store: ContentStore):
    gone, stays = ContentId.new(), ContentId.new()
    for content_id in (gone, stays):
        await store.put(content_id, in_pieces(b"x"))
    await store.delete(gone)
    assert (await store.has(gone), await store.has(stays), await kept(store)) == (False, True, {stays})


async def test_what_was_just_written_is_not_older_than_an_hour(store: ContentStore):
    await store.put(ContentId.new(), in_pieces(b"x"))
    before = datetime.now(UTC) - timedelta(hours=1)
    assert [page async for page in store.written_before(before)] == [[]]


@pytest.mark.parametrize("sent_bytes", [1, PART_BYTES + 1], ids=["in the first part", "in the second part"])
async def test_an_upload_whose_sender_breaks_off_leaves_nothing(
    store: ContentStore, sent_bytes: int, request: pytest.FixtureRequest
):
    content_id = ContentId.new()

    async def breaking() -> AsyncGenerator[bytes]:
        async for piece in in_pieces(bytes(sent_bytes)):
            yield piece
        raise Unreadable(detail="the connection ended before the content did")

    before = unfinished(request, store)  # a test of a killed server may have left some in the bucket
    with pytest.raises(Unreadable):
        await store.put(content_id, breaking())
    assert (await store.has(content_id), await kept(store)) == (False, set())
    assert unfinished(request, store) == before


async def test_an_upload_that_nobody_waits_for_any_more_leaves_nothing(
    store: ContentStore, request: pytest.FixtureRequest
):
    content_id, hanging, before = ContentId.new(), asyncio.Event(), unfinished(request, store)

    async def never_ending() -> AsyncGenerator[bytes]:
        async for piece in in_pieces(bytes(PART_BYTES + 1)):
            yield piece
        hanging.set()
        await asyncio.Event().wait()

    putting = asyncio.create_task(store.put(content_id, never_ending()))
    await hanging.wait()
    putting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await putting
    assert (await store.has(content_id), await kept(store)) == (False, set())
    assert unfinished(request, store) == before


def unfinished(request: pytest.FixtureRequest, store: ContentStore) -> int:
    """How much of what was begun still takes up room."""
    if "bucket" in request.node.name:  # pyright: ignore[reportUnknownMemberType]
        return request.getfixturevalue("s3").unfinished()
    return len(list(request.getfixturevalue("tmp_path").rglob("*#*")))

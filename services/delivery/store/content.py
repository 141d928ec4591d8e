"""How bytes are kept: in an object store, each content under an id that is never used again.

Promises: what is kept is whole or not there; memory stays at a few chunks, however large the content and however slow
whoever sends or receives it; no request to the store outlasts its limit; a store that is away, slow or answers with
something else is StoreUnavailable, never an absence; no name of a file or person is ever part of a place.
"""

import asyncio
import errno
import logging
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Generator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore

from services.delivery.store.bucket import bucket_store
from shared.bucket import Bucket
from shared.errors import Conflict, Unavailable
from shared.ids import ContentId

CHUNK_BYTES = 1024 * 1024
FETCHED_BYTES = 4 * CHUNK_BYTES  # from a store far away: more at a time, for fewer ways to it
PART_BYTES = 5 * 1024 * 1024  # the smallest that S3 takes
PARTS_AT_A_TIME = 2
PAGE_CONTENTS = 500
FOLDER = "content"
ANSWER_SECONDS_MAX = 30  # of one request with all its repetitions; an upload is as many as it has parts
NO_ROOM = f"(os error {errno.ENOSPC})"  # the one thing that the store tells in words only
_status = re.compile(r"status code: ([0-9]{3})")
Answer = TypeVar("Answer")
log = logging.getLogger(__name__)


class StoreUnavailable(Unavailable):
    """The store of contents does not answer; try again."""


class StorageFull(Unavailable):
    """There is no room for this content now; try again later."""


class ContentGone(Conflict):
    """The content is not in the store."""


class ContentStore:
    """`folder`: where the store is, if it is a folder of this machine."""

    def __init__(self, store: ObjectStore, folder: Path | None = None) -> None:
        self._store, self._folder = store, folder
        self._fetched_bytes = CHUNK_BYTES if folder else FETCHED_BYTES

    async def put(self, content_id: ContentId, chunks: AsyncIterator[bytes]) -> None:
        """Keep all of the chunks, or nothing if they end by an error, or nobody waits for the end."""
        taken = _Taken(chunks)
        putting = asyncio.ensure_future(self._put(content_id, taken.one_by_one()))
        try:
            with _answering():
                await asyncio.shield(putting)
        except asyncio.CancelledError:
            taken.abandon()
            with suppress(TimeoutError):
                async with asyncio.timeout(ANSWER_SECONDS_MAX):
                    await asyncio.gather(putting, return_exceptions=True)
            raise

    async def _put(self, content_id: ContentId, chunks: AsyncIterator[bytes]) -> None:
        try:
            await obstore.put_async(
                self._store, _place(content_id), chunks, use_multipart=True, chunk_size=PART_BYTES,
                max_concurrency=PARTS_AT_A_TIME,
            )  # fmt: skip
        except FileNotFoundError as error:  # what is missing is the bucket, or what was begun
            raise StoreUnavailable(retry_after_seconds=5) from error

    async def chunks(self, content_id: ContentId) -> AsyncGenerator[memoryview]:
        """The content in pieces of a mebibyte. Raises ContentGone if it is not there."""
        size = await self._size(content_id)
        if size is None:
            raise ContentGone()
        async for chunk in self.part(content_id, 0, size):
            yield chunk

    async def part(self, content_id: ContentId, first: int, length: int) -> AsyncGenerator[memoryview]:
        """So many bytes from the first on, in pieces of a mebibyte. Requires that the content has them.

        Each few of them are a request of their own: whoever takes their time over them keeps no connection waiting.
        """
        end = first + length
        for start in range(first, end, self._fetched_bytes):
            fetched = await self._range(content_id, start, min(start + self._fetched_bytes, end))
            for begin in range(0, len(fetched), CHUNK_BYTES):
                yield fetched[begin : begin + CHUNK_BYTES]

    async def has(self, content_id: ContentId) -> bool:
        return await self._size(content_id) is not None

    async def delete(self, content_id: ContentId) -> None:
        with _answering(), suppress(FileNotFoundError):
            await _timely(obstore.delete_async(self._store, _place(content_id)))

    async def written_before(self, moment: datetime) -> AsyncGenerator[list[ContentId]]:
        """The contents written before that, in pages of some hundreds."""
        with _answering():
            listed = obstore.list(self._store, FOLDER, chunk_size=PAGE_CONTENTS)  # pyright: ignore[reportUnknownMemberType]
            async for page in listed:
                older = [found["path"].rpartition("/")[2] for found in page if found["last_modified"] < moment]
                yield [ContentId(name) for name in older if name.startswith(f"{ContentId.kind}_")]

    async def clear_parts(self, moment: datetime) -> None:
        """Remove what was being written before that when its process died; a bucket has a rule of its own for that."""
        if self._folder:
            await asyncio.to_thread(_clear_parts, self._folder / FOLDER, moment)

    async def _range(self, content_id: ContentId, start: int, end: int) -> memoryview:
        try:
            with _answering():
                asked = obstore.get_range_async(self._store, _place(content_id), start=start, end=end)
                fetched = memoryview(await _timely(asked))
        except FileNotFoundError as error:
            await self._require_bucket()
            raise ContentGone() from error
        if len(fetched) != end - start:
            log.error("the store gave %d bytes of %s where it was asked for %d", len(fetched), content_id, end - start)
            raise StoreUnavailable(retry_after_seconds=5)
        return fetched

    async def _size(self, content_id: ContentId) -> int | None:
        try:
            with _answering():
                return (await _timely(obstore.head_async(self._store, _place(content_id))))["size"]
        except FileNotFoundError:
            await self._require_bucket()
            return None

    async def _require_bucket(self) -> None:
        """That something is not there is believed of a store that has the bucket: contents are given up by it."""
        if self._folder is None:
            with _answering(), suppress(StopAsyncIteration):
                await _timely(anext(obstore.list(self._store, FOLDER, chunk_size=1)))  # pyright: ignore[reportUnknownMemberType]


def content_store(bucket: Bucket | None, folder: Path) -> ContentStore:
    """In the bucket, or in the folder if there is none."""
    if bucket:
        return ContentStore(bucket_store(bucket, ANSWER_SECONDS_MAX))
    return ContentStore(LocalStore(folder, mkdir=True), folder)


class _Abandoned(Exception):
    """Nobody waits for this content any more."""


class _Taken:
    """Chunks on their way to the store. To abandon them makes them end in an error: so it takes back what it has."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks, self._is_abandoned = chunks, False
        self._waiting: asyncio.Task[object] | None = None

    def abandon(self) -> None:
        self._is_abandoned = True
        if self._waiting:
            self._waiting.cancel()

    async def one_by_one(self) -> AsyncGenerator[bytes]:
        while not self._is_abandoned:
            self._waiting = asyncio.current_task()
            chunk = await anext(self._chunks, None)
            self._waiting = None
            if chunk is None:
                return
            yield chunk
        raise _Abandoned()


async def _timely(asked: Awaitable[Answer]) -> Answer:
    """Raises StoreUnavailable if no answer comes in time. Beneath it the client has limits of its own for each try."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            return await asked
    except TimeoutError as error:
        raise StoreUnavailable(retry_after_seconds=5) from error


def _clear_parts(folder: Path, moment: datetime) -> None:
    for part in folder.glob("*#*"):
        with suppress(FileNotFoundError):
            if part.stat().st_mtime < moment.timestamp():
                part.unlink()


@contextmanager
def _answering() -> Generator[None]:
    try:
        yield
    except BaseError as error:
        if NO_ROOM in str(error):
            raise StorageFull(retry_after_seconds=5) from error
        # Its own words are not kept: they quote addresses and keys.
        status = _status.search(str(error))
        log.error("the store does not answer: %s %s", type(error).__name__, status[1] if status else "")
        raise StoreUnavailable(retry_after_seconds=5) from error


def _place(content_id: ContentId) -> str:
    return f"{FOLDER}/{content_id}"

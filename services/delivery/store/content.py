"""How bytes are kept: in an object store, each content under an id that is never used again.

Promises: what is kept is whole or not there; memory stays at a few chunks, however large the content; no name of a
file or person is ever part of a place.
"""

import errno
from collections.abc import AsyncGenerator, AsyncIterator, Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, from_url

from shared.errors import Conflict, Unavailable
from shared.ids import ContentId

CHUNK_BYTES = 1024 * 1024
PART_BYTES = 5 * 1024 * 1024  # the smallest that S3 takes
PARTS_AT_A_TIME = 2
NO_ROOM = f"(os error {errno.ENOSPC})"  # the one thing that the store tells in words only


class StoreUnavailable(Unavailable):
    """The store of contents does not answer; try again."""


class StorageFull(Unavailable):
    """There is no room for this content now; try again later."""


class ContentGone(Conflict):
    """The content is not in the store."""


class ContentStore:
    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    @classmethod
    def at(cls, url: str | None, folder: Path) -> "ContentStore":
        """At the URL (`s3://bucket/prefix`, …), or in the folder if there is none."""
        return cls(from_url(url) if url else LocalStore(folder, mkdir=True))

    async def put(self, content_id: ContentId, chunks: AsyncIterator[bytes]) -> None:
        """Keep all of the chunks, or nothing if they end by an error."""
        with _answering():
            await obstore.put_async(
                self._store, _place(content_id), chunks, use_multipart=True, chunk_size=PART_BYTES,
                max_concurrency=PARTS_AT_A_TIME,
            )  # fmt: skip

    async def chunks(self, content_id: ContentId) -> AsyncGenerator[bytes]:
        """The content in pieces of about a mebibyte."""
        with _answering():
            try:
                found = await obstore.get_async(self._store, _place(content_id))
            except FileNotFoundError as error:
                raise ContentGone() from error
            async for chunk in found.stream(min_chunk_size=CHUNK_BYTES):
                yield bytes(chunk)

    async def part(self, content_id: ContentId, first: int, length: int) -> AsyncGenerator[memoryview]:
        """So many bytes from the first on, in pieces of a mebibyte. Requires that the content has them."""
        place, end = _place(content_id), first + length
        with _answering():
            try:
                if isinstance(self._store, LocalStore):
                    # A folder streams 8 KiB at a time, each a turn of a thread: a mebibyte at a time is twice as fast.
                    for start in range(first, end, CHUNK_BYTES):
                        upto = min(start + CHUNK_BYTES, end)
                        yield memoryview(await obstore.get_range_async(self._store, place, start=start, end=upto))
                    return
                found = await obstore.get_async(self._store, place, options={"range": (first, end)})
                async for chunk in found.stream(min_chunk_size=CHUNK_BYTES):
                    yield memoryview(chunk)
            except FileNotFoundError as error:
                raise ContentGone() from error

    async def has(self, content_id: ContentId) -> bool:
        with _answering():
            try:
                await obstore.head_async(self._store, _place(content_id))
            except FileNotFoundError:
                return False
        return True

    async def delete(self, content_id: ContentId) -> None:
        with _answering(), suppress(FileNotFoundError):
            await obstore.delete_async(self._store, _place(content_id))


@contextmanager
def _answering() -> Generator[None]:
    try:
        yield
    except BaseError as error:
        raise (StorageFull if NO_ROOM in str(error) else StoreUnavailable)(retry_after_seconds=5) from error


def _place(content_id: ContentId) -> str:
    return f"content/{content_id}"

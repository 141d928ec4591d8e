"""How bytes are kept: in an object store, each content under an id that is never used again.

Promises: what is kept is whole or not there; memory stays at a few chunks, however large the content; no name of a
file or person is ever part of a place.
"""

import asyncio
import errno
from collections.abc import AsyncGenerator, AsyncIterator, Generator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, from_url

from shared.errors import Conflict, Unavailable
from shared.ids import ContentId

CHUNK_BYTES = 1024 * 1024
PART_BYTES = 5 * 1024 * 1024  # the smallest that S3 takes
PARTS_AT_A_TIME = 2
PAGE_CONTENTS = 500
FOLDER = "content"
NO_ROOM = f"(os error {errno.ENOSPC})"  # the one thing that the store tells in words only


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

    @classmethod
    def at(cls, url: str | None, folder: Path) -> "ContentStore":
        """At the URL (`s3://bucket/prefix`, …), or in the folder if there is none."""
        return cls(from_url(url)) if url else cls(LocalStore(folder, mkdir=True), folder)

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

    async def written_before(self, moment: datetime) -> AsyncGenerator[list[ContentId]]:
        """The contents written before that, in pages of some hundreds."""
        with _answering():
            listed = obstore.list(self._store, FOLDER, chunk_size=PAGE_CONTENTS)  # pyright: ignore[reportUnknownMemberType]
            async for page in listed:
                older = [found["path"].rpartition("/")[2] for found in page if found["last_modified"] < moment]
                yield [ContentId(name) for name in older if name.startswith(f"{ContentId.kind}_")]

    async def clear_parts(self, moment: datetime) -> None:
        """Remove what was being written before that when its process died; other stores do so themselves."""
        if self._folder:
            await asyncio.to_thread(_clear_parts, self._folder / FOLDER, moment)


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
        raise (StorageFull if NO_ROOM in str(error) else StoreUnavailable)(retry_after_seconds=5) from error


def _place(content_id: ContentId) -> str:
    return f"{FOLDER}/{content_id}"

"""Files on their way to the inspector and back: out of the store into a folder of their own, and gone afterwards.

Promises: a folder is locked for as long as its job runs, so that what a process left when it died is known as such.
"""

import asyncio
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from services.delivery.actions.depot import Depot
from services.delivery.rules.upload import SUFFIX, MediaType, Upload
from services.delivery.sandbox import Source, written_bytes_max
from services.delivery.store.content import CHUNK_BYTES, ContentGone, StorageFull
from shared.ids import ContentId


@dataclass(frozen=True, slots=True)
class Kept:
    """A content in the store, and what its bytes must be."""

    content_id: ContentId
    media_type: MediaType
    bytes: int
    content_hash: str


@asynccontextmanager
async def staged(depot: Depot, upload: Upload, tell: Callable[[int], object] = int) -> AsyncGenerator[Source]:
    """The upload's content as a file, with room to work on it. `tell` is told the percentage that is there.

    Raises ContentGone unless the store still has the bytes that were declared, StorageFull where there is no room.
    """
    if upload.content_id is None:
        raise ContentGone()
    kept = Kept(upload.content_id, upload.media_type, upload.bytes, upload.content_hash)
    async with staged_content(depot, kept, seed_of(upload), tell) as source:
        yield source


@asynccontextmanager
async def staged_content(
    depot: Depot, kept: Kept, seed: int, tell: Callable[[int], object] = int
) -> AsyncGenerator[Source]:
    """As above, for any content that is kept."""
    folder, lock = await asyncio.to_thread(_fresh_folder, depot.scratch, kept.bytes)
    try:
        path, digest, fetched = folder / f"source.{SUFFIX[kept.media_type]}", hashlib.sha256(), 0
        async for chunk in depot.content.chunks(kept.content_id):
            digest.update(chunk)
            await asyncio.to_thread(_append, path, chunk)
            fetched += len(chunk)
            tell(fetched * 100 // kept.bytes)
        if digest.hexdigest() != kept.content_hash:
            raise ContentGone(reason_code="damaged")
        yield Source(str(path), kept.media_type, kept.bytes, str(folder), seed)
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, True)
        os.close(lock)


async def sweep(depot: Depot) -> None:
    """Remove what processes that died have left of their jobs."""
    await asyncio.to_thread(_sweep, depot.scratch)


async def read(path: str) -> AsyncGenerator[bytes]:
    """A file in chunks, read beside the event loop."""
    offset = 0
    while chunk := await asyncio.to_thread(_read, path, offset):
        offset += len(chunk)
        yield chunk


def seed_of(upload: Upload) -> int:
    """What picks the sampled rows: drawn by us after the provider had declared the content's hash."""
    return int.from_bytes(hashlib.sha256(upload.id.encode()).digest()[:4], "big")


def _fresh_folder(scratch: Path, source_bytes: int) -> tuple[Path, int]:
    scratch.mkdir(parents=True, exist_ok=True)
    # Before the child finds out: it could not tell a full disk from a file that is too much for it.
    if shutil.disk_usage(scratch).free < source_bytes + written_bytes_max(source_bytes):
        raise StorageFull(retry_after_seconds=5)
    while True:
        folder = Path(tempfile.mkdtemp(dir=scratch))
        with suppress(FileNotFoundError):  # another replica, at its start, took it for one that nobody works in
            lock = os.open(folder, os.O_RDONLY)
            fcntl.flock(lock, fcntl.LOCK_EX)
            if folder.exists():
                return folder, lock
            os.close(lock)


def _sweep(scratch: Path) -> None:
    for folder in scratch.iterdir() if scratch.exists() else ():
        try:
            lock = os.open(folder, os.O_RDONLY)
        except FileNotFoundError:
            continue  # another replica's job has ended meanwhile
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:
            pass  # at work
        finally:
            os.close(lock)


def _append(path: Path, chunk: memoryview) -> None:
    with path.open("ab") as file:
        file.write(chunk)


def _read(path: str, offset: int) -> bytes:
    with open(path, "rb") as file:
        file.seek(offset)
        return file.read(CHUNK_BYTES)

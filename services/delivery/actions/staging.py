"""Files on their way to the inspector and back: out of the store into a folder of their own, and gone afterwards."""

import asyncio
import hashlib
import shutil
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from services.delivery.actions.depot import Depot
from services.delivery.rules.upload import SUFFIX, Upload
from services.delivery.sandbox import Source
from services.delivery.store.content import CHUNK_BYTES, ContentGone


@asynccontextmanager
async def staged(depot: Depot, upload: Upload) -> AsyncGenerator[Source]:
    """The upload's content as a file. Raises ContentGone unless the store still has the bytes that were declared."""
    if upload.content_id is None:
        raise ContentGone()
    folder = Path(await asyncio.to_thread(_fresh_folder, depot.scratch))
    try:
        path, digest = folder / f"source.{SUFFIX[upload.media_type]}", hashlib.sha256()
        async for chunk in depot.content.chunks(upload.content_id):
            digest.update(chunk)
            await asyncio.to_thread(_append, path, chunk)
        if digest.hexdigest() != upload.content_hash:
            raise ContentGone(reason_code="damaged")
        yield Source(str(path), upload.media_type, upload.bytes, str(folder), seed_of(upload))
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, True)


async def read(path: str) -> AsyncGenerator[bytes]:
    """A file in chunks, read beside the event loop."""
    offset = 0
    while chunk := await asyncio.to_thread(_read, path, offset):
        offset += len(chunk)
        yield chunk


def seed_of(upload: Upload) -> int:
    """What picks the sampled rows: drawn by us after the provider had declared the content's hash."""
    return int.from_bytes(hashlib.sha256(upload.id.encode()).digest()[:4], "big")


def _fresh_folder(scratch: Path) -> str:
    scratch.mkdir(parents=True, exist_ok=True)
    return tempfile.mkdtemp(dir=scratch)


def _append(path: Path, chunk: bytes) -> None:
    with path.open("ab") as file:
        file.write(chunk)


def _read(path: str, offset: int) -> bytes:
    with open(path, "rb") as file:
        file.seek(offset)
        return file.read(CHUNK_BYTES)

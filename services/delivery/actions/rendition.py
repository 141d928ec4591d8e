"""What happens when content is needed in another form than it came in: it is made once and kept.

A rendition is named by its version and the digest of its masks, so the same grade never makes the same file twice.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from services.delivery.actions.depot import Depot
from services.delivery.actions.staging import Kept, read, staged
from services.delivery.events.upload import RenditionMade
from services.delivery.rules.masking import Mask, policy_digest
from services.delivery.rules.rendition import Rendition
from services.delivery.rules.sample import ROWS_MAX
from services.delivery.rules.upload import MediaType, Upload
from services.delivery.sandbox import Desensitise, SampleRows, Source, TakeSample, WriteColumns
from services.delivery.sandbox import Rendition as Written
from services.delivery.store import renditions as store
from shared.errors import Unavailable
from shared.ids import ContentId, VersionId

COLUMNS_DIGEST = "columns-1"  # another number where columns are made in another way
Make = Callable[[Source], Awaitable[tuple[str, Written]]]


class RenditionNotMade(Unavailable):
    """The content could not be prepared; try again."""


async def desensitised(depot: Depot, upload: Upload, masks: dict[str, Mask]) -> Rendition:
    """The content with these masks, in the format that it came in."""

    async def make(source: Source) -> tuple[str, Written]:
        output = f"{source.folder}/desensitised"
        answer = await depot.inspector.run(Desensitise(source, masks, output))
        if not isinstance(answer, Written):
            raise RenditionNotMade()
        return output, answer

    return await _kept(depot, upload, policy_digest(masks), make)


async def sample(depot: Depot, upload: Upload, masks: dict[str, Mask]) -> SampleRows:
    """A few rows with these masks: the same rows each time, so that asking again shows no more."""

    async def make(source: Source) -> tuple[str, Written]:
        answer = await depot.inspector.run(TakeSample(source, ROWS_MAX, masks))
        if not isinstance(answer, SampleRows):
            raise RenditionNotMade()
        output, text = Path(source.folder) / "sample", msgspec.json.encode(answer)
        await asyncio.to_thread(output.write_bytes, text)
        return str(output), Written(len(text), hashlib.sha256(text).hexdigest())

    kept = await _kept(depot, upload, f"sample-{policy_digest(masks)}", make)
    text = b"".join([chunk async for chunk in depot.content.chunks(kept.content_id)])
    return msgspec.json.decode(text, type=SampleRows)


async def columnar(depot: Depot, upload: Upload) -> Kept:
    """The content as Parquet, its columns as what their values are: what queries read. Its own bytes, if it is that."""
    if upload.media_type is MediaType.PARQUET and upload.content_id is not None:
        return Kept(upload.content_id, upload.media_type, upload.bytes, upload.content_hash)

    async def make(source: Source) -> tuple[str, Written]:
        output = f"{source.folder}/written.parquet"
        answer = await depot.inspector.run(WriteColumns(source, output))
        if not isinstance(answer, Written):
            raise RenditionNotMade()
        return output, answer

    made = await _kept(depot, upload, COLUMNS_DIGEST, make)
    return Kept(made.content_id, MediaType.PARQUET, made.bytes, made.content_hash)


async def _kept(depot: Depot, upload: Upload, digest: str, make: Make) -> Rendition:
    async with depot.making[upload.version_id]:
        if known := await _known(depot, upload.version_id, digest):
            return known
        content_id = ContentId.new()
        async with staged(depot, upload) as source:
            path, written = await make(source)
            await depot.content.put(content_id, read(path))
        async with depot.database.transaction() as tx:
            now = await depot.database.now(tx)
            parts = (content_id, written.bytes, written.content_hash)
            made = Rendition(upload.version_id, digest, *parts, made_at=now)
            if added := await store.add_rendition(tx, made):
                await depot.outbox.record(tx, depot.outbox.itself, now, RenditionMade.of(made, upload))
    if added:
        return made
    await depot.content.delete(content_id)
    known = await _known(depot, upload.version_id, digest)
    assert known is not None
    return known


async def _known(depot: Depot, version_id: VersionId, digest: str) -> Rendition | None:
    async with depot.database.read() as tx:
        return await store.rendition(tx, version_id, digest)

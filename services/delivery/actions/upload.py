"""What happens when a provider announces a file, sends it, or looks how it fares."""

import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Generator
from contextlib import contextmanager

from services.catalog.client import NoSuchVersion
from services.delivery.actions.depot import Depot
from services.delivery.events.upload import ContentReceived, ContentRefused, UploadDeclared
from services.delivery.rules import upload as upload_rules
from services.delivery.rules.upload import REFUSED, ContentDiffers, Progress, Upload, VersionHasContent
from services.delivery.schemas.uploads import NewUpload
from services.delivery.store import uploads as store
from shared.access import Member
from shared.errors import Conflict
from shared.faultpoint import faultpoint
from shared.idempotency import Once
from shared.ids import ContentId, UploadId

TAKES_CONTENT = ("awaiting_content", "refused")


async def declare(depot: Depot, provider: Member, new: NewUpload, once: Once) -> Upload:
    version = await depot.catalog.version(new.version_id)
    if version.provider_id != provider.participant_id:
        raise NoSuchVersion()
    if version.state not in TAKES_CONTENT:
        raise VersionHasContent(state=version.state)
    async with depot.database.transaction() as tx:
        if earlier := await once.recall(tx, Upload):
            return earlier
        now = await depot.database.now(tx)
        upload = upload_rules.declare(
            UploadId.new(), new.version_id, provider.participant_id, media_type=new.media_type,
            bytes_declared=new.bytes, content_hash=new.content_hash, file_name=new.file_name,
            bytes_kept=await store.bytes_kept(tx, provider.participant_id), limits=depot.limits, now=now,
        )  # fmt: skip
        await store.add_upload(tx, upload)
        await once.remember(tx, upload)
        await depot.outbox.record(tx, provider.actor, now, UploadDeclared.of(upload))
    return upload


async def receive(
    depot: Depot, provider: Member, upload_id: UploadId, chunks: AsyncIterator[bytes], announced_bytes: int | None
) -> Upload:
    """Take the bytes. A connection that breaks changes nothing; other bytes than declared refuse the upload."""
    async with depot.database.read() as tx:
        upload = await store.own_upload(tx, upload_id, provider.participant_id)
    upload_rules.check_receivable(upload, depot.clock.now(), depot.receiving[upload_id])
    upload_rules.check_length(upload, announced_bytes)
    content_id, tally = ContentId.new(), _Tally()
    with _sending(depot, upload_id):
        await depot.content.put(content_id, tally.counted(chunks, bytes_max=upload.bytes))
    faultpoint("upload.kept")
    try:
        upload = await _received(depot, provider, upload_id, content_id, tally)
    except Conflict:  # another request was first; after any other error the bytes may be the kept ones
        await depot.content.delete(content_id)
        raise
    if upload.state is REFUSED:
        await depot.content.delete(content_id)
        raise ContentDiffers(reason_code=upload.reason_code)
    return upload


async def _received(
    depot: Depot, provider: Member, upload_id: UploadId, content_id: ContentId, tally: "_Tally"
) -> Upload:
    async with depot.database.transaction() as tx:
        upload = await store.own_upload_for_update(tx, upload_id, provider.participant_id)
        now = await depot.database.now(tx)
        digest = tally.digest.hexdigest()
        upload = upload_rules.receive(upload, content_id, bytes_received=tally.bytes, content_hash=digest, now=now)
        await store.save_upload(tx, upload)
        fact = ContentRefused.of(upload) if upload.state is REFUSED else ContentReceived.of(upload)
        await depot.outbox.record(tx, provider.actor, now, fact)
    return upload


async def upload(depot: Depot, provider: Member, upload_id: UploadId) -> tuple[Upload, Progress | None]:
    """The upload, and how far its inspection is while there is one."""
    async with depot.database.read() as tx:
        found = await store.own_upload(tx, upload_id, provider.participant_id)
        return found, upload_rules.progress(found, await store.progress_of(tx, upload_id))


async def pass_deadlines(depot: Depot) -> None:
    """Notice the uploads whose time is over."""
    async with depot.database.transaction() as tx:
        now = await depot.database.now(tx)
        late = await store.uploads_past_deadline(tx, now)
        over = [upload_rules.pass_deadline(upload) for upload in late]
        for upload in over:
            await store.save_upload(tx, upload)
        await depot.outbox.record(tx, depot.outbox.itself, now, *map(ContentRefused.of, over))
    for upload in late:
        if upload.content_id:
            await depot.content.delete(upload.content_id)


@contextmanager
def _sending(depot: Depot, upload_id: UploadId) -> Generator[None]:
    depot.receiving[upload_id] += 1
    try:
        yield
    finally:
        depot.receiving[upload_id] -= 1
        if not depot.receiving[upload_id]:
            del depot.receiving[upload_id]


class _Tally:
    """Counts and hashes what flows by."""

    def __init__(self) -> None:
        self.bytes = 0
        self.digest = hashlib.sha256()

    async def counted(self, chunks: AsyncIterator[bytes], *, bytes_max: int) -> AsyncGenerator[bytes]:
        """The chunks, up to the one that is too much: what comes after it need not be kept to be refused."""
        async for chunk in chunks:
            self.bytes += len(chunk)
            self.digest.update(chunk)
            faultpoint("upload.chunk")
            if chunk:
                yield chunk
            if self.bytes > bytes_max:
                return

"""What happens when content is needed in another form than it came in: it is made once and kept.

A rendition is named by its version and the digest of its treatment, so the same never makes the same file twice. What
the treatment did is measured in the very bytes that are kept, and reported with them.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from services.delivery.actions.depot import Depot
from services.delivery.actions.staging import Kept, read, staged
from services.delivery.events.upload import RenditionMade
from services.delivery.rules import effect as effect_rules
from services.delivery.rules.desensitisation import Treatment
from services.delivery.rules.effect import EffectReport, Groups
from services.delivery.rules.inspection import Inspection
from services.delivery.rules.masking import Mask, guarded_name
from services.delivery.rules.pseudonym import PseudonymKey, Purpose, key_for
from services.delivery.rules.rendition import Rendition
from services.delivery.rules.sample import ROWS_MAX
from services.delivery.rules.upload import MediaType, Upload
from services.delivery.sandbox import (
    Care,
    Desensitise,
    Measure,
    Measured,
    SampleRows,
    Secret,
    Source,
    TakeSample,
    WriteColumns,
)
from services.delivery.sandbox import Rendition as Written
from services.delivery.store import desensitisation
from services.delivery.store import renditions as store
from shared import tenancy
from shared.errors import Unavailable
from shared.ids import ContentId, VersionId

COLUMNS_DIGEST = "columns-1"  # another number where columns are made in another way
Make = Callable[[Source], Awaitable[tuple[str, Written, EffectReport | None]]]
AS_IT_IS = "real"


class RenditionNotMade(Unavailable):
    """The content could not be prepared; try again."""


async def desensitised(depot: Depot, upload: Upload, inspection: Inspection, treatment: Treatment) -> Rendition:
    """The content so treated, in the format that it came in."""
    key = key_for(depot.pseudonym_key, upload.version_id, Purpose.DELIVERY)
    digest = treatment.digest(key.id)

    async def make(source: Source) -> tuple[str, Written, EffectReport]:
        output = f"{source.folder}/desensitised"
        job = Desensitise(source, dict(treatment.masks), output, _care(treatment, key))
        written = await depot.inspector.run(job)
        if not isinstance(written, Written):
            raise RenditionNotMade()
        before = await _measured(depot, Measure(source, list(treatment.quasi_identifiers), [], []), inspection.rows)
        after = await _measured_after(depot, source, output, written, treatment, inspection.rows)
        changed = effect_rules.measured_fields(treatment)
        distinct = {name: after.distinct.get(_written_name(source, name), 0) for name in changed}
        key_id = key.id if treatment.needs_key else None
        report = effect_rules.report(
            upload.version_id, digest, key_id, source.seed, treatment, inspection, before.groups, after.groups,
            written.cut, distinct,
        )  # fmt: skip
        return output, written, report

    return await _kept(depot, upload, digest, make)


def digest_of(depot: Depot, version_id: VersionId, treatment: Treatment) -> str:
    """The name of a version's rendition under this treatment."""
    return treatment.digest(key_for(depot.pseudonym_key, version_id, Purpose.DELIVERY).id)


async def sample(depot: Depot, upload: Upload, treatment: Treatment | None) -> SampleRows:
    """A few rows, so treated or as they are: the same rows each time, so that asking again shows no more."""
    key = key_for(depot.pseudonym_key, upload.version_id, Purpose.SAMPLE)

    async def make(source: Source) -> tuple[str, Written, None]:
        job = TakeSample(source, ROWS_MAX, {})
        if treatment:
            job = TakeSample(source, ROWS_MAX, dict(treatment.masks), _care(treatment, key))
        answer = await depot.inspector.run(job)
        if not isinstance(answer, SampleRows):
            raise RenditionNotMade()
        output, text = Path(source.folder) / "sample", msgspec.json.encode(answer)
        await asyncio.to_thread(output.write_bytes, text)
        return str(output), Written(len(text), hashlib.sha256(text).hexdigest()), None

    kept = await _kept(depot, upload, f"sample-{treatment.digest(key.id) if treatment else AS_IT_IS}", make)
    text = b"".join([chunk async for chunk in depot.content.chunks(kept.content_id)])
    return msgspec.json.decode(text, type=SampleRows)


async def _measured_after(
    depot: Depot, source: Source, output: str, written: Written, treatment: Treatment, rows: int
) -> Measured:  # fmt: skip
    def names(fields: tuple[str, ...]) -> list[str]:
        return [_written_name(source, name) for name in fields if treatment.masks.get(name) is not Mask.DROP]

    delivered = Source(output, source.media_type, written.bytes, source.folder, source.seed, inspected=True)
    sensitive = effect_rules.sensitive_fields_shown(treatment)
    changed = effect_rules.measured_fields(treatment)
    job = Measure(delivered, names(treatment.showing_groups), names(sensitive), names(changed))
    return await _measured(depot, job, rows)


async def _measured(depot: Depot, job: Measure, rows: int) -> Measured:
    if not (job.quasi_identifiers or job.sensitive_fields or job.distinct):
        return Measured(Groups.of_all(rows), {})  # nothing to look at the rows for
    answer = await depot.inspector.run(job)
    if not isinstance(answer, Measured):
        raise RenditionNotMade()
    return answer


def _written_name(source: Source, name: str) -> str:
    return guarded_name(name) if source.media_type is MediaType.CSV else name


def _care(treatment: Treatment, key: PseudonymKey) -> Care:
    secret = None
    if treatment.needs_key:
        outer_pad, inner_pad = key.pads
        secret = Secret(outer_pad.hex(), inner_pad.hex(), key.shift_days)
    return Care(treatment.smallest_group, list(treatment.showing_groups), True, treatment.persons, secret)


async def columnar(depot: Depot, upload: Upload) -> Kept:
    """The content as Parquet, its columns as what their values are: what queries read. Its own bytes, if it is that."""
    if upload.media_type is MediaType.PARQUET and upload.content_id is not None:
        return Kept(upload.content_id, upload.media_type, upload.bytes, upload.content_hash)

    async def make(source: Source) -> tuple[str, Written, None]:
        output = f"{source.folder}/written.parquet"
        answer = await depot.inspector.run(WriteColumns(source, output))
        if not isinstance(answer, Written):
            raise RenditionNotMade()
        return output, answer, None

    made = await _kept(depot, upload, COLUMNS_DIGEST, make)
    return Kept(made.content_id, MediaType.PARQUET, made.bytes, made.content_hash)


async def _kept(depot: Depot, upload: Upload, digest: str, make: Make) -> Rendition:
    """Requires that whoever asks was found to have a right to the content: it is made once for all who have."""
    with tenancy.for_everyone():
        return await _made_once(depot, upload, digest, make)


async def _made_once(depot: Depot, upload: Upload, digest: str, make: Make) -> Rendition:
    async with depot.making[upload.version_id]:
        if known := await _known(depot, upload.version_id, digest):
            return known
        content_id = ContentId.new()
        async with staged(depot, upload) as source:
            path, written, report = await make(msgspec.structs.replace(source, inspected=True))
            await depot.content.put(content_id, read(path))
        async with depot.database.transaction() as tx:
            now = await depot.database.now(tx)
            parts = (content_id, written.bytes, written.content_hash)
            made = Rendition(upload.version_id, digest, *parts, made_at=now)
            if added := await store.add_rendition(tx, made):
                if report:
                    await desensitisation.add_effect_report(tx, report, now)
                fact = RenditionMade.of(made, upload, report.digest if report else None)
                await depot.outbox.record(tx, depot.outbox.itself, now, fact)
    if added:
        return made
    await depot.content.delete(content_id)
    known = await _known(depot, upload.version_id, digest)
    assert known is not None
    return known


async def _known(depot: Depot, version_id: VersionId, digest: str) -> Rendition | None:
    async with depot.database.read() as tx:
        return await store.rendition(tx, version_id, digest)

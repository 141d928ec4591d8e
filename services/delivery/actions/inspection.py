"""What happens to content that has come: the inspector looks at it, the catalogue is told, and the upload ends.

What was found is kept before it is told: whoever tells it again, after a broken answer or a crash, says the same.
"""

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from services.catalog.client import InspectionReport
from services.delivery.actions.depot import Depot
from services.delivery.actions.staging import staged
from services.delivery.events.upload import ContentInspected, ContentRefused
from services.delivery.rules import inspection as inspection_rules
from services.delivery.rules import upload as upload_rules
from services.delivery.rules.detection import FieldDetection
from services.delivery.rules.inspection import Counted, InspectedField, Inspection, NotTaken, Outcome
from services.delivery.rules.upload import RECEIVED, Phase, Progress, Reason, Upload
from services.delivery.sandbox import INSPECTOR_VERSION, Inspect, Profile, Refused
from services.delivery.sandbox import Progress as Told
from services.delivery.store import uploads as store
from services.delivery.store.content import ContentGone
from shared.errors import Conflict, Failure, Forbidden, Malformed, NotFound, Unavailable

LEASE = timedelta(seconds=30)
RENEWED_EVERY = timedelta(seconds=10)
TOLD_EVERY = timedelta(seconds=1)
TRIED_AGAIN_AFTER = timedelta(seconds=5)
log = logging.getLogger(__name__)


async def inspect_received(depot: Depot) -> None:
    """Inspect all that waits, one after the other."""
    while claimed := await _claim(depot):
        upload, outcome = claimed
        if outcome is None:
            outcome = await _found(depot, upload)
        if outcome is None:
            continue  # its deadline passed while it was looked at
        try:
            await depot.catalog.report_inspection(upload.version_id, report(upload, outcome), f"inspection-{upload.id}")
        except (Conflict, Forbidden, Malformed, NotFound) as error:
            log.warning("the catalogue takes no content for %s: %s", upload.version_id, error.told_code)
            outcome = outcome if isinstance(outcome, NotTaken) else NotTaken(Reason.VERSION_CLOSED)
        except Failure as error:  # it may have been heard all the same: the same is said again, under the same key
            log.warning("the catalogue could not be told of %s: %s", upload.version_id, error.told_code)
            await _keep(depot, upload, TRIED_AGAIN_AFTER)
            return
        await _conclude(depot, upload, outcome)


async def _claim(depot: Depot) -> tuple[Upload, Outcome | None] | None:
    async with depot.database.transaction() as tx:
        return await store.claim_received(tx, await depot.database.now(tx), LEASE)


async def _keep(depot: Depot, upload: Upload, lease: timedelta, progress: Progress | None = None) -> None:
    async with depot.database.transaction() as tx:
        await store.keep_claim(tx, upload.id, await depot.database.now(tx) + lease, progress)


async def _found(depot: Depot, upload: Upload) -> Outcome | None:
    """What is found, kept before anyone is told of it. If another has found something meanwhile, that stands."""
    reached = _Reached()
    keeping = asyncio.create_task(_go_on_keeping(depot, upload, reached))
    try:
        outcome = await _looked_at(depot, upload, reached)
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
    async with depot.database.transaction() as tx:
        return await store.save_outcome(tx, upload.id, outcome)


@dataclass(slots=True)
class _Reached:
    """How far the inspection is, as its child said last."""

    progress: Progress = Progress(Phase.FETCHING, 0)

    def hear(self, told: Told) -> None:
        self.progress = Progress(told.phase, told.percent)

    def fetched(self, percent: int) -> None:
        self.progress = Progress(Phase.FETCHING, percent)


async def _go_on_keeping(depot: Depot, upload: Upload, reached: _Reached) -> None:
    # A short lease, renewed: if this process dies, another takes the upload up within the half minute.
    renewed_at, told = depot.clock.now(), None
    while True:
        await depot.clock.sleep(TOLD_EVERY.total_seconds())
        now, progress = depot.clock.now(), reached.progress
        if progress == told and now - renewed_at < RENEWED_EVERY:
            continue
        with suppress(Unavailable):
            await _keep(depot, upload, LEASE, progress)
            renewed_at, told = now, progress


async def _looked_at(depot: Depot, upload: Upload, reached: _Reached) -> Outcome:
    try:
        async with staged(depot, upload, reached.fetched) as source:
            answer = await depot.inspector.run(Inspect(source, depot.clock.now().date()), reached.hear)
    except ContentGone:
        return NotTaken(Reason.HASH_MISMATCH)
    match answer:
        case Profile():
            fields = [
                Counted(one.name, one.type, one.nulls, one.distinct, one.evidence, one.fitting) for one in answer.fields
            ]
            return inspection_rules.conclude(answer.rows, fields, answer.fingerprint, answer.duplicate_rows)
        case Refused():
            return NotTaken(answer.reason, answer.line)
        case _:
            return NotTaken(Reason.INSPECTION_LIMIT)


async def _conclude(depot: Depot, upload: Upload, outcome: Outcome) -> None:
    async with depot.database.transaction() as tx:
        now = await depot.database.now(tx)
        present = await store.upload_for_update(tx, upload.id)
        if present.state is not RECEIVED:
            return  # another inspector was first
        if isinstance(outcome, NotTaken):
            refused = upload_rules.refuse(present, outcome.reason, outcome.line)
            await store.save_upload(tx, refused)
            await depot.outbox.record(tx, depot.outbox.itself, now, ContentRefused.of(refused))
        else:
            await store.save_upload(tx, upload_rules.inspected(present))
            await depot.outbox.record(tx, depot.outbox.itself, now, _fact(upload, outcome))
    if isinstance(outcome, NotTaken) and upload.content_id:
        await depot.content.delete(upload.content_id)


def _fact(upload: Upload, found: Inspection) -> ContentInspected:
    kinds = tuple(sorted({detection.kind for detection in found.detections}))
    return ContentInspected(
        upload.id, upload.version_id, upload.provider_id, upload.content_hash, upload.bytes, found.rows,
        len(found.fields), kinds, INSPECTOR_VERSION,
    )  # fmt: skip


def report(upload: Upload, outcome: Outcome) -> InspectionReport:
    """What the catalogue is told."""
    if isinstance(outcome, NotTaken):
        return InspectionReport.model_validate({"upload_id": upload.id, "refused": outcome.reason.value})
    return InspectionReport.model_validate({
        "upload_id": upload.id, "content_hash": upload.content_hash, "bytes": upload.bytes, "rows": outcome.rows,
        "media_type": upload.media_type.value, "inspector_version": INSPECTOR_VERSION,
        "duplicate_rows": outcome.duplicate_rows,
        "fields": [_reported(field) for field in outcome.fields], "fingerprint": list(outcome.fingerprint),
    })  # fmt: skip


def _reported(field: InspectedField) -> dict[str, object]:
    return {
        "name": field.name, "type": field.type, "null_basis_points": field.null_basis_points,
        "distinct": field.distinct, "detections": [_detected(detection) for detection in field.detections],
        "fit_basis_points": field.fit_basis_points,
    }  # fmt: skip


def _detected(found: FieldDetection) -> dict[str, object]:
    return {
        "kind": found.kind.value, "name_hit": found.name_hit, "hit_basis_points": found.hit_basis_points,
        "checksum_basis_points": found.checksum_basis_points, "sample_size": found.sample_size,
        "decimals": found.decimals,
    }  # fmt: skip

"""What happens to content that has come: the inspector looks at it, the catalogue is told, and the upload ends."""

import logging
from datetime import timedelta

from services.catalog.client import InspectionReport
from services.delivery.actions.depot import Depot
from services.delivery.actions.staging import staged
from services.delivery.events import ContentInspected, ContentRefused
from services.delivery.rules import inspection as inspection_rules
from services.delivery.rules import upload as upload_rules
from services.delivery.rules.detection import FieldDetection
from services.delivery.rules.inspection import Counted, InspectedField, Inspection
from services.delivery.rules.upload import RECEIVED, Reason, Upload
from services.delivery.sandbox import INSPECTOR_VERSION, Inspect, Profile, Refused
from services.delivery.store import uploads as store
from services.delivery.store.content import ContentGone
from shared.errors import Conflict, Forbidden, Malformed, NotFound, Unavailable

LEASE = timedelta(minutes=20)
TRIED_AGAIN_AFTER = timedelta(seconds=5)
log = logging.getLogger(__name__)


async def inspect_received(depot: Depot) -> None:
    """Inspect all that waits, one after the other."""
    while upload := await _claim(depot):
        outcome = await _looked_at(depot, upload)
        try:
            await depot.catalog.report_inspection(
                upload.version_id, _report(upload, outcome), f"inspection-{upload.id}"
            )
        except Unavailable:
            await _try_again_later(depot, upload)
            return
        except (Conflict, Forbidden, Malformed, NotFound) as error:
            log.warning("the catalogue takes no content for %s: %s", upload.version_id, error.told_code)
            outcome = Reason.VERSION_CLOSED
        await _conclude(depot, upload, outcome)


async def _claim(depot: Depot) -> Upload | None:
    async with depot.database.transaction() as tx:
        return await store.claim_received(tx, await depot.database.now(tx), LEASE)


async def _try_again_later(depot: Depot, upload: Upload) -> None:
    async with depot.database.transaction() as tx:
        await store.unclaim(tx, upload.id, await depot.database.now(tx) + TRIED_AGAIN_AFTER)


async def _looked_at(depot: Depot, upload: Upload) -> Inspection | Reason:
    try:
        async with staged(depot, upload) as source:
            answer = await depot.inspector.run(Inspect(source))
    except ContentGone:
        return Reason.HASH_MISMATCH
    match answer:
        case Profile():
            fields = [Counted(one.name, one.type, one.nulls, one.distinct, one.evidence) for one in answer.fields]
            return inspection_rules.conclude(answer.rows, fields)
        case Refused():
            return answer.reason
        case _:
            return Reason.INSPECTION_LIMIT


async def _conclude(depot: Depot, upload: Upload, outcome: Inspection | Reason) -> None:
    async with depot.database.transaction() as tx:
        now = await depot.database.now(tx)
        present = await store.upload_for_update(tx, upload.id)
        if present.state is not RECEIVED:
            return  # its deadline passed while it was looked at
        if isinstance(outcome, Reason):
            refused = upload_rules.refuse(present, outcome)
            await store.save_upload(tx, refused)
            await depot.outbox.record(tx, depot.outbox.itself, now, ContentRefused.of(refused))
        else:
            await store.save_upload(tx, upload_rules.inspected(present))
            await store.save_inspection(tx, upload.id, outcome)
            await depot.outbox.record(tx, depot.outbox.itself, now, _fact(upload, outcome))
    if isinstance(outcome, Reason) and upload.content_id:
        await depot.content.delete(upload.content_id)


def _fact(upload: Upload, found: Inspection) -> ContentInspected:
    kinds = tuple(sorted({detection.kind for detection in found.detections}))
    return ContentInspected(
        upload.id, upload.version_id, upload.provider_id, upload.content_hash, upload.bytes, found.rows,
        len(found.fields), kinds, INSPECTOR_VERSION,
    )  # fmt: skip


def _report(upload: Upload, outcome: Inspection | Reason) -> InspectionReport:
    if isinstance(outcome, Reason):
        return InspectionReport.model_validate({"upload_id": upload.id, "refused": outcome.value})
    return InspectionReport.model_validate({
        "upload_id": upload.id, "content_hash": upload.content_hash, "bytes": upload.bytes, "rows": outcome.rows,
        "media_type": upload.media_type.value, "inspector_version": INSPECTOR_VERSION,
        "fields": [_reported(field) for field in outcome.fields],
    })  # fmt: skip


def _reported(field: InspectedField) -> dict[str, object]:
    return {
        "name": field.name, "type": field.type, "null_basis_points": field.null_basis_points,
        "distinct": field.distinct, "detections": [_detected(detection) for detection in field.detections],
    }  # fmt: skip


def _detected(found: FieldDetection) -> dict[str, object]:
    return {
        "kind": found.kind.value, "name_hit": found.name_hit, "hit_basis_points": found.hit_basis_points,
        "checksum_basis_points": found.checksum_basis_points, "sample_size": found.sample_size,
    }  # fmt: skip

"""Questions to the log, and evidence of it."""

from typing import Annotated

from fastapi import Depends, Query
from fastapi.responses import StreamingResponse

from services.audit.actions import answering, duty, evidence
from services.audit.api.service import PREFIX, AuditService, ObjectId, Size
from services.audit.schemas.answers import (
    AnswerView,
    Asked,
    EvidenceFileView,
    EvidenceView,
    FactBeaconView,
    FactPlaceView,
)
from services.audit.schemas.log import INTEGER_MAX
from shared import web
from shared.ids import FactId, ParticipantId
from shared.permission import LogReader, Service, Supervisor
from shared.routing import Router

router = Router(prefix=PREFIX)
ObjectIds = Annotated[str, Query(max_length=2_000, pattern="^[a-z_]+_[0-9a-f]{32}(,[a-z_]+_[0-9a-f]{32}){0,31}$")]
Moment = Annotated[web.Moment | None, Query()]


Number = Annotated[web.Whole | None, Query(ge=1, le=INTEGER_MAX - 1)]


async def asked(
    object_id: ObjectId = None,
    actor_id: Annotated[
        str | None, Query(alias="actor", max_length=100, pattern="^[a-z_]+[:_][0-9a-z_]{1,64}$")
    ] = None,
    organisation_id: Annotated[ParticipantId | None, Query(alias="organisation")] = None,
    service: Annotated[str | None, Query(pattern="^[a-z_]{1,32}$")] = None,
    stripe: Annotated[web.Whole | None, Query(ge=0, le=2**31 - 1)] = None,
    first_seq: Number = None,
    last_seq: Number = None,
    ingested_from: Moment = None,
    ingested_until: Moment = None,
    happened_from: Moment = None,
    happened_until: Moment = None,
) -> Asked:
    """By one of these: an object, an actor, an organisation; a source by `service`, `stripe` and numbers; a time."""
    source = (service, stripe, first_seq, last_seq)
    ingested, happened = (ingested_from, ingested_until), (happened_from, happened_until)
    return Asked(object_id, actor_id, organisation_id, source, ingested, happened)


Asking = Annotated[Asked, Depends(asked)]


@router.get("/queries")
async def answer(caller: LogReader, asked: Asking, page: web.PageQuery, audit: AuditService) -> AnswerView:
    """All entries that answer a question, with the proof that they are all; to an organisation, those of its own."""
    return await answering.answer(audit, caller, asked.question(), page)


@router.get("/queries/bundle", response_class=StreamingResponse)
async def answer_bundle(caller: Supervisor, asked: Asking, audit: AuditService) -> StreamingResponse:
    """The whole answer in one file, for the offline verifier. Recorded before the first byte."""
    members = await evidence.export_to_supervisor(audit, caller, asked.question())
    headers = {"Content-Disposition": 'attachment; filename="yaosu-evidence.tar"'}
    return StreamingResponse(members, headers=headers, media_type="application/x-tar")


@router.get("/evidence")
async def evidence_of(
    objects: ObjectIds,
    caller: Service,
    audit: AuditService,
    size: Size = None,
    after_index: Annotated[web.Whole, Query(ge=-1, le=INTEGER_MAX)] = -1,
    limit: Annotated[web.Whole, Query(ge=1, le=web.LIMIT_MAX)] = web.LIMIT_MAX,
) -> EvidenceView:
    """Entries about any of the objects (ids with commas between), for a service whose duty they are."""
    return await duty.entries_of(audit, caller, objects.split(","), size, after_index, limit)


@router.get("/evidence/bundle")
async def evidence_bundle(objects: ObjectIds, caller: Service, audit: AuditService) -> EvidenceFileView:
    """The same as one file that is checked offline, as far as the map of keys reaches."""
    return await duty.bundle_of(audit, caller, objects.split(","))


@router.get("/facts/{fact_id}")
async def fact(fact_id: FactId, caller: Service, audit: AuditService) -> FactPlaceView:
    """Where a fact that the asking service reported stands in the log."""
    return await duty.place_of(audit, caller, fact_id)


@router.get("/facts/{fact_id}/beacon")
async def beacon(fact_id: FactId, caller: Service, audit: AuditService) -> FactBeaconView:
    """The first checkpoint over a fact that the asking service reported: a draw goes by its root."""
    return await duty.beacon_of(audit, caller, fact_id)

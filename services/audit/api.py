"""What can be asked of `audit`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response
from fastapi.responses import PlainTextResponse, StreamingResponse

from services.audit.actions import answering, duty, evidence, export, intake, reading
from services.audit.actions.audit import Audit
from services.audit.actions.reading import TileContent, Wanted
from services.audit.schemas import (
    INTEGER_MAX,
    AnswerView,
    Asked,
    ConsistencyView,
    EntriesView,
    EntryView,
    EvidenceFileView,
    EvidenceView,
    FactPlaceView,
    InclusionView,
    NewBatch,
    Receipt,
    SourceView,
)  # fmt: skip
from shared import web
from shared.ids import FactId, ParticipantId
from shared.permission import Authenticated, Public, Service, Supervisor

router = APIRouter(prefix="/audit/v1", tags=["audit"])
AuditService = Annotated[Audit, Depends(web.service)]
Index = Annotated[web.Whole, Path(ge=0, le=INTEGER_MAX)]
TilePath = Annotated[str, Path(max_length=100)]
Size = Annotated[web.Whole | None, Query(ge=0, le=INTEGER_MAX)]
ObjectId = Annotated[str | None, Query(alias="object", max_length=100, pattern="^[a-z_]+_[0-9a-f]{32}$")]
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


@router.post("/batches")
async def take(new: NewBatch, caller: Service, audit: AuditService) -> Receipt:
    """Report facts. The same again gets the same places; a gap is answered with where to go on."""
    return await intake.take(audit, caller, new.batch())


@router.get("/sources/{service}/{stripe}")
async def source(
    service: Annotated[str, Path(pattern="^[a-z_]{1,32}$")],
    stripe: Annotated[web.Whole, Path(ge=0, le=2**31 - 1)],
    _: Supervisor,
    audit: AuditService,
) -> SourceView:
    """How far the log has a stripe of a service."""
    head = await intake.source(audit, service, stripe)
    return SourceView(service=service, stripe=stripe, seq=head.seq, hash=head.hash.hex())


@router.get("/log/checkpoint", response_class=PlainTextResponse)
async def checkpoint(_: Public, audit: AuditService) -> Response:
    """The newest signed checkpoint (C2SP tlog-checkpoint)."""
    return PlainTextResponse(await reading.newest_checkpoint(audit))


@router.get("/log/tile/entries/{path:path}", response_class=Response)
async def entry_bundle(path: TilePath, caller: Supervisor, audit: AuditService) -> Response:
    """Entries as they were hashed, by 256 (C2SP tlog-tiles)."""
    return _tile(await reading.entry_bundle(audit, caller, path), public=False)


@router.get("/log/tile/{level}/{path:path}", response_class=Response)
async def hash_tile(
    level: Annotated[web.Whole, Path(ge=0, le=INTEGER_MAX)], path: TilePath, _: Public, audit: AuditService
) -> Response:
    """Hashes of the tree, by 256 (C2SP tlog-tiles)."""
    return _tile(await reading.hash_tile(audit, level, path), public=True)


@router.get("/entries/{index}")
async def entry(index: Index, caller: Authenticated, audit: AuditService) -> EntryView:
    """An entry, to supervisors and to the organisations it concerns."""
    return await reading.one_entry(audit, caller, index)


@router.get("/entries")
async def entries(
    caller: Authenticated,
    audit: AuditService,
    fact_id: FactId | None = None,
    object_id: ObjectId = None,
    organisation_id: Annotated[ParticipantId | None, Query(alias="organisation")] = None,
    after_index: Annotated[web.Whole, Query(ge=-1, le=INTEGER_MAX)] = -1,
    limit: Annotated[web.Whole, Query(ge=1, le=web.LIMIT_MAX)] = web.LIMIT_DEFAULT,
) -> EntriesView:
    """Entries in order, to supervisors; to others those that concern their organisation."""
    wanted = Wanted(fact_id, object_id, organisation_id)
    return await reading.entries(audit, caller, wanted, after_index, limit)


@router.get("/queries")
async def answer(asked: Asking, page: web.PageQuery, caller: Authenticated, audit: AuditService) -> AnswerView:
    """All entries that answer a question, with the proof that they are all; to an organisation, those of its own."""
    return await answering.answer(audit, caller, asked.question(), page)


@router.get("/queries/bundle", response_class=StreamingResponse)
async def answer_bundle(asked: Asking, caller: Supervisor, audit: AuditService) -> StreamingResponse:
    """The whole answer in one file, for the offline verifier. Recorded before the first byte."""
    members = await evidence.export(audit, caller.actor, asked.question(), has_tail=True)
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


@router.get("/proofs/inclusion")
async def inclusion(
    index: Annotated[web.Whole, Query(ge=0, le=INTEGER_MAX)], _: Public, audit: AuditService, size: Size = None
) -> InclusionView:
    """The proof that an entry is in the log."""
    return await reading.inclusion(audit, index, size)


@router.get("/proofs/inclusion.tlog-proof", response_class=PlainTextResponse)
async def stand_alone_proof(
    index: Annotated[web.Whole, Query(ge=0, le=INTEGER_MAX)], _: Public, audit: AuditService, size: Size = None
) -> Response:
    """The same as a file that stands alone, with the checkpoint and its cosignatures (C2SP tlog-proof)."""
    return PlainTextResponse(await reading.stand_alone_proof(audit, index, size))


@router.get("/proofs/consistency")
async def consistency(
    first: Annotated[web.Whole, Query(ge=1, le=INTEGER_MAX)], _: Public, audit: AuditService, second: Size = None
) -> ConsistencyView:
    """The proof that one log is the beginning of another."""
    return await reading.consistency(audit, first, second)


@router.get("/bundle", response_class=StreamingResponse)
async def bundle(caller: Supervisor, audit: AuditService, size: Size = None) -> StreamingResponse:
    """The whole log up to a checkpoint, for the offline verifier. Recorded before the first byte."""
    members = await export.export(audit, caller, size)
    headers = {"Content-Disposition": 'attachment; filename="yaosu-log.tar"'}
    return StreamingResponse(members, headers=headers, media_type="application/x-tar")


def _tile(tile: TileContent, *, public: bool) -> Response:
    # A full tile never changes; one that is being filled is asked for again under another name.
    headers = {"Cache-Control": "public, max-age=31536000, immutable"} if public and tile.is_full else {}
    return Response(tile.content, headers=headers, media_type="application/octet-stream")

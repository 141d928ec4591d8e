"""The log itself: what sources hand in, its entries, tiles, checkpoints and proofs."""

from typing import Annotated

from fastapi import Path, Query, Response
from fastapi.responses import PlainTextResponse, StreamingResponse

from services.audit.actions import excerpt, intake, reading
from services.audit.actions.reading import TileContent, Wanted
from services.audit.api.service import PREFIX, AuditService, Index, ObjectId, Size, tar
from services.audit.schemas.log import (
    INTEGER_MAX,
    ConsistencyView,
    EntriesView,
    EntryView,
    InclusionView,
    NewBatch,
    Receipt,
    SourceView,
)
from shared import web
from shared.ids import FactId, ParticipantId
from shared.permission import LogReader, Public, Service, Supervisor
from shared.routing import Router

router = Router(prefix=PREFIX)
TilePath = Annotated[str, Path(max_length=100)]


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
async def entry(index: Index, caller: LogReader, audit: AuditService) -> EntryView:
    """An entry, to supervisors and to the organisations it concerns."""
    return await reading.one_entry(audit, caller, index)


@router.get("/entries")
async def entries(
    caller: LogReader,
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
    """The whole log up to a checkpoint, for the offline verifier. Recorded before the first byte. To a regulator it is
    an excerpt where something in it is read under a case only."""
    return tar(await excerpt.of_log(audit, caller, size))


def _tile(tile: TileContent, *, public: bool) -> Response:
    # A full tile never changes; one that is being filled is asked for again under another name.
    headers = {"Cache-Control": "public, max-age=31536000, immutable"} if public and tile.is_full else {}
    return Response(tile.content, headers=headers, media_type="application/octet-stream")

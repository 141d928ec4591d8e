"""What can be asked of `audit`."""

from collections.abc import AsyncGenerator
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response
from fastapi.responses import PlainTextResponse, StreamingResponse

from services.audit.actions import (
    answering,
    case_reading,
    disclosure,
    duty,
    evidence,
    excerpt,
    intake,
    pruning,
    reading,
)
from services.audit.actions import case as cases
from services.audit.actions import redaction as redactions
from services.audit.actions import sampling as samplings
from services.audit.actions.audit import Audit
from services.audit.actions.reading import TileContent, Wanted
from services.audit.schemas import (
    INTEGER_MAX,
    AnswerView,
    Asked,
    CaseApproval,
    CaseClosing,
    CaseExtension,
    CaseRefusal,
    CaseView,
    ConsistencyView,
    EntriesView,
    EntryView,
    EvidenceFileView,
    EvidenceView,
    FactPlaceView,
    FieldView,
    InclusionView,
    NewBatch,
    NewCase,
    NewDisclosure,
    NewRedaction,
    NewSampling,
    OpenedFieldView,
    Receipt,
    RedactionCountView,
    RedactionRefusal,
    RedactionView,
    RetentionView,
    SamplingView,
    SourceView,
)  # fmt: skip
from shared import web
from shared.idempotency import Keyed
from shared.ids import CaseId, FactId, ParticipantId, RedactionId, SamplingId
from shared.permission import (
    Authenticated,
    OperatorAudit,
    OperatorSecurity,
    Public,
    Regulator,
    Service,
    Staff,
    Supervisor,
)
from shared.web import Listing, PageQuery, created

PREFIX = "/audit/v1"
router = APIRouter(prefix=PREFIX, tags=["audit"])
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
    return _tar(await excerpt.of_log(audit, caller, size))


@router.post("/cases", status_code=201)
async def open_case(
    new: NewCase, regulator: Regulator, once: Keyed, audit: AuditService, response: Response
) -> CaseView:  # fmt: skip
    """Open a case 立案. One that reaches G5 waits up to seven days for a second regulator."""
    case = await cases.open_case(audit, regulator, new.form(), once)
    created(response, f"{PREFIX}/cases/{case.id}")
    return CaseView.of(case)


@router.get("/cases")
async def listed_cases(regulator: Regulator, audit: AuditService, page: PageQuery) -> Listing[CaseView]:
    """Your cases, and those that wait for a second regulator, oldest first."""
    found = await cases.listed(audit, regulator, page)
    return Listing[CaseView].of([CaseView.of(each) for each in found], page, lambda case: case.id)


@router.get("/cases/{case_id}")
async def seen_case(case_id: CaseId, regulator: Regulator, audit: AuditService) -> CaseView:
    """A case with every step of it, to its officers; one that waits for a second regulator, to every regulator."""
    return CaseView.of(await cases.seen(audit, regulator, case_id))


@router.post("/cases/{case_id}/approval")
async def approve_case(
    case_id: CaseId, yes: CaseApproval, regulator: Regulator, once: Keyed, audit: AuditService
) -> CaseView:  # fmt: skip
    """A second regulator's yes to the scope of a case that reaches G5."""
    return CaseView.of(await cases.approve(audit, regulator, case_id, yes.reason, once))


@router.post("/cases/{case_id}/refusal")
async def refuse_case(
    case_id: CaseId, no: CaseRefusal, regulator: Regulator, once: Keyed, audit: AuditService
) -> CaseView:  # fmt: skip
    """A regulator's no to a case that waits."""
    return CaseView.of(await cases.refuse(audit, regulator, case_id, no.reason_code, no.reason, once))


@router.post("/cases/{case_id}/extension")
async def extend_case(
    case_id: CaseId, more: CaseExtension, regulator: Regulator, once: Keyed, audit: AuditService
) -> CaseView:  # fmt: skip
    """More time for an open case: at most 90 days at once, three times. From G5 another officer gives it."""
    return CaseView.of(await cases.extend(audit, regulator, case_id, more.expires_at, more.reason, once))


@router.post("/cases/{case_id}/closing")
async def close_case(
    case_id: CaseId, end: CaseClosing, regulator: Regulator, once: Keyed, audit: AuditService
) -> CaseView:  # fmt: skip
    """The end of a case 结案, with its finding."""
    return CaseView.of(await cases.close(audit, regulator, case_id, end.outcome, end.finding, once))


@router.get("/cases/{case_id}/entries")
async def entries_of_case(
    case_id: CaseId,
    regulator: Regulator,
    audit: AuditService,
    after_index: Annotated[web.Whole, Query(ge=-1, le=INTEGER_MAX)] = -1,
    limit: Annotated[web.Whole, Query(ge=1, le=web.LIMIT_MAX)] = web.LIMIT_DEFAULT,
) -> EntriesView:
    """Entries that an open case reaches, in order. Each reading is an entry that names the case."""
    return await case_reading.entries(audit, regulator, case_id, after_index, limit)


@router.get("/cases/{case_id}/entries/{index}")
async def entry_of_case(case_id: CaseId, index: Index, regulator: Regulator, audit: AuditService) -> EntryView:
    """An entry that an open case reaches."""
    return await case_reading.one_entry(audit, regulator, case_id, index)


@router.get("/cases/{case_id}/bundle", response_class=StreamingResponse)
async def bundle_of_case(
    case_id: CaseId, regulator: Regulator, audit: AuditService, size: Size = None
) -> StreamingResponse:  # fmt: skip
    """The case's evidence for the offline verifier: every hash of the log, and the entries that the case reaches."""
    return _tar(await excerpt.of_case(audit, regulator, case_id, size))


@router.post("/samplings", status_code=201)
async def commit_sampling(
    new: NewSampling, regulator: Regulator, once: Keyed, audit: AuditService, response: Response
) -> SamplingView:  # fmt: skip
    """Have subjects and inspectors drawn by lot 双随机. The log first signs both lists and the hash of a seed."""
    sampling = await samplings.commit(audit, regulator, new.plan(), once)
    created(response, f"{PREFIX}/samplings/{sampling.id}")
    return SamplingView.of(sampling)


@router.get("/samplings")
async def listed_samplings(_: Regulator, audit: AuditService, page: PageQuery) -> Listing[SamplingView]:
    """Every sampling, oldest first."""
    found = await samplings.listed(audit, page)
    return Listing[SamplingView].of([SamplingView.of(each) for each in found], page, lambda sampling: sampling.id)


@router.get("/samplings/{sampling_id}")
async def seen_sampling(sampling_id: SamplingId, _: Regulator, audit: AuditService) -> SamplingView:
    """A sampling; once drawn, with the seed and what else it takes to draw it again."""
    return SamplingView.of(await samplings.seen(audit, sampling_id))


@router.post("/disclosures", status_code=201)
async def disclose(new: NewDisclosure, caller: Service, audit: AuditService) -> FieldView:
    """Tell what a commitment in a fact of yours stands for. The same again changes nothing."""
    told = disclosure.Told(
        new.fact_id, new.name, new.value, bytes.fromhex(new.salt), new.subject, new.purpose
    )  # fmt: skip
    return FieldView.model_validate(await disclosure.disclose(audit, caller, told))


@router.get("/cases/{case_id}/entries/{index}/fields")
async def fields_of_case(
    case_id: CaseId, index: Index, regulator: Regulator, audit: AuditService
) -> list[OpenedFieldView]:  # fmt: skip
    """What stands behind the commitments of an entry that an open case reaches."""
    found = await disclosure.fields(audit, regulator, case_id, index)
    return [OpenedFieldView.model_validate(each) for each in found]


@router.post("/redactions", status_code=201)
async def propose_redaction(
    new: NewRedaction, operator: OperatorSecurity, once: Keyed, audit: AuditService, response: Response
) -> RedactionView:  # fmt: skip
    """Ask that what is kept of a subject for a purpose be restricted, or erased. An auditor decides within 15 days."""
    proposed = await redactions.propose(audit, operator, *new.told(), once)
    created(response, f"{PREFIX}/redactions/{proposed.id}")
    return RedactionView.model_validate(proposed)


@router.get("/redactions")
async def listed_redactions(_: Staff, audit: AuditService, page: PageQuery) -> Listing[RedactionView]:
    """Every redaction, oldest first."""
    found = await redactions.listed(audit, page)
    return Listing[RedactionView].of([RedactionView.model_validate(each) for each in found], page, lambda one: one.id)


@router.get("/redactions/{redaction_id}")
async def seen_redaction(redaction_id: RedactionId, _: Staff, audit: AuditService) -> RedactionView:
    """A redaction, and who decides on it until when."""
    return RedactionView.model_validate(await redactions.seen(audit, redaction_id))


@router.post("/redactions/{redaction_id}/approval")
async def approve_redaction(
    redaction_id: RedactionId, operator: OperatorAudit, once: Keyed, audit: AuditService
) -> RedactionView:  # fmt: skip
    """The second person's yes, with which it is done."""
    return RedactionView.model_validate(await redactions.approve(audit, operator, redaction_id, once))


@router.post("/redactions/{redaction_id}/refusal")
async def refuse_redaction(
    redaction_id: RedactionId, no: RedactionRefusal, operator: OperatorAudit, once: Keyed, audit: AuditService
) -> RedactionView:  # fmt: skip
    """The second person's no."""
    return RedactionView.model_validate(
        await redactions.refuse(audit, operator, redaction_id, no.reason_code, no.reason, once)
    )


@router.get("/redaction-counts")
async def redaction_counts(_: Supervisor, audit: AuditService) -> list[RedactionCountView]:
    """How often each operator had a hand in a redaction, so that it is noticed where there are many."""
    found = await redactions.counts(audit)
    return [RedactionCountView(operator=operator, count=count) for operator, count in sorted(found.items())]


@router.get("/retention")
async def retention(_: Public, audit: AuditService) -> RetentionView:
    """How long the log keeps entries of each class, and from which index on it still has them (C2SP minimum index)."""
    policy, minimum_index = await pruning.terms(audit)
    return RetentionView(policy_id=policy.id, days={**policy.days}, minimum_index=minimum_index)


def _tar(members: AsyncGenerator[bytes]) -> StreamingResponse:
    headers = {"Content-Disposition": 'attachment; filename="yaosu-log.tar"'}
    return StreamingResponse(members, headers=headers, media_type="application/x-tar")


def _tile(tile: TileContent, *, public: bool) -> Response:
    # A full tile never changes; one that is being filled is asked for again under another name.
    headers = {"Cache-Control": "public, max-age=31536000, immutable"} if public and tile.is_full else {}
    return Response(tile.content, headers=headers, media_type="application/octet-stream")

"""The documents of an admission: what an organisation shows, and how the exchange checks it."""

from fastapi import Response

from services.identity.actions import document
from services.identity.actions.document import Finding
from services.identity.actions.sending import Filed
from services.identity.api.service import PREFIX, IdentityService
from services.identity.schemas.documents import (
    CatalogueView,
    DocumentView,
    NewCheck,
    NewDocument,
    NewIdentity,
    Seen,
)
from shared.idempotency import Keyed
from shared.ids import DocumentId, ParticipantId
from shared.permission import Authenticated, OperatorSecurity, Public
from shared.routing import Router
from shared.web import Listing, PageQuery, created

router = Router(prefix=PREFIX)


def filed_of(new: NewDocument) -> Filed:
    return Filed(new.kind, new.content_hash, new.issued_at, new.valid_until)


@router.get("/merchant-classes")
async def merchant_classes(_: Public, identity: IdentityService) -> CatalogueView:
    """The classes of data merchants (数商), and what each must prove for which clearance; the version in force."""
    return CatalogueView.of(await document.catalogue(identity), identity.sponsored_classes)


@router.post("/participants/{participant_id}/documents", status_code=201)
async def file_document(
    participant_id: ParticipantId, new: NewDocument, caller: Authenticated, once: Keyed, identity: IdentityService,
    response: Response,
) -> DocumentView:  # fmt: skip
    """Show a document of your organisation. Requires its administrator."""
    shown = await document.file(identity, caller, participant_id, filed_of(new), once)
    created(response, f"{PREFIX}/participants/{participant_id}/documents")
    return DocumentView.of(shown)


@router.get("/participants/{participant_id}/documents")
async def documents(
    participant_id: ParticipantId, caller: Authenticated, identity: IdentityService, page: PageQuery
) -> Listing[DocumentView]:
    """What your organisation has shown, and what came of it; any organisation's, for the platform's staff."""
    found = await document.documents(identity, caller, participant_id, page)
    return Listing[DocumentView].of([DocumentView.of(each) for each in found], page, lambda view: view.id)


@router.post("/participants/{participant_id}/documents/{document_id}/check")
async def check_document(
    participant_id: ParticipantId, document_id: DocumentId, new: NewCheck, caller: OperatorSecurity, once: Keyed,
    identity: IdentityService,
) -> DocumentView:  # fmt: skip
    """Say what a look at a document found, or have the company register asked. Again within half a year."""
    if seen := new.seen():
        finding = Finding(seen.passed, seen.reference, seen.reason_code)
        checked = await document.check_by_hand(identity, caller, participant_id, document_id, finding, once)
    else:
        checked = await document.check_in_register(identity, caller, participant_id, document_id, once)
    return DocumentView.of(checked)


@router.post("/participants/{participant_id}/representative", status_code=201)
async def identify_representative(
    participant_id: ParticipantId, new: NewIdentity, caller: Authenticated, once: Keyed, identity: IdentityService,
    response: Response,
) -> DocumentView:  # fmt: skip
    """Have your representative verified by the national network identity. The result is kept, and nothing else."""
    found = await document.identify(identity, caller, participant_id, new.credential, once)
    created(response, f"{PREFIX}/participants/{participant_id}/documents")
    return DocumentView.of(found)


@router.post("/participants/{participant_id}/representative/seen", status_code=201)
async def see_representative(
    participant_id: ParticipantId, new: Seen, caller: OperatorSecurity, once: Keyed, identity: IdentityService,
    response: Response,
) -> DocumentView:  # fmt: skip
    """Record that the representative's papers were looked at. The result is kept, and no image."""
    finding = Finding(new.passed, new.reference, new.reason_code)
    found = await document.identify_by_hand(identity, caller, participant_id, finding, once)
    created(response, f"{PREFIX}/participants/{participant_id}/documents")
    return DocumentView.of(found)

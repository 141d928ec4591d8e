"""What can be asked about petitions: by the provider who hands one in, and by the operators, who decide."""

from fastapi import Response

from services.catalog.actions import petition as actions
from services.catalog.api.service import PREFIX, CatalogService
from services.catalog.schemas.assets import Refusal
from services.catalog.schemas.petitions import Agreement, NewLowering, NewRiskAssessment, PetitionView, State
from shared import web
from shared.idempotency import Keyed
from shared.ids import PetitionId, VersionId
from shared.permission import FileReader, OperatorBusiness, Provider
from shared.routing import Router
from shared.web import Listing, PageQuery

router = Router(prefix=PREFIX)


@router.post("/versions/{version_id}/lowerings", status_code=201)
async def petition_lowering(
    version_id: VersionId, new: NewLowering, provider: Provider, once: Keyed, catalog: CatalogService,
    response: Response,
) -> PetitionView:  # fmt: skip
    """Ask for a lower grade: name the impacts, findings and flags that are mistaken, and the evidence for that."""
    of = (version_id, new.strike(), new.rationale, new.evidence_hash)
    petition = await actions.submit(catalog, provider, *of, once)
    web.created(response, f"{PREFIX}/petitions/{petition.id}")
    return PetitionView.of(petition)


@router.post("/versions/{version_id}/risk-assessments", status_code=201)
async def petition_assessment(
    version_id: VersionId, new: NewRiskAssessment, provider: Provider, once: Keyed, catalog: CatalogService,
    response: Response,
) -> PetitionView:  # fmt: skip
    """Hand in the risk assessment of important data. Once two operators accept it, it holds for a year."""
    of = (version_id, new.assessment(), new.rationale, new.evidence_hash)
    petition = await actions.submit(catalog, provider, *of, once)
    web.created(response, f"{PREFIX}/petitions/{petition.id}")
    return PetitionView.of(petition)


@router.get("/petitions")
async def listed(
    caller: FileReader, catalog: CatalogService, page: PageQuery, version_id: VersionId | None = None,
    state: State | None = None,
) -> Listing[PetitionView]:  # fmt: skip
    """Your petitions, or, for the operators and the regulator, everyone's; newest first."""
    found = await actions.petitions(catalog, caller, version_id, state, page)
    return Listing[PetitionView].of([PetitionView.of(one) for one in found], page, key=lambda view: view.id)


@router.get("/petitions/{petition_id}")
async def petition(petition_id: PetitionId, caller: FileReader, catalog: CatalogService) -> PetitionView:
    """One petition."""
    return PetitionView.of(await actions.petition(catalog, caller, petition_id))


@router.post("/petitions/{petition_id}/agree")
async def agree(
    petition_id: PetitionId, yes: Agreement, operator: OperatorBusiness, once: Keyed, catalog: CatalogService
) -> PetitionView:
    """Agree. From G4, and to every risk assessment, the first of two operators only agrees; the second grants it."""
    return PetitionView.of(await actions.agree(catalog, operator, petition_id, yes.note, once))


@router.post("/petitions/{petition_id}/refuse")
async def refuse(
    petition_id: PetitionId, no: Refusal, operator: OperatorBusiness, once: Keyed, catalog: CatalogService
) -> PetitionView:
    """Refuse it; the grade stays as it is."""
    return PetitionView.of(await actions.refuse(catalog, operator, petition_id, no.reason_code, no.reason, once))


@router.post("/petitions/{petition_id}/withdraw")
async def withdraw(petition_id: PetitionId, provider: Provider, once: Keyed, catalog: CatalogService) -> PetitionView:
    """Take your petition back."""
    return PetitionView.of(await actions.withdraw(catalog, provider, petition_id, once))

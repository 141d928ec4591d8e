"""What can be asked about certificates, by anyone."""

from typing import Annotated

from fastapi import APIRouter, Query

from services.catalog.actions import asset as actions
from services.catalog.api.service import PREFIX, CatalogService
from services.catalog.schemas.assets import CertificateView
from shared.ids import CertificateId
from shared.permission import Public

router = APIRouter(prefix=PREFIX)


@router.get("/certificates")
async def certificate_by_code(
    query_code: Annotated[str, Query(min_length=14, max_length=14)], _: Public, catalog: CatalogService
) -> CertificateView:
    """The certificate with this query code."""
    return CertificateView.of(*await actions.certificate_by_code(catalog, query_code))


@router.get("/certificates/{certificate_id}")
async def certificate(certificate_id: CertificateId, _: Public, catalog: CatalogService) -> CertificateView:
    """A registration certificate."""
    return CertificateView.of(*await actions.certificate(catalog, certificate_id))

"""What can be asked about certificates, by anyone."""

import base64
from typing import Annotated

from fastapi import Query, Response

from services.catalog.actions import certificate as actions
from services.catalog.actions.certificate import Shown
from services.catalog.api.service import PREFIX, CatalogService
from services.catalog.schemas.assets import CertificateKeys, CertificateKeyView, CertificateView
from shared.ids import CertificateId
from shared.permission import Public, Visitor
from shared.routing import Router

router = Router(prefix=PREFIX)


@router.get("/certificates")
async def certificate_by_code(
    query_code: Annotated[str, Query(min_length=14, max_length=14)], _: Public, catalog: CatalogService
) -> CertificateView:
    """The certificate with this query code, and what is so of it now."""
    return _view(await actions.certificate_by_code(catalog, query_code))


@router.get("/certificates/keys")
async def keys(_: Public, catalog: CatalogService) -> CertificateKeys:
    """The keys that certificates are signed with, the present one first, and those that were before."""
    listed = [
        CertificateKeyView(
            key_id=key_id, algorithm="ed25519", public_key=base64.b64encode(key).decode(), is_current=is_current
        )
        for key_id, key, is_current in actions.keys(catalog)
    ]
    return CertificateKeys(keys=listed)


@router.get("/certificates/{certificate_id}")
async def certificate(certificate_id: CertificateId, _: Public, catalog: CatalogService) -> CertificateView:
    """A registration certificate, and what is so of it now."""
    return _view(await actions.certificate(catalog, certificate_id))


@router.get("/certificates/{certificate_id}/certificate.json", response_class=Response)
async def file(certificate_id: CertificateId, visitor: Visitor, catalog: CatalogService) -> Response:
    """The signed file, for `yaosu verify-certificate`: where the title shows to you, or the rights are yours."""
    content = await actions.file(catalog, visitor, certificate_id)
    named = {"Content-Disposition": f'attachment; filename="{certificate_id}.json"'}
    return Response(content, media_type="application/json", headers=named)


def _view(shown: Shown) -> CertificateView:
    return CertificateView.of(shown.signed.certificate, shown.asset, shown.status, bool(shown.signed.document))

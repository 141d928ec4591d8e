"""What can be asked of `delivery`."""

import asyncio
import base64
from collections.abc import AsyncGenerator
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.responses import StreamingResponse
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from services.delivery.actions import delivery as deliveries
from services.delivery.actions import sample as samples
from services.delivery.actions import upload as uploads
from services.delivery.actions.delivery import Sending
from services.delivery.actions.depot import Depot
from services.delivery.schemas import DeliveryView, NewUpload, SampleView, UploadView
from shared import web
from shared.errors import Unreadable
from shared.idempotency import Keyed
from shared.ids import EntitlementId, UploadId, UseId, VersionId
from shared.permission import Authenticated, Buyer, Party, Provider

router = APIRouter(prefix="/delivery/v1", tags=["delivery"])
DeliveryService = Annotated[Depot, Depends(web.service)]
STREAMS = (r"/delivery/v1/uploads/[^/]+/content",)


@router.post("/uploads", status_code=201)
async def declare(
    new: NewUpload, provider: Provider, once: Keyed, depot: DeliveryService, response: Response
) -> UploadView:
    """Announce a file for a version of your own: its kind, size and SHA-256."""
    upload = await uploads.declare(depot, provider, new, once)
    web.created(response, f"/delivery/v1/uploads/{upload.id}")
    return UploadView.of(upload)


@router.put("/uploads/{upload_id}/content")
async def receive(upload_id: UploadId, request: Request, provider: Provider, depot: DeliveryService) -> UploadView:
    """Send the bytes as they are. Others than announced are refused; after a broken connection, send them again."""
    length = request.headers.get("Content-Length", "")
    announced_bytes = int(length) if length.isdecimal() else None
    return UploadView.of(await uploads.receive(depot, provider, upload_id, _body(request), announced_bytes))


@router.get("/uploads/{upload_id}")
async def upload(upload_id: UploadId, provider: Provider, depot: DeliveryService) -> UploadView:
    """One of your own uploads: what became of it, who acts next, and why it was refused."""
    return UploadView.of(await uploads.upload(depot, provider, upload_id))


@router.get("/versions/{version_id}/sample")
async def sample(version_id: VersionId, party: Party, depot: DeliveryService) -> SampleView:
    """A few rows, real or desensitised as the grade and your clearance allow."""
    return await samples.sample(depot, party, version_id)


@router.get("/entitlements/{entitlement_id}/content", response_class=Response)
async def content(
    entitlement_id: EntitlementId,
    buyer: Buyer,
    depot: DeliveryService,
    use_id: Annotated[UseId | None, Header()] = None,
) -> Response:
    """What you are entitled to, in your contract's form. Charges one use; `Use-Id` names one that is tried again.

    In a desensitised CSV an apostrophe leads every text that a spreadsheet would take for a formula.
    """
    return ContentResponse(await deliveries.deliver(depot, buyer, entitlement_id, use_id))


@router.get("/deliveries")
async def listed(
    caller: Authenticated, depot: DeliveryService, page: web.PageQuery, entitlement_id: EntitlementId | None = None
) -> web.Listing[DeliveryView]:
    """Deliveries to and from your organisation, oldest first; all of them for a supervisor."""
    found = await deliveries.listed(depot, caller, entitlement_id, page)
    return web.Listing[DeliveryView].of([DeliveryView.of(one) for one in found], page, lambda one: one.id)


class ContentResponse(StreamingResponse):
    """The bytes with what is known of them; the end is recorded however the response ends."""

    def __init__(self, sending: Sending) -> None:
        delivery, upload = sending.delivery, sending.upload
        digest = base64.b64encode(bytes.fromhex(delivery.content_hash)).decode()
        headers = {
            "Content-Length": str(delivery.bytes),
            "ETag": f'"{delivery.content_hash}"',
            "Repr-Digest": f"sha-256=:{digest}:",  # RFC 9530
            "Cache-Control": "no-store",
            "Accept-Ranges": "none",
            "Content-Disposition": _disposition(
                f"{delivery.version_id}.{upload.suffix}", upload.file_name, upload.suffix
            ),
            "Delivery-Id": delivery.id,
            "Use-Id": delivery.use_id,
        }
        super().__init__(sending, headers=headers, media_type=upload.media_type)
        self._sending = sending

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        leaving = asyncio.create_task(super().__call__(scope, receive, send))
        watching = asyncio.create_task(self._sending.watch())
        try:
            await asyncio.wait({leaving, watching}, return_when=asyncio.FIRST_COMPLETED)
            await (leaving if leaving.done() else watching)
        finally:
            leaving.cancel()
            watching.cancel()
            await asyncio.gather(leaving, watching, return_exceptions=True)
            await self._sending.close()


def _disposition(plain: str, name: str | None, suffix: str) -> str:
    # RFC 6266: the plain name for everyone, the provider's own encoded so that it cannot end the header, and with the
    # ending of what it is: `sales.csv.exe` would be run by whoever opens it.
    if name is None:
        return f'attachment; filename="{plain}"'
    told = name if name.lower().endswith(f".{suffix}") else f"{name}.{suffix}"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(told, safe='')}"


async def _body(request: Request) -> AsyncGenerator[bytes]:
    try:
        async for chunk in request.stream():
            yield chunk
    except ClientDisconnect as error:
        raise Unreadable(detail="the connection ended before the content did") from error

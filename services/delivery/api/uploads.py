"""What can be asked about uploads: announcing a file, sending its bytes, and looking what became of it."""

from collections.abc import AsyncGenerator

from fastapi import Request, Response
from starlette.requests import ClientDisconnect

from services.delivery.actions import upload as actions
from services.delivery.api.service import PREFIX, DeliveryService
from services.delivery.schemas.uploads import NewUpload, UploadView
from shared import web
from shared.errors import Unreadable
from shared.idempotency import Keyed
from shared.ids import UploadId
from shared.permission import Provider
from shared.routing import Router

router = Router(prefix=PREFIX)
STREAMS = (rf"{PREFIX}/uploads/[^/]+/content",)


@router.post("/uploads", status_code=201)
async def declare(
    new: NewUpload, provider: Provider, once: Keyed, depot: DeliveryService, response: Response
) -> UploadView:
    """Announce a file for a version of your own: its kind, size and SHA-256."""
    upload = await actions.declare(depot, provider, new, once)
    web.created(response, f"{PREFIX}/uploads/{upload.id}")
    return UploadView.of(upload)


@router.put("/uploads/{upload_id}/content")
async def receive(upload_id: UploadId, request: Request, provider: Provider, depot: DeliveryService) -> UploadView:
    """Send the bytes as they are. Others than announced are refused; after a broken connection, send them again."""
    length = request.headers.get("Content-Length", "")
    announced_bytes = int(length) if length.isdecimal() else None
    return UploadView.of(await actions.receive(depot, provider, upload_id, _body(request), announced_bytes))


@router.get("/uploads/{upload_id}")
async def upload(upload_id: UploadId, provider: Provider, depot: DeliveryService) -> UploadView:
    """One of your own uploads: how far its inspection is, who acts next, and why and at which line it was refused."""
    return UploadView.of(*await actions.upload(depot, provider, upload_id))


async def _body(request: Request) -> AsyncGenerator[bytes]:
    try:
        async for chunk in request.stream():
            yield chunk
    except ClientDisconnect as error:
        raise Unreadable(detail="the connection ended before the content did") from error

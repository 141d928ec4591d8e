"""What can be asked about contents and their deliveries.

Promises: a content's answer says its size and hash before the first byte, and its end is recorded however it ends.
"""

import asyncio
import base64
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Header, Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from services.delivery.actions import delivery as actions
from services.delivery.actions.delivery import Sending
from services.delivery.api.service import PREFIX, DeliveryService
from services.delivery.schemas.deliveries import DeliveryView
from shared import web
from shared.ids import EntitlementId, UseId
from shared.permission import Authenticated, Buyer

router = APIRouter(prefix=PREFIX)


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
    return ContentResponse(await actions.deliver(depot, buyer, entitlement_id, use_id))


@router.get("/deliveries")
async def listed(
    caller: Authenticated, depot: DeliveryService, page: web.PageQuery, entitlement_id: EntitlementId | None = None
) -> web.Listing[DeliveryView]:
    """Deliveries to and from your organisation, oldest first; all of them for a supervisor."""
    found = await actions.listed(depot, caller, entitlement_id, page)
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

"""What can be asked about contents and their deliveries.

Promises: a content's answer says its size and hash before the first byte, and its end is recorded however it ends.
"""

import asyncio
import base64
import re
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

from fastapi import Header, Request, Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from services.delivery.actions import delivery as actions
from services.delivery.actions.delivery import Wanted
from services.delivery.actions.sending import Content, Sending
from services.delivery.api.service import PREFIX, DeliveryService
from services.delivery.schemas.deliveries import DeliveryView
from shared import web
from shared.access import Member
from shared.ids import EntitlementId, UseId
from shared.permission import Buyer, DealReader
from shared.quick import QuickRoute
from shared.routing import Router

router = Router(prefix=PREFIX)
WHOLE, PARTIAL = 200, 206
PURPOSE = r"^[a-z][a-z0-9_]{0,39}$"  # a word, as contracts have them
Purpose = Header(pattern=PURPOSE)
INSIDE = "/_content"  # the door's own location of contents, which nobody outside reaches: deploy/nginx.conf
JUDGED = ("If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since")  # by nginx, of a file's own date


@dataclass(frozen=True, slots=True)
class Asked:
    entitlement_id: EntitlementId
    use_id: UseId | None
    purpose: str | None


class ContentRoute(QuickRoute[Asked]):
    """By the quick way: a large content is asked for in many parts."""

    async def read(self, request: Request) -> Asked:
        use_id, purpose = (_once(request, name) for name in ("use-id", "purpose"))
        if purpose is not None and not re.fullmatch(PURPOSE, purpose):
            raise ValueError
        entitlement_id = EntitlementId(request.path_params["entitlement_id"])
        return Asked(entitlement_id, None if use_id is None else UseId(use_id), purpose)

    async def answer(self, request: Request, caller: Member, asked: Asked) -> Response:
        return await content(
            asked.entitlement_id, caller, await web.service(request), request, asked.use_id, asked.purpose
        )  # fmt: skip


async def content(
    entitlement_id: EntitlementId,
    buyer: Buyer,
    depot: DeliveryService,
    request: Request,
    use_id: Annotated[UseId | None, Header()] = None,
    purpose: Annotated[str | None, Purpose] = None,
) -> Response:
    """What you are entitled to, in your contract's form. Charges one use; `Use-Id` names one that is tried again.

    `Range` asks for one part, which is a delivery of its own: give it the `Use-Id` of the first, and `If-Range`.
    `Purpose` is one of your contract's; it may be left out where there is only one. In a desensitised CSV an apostrophe
    leads every text that a spreadsheet would take for a formula.
    """
    sending = await actions.deliver(depot, buyer, entitlement_id, use_id, purpose, _wanted(request))
    return HandedOver(sending) if sending.is_handed_over else ContentResponse(sending)


router.add_api_route(
    "/entitlements/{entitlement_id}/content", content, methods=["GET"], response_class=Response,
    route_class_override=ContentRoute,
)  # fmt: skip


@router.head("/entitlements/{entitlement_id}/content", response_class=Response)
async def head(
    entitlement_id: EntitlementId,
    buyer: Buyer,
    depot: DeliveryService,
    use_id: Annotated[UseId | None, Header()] = None,
    purpose: Annotated[str | None, Purpose] = None,
) -> Response:
    """Size, hash and kind of what you would be sent. Charges nothing; what you may not have is refused all the same."""
    found = await actions.look(depot, buyer, entitlement_id, use_id, purpose)
    return Response(headers=_told(found) | {"Content-Length": str(found.bytes)}, media_type=found.upload.media_type)


@router.get("/deliveries")
async def listed(
    caller: DealReader, depot: DeliveryService, page: web.PageQuery, entitlement_id: EntitlementId | None = None
) -> web.Listing[DeliveryView]:
    """Deliveries to and from your organisation, oldest first; all of them for a supervisor."""
    found = await actions.listed(depot, caller, entitlement_id, page)
    return web.Listing[DeliveryView].of([DeliveryView.of(one) for one in found], page, lambda one: one.id)


class ContentResponse(StreamingResponse):
    """The bytes with what is known of them; the end is recorded however the response ends."""

    def __init__(self, sending: Sending) -> None:
        span, media_type = sending.span, sending.content.upload.media_type
        headers = _told(sending.content) | _named(sending) | {"Content-Length": str(span.bytes)}
        if span.partial:
            headers["Content-Range"] = f"bytes {span.first}-{span.last}/{span.size}"
        super().__init__(sending, PARTIAL if span.partial else WHOLE, headers, media_type)
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


class HandedOver(Response):
    """No bytes, but where the door finds them: nginx sends the part that was asked for, with these headers."""

    def __init__(self, sending: Sending) -> None:
        headers = _told(sending.content) | _named(sending)
        del headers["Accept-Ranges"]  # nginx says so itself, and would say it twice
        place = f"{INSIDE}/{sending.content.content_id}"
        super().__init__(headers=headers | {"X-Accel-Redirect": place}, media_type=sending.content.upload.media_type)


def _once(request: Request, name: str) -> str | None:
    """Raises ValueError for a header that is there twice, or says nothing."""
    values = request.headers.getlist(name)
    if len(values) > 1 or values == [""]:
        raise ValueError
    return values[0] if values else None


def _wanted(request: Request) -> Wanted:
    headers = request.headers
    return Wanted(headers.get("Range"), headers.get("If-Range"), conditional=any(name in headers for name in JUDGED))


def _named(sending: Sending) -> dict[str, str]:
    return {"Delivery-Id": sending.delivery.id, "Use-Id": sending.delivery.use_id}


def _told(content: Content) -> dict[str, str]:
    upload = content.upload
    digest = base64.b64encode(bytes.fromhex(content.content_hash)).decode()
    return {
        "ETag": f'"{content.content_hash}"',
        "Repr-Digest": f"sha-256=:{digest}:",  # RFC 9530: of the whole, also beside a part
        "Cache-Control": "no-store",
        "Accept-Ranges": "bytes",
        "Content-Disposition": _disposition(f"{content.version_id}.{upload.suffix}", upload.file_name, upload.suffix),
    }


def _disposition(plain: str, name: str | None, suffix: str) -> str:
    # RFC 6266: the plain name for everyone, the provider's own encoded so that it cannot end the header, and with the
    # ending of what it is: `sales.csv.exe` would be run by whoever opens it.
    if name is None:
        return f'attachment; filename="{plain}"'
    told = name if name.lower().endswith(f".{suffix}") else f"{name}.{suffix}"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(told, safe='')}"

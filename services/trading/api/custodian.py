"""Where the custodian calls back. It has no token: its signature over the very bytes is its permission."""

from typing import Annotated

from fastapi import Header, Request

from services.trading.actions import custody
from services.trading.actions.custody import Callback
from services.trading.api.wallet import PREFIX, TreasuryService
from services.trading.schemas.money import CallbackTaken, CustodianCallback
from shared.permission import Public
from shared.routing import Router

router = Router(prefix=PREFIX)
Told = Annotated[str, Header(max_length=200)]
BODY = {
    "required": True,
    "content": {"application/json": {"schema": CustodianCallback.model_json_schema()}},
}


@router.post("/custodian/callbacks", openapi_extra={"requestBody": BODY})
async def take_callback(
    _: Public, request: Request, treasury: TreasuryService,
    custodian_timestamp: Told = "", custodian_event: Told = "", custodian_signature: Told = "",
) -> CallbackTaken:  # fmt: skip
    """Take the custodian's word that it carried an instruction out, or refused to; then ask it whether that is so.

    Signed with Ed25519 over `timestamp "." event "." raw body`. Sending it again is safe.
    """
    callback = Callback(custodian_timestamp, custodian_event, custodian_signature, await request.body())
    instruction = await custody.take_callback(treasury, callback)
    return CallbackTaken(event_id=custodian_event, state=instruction.state)

"""What can be asked about freeze orders (冻结令)."""

from fastapi import Response

from services.trading.actions import freeze as actions
from services.trading.actions.freeze import Wanted
from services.trading.actions.trading import party_of
from services.trading.api.service import PREFIX, TradingService
from services.trading.schemas.supervision import FreezeView, NewFreeze, NewLifting
from shared import web
from shared.access import Caller, Role
from shared.idempotency import Keyed
from shared.ids import FreezeId, ParticipantId
from shared.permission import BusinessOrRegulator, FreezeReader, Regulator, SecondRegulator
from shared.routing import Router
from shared.web import Listing, PageQuery

router = Router(prefix=f"{PREFIX}/freezes")


@router.post("", status_code=201)
async def propose(
    new: NewFreeze, caller: BusinessOrRegulator, once: Keyed, trading: TradingService, response: Response
) -> FreezeView:
    """Propose to freeze something; an operator, a listing only. Nothing is held before a second person confirms it."""
    wanted = Wanted(new.scope, new.subject_id, new.basis(), new.expires_at)
    freeze = await actions.propose(trading, caller, wanted, once)
    web.created(response, f"{PREFIX}/freezes/{freeze.id}")
    return FreezeView.of(freeze, for_supervisors=True)


@router.post("/{freeze_id}/confirmation")
async def confirm(freeze_id: FreezeId, caller: SecondRegulator, once: Keyed, trading: TradingService) -> FreezeView:
    """Freeze what another person proposed to. It holds from this moment on."""
    return FreezeView.of(await actions.confirm(trading, caller, freeze_id, once), for_supervisors=True)


@router.post("/{freeze_id}/lifting")
async def propose_lifting(
    freeze_id: FreezeId, new: NewLifting, caller: Regulator, once: Keyed, trading: TradingService
) -> FreezeView:
    """Propose to lift a freeze early. It holds until a second person of the regulator confirms that."""
    freeze = await actions.propose_lifting(trading, caller, freeze_id, new.ground, once)
    return FreezeView.of(freeze, for_supervisors=True)


@router.post("/{freeze_id}/lifting/confirmation")
async def lift(freeze_id: FreezeId, caller: SecondRegulator, once: Keyed, trading: TradingService) -> FreezeView:
    """Lift what another person proposed to. Everything goes on from this moment on."""
    return FreezeView.of(await actions.lift(trading, caller, freeze_id, once), for_supervisors=True)


@router.get("")
async def see_freezes(caller: FreezeReader, page: PageQuery, trading: TradingService) -> Listing[FreezeView]:
    """The freeze orders that concern you, newest first; everyone's for supervisors and operators of the business."""
    party_id = _party(caller)
    found = await actions.freezes(trading, party_id, page)
    views = [FreezeView.of(each, for_supervisors=party_id is None) for each in found]
    return Listing[FreezeView].of(views, page, lambda view: view.id)


@router.get("/{freeze_id}")
async def see_freeze(freeze_id: FreezeId, caller: FreezeReader, trading: TradingService) -> FreezeView:
    """A freeze order that concerns you: what it holds, on which basis, until when."""
    party_id = _party(caller)
    return FreezeView.of(await actions.freeze(trading, party_id, freeze_id), for_supervisors=party_id is None)


def _party(caller: Caller) -> ParticipantId | None:
    return None if Role.OPERATOR_BUSINESS in caller.roles else party_of(caller)

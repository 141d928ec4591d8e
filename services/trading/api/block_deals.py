"""What can be asked about block deals."""

from fastapi import Response

from services.trading.actions import block_deal as actions
from services.trading.actions.block_deal import Wanted
from services.trading.api.service import PREFIX, TradingService
from services.trading.schemas.block_deals import BlockDealState, BlockDealView, NewBlockAcceptance, NewBlockDeal
from services.trading.schemas.negotiations import NewApproval, NewRefusal, NewTermination
from shared import web
from shared.idempotency import Keyed
from shared.ids import BlockDealId
from shared.permission import Buyer, NegotiationReader, OperatorBusiness, Party, Provider
from shared.routing import Router
from shared.web import Listing, PageQuery

router = Router(prefix=PREFIX)


@router.post("/block-deals", status_code=201)
async def offer(
    new: NewBlockDeal, caller: Provider, once: Keyed, trading: TradingService, response: Response
) -> BlockDealView:
    """Offer several listings of yours to one buyer, together 大宗协议. It needs the buyer's yes and an operator's."""
    parts = [(each.listing_id, each.proposal(new.expires_at)) for each in new.parts]
    deal = await actions.offer(trading, caller, Wanted(new.buyer_id, parts, new.grounds, new.expires_at), once)
    web.created(response, f"{PREFIX}/block-deals/{deal.id}")
    return BlockDealView.of(deal)


@router.get("/block-deals")
async def see_block_deals(
    caller: NegotiationReader, page: PageQuery, trading: TradingService, state: BlockDealState | None = None
) -> Listing[BlockDealView]:
    """Yours, on either side, newest first; all for those who approve and for supervisors."""
    found = await actions.block_deals(trading, caller, page, state)
    return Listing[BlockDealView].of([BlockDealView.of(each) for each in found], page, lambda view: view.id)


@router.get("/block-deals/{block_deal_id}")
async def see_block_deal(
    block_deal_id: BlockDealId, caller: NegotiationReader, trading: TradingService
) -> BlockDealView:  # fmt: skip
    """One of yours: its parts, how their prices lie to the reference prices, and whose turn it is."""
    return BlockDealView.of(await actions.block_deal(trading, caller, block_deal_id))


@router.post("/block-deals/{block_deal_id}/acceptance")
async def accept(
    block_deal_id: BlockDealId, new: NewBlockAcceptance, caller: Buyer, once: Keyed, trading: TradingService
) -> BlockDealView:
    """Take all parts. It binds you, and waits for an operator's approval."""
    return BlockDealView.of(await actions.accept(trading, caller, block_deal_id, new.terms_hash, once))


@router.post("/block-deals/{block_deal_id}/termination")
async def terminate(
    block_deal_id: BlockDealId, new: NewTermination, caller: Party, once: Keyed, trading: TradingService
) -> BlockDealView:
    """Withdraw your offer, or decline what you are offered, before it is taken; and tell the other side why."""
    return BlockDealView.of(
        await actions.terminate(trading, caller, block_deal_id, new.reason_code, new.reason, once)
    )  # fmt: skip


@router.post("/block-deals/{block_deal_id}/approval")
async def approve(
    block_deal_id: BlockDealId, new: NewApproval, caller: OperatorBusiness, once: Keyed, trading: TradingService
) -> BlockDealView:
    """Approve a block deal that both sides want, for a reason that both see. Each part becomes an order, or none."""
    return BlockDealView.of(await actions.approve(trading, caller, block_deal_id, new.reason, once))


@router.post("/block-deals/{block_deal_id}/refusal")
async def refuse(
    block_deal_id: BlockDealId, new: NewRefusal, caller: OperatorBusiness, once: Keyed, trading: TradingService
) -> BlockDealView:
    """Refuse a block deal, for a reason that both see."""
    return BlockDealView.of(
        await actions.refuse(trading, caller, block_deal_id, new.reason_code, new.reason, once)
    )  # fmt: skip

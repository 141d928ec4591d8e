"""What can be asked of the ledger: one's own money by its owner, all of it by supervisors."""

from typing import Annotated, Any

from fastapi import Depends, Response

from services.trading.actions import custody, wallet
from services.trading.actions.treasury import Treasury
from services.trading.schemas.money import (
    InstructionView,
    KindSumView,
    NewMovement,
    Resumption,
    TransferView,
    TrialBalanceView,
    WalletView,
)
from shared import web
from shared.idempotency import Keyed
from shared.ids import InstructionId
from shared.permission import OperatorBusiness, Party, PartyInDeal, Payee, Supervisor
from shared.routing import Router
from shared.web import Listing, PageQuery

PREFIX = "/trading/v1"
router = Router(prefix=PREFIX)


async def treasury_of(trading: Annotated[Any, Depends(web.service)]) -> Treasury:
    return trading.treasury


TreasuryService = Annotated[Treasury, Depends(treasury_of)]


@router.get("/wallet")
async def see_wallet(caller: PartyInDeal, treasury: TreasuryService) -> WalletView:
    """What you can spend, what is held for auctions, and what you owe because of a refund that you could not pay."""
    return WalletView.model_validate(await wallet.wallet(treasury, caller.participant_id))


@router.get("/wallet/transfers")
async def see_transfers(caller: PartyInDeal, page: PageQuery, treasury: TreasuryService) -> Listing[TransferView]:
    """Every movement of your wallet, newest first."""
    entries = await wallet.transfers(treasury, caller.participant_id, page)
    views = [TransferView.of(entry.transfer, entry.fact_id, entry.created_at) for entry in entries]
    return Listing[TransferView].of(views, page, lambda view: view.id)


@router.post("/wallet/pay-ins", status_code=201)
async def pay_in(
    new: NewMovement, caller: Party, once: Keyed, treasury: TreasuryService, response: Response
) -> InstructionView:
    """Announce money that you pay into your sub-account at the custodian; its confirmation fills the wallet."""
    instruction = await wallet.pay_in(treasury, caller, new.amount.money(), once)
    web.created(response, f"{PREFIX}/instructions/{instruction.id}")
    return InstructionView.of(instruction)


@router.post("/wallet/payouts", status_code=201)
async def pay_out(
    new: NewMovement, caller: Payee, once: Keyed, treasury: TreasuryService, response: Response
) -> InstructionView:
    """Have available money paid out from your sub-account to your bank."""
    instruction = await wallet.pay_out(treasury, caller, new.amount.money(), once)
    web.created(response, f"{PREFIX}/instructions/{instruction.id}")
    return InstructionView.of(instruction)


@router.get("/instructions/{instruction_id}")
async def see_instruction(
    instruction_id: InstructionId, caller: PartyInDeal, treasury: TreasuryService
) -> InstructionView:
    """How far an instruction of yours to the custodian has come."""
    return InstructionView.of(await wallet.instruction(treasury, caller.participant_id, instruction_id))


@router.get("/instructions")
async def see_parked(_: OperatorBusiness, page: PageQuery, treasury: TreasuryService) -> Listing[InstructionView]:
    """The instructions that wait for a person: unanswered, refused, or answered with something else."""
    views = [InstructionView.of(instruction) for instruction in await custody.parked(treasury, page)]
    return Listing[InstructionView].of(views, page, lambda view: view.id)


@router.post("/instructions/{instruction_id}/resume")
async def resume(
    instruction_id: InstructionId, new: Resumption, caller: OperatorBusiness, once: Keyed, treasury: TreasuryService
) -> InstructionView:
    """Set a parked instruction on its way again. It moves nothing by itself: the custodian still decides."""
    return InstructionView.of(await custody.resume(treasury, caller, instruction_id, new.reason, once))


@router.get("/ledger/trial-balance")
async def see_trial_balance(_: Supervisor, treasury: TreasuryService) -> TrialBalanceView:
    """All accounts by kind. Whatever happened, each currency's total is zero and no account drifts."""
    balance = await wallet.trial_balance(treasury)
    views = [KindSumView.of(each.kind, each.currency, each.balance) for each in balance.sums]
    return TrialBalanceView.of(views, balance.drifting_accounts)

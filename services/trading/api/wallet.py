"""What can be asked of the ledger: one's own money by its owner, all of it by supervisors."""

from typing import Annotated, Any

from fastapi import Depends, Response

from services.trading.actions import custody, payout, wallet
from services.trading.actions.treasury import Treasury
from services.trading.schemas.money import (
    InstructionView,
    KindSumView,
    NewMovement,
    PayoutProposalView,
    Resumption,
    TransferView,
    TrialBalanceView,
    WalletView,
)
from shared import web
from shared.idempotency import Keyed
from shared.ids import InstructionId, PayoutProposalId
from shared.permission import OperatorBusiness, Party, PartyInDeal, Payee, SecondPayee, Supervisor
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
    """Have available money paid out from your sub-account to your bank, as far as one person may in a day."""
    instruction = await payout.pay_out(treasury, caller, new.amount.money(), once)
    web.created(response, f"{PREFIX}/instructions/{instruction.id}")
    return InstructionView.of(instruction)


@router.post("/wallet/payout-proposals", status_code=201)
async def propose_payout(
    new: NewMovement, caller: Payee, once: Keyed, treasury: TreasuryService, response: Response
) -> PayoutProposalView:
    """Propose to have money paid out, of whatever amount: it is held until another person of yours has decided."""
    proposal = await payout.propose(treasury, caller, new.amount.money(), once)
    web.created(response, f"{PREFIX}/wallet/payout-proposals/{proposal.id}")
    return PayoutProposalView.model_validate(proposal)


@router.get("/wallet/payout-proposals")
async def see_payout_proposals(
    caller: PartyInDeal, page: PageQuery, treasury: TreasuryService
) -> Listing[PayoutProposalView]:
    """The payouts that somebody of yours has proposed, newest first."""
    views = [PayoutProposalView.model_validate(each) for each in await payout.proposals(treasury, caller, page)]
    return Listing[PayoutProposalView].of(views, page, lambda view: view.id)


@router.get("/wallet/payout-proposals/{payout_proposal_id}")
async def see_payout_proposal(
    payout_proposal_id: PayoutProposalId, caller: PartyInDeal, treasury: TreasuryService
) -> PayoutProposalView:
    """A payout that somebody of yours has proposed: how much, by whom, and until when it waits for another."""
    return PayoutProposalView.model_validate(await payout.proposal(treasury, caller, payout_proposal_id))


@router.post("/wallet/payout-proposals/{payout_proposal_id}/approval")
async def approve_payout(
    payout_proposal_id: PayoutProposalId, caller: SecondPayee, once: Keyed, treasury: TreasuryService
) -> PayoutProposalView:
    """Agree to what a colleague proposed: the custodian is told to pay it out."""
    return PayoutProposalView.model_validate(await payout.approve(treasury, caller, payout_proposal_id, once))


@router.post("/wallet/payout-proposals/{payout_proposal_id}/refusal")
async def refuse_payout(
    payout_proposal_id: PayoutProposalId, caller: PartyInDeal, once: Keyed, treasury: TreasuryService
) -> PayoutProposalView:
    """Say no to a payout, your own too: what is held for it is free again."""
    return PayoutProposalView.model_validate(await payout.refuse(treasury, caller, payout_proposal_id, once))


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

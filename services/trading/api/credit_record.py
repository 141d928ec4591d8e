"""What can be asked about credit records (信用记录), appeals against them, and sanctions (联合惩戒)."""

from fastapi import Response

from services.trading.actions import credit_record as actions
from services.trading.actions import sanction as sanctions
from services.trading.actions.trading import party_of
from services.trading.api.service import PREFIX, TradingService
from services.trading.schemas.credit_record import (
    AppealView,
    CreditEntryView,
    CreditView,
    NewAppeal,
    NewAppealDecision,
    NewSanctionDecision,
    NewStatement,
    PublicCreditView,
    SanctionView,
)
from shared import web
from shared.access import Caller, Role
from shared.idempotency import Keyed
from shared.ids import CreditAppealId, CreditEntryId, ParticipantId, SanctionId
from shared.permission import BusinessOrRegulator, CreditReader, OperatorSecurity, PartyInDeal, Public
from shared.routing import Router
from shared.web import Listing, PageQuery

router = Router(prefix=PREFIX)
HANDLERS = frozenset({Role.OPERATOR_BUSINESS, Role.OPERATOR_SECURITY})


@router.get("/credit-records/{participant_id}")
async def see_record(participant_id: ParticipantId, _: Public, trading: TradingService) -> PublicCreditView:
    """Anyone's band, and how often what counts now. Of whom nothing is known, nothing counts."""
    return PublicCreditView.of(participant_id, await actions.standing(trading, participant_id))


@router.get("/credit-record")
async def see_own_record(caller: PartyInDeal, trading: TradingService) -> CreditView:
    """Your own record, with its points."""
    own = caller.participant_id
    return CreditView.of(own, await actions.standing(trading, own))


@router.get("/credit-entries")
async def see_entries(caller: CreditReader, page: PageQuery, trading: TradingService) -> Listing[CreditEntryView]:
    """The entries of your record, counting or not, newest first; everyone's for supervisors and operators."""
    found = await actions.entries(trading, _party(caller), page)
    return Listing[CreditEntryView].of([CreditEntryView.of(each) for each in found], page, lambda view: view.id)


@router.post("/credit-entries/{credit_entry_id}/appeal", status_code=201)
async def appeal(
    credit_entry_id: CreditEntryId,
    new: NewAppeal,
    caller: PartyInDeal,
    once: Keyed,
    trading: TradingService,
    response: Response,
) -> AppealView:
    """Say why an entry of your record is wrong, within thirty working days. Another person than made it decides."""
    made = await actions.appeal(trading, caller, credit_entry_id, new.reason, tuple(new.evidence), once)
    web.created(response, f"{PREFIX}/credit-appeals")
    return AppealView.of(made)


@router.get("/credit-appeals")
async def see_appeals(caller: CreditReader, page: PageQuery, trading: TradingService) -> Listing[AppealView]:
    """Your appeals, newest first; everyone's for supervisors and operators."""
    found = await actions.appeals(trading, _party(caller), page)
    return Listing[AppealView].of([AppealView.of(each) for each in found], page, lambda view: view.id)


@router.post("/credit-appeals/{credit_appeal_id}/decision")
async def decide(
    credit_appeal_id: CreditAppealId,
    new: NewAppealDecision,
    caller: BusinessOrRegulator,
    once: Keyed,
    trading: TradingService,
) -> AppealView:
    """Uphold an appeal, which corrects the record, or dismiss it; with the reason."""
    upheld, reason = new.upheld, new.reason
    told = await actions.decide_appeal(trading, caller, credit_appeal_id, upheld=upheld, reason=reason, once=once)
    return AppealView.of(told)


@router.get("/sanctions")
async def see_sanctions(caller: CreditReader, page: PageQuery, trading: TradingService) -> Listing[SanctionView]:
    """Sanctions that are proposed or stand against you, newest first; everyone's for supervisors and operators."""
    found = await sanctions.sanctions(trading, _party(caller), page)
    return Listing[SanctionView].of([SanctionView.of(each) for each in found], page, lambda view: view.id)


@router.get("/sanctions/{sanction_id}")
async def see_sanction(sanction_id: SanctionId, caller: CreditReader, trading: TradingService) -> SanctionView:
    """A sanction against you: why, who acts next and by when."""
    return SanctionView.of(await sanctions.sanction(trading, _party(caller), sanction_id))


@router.post("/sanctions/{sanction_id}/statement")
async def answer(
    sanction_id: SanctionId, new: NewStatement, caller: PartyInDeal, once: Keyed, trading: TradingService
) -> SanctionView:
    """Say what you have to say, once, before it is decided."""
    return SanctionView.of(await sanctions.answer(trading, caller, sanction_id, new.statement, once))


@router.post("/sanctions/{sanction_id}/imposition")
async def impose(
    sanction_id: SanctionId, new: NewSanctionDecision, caller: OperatorSecurity, once: Keyed, trading: TradingService
) -> SanctionView:
    """Impose it, once its subject was heard. It binds from this moment on."""
    return SanctionView.of(await sanctions.impose(trading, caller, sanction_id, new.reason, once))


@router.post("/sanctions/{sanction_id}/dropping")
async def drop(
    sanction_id: SanctionId, new: NewSanctionDecision, caller: OperatorSecurity, once: Keyed, trading: TradingService
) -> SanctionView:
    """Let it go, and say why."""
    return SanctionView.of(await sanctions.drop(trading, caller, sanction_id, new.reason, once))


def _party(caller: Caller) -> ParticipantId | None:
    return None if HANDLERS & caller.roles else party_of(caller)

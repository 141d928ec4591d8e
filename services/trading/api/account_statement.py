"""What can be asked of one's own money, month by month."""

from fastapi import Response

from services.trading.actions import account_statement as actions
from services.trading.api.wallet import PREFIX, TreasuryService
from services.trading.schemas.account_statement import StatementView
from shared.permission import PartyInDeal
from shared.routing import Router
from shared.web import PageQuery

router = Router(prefix=PREFIX)


@router.get("/wallet/statements/{month}")
async def see_statement(month: str, caller: PartyInDeal, page: PageQuery, treasury: TreasuryService) -> StatementView:
    """Your statement of a month: opening balance, every movement in its order, closing balance."""
    return StatementView.of(await actions.statement(treasury, caller.participant_id, month, page), page)


@router.get("/wallet/statements/{month}/export.csv", response_class=Response)
async def export(month: str, caller: PartyInDeal, treasury: TreasuryService) -> Response:
    """The same as a table for spreadsheets in UTF-8, of which no cell runs as a formula."""
    text = await actions.exported(treasury, caller.participant_id, month)
    headers = {"Content-Disposition": f'attachment; filename="statement-{month}.csv"'}
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)

"""What can be asked about contracts: their documents, and how they are signed, changed, ended and renewed."""

from typing import Annotated

from fastapi import Query, Response

from services.trading.actions import amendment, document, renewal, termination
from services.trading.actions import contract as actions
from services.trading.actions.trading import party_of
from services.trading.api.service import PREFIX, TradingService
from services.trading.schemas.contracts import (
    ContestedTermination,
    ContractState,
    ContractView,
    NewAmendment,
    NewRenewal,
    NewSignature,
    NewSignatureInPerson,
    ProposedTermination,
    RefusedAmendment,
    TerminationView,
)
from services.trading.schemas.orders import OrderView
from shared import web
from shared.idempotency import Keyed
from shared.ids import ContractId, OrderId, TerminationId
from shared.permission import Buyer, DealReader, Party, PartyInDeal, Signatory
from shared.routing import Router
from shared.web import Listing, PageQuery

router = Router(prefix=PREFIX)
PDF = "application/pdf"


@router.get("/contracts")
async def see_contracts(
    caller: DealReader, page: PageQuery, trading: TradingService,
    state: Annotated[ContractState | None, Query()] = None, order_id: Annotated[OrderId | None, Query()] = None,
) -> Listing[ContractView]:  # fmt: skip
    """Your contracts, on either side, newest first; everyone's for supervisors. Of an order: its amendments too."""
    found = await actions.contracts(trading, party_of(caller), page, state, order_id)
    return Listing[ContractView].of([ContractView.of(each) for each in found], page, lambda view: view.id)


@router.get("/contracts/{contract_id}")
async def see_contract(contract_id: ContractId, caller: DealReader, trading: TradingService) -> ContractView:
    """A contract of yours, with its terms, their hash, and who has signed."""
    return ContractView.of(await actions.contract(trading, party_of(caller), contract_id))


@router.post("/contracts/{contract_id}/signatures", status_code=201)
async def sign(
    contract_id: ContractId,
    new: NewSignature,
    caller: Signatory,
    once: Keyed,
    trading: TradingService,
    response: Response,
) -> ContractView:
    """Sign the terms with a key of your organisation. With both signatures the contract binds."""
    contract = await actions.sign(trading, caller, contract_id, new.way(), once)
    web.created(response, f"{PREFIX}/contracts/{contract_id}")
    return ContractView.of(contract)


@router.post("/contracts/{contract_id}/signatures/in-person", status_code=201)
async def sign_in_person(
    contract_id: ContractId,
    new: NewSignatureInPerson,
    caller: Signatory,
    once: Keyed,
    trading: TradingService,
    response: Response,
) -> ContractView:
    """Sign the terms without a key, as a person of your organisation, with a second factor of the last ten minutes."""
    contract = await actions.sign(trading, caller, contract_id, new.way(), once)
    web.created(response, f"{PREFIX}/contracts/{contract_id}")
    return ContractView.of(contract)


@router.get("/contracts/{contract_id}/document", response_class=Response, responses={200: {"content": {PDF: {}}}})
async def see_document(contract_id: ContractId, caller: DealReader, trading: TradingService) -> Response:
    """The contract as a PDF: what both signed as it is kept, or a draft as it is now. The entity tag is its SHA-256."""
    found = await document.document(trading, party_of(caller), contract_id)
    headers = {"ETag": f'"{found.hash}"', "Content-Disposition": f'attachment; filename="{contract_id}.pdf"'}
    return Response(found.content, media_type=PDF, headers=headers)


@router.post("/contracts/{contract_id}/amendments", status_code=201)
async def propose_amendment(
    contract_id: ContractId, new: NewAmendment, caller: Party, once: Keyed, trading: TradingService, response: Response
) -> ContractView:
    """Propose a contract in the place of one in force. Both sign it by its deadline, or the old one stands."""
    proposed = await amendment.propose(trading, caller, contract_id, new.change(), once)
    web.created(response, f"{PREFIX}/contracts/{proposed.id}")
    return ContractView.of(proposed)


@router.post("/contracts/{contract_id}/refusal")
async def refuse_amendment(
    contract_id: ContractId, said: RefusedAmendment, caller: PartyInDeal, once: Keyed, trading: TradingService
) -> ContractView:
    """Refuse an amendment, or take your own back."""
    refused = await amendment.refuse(trading, caller, contract_id, said.reason_code, said.reason, once)
    return ContractView.of(refused)


@router.get("/contracts/{contract_id}/terminations")
async def see_terminations(
    contract_id: ContractId, caller: DealReader, page: PageQuery, trading: TradingService
) -> Listing[TerminationView]:
    """What was proposed to end a contract of yours, and what was answered, newest first."""
    found = await termination.terminations(trading, party_of(caller), contract_id, page)
    return Listing[TerminationView].of([TerminationView.of(each) for each in found], page, lambda view: view.id)


@router.post("/contracts/{contract_id}/terminations", status_code=201)
async def propose_termination(
    contract_id: ContractId, said: ProposedTermination, caller: Party, once: Keyed, trading: TradingService,
    response: Response,
) -> TerminationView:  # fmt: skip
    """Propose to end a contract in force. If the other side does not answer by the deadline, it stands."""
    proposed = await termination.propose(trading, caller, contract_id, said.reason_code, said.reason, once)
    web.created(response, f"{PREFIX}/contracts/{contract_id}/terminations")
    return TerminationView.of(proposed)


@router.post("/contracts/{contract_id}/terminations/{termination_id}/agreement")
async def agree_to_termination(
    contract_id: ContractId, termination_id: TerminationId, said: ProposedTermination, caller: PartyInDeal, once: Keyed,
    trading: TradingService,
) -> TerminationView:  # fmt: skip
    """Agree: the contract ends. What is paid and not delivered is refunded; a right that was used ends from now on."""
    agreed = await termination.agree(
        trading, caller, contract_id, termination_id, said.reason_code, said.reason, once
    )  # fmt: skip
    return TerminationView.of(agreed)


@router.post("/contracts/{contract_id}/terminations/{termination_id}/contest")
async def contest_termination(
    contract_id: ContractId, termination_id: TerminationId, said: ContestedTermination, caller: PartyInDeal,
    once: Keyed, trading: TradingService,
) -> TerminationView:  # fmt: skip
    """Contest: the contract stands, and what is between you is for a dispute."""
    contested = await termination.contest(
        trading, caller, contract_id, termination_id, said.reason_code, said.reason, once
    )  # fmt: skip
    return TerminationView.of(contested)


@router.post("/contracts/{contract_id}/renewals", status_code=201)
async def renew(
    contract_id: ContractId, new: NewRenewal, caller: Buyer, once: Keyed, trading: TradingService, response: Response
) -> OrderView:
    """Order anew what a contract of yours granted, at a fresh quote, if its listing still offers it."""
    order = await renewal.renew(trading, caller, contract_id, new.acceptance(), once)
    web.created(response, f"{PREFIX}/orders/{order.id}")
    return OrderView.of(order)

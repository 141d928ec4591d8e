"""What can be asked about disputes (争议) and those who decide them."""

from fastapi import Response
from fastapi.responses import PlainTextResponse

from services.trading.actions import arbiter as arbiter_actions
from services.trading.actions import dispute as actions
from services.trading.actions import dispute_file, hearing
from services.trading.actions.dispute import Piece, Wanted, is_whole_for
from services.trading.api.service import PREFIX, TradingService
from services.trading.schemas.disputes import (
    ArbiterView,
    DisputeView,
    Hex,
    NewAppeal,
    NewArbiter,
    NewChallenge,
    NewDispute,
    NewEvidence,
    NewExtension,
    NewReason,
    NewResponse,
    NewRuling,
    NewSettlement,
)
from shared import web
from shared.idempotency import Keyed
from shared.ids import DisputeId, UserId
from shared.permission import (
    Arbiter,
    Authenticated,
    DisputeReader,
    HearingReader,
    OperatorSecurity,
    PartyInDeal,
    RulingArbiter,
)
from shared.routing import Router
from shared.web import Listing, PageQuery

TAR = "application/x-tar"
router = Router(prefix=PREFIX)


@router.post("/disputes", status_code=201)
async def open_dispute(
    new: NewDispute, caller: PartyInDeal, once: Keyed, trading: TradingService, response: Response
) -> DisputeView:
    """Claim, while your order's money is in escrow: it waits from now on. Your part of the fee is held."""
    wanted = Wanted(new.order_id, new.demand(), new.statement, new.nonce)
    dispute = await actions.open_dispute(trading, caller, wanted, once)
    web.created(response, f"{PREFIX}/disputes/{dispute.id}")
    return DisputeView.of(dispute)


@router.get("/disputes")
async def see_disputes(caller: DisputeReader, page: PageQuery, trading: TradingService) -> Listing[DisputeView]:
    """Yours, or those that you sit on; everyone's for supervisors. Newest first."""
    found = await actions.disputes(trading, caller, page)
    whole = is_whole_for(caller)
    shown = [DisputeView.of(each, whole=whole) for each in found]
    return Listing[DisputeView].of(shown, page, lambda view: view.id)


@router.get("/disputes/{dispute_id}")
async def see_dispute(dispute_id: DisputeId, caller: DisputeReader, trading: TradingService) -> DisputeView:
    """One dispute. Whoever is claimed against has had notice from the moment that they read it here."""
    return DisputeView.of(await actions.see(trading, caller, dispute_id), whole=is_whole_for(caller))


@router.get("/disputes/{dispute_id}/texts/{content_hash}", response_class=PlainTextResponse)
async def see_text(dispute_id: DisputeId, content_hash: Hex, caller: HearingReader, trading: TradingService) -> str:
    """What a hash in the dispute is of: a statement, kept evidence, reasons."""
    return await actions.text(trading, caller, dispute_id, content_hash)


@router.get("/disputes/{dispute_id}/bundle", response_class=Response, responses={200: {"content": {TAR: {}}}})
async def take_bundle(dispute_id: DisputeId, caller: HearingReader, trading: TradingService) -> Response:
    """The whole case as one archive, for arbitration or a court elsewhere: `yaosu verify` checks it offline."""
    content = await dispute_file.bundle(trading, caller, dispute_id)
    name = f'attachment; filename="{dispute_id}.tar"'
    return Response(content, media_type=TAR, headers={"Content-Disposition": name})


@router.post("/disputes/{dispute_id}/response")
async def respond(
    dispute_id: DisputeId, new: NewResponse, caller: PartyInDeal, once: Keyed, trading: TradingService
) -> DisputeView:
    """Answer a claim, and admit as much of it as you do. Your part of the fee is held."""
    said = (new.admitted.money(), new.statement, new.nonce)
    return DisputeView.of(await actions.respond(trading, caller, dispute_id, *said, once))


@router.post("/disputes/{dispute_id}/evidence", status_code=201)
async def add_evidence(
    dispute_id: DisputeId,
    new: NewEvidence,
    caller: PartyInDeal,
    once: Keyed,
    trading: TradingService,
    response: Response,
) -> DisputeView:
    """Add to what both sides see, until the deadline for evidence. Nothing is changed or taken back."""
    piece = Piece(new.of_kind, new.content, new.content_hash)
    dispute = await actions.add_evidence(trading, caller, dispute_id, piece, once)
    web.created(response, f"{PREFIX}/disputes/{dispute_id}")
    return DisputeView.of(dispute)


@router.post("/disputes/{dispute_id}/settlement")
async def offer_settlement(
    dispute_id: DisputeId, new: NewSettlement, caller: PartyInDeal, once: Keyed, trading: TradingService
) -> DisputeView:
    """Say what you would settle for, at any time before the ruling is final. If the other side says the same, it is
    settled."""
    offer = (new.split.split(), new.remedies)
    return DisputeView.of(await actions.offer_settlement(trading, caller, dispute_id, *offer, once))


@router.post("/disputes/{dispute_id}/withdrawal")
async def withdraw(dispute_id: DisputeId, caller: PartyInDeal, once: Keyed, trading: TradingService) -> DisputeView:
    """Take your claim back before it is heard: the order goes on where it was."""
    return DisputeView.of(await actions.withdraw(trading, caller, dispute_id, once))


@router.post("/disputes/{dispute_id}/challenge")
async def challenge(
    dispute_id: DisputeId, new: NewChallenge, caller: PartyInDeal, once: Keyed, trading: TradingService
) -> DisputeView:
    """Refuse an arbiter, for a reason: one in each round. The next in the drawn order sits down."""
    gone = (new.arbiter_id, new.reason)
    return DisputeView.of(await hearing.challenge(trading, caller, dispute_id, *gone, once))


@router.post("/disputes/{dispute_id}/appeal")
async def appeal(
    dispute_id: DisputeId, new: NewAppeal, caller: PartyInDeal, once: Keyed, trading: TradingService
) -> DisputeView:  # fmt: skip
    """Have a ruling heard again, once, by three others; or pay your part of the other side's appeal."""
    return DisputeView.of(await hearing.appeal(trading, caller, dispute_id, new.nonce, once))


@router.post("/disputes/{dispute_id}/ruling")
async def rule(
    dispute_id: DisputeId, new: NewRuling, caller: RulingArbiter, once: Keyed, trading: TradingService
) -> DisputeView:  # fmt: skip
    """Rule on a case that you sit on, with reasons. It cannot be changed."""
    ruling = (new.split.split(), new.fees.split(), new.remedies, new.reasons)
    return DisputeView.of(await hearing.rule(trading, caller, dispute_id, *ruling, once))


@router.post("/disputes/{dispute_id}/recusal")
async def recuse(
    dispute_id: DisputeId, new: NewReason, caller: Arbiter, once: Keyed, trading: TradingService
) -> DisputeView:  # fmt: skip
    """Give up your seat, for a reason. The next in the drawn order sits down."""
    return DisputeView.of(await hearing.recuse(trading, caller, dispute_id, new.reason, once))


@router.post("/disputes/{dispute_id}/extension")
async def extend(
    dispute_id: DisputeId, new: NewExtension, caller: Arbiter, once: Keyed, trading: TradingService
) -> DisputeView:
    """Give more time in a case that you sit on, for a reason."""
    return DisputeView.of(await hearing.extend(trading, caller, dispute_id, new.length, new.reason, once))


@router.post("/arbiters", status_code=201)
async def register_arbiter(
    new: NewArbiter, caller: OperatorSecurity, once: Keyed, trading: TradingService, response: Response
) -> ArbiterView:
    """Enter somebody who may be drawn, with the organisations that they are tied to."""
    arbiter = await arbiter_actions.register(trading, caller, new.arbiter_id, new.ties, once)
    web.created(response, f"{PREFIX}/arbiters")
    return ArbiterView.of(arbiter)


@router.post("/arbiters/{user_id}/retirement")
async def retire_arbiter(
    user_id: UserId, caller: OperatorSecurity, once: Keyed, trading: TradingService
) -> ArbiterView:  # fmt: skip
    """Let somebody be drawn no more. The cases that they sit on stay theirs."""
    return ArbiterView.of(await arbiter_actions.retire(trading, caller, user_id, once))


@router.get("/arbiters")
async def see_arbiters(caller: Authenticated, page: PageQuery, trading: TradingService) -> Listing[ArbiterView]:
    """The register, for whoever wants to know among whom is drawn."""
    found = await arbiter_actions.arbiters(trading, page)
    return Listing[ArbiterView].of([ArbiterView.of(each) for each in found], page, lambda view: view.id)

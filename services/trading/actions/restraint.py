"""What keeps a participant, or a thing of the market, from an act of the moment: asked in the act's own transaction.

Promises: whatever of an act and a freeze order commits first counts. What is there already is locked by both; an act
that makes something new of a participant or an asset shares its name, after all locks and before any account, and the
order's confirmation holds that name alone, at the same place in the order of locks.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from services.trading.rules.bid import Registration
from services.trading.rules.freeze import Frozen, Scope
from services.trading.rules.instruction import Instruction, InstructionKind
from services.trading.rules.listing import Listing
from services.trading.rules.order import Order, OrderFrozen
from services.trading.store import freeze as store
from services.trading.store import sanction as sanction_store
from shared.database import Transaction, wait_for_name
from shared.ids import OrderId, ParticipantId


def name_of(participant_or_asset: str) -> str:
    return f"freeze of {participant_or_asset}"


def name_of_wallet(participant_id: ParticipantId) -> str:
    return f"freeze of the wallet of {participant_id}"


async def require_may_list(tx: Transaction, listing: Listing, now: datetime) -> None:
    """Raises Frozen if an order holds the provider or the asset of a listing that is being made, Sanctioned if a
    sanction binds the provider."""
    subjects = {(Scope.PARTICIPANT, str(listing.provider_id)), (Scope.ASSET, str(listing.asset_id))}
    await _share(tx, [name_of(subject) for _, subject in subjects])
    await store.require_none_over(tx, subjects, now)
    await sanction_store.require_unbound(tx, listing.provider_id, now)


async def require_offer_free(tx: Transaction, listing: Listing, now: datetime) -> None:
    """Raises Frozen if an order holds a listing. Requires it locked."""
    await store.require_none_over(tx, _offer(listing), now)


async def require_may_buy(tx: Transaction, listing: Listing, buyer_id: ParticipantId, now: datetime) -> None:
    """Raises Frozen if an order holds what is sold, or whom it is sold to. Requires the locked listing."""
    await _share(tx, [name_of(buyer_id)])
    await store.require_none_over(tx, {*_offer(listing), (Scope.PARTICIPANT, str(buyer_id))}, now)


async def require_wallet_free(tx: Transaction, participant_id: ParticipantId, now: datetime) -> None:
    """Raises Frozen if nothing may leave a wallet."""
    await _share(tx, [name_of_wallet(participant_id)])
    subjects = {(scope, str(participant_id)) for scope in (Scope.WALLET, Scope.PARTICIPANT)}
    await store.require_none_over(tx, subjects, now)


async def require_may_return(tx: Transaction, order: Order, now: datetime) -> None:
    """Raises Frozen if what was shared out of an order is held: by an order over it, or over the money of its provider
    or of whoever shared in it. Requires the locked order."""
    owners = {order.provider_id, *(owner for owner, _ in order.earned)}
    await _share(tx, [name_of_wallet(owner) for owner in owners])
    of_owners = {(scope, str(owner)) for scope in (Scope.WALLET, Scope.PARTICIPANT) for owner in owners}
    await store.require_none_over(tx, {(Scope.ORDER, str(order.id)), *of_owners}, now)


async def require_may_resume(tx: Transaction, instruction: Instruction, now: datetime) -> None:
    """Raises OrderFrozen or Frozen if an order holds the money that a parked instruction would move."""
    if isinstance(instruction.subject, OrderId):
        until = await store.order_frozen_until(tx, instruction.subject)
        if until is not None and now < until:
            raise OrderFrozen(frozen_until=until)
    if instruction.kind is InstructionKind.PAYOUT:
        await require_wallet_free(tx, instruction.participant_id, now)


async def require_may_register(tx: Transaction, participant_id: ParticipantId, now: datetime) -> None:
    """Raises Frozen if a participant is held, or the money that a deposit would come from; Sanctioned."""
    await _share(tx, [name_of(participant_id)])
    await sanction_store.require_unbound(tx, participant_id, now)
    await require_wallet_free(tx, participant_id, now)


async def require_may_bid(tx: Transaction, participant_id: ParticipantId, now: datetime) -> None:
    """Raises Frozen if an order holds a bidder, Sanctioned if a sanction binds them. Requires the locked auction,
    which a confirmation locks too."""
    await store.require_none_over(tx, {(Scope.PARTICIPANT, str(participant_id))}, now)
    await sanction_store.require_unbound(tx, participant_id, now)


async def require_may_deal(tx: Transaction, participant_id: ParticipantId, now: datetime) -> None:
    """Raises Sanctioned if a sanction binds whoever is about to order, ask or offer something. What is sold to whom is
    judged with the order itself."""
    await _share(tx, [name_of(participant_id)])
    await sanction_store.require_unbound(tx, participant_id, now)


async def unless_frozen(tx: Transaction, bidders: Sequence[Registration], now: datetime) -> list[Registration]:
    """The bidders with the decision of now: denied if an order holds them. Requires the locked auction."""
    held = await store.frozen_among(tx, [each.participant_id for each in bidders], now)
    return [_denied(each) if each.participant_id in held else each for each in bidders]


def _denied(bidder: Registration) -> Registration:
    return replace(bidder, decision=replace(bidder.decision, allowed=False, reason_code=Frozen.code()))


def _offer(listing: Listing) -> set[tuple[Scope, str]]:
    return {
        (Scope.LISTING, str(listing.id)), (Scope.ASSET, str(listing.asset_id)),
        (Scope.PARTICIPANT, str(listing.provider_id)),
    }  # fmt: skip


async def _share(tx: Transaction, names: Iterable[str]) -> None:
    for name in sorted(names):
        await wait_for_name(tx, name, shared=True)

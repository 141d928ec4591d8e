"""How freeze orders are kept, and what each of them holds.

Promises: whoever asks what holds a thing, after that thing is locked, sees every order that was confirmed before: a
confirmation locks whatever it holds first, and what does not exist yet by its name (`shared.database.wait_for_name`).
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, select, update
from sqlalchemy.exc import IntegrityError

from services.trading.rules.auction import AUCTION
from services.trading.rules.contract import DRAFTED
from services.trading.rules.entitlement import ENTITLEMENT, Entitlement
from services.trading.rules.freeze import (
    IN_FORCE,
    Basis,
    Freeze,
    Frozen,
    FrozenAlready,
    Ground,
    Held,
    LiftGround,
    Lifting,
    NoSuchFreeze,
    NothingToFreeze,
    Scope,
    State,
    Subject,
)
from services.trading.rules.instruction import InstructionKind, InstructionState
from services.trading.rules.listing import LISTING, Listing
from services.trading.rules.order import ORDER, Order
from services.trading.store import rows
from services.trading.store.entitlement import entitlement_of
from services.trading.store.listing import listing_of
from services.trading.store.order import order_of
from services.trading.tables.deals import auctions, contracts, entitlements, listings, orders, registrations
from services.trading.tables.money import instructions
from services.trading.tables.supervision import freezes
from shared.database import Transaction, for_update
from shared.ids import AssetId, AuctionId, FreezeId, ListingId, OrderId, ParticipantId
from shared.web import Page

DUE_MAX = 100
_in_force = entitlements.c.state.in_(ENTITLEMENT.open_states())
SUBJECTS = {
    Scope.PARTICIPANT: ParticipantId, Scope.ASSET: AssetId, Scope.LISTING: ListingId, Scope.ORDER: OrderId,
    Scope.WALLET: ParticipantId,
}  # fmt: skip


async def add_freeze(tx: Transaction, freeze: Freeze) -> None:
    """Raises FrozenAlready if one of its scope stands."""
    try:
        await rows.add(tx, freezes, _row(freeze))
    except IntegrityError as error:
        raise FrozenAlready(scope=freeze.held.scope) from error


async def save_freeze(tx: Transaction, freeze: Freeze) -> None:
    await rows.save(tx, freezes, freeze, _row(freeze))


async def freeze(tx: Transaction, freeze_id: FreezeId, party_id: ParticipantId | None) -> Freeze:
    """One that concerns the party: another's is not there. For None, anyone's."""
    here = (freezes.c.id == freeze_id, *rows.whose(freezes.c.owner_id, freezes.c.counterparty_id, party_id))
    return _found((await tx.execute(select(*freezes.c).where(*here))).one_or_none())


async def freeze_for_update(tx: Transaction, freeze_id: FreezeId) -> Freeze:
    query = select(*freezes.c).where(freezes.c.id == freeze_id)
    return _found((await tx.execute(for_update(query, tx))).one_or_none())


async def page_of_freezes(tx: Transaction, page: Page, party_id: ParticipantId | None) -> list[Freeze]:
    query = select(*freezes.c).where(*rows.whose(freezes.c.owner_id, freezes.c.counterparty_id, party_id))
    return [_freeze(row) for row in await tx.execute(rows.newest_first(query, freezes.c.id, FreezeId, page))]


async def freezes_due(tx: Transaction, now: datetime) -> list[FreezeId]:
    """Those whose deadline has passed, at most a hundred."""
    query = select(freezes.c.id).where(freezes.c.deadline <= now).order_by(freezes.c.deadline)
    return list(await tx.scalars(query.limit(DUE_MAX)))


async def freezes_over(tx: Transaction, subjects: Collection[tuple[Scope, str]], now: datetime) -> list[Freeze]:
    """The orders that hold any of these at a moment, in the order of their ids."""
    if not subjects:
        return []
    named = freezes.c.subject_id.in_({subject for _, subject in subjects})
    where = (freezes.c.state == IN_FORCE, freezes.c.expires_at > now, named)
    found = [_freeze(row) for row in await tx.execute(select(*freezes.c).where(*where).order_by(freezes.c.id))]
    return [each for each in found if (each.held.scope, each.held.subject_id) in subjects]


async def require_none_over(tx: Transaction, subjects: Collection[tuple[Scope, str]], now: datetime) -> None:
    """Raises Frozen if an order holds any of these."""
    for each in await freezes_over(tx, subjects, now):
        raise Frozen(scope=each.held.scope, frozen_until=each.expires_at)


async def order_frozen_until(tx: Transaction, order_id: OrderId) -> datetime | None:
    return await tx.scalar(select(orders.c.frozen_until).where(orders.c.id == order_id))


async def frozen_among(
    tx: Transaction, participant_ids: Iterable[ParticipantId], now: datetime
) -> set[ParticipantId]:  # fmt: skip
    """Those of these participants that are held as such."""
    subjects = {(Scope.PARTICIPANT, str(each)) for each in participant_ids}
    return {ParticipantId(each.held.subject_id) for each in await freezes_over(tx, subjects, now)}


async def provider_of(tx: Transaction, asset_id: AssetId) -> ParticipantId:
    """Whoever lists an asset. Raises NothingToFreeze if it was never listed."""
    found = await tx.scalar(select(listings.c.provider_id).where(listings.c.asset_id == asset_id).limit(1))
    if found is None:
        raise NothingToFreeze()
    return found


# --- what an order holds, each kind locked in the order of its ids


async def held_ids(tx: Transaction, held: Held) -> set[str]:
    """Whatever there is by now for an order to hold. Not locked."""
    found = {str(each) for each in await auctions_held(tx, held)}
    if (offered := _listings_held(held)) is not None:
        query = select(listings.c.id).where(offered, listings.c.state.in_(LISTING.open_states()))
        found |= set(map(str, await tx.scalars(query)))
    if (which := _orders_held(held)) is not None:
        query = select(orders.c.id).join(listings, listings.c.id == orders.c.listing_id)
        found |= set(map(str, await tx.scalars(query.where(which, orders.c.state.in_(ORDER.open_states())))))
    if (entitled := _entitlements_held(held)) is not None:
        query = select(entitlements.c.id).join(orders, orders.c.id == entitlements.c.order_id)
        query = query.join(listings, listings.c.id == orders.c.listing_id)
        found |= set(map(str, await tx.scalars(query.where(entitled, _in_force))))
    return found


async def auctions_held(tx: Transaction, held: Held) -> list[AuctionId]:
    """Those under way whose listing it holds, and those in which a held participant is registered. Not locked."""
    under_way = auctions.c.state.in_(AUCTION.open_states())
    found = set[AuctionId]()
    if (offered := _listings_held(held)) is not None:
        query = select(auctions.c.id).join(listings, listings.c.id == auctions.c.listing_id)
        found |= set(await tx.scalars(query.where(under_way, offered)))
    if held.scope is Scope.PARTICIPANT:
        entered = registrations.c.participant_id == held.subject_id
        query = select(auctions.c.id).join(registrations, registrations.c.auction_id == auctions.c.id)
        found |= set(await tx.scalars(query.where(under_way, entered)))
    return sorted(found)


async def listings_held(tx: Transaction, held: Held) -> list[Listing]:
    """Those on offer, and those whose sale is not through."""
    if (offered := _listings_held(held)) is None:
        return []
    under_way = select(auctions.c.listing_id).where(auctions.c.state.in_(AUCTION.open_states()))
    alive = listings.c.state.in_(LISTING.open_states()) | listings.c.id.in_(under_way)
    query = select(*listings.c).where(offered, alive).order_by(listings.c.id)
    return [listing_of(row) for row in await tx.execute(for_update(query, tx))]


async def orders_held(tx: Transaction, held: Held) -> list[tuple[Order, AssetId]]:
    """The open ones, each with its asset."""
    if (which := _orders_held(held)) is None:
        return []
    query = select(*orders.c, listings.c.asset_id).join(listings, listings.c.id == orders.c.listing_id)
    query = query.where(which, orders.c.state.in_(ORDER.open_states())).order_by(orders.c.id)
    if tx.dialect.name != "sqlite":
        query = query.with_for_update(of=orders)
    return [(order_of(row), row.asset_id) for row in await tx.execute(query)]


async def entitlements_held(tx: Transaction, held: Held) -> list[tuple[Entitlement, AssetId]]:
    """Those in force: of a participant, only what they receive themselves; others' deals with them are not theirs."""
    if (entitled := _entitlements_held(held)) is None:
        return []
    query = select(*entitlements.c, listings.c.asset_id).join(orders, orders.c.id == entitlements.c.order_id)
    query = query.join(listings, listings.c.id == orders.c.listing_id)
    query = query.where(entitled, _in_force).order_by(entitlements.c.id)
    if tx.dialect.name != "sqlite":
        query = query.with_for_update(of=entitlements)
    return [(entitlement_of(row), row.asset_id) for row in await tx.execute(query)]


async def move_signing(tx: Transaction, order: Order) -> None:
    """Let the contract be signed for as long as its order waits for that."""
    drafted = (contracts.c.id == order.contract_id, contracts.c.state == DRAFTED)
    changes = {"deadline": order.deadline, "revision": contracts.c.revision + 1}
    await tx.execute(update(contracts).where(*drafted).values(changes))


async def hold_back(tx: Transaction, order_id: OrderId, until: datetime) -> None:
    """Let what the custodian was not yet asked for this order wait until then."""
    await _hold_back(tx, instructions.c.subject == order_id, until)


async def hold_back_payouts(tx: Transaction, participant_id: ParticipantId, until: datetime) -> None:
    """The same for what would leave this wallet."""
    leaving = (instructions.c.participant_id == participant_id) & (instructions.c.kind == InstructionKind.PAYOUT)
    await _hold_back(tx, leaving, until)


async def _hold_back(tx: Transaction, which: ColumnElement[bool], until: datetime) -> None:
    unasked = (instructions.c.state == InstructionState.PENDING, instructions.c.attempts == 0, which)
    changes = {"next_attempt_at": until, "revision": instructions.c.revision + 1}
    await tx.execute(update(instructions).where(*unasked).values(changes))


def _listings_held(held: Held) -> ColumnElement[bool] | None:
    match held.scope:
        case Scope.PARTICIPANT:
            return listings.c.provider_id == held.subject_id
        case Scope.ASSET:
            return listings.c.asset_id == held.subject_id
        case Scope.LISTING:
            return listings.c.id == held.subject_id
        case _:
            return None


def _orders_held(held: Held) -> ColumnElement[bool] | None:
    match held.scope:
        case Scope.PARTICIPANT:
            return (orders.c.buyer_id == held.subject_id) | (orders.c.provider_id == held.subject_id)
        case Scope.ASSET:
            return listings.c.asset_id == held.subject_id
        case Scope.ORDER:
            return orders.c.id == held.subject_id
        case _:
            return None


def _entitlements_held(held: Held) -> ColumnElement[bool] | None:
    match held.scope:
        case Scope.PARTICIPANT:
            return entitlements.c.buyer_id == held.subject_id
        case Scope.ASSET:
            return listings.c.asset_id == held.subject_id
        case Scope.ORDER:
            return entitlements.c.order_id == held.subject_id
        case _:
            return None


def _subject(scope: Scope, told: str) -> Subject:
    return SUBJECTS[scope](told)


def _found(row: Row[Any] | None) -> Freeze:
    if row is None:
        raise NoSuchFreeze()
    return _freeze(row)


def _freeze(row: Row[Any]) -> Freeze:
    scope, lifting = Scope(row.scope), None
    if row.lifting_official is not None:
        lifting = Lifting(row.lifting_official, LiftGround(row.lifting_ground), row.lifting_proposed_at)
    return Freeze(
        row.id, Held(scope, _subject(scope, row.subject_id), row.owner_id, row.counterparty_id),
        Basis(Ground(row.ground), row.legal_basis, row.case_reference), row.proposed_by, row.proposed_at,
        row.expires_at, State(row.state), row.deadline, row.confirmed_by, row.in_force_at, lifting, row.ended_at,
        row.reason_code, row.revision,
    )  # fmt: skip


def _row(freeze: Freeze) -> dict[str, object]:
    held, basis, lifting = freeze.held, freeze.basis, freeze.lifting
    return {
        "id": freeze.id, "scope": held.scope, "subject_id": held.subject_id, "owner_id": held.owner_id,
        "counterparty_id": held.counterparty_id, "ground": basis.ground, "legal_basis": basis.legal_basis,
        "case_reference": basis.case_reference, "proposed_by": freeze.proposed_by, "proposed_at": freeze.proposed_at,
        "confirmed_by": freeze.confirmed_by, "in_force_at": freeze.in_force_at, "expires_at": freeze.expires_at,
        "lifting_official": lifting and lifting.official, "lifting_ground": lifting and lifting.ground,
        "lifting_proposed_at": lifting and lifting.proposed_at, "ended_at": freeze.ended_at, "state": freeze.state,
        "deadline": freeze.deadline, "reason_code": freeze.reason_code, "revision": freeze.revision,
    }  # fmt: skip

"""How the register of arbiters and the fees of disputes are kept. A fee ends by whoever moves its row first."""

from typing import Any

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from services.trading.rules.arbiter_draw import (
    REGISTER_MAX,
    Arbiter,
    ArbiterRegistered,
    ArbiterState,
    NoSuchArbiter,
    RegisterFull,
)
from services.trading.rules.arbitration_fee import FeeEnded, FeeHeldAlready, FeeHold
from services.trading.rules.demand import Side
from services.trading.rules.hold import HELD, HOLD, HoldState
from services.trading.store import rows
from services.trading.tables.disputes import arbiters, fee_holds
from shared.database import Transaction, for_update
from shared.ids import DisputeId, ParticipantId, UserId
from shared.money import Money
from shared.web import Page


async def add_arbiter(tx: Transaction, arbiter: Arbiter) -> None:
    """Raises ArbiterRegistered, RegisterFull."""
    if (await tx.scalar(select(func.count()).select_from(arbiters)) or 0) >= REGISTER_MAX:
        raise RegisterFull(arbiters_max=REGISTER_MAX)
    try:
        await rows.add(tx, arbiters, _row(arbiter))
    except IntegrityError as error:
        raise ArbiterRegistered(arbiter_id=arbiter.id) from error


async def save_arbiter(tx: Transaction, arbiter: Arbiter) -> None:
    await rows.save(tx, arbiters, arbiter, _row(arbiter))


async def arbiter_for_update(tx: Transaction, arbiter_id: UserId) -> Arbiter:
    row = (await tx.execute(for_update(select(*arbiters.c).where(arbiters.c.id == arbiter_id), tx))).one_or_none()
    if row is None:
        raise NoSuchArbiter()
    return _arbiter(row)


async def register(tx: Transaction) -> list[Arbiter]:
    """All of it: it has an upper end."""
    return [_arbiter(row) for row in await tx.execute(select(*arbiters.c).order_by(arbiters.c.id))]


async def page_of_arbiters(tx: Transaction, page: Page) -> list[Arbiter]:
    query = rows.newest_first(select(*arbiters.c), arbiters.c.id, UserId, page)
    return [_arbiter(row) for row in await tx.execute(query)]


async def add_fee(tx: Transaction, hold: FeeHold) -> None:
    """Raises FeeHeldAlready for a second one of a side in a round."""
    row = {
        "id": hold.id, "dispute_id": hold.dispute_id, "round": hold.number, "side": hold.side,
        "participant_id": hold.participant_id, "amount_minor": hold.amount.minor, "currency": hold.amount.currency,
        "state": hold.state,
    }  # fmt: skip
    try:
        await tx.execute(insert(fee_holds).values(row))
    except IntegrityError as error:
        raise FeeHeldAlready() from error


async def end_fee(tx: Transaction, hold: FeeHold, to: HoldState) -> None:
    """Raises FeeEnded for all but the first who ends it."""
    as_held = (fee_holds.c.id == hold.id, fee_holds.c.state == HELD)
    if (await tx.execute(update(fee_holds).where(*as_held).values(state=HOLD.move(HELD, to)))).rowcount != 1:
        raise FeeEnded(hold_id=hold.id)


async def fees_of(tx: Transaction, dispute_id: DisputeId) -> list[FeeHold]:
    """Held or ended, in the order of their ids. Requires the locked dispute."""
    query = select(*fee_holds.c).where(fee_holds.c.dispute_id == dispute_id).order_by(fee_holds.c.id)
    return [_hold(row) for row in await tx.execute(query)]


def _arbiter(row: Row[Any]) -> Arbiter:
    ties = tuple(ParticipantId(each) for each in row.ties)
    return Arbiter(row.id, ties, row.registered_at, ArbiterState(row.state), row.revision)


def _row(arbiter: Arbiter) -> dict[str, object]:
    return {
        "id": arbiter.id, "ties": list(arbiter.ties), "state": arbiter.state, "registered_at": arbiter.registered_at,
        "revision": arbiter.revision,
    }  # fmt: skip


def _hold(row: Row[Any]) -> FeeHold:
    amount = Money(row.amount_minor, row.currency)
    return FeeHold(row.id, row.dispute_id, row.round, Side(row.side), row.participant_id, amount, HoldState(row.state))

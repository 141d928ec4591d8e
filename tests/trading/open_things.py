"""What of a market is not at its end, by every lifecycle of the rules, and time that passes over it."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Table, literal, select

from services.trading.rules.arbiter_draw import ARBITER
from services.trading.rules.auction import AUCTION
from services.trading.rules.block_deal import BLOCK_DEAL
from services.trading.rules.call_session import CALL_AUCTION
from services.trading.rules.complaint import COMPLAINT
from services.trading.rules.contract import CONTRACT
from services.trading.rules.credit import CREDIT
from services.trading.rules.credit_record import APPEAL
from services.trading.rules.dispute import DISPUTE
from services.trading.rules.double_auction import DOUBLE_AUCTION
from services.trading.rules.entitlement import ENTITLEMENT
from services.trading.rules.freeze import FREEZE
from services.trading.rules.hold import HOLD
from services.trading.rules.inquiry import INQUIRY
from services.trading.rules.instruction import INSTRUCTION
from services.trading.rules.listing import LISTING
from services.trading.rules.need import NEED
from services.trading.rules.negotiation import NEGOTIATION
from services.trading.rules.order import ORDER
from services.trading.rules.payout import PAYOUT_PROPOSAL
from services.trading.rules.sanction import SANCTION
from services.trading.rules.termination import TERMINATION
from services.trading.tables.whole import metadata
from shared.lifecycle import Lifecycle
from tests.trading.market import Market

LIFECYCLES: dict[str, Lifecycle[Any]] = {
    "listings": LISTING, "auctions": AUCTION, "call_auctions": CALL_AUCTION, "needs": NEED, "inquiries": INQUIRY,
    "negotiations": NEGOTIATION, "orders": ORDER, "contracts": CONTRACT, "contract_terminations": TERMINATION,
    "entitlements": ENTITLEMENT, "service_credits": CREDIT, "disputes": DISPUTE, "arbitration_fees": HOLD,
    "holds": HOLD, "instructions": INSTRUCTION, "complaints": COMPLAINT, "freezes": FREEZE, "credit_appeals": APPEAL,
    "sanctions": SANCTION, "arbiters": ARBITER, "double_auctions": DOUBLE_AUCTION, "block_deals": BLOCK_DEAL,
    "payout_proposals": PAYOUT_PROPOSAL,
}  # fmt: skip
PARTS = {"order_objections"}  # of an order, whose state is theirs; open until they have ended
OFFICES = {"arbiters"}  # who can be drawn waits for nothing, and stays so until they retire
MOMENTS = ("deadline", "closes_at", "reveal_closes_at", "next_attempt_at", "expires_at", "frozen_until")
TURNS_MAX = 150
Left = tuple[str, str]  # a table, and the state of something in it


def kept() -> dict[str, Table]:
    """Every table of things that have a state, or a deadline without one."""
    waiting = {"state", "deadline"}
    return {table.name: table for table in metadata.sorted_tables if waiting & {column.name for column in table.c}}


def states_that_wait() -> set[Left]:
    """Every state of every lifecycle that something still follows, wherever it is kept."""
    waiting = {name: lifecycle for name, lifecycle in LIFECYCLES.items() if name not in OFFICES}
    return {(name, state) for name, lifecycle in waiting.items() for state in lifecycle.open_states()}


async def left_open(market: Market) -> Counter[Left]:
    return Counter([(name, row.state) for name, row in await _open_rows(market)])


async def let_time_pass(market: Market, persons_decide: set[Left]) -> None:
    """From one moment at which something happens to the next, until nothing waits but for a person.

    After each, nothing is late: whatever had its deadline by then has moved on, and has another or none.
    """
    for _ in range(TURNS_MAX):
        rows, now = await _open_rows(market), market.bench.clock.now()
        late = [(name, row) for name, row in rows if _is_late(row, now)]
        assert not late, late
        waiting = [row for name, row in rows if (name, row.state) not in persons_decide]
        if not waiting:
            return
        await market.advance(seconds=(_next_moment(waiting, now) - now).total_seconds())
        await market.custodian.deliver()
    raise AssertionError(f"this does not end: {await left_open(market)}")


def _next_moment(rows: list[Any], now: datetime) -> datetime:
    """Of those soon after one another the last, for there are many."""
    ahead = sorted(moment for row in rows for moment in _moments(row) if moment > now)
    return max([moment for moment in ahead if moment < ahead[0] + timedelta(days=1)], default=now + timedelta(days=1))


def _moments(row: Any) -> list[datetime]:
    return [moment for name in MOMENTS if (moment := getattr(row, name, None)) is not None]


def _is_late(row: Any, now: datetime) -> bool:
    """What is frozen keeps its deadline until the end of the freeze moves it."""
    deadline, frozen_until = getattr(row, "deadline", None), getattr(row, "frozen_until", None)
    return deadline is not None and deadline <= now and (frozen_until is None or frozen_until <= now)


async def _open_rows(market: Market) -> list[tuple[str, Any]]:
    found = list[tuple[str, Any]]()
    async with market.trading.database.read() as tx:
        for name, table in kept().items():
            if name in OFFICES:
                continue
            if name in PARTS:
                opened = select(table.c.deadline, literal("open").label("state")).where(table.c.ended_at.is_(None))
                found += [(name, row) for row in await tx.execute(opened)]
                continue
            shown = [column for column in table.c if column.name in {"id", "state", *MOMENTS}]
            waiting = select(*shown).where(table.c.state.in_(LIFECYCLES[name].open_states()))
            found += [(name, row) for row in await tx.execute(waiting)]
    return found

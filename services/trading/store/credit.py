"""How credits are kept: one for a period; one that changed since it was read is not saved."""

from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Row, select

from services.trading.rules.credit import CREDIT, Credit, NoSuchCredit, Payment, State
from services.trading.rules.freeze import IN_FORCE, Scope
from services.trading.rules.measured import Measured
from services.trading.rules.order import SETTLED
from services.trading.rules.service_level import Figures
from services.trading.store import rows
from services.trading.tables.credits import credits
from services.trading.tables.deals import orders
from services.trading.tables.supervision import freezes
from shared.database import Transaction
from shared.ids import CreditId, OrderId, ParticipantId
from shared.money import Money
from shared.web import Page

DUE_MAX = 100
_figures, _measured = TypeAdapter(Figures), TypeAdapter(Measured | None)


async def add_credit(tx: Transaction, credit: Credit) -> None:
    """Requires the locked order."""
    await rows.add(tx, credits, _row(credit))


async def save_credit(tx: Transaction, credit: Credit) -> None:
    await rows.save(tx, credits, credit, _row(credit))


async def credit(tx: Transaction, credit_id: CreditId, party_id: ParticipantId | None) -> Credit:
    """One of the party's own: another's is not there. For None, anyone's."""
    own = rows.whose(credits.c.buyer_id, credits.c.provider_id, party_id)
    row = (await tx.execute(select(*credits.c).where(credits.c.id == credit_id, *own))).one_or_none()
    if row is None:
        raise NoSuchCredit()
    return _credit(row)


async def credits_of(tx: Transaction, order_id: OrderId) -> tuple[Credit, ...]:
    """Of a locked order: no more than its right has periods."""
    query = select(*credits.c).where(credits.c.order_id == order_id).order_by(credits.c.period)
    return tuple(_credit(row) for row in await tx.execute(query))


async def credits_due(tx: Transaction, now: datetime) -> list[CreditId]:
    """Those that silence has confirmed, at most a hundred, the longest overdue first."""
    where = (credits.c.state.in_(CREDIT.open_states()), credits.c.deadline <= now)
    return list(await tx.scalars(select(credits.c.id).where(*where).order_by(credits.c.deadline).limit(DUE_MAX)))


async def credits_owed(tx: Transaction, now: datetime) -> list[CreditId]:
    """Those that can be paid, at most a hundred: the price is shared out, and no freeze order holds it."""
    of_the_order = (freezes.c.scope == Scope.ORDER) & (freezes.c.subject_id == orders.c.id)
    of_the_provider = freezes.c.scope.in_([Scope.PARTICIPANT, Scope.WALLET]) & (
        freezes.c.owner_id == orders.c.provider_id
    )
    held = select(freezes.c.id).where(
        freezes.c.state == IN_FORCE, freezes.c.expires_at > now, of_the_order | of_the_provider
    )  # fmt: skip
    where = (credits.c.is_owed, credits.c.paid_at.is_(None), orders.c.state == SETTLED, ~held.exists())
    query = select(credits.c.id).join(orders, orders.c.id == credits.c.order_id).where(*where)
    return list(await tx.scalars(query.order_by(credits.c.id).limit(DUE_MAX)))


async def page_of_credits(tx: Transaction, page: Page, order_id: OrderId) -> list[Credit]:
    query = select(*credits.c).where(credits.c.order_id == order_id)
    return [_credit(row) for row in await tx.execute(rows.newest_first(query, credits.c.id, CreditId, page))]


def _credit(row: Row[Any]) -> Credit:
    return Credit(
        id=row.id, order_id=row.order_id, buyer_id=row.buyer_id, provider_id=row.provider_id, period=row.period,
        figures=_figures.validate_python(row.figures), amount=Money(row.amount_minor, row.currency),
        state=State(row.state), claimed_at=row.claimed_at, deadline=row.deadline, is_owed=row.is_owed,
        reason_code=row.reason_code, reason=row.reason, decided_at=row.decided_at, revision=row.revision,
        payment=_payment(row), measured=_measured.validate_python(row.figures.get("measured")),
    )  # fmt: skip


def _payment(row: Row[Any]) -> Payment | None:
    if row.paid_at is None:
        return None
    return Payment(Money(row.paid_minor, row.currency), row.return_number, row.paid_at)


def _row(credit: Credit) -> dict[str, object]:
    """What was measured of the figures stands beside them."""
    payment, measured = credit.payment, {"measured": rows.told(credit.measured)} if credit.measured else {}
    return {
        "id": credit.id, "order_id": credit.order_id, "buyer_id": credit.buyer_id, "provider_id": credit.provider_id,
        "period": credit.period, "figures": {**rows.told(credit.figures), **measured},
        "amount_minor": credit.amount.minor, "currency": credit.amount.currency,
        "state": credit.state, "claimed_at": credit.claimed_at,
        "deadline": credit.deadline, "is_owed": credit.is_owed, "reason_code": credit.reason_code,
        "reason": credit.reason, "decided_at": credit.decided_at, "revision": credit.revision,
        "paid_minor": payment and payment.amount.minor, "return_number": payment and payment.number,
        "paid_at": payment and payment.paid_at,
    }  # fmt: skip

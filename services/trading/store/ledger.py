"""How the ledger is kept.

Promises: a balance changes only by one conditional statement that also checks it, never by read and write; accounts
are locked in the order of their ids; transfers are added and never changed; a hold ends by whoever moves its row first.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, case, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from services.trading.rules import ledger as rules
from services.trading.rules.hold import HELD, HOLD, DepositHeldAlready, Hold, HoldEnded, HoldState, NoSuchHold
from services.trading.rules.ledger import (
    Account,
    AccountKind,
    Balance,
    InsufficientFunds,
    NothingPending,
    Phase,
    Transfer,
)
from services.trading.tables.money import SUMS, accounts, holds, transfers
from shared.database import Transaction, for_update, insert_into
from shared.ids import AuctionId, FactId, ParticipantId, TransferId
from shared.money import Money


@dataclass(frozen=True, slots=True)
class KindSum:
    """All accounts of one kind together, as their transfers say."""

    kind: AccountKind
    currency: str
    balance: Balance


@dataclass(frozen=True, slots=True)
class LookedAt:
    """A guarded account, what it says it has, and what its transfers say."""

    account: Account
    kept: Balance
    fold: Balance

    @property
    def difference_minor(self) -> int:
        return sum(abs(getattr(self.kept, name) - getattr(self.fold, name)) for name in SUMS)


@dataclass(frozen=True, slots=True)
class Entry:
    """A transfer as it was taken, and the fact that tells of it: who did this, why, and where in the log."""

    transfer: Transfer
    fact_id: FactId
    created_at: datetime


async def add_transfers(tx: Transaction, told: Mapping[FactId, Sequence[Transfer]], now: datetime) -> None:
    """Take the chain, whole; each transfer under the fact that tells of it.

    Raises InsufficientFunds, NothingPending or what else is wrong with it. Requires a writing transaction, which an
    error ends, for part of the chain may have been written; and that it records these facts.
    """
    chain = [transfer for transfers in told.values() for transfer in transfers]
    wanted = {transfer.id for transfer in chain} | {each.pending_id for each in chain if each.pending_id}
    known = await transfers_by_id(tx, wanted)
    if not rules.fresh(chain, known):
        return
    whole = {**known, **{transfer.id: transfer for transfer in chain}}
    for transfer in chain:
        if transfer.pending_id is not None:
            rules.check_end(transfer, whole.get(transfer.pending_id))
    await _change_balances(tx, rules.changes(chain, whole))
    await _insert_transfers(tx, told, whole, now)


async def lock_accounts(tx: Transaction, wanted: Iterable[Account]) -> None:
    """Those that were ever used, in the order of their ids."""
    ids = sorted({account.id for account in wanted})
    await tx.execute(for_update(select(accounts.c.id).where(accounts.c.id.in_(ids)).order_by(accounts.c.id), tx))


async def transfers_by_id(tx: Transaction, ids: Iterable[TransferId]) -> dict[TransferId, Transfer]:
    rows = await tx.execute(_entries().where(transfers.c.id.in_(sorted(ids))))
    return {row.id: _transfer(row) for row in rows}


async def balance(tx: Transaction, account: Account) -> Balance:
    """Requires a guarded account: no other keeps its sums. One that was never used has nothing."""
    row = (await tx.execute(select(*_sums()).where(accounts.c.id == account.id))).one_or_none()
    return _balance(row) if row else Balance()


async def entries_of(tx: Transaction, account: Account, before: TransferId | None, limit: int) -> list[Entry]:
    """The account's transfers, newest first."""
    query = _entries().where(or_(transfers.c.debit == account.id, transfers.c.credit == account.id))
    if before is not None:
        query = query.where(transfers.c.id < before)
    rows = await tx.execute(query.order_by(transfers.c.id.desc()).limit(limit))
    return [Entry(_transfer(row), row.fact_id, row.created_at) for row in rows]


async def sums_by_kind(tx: Transaction) -> list[KindSum]:
    """For each kind and currency, the fold of all transfers, in the order of the kinds' names."""
    folded = _folded().subquery()
    columns = (func.sum(folded.c[name]).label(name) for name in SUMS)
    query = select(accounts.c.kind, accounts.c.currency, *columns).join(folded, folded.c.account == accounts.c.id)
    grouped = query.group_by(accounts.c.kind, accounts.c.currency).order_by(accounts.c.currency, accounts.c.kind)
    return [KindSum(AccountKind(row.kind), row.currency, _balance(row)) for row in await tx.execute(grouped)]


async def posted_sums(tx: Transaction) -> dict[Account, int]:
    """What every account that is not even has for good, as its transfers say."""
    folded = _folded().subquery()
    minor = func.sum(folded.c.credits_posted) - func.sum(folded.c.debits_posted)
    query = select(folded.c.account, minor.label("minor")).group_by(folded.c.account).having(minor != 0)
    return {Account.read(row.account): int(row.minor) for row in await tx.execute(query)}


async def drifting_accounts(tx: Transaction) -> list[str]:
    """Accounts whose running balance is not the fold of their transfers: none, unless someone edited the tables."""
    folded = _folded().subquery()
    sums = select(folded.c.account, *(func.sum(folded.c[name]).label(name) for name in SUMS)).group_by(folded.c.account)
    fold = sums.subquery()
    differs = or_(*(accounts.c[name] != func.coalesce(fold.c[name], 0) for name in SUMS))
    query = select(accounts.c.id).outerjoin(fold, fold.c.account == accounts.c.id)
    guarded = accounts.c.kind.in_(sorted(rules.GUARDED))
    return list(await tx.scalars(query.where(guarded, differs).order_by(accounts.c.id)))


async def looked_at_after(tx: Transaction, account_id: str, limit: int) -> list[LookedAt]:
    """The next guarded accounts in the order of their ids, each beside the fold of its transfers."""
    guarded = (accounts.c.kind.in_(sorted(rules.GUARDED)), accounts.c.id > account_id)
    query: Select[Any] = select(accounts.c.id, *_sums()).where(*guarded).order_by(accounts.c.id).limit(limit)
    kept = {row.id: _balance(row) for row in await tx.execute(query)}
    folded = _folded(list(kept)).subquery()
    columns = [folded.c.account, *(func.sum(folded.c[name]).label(name) for name in SUMS)]
    rows = await tx.execute(select(*columns).group_by(folded.c.account))
    fold = {row.account: _balance(row) for row in rows}
    return [LookedAt(Account.read(each), kept[each], fold.get(each, Balance())) for each in kept]


# --- holds


async def add_hold(tx: Transaction, hold: Hold) -> None:
    """Raises DepositHeldAlready for a second deposit of one bidder in one auction, ended or not."""
    row = {
        "id": hold.id, "auction_id": hold.auction_id, "participant_id": hold.participant_id,
        "amount_minor": hold.amount.minor, "currency": hold.amount.currency, "state": hold.state,
    }  # fmt: skip
    try:
        await tx.execute(insert(holds).values(row))
    except IntegrityError as error:
        raise DepositHeldAlready() from error


async def end_hold(tx: Transaction, hold: Hold, to: HoldState) -> None:
    """Raises HoldEnded for all but the first who ends it."""
    as_held = (holds.c.id == hold.id, holds.c.state == HELD)
    if (await tx.execute(update(holds).where(*as_held).values(state=HOLD.move(HELD, to)))).rowcount != 1:
        raise HoldEnded(hold_id=hold.id)


async def hold_of(tx: Transaction, auction_id: AuctionId, participant_id: ParticipantId) -> Hold:
    query = _holds(holds.c.auction_id == auction_id, holds.c.participant_id == participant_id)
    row = (await tx.execute(for_update(query, tx))).one_or_none()
    if row is None:
        raise NoSuchHold()
    return _hold(row)


async def holds_of(tx: Transaction, auction_id: AuctionId) -> list[Hold]:
    """Those that are still held, in the order of their ids, locked."""
    query = _holds(holds.c.auction_id == auction_id, holds.c.state == HELD).order_by(holds.c.id)
    return [_hold(row) for row in await tx.execute(for_update(query, tx))]


# --- inside


async def _change_balances(tx: Transaction, changes: dict[Account, Balance]) -> None:
    """Each account by one statement that holds only if the account stays covered. In the order of ids: no deadlock."""
    await _ensure_accounts(tx, changes)
    for account in sorted(changes, key=lambda each: each.id):
        if not account.is_guarded:
            continue
        change = changes[account]
        after = {name: accounts.c[name] + getattr(change, name) for name in SUMS}
        covered = after["credits_posted"] - after["debits_posted"] - after["debits_pending"] >= 0
        try:
            changed = await tx.execute(update(accounts).where(accounts.c.id == account.id, covered).values(after))
        except IntegrityError as error:  # less than nothing would be pending: what is to end has ended
            raise NothingPending() from error
        if changed.rowcount != 1:
            raise InsufficientFunds(available_minor=(await balance(tx, account)).available)


async def _ensure_accounts(tx: Transaction, wanted: Iterable[Account]) -> None:
    by_id = {account.id: account for account in sorted(wanted, key=lambda each: each.id)}
    present = set(await tx.scalars(select(accounts.c.id).where(accounts.c.id.in_(list(by_id)))))
    rows = [
        {"id": account.id, "kind": account.kind, "owner": account.owner, "currency": account.currency}
        for account in by_id.values()
        if account.id not in present
    ]
    if rows:
        await tx.execute(insert_into(tx, accounts).on_conflict_do_nothing(), rows)


async def _insert_transfers(
    tx: Transaction, told: Mapping[FactId, Sequence[Transfer]], known: dict[TransferId, Transfer], now: datetime
) -> None:
    rows = [
        {
            "id": each.id, "debit": each.debit.id, "credit": each.credit.id, "amount_minor": each.amount.minor,
            "currency": each.amount.currency, "phase": each.phase, "pending_id": each.pending_id,
            "released_minor": known[each.pending_id].amount.minor if each.pending_id else 0, "fact_id": fact_id,
            "created_at": now,
        }
        for fact_id, chain in told.items()
        for each in chain
    ]  # fmt: skip
    try:
        await tx.execute(insert(transfers), rows)
    except IntegrityError as error:
        raise NothingPending() from error


def _folded(of: Sequence[str] | None = None) -> Any:
    """One line per transfer and side: what it does to that account. Of these accounts, or of all."""
    amount, released, phase = transfers.c.amount_minor, transfers.c.released_minor, transfers.c.phase
    promised = case((phase == Phase.PENDING, amount), else_=-released)
    moved = case((phase.in_([Phase.POSTED, Phase.POST]), amount), else_=0)
    sides = {
        "debit": {"debits_pending": promised, "debits_posted": moved},
        "credit": {"credits_pending": promised, "credits_posted": moved},
    }
    queries = [
        select(transfers.c[side].label("account"), *((told.get(name, _zero())).label(name) for name in SUMS))
        for side, told in sides.items()
    ]
    if of is not None:
        queries = [query.where(transfers.c[side].in_(of)) for query, side in zip(queries, sides, strict=True)]
    return queries[0].union_all(queries[1])


def _zero() -> ColumnElement[int]:
    return case((transfers.c.phase == Phase.PENDING, 0), else_=0)


def _entries() -> Select[Any]:
    columns = ("id", "debit", "credit", "amount_minor", "currency", "phase", "pending_id", "fact_id", "created_at")
    return select(*(transfers.c[name] for name in columns))


def _sums() -> list[ColumnElement[Any]]:
    return [accounts.c[name] for name in SUMS]


def _holds(*where: ColumnElement[bool]) -> Select[Any]:
    return select(*holds.c).where(*where)


def _balance(row: Row[Any]) -> Balance:
    return Balance(*(int(getattr(row, name)) for name in SUMS))


def _transfer(row: Row[Any]) -> Transfer:
    sides = (Account.read(row.debit), Account.read(row.credit))
    return Transfer(row.id, *sides, Money(row.amount_minor, row.currency), Phase(row.phase), row.pending_id)


def _hold(row: Row[Any]) -> Hold:
    amount = Money(row.amount_minor, row.currency)
    return Hold(row.id, row.auction_id, row.participant_id, amount, HoldState(row.state))

"""How instructions to the custodian and its events are kept.

Promises: one instruction that stands per natural key; an event's id is taken once; a row that changed since it was
read is not saved.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, insert, select, update
from sqlalchemy.exc import IntegrityError

from services.trading.rules.callback import EventDiffers
from services.trading.rules.instruction import (
    CONFIRMED,
    INSTRUCTION,
    REFUSED,
    AlreadyInstructed,
    Instruction,
    InstructionKind,
    InstructionState,
    NoSuchInstruction,
    Part,
    Subject,
)
from services.trading.tables.money import custodian_events, instructions
from shared.database import Transaction, for_update, insert_into
from shared.errors import Conflict
from shared.ids import AuctionId, DisputeId, InstructionId, OrderId, ParticipantId, TransferId
from shared.money import Money


class InstructionChanged(Conflict):
    """This instruction changed at the same time; look again."""


async def add(tx: Transaction, instruction: Instruction) -> None:
    """Raises AlreadyInstructed if one with this natural key stands."""
    try:
        await tx.execute(insert(instructions).values(_row(instruction)))
    except IntegrityError as error:
        raise AlreadyInstructed(natural_key=instruction.natural_key) from error


async def save(tx: Transaction, instruction: Instruction, read_revision: int) -> None:
    """Requires the revision that was read."""
    as_read = (instructions.c.id == instruction.id, instructions.c.revision == read_revision)
    if (await tx.execute(update(instructions).where(*as_read).values(_row(instruction)))).rowcount != 1:
        raise InstructionChanged()


async def find(tx: Transaction, instruction_id: InstructionId) -> Instruction | None:
    row = (await tx.execute(_where(instructions.c.id == instruction_id))).one_or_none()
    return _instruction(row) if row else None


async def of_participant(
    tx: Transaction, instruction_id: InstructionId, participant_id: ParticipantId
) -> Instruction:  # fmt: skip
    """The participant's own: another's is not there."""
    found = await find(tx, instruction_id)
    if found is None or found.participant_id != participant_id:
        raise NoSuchInstruction()
    return found


async def locked(tx: Transaction, instruction_id: InstructionId) -> Instruction:
    row = (await tx.execute(for_update(_where(instructions.c.id == instruction_id), tx))).one_or_none()
    if row is None:
        raise NoSuchInstruction()
    return _instruction(row)


async def standing(tx: Transaction, natural_key: str) -> Instruction | None:
    """The instruction with this natural key, unless it was refused."""
    query = _where(instructions.c.natural_key == natural_key, instructions.c.state != REFUSED)
    row = (await tx.execute(query)).one_or_none()
    return _instruction(row) if row else None


async def due(tx: Transaction, now: datetime, limit: int) -> list[Instruction]:
    """Those whose next attempt is due, the longest waiting first, locked; another process's are passed over."""
    is_due = (instructions.c.state.in_(INSTRUCTION.open_states()), instructions.c.next_attempt_at <= now)
    query = _where(*is_due).order_by(instructions.c.next_attempt_at, instructions.c.id).limit(limit)
    return [_instruction(row) for row in await tx.execute(for_update(query, tx, skip_locked=True))]


async def in_state(
    tx: Transaction, state: InstructionState, after: InstructionId | None, limit: int
) -> list[Instruction]:  # fmt: skip
    query = _where(instructions.c.state == state)
    if after is not None:
        query = query.where(instructions.c.id > after)
    return [_instruction(row) for row in await tx.execute(query.order_by(instructions.c.id).limit(limit))]


async def executed_on(tx: Transaction, day: datetime) -> list[Instruction]:
    """What the custodian says it carried out in the day that begins then."""
    return await _executed(tx, instructions.c.executed_at >= day, instructions.c.executed_at < day + timedelta(days=1))


async def executed_since(tx: Transaction, moment: datetime) -> list[Instruction]:
    """What it says it carried out then or later."""
    return await _executed(tx, instructions.c.executed_at >= moment)


async def open_ones(tx: Transaction) -> list[Instruction]:
    """Those about which the custodian has decided nothing that we know of."""
    query = _where(instructions.c.state.in_(INSTRUCTION.open_states())).order_by(instructions.c.id)
    return [_instruction(row) for row in await tx.execute(query)]


async def add_event(tx: Transaction, event_id: str, instruction_id: InstructionId, body: bytes, now: datetime) -> bool:
    """Whether the event is new. Raises EventDiffers if its id once carried another body."""
    row = {
        "id": event_id, "instruction_id": instruction_id, "body_digest": digest_of(body), "body": body.decode(),
        "received_at": now,
    }  # fmt: skip
    if (await tx.execute(insert_into(tx, custodian_events).values(row).on_conflict_do_nothing())).rowcount == 1:
        return True
    if await event_digest(tx, event_id) != digest_of(body):
        raise EventDiffers(event_id=event_id)
    return False


async def event_digest(tx: Transaction, event_id: str) -> str | None:
    """Of the body that an event carried; None if the event is new."""
    return await tx.scalar(select(custodian_events.c.body_digest).where(custodian_events.c.id == event_id))


def digest_of(body: bytes) -> str:
    return sha256(body).hexdigest()


async def _executed(tx: Transaction, *within: ColumnElement[bool]) -> list[Instruction]:
    query = _where(*within, instructions.c.state == CONFIRMED).order_by(instructions.c.id)
    return [_instruction(row) for row in await tx.execute(query)]


def _where(*where: ColumnElement[bool]) -> Select[Any]:
    return select(*instructions.c).where(*where)


def _instruction(row: Row[Any]) -> Instruction:
    parts = tuple(Part(part["payee"], Money(part["minor"], row.currency)) for part in row.parts)
    return Instruction(
        row.id, InstructionKind(row.kind), row.participant_id, row.payer, parts, row.natural_key, row.created_at,
        row.next_attempt_at, _subject(row.subject), tuple(TransferId(each) for each in row.transfer_ids),
        InstructionState(row.state), row.attempts, row.reason_code, row.executed_at, row.revision,
    )  # fmt: skip


def _subject(text: str | None) -> Subject | None:
    if text is None:
        return None
    kinds = (OrderId, AuctionId, DisputeId)
    return next(kind(text) for kind in kinds if text.startswith(f"{kind.kind}_"))


def _row(instruction: Instruction) -> dict[str, object]:
    return {
        "id": instruction.id,
        "kind": instruction.kind,
        "participant_id": instruction.participant_id,
        "payer": instruction.payer,
        "parts": _parts(instruction.parts),
        "amount_minor": instruction.amount.minor,
        "currency": instruction.amount.currency,
        "subject": instruction.subject,
        "natural_key": instruction.natural_key,
        "transfer_ids": list(instruction.transfer_ids),
        "state": instruction.state,
        "attempts": instruction.attempts,
        "next_attempt_at": instruction.next_attempt_at,
        "reason_code": instruction.reason_code,
        "created_at": instruction.created_at,
        "executed_at": instruction.executed_at,
        "revision": instruction.revision,
    }


def _parts(parts: Sequence[Part]) -> list[dict[str, object]]:
    return [{"payee": part.payee, "minor": part.amount.minor} for part in parts]

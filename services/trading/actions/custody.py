"""What passes between us and the custodian: instructions out, callbacks and answers in.

Promises: the custodian is never asked inside a transaction; a callback moves nothing by itself, for what it says is
asked back; whatever arrives twice, late, in another order or wrong changes the ledger once, rightly or not at all; an
instruction that fails keeps no other waiting.
"""

import base64
import binascii
import logging
from collections.abc import Container
from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError

from services.trading.actions.collecting import add_ends
from services.trading.actions.restraint import require_may_resume
from services.trading.actions.treasury import Treasury
from services.trading.events.money import (
    CustodianContradicted,
    InstructionConfirmed,
    InstructionGiven,
    InstructionParked,
    InstructionRefused,
    InstructionResumed,
    PayInConfirmed,
)
from services.trading.rules import callback as callback_rules
from services.trading.rules import instruction as rules
from services.trading.rules.callback import CallbackDiffers, CallbackNotGenuine, EventDiffers, UnknownInstruction
from services.trading.rules.instruction import (
    CONFIRMED,
    PARKED,
    PENDING,
    REFUSED,
    Instruction,
    InstructionKind,
    NoSuchInstruction,
    Report,
)
from services.trading.rules.ledger import Transfer
from services.trading.schemas.money import CustodianCallback
from services.trading.store import instruction as store
from services.trading.store import ledger as ledger_store
from shared import signing, tenancy
from shared.access import Caller
from shared.database import Transaction
from shared.errors import Failure, Malformed, Unavailable
from shared.facts import Actor, Fact
from shared.faultpoint import faultpoint
from shared.idempotency import Once
from shared.ids import FactId, InstructionId, TransferId
from shared.together import together
from shared.web import Page

BATCH = 50
CUSTODIAN = Actor("service", "custodian")
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Callback:
    """As it came: three headers and the body's bytes."""

    timestamp: str
    event_id: str
    signature: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Event:
    """A genuine callback, to be taken once."""

    id: str
    body: bytes


# --- what comes in


async def take_callback(treasury: Treasury, callback: Callback) -> Instruction:
    """Take a callback in, by asking back. Twice is as good as once.

    Raises CallbackNotGenuine, Malformed, UnknownInstruction, EventDiffers; CallbackDiffers after parking what it is
    about; Unavailable if the custodian cannot be asked now, and then the callback counts as not yet taken.
    """
    check_genuine(treasury, callback)
    tenancy.work_for_everyone()
    told = _told(callback)
    event = Event(callback.event_id, callback.body)
    async with treasury.database.read() as tx:
        instruction = await store.find(tx, told.instruction_id)
        seen = await store.event_digest(tx, event.id)
    if instruction is None:
        raise UnknownInstruction(instruction_id=told.instruction_id)
    if seen is not None and seen != store.digest_of(event.body):
        raise EventDiffers(event_id=event.id)
    if seen is not None:
        return instruction
    if reason_code := callback_rules.difference(instruction, told):
        await _take_in(treasury, CUSTODIAN, instruction.id, told, event)
        raise CallbackDiffers(reason_code=reason_code)
    try:
        report = await treasury.custodian.ask(instruction.id)
    except NoSuchInstruction as error:
        raise Unavailable(service="custodian", detail="the custodian does not know what it calls about") from error
    return await _take_in(treasury, CUSTODIAN, instruction.id, report, event)


def check_genuine(treasury: Treasury, callback: Callback) -> None:
    """Raises CallbackNotGenuine unless the custodian signed these very bytes, just now."""
    callback_rules.check_moment(callback.timestamp, treasury.clock.now())
    try:
        signature = base64.b64decode(callback.signature, validate=True)
    except (binascii.Error, ValueError) as error:
        raise CallbackNotGenuine() from error
    signed = callback_rules.signed_bytes(callback.timestamp, callback.event_id, callback.body)
    if treasury.custodian_key is None or not signing.verifies(treasury.custodian_key, signed, signature):
        raise CallbackNotGenuine()


# --- what goes out


async def work_instructions(treasury: Treasury) -> None:
    """Send what is due, and ask about what was sent. Every instruction by itself, none waiting for another."""
    await together(*(_work(treasury, instruction) for instruction in await _claim(treasury)))


async def resume(
    treasury: Treasury, operator: Caller, instruction_id: InstructionId, reason: str, once: Once
) -> Instruction:
    """Set a parked instruction on its way again: the same one, or its successor if the custodian had refused it."""
    async with treasury.database.transaction() as tx:
        if earlier := await once.recall(tx, Instruction):
            return earlier
        before = await store.locked(tx, instruction_id)
        now = await treasury.database.now(tx)
        await require_may_resume(tx, before, now)
        resumed, successor = rules.resume(before, InstructionId.new(), now)
        await store.save(tx, resumed, before.revision)
        given = list[Fact]()
        if successor:
            await store.add(tx, successor)
            given.append(InstructionGiven.of(successor))
        answer = successor or resumed
        await once.remember(tx, answer)
        told = InstructionResumed.told(before, reason, successor.id if successor else None)
        await treasury.outbox.record(tx, operator.actor, now, told, *given)
    return answer


async def parked(treasury: Treasury, page: Page) -> list[Instruction]:
    """What waits for a person, oldest first; one more than the page holds, if there are more."""
    after = page.after_id(InstructionId)
    async with treasury.database.read() as tx:
        return await store.in_state(tx, PARKED, after, page.limit + 1)


async def ask_about(treasury: Treasury, named: Container[str]) -> None:
    """Ask about every one of these that is still open here, and take in what is said. Raises Unavailable."""
    async with treasury.database.read() as tx:
        asked = [each for each in await store.open_ones(tx) if each.id in named]
    for instruction in asked:
        try:
            report = await treasury.custodian.ask(instruction.id)
        except NoSuchInstruction:
            continue  # it stays open, and so unlike whatever names it
        await _take_in(treasury, treasury.outbox.itself, instruction.id, report)


# --- inside


async def _claim(treasury: Treasury) -> list[Instruction]:
    """The due instructions, each counted as tried before it is: a crash in between costs a try, never a repeat."""
    async with treasury.database.transaction() as tx:
        now = await treasury.database.now(tx)
        claimed = list[Instruction]()
        for instruction in await store.due(tx, now, BATCH):
            tried = rules.attempt(instruction, now)
            await store.save(tx, tried, instruction.revision)
            claimed.append(tried)
    return claimed


async def _work(treasury: Treasury, instruction: Instruction) -> None:
    try:
        faultpoint("custodian.before_ask")
        report = await _asked(treasury, instruction)
        faultpoint("custodian.answered")
        await _take_in(treasury, treasury.outbox.itself, instruction.id, report)
    except Exception as error:
        known = isinstance(error, Failure)
        log.warning("instruction %s is undecided: %s", instruction.id, error, exc_info=None if known else error)
        await _unanswered(treasury, instruction.id)


async def _asked(treasury: Treasury, instruction: Instruction) -> Report:
    if instruction.state is PENDING:
        return await treasury.custodian.send(instruction)
    try:
        return await treasury.custodian.ask(instruction.id)
    except NoSuchInstruction:  # it was lost on the way, or the custodian forgot
        return await treasury.custodian.send(instruction)


async def _unanswered(treasury: Treasury, instruction_id: InstructionId) -> None:
    async with treasury.database.transaction() as tx:
        before = await store.locked(tx, instruction_id)
        now = await treasury.database.now(tx)
        after = rules.undecided(before, now, reached=False)
        if after is not before:
            await store.save(tx, after, before.revision)
            await treasury.outbox.record(tx, treasury.outbox.itself, now, InstructionParked.of(after))


async def _take_in(
    treasury: Treasury, actor: Actor, instruction_id: InstructionId, report: Report, event: Event | None = None
) -> Instruction:
    """What the custodian says of an instruction, in one commit with everything that follows from it."""
    async with treasury.database.transaction() as tx:
        before = await store.locked(tx, instruction_id)
        now = await treasury.database.now(tx)
        if event and not await store.add_event(tx, event.id, before.id, event.body, now):
            return before
        after, facts = await _decide(tx, before, report, now)
        if after is not before:
            await store.save(tx, after, before.revision)
        await treasury.outbox.record(tx, actor, now, *facts)
    return after


async def _decide(
    tx: Transaction, before: Instruction, report: Report, now: datetime
) -> tuple[Instruction, list[Fact]]:  # fmt: skip
    difference = callback_rules.difference(before, report)
    if before.is_decided:
        wrong = difference or callback_rules.contradicts(before, report)
        alarm = CustodianContradicted(before.id, before.state, report.state, difference or "contradicts", now)
        return before, [alarm] if wrong else []
    if difference:
        after = rules.park(before, difference, now)
    elif report.state is CONFIRMED:
        after = rules.confirm(before, report.executed_at or now)
    elif report.state is REFUSED:
        after = rules.refuse(before, report.reason_code or "unknown", now)
    else:
        after = rules.undecided(before, now, reached=True)
    fact_id, collected = FactId.new(), ()
    if after.is_decided:
        collected = await _end_transfers(tx, after, fact_id, now)
    return after, [*_facts(before, after, fact_id), *collected]


def _facts(before: Instruction, after: Instruction, fact_id: FactId) -> list[Fact]:
    if (before.state, before.reason_code) == (after.state, after.reason_code):
        return []
    match after.state:
        case rules.InstructionState.CONFIRMED:
            pay_in = after.kind is InstructionKind.PAY_IN
            return [(PayInConfirmed if pay_in else InstructionConfirmed).of(after, fact_id)]
        case rules.InstructionState.REFUSED:
            return [InstructionRefused.of(after, fact_id)]
        case rules.InstructionState.PARKED:
            return [InstructionParked.of(after, fact_id)]
        case _:
            return []


async def _end_transfers(
    tx: Transaction, instruction: Instruction, fact_id: FactId, now: datetime
) -> tuple[Fact, ...]:  # fmt: skip
    """Post what waited for the instruction once it is confirmed; void it once it is refused."""
    pending = await ledger_store.transfers_by_id(tx, instruction.transfer_ids)
    confirmed = instruction.state is CONFIRMED
    chain: list[Transfer] = [
        pending[each].post(TransferId.new()) if confirmed else pending[each].void(TransferId.new())
        for each in instruction.transfer_ids
    ]
    return await add_ends(tx, instruction, chain, fact_id, now) if chain else ()


def _told(callback: Callback) -> Report:
    """What the body says. Requires a genuine callback; its event must be the one that the header names."""
    try:
        told = CustodianCallback.model_validate_json(callback.body)
    except ValidationError as error:
        shown = ("loc", "type", "msg")
        raise Malformed(errors=[{part: found[part] for part in shown} for found in error.errors()]) from error
    if told.event_id != callback.event_id:
        raise CallbackNotGenuine()
    return told.report()

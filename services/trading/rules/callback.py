"""What makes a custodian's callback, and its answer when asked back, acceptable.

Promises: a callback is only ever a hint. Signed, recent, new and about the very amount, payer and payees that were
instructed, it makes us ask; what the custodian answers then is held to the same measure, and only that moves money.
"""

from datetime import datetime, timedelta

from services.trading.rules.instruction import CONFIRMED, REFUSED, Instruction, Report
from shared.errors import Conflict, Unauthenticated

WINDOW = timedelta(seconds=300)
EVENT_LENGTH_MAX = 64


class CallbackNotGenuine(Unauthenticated):
    """This callback does not carry the custodian's signature, or is not of now."""


class UnknownInstruction(Conflict):
    """We gave no such instruction."""


class EventDiffers(Conflict):
    """An event with this id said something else."""


class CallbackDiffers(Conflict):
    """The callback is about another amount, payer or payee than was instructed; the matter is parked."""


def signed_bytes(timestamp: str, event_id: str, body: bytes) -> bytes:
    """What the custodian signs: the body as it was sent, bound to a moment and an event."""
    return f"{timestamp}.{event_id}.".encode() + body


def check_moment(timestamp: str, now: datetime) -> None:
    """Raises CallbackNotGenuine unless the moment (unix seconds, in plain digits) is within the window around now."""
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise CallbackNotGenuine()
    if abs(int(timestamp) - now.timestamp()) > WINDOW.total_seconds():
        raise CallbackNotGenuine()


def difference(instruction: Instruction, report: Report) -> str | None:
    """Why this report cannot be of this instruction; None if it can."""
    if report.instruction_id != instruction.id:
        return "instruction_differs"
    if report.amount.currency != instruction.amount.currency:
        return "currency_differs"
    if report.amount != instruction.amount:
        return "amount_differs"
    if report.payer != instruction.payer:
        return "payer_differs"
    if sorted(report.parts) != sorted(instruction.parts):
        return "payee_differs"
    return None


def contradicts(instruction: Instruction, report: Report) -> bool:
    """Whether the custodian now says the opposite of what it once decided."""
    return {instruction.state, report.state} == {CONFIRMED, REFUSED}

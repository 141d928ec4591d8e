"""The lines of the custodian's statement of a day beside our own records of it.

Promises: everything that one side has and the other has not, or has otherwise, is found; nothing else.
Does not: look at balances (`statement_balance`).
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from services.trading.rules.instruction import Instruction, InstructionKind, Part
from shared.money import Money

READY_AFTER = timedelta(minutes=10)  # after midnight, so that the custodian has closed its day
TOLD_MAX = 10  # of each kind of difference: a fact has room for so many, whatever the custodian calls things


@dataclass(frozen=True, slots=True)
class Movement:
    """One line of the custodian's statement: what was taken from whom, and who got it, in whatever order."""

    instruction_id: str
    kind: InstructionKind
    payer: str
    amount: Money
    parts: tuple[Part, ...]


def day_to_compare(now: datetime, compared: datetime | None) -> datetime | None:
    """The start of the day after the newest one compared, or of yesterday if none ever was; None until its statement
    is ready. So no day is left out, however long nothing ran. The days of a statement are those of UTC."""
    today = (now - READY_AFTER).astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    day = today - timedelta(days=1) if compared is None else compared + timedelta(days=1)
    return day if day < today else None


def differing(stated: Iterable[Movement], ours: Iterable[Instruction]) -> tuple[str, ...]:
    """The instructions about which the two sides do not say the same, in the order of their ids. What was carried out
    twice differs too."""
    theirs, expected = Counter(map(_sorted, stated)), Counter(_sorted(movement_of(each)) for each in ours)
    unlike = (theirs - expected) + (expected - theirs)
    return tuple(sorted({each.instruction_id for each in unlike}))


def movement_of(ours: Instruction) -> Movement:
    """As the custodian states what it carried out."""
    return Movement(ours.id, ours.kind, ours.payer, ours.amount, ours.parts)


def _sorted(movement: Movement) -> Movement:
    return replace(movement, parts=tuple(sorted(movement.parts)))

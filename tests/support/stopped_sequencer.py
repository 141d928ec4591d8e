"""A writer of the log that stops dead while the log grows: `python -m tests.support.stopped_sequencer`.

Told a DSN, a moment and a named point. It places one batch, stops at that point of the next, and once it is let go on
tries that one and another again. Says what came of each, one JSON object a line.
"""

import asyncio
import json
import os
import signal
import sys
from datetime import datetime

from services.audit.actions.sequencer import Sequencer
from services.audit.rules.entry import Batch
from shared import faultpoint
from shared.database import Database
from shared.errors import Unavailable
from shared.facts import GENESIS, link
from tests.support.clock import ToldClock
from tests.verifier.made_logs import an_event

EVENTS = 3


def batch(number: int) -> Batch:
    """The so manieth of one source, counted from 0."""
    first, previous = number * EVENTS + 1, GENESIS
    for seq in range(1, first):
        previous = link(previous, seq, an_event(seq, "trading"))
    return Batch("trading", 0, first, previous, tuple(an_event(first + place, "trading") for place in range(EVENTS)))


async def live(dsn: str, now: datetime, point: str) -> None:
    clock = ToldClock()
    clock.set(now)
    database = Database(dsn, schema="audit", clock=clock, told_time=True)
    sequencer = Sequencer(database)
    await _try(sequencer, 0)
    faultpoint.arm(lambda name: os.kill(os.getpid(), signal.SIGSTOP) if name == point else None)
    await _try(sequencer, 1)
    faultpoint.arm(None)
    for number in (1, 3):
        await _try(sequencer, number)
    await database.close()


async def _try(sequencer: Sequencer, number: int) -> None:
    try:
        placed = await sequencer.append(batch(number))
    except Unavailable as refused:
        print(json.dumps({"batch": number, "refused": refused.code()}), flush=True)
    else:
        print(json.dumps({"batch": number, "placed": [placed.first_index, placed.last_index]}), flush=True)


if __name__ == "__main__":
    asyncio.run(live(sys.argv[1], datetime.fromisoformat(sys.argv[2]), sys.argv[3]))

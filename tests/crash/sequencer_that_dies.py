"""The log's one writer and its signer, ending in the middle of their work: `python -m tests.crash.sequencer_that_dies`.

Told on its input, one JSON object a line: which database, from which event on the source sends, and when to die: at so
many boundaries of statements, or after so many microseconds wherever that may be. Each life is a fork, so that a kill
costs no import. Says what was acknowledged, what was signed, and who ended how, one JSON object a line.
"""

import asyncio
import json
import os
import random
import signal
import sys
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

from services.audit.actions.log_keys import LogKeys
from services.audit.actions.sequencer import Sequencer
from services.audit.actions.signer import Signer
from services.audit.rules.entry import Batch
from shared import faultpoint
from shared.database import Database
from shared.facts import GENESIS, link
from shared.signing import SigningKey
from tests.support.clock import ToldClock
from tests.verifier.made_logs import ORIGIN, an_event

KEY = SigningKey.from_seed(b"log".ljust(32))
BATCH_MAX = 30
LEASE_SECONDS = 20  # between two lives passes more than a lease lasts


def main() -> None:
    for line in sys.stdin:
        told = json.loads(line)
        child = os.fork()
        if child == 0:
            _arm(told)
            asyncio.run(_live(told))
            os._exit(0)
        _say(ended=os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def _arm(told: dict[str, Any]) -> None:
    if "microseconds" in told:
        signal.setitimer(signal.ITIMER_REAL, told["microseconds"] / 1e6)  # unhandled: the kernel ends the process
        return
    left = told["boundaries"]

    def pass_one(*_: object) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    for name in ("before_cursor_execute", "after_cursor_execute", "commit"):
        event.listen(Engine, name, pass_one)
    faultpoint.arm(pass_one)


async def _live(told: dict[str, Any]) -> None:
    clock, chance = ToldClock(), random.Random(told["seed"])
    clock.advance(seconds=LEASE_SECONDS * told["life"])
    database = Database(told["url"], schema="audit", clock=clock, told_time=True)
    sequencer = Sequencer(database)
    signer = Signer(database, LogKeys(ORIGIN, KEY), sequencer)
    seq, reached = 0, GENESIS
    while seq < told["acknowledged"]:
        seq, reached = seq + 1, link(reached, seq + 1, an_event(seq + 1, "trading"))
    for _ in range(told["rounds"]):
        lines = tuple(an_event(seq + 1 + place, "trading") for place in range(chance.randint(1, BATCH_MAX)))
        placed = await sequencer.append(Batch("trading", 0, seq + 1, reached, lines))
        seq, reached = placed.last.seq, placed.last.hash
        _say(seq=seq, index=placed.last_index, hash=reached.hex())
        if await signer.sign():
            async with database.read() as tx:
                log = await tx.exec_driver_sql("SELECT note FROM checkpoints ORDER BY size DESC LIMIT 1")
                _say(signed=log.scalar_one().decode())
    await database.close()


def _say(**what: object) -> None:
    """In one write, so that whoever dies has said a thing or has not."""
    os.write(1, json.dumps(what).encode() + b"\n")


if __name__ == "__main__":
    main()

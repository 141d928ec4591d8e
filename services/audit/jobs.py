"""What `audit` does unasked: it signs the log, once a second where it has grown, has witnesses confirm it, once a
minute where it has not, lets deadlines pass, and maps its keys now and then."""

from services.audit.actions import case, incident, indexing, oversight, pruning, redaction, sampling, vulnerability
from services.audit.actions.audit import Audit
from services.audit.actions.monitor import Monitor
from services.audit.actions.telling import LogNumbers
from shared.jobs import attempt

INTERVAL_SECONDS = 1.0
TOLD_EVERY_SECONDS = 5.0
MAP_INTERVAL_SECONDS = 5.0
JOBS = (
    oversight.label_entries, case.pass_deadlines, redaction.pass_deadlines, sampling.draw_due, incident.pass_deadlines,
    vulnerability.pass_deadlines, pruning.prune_if_wanted,
)  # fmt: skip


async def run(audit: Audit) -> None:
    while True:
        await audit.clock.sleep(INTERVAL_SECONDS)
        await tick(audit)


async def watch(monitor: Monitor) -> None:
    """The self-monitor, as often as the log is signed."""
    try:
        while True:
            await monitor.audit.clock.sleep(INTERVAL_SECONDS)
            await attempt(look_again, monitor)
    finally:
        await monitor.eyes.close()


async def look_again(monitor: Monitor) -> None:
    await monitor.tick()


async def tell(numbers: LogNumbers) -> None:
    """How long the log is, and how far it is signed and witnessed."""
    while True:
        await numbers.audit.clock.sleep(TOLD_EVERY_SECONDS)
        await attempt(tell_numbers, numbers)


async def tell_numbers(numbers: LogNumbers) -> None:
    await numbers.tell()


async def tick(audit: Audit) -> None:
    """Sign what has grown, then every other job once. A log that contradicts itself is said so, every time, until
    someone comes."""
    for job in (sign, *JOBS):
        await attempt(job, audit)


async def sign(audit: Audit) -> None:
    await audit.keys.announce(audit.database, audit.outbox)
    with audit.keys.unless_too_young():
        await audit.witnessing.sign()


async def run_maps(audit: Audit) -> None:
    while True:
        await audit.clock.sleep(MAP_INTERVAL_SECONDS)
        await tick_maps(audit)


async def tick_maps(audit: Audit) -> None:
    """Map the keys of the signed log, if that is due."""
    await attempt(indexing.take_snapshot, audit)

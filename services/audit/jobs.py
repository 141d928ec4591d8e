"""What `audit` does unasked: it signs the log, once a second where it has grown, has witnesses confirm it, once a
minute where it has not, lets deadlines pass, and maps its keys now and then."""

import logging

from services.audit.actions import case, incident, indexing, oversight, pruning, redaction, sampling, vulnerability
from services.audit.actions.audit import Audit
from services.audit.actions.monitor import Monitor

INTERVAL_SECONDS = 1.0
MAP_INTERVAL_SECONDS = 5.0
JOBS = (
    oversight.label_entries, case.pass_deadlines, redaction.pass_deadlines, sampling.draw_due, incident.pass_deadlines,
    vulnerability.pass_deadlines, pruning.prune_if_wanted,
)  # fmt: skip
log = logging.getLogger(__name__)


async def run(audit: Audit) -> None:
    while True:
        await audit.clock.sleep(INTERVAL_SECONDS)
        await tick(audit)


async def watch(monitor: Monitor) -> None:
    """The self-monitor, as often as the log is signed."""
    try:
        while True:
            await monitor.audit.clock.sleep(INTERVAL_SECONDS)
            try:
                await monitor.tick()
            except Exception:
                log.exception("the monitor could not look; it looks again in %s s", INTERVAL_SECONDS)
    finally:
        await monitor.eyes.close()


async def tick(audit: Audit) -> None:
    """Sign what has grown, then every other job once. A log that contradicts itself is said so, every time, until
    someone comes."""
    try:
        await audit.witnessing.sign()
    except Exception:
        log.exception("nothing was signed; tried again in %s s", INTERVAL_SECONDS)
    for job in JOBS:
        try:
            await job(audit)
        except Exception:
            log.exception("%s failed; it runs again in %s s", job.__name__, INTERVAL_SECONDS)


async def run_maps(audit: Audit) -> None:
    while True:
        await audit.clock.sleep(MAP_INTERVAL_SECONDS)
        await tick_maps(audit)


async def tick_maps(audit: Audit) -> None:
    """Map the keys of the signed log, if that is due."""
    try:
        await indexing.take_snapshot(audit)
    except Exception:
        log.exception("no map was made; tried again in %s s", MAP_INTERVAL_SECONDS)

"""What `delivery` does unasked: it inspects what came, notices what time has ended, and deletes what nobody names."""

import asyncio

from services.delivery.actions import cube as cubes
from services.delivery.actions import delivery as deliveries
from services.delivery.actions import result_review as result_reviews
from services.delivery.actions import upload as uploads
from services.delivery.actions.collection import collect
from services.delivery.actions.depot import Depot
from services.delivery.actions.inspection import inspect_received
from services.delivery.actions.staging import sweep
from shared.jobs import attempt

INTERVAL_SECONDS = 0.5
TIDIED_EVERY_SECONDS = 3_600
DEADLINES = (
    uploads.pass_deadlines, deliveries.pass_deadlines, cubes.pass_deadlines, result_reviews.pass_deadlines,
)  # fmt: skip


async def run(depot: Depot) -> None:
    """Notice deadlines: they count whether or not this has run. At the stop, let what is being recorded be recorded."""
    try:
        while True:
            for job in DEADLINES:
                await attempt(job, depot)
            await depot.clock.sleep(INTERVAL_SECONDS)
    finally:
        await asyncio.gather(*depot.endings, return_exceptions=True)


async def inspect(depot: Depot) -> None:
    """Inspect. Beside `run`, because a large file takes minutes."""
    await sweep(depot)
    while True:
        await attempt(inspect_received, depot)
        await depot.clock.sleep(INTERVAL_SECONDS)


async def tidy(depot: Depot) -> None:
    """Delete what nobody names. By itself, because a large store takes its time to be listed."""
    while True:
        await depot.clock.sleep(TIDIED_EVERY_SECONDS)
        await attempt(collect, depot)


async def tick(depot: Depot) -> None:
    """Every job once, but for the tidying."""
    for job in DEADLINES:
        await job(depot)
    await inspect_received(depot)

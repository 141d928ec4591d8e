"""What `pricing` does unasked: it follows trading, and publishes what is told of all trades when a month is due.

Promises: nothing is decided here, so late news or a late tick changes when something is known, never what is true.
"""

import logging

from services.pricing.actions.market import publish_due
from services.pricing.actions.news import follower_of_trading
from services.pricing.actions.pricing import Pricing

INTERVAL_SECONDS = 300.0
log = logging.getLogger(__name__)


async def follow(pricing: Pricing) -> None:
    """By long poll, so that what was paid is known here within a second."""
    await follower_of_trading(pricing).run()


async def run(pricing: Pricing) -> None:
    while True:
        await pricing.clock.sleep(INTERVAL_SECONDS)
        await _publish(pricing)


async def tick(pricing: Pricing) -> None:
    """Take in what is new and publish what is due, once. What fails is tried again at the next."""
    try:
        await follower_of_trading(pricing).tick()
    except Exception:
        log.exception("following trading failed; it runs again")
    await _publish(pricing)


async def _publish(pricing: Pricing) -> None:
    try:
        await publish_due(pricing)
    except Exception:
        log.exception("publishing what is due failed; it runs again")

"""What `pricing` does unasked: it follows trading, and publishes what is told of all trades when a month is due.

Promises: nothing is decided here, so late news or a late tick changes when something is known, never what is true.
"""

from services.pricing.actions.market import publish_due
from services.pricing.actions.news import follower_of_trading
from services.pricing.actions.pricing import Pricing
from shared.jobs import attempt

INTERVAL_SECONDS = 300.0


async def follow(pricing: Pricing) -> None:
    """By long poll, so that what was paid is known here within a second."""
    await follower_of_trading(pricing).run()


async def follow_trading(pricing: Pricing) -> None:
    await follower_of_trading(pricing).tick()


async def run(pricing: Pricing) -> None:
    while True:
        await pricing.clock.sleep(INTERVAL_SECONDS)
        await attempt(publish_due, pricing)


async def tick(pricing: Pricing) -> None:
    """Take in what is new and publish what is due, once. What fails is tried again at the next."""
    await attempt(follow_trading, pricing)
    await attempt(publish_due, pricing)

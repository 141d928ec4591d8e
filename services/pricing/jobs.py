"""What `pricing` does unasked: it follows trading.

Promises: nothing is decided here, so late news changes when something is known, never what is true.
"""

import logging

from services.pricing.actions.news import follower_of_trading
from services.pricing.actions.pricing import Pricing

log = logging.getLogger(__name__)


async def follow(pricing: Pricing) -> None:
    """By long poll, so that what was paid is known here within a second."""
    await follower_of_trading(pricing).run()


async def tick(pricing: Pricing) -> None:
    """Take in what is new, once. What fails is tried again at the next."""
    try:
        await follower_of_trading(pricing).tick()
    except Exception:
        log.exception("following trading failed; it runs again")

"""What holds now of the schedules that the exchange publishes."""

from services.pricing.actions.pricing import Pricing
from services.pricing.rules.fee import FeeSchedule, published_by, schedule_at
from services.pricing.rules.tax import RATES, Rate


def tax_rates() -> tuple[Rate, ...]:
    return RATES


async def fee_schedule(pricing: Pricing) -> FeeSchedule:
    async with pricing.database.read() as tx:
        return schedule_at(await pricing.database.now(tx))


async def fee_schedules(pricing: Pricing) -> list[FeeSchedule]:
    """What was, is and will be in force, as far as it is published."""
    async with pricing.database.read() as tx:
        return published_by(await pricing.database.now(tx))

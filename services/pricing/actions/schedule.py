"""What holds now of the schedules that the exchange publishes."""

from services.pricing.actions.pricing import Pricing
from services.pricing.rules.fee import FeeSchedule, schedule_at


async def fee_schedule(pricing: Pricing) -> FeeSchedule:
    async with pricing.database.read() as tx:
        return schedule_at(await pricing.database.now(tx))

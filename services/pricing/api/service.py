"""What every endpoint of pricing takes for granted."""

from typing import Annotated

from fastapi import Depends

from services.pricing.actions.pricing import Pricing
from shared import web

PREFIX = "/pricing/v1"
PricingService = Annotated[Pricing, Depends(web.service)]

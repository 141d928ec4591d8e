"""What every endpoint of trading takes for granted."""

from typing import Annotated

from fastapi import Depends

from services.trading.actions.trading import Trading
from shared import web

PREFIX = "/trading/v1"
TradingService = Annotated[Trading, Depends(web.service)]

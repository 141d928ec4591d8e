"""What every endpoint of delivery takes for granted."""

from typing import Annotated

from fastapi import Depends

from services.delivery.actions.depot import Depot
from shared import web

PREFIX = "/delivery/v1"
DeliveryService = Annotated[Depot, Depends(web.service)]

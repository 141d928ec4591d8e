"""What every endpoint of pricing takes for granted."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from services.pricing.actions.pricing import Pricing
from shared import web
from shared.access import InvalidToken, Member, Role, ServiceCaller
from shared.permission import Internal, Membership, Permission, authenticated

PREFIX = "/pricing/v1"
PricingService = Annotated[Pricing, Depends(web.service)]


@dataclass(frozen=True)
class PartyOrNeighbour(Permission):
    """Someone of an admitted organisation, or a neighbouring service with or without one that it acts for."""

    async def __call__(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, request: Request
    ) -> Member | ServiceCaller:
        try:
            return await Internal().neighbour(request)
        except InvalidToken:  # not a token for this service, so it must be a member's
            party = Membership(frozenset({Role.BUYER, Role.PROVIDER}))
            return await party(request, await authenticated(request))


Asker = Annotated[Member | ServiceCaller, Depends(PartyOrNeighbour())]

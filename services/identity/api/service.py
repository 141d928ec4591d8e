"""What every endpoint of `identity` takes for granted."""

from typing import Annotated

from fastapi import Depends

from services.identity.actions.identity import Identity
from shared import web

PREFIX = "/identity/v1"
IdentityService = Annotated[Identity, Depends(web.service)]

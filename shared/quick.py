"""A route for the few places where FastAPI's own way costs more than the work: the same route, answered by hand.

Promises: what is declared (schema, permission, description) is declared once, in the endpoint's signature; a request
with a part that cannot be read is answered in the ordinary way, so that both refuse the same in the same words.
"""

from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from fastapi import Request, Response

from shared.access import Member
from shared.idempotency import Running, asked_once, key_of, under_delegation
from shared.permission import Membership
from shared.routing import LateRoute, permission_of

Asked = TypeVar("Asked")


async def keyed(request: Request, caller: Member) -> Running:
    """What `Keyed` declares, for a caller who is known by now: the token need not be read again."""
    return Running(request, await asked_once(request, key_of(request), under_delegation(request, caller.subject)))


class QuickRoute(LateRoute, Generic[Asked]):
    """Requires that the endpoint is for members, and reads nothing but its path, its headers and its body."""

    async def read(self, request: Request) -> Asked:
        """What is asked, by path, headers and body. Raises ValueError for all that the signature would refuse."""
        raise NotImplementedError

    async def answer(self, request: Request, caller: Member, asked: Asked) -> Response:
        """Once it is known that the caller may ask."""
        raise NotImplementedError

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        ordinarily, permission = super().get_route_handler(), permission_of(self.dependant)
        assert isinstance(permission, Membership)

        async def handler(request: Request) -> Response:
            if request.scope["query_string"]:
                return await ordinarily(request)
            try:
                asked = await self.read(request)
            except ValueError:
                return await ordinarily(request)
            return await self.answer(request, await permission.of(request), asked)

        return handler

"""Permission as a type in an endpoint's signature: what is not declared cannot be asked.

Promises: `web.application` refuses to start with a route that declares none of these; a caller's role and organisation
come from a verified token, their standing from the mirror at the moment of asking; headers of the network say nothing.
Each is a coroutine, though most wait for nothing: a plain function would cost every request a turn of another thread.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from shared import tenancy
from shared.access import Caller, InvalidToken, Member, NotYourRole, Role, ServiceCaller
from shared.core import Core
from shared.errors import Unauthenticated
from shared.standing import NotAdmitted

OPERATORS = frozenset({Role.OPERATOR_BUSINESS, Role.OPERATOR_SYSTEM, Role.OPERATOR_SECURITY, Role.OPERATOR_AUDIT})
STAFF = OPERATORS | {Role.REGULATOR, Role.ARBITER}


async def authenticated(request: Request) -> Caller:
    """The person or client that the bearer token speaks for. Service tokens are for internal routes only."""
    return await _speaker(request, "Authorization")


@dataclass(frozen=True)
class Permission:
    """Anyone with one of the roles; with no roles, anyone with a token."""

    roles: frozenset[Role] = frozenset()

    async def __call__(self, caller: Annotated[Caller, Depends(authenticated)]) -> Caller:
        if self.roles and not self.roles & caller.roles:
            raise NotYourRole(roles=sorted(self.roles))
        return caller


@dataclass(frozen=True)
class Membership(Permission):
    """As above, and of an organisation that is admitted now and still has the role itself."""

    async def __call__(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, request: Request, caller: Annotated[Caller, Depends(authenticated)]
    ) -> Member:
        await super().__call__(caller)
        return _member(request, caller, self.roles)


@dataclass(frozen=True)
class Open(Permission):
    """Anyone at all. Said, so that it was meant. At identity's open doors whoever asks is sought among all."""

    async def __call__(self, request: Request) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        core: Core = request.app.state.core
        if core.issuer is not None:
            tenancy.work_for_everyone()


@dataclass(frozen=True)
class Visiting(Permission):
    """Anyone; whoever brings a token must bring a valid one."""

    async def __call__(self, request: Request) -> Caller | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        return await authenticated(request) if "Authorization" in request.headers else None


@dataclass(frozen=True)
class Internal(Permission):
    """A neighbouring service, with a token for this one; and the member it acts for, if it says so."""

    async def __call__(self, request: Request) -> ServiceCaller:  # pyright: ignore[reportIncompatibleMethodOverride]
        core: Core = request.app.state.core
        caller = await core.verifier.caller(bearer(request, "Authorization"), audience=core.name)
        if Role.SERVICE not in caller.roles or caller.kind != "service":
            raise NotYourRole(roles=[Role.SERVICE])
        tenancy.work_for_everyone()
        member = None
        if "Acting-For" in request.headers:
            member = _member(request, await _speaker(request, "Acting-For"), frozenset())
        return ServiceCaller(caller.subject.removeprefix("service:"), member)


async def _speaker(request: Request, header: str) -> Caller:
    core: Core = request.app.state.core
    caller = await core.verifier.caller(bearer(request, header))
    if core.standing.is_disabled(caller.subject):
        raise InvalidToken()
    if caller.participant_id is not None:
        tenancy.work_for(caller.participant_id)
    elif caller.roles & STAFF:
        tenancy.work_for_everyone()
    return caller


def _member(request: Request, caller: Caller, roles: frozenset[Role]) -> Member:
    core: Core = request.app.state.core
    if caller.participant_id is None:
        raise NotAdmitted(standing="no_organisation")
    standing = core.standing.of(caller.participant_id)
    if not standing.is_admitted:
        raise NotAdmitted(standing=standing.status)
    if roles and not roles & caller.roles & standing.roles:
        raise NotYourRole(roles=sorted(roles))
    return Member(caller, standing)


def bearer(request: Request, header: str) -> str:
    """The token in a header. Raises Unauthenticated if there is none."""
    scheme, _, token = request.headers.get(header, "").partition(" ")
    if not scheme:
        raise Unauthenticated()
    if scheme.lower() != "bearer" or not token:
        raise InvalidToken()
    return token


def _needs(*roles: Role) -> Permission:
    return Permission(frozenset(roles))


def _member_with(*roles: Role) -> Permission:
    return Membership(frozenset(roles))


Public = Annotated[None, Depends(Open())]
Visitor = Annotated[Caller | None, Depends(Visiting())]
Authenticated = Annotated[Caller, Depends(_needs())]
Provider = Annotated[Member, Depends(_member_with(Role.PROVIDER))]
Buyer = Annotated[Member, Depends(_member_with(Role.BUYER))]
Party = Annotated[Member, Depends(_member_with(Role.PROVIDER, Role.BUYER))]
OperatorBusiness = Annotated[Caller, Depends(_needs(Role.OPERATOR_BUSINESS))]
OperatorSystem = Annotated[Caller, Depends(_needs(Role.OPERATOR_SYSTEM))]
OperatorSecurity = Annotated[Caller, Depends(_needs(Role.OPERATOR_SECURITY))]
OperatorAudit = Annotated[Caller, Depends(_needs(Role.OPERATOR_AUDIT))]
AnyOperator = Annotated[Caller, Depends(Permission(OPERATORS))]
Staff = Annotated[Caller, Depends(Permission(OPERATORS | {Role.REGULATOR}))]
BusinessOrRegulator = Annotated[Caller, Depends(_needs(Role.OPERATOR_BUSINESS, Role.REGULATOR))]
Regulator = Annotated[Caller, Depends(_needs(Role.REGULATOR))]
Arbiter = Annotated[Caller, Depends(_needs(Role.ARBITER))]
Supervisor = Annotated[Caller, Depends(_needs(Role.REGULATOR, Role.OPERATOR_AUDIT))]
Service = Annotated[ServiceCaller, Depends(Internal())]

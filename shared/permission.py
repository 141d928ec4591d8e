"""Permission as a type in an endpoint's signature: what is not declared cannot be asked.

Promises: `web.application` refuses to start with a route that declares none of these; a caller's role and organisation
come from a verified token, their standing from the mirror at the moment of asking; headers of the network say nothing.
Each is a coroutine, though most wait for nothing: a plain function would cost every request a turn of another thread.
"""

import re
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import Depends, Header, Request

from shared.access import Caller, InvalidToken, Member, NotYourRole, Role, ServiceCaller
from shared.core import Core
from shared.delegation import Act, OutsideDelegation
from shared.errors import Forbidden, Unauthenticated
from shared.ids import DelegationId
from shared.rates import meter_of
from shared.standing import NotAdmitted

DELEGATION_PATTERN = r"^delegation_[0-9a-f]{32}$"
OPERATORS = frozenset({Role.OPERATOR_BUSINESS, Role.OPERATOR_SYSTEM, Role.OPERATOR_SECURITY, Role.OPERATOR_AUDIT})


UNDER_DELEGATION = "Under-Delegation"


class NotDelegable(Forbidden):
    """This cannot be done for another organisation: leave out the header `Under-Delegation`."""


class NoDelegation(Forbidden):
    """There is no such delegation to your organisation in force, or your principal does not trade at the moment."""


async def authenticated(request: Request) -> Caller:
    """The person or client that the bearer token speaks for. Service tokens are for internal routes only."""
    if UNDER_DELEGATION in request.headers:  # what is meant for another organisation is never done for one's own
        raise NotDelegable()
    return await representing(request)


async def representing(request: Request) -> Caller:
    """The same, who may say that they act for another organisation.

    Their request counts for their organisation, or for themselves; one with a bad token for its network address.
    """
    meter = meter_of(request.scope)
    try:
        caller = await _speaker(request, "Authorization")
    except InvalidToken:
        meter.count_stranger(request.scope)
        raise
    meter.count(request.scope, caller.participant_id or caller.subject)
    return caller


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
    """As above, and of an organisation that is admitted now and still has the role itself. `in_deal`: for what a deal
    that is under way asks of its parties, which a suspended one may still do, and nothing new."""

    in_deal: bool = False

    async def of(self, request: Request) -> Member:
        """Whoever asks, for a route that is answered by hand."""
        return await self(request, await authenticated(request))

    async def __call__(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, request: Request, caller: Annotated[Caller, Depends(authenticated)]
    ) -> Member:
        await super().__call__(caller)
        return _member(request, caller, self.roles, in_deal=self.in_deal)


@dataclass(frozen=True)
class Representation(Membership):
    """A membership; or, under the delegation that a header names, what a member of the agent does for the principal.
    The act's own code looks at the limits, by `Member.require_within`."""

    act: Act = Act.PLACE_BIDS

    async def of(self, request: Request) -> Member:
        return await self(request, await representing(request))

    async def __call__(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        request: Request,
        caller: Annotated[Caller, Depends(representing)],
        under: Annotated[str | None, Header(alias=UNDER_DELEGATION)] = None,
    ) -> Member:
        own = await super().__call__(request, caller)
        if (under := request.headers.get(UNDER_DELEGATION)) is None:
            return own
        return _representative(request, own, under, self)


@dataclass(frozen=True)
class Open(Permission):
    """Anyone at all. Said, so that it was meant."""

    async def __call__(self, request: Request) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        meter_of(request.scope).count_stranger(request.scope)  # whatever token they bring, nobody looks at it


@dataclass(frozen=True)
class Visiting(Permission):
    """Anyone; whoever brings a token must bring a valid one."""

    async def __call__(self, request: Request) -> Caller | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        return await authenticated(request) if "Authorization" in request.headers else None


@dataclass(frozen=True)
class Internal(Permission):
    """A neighbouring service, with a token for this one; and the member it acts for, if it says so."""

    async def __call__(self, request: Request) -> ServiceCaller:  # pyright: ignore[reportIncompatibleMethodOverride]
        try:
            return await self.neighbour(request)
        except InvalidToken:
            meter_of(request.scope).count_stranger(request.scope)
            raise

    async def neighbour(self, request: Request) -> ServiceCaller:
        core: Core = request.app.state.core
        caller = await core.verifier.caller(bearer(request, "Authorization"), audience=core.name)
        if Role.SERVICE not in caller.roles or caller.kind != "service":
            raise NotYourRole(roles=[Role.SERVICE])
        member = None
        if "Acting-For" in request.headers:
            member = _member(request, await _speaker(request, "Acting-For"), frozenset())
        return ServiceCaller(caller.subject.removeprefix("service:"), member)


async def _speaker(request: Request, header: str) -> Caller:
    core: Core = request.app.state.core
    caller = await core.verifier.caller(bearer(request, header))
    if core.standing.is_disabled(caller.subject):
        raise InvalidToken()
    return caller


def _member(request: Request, caller: Caller, roles: frozenset[Role], *, in_deal: bool = False) -> Member:
    core: Core = request.app.state.core
    if caller.participant_id is None:
        raise NotAdmitted(standing="no_organisation")
    standing = core.standing.of(caller.participant_id)
    if not (standing.may_finish if in_deal else standing.is_admitted):
        raise NotAdmitted(standing=standing.status)
    if roles and not roles & caller.roles & standing.roles:
        raise NotYourRole(roles=sorted(roles))
    related = core.standing.principals_of(standing.participant_id, Act.LIST)
    # Whoever lists for another knows what only sellers know, and so is related to them.
    return Member(caller, replace(standing, affiliates=standing.affiliates | related) if related else standing)


def _representative(request: Request, own: Member, under: str, asked: Representation) -> Member:
    """Whoever acts for a principal. Requires a member of the agent who may do the same for the agent itself."""
    mirror = request.app.state.core.standing
    if not re.fullmatch(DELEGATION_PATTERN, under):
        raise NoDelegation()
    delegation = mirror.delegation(DelegationId(under))
    if delegation is None or delegation.agent_id != own.participant_id:
        raise NoDelegation()
    principal = mirror.known(delegation.principal_id)
    if principal is None or not principal.is_admitted or not asked.roles & principal.roles & own.standing.roles:
        raise NoDelegation()
    if asked.act not in delegation.limits.acts:
        raise OutsideDelegation(limit="acts")
    return Member(own.caller, principal.represented_by(own.standing), delegation)


def bearer(request: Request, header: str) -> str:
    """The token in a header. Raises Unauthenticated if there is none."""
    scheme, _, token = request.headers.get(header, "").partition(" ")
    if header not in request.headers:
        raise Unauthenticated()
    if scheme.lower() != "bearer" or not token:
        raise InvalidToken()
    return token


def _needs(*roles: Role) -> Permission:
    return Permission(frozenset(roles))


def _member_or_agent(role: Role, act: Act) -> Permission:
    return Representation(frozenset({role}), act=act)


def _member_with(*roles: Role, in_deal: bool = False) -> Permission:
    return Membership(frozenset(roles), in_deal)


Public = Annotated[None, Depends(Open())]
Visitor = Annotated[Caller | None, Depends(Visiting())]
Authenticated = Annotated[Caller, Depends(_needs())]
Provider = Annotated[Member, Depends(_member_with(Role.PROVIDER))]
Buyer = Annotated[Member, Depends(_member_with(Role.BUYER))]
Party = Annotated[Member, Depends(_member_with(Role.PROVIDER, Role.BUYER))]
ProviderOrAgent = Annotated[Member, Depends(_member_or_agent(Role.PROVIDER, Act.LIST))]
BuyerOrAgent = Annotated[Member, Depends(_member_or_agent(Role.BUYER, Act.PLACE_BIDS))]
ProviderInDeal = Annotated[Member, Depends(_member_with(Role.PROVIDER, in_deal=True))]
BuyerInDeal = Annotated[Member, Depends(_member_with(Role.BUYER, in_deal=True))]
PartyInDeal = Annotated[Member, Depends(_member_with(Role.PROVIDER, Role.BUYER, in_deal=True))]
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

"""Permission as a type in an endpoint's signature: what is not declared cannot be asked.

Each names a row of the authorisation matrix, and lets in whom that row does.
Promises: `web.application` refuses to start with a route that declares none of these; a row that is not in the matrix
cannot be named; a caller's role and organisation come from a verified token, their standing from the mirror at the
moment of asking; headers of the network say nothing. Each is a coroutine, though most wait for nothing: a plain
function would cost every request a turn of another thread.
"""

import re
from collections.abc import Set
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Annotated, ClassVar

from fastapi import Depends, Header, Request

from shared import tenancy
from shared.access import (
    ACR_STRONG,
    STEP_UP_LIFETIME,
    Caller,
    InsufficientUserAuthentication,
    InvalidToken,
    Member,
    NotYourRole,
    Role,
    ServiceCaller,
)
from shared.core import Core
from shared.delegation import Act, OutsideDelegation
from shared.errors import Forbidden, NotAdmitted, Unauthenticated
from shared.ids import DelegationId
from shared.matrix import ANONYMOUS, MATRIX, Row
from shared.rates import meter_of

DELEGATION_PATTERN = r"^delegation_[0-9a-f]{32}$"
OPERATORS = frozenset({Role.OPERATOR_BUSINESS, Role.OPERATOR_SYSTEM, Role.OPERATOR_SECURITY, Role.OPERATOR_AUDIT})
STAFF = OPERATORS | {Role.REGULATOR, Role.ARBITER}
PERSONS = frozenset(Role) - {Role.SERVICE}
MEMBERS = frozenset({Role.BUYER, Role.PROVIDER})
EVERYONE = frozenset[str](Role) | {ANONYMOUS}
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
    """Anyone with a role that the row of this name lets in, by proof as strong as the row asks of that role."""

    name: str
    least: ClassVar[Set[str]] = frozenset()  # whom its row lets in at least and at most, for it to keep to the row
    most: ClassVar[Set[str]] = PERSONS

    def __post_init__(self) -> None:
        if self.name not in MATRIX or not self.least <= self.row.keys() <= self.most:
            raise ValueError(f"the matrix has no row {self.name} that {type(self).__name__} could keep to")

    @property
    def row(self) -> Row:
        return MATRIX[self.name]

    @cached_property
    def roles(self) -> frozenset[Role]:
        return frozenset(Role(kind) for kind in self.row if kind != ANONYMOUS)

    async def __call__(self, request: Request, caller: Annotated[Caller, Depends(authenticated)]) -> Caller:
        self.require(request, caller)
        return caller

    def require(self, request: Request, caller: Caller) -> None:
        """Raises NotYourRole, or InsufficientUserAuthentication if each role of theirs takes a fresh strong proof."""
        cells = [self.row[role] for role in self.roles & caller.roles]
        if not cells:
            raise NotYourRole(roles=sorted(self.roles))
        if all(cell.needs_step_up for cell in cells):
            _require_step_up(request, caller)


@dataclass(frozen=True)
class Oneself(Permission):
    """Anyone with a token, about their own log-in: also where it is good for nothing else, because a second factor or
    a newer password is still to come."""

    least = most = PERSONS

    def require(self, request: Request, caller: Caller) -> None:
        if caller.participant_id is None:
            tenancy.work_for_everyone()  # the staff belong to no organisation, and such a token names no role either


@dataclass(frozen=True)
class Membership(Permission):
    """As above, and of an organisation that is admitted now and still has the role itself. `in_deal`: for what a deal
    that is under way asks of its parties, which a suspended one may still do, and nothing new."""

    most = MEMBERS
    in_deal: bool = False

    async def of(self, request: Request) -> Member:
        """Whoever asks, for a route that is answered by hand."""
        return await self(request, await authenticated(request))

    async def __call__(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, request: Request, caller: Annotated[Caller, Depends(authenticated)]
    ) -> Member:
        self.require(request, caller)
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
    """Anyone at all. Said, so that it was meant. At identity's open doors whoever asks is sought among all."""

    least = most = EVERYONE

    async def __call__(self, request: Request) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        meter_of(request.scope).count_stranger(request.scope)  # whatever token they bring, nobody looks at it
        core: Core = request.app.state.core
        if core.issuer is not None:
            tenancy.work_for_everyone()


@dataclass(frozen=True)
class Visiting(Permission):
    """Anyone; whoever brings a token must bring a valid one."""

    least = most = EVERYONE - {Role.SERVICE}

    async def __call__(self, request: Request) -> Caller | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        return await authenticated(request) if "Authorization" in request.headers else None


@dataclass(frozen=True)
class Internal(Permission):
    """A neighbouring service, with a token for this one; and the member it acts for, if it says so."""

    least = most = frozenset({Role.SERVICE})

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
        tenancy.work_for_everyone()
        member = None
        if "Acting-For" in request.headers:
            member = _member(request, await _speaker(request, "Acting-For"), frozenset())
        return ServiceCaller(caller.subject.removeprefix("service:"), member)


@dataclass(frozen=True)
class PartyOrNeighbour(Permission):
    """Someone of an admitted organisation, or a neighbouring service with or without one that it acts for."""

    least = most = MEMBERS | {Role.SERVICE}

    async def __call__(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, request: Request
    ) -> Member | ServiceCaller:
        try:
            return await Internal("service").neighbour(request)
        except InvalidToken:  # not a token for this service, so it must be a member's
            return await Membership(PARTY)(request, await authenticated(request))


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
    tenancy.work_for(principal.participant_id)
    return Member(own.caller, principal.represented_by(own.standing), delegation)


def bearer(request: Request, header: str) -> str:
    """The token in a header. Raises Unauthenticated if there is none."""
    scheme, _, token = request.headers.get(header, "").partition(" ")
    if header not in request.headers:
        raise Unauthenticated()
    if scheme.lower() != "bearer" or not token:
        raise InvalidToken()
    return token


def _require_step_up(request: Request, caller: Caller) -> None:
    core: Core = request.app.state.core
    if core.settings.requires_step_up:
        require_stepped_up(caller, core.clock.now())


def require_stepped_up(caller: Caller, now: datetime) -> None:
    """Raises InsufficientUserAuthentication, which says what is needed (RFC 9470)."""
    if not caller.is_stepped_up(now):
        seconds = int(STEP_UP_LIFETIME.total_seconds())
        raise InsufficientUserAuthentication(acr_values=sorted(ACR_STRONG), max_age_seconds=seconds)


PARTY = "party"
Public = Annotated[None, Depends(Open("public"))]
Visitor = Annotated[Caller | None, Depends(Visiting("visitor"))]
Authenticated = Annotated[Caller, Depends(Permission("authenticated"))]
Myself = Annotated[Caller, Depends(Oneself("oneself"))]
DirectoryReader = Annotated[Caller, Depends(Permission("directory_reader"))]
Service = Annotated[ServiceCaller, Depends(Internal("service"))]
ServiceOrParty = Annotated[Member | ServiceCaller, Depends(PartyOrNeighbour("party_or_neighbour"))]

Provider = Annotated[Member, Depends(Membership("provider"))]
Buyer = Annotated[Member, Depends(Membership("buyer"))]
Party = Annotated[Member, Depends(Membership(PARTY))]
Lister = Annotated[Member, Depends(Membership("lister"))]
Bidder = Annotated[Member, Depends(Membership("bidder"))]
ProviderInDeal = Annotated[Member, Depends(Membership("provider", in_deal=True))]
BuyerInDeal = Annotated[Member, Depends(Membership("buyer", in_deal=True))]
PartyInDeal = Annotated[Member, Depends(Membership(PARTY, in_deal=True))]
Signatory = Annotated[Member, Depends(Membership("signatory", in_deal=True))]
Payee = Annotated[Member, Depends(Membership("payee"))]
SecondPayee = Annotated[Member, Depends(Membership("second_payee"))]
ListerOrAgent = Annotated[Member, Depends(Representation("lister", act=Act.LIST))]
BuyerOrAgent = Annotated[Member, Depends(Representation("buyer", act=Act.PLACE_BIDS))]
AccountKeeper = Annotated[Member, Depends(Membership("account_keeper"))]
AccountCloser = Annotated[Caller, Depends(Permission("account_closer"))]
AccountReader = Annotated[Caller, Depends(Permission("account_reader"))]
DormancyReader = Annotated[Caller, Depends(Permission("dormancy_reader"))]

Reader = Annotated[Caller, Depends(Permission("reader"))]
RequestReader = Annotated[Caller, Depends(Permission("request_reader"))]
FileReader = Annotated[Caller, Depends(Permission("file_reader"))]
ImportantDataReader = Annotated[Caller, Depends(Permission("important_data_reader"))]
Reporter = Annotated[Caller, Depends(Permission("reporter"))]
BookReader = Annotated[Caller, Depends(Permission("book_reader"))]
ShareReader = Annotated[Caller, Depends(Permission("share_reader"))]
DealReader = Annotated[Caller, Depends(Permission("deal_reader"))]
InquiryReader = Annotated[Caller, Depends(Permission("inquiry_reader"))]
NegotiationReader = Annotated[Caller, Depends(Permission("negotiation_reader"))]
DisputeReader = Annotated[Caller, Depends(Permission("dispute_reader"))]
HearingReader = Annotated[Caller, Depends(Permission("hearing_reader"))]
FreezeReader = Annotated[Caller, Depends(Permission("freeze_reader"))]
CreditReader = Annotated[Caller, Depends(Permission("credit_reader"))]
ContentReader = Annotated[Caller, Depends(Permission("content_reader"))]
ExportReader = Annotated[Caller, Depends(Permission("export_reader"))]
CubeReader = Annotated[Caller, Depends(Permission("cube_reader"))]
LogReader = Annotated[Caller, Depends(Permission("log_reader"))]
LedgerReader = Annotated[Caller, Depends(Permission("ledger_reader"))]
IncidentReporter = Annotated[Caller, Depends(Permission("incident_reporter"))]
IncidentReader = Annotated[Caller, Depends(Permission("incident_reader"))]

OperatorBusiness = Annotated[Caller, Depends(Permission("operator_business"))]
OperatorSystem = Annotated[Caller, Depends(Permission("operator_system"))]
OperatorSecurity = Annotated[Caller, Depends(Permission("operator_security"))]
OperatorAudit = Annotated[Caller, Depends(Permission("operator_audit"))]
SecondBusiness = Annotated[Caller, Depends(Permission("second_business"))]
SecondAudit = Annotated[Caller, Depends(Permission("second_audit"))]
AnyOperator = Annotated[Caller, Depends(Permission("any_operator"))]
Staff = Annotated[Caller, Depends(Permission("staff"))]
BusinessOrRegulator = Annotated[Caller, Depends(Permission("business_or_regulator"))]
Regulator = Annotated[Caller, Depends(Permission("regulator"))]
SecondRegulator = Annotated[Caller, Depends(Permission("second_regulator"))]
Supervisor = Annotated[Caller, Depends(Permission("supervisor"))]
Arbiter = Annotated[Caller, Depends(Permission("arbiter"))]
RulingArbiter = Annotated[Caller, Depends(Permission("ruling_arbiter"))]

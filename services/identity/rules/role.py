"""Roles: what a person or a client may be here, and which roles never meet in one.

Promises: nobody of the platform trades; of the operators for the system, for security and for the log nobody is two
(GB/T 22239-2019 8.1.4.2 d, 权限分离); the regulator and an arbiter are nothing else; nobody has a role that their
organisation lacks.
"""

from collections.abc import Set
from enum import StrEnum

from shared.errors import Conflict


class Role(StrEnum):
    BUYER = "buyer"
    PROVIDER = "provider"
    OPERATOR_BUSINESS = "operator_business"
    OPERATOR_SYSTEM = "operator_system"
    OPERATOR_SECURITY = "operator_security"
    OPERATOR_AUDIT = "operator_audit"
    REGULATOR = "regulator"
    ARBITER = "arbiter"
    SERVICE = "service"


TRADING = frozenset({Role.BUYER, Role.PROVIDER})
SEPARATED = frozenset({Role.OPERATOR_SYSTEM, Role.OPERATOR_SECURITY, Role.OPERATOR_AUDIT})
OPERATORS = SEPARATED | {Role.OPERATOR_BUSINESS}
ALONE = frozenset({Role.REGULATOR, Role.ARBITER})
STAFF = OPERATORS | ALONE


class RoleNotHeld(Conflict):
    """Your organisation does not have this role itself."""


class StaffDoesNotTrade(Conflict):
    """Nobody of the platform may buy or sell on it."""


class NotARoleOfStaff(Conflict):
    """The platform's staff has at least one role, and only those of operators, regulator and arbiter."""


class DutiesAreSeparate(Conflict):
    """One person cannot have these duties together."""


def require_held(roles: Set[Role], organisation: Set[Role]) -> None:
    """Raises RoleNotHeld unless somebody of an organisation with those roles may have these."""
    if not roles or not roles <= organisation & TRADING:
        raise RoleNotHeld(roles=sorted(roles), organisation=sorted(organisation))


def require_separate(roles: Set[Role]) -> None:
    """Raises StaffDoesNotTrade, NotARoleOfStaff or DutiesAreSeparate unless one person of the staff may have these."""
    if roles & TRADING:
        raise StaffDoesNotTrade(roles=sorted(roles))
    if not roles or not roles <= STAFF:
        raise NotARoleOfStaff(roles=sorted(roles))
    if len(roles & SEPARATED) > 1:
        raise DutiesAreSeparate(roles=sorted(roles))
    if roles & ALONE and len(roles) > 1:
        raise DutiesAreSeparate(roles=sorted(roles))

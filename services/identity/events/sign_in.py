"""What happens as people and programs show who they are."""

from dataclasses import dataclass
from typing import ClassVar

from services.identity.events.kinds import AccessFact
from shared.facts import Commitment, Outcome
from shared.ids import (
    FactId,
    TokenFamilyId,
    UserId,
)


@dataclass(frozen=True, slots=True)
class SecondFactorEnrolled(AccessFact):
    """A person's log-in needs a code from now on, or one of another authenticator than before."""

    user_id: UserId


@dataclass(frozen=True, slots=True)
class SecondFactorRefused(AccessFact):
    """The first code of a new second factor was not right."""

    outcome: ClassVar[Outcome] = "deny"
    user_id: UserId


@dataclass(frozen=True, slots=True)
class SecondFactorReset(AccessFact):
    """Somebody else took a person's second factor away: it was lost, or says so who asked."""

    is_high_risk: ClassVar[bool] = True
    user_id: UserId


@dataclass(frozen=True, slots=True)
class PasswordChanged(AccessFact):
    """A person has a new password, by the old one."""

    user_id: UserId


@dataclass(frozen=True, slots=True)
class TokenIssued(AccessFact):
    """A user, a program or a service was let in."""

    subject: str
    grant: str
    audience: str


@dataclass(frozen=True, slots=True)
class TokenFamilyRevoked(AccessFact):
    """A session has ended, with every token of it."""

    user_id: UserId
    family_id: TokenFamilyId
    reason_code: str


@dataclass(frozen=True, slots=True)
class LogInRefused(AccessFact):
    """Somebody tried to log in, in vain."""

    outcome: ClassVar[Outcome] = "deny"
    login: Commitment
    reason_code: str
    user_id: UserId | None = None
    fact_id: FactId | None = None


@dataclass(frozen=True, slots=True)
class ClientRefused(AccessFact):
    """A program or a service tried to get a token, in vain."""

    outcome: ClassVar[Outcome] = "deny"
    subject: str
    reason_code: str

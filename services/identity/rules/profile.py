"""The security profile: what is asked of log-ins beyond the ordinary, where the platform is rated 等保三级.

Owns: the two profiles as data, and the decisions that follow: whether a password is varied enough, has grown too old,
whether a session has been idle, whether a second factor is due, and whether an account has gone to sleep.
Promises: `standard` asks for nothing here, for length and a list of leaked passwords serve better than change and
variety (ASVS 5.0 6.2.10, NIST SP 800-63B-4 3.1.1.2); `djcp3` asks the staff for both, because its assessors test them.
A limit is reached at its moment, not after it.
Sources: GB/T 22239-2019 8.1.4.1 a (complexity, periodic change), b (time-out), d (two factors, one of them
cryptographic), 8.1.4.2 c (accounts that are not used any more).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from services.identity.rules.role import STAFF, Role
from shared.errors import Forbidden, Malformed


class Profile(StrEnum):
    STANDARD = "standard"
    DJCP3 = "djcp3"


@dataclass(frozen=True, slots=True)
class Discipline:
    """What is asked of one account. None is no limit."""

    password_age_max: timedelta | None = None
    password_classes_min: int = 1
    idle_max: timedelta | None = None
    needs_second_factor: bool = False
    dormant_after: timedelta | None = None


ORDINARY = Discipline()
STRICT = Discipline(
    password_age_max=timedelta(days=90),
    password_classes_min=3,
    idle_max=timedelta(minutes=15),
    needs_second_factor=True,
    dormant_after=timedelta(days=90),
)
OF_STAFF: Mapping[Profile, Discipline] = {Profile.STANDARD: ORDINARY, Profile.DJCP3: STRICT}


class PasswordNotVaried(Malformed):
    """A password of the staff has at least three of these: capital letters, small letters, digits, other signs."""


class PasswordExpired(Forbidden):
    """This password is too old: set another before you go on."""


def discipline_of(profile: Profile, roles: frozenset[Role]) -> Discipline:
    """What is asked of someone with these roles. The profile binds the staff: operators, regulator and arbiters."""
    return OF_STAFF[profile] if roles & STAFF else ORDINARY


def require_varied(password: str, discipline: Discipline) -> None:
    """Raises PasswordNotVaried. Requires a password that is long enough otherwise."""
    if classes(password) < discipline.password_classes_min:
        raise PasswordNotVaried(classes=classes(password), classes_min=discipline.password_classes_min)


def require_fresh(set_at: datetime, discipline: Discipline, now: datetime) -> None:
    """Raises PasswordExpired once the password is as old as it may become."""
    age = discipline.password_age_max
    if age is not None and now >= set_at + age:
        raise PasswordExpired(expired_at=set_at + age)


def is_idle(last_used_at: datetime, discipline: Discipline, now: datetime) -> bool:
    """Whether a session that was last used then has ended: its refresh token is good no more."""
    return discipline.idle_max is not None and now >= last_used_at + discipline.idle_max


def is_dormant(last_log_in_at: datetime, discipline: Discipline, now: datetime) -> bool:
    """Whether an account belongs into the report of those that nobody uses."""
    return discipline.dormant_after is not None and now >= last_log_in_at + discipline.dormant_after


def classes(password: str) -> int:
    """Of how many kinds its signs are: capital letters, small letters, digits, others. Han and other letters without
    case are others."""
    kinds = (str.isupper, str.islower, str.isdigit)
    plain = sum(any(kind(sign) for sign in password) for kind in kinds)
    return plain + any(not any(kind(sign) for kind in kinds) for sign in password)

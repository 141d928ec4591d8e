"""The security profile: what is asked of log-ins beyond the ordinary, where the platform is rated 等保三级.

Owns: the two profiles as data, and the decisions that follow: whether a password is varied enough, whether it has grown
too old, and how long a session may be idle.
Promises: `standard` asks for nothing here, for length and a list of leaked passwords serve better than change and
variety (ASVS 5.0 6.2.10, NIST SP 800-63B-4 3.1.1.2); `djcp3` asks the staff for both, because its assessors test them.
A limit is reached at its moment, not after it.
Sources: GB/T 22239-2019 8.1.4.1 a (complexity, periodic change), b (time-out); d (two factors) is a setting of its own,
which the profile raises.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from services.identity.rules.role import STAFF, Role
from shared.errors import Malformed


class Profile(StrEnum):
    STANDARD = "standard"
    DJCP3 = "djcp3"


@dataclass(frozen=True, slots=True)
class Discipline:
    """What is asked of one account. None is no limit."""

    password_age_max: timedelta | None = None
    password_classes_min: int = 1
    idle_max: timedelta | None = None


ORDINARY = Discipline()
STRICT = Discipline(password_age_max=timedelta(days=90), password_classes_min=3, idle_max=timedelta(minutes=15))
OF_STAFF: Mapping[Profile, Discipline] = {Profile.STANDARD: ORDINARY, Profile.DJCP3: STRICT}


class PasswordNotVaried(Malformed):
    """A password of the staff has at least three of these: capital letters, small letters, digits, other signs."""


def discipline_of(profile: Profile, roles: frozenset[Role]) -> Discipline:
    """What is asked of someone with these roles. The profile binds the staff: operators, regulator and arbiters."""
    return OF_STAFF[profile] if roles & STAFF else ORDINARY


def require_varied(password: str, discipline: Discipline) -> None:
    """Raises PasswordNotVaried. Requires a password that is long enough otherwise."""
    if classes(password) < discipline.password_classes_min:
        raise PasswordNotVaried(classes=classes(password), classes_min=discipline.password_classes_min)


def is_outdated(set_at: datetime | None, discipline: Discipline, now: datetime) -> bool:
    """Whether a password is as old as it may become. Of one of unknown age nobody can say that it is not."""
    age = discipline.password_age_max
    return age is not None and (set_at is None or now >= set_at + age)


def classes(password: str) -> int:
    """Of how many kinds its signs are: capital letters, small letters, digits, others. Han and other letters without
    case are others."""
    kinds = (str.isupper, str.islower, str.isdigit)
    plain = sum(any(kind(sign) for sign in password) for kind in kinds)
    return plain + any(not any(kind(sign) for kind in kinds) for sign in password)

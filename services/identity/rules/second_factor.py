"""Second factors: the codes of an authenticator app (TOTP, RFC 6238), and the recovery codes for when it is lost.

Promises: a code is good for its own step and the one before and after, and once: no step at or before the last one used
counts again (RFC 6238 5.2); what replaces a factor takes effect only when its first code has come; nobody takes their
own factor away through an office they hold.
Does not: see a secret, reckon a code, or draw one.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from services.identity.rules.role import STAFF, Role
from services.identity.rules.user import NotYourself, User
from shared.errors import Conflict, Forbidden
from shared.ids import UserId

STEP_SECONDS = 30
DRIFT_STEPS = 1
RECOVERY_CODES = 10
RECOVERY_SIGNS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # without 0, 1, I and O, which are misread: 5 bits each
RECOVERY_LENGTH = 16  # 80 bits
RECOVERY_GROUP = 4
ENROLMENT_TIME = timedelta(minutes=15)  # between the secret and its first code

PASSWORD, TOTP, RECOVERY_CODE = "password", "totp", "recovery_code"  # how a person was authenticated (`amr`)


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """A user's authenticator. The secrets are sealed; `pending` is one whose first code has not come yet."""

    user_id: UserId
    secret: bytes | None = field(default=None, repr=False)
    confirmed_at: datetime | None = None
    last_step: int | None = None
    pending: bytes | None = field(default=None, repr=False)
    pending_until: datetime | None = None

    @property
    def is_in_force(self) -> bool:
        return self.secret is not None


@dataclass(frozen=True, slots=True)
class FactorState:
    """What a person may know of their own second factor."""

    confirmed_at: datetime | None
    pending_until: datetime | None
    recovery_codes_left: int


class NotProven(Forbidden):
    """The password or the code is not valid."""


class NothingToConfirm(Conflict):
    """No new second factor waits for its first code; enrol one first."""


class NoSecondFactor(Conflict):
    """This user has no second factor."""


class OnlyForPeople(Forbidden):
    """Only a person has a password and a second factor."""


def enrol(user_id: UserId, present: SecondFactor | None, sealed: bytes, now: datetime) -> SecondFactor:
    """With a new secret that waits for its first code. What is in force stays so until then."""
    return replace(present or SecondFactor(user_id), pending=sealed, pending_until=now + ENROLMENT_TIME)


def pending_secret(factor: SecondFactor | None, now: datetime) -> bytes:
    """The sealed secret whose first code may come now. Raises NothingToConfirm if there is none."""
    if factor is None or factor.pending is None or factor.pending_until is None or now >= factor.pending_until:
        raise NothingToConfirm()
    return factor.pending


def confirm(factor: SecondFactor, step: int, now: datetime) -> SecondFactor:
    """The new secret in force, its first code spent. Requires that the step is that of a code which was right."""
    return SecondFactor(factor.user_id, factor.pending, now, step)


def fresh_step(code_at: Callable[[int], str], code: str, last_step: int | None, now: datetime) -> int | None:
    """The step that the code is of, if that may be used now. All steps are compared, whichever is right."""
    current = int(now.timestamp()) // STEP_SECONDS
    steps = range(current - DRIFT_STEPS, current + DRIFT_STEPS + 1)
    right = [step for step in steps if hmac.compare_digest(code_at(step).encode(), code.encode())]
    return next((step for step in right if last_step is None or step > last_step), None)


def require_may_reset(user: User, reset_by: str) -> None:
    """Raises NotYourself: who lost their authenticator has recovery codes, and who did not has a code to replace it."""
    if user.id == reset_by:
        raise NotYourself()


def shown(recovery_code: str) -> str:
    """In groups, as it is written down."""
    groups = range(0, RECOVERY_LENGTH, RECOVERY_GROUP)
    return "-".join(recovery_code[start : start + RECOVERY_GROUP] for start in groups)


def as_recovery_code(text: str) -> str | None:
    """The recovery code in what was typed, in whatever case and grouping; None for what cannot be one."""
    code = text.upper().replace("-", "").replace(" ", "")
    return code if len(code) == RECOVERY_LENGTH and set(code) <= set(RECOVERY_SIGNS) else None


def roles_granted(user: User, authenticated_by: str, required_of: str) -> frozenset[Role]:
    """What a log-in may be used for: nothing, but to enrol a second factor, where one is required and did not come.

    `required_of` is whom it is required of: `nobody`, `staff` or `everyone`.
    """
    is_required = required_of == "everyone" or (required_of == "staff" and bool(user.roles & STAFF))
    return frozenset() if is_required and authenticated_by == PASSWORD else user.roles

"""Accounts that nobody uses: told after a while, shut after a longer one (GB/T 22239-2019 8.1.4.2 c, no idle accounts).

Promises: an account is used when it gets a token, and at nothing else; one that is about to be shut is told of before;
what is over counts by itself, whether or not the job has noticed; whoever alone keeps a door open (an organisation's
last administrator, the platform's last operator for security) is told of, and not shut out.
"""

from collections.abc import Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.errors import Malformed
from shared.ids import ApiClientId, ParticipantId, UserId

DORMANT = "dormancy"  # who disabled an account, where nobody did

Subject = UserId | ApiClientId


@dataclass(frozen=True, slots=True)
class Limits:
    """How long an account may lie unused before it is told of, and before it is shut. None: it never is."""

    told_after: timedelta
    shut_after: timedelta | None


@dataclass(frozen=True, slots=True)
class Use:
    """When an account last got a token; at first, when it was made."""

    subject: Subject
    participant_id: ParticipantId | None
    used_at: datetime
    told_at: datetime | None = None


class NoSuchSubject(Malformed):
    """This is neither a user nor a client."""


def subject_of(text: str) -> Subject:
    """Raises NoSuchSubject."""
    for kind in (UserId, ApiClientId):
        if text.startswith(f"{kind.kind}_"):
            return kind(text)
    raise NoSuchSubject()


def dormant_since(limits: Limits, now: datetime) -> datetime:
    """Whoever was last used at this moment or before is dormant."""
    return now - limits.told_after


def is_to_tell(use: Use, limits: Limits, now: datetime) -> bool:
    return use.told_at is None and use.used_at <= dormant_since(limits, now)


def tell(use: Use, now: datetime) -> Use:
    """Requires that it is to tell."""
    return replace(use, told_at=now)


def shut_at(use: Use, limits: Limits) -> datetime | None:
    """When the account is shut, unless it is used before."""
    return None if limits.shut_after is None else use.used_at + limits.shut_after


def is_over(use: Use, limits: Limits, now: datetime) -> bool:
    shut = shut_at(use, limits)
    return shut is not None and now >= shut


def keeps_a_door(subject: Subject, keepers: Set[UserId]) -> bool:
    """Whether nobody else of those who keep it open could let anyone in. Requires who keeps it and can log in."""
    return subject in keepers and len(keepers) == 1

"""The facts of a request for access: each step, with the words that were given for it."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from services.catalog.rules.access import AccessRequest, State
from shared.facts import Category, Fact
from shared.grades import Grade, Mode
from shared.ids import AccessRequestId, AssetId, ParticipantId, VersionId


@dataclass(frozen=True, slots=True)
class AccessFact(Fact):
    category: ClassVar[Category] = Category.ACCESS
    access_request_id: AccessRequestId
    asset_id: AssetId
    version_id: VersionId
    provider_id: ParticipantId
    buyer_id: ParticipantId
    revision: int
    state: State
    deadline: datetime | None


@dataclass(frozen=True, slots=True)
class AccessRequested(AccessFact):
    """A buyer asks for a version in a mode, for a purpose and a time."""

    mode: Mode
    purpose: str
    days: int
    reason: str
    renews: AccessRequestId | None
    grade: Grade

    @classmethod
    def of(cls, asked: AccessRequest) -> Self:
        form = asked.form
        return cls(*_head(asked), form.mode, form.purpose, form.days, form.reason, form.renews, asked.grade)


@dataclass(frozen=True, slots=True)
class AccessDecided(AccessFact):
    reason: str
    grade: Grade

    @classmethod
    def of(cls, asked: AccessRequest) -> Self:
        return cls(*_head(asked), asked.steps[-1].reason or "", asked.grade)


@dataclass(frozen=True, slots=True)
class AccessAgreed(AccessDecided):
    """The provider agrees; an operator decides next."""


@dataclass(frozen=True, slots=True)
class AccessApproved(AccessDecided):
    """All levels agree: the access stands until its deadline, up to this grade."""

    schema_version: ClassVar[int] = 2  # from the second on, `mode` and `purpose`
    mode: Mode
    purpose: str

    @classmethod
    def of(cls, asked: AccessRequest) -> Self:
        reason = asked.steps[-1].reason or ""
        return cls(*_head(asked), reason, asked.grade, asked.form.mode, asked.form.purpose)


@dataclass(frozen=True, slots=True)
class AccessOver(AccessFact):
    reason_code: str
    reason: str | None

    @classmethod
    def of(cls, asked: AccessRequest) -> Self:
        assert asked.reason_code
        return cls(*_head(asked), asked.reason_code, asked.steps[-1].reason)


@dataclass(frozen=True, slots=True)
class AccessRefused(AccessOver):
    """Provider or operator refuses the request, and says why."""


@dataclass(frozen=True, slots=True)
class AccessWithdrawn(AccessOver):
    """The buyer takes the request back."""


@dataclass(frozen=True, slots=True)
class AccessLapsed(AccessOver):
    """Nobody decided in time."""


@dataclass(frozen=True, slots=True)
class AccessEnded(AccessOver):
    """An approval ends: its time is up, it was taken back, or another renews it."""

    schema_version: ClassVar[int] = 2  # from the second on, what had been approved
    grade: Grade
    mode: Mode
    purpose: str

    @classmethod
    def of(cls, asked: AccessRequest) -> Self:
        assert asked.reason_code
        over = asked.reason_code, asked.steps[-1].reason
        return cls(*_head(asked), *over, asked.grade, asked.form.mode, asked.form.purpose)


def _head(
    asked: AccessRequest,
) -> tuple[AccessRequestId, AssetId, VersionId, ParticipantId, ParticipantId, int, State, datetime | None]:
    return (
        asked.id, asked.asset_id, asked.version_id, asked.provider_id, asked.buyer_id, asked.revision, asked.state,
        asked.deadline,
    )  # fmt: skip

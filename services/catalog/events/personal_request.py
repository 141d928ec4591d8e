"""The facts of what persons ask for. Their words stand in them as a commitment only."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from services.catalog.rules.personal_request import Kind, PersonalRequest
from shared.facts import Category, Commitment, Fact
from shared.ids import AssetId, ConsentId, FactId, ParticipantId, PersonalRequestId, VersionId


@dataclass(frozen=True, slots=True)
class PersonalRequestFact(Fact):
    """`revision` orders the facts of one request."""

    category: ClassVar[Category] = Category.ACCESS
    personal_request_id: PersonalRequestId
    consent_id: ConsentId
    asset_id: AssetId
    version_id: VersionId
    provider_id: ParticipantId
    kind: Kind
    deadline: datetime | None
    provisional: bool
    revision: int

    @classmethod
    def of(cls, request: PersonalRequest) -> Self:
        return cls(*head(request))


@dataclass(frozen=True, slots=True)
class PersonalRequestReceived(PersonalRequestFact):
    """Someone showed the receipt of a consent and asks what the law gives them a right to."""

    fact_id: FactId
    details: Commitment


@dataclass(frozen=True, slots=True)
class PersonalRequestEscalated(PersonalRequestFact):
    """Nobody answered in time: the operator for security does now."""


@dataclass(frozen=True, slots=True)
class PersonalRequestGranted(PersonalRequestFact):
    """It was done as asked; `answer_hash` is of what was sent."""

    answer_hash: str | None

    @classmethod
    def of(cls, request: PersonalRequest) -> Self:
        return cls(*head(request), request.answer_hash)


@dataclass(frozen=True, slots=True)
class PersonalRequestRefused(PersonalRequestFact):
    """It was not done; the reason was told to the person."""

    reason_code: str | None

    @classmethod
    def of(cls, request: PersonalRequest) -> Self:
        return cls(*head(request), request.reason_code)


def head(
    request: PersonalRequest,
) -> tuple[
    PersonalRequestId, ConsentId, AssetId, VersionId, ParticipantId, Kind, datetime | None, bool, int
]:  # fmt: skip
    return (
        request.id, request.consent_id, request.asset_id, request.version_id, request.provider_id, request.kind,
        request.deadline, bool(request.due and request.due.provisional), request.revision,
    )  # fmt: skip

"""The facts of single consents. A person stands in them as their provider's commitment, never by name."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from services.catalog.rules.consent import Consent, Kind
from shared.facts import Category, Fact, Retention
from shared.ids import AssetId, ConsentId, ParticipantId, VersionId


@dataclass(frozen=True, slots=True)
class GivenBy:
    consent_id: ConsentId
    subject: str
    receipt_hash: str


@dataclass(frozen=True, slots=True)
class ConsentsGiven(Fact):
    """A provider enters that these persons agreed to one and the same text."""

    category: ClassVar[Category] = Category.GRADE
    retention: ClassVar[Retention] = Retention.REGISTRATION
    asset_id: AssetId
    version_id: VersionId
    provider_id: ParticipantId
    kind: Kind
    purpose: str
    recipient_id: ParticipantId | None
    text_version: str
    text_hash: str
    valid_until: datetime
    given: tuple[GivenBy, ...]

    @classmethod
    def of(cls, given: Sequence[Consent]) -> Self:
        """Requires at least one, and all to the same text."""
        first, text = given[0], given[0].text
        persons = tuple(GivenBy(each.id, each.by.subject, each.by.receipt) for each in given)
        return cls(
            first.asset_id, first.version_id, first.provider_id, text.kind, text.purpose, text.recipient_id,
            text.text_version, text.text_hash, text.valid_until, persons,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ConsentFact(Fact):
    """`revision` orders the facts of one consent."""

    category: ClassVar[Category] = Category.GRADE
    retention: ClassVar[Retention] = Retention.REGISTRATION
    consent_id: ConsentId
    asset_id: AssetId
    version_id: VersionId
    provider_id: ParticipantId
    kind: Kind
    recipient_id: ParticipantId | None
    ended_at: datetime | None
    reason_code: str | None
    revision: int

    @classmethod
    def of(cls, consent: Consent) -> Self:
        return cls(
            consent.id, consent.asset_id, consent.version_id, consent.provider_id, consent.text.kind,
            consent.text.recipient_id, consent.ended_at, consent.reason_code, consent.revision,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ConsentWithdrawn(ConsentFact):
    """The person withdrew it, or had the data deleted: no delivery begins by it any more."""


@dataclass(frozen=True, slots=True)
class ConsentExpired(ConsentFact):
    """Its time is up; it was worth nothing from that moment on."""

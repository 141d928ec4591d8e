"""What happens between an organisation and whoever vouches for it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from services.identity.events.kinds import AdmissionFact
from services.identity.rules.sponsorship import Sponsorship, State
from shared.ids import KeyId, ParticipantId, SponsorshipId


@dataclass(frozen=True, slots=True)
class SponsorshipAsked(AdmissionFact):
    """An organisation asks another to vouch for it."""

    sponsorship_id: SponsorshipId
    sponsor_id: ParticipantId
    sponsored_id: ParticipantId
    sponsored_name: str
    sponsored_uscc: str
    ends_at: datetime

    @classmethod
    def of(cls, asked: Sponsorship) -> Self:
        return cls(
            asked.id, asked.sponsor_id, asked.sponsored_id, asked.sponsored_name, asked.sponsored_uscc, asked.ends_at
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class SponsorshipSigned(AdmissionFact):
    """An organisation vouches for another until then, having looked into it. Whoever has the key verifies that."""

    sponsorship_id: SponsorshipId
    sponsor_id: ParticipantId
    sponsored_id: ParticipantId
    ends_at: datetime
    finding: str
    terms_hash: str
    key_id: KeyId
    signature: str

    @classmethod
    def of(cls, signed: Sponsorship, finding: str) -> Self:
        assert signed.signature
        return cls(
            signed.id, signed.sponsor_id, signed.sponsored_id, signed.ends_at, finding, signed.terms_hash,
            signed.signature.key_id, signed.signature.signature,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class SponsorshipEnded(AdmissionFact):
    """An organisation vouches for another no longer, or never did."""

    sponsorship_id: SponsorshipId
    sponsor_id: ParticipantId
    sponsored_id: ParticipantId
    state: State
    reason_code: str
    reason: str | None = None  # none where nobody gave one

    @classmethod
    def of(cls, ended: Sponsorship, reason: str | None = None) -> Self:
        return cls(ended.id, ended.sponsor_id, ended.sponsored_id, ended.state, ended.reason_code or "", reason)

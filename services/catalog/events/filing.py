"""The facts of filings and objections: handed in, consented to, agreed, under notice, held, entered, or not.

A first registration is told by the facts of its review; of its notice and its objections, here.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from services.catalog.events.certificate import RegisterFact
from services.catalog.rules.asset import Asset
from services.catalog.rules.filing import Filing, Particulars, Type
from services.catalog.rules.objection import Ground, Objection
from shared.facts import Outcome
from shared.ids import AssetId, CertificateId, FilingId, ObjectionId, ParticipantId, VersionId


@dataclass(frozen=True, slots=True)
class FilingFact(RegisterFact):
    """`revision` is the filing's, and orders its facts."""

    asset_revision: int
    filing_id: FilingId
    revision: int
    type: Type

    @classmethod
    def of(cls, asset: Asset, filing: Filing) -> Self:
        return cls(*_of_filing(asset, filing))


@dataclass(frozen=True, slots=True)
class FilingSubmitted(FilingFact):
    """A holder or provider asks for a licence, transfer, change or renewal; or the operators, to revoke."""

    applicant_id: ParticipantId | None
    particulars: Particulars
    deadline: datetime | None

    @classmethod
    def of(cls, asset: Asset, filing: Filing) -> Self:
        told = (filing.applicant_id, filing.particulars, filing.deadline)
        return cls(*_of_filing(asset, filing), *told)


@dataclass(frozen=True, slots=True)
class FilingDenied(RegisterFact):
    """A gate keeps something from being filed or entered: whose data these are is in dispute."""

    outcome: ClassVar[Outcome] = "deny"
    type: Type
    applicant_id: ParticipantId | None
    reason_code: str

    @classmethod
    def of(cls, asset: Asset, kind: Type, applicant_id: ParticipantId | None, reason_code: str) -> Self:
        return cls(asset.id, asset.provider_id, kind, applicant_id, reason_code)


@dataclass(frozen=True, slots=True)
class FilingConsented(FilingFact):
    """The licensee or the new holder agrees to what was filed."""


@dataclass(frozen=True, slots=True)
class ReasonedFact(FilingFact):
    reason_code: str
    reason: str

    @classmethod
    def because(cls, asset: Asset, filing: Filing, reason: str) -> Self:
        assert filing.reason_code
        return cls(
            *_of_filing(asset, filing), filing.reason_code, reason
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class FilingDeclined(ReasonedFact):
    """The licensee or the new holder does not agree to what was filed."""

    outcome: ClassVar[Outcome] = "deny"


@dataclass(frozen=True, slots=True)
class FilingRefused(ReasonedFact):
    """The operators do not enter what was filed, or an objection to it was upheld."""

    outcome: ClassVar[Outcome] = "deny"


@dataclass(frozen=True, slots=True)
class FilingWithdrawn(ReasonedFact):
    """The applicant takes the filing back, or its asset went off the register meanwhile."""


@dataclass(frozen=True, slots=True)
class FilingLapsed(ReasonedFact):
    """Nobody consented or decided in time."""


@dataclass(frozen=True, slots=True)
class FilingAgreed(FilingFact):
    """The first of two operators agrees to a filing; the second decides."""

    operators: tuple[str, ...]
    note: str

    @classmethod
    def noted(cls, asset: Asset, filing: Filing, note: str) -> Self:
        return cls(
            *_of_filing(asset, filing), filing.operators, note
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class NoticeOpened(FilingFact):
    """The operators agree, and it is under public notice until then: whoever objects says so now."""

    operators: tuple[str, ...]
    note: str
    version_id: VersionId | None
    notice_ends_at: datetime | None

    @classmethod
    def noted(cls, asset: Asset, filing: Filing, note: str) -> Self:
        return cls(
            *_of_filing(asset, filing), filing.operators, note,
            filing.version_id, filing.notice_ends_at,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class RegistrationReopened(FilingFact):
    """The grade rose while it was under notice: what was agreed to counts no more, and it is reviewed again."""

    deadline: datetime | None

    @classmethod
    def of(cls, asset: Asset, filing: Filing) -> Self:
        return cls(*_of_filing(asset, filing), filing.deadline)


@dataclass(frozen=True, slots=True)
class FilingRegistered(FilingFact):
    """What was filed stands on the register, with the certificates that say so."""

    particulars: Particulars
    operators: tuple[str, ...]
    note: str
    rights_holder_id: ParticipantId
    certificate_ids: tuple[CertificateId, ...]
    valid_until: datetime | None

    @classmethod
    def entered(cls, asset: Asset, filing: Filing, note: str, certificate_ids: tuple[CertificateId, ...]) -> Self:
        return cls(
            *_of_filing(asset, filing), filing.particulars, filing.operators,
            note, asset.rights_holder_id, certificate_ids, asset.valid_until,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ObjectionFact(RegisterFact):
    """`revision` is the objection's, and orders its facts. `objected`: whether the entry is marked as disputed then."""

    asset_revision: int
    objection_id: ObjectionId
    revision: int
    filing_id: FilingId | None
    objected: bool


@dataclass(frozen=True, slots=True)
class ObjectionRaised(ObjectionFact):
    """A participant objects to a filing under notice, which is held, or to an entry, which is not offered meanwhile."""

    objector_id: ParticipantId
    ground: Ground
    statement: str
    evidence_hash: str
    deadline: datetime | None

    @classmethod
    def of(cls, asset: Asset, raised: Objection) -> Self:
        told = (raised.objector_id, raised.ground, raised.statement, raised.evidence_hash, raised.deadline)
        return cls(*_of_objection(asset, raised), *told)


@dataclass(frozen=True, slots=True)
class ObjectionSettled(ObjectionFact):
    reason_code: str
    reason: str

    @classmethod
    def of(cls, asset: Asset, settled: Objection) -> Self:
        assert settled.reason_code
        return cls(*_of_objection(asset, settled), settled.reason_code, settled.reason or "")


@dataclass(frozen=True, slots=True)
class ObjectionUpheld(ObjectionSettled):
    """An operator finds the objection right: the filing is refused, or the revocation of the entry begins."""


@dataclass(frozen=True, slots=True)
class ObjectionDismissed(ObjectionSettled):
    """An operator finds the objection wrong: what it was against goes on."""


@dataclass(frozen=True, slots=True)
class ObjectionWithdrawn(ObjectionSettled):
    """The objector takes the objection back."""


@dataclass(frozen=True, slots=True)
class ObjectionLapsed(ObjectionSettled):
    """Nobody decided the objection in time, or what it was against is gone."""


def _of_filing(asset: Asset, filing: Filing) -> tuple[AssetId, ParticipantId, int, FilingId, int, Type]:
    return asset.id, asset.provider_id, asset.revision, filing.id, filing.revision, filing.type


def _of_objection(
    asset: Asset, objection: Objection
) -> tuple[AssetId, ParticipantId, int, ObjectionId, int, FilingId | None, bool]:
    return (
        asset.id, asset.provider_id, asset.revision, objection.id, objection.revision, objection.filing_id,
        asset.objected,
    )  # fmt: skip

"""A legal record: what a provider has on file so that its data may be provided, until it lapses or is withdrawn.

Owns: consents and assessments, what each proves, and which of them the data need before they are registered.
Promises: a record proves nothing from the moment it is withdrawn, or its time is up; a failed assessment never proves
anything; what is on record is decided for a moment, and never kept.
Sources: PIPL arts 13 (other bases than consent), 15 (withdrawal), 23 and 29 (separate consent), 31 (guardians of
persons under 14), 55 and 56 (impact assessment); GB/T 42460-2023 (effect of de-identification).
Does not: hold anyone's consent itself. That stays with the provider; its hash and the number of persons stand here.
"""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from services.catalog.rules.asset import Asset, NextActor
from shared.errors import Conflict, Malformed, NotFound
from shared.grades import Condition, Flag
from shared.ids import AssetId, ParticipantId, RecordId, VersionId
from shared.lifecycle import Lifecycle


class State(StrEnum):
    IN_FORCE = "in_force"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


IN_FORCE, WITHDRAWN, EXPIRED = State
RECORD = Lifecycle(start=IN_FORCE, moves={
    IN_FORCE:  {WITHDRAWN, EXPIRED},
    WITHDRAWN: set(),  # a new consent is a new record
    EXPIRED:   set(),
})  # fmt: skip
VALID_AT_MOST = timedelta(days=3 * 365)
EXPIRED_BY_TIME = "valid_until_passed"


class Kind(StrEnum):
    SEPARATE_CONSENT = "separate_consent"  # 单独同意
    GUARDIAN_CONSENT = "guardian_consent"  # 监护人同意
    IMPACT_ASSESSMENT = "impact_assessment"  # 个人信息保护影响评估
    EFFECT_REPORT = "effect_report"  # 去标识化效果评估
    OTHER_BASIS = "other_basis"  # 个人同意以外的合法性基础


PROVES: Mapping[Kind, Condition] = {
    Kind.SEPARATE_CONSENT: Condition.SEPARATE_CONSENT,
    Kind.GUARDIAN_CONSENT: Condition.GUARDIAN_CONSENT,
    Kind.IMPACT_ASSESSMENT: Condition.IMPACT_ASSESSMENT,
    Kind.EFFECT_REPORT: Condition.EFFECT_REPORT,
    Kind.OTHER_BASIS: Condition.OTHER_BASIS,
}
CONSENTS = frozenset({Kind.SEPARATE_CONSENT, Kind.GUARDIAN_CONSENT})


class Conclusion(StrEnum):
    PASSED = "passed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Consent:
    """`scope`: what they consented to, for whom and for which purpose. `persons`: how many did."""

    scope: str
    persons: int


class Basis(StrEnum):
    """Why personal information may be processed without consent: PIPL art. 13(1), items 2 to 7."""

    CONTRACT = "contract"  # 订立、履行个人作为一方当事人的合同，或者实施人力资源管理
    STATUTORY_DUTY = "statutory_duty"  # 履行法定职责或者法定义务
    EMERGENCY = "emergency"  # 应对突发公共卫生事件，或者紧急情况下保护生命健康和财产安全
    PUBLIC_INTEREST = "public_interest"  # 为公共利益实施新闻报道、舆论监督等
    PUBLISHED = "published"  # 在合理的范围内处理已经合法公开的个人信息
    OTHER_LAW = "other_law"  # 法律、行政法规规定的其他情形


@dataclass(frozen=True, slots=True)
class Assessment:
    """`basis`: for another basis than consent, which."""

    assessed_at: datetime
    conclusion: Conclusion
    summary: str
    basis: Basis | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a record rests on. `evidence_hash` is SHA-256 in hex of what the provider keeps."""

    kind: Kind
    content: Consent | Assessment
    evidence_hash: str
    valid_until: datetime


@dataclass(frozen=True, slots=True)
class Record:
    """Of one version, or, without `version_id`, of all versions of the asset."""

    id: RecordId
    asset_id: AssetId
    provider_id: ParticipantId
    version_id: VersionId | None
    evidence: Evidence
    state: State
    recorded_at: datetime
    reason_code: str | None = None
    revision: int = 1

    @property
    def deadline(self) -> datetime | None:
        return self.evidence.valid_until if self.state is IN_FORCE else None

    @property
    def next_actor(self) -> NextActor | None:
        return NextActor.PROVIDER if self.state is IN_FORCE else None

    def covers(self, version_id: VersionId) -> bool:
        return self.version_id is None or self.version_id == version_id


class NoSuchRecord(NotFound):
    """There is no such record, or you may not see it."""


class ValidityOutOfRange(Malformed):
    """A record is valid until a moment to come, three years away at most, and nothing is assessed before its time."""


class BasisMisplaced(Malformed):
    """Another basis than consent is named where one is put on record, and nowhere else (PIPL art. 13)."""


class ConsentMissing(Conflict):
    """The data hold sensitive personal information: put consent and impact assessment on record (PIPL 29, 55)."""


class GuardianConsentMissing(Conflict):
    """The data hold persons under 14: put their guardians' consent on record first (PIPL art. 31)."""


def put_on_record(
    record_id: RecordId, asset: Asset, version_id: VersionId | None, evidence: Evidence, now: datetime
) -> Record:
    """Requires that the evidence fits its kind: a consent for a consent, an assessment for the others."""
    assert isinstance(evidence.content, Consent) is (evidence.kind in CONSENTS)
    if (evidence.kind is Kind.OTHER_BASIS) != (_basis_of(evidence) is not None):
        raise BasisMisplaced(kind=evidence.kind)
    assessed_later = isinstance(evidence.content, Assessment) and evidence.content.assessed_at > now
    if assessed_later or not now < evidence.valid_until <= now + VALID_AT_MOST:
        raise ValidityOutOfRange(valid_until=evidence.valid_until, valid_days_max=VALID_AT_MOST.days)
    return Record(record_id, asset.id, asset.provider_id, version_id, evidence, RECORD.start, now)


def withdraw(record: Record, reason_code: str) -> Record:
    return _move(record, WITHDRAWN, reason_code=reason_code)


def expire(record: Record) -> Record:
    """Requires that its time is up."""
    return _move(record, EXPIRED, reason_code=EXPIRED_BY_TIME)


def proven(records: Iterable[Record], version_id: VersionId, now: datetime) -> frozenset[Condition]:
    """What these records prove for a version at this moment."""
    return frozenset(
        PROVES[record.evidence.kind] for record in records if record.covers(version_id) and _holds(record, now)
    )


def require_consents(flags: Set[Flag], on_record: Set[Condition]) -> None:
    """Raises unless what persons must have agreed to is on record before data with these flags are registered."""
    needed = {Condition.SEPARATE_CONSENT, Condition.IMPACT_ASSESSMENT}
    if Flag.SENSITIVE_PERSONAL in flags and (missing := needed - on_record):
        raise ConsentMissing(missing=sorted(missing), flags=sorted(flags))
    if Flag.MINOR in flags and Condition.GUARDIAN_CONSENT not in on_record:
        raise GuardianConsentMissing(missing=[Condition.GUARDIAN_CONSENT], flags=sorted(flags))


def _basis_of(evidence: Evidence) -> Basis | None:
    return evidence.content.basis if isinstance(evidence.content, Assessment) else None


def _holds(record: Record, now: datetime) -> bool:
    failed = isinstance(record.evidence.content, Assessment) and record.evidence.content.conclusion is Conclusion.FAILED
    return record.state is IN_FORCE and now < record.evidence.valid_until and not failed


def _move(record: Record, to: State, **changes: Any) -> Record:
    return replace(record, state=RECORD.move(record.state, to), revision=record.revision + 1, **changes)

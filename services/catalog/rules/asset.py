"""An asset: what a provider registers, from its draft to its withdrawal.

Owns: the lifecycle of an asset, what its provider says of it, where it comes from, and its deadlines.
Promises: only a draft is changed, and a refused asset becomes a draft again by being changed; every state that waits
for someone says for whom and until when; a registered asset waits for nobody, unless a new version is under review.
Sources: Data Security Law art. 33 (the source is explained before an intermediary deals in data), PIPL art. 13 (basis).
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from services.catalog.rules import version as version_rules
from services.catalog.rules.rights import Right
from services.catalog.rules.version import Version
from shared.errors import Conflict, NotFound
from shared.grades import Flag, Grade
from shared.ids import AssetId, ParticipantId, VersionId
from shared.lifecycle import IllegalMove, Lifecycle


class State(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    UNDER_NOTICE = "under_notice"
    REGISTERED = "registered"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


DRAFT, SUBMITTED, UNDER_NOTICE, REGISTERED, REFUSED, WITHDRAWN = State
ASSET = Lifecycle(start=DRAFT, moves={
    DRAFT:        {SUBMITTED, WITHDRAWN},
    SUBMITTED:    {UNDER_NOTICE, REGISTERED, REFUSED, DRAFT},  # back to draft when nobody reviews it in time
    UNDER_NOTICE: {REGISTERED, REFUSED, SUBMITTED},            # reviewed again if the grade rose meanwhile
    REGISTERED:   {WITHDRAWN},
    REFUSED:      {DRAFT, WITHDRAWN},
    WITHDRAWN:    set(),
})  # fmt: skip
DRAFTED_WITHIN = timedelta(days=180)
REVIEWED_WITHIN = timedelta(days=15)
DRAFT_EXPIRED, REVIEW_OVERDUE, SUPERSEDED = "draft_expired", "review_overdue", "superseded"
WITHDRAWN_BY_PROVIDER = "withdrawn_by_provider"
REVOKED, REGISTRATION_EXPIRED = "registration_revoked", "registration_expired"


class NextActor(StrEnum):
    PROVIDER = "provider"
    OPERATOR = "operator_business"
    COUNTERPARTY = "counterparty"
    ANYONE = "anyone"  # who has an objection


class UpdateCycle(StrEnum):
    NEVER = "never"
    IRREGULAR = "irregular"
    YEARLY = "yearly"
    QUARTERLY = "quarterly"
    MONTHLY = "monthly"
    WEEKLY = "weekly"
    DAILY = "daily"
    REAL_TIME = "real_time"


class Origin(StrEnum):
    OWN_PRODUCTION = "own_production"  # 自行生产
    PUBLIC_COLLECTION = "public_collection"  # 公开收集
    PURCHASE = "purchase"  # 交易取得
    AUTHORISATION = "authorisation"  # 授权取得
    PUBLIC_DATA_OPERATION = "public_data_operation"  # 公共数据授权运营


@dataclass(frozen=True, slots=True)
class Description:
    """What the provider says of the asset. `theme` is a word of [a-z_].

    `category` is a path, from the field of industry on: 交通运输/航空/机场 (GB/T 43697-2024, 行业领域 then 业务属性).
    """

    title: str
    description: str
    theme: str
    update_cycle: UpdateCycle
    keywords: tuple[str, ...] = ()
    title_english: str | None = None
    region: str | None = None
    category: str | None = None


@dataclass(frozen=True, slots=True)
class SourceDeclaration:
    """Where the data come from and by what rights (DSL art. 33). `evidence_hash` is SHA-256 in hex."""

    origin: Origin
    description: str
    legal_basis: str
    personal_information_basis: str | None = None
    evidence_hash: str | None = None
    rights: tuple[Right, ...] = ()


@dataclass(frozen=True, slots=True)
class Review:
    """A version before the operator. From G4 the first of two operators waits here for the second.

    With `notice_ends_at`, they have agreed to the grading of `at_grade_revision`, and it is under public notice.
    """

    version_id: VersionId
    first_operator: str | None = None
    at_grade_revision: int | None = None
    second_operator: str | None = None
    notice_ends_at: datetime | None = None

    @property
    def operators(self) -> tuple[str, ...]:
        return tuple(operator for operator in (self.first_operator, self.second_operator) if operator)


@dataclass(frozen=True, slots=True)
class Asset:
    """`grade` is what its entry shows by: the lowest of its registered versions, None before the first.

    `holder_id` is whom the rights were transferred to; `objected`: whose data these are is in dispute; `valid_until`:
    when the last of its certificates ends.
    """

    id: AssetId
    provider_id: ParticipantId
    about: Description
    state: State
    next_actor: NextActor | None
    deadline: datetime | None
    reason_code: str | None = None
    source: SourceDeclaration | None = None
    review: Review | None = None
    grade: Grade | None = None
    holder_id: ParticipantId | None = None
    objected: bool = False
    valid_until: datetime | None = None
    revision: int = 1

    @property
    def rights_holder_id(self) -> ParticipantId:
        return self.holder_id or self.provider_id


@dataclass(frozen=True, slots=True)
class Entry:
    """An asset with its versions, oldest first: the whole that changes together.

    The asset's revision rises with every change of any part, so that it orders the entry's facts.
    """

    asset: Asset
    versions: tuple[Version, ...]

    @property
    def pending(self) -> Version | None:
        return version_rules.pending(self.versions)

    def version(self, version_id: VersionId) -> Version:
        return next(version for version in self.versions if version.id == version_id)

    def replacing(self, changed: Version) -> "Entry":
        versions = tuple(changed if version.id == changed.id else version for version in self.versions)
        return Entry(replace(self.asset, revision=self.asset.revision + 1), versions)


class NoSuchAsset(NotFound):
    """There is no such asset, or you may not see it."""


class UnderReview(Conflict):
    """The asset is under review; wait for its outcome."""


class PersonalInformationBasisMissing(Conflict):
    """The data hold personal information: declare the basis on which they may be provided (PIPL art. 13)."""


def draft(
    asset_id: AssetId, provider_id: ParticipantId, version_id: VersionId, about: Description, now: datetime
) -> Entry:
    """A new asset, with the version that its first content goes to."""
    asset = Asset(asset_id, provider_id, about, ASSET.start, NextActor.PROVIDER, now + DRAFTED_WITHIN)
    return Entry(asset, (Version(version_id, asset_id, 1, version_rules.VERSION.start),))


def describe(asset: Asset, about: Description, now: datetime) -> Asset:
    """A draft that is described as it is already stays as it is."""
    if asset.state is DRAFT and about == asset.about:
        return asset
    return _changed(asset, now, about=about)


def declare_source(entry: Entry, source: SourceDeclaration, now: datetime) -> Entry:
    """Of a registered asset too: a new version may come from elsewhere. What is registered keeps a basis."""
    asset = entry.asset
    _not_under_review(asset)
    if asset.state is not REGISTERED:
        return replace(entry, asset=_changed(asset, now, source=source))
    for version in entry.versions:
        if version.is_registered:
            require_basis(source, version)
    return replace(entry, asset=replace(asset, source=source, revision=asset.revision + 1))


def add_version(entry: Entry, version_id: VersionId, now: datetime) -> Entry:
    """With a version for new content. One that was not finished gives way to it."""
    asset = entry.asset
    _not_under_review(asset)
    new = Version(version_id, asset.id, len(entry.versions) + 1, version_rules.VERSION.start)
    if asset.state is REGISTERED:
        asset = replace(asset, revision=asset.revision + 1)
        new = replace(new, deadline=now + version_rules.FINISHED_WITHIN)
    else:
        asset = _changed(asset, now)
    earlier = entry.pending
    versions = entry.replacing(version_rules.lapse(earlier, SUPERSEDED)).versions if earlier else entry.versions
    return Entry(asset, (*versions, new))


def reopen(entry: Entry, now: datetime) -> Entry:
    """A refused asset is a draft again when its grade is proposed anew; any other stays as it is."""
    return replace(entry, asset=_changed(entry.asset, now)) if entry.asset.state is REFUSED else entry


def withdraw(asset: Asset, reason_code: str = WITHDRAWN_BY_PROVIDER) -> Asset:
    """Off the register for good, and no longer disputed."""
    gone = {"next_actor": None, "deadline": None, "review": None, "objected": False, "reason_code": reason_code}
    return move(asset, WITHDRAWN, **gone)


def expire(asset: Asset) -> Asset:
    """Requires a draft or refused asset whose deadline has passed."""
    return move(asset, WITHDRAWN, next_actor=None, deadline=None, reason_code=DRAFT_EXPIRED)


def require_changeable(asset: Asset) -> None:
    """Raises unless the pending version may be filled and graded by its provider now."""
    _not_under_review(asset)
    require_not_withdrawn(asset)


def require_not_withdrawn(asset: Asset) -> None:
    if asset.state is WITHDRAWN:
        raise IllegalMove(state=asset.state, to=DRAFT)


def require_basis(source: SourceDeclaration, version: Version) -> None:
    """Raises if the version holds personal information and the source names no basis for it."""
    flags = version.graded.flags if version.graded else frozenset[Flag]()
    if Flag.PERSONAL in flags and not source.personal_information_basis:
        raise PersonalInformationBasisMissing(flags=sorted(flags))


class ShownState(StrEnum):
    """The states of an asset as neighbours see them: one that is registered, but disputed, is not offered."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    UNDER_NOTICE = "under_notice"
    REGISTERED = "registered"
    OBJECTED = "objected"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


def state_of(asset: Asset, version: Version) -> ShownState:
    """The asset's state as far as this version goes: registered only if this very version is, and undisputed."""
    if asset.state is not REGISTERED:
        return ShownState(asset.state)
    if version.is_registered:
        return ShownState.OBJECTED if asset.objected else ShownState.REGISTERED
    if asset.review is None or asset.review.version_id != version.id:
        return ShownState.DRAFT
    return ShownState.UNDER_NOTICE if asset.review.notice_ends_at else ShownState.SUBMITTED


def move(asset: Asset, to: State, **changes: Any) -> Asset:
    return replace(asset, state=ASSET.move(asset.state, to), revision=asset.revision + 1, **changes)


def _changed(asset: Asset, now: datetime, **changes: Any) -> Asset:
    """Changed by its provider. A refused asset is thereby a draft again, with a draft's time."""
    if asset.state is REFUSED:
        again = {"next_actor": NextActor.PROVIDER, "deadline": now + DRAFTED_WITHIN, "reason_code": None}
        return move(asset, DRAFT, **again, **changes)
    if asset.state is not DRAFT:
        raise IllegalMove(state=asset.state, to=DRAFT)
    return replace(asset, revision=asset.revision + 1, **changes)


def _not_under_review(asset: Asset) -> None:
    if asset.review is not None:
        raise UnderReview(deadline=asset.deadline)

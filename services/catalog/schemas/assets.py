"""What crosses the wire about assets: drafts, declarations, reviews, and the catalogue's entries."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import Field as Limits
from pydantic import model_validator

from services.catalog.rules import evidence, viewing
from services.catalog.rules.asset import (
    Asset,
    Description,
    Entry,
    NextActor,
    Origin,
    SourceDeclaration,
    State,
    UpdateCycle,
)
from services.catalog.rules.certificate import Certificate, Status
from services.catalog.rules.filing import Type
from services.catalog.rules.rights import Right, RightKind
from services.catalog.rules.version import GradeState, Version, VersionState
from services.catalog.rules.viewing import Viewer
from services.catalog.schemas.versions import ChosenGrade, Code, FieldView, Sentence, Sha256
from shared.grades import Flag, Grade, Visibility
from shared.ids import AssetId, CertificateId, FilingId, ParticipantId, VersionId
from shared.web import Moment, Request, View

Title = Annotated[str, Limits(min_length=1, max_length=120, pattern=r"\S")]
Prose = Annotated[str, Limits(min_length=1, max_length=2_000, pattern=r"\S")]
Theme = Annotated[str, Limits(pattern=r"^[a-z][a-z_]{0,39}$")]
Keywords = Annotated[list[Annotated[str, Limits(min_length=1, max_length=40, pattern=r"\S")]], Limits(max_length=20)]
Region = Annotated[str, Limits(min_length=1, max_length=60, pattern=r"\S")]
# From the field of industry on, each part within the one before it.
PART = r"\w[\w（）()·、& -]{0,39}"
Category = Annotated[str, Limits(max_length=160, pattern=f"^{PART}(/{PART}){{0,3}}$")]
ChosenCycle = Annotated[UpdateCycle, Limits(strict=False)]
ChosenOrigin = Annotated[Origin, Limits(strict=False)]
ChosenRight = Annotated[RightKind, Limits(strict=False)]


class NewAsset(Request):
    title: Title
    title_english: Title | None = None
    description: Prose
    theme: Theme
    keywords: Keywords = []
    region: Region | None = None
    category: Category | None = None
    update_cycle: ChosenCycle

    def about(self) -> Description:
        return Description(
            self.title, self.description, self.theme, self.update_cycle, tuple(self.keywords), self.title_english,
            self.region, self.category,
        )  # fmt: skip


class AssetChange(Request):
    """What is named is changed, what is left out stays. A default only stands for what was left out."""

    title: Title = ""
    title_english: Title | None = None
    description: Prose = ""
    theme: Theme = ""
    keywords: Keywords = []
    region: Region | None = None
    category: Category | None = None
    update_cycle: ChosenCycle = UpdateCycle.NEVER

    def onto(self, about: Description) -> Description:
        changes: dict[str, Any] = {name: getattr(self, name) for name in self.model_fields_set}
        if "keywords" in changes:
            changes["keywords"] = tuple(changes["keywords"])
        return replace(about, **changes)


class NewRight(Request):
    """One of the three rights 三权. `evidence_hash` is the SHA-256 of what proves it."""

    kind: ChosenRight
    evidence_hash: Sha256
    valid_until: Moment | None = None

    def right(self) -> Right:
        return Right(self.kind, self.evidence_hash, self.valid_until)


class NewSource(Request):
    """`personal_information_basis` is needed where the data hold personal information, `rights` before submission."""

    origin: ChosenOrigin
    description: Prose
    legal_basis: Sentence
    personal_information_basis: Sentence | None = None
    evidence_hash: Sha256 | None = None
    rights: Annotated[list[NewRight], Limits(max_length=len(RightKind))] = []

    @model_validator(mode="after")
    def _each_right_once(self) -> Self:
        if len({right.kind for right in self.rights}) < len(self.rights):
            raise ValueError("each right is declared once")
        return self

    def declaration(self) -> SourceDeclaration:
        said: dict[str, Any] = dict(self) | {"rights": tuple(right.right() for right in self.rights)}
        return SourceDeclaration(**said)


class Refusal(Request):
    reason_code: Code
    reason: Sentence


class Confirmation(Request):
    """`grade` is the computed one, which the operator thereby confirms to have seen."""

    grade: ChosenGrade
    note: Sentence


class VersionSummary(View):
    """A version in its asset's entry. `fields` only where one asset is looked at, and field names are shown.

    A registered version is to be graded again by `regrade_by`; `regrade_overdue` warns that it should have been.
    """

    id: VersionId
    number: int
    state: VersionState
    deadline: datetime | None
    reason_code: str | None
    grade: Grade | None
    grade_state: GradeState | None
    grade_revision: int
    flags: list[Flag]
    content_hash: str | None
    bytes: int | None
    rows: int | None
    media_type: str | None
    certificate_id: CertificateId | None
    regrade_by: datetime | None
    regrade_overdue: bool
    fields: list[FieldView] | None

    @classmethod
    def of(cls, version: Version, fields: tuple[evidence.Field, ...] | None) -> Self:
        graded, content = version.graded, version.content
        return cls(
            id=version.id, number=version.number, state=version.state, deadline=version.deadline,
            reason_code=version.reason_code, grade=graded and graded.grade, grade_state=graded and graded.state,
            grade_revision=graded.revision if graded else 0, flags=sorted(graded.flags) if graded else [],
            content_hash=content and content.content_hash, bytes=content and content.bytes,
            rows=content and content.rows, media_type=content and content.media_type,
            certificate_id=version.certificate_id, regrade_by=version.regrade_by,
            regrade_overdue=version.regrade_overdue,
            fields=None if fields is None else [FieldView.model_validate(field) for field in fields],
        )  # fmt: skip


class RightView(View):
    kind: RightKind
    evidence_hash: str
    valid_until: datetime | None


class SourceView(View):
    origin: Origin
    description: str
    legal_basis: str
    personal_information_basis: str | None
    evidence_hash: str | None
    rights: list[RightView]


class AssetView(View):
    """An entry as the caller may see it. With `visibility` `title`, all beyond title, theme and provider is null.

    `grade` is the highest of the registered versions that show; each version shows by its own grade.

    `source`, and versions that are not registered, are for the provider, the operators and the regulator. While it is
    `objected`, whose data these are is in dispute, and nothing of it is newly offered.
    """

    id: AssetId
    provider_id: ParticipantId
    title: str
    title_english: str | None
    theme: str
    visibility: Visibility
    description: str | None = None
    keywords: list[str] | None = None
    region: str | None = None
    category: str | None = None
    update_cycle: UpdateCycle | None = None
    state: State | None = None
    next_actor: NextActor | None = None
    deadline: datetime | None = None
    reason_code: str | None = None
    grade: Grade | None = None
    versions: list[VersionSummary] | None = None
    certificate_id: CertificateId | None = None
    rights_holder_id: ParticipantId | None = None
    objected: bool | None = None
    valid_until: datetime | None = None
    source: SourceView | None = None

    @classmethod
    def of(
        cls, entry: Entry, viewer: Viewer, fields: Mapping[VersionId, tuple[evidence.Field, ...]] | None = None
    ) -> Self:
        """Requires an entry that shows to the viewer at all. `fields` only where field names are shown."""
        asset, about = entry.asset, entry.asset.about
        title = cls(
            id=asset.id, provider_id=asset.provider_id, title=about.title, title_english=about.title_english,
            theme=about.theme, visibility=viewing.shown(entry, viewer),
        )  # fmt: skip
        if title.visibility is not Visibility.FULL:
            return title
        versions = viewing.versions_shown(entry, viewer)
        certificates = [version.certificate_id for version in versions if version.certificate_id]
        found = fields or {}
        return title.model_copy(update={
            "description": about.description, "keywords": list(about.keywords), "region": about.region,
            "category": about.category, "update_cycle": about.update_cycle,
            "grade": viewing.grade_shown(entry, viewer), "state": asset.state,
            "versions": [VersionSummary.of(version, found.get(version.id)) for version in versions],
            "certificate_id": certificates[-1] if certificates else None, "objected": asset.objected,
            "rights_holder_id": asset.rights_holder_id, "valid_until": asset.valid_until,
        } | (_inside(asset) if viewer.is_inside(entry) else {}))  # fmt: skip


def _inside(asset: Asset) -> dict[str, object]:
    """What waits for whom, and where the data come from."""
    source = SourceView.model_validate(asset.source) if asset.source else None
    return {
        "next_actor": asset.next_actor, "deadline": asset.deadline, "reason_code": asset.reason_code, "source": source,
    }  # fmt: skip


class CertificateView(View):
    """登记证书, for whoever has its id or query code. The title only where everyone may see the entry's.

    `state` is what is so now: valid, objected, superseded, expired, withdrawn or revoked. Its file is
    `certificate.json` below it, where it is `signed`.
    """

    id: CertificateId
    query_code: str
    type: Type
    state: Status
    asset_id: AssetId
    version_id: VersionId
    filing_id: FilingId | None
    rights_holder_id: ParticipantId
    title: str | None
    content_hash: str
    rights: list[RightKind]
    registered_at: datetime
    valid_until: datetime | None
    supersedes: CertificateId | None
    signed: bool

    @classmethod
    def of(cls, certificate: Certificate, asset: Asset, status: Status, signed: bool) -> Self:
        shown = viewing.shows_title(asset, certificate, viewing.ANYONE)
        return cls(
            id=certificate.id, query_code=certificate.query_code, type=certificate.type, state=status,
            asset_id=certificate.asset_id, version_id=certificate.version_id, filing_id=certificate.filing_id,
            rights_holder_id=certificate.rights_holder_id, content_hash=certificate.content_hash,
            rights=[right.kind for right in certificate.rights], registered_at=certificate.registered_at,
            valid_until=certificate.valid_until, supersedes=certificate.supersedes, signed=signed,
            title=certificate.title if shown else None,
        )  # fmt: skip


class CertificateKeyView(View):
    """A key that certificates are, or were, signed with: Ed25519, the raw key in base64."""

    key_id: str
    algorithm: str
    public_key: str
    is_current: bool


class CertificateKeys(View):
    keys: list[CertificateKeyView]

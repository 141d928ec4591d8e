"""What crosses the wire about assets: drafts, declarations, reviews, and the catalogue's entries."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import Field as Limits

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
from services.catalog.rules.registration import Certificate
from services.catalog.rules.version import GradeState, Version, VersionState
from services.catalog.rules.viewing import Viewer
from services.catalog.schemas.versions import ChosenGrade, Code, FieldView, Sentence, Sha256
from shared.grades import Flag, Grade, Visibility, visibility
from shared.ids import AssetId, CertificateId, ParticipantId, VersionId
from shared.web import Request, View

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


class NewSource(Request):
    """`personal_information_basis` is needed where the data hold personal information."""

    origin: ChosenOrigin
    description: Prose
    legal_basis: Sentence
    personal_information_basis: Sentence | None = None
    evidence_hash: Sha256 | None = None

    def declaration(self) -> SourceDeclaration:
        return SourceDeclaration(**dict(self))


class Refusal(Request):
    reason_code: Code
    reason: Sentence


class Confirmation(Request):
    """`grade` is the computed one, which the operator thereby confirms to have seen."""

    grade: ChosenGrade
    note: Sentence


class VersionSummary(View):
    """A version in its asset's entry. `fields` only where one asset is looked at, and field names are shown."""

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
            certificate_id=version.certificate_id,
            fields=None if fields is None else [FieldView.model_validate(field) for field in fields],
        )  # fmt: skip


class SourceView(View):
    origin: Origin
    description: str
    legal_basis: str
    personal_information_basis: str | None
    evidence_hash: str | None


class AssetView(View):
    """An entry as the caller may see it. With `visibility` `title`, all beyond title, theme and provider is null.

    `grade` is the highest of the registered versions that show; each version shows by its own grade.

    `source`, and versions that are not registered, are for the provider, the operators and the regulator.
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
    source: SourceView | None = None

    @classmethod
    def of(
        cls, entry: Entry, viewer: Viewer, fields: Mapping[VersionId, tuple[evidence.Field, ...]] | None = None
    ) -> Self:
        """Requires an entry that shows to the viewer at all. `fields` only where field names are shown."""
        asset, about = entry.asset, entry.asset.about
        title = cls(
            id=asset.id, provider_id=asset.provider_id, title=about.title, title_english=about.title_english,
            theme=about.theme, visibility=viewing.shown(asset, viewer),
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
            "certificate_id": certificates[-1] if certificates else None,
        } | (_inside(asset) if viewer.is_inside(asset) else {}))  # fmt: skip


def _inside(asset: Asset) -> dict[str, object]:
    """What waits for whom, and where the data come from."""
    source = SourceView.model_validate(asset.source) if asset.source else None
    return {
        "next_actor": asset.next_actor, "deadline": asset.deadline, "reason_code": asset.reason_code, "source": source,
    }  # fmt: skip


class CertificateView(View):
    """登记证书, for whoever has its id or query code. The title only where everyone may see the entry's."""

    id: CertificateId
    query_code: str
    state: str
    asset_id: AssetId
    version_id: VersionId
    rights_holder_id: ParticipantId
    title: str | None
    content_hash: str
    registered_at: datetime

    @classmethod
    def of(cls, certificate: Certificate, asset: Asset) -> Self:
        hidden = visibility(asset.grade or certificate.grade, None) is Visibility.NONE
        return cls(
            id=certificate.id, query_code=certificate.query_code, asset_id=certificate.asset_id,
            version_id=certificate.version_id, rights_holder_id=certificate.rights_holder_id,
            content_hash=certificate.content_hash, registered_at=certificate.registered_at,
            state="valid" if asset.state is State.REGISTERED else "withdrawn",
            title=None if hidden else certificate.title,
        )  # fmt: skip

"""What crosses the wire about versions: the inspector's report, the grade and its reasons, what neighbours are told."""

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import Field as Limits
from pydantic import model_validator

from services.catalog.rules import evidence
from services.catalog.rules.asset import ShownState, UpdateCycle, state_of
from services.catalog.rules.fingerprint import SKETCH_SIZE, Sketch
from services.catalog.rules.grading import Degree, Grounds, Impact, Object, Reason
from services.catalog.rules.quality import Gate
from services.catalog.rules.version import Content, GradeState, Version, VersionState
from services.catalog.rules.viewing import Known
from services.catalog.schemas.lineage import LicenceTermsView
from shared.grades import Condition, Flag, Grade
from shared.ids import AssetId, CertificateId, ParticipantId, UploadId, VersionId
from shared.kinds import Kind
from shared.web import Request, View

FIELDS_MAX = 4_000
# A body arrives as text and numbers; what is text by nature is read as the word that it is, and nothing else is.
ChosenKind = Annotated[Kind, Limits(strict=False)]
ChosenObject = Annotated[Object, Limits(strict=False)]
ChosenDegree = Annotated[Degree, Limits(strict=False)]
ChosenFlag = Annotated[Flag, Limits(strict=False)]
ChosenGrade = Annotated[Grade, Limits(strict=False)]
Sha256 = Annotated[str, Limits(pattern=r"^[0-9a-f]{64}$")]
RowHash = Annotated[str, Limits(pattern=r"^[0-9a-f]{16}$")]
BasisPoints = Annotated[int, Limits(ge=0, le=10_000)]
Count = Annotated[int, Limits(ge=0, le=2**53 - 1)]
Code = Annotated[str, Limits(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Sentence = Annotated[str, Limits(min_length=1, max_length=200, pattern=r"\S")]


class ReportedDetection(Request):
    """What the inspector takes for present, so there is at least one hit; shares of hits are rounded up.

    `decimals`, of coordinates, is the most that one of them has; without it they are taken for precise.
    """

    kind: ChosenKind
    name_hit: bool
    hit_basis_points: Annotated[BasisPoints, Limits(ge=1)]
    checksum_basis_points: BasisPoints | None = None
    sample_size: Count
    decimals: Annotated[int, Limits(ge=0, le=20)] | None = None


class ReportedField(Request):
    name: Annotated[str, Limits(max_length=1_000)]
    type: Annotated[str, Limits(min_length=1, max_length=60)]
    null_basis_points: BasisPoints
    distinct: Count
    detections: Annotated[list[ReportedDetection], Limits(max_length=len(Kind))] = []
    fit_basis_points: BasisPoints | None = None


class InspectionReport(Request):
    """What came of an upload: either what the content holds, all of it, or `refused` with the reason.

    `fingerprint`: the smallest hashes of its rows, in hex. Sent once per upload; the same report again changes nothing.
    """

    upload_id: UploadId
    refused: Code | None = None
    content_hash: Sha256 | None = None
    bytes: Count | None = None
    rows: Count | None = None
    media_type: Annotated[str, Limits(min_length=1, max_length=100)] | None = None
    fields: Annotated[list[ReportedField], Limits(max_length=FIELDS_MAX)] | None = None
    inspector_version: Annotated[str, Limits(min_length=1, max_length=40)] | None = None
    duplicate_rows: Count | None = None
    fingerprint: Annotated[list[RowHash], Limits(max_length=SKETCH_SIZE)] = []

    @model_validator(mode="after")
    def _either_taken_or_refused(self) -> Self:
        if (self.refused is None) is any(part is None for part in self._content()):
            raise ValueError("a report tells of content, all of it, or of a refusal")
        if self.refused is not None and (self.fingerprint or any(part is not None for part in self._content())):
            raise ValueError("content that was refused is not told of")
        return self

    def content(self) -> Content | None:
        """None if it was refused."""
        parts: Any = self._content()[:-1]
        return None if self.refused else Content(self.upload_id, *parts)

    def found(self) -> tuple[evidence.Field, ...]:
        return tuple(
            evidence.Field(
                field.name, field.type, field.null_basis_points, field.distinct,
                tuple(evidence.Detection(**dict(detection)) for detection in field.detections),
                field.fit_basis_points,
            )
            for field in self.fields or ()
        )  # fmt: skip

    def sketch(self) -> Sketch:
        return tuple(sorted({int(member, 16) for member in self.fingerprint}))

    def _content(self) -> tuple[object, ...]:
        return (self.content_hash, self.bytes, self.rows, self.media_type, self.inspector_version, self.fields)


class NewImpact(Request):
    object: ChosenObject
    degree: ChosenDegree
    rationale: Sentence

    def impact(self) -> Impact:
        return Impact(self.object, self.degree, self.rationale)


Impacts = Annotated[list[NewImpact], Limits(min_length=1, max_length=20)]


class GradeProposal(Request):
    """The provider's own assessment. At least one impact, even if it is of degree `none`."""

    impacts: Impacts
    flags: Annotated[list[ChosenFlag], Limits(max_length=len(Flag))] = []

    def grounds(self) -> Grounds:
        return Grounds(tuple(impact.impact() for impact in self.impacts), frozenset(self.flags))


class GradeRaise(Request):
    impacts: Impacts
    reason: Sentence


class ReasonView(View):
    """`grade` is what this reason gives by itself. What does not apply to its rule is null."""

    rule: str
    grade: Grade
    text: str
    object: Object | None
    degree: Degree | None
    rationale: str | None
    field: str | None
    kind: Kind | None
    name_hit: bool | None
    hit_basis_points: int | None
    checksum_basis_points: int | None
    with_field: str | None
    with_kind: Kind | None
    flag: Flag | None
    parent: VersionId | None
    decimals: int | None
    rows: int | None
    rows_from: int | None


class GradeView(View):
    version_id: VersionId
    grade: Grade
    flags: list[Flag]
    state: GradeState
    grade_revision: int
    rule_version: str
    reasons: list[ReasonView]

    @classmethod
    def of(cls, version: Version, reasons: tuple[Reason, ...]) -> Self:
        """Requires a graded version."""
        graded = version.graded
        assert graded
        return cls(
            version_id=version.id, grade=graded.grade, flags=sorted(graded.flags), state=graded.state,
            grade_revision=graded.revision, rule_version=graded.rule_version,
            reasons=[ReasonView.model_validate(reason) for reason in reasons],
        )  # fmt: skip


class FieldView(View):
    name: str
    type: str


class FieldKindsView(FieldView):
    """`kinds`: everything that was found in the field."""

    kinds: list[Kind]


class QualityScoreView(View):
    """What the last quality report came to; null where nothing could be assessed."""

    score_basis_points: int | None
    rule_version: str
    made_at: datetime


class VersionView(View):
    """All that a neighbouring service needs of a version. Without a grade, `grade_revision` is 0.

    `asset_state` is the asset's as far as this version goes: `registered` only if this very version is, and `objected`
    if it is, but whose data these are is in dispute: then it is neither listed nor quoted, and deals stand. `on_record`
    is what is on record for it at the moment of asking; whatever changes that raises `grade_revision` too. `licence`:
    what may be granted of it at most; null sets no limit. `quality_gates`: what keeps it from being listed;
    `quality`: what its last report says, null before there is one.
    """

    id: VersionId
    asset_id: AssetId
    provider_id: ParticipantId
    title: str
    theme: str
    asset_state: ShownState
    state: VersionState
    grade: Grade | None
    flags: list[Flag]
    grade_revision: int
    content_hash: str | None
    bytes: int | None
    rows: int | None
    media_type: str | None
    fields: list[FieldKindsView]
    certificate_id: CertificateId | None
    on_record: list[Condition] = []
    licence: LicenceTermsView | None = None
    quality_gates: list[Gate] = []
    quality: QualityScoreView | None = None
    update_cycle: UpdateCycle | None = None

    @classmethod
    def of(cls, known: Known) -> Self:
        asset, version = known.asset, known.version
        graded, content = version.graded, version.content
        return cls(
            id=version.id, asset_id=asset.id, provider_id=asset.provider_id, title=asset.about.title,
            theme=asset.about.theme, asset_state=state_of(asset, version), state=version.state,
            grade=graded and graded.grade, flags=sorted(graded.flags) if graded else [],
            grade_revision=graded.revision if graded else 0, content_hash=content and content.content_hash,
            bytes=content and content.bytes, rows=content and content.rows, media_type=content and content.media_type,
            fields=[_with_kinds(field) for field in known.fields], certificate_id=version.certificate_id,
            on_record=sorted(known.on_record), licence=known.licence and LicenceTermsView.of(known.licence),
            quality_gates=list(known.quality_gates),
            quality=known.quality and QualityScoreView.model_validate(known.quality),
            update_cycle=asset.about.update_cycle,
        )  # fmt: skip


def _with_kinds(field: evidence.Field) -> FieldKindsView:
    kinds = sorted({detection.kind for detection in field.detections})
    return FieldKindsView(name=field.name, type=field.type, kinds=kinds)

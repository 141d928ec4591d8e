"""What crosses the wire about quality: what a provider declares, and the report."""

from datetime import datetime
from typing import Annotated, Self, cast

from pydantic import Field as Limits
from pydantic import JsonValue

from services.catalog.rules.quality import Code, Declaration, Dimension, Gate, Report
from services.catalog.schemas.versions import Count
from shared import canonical
from shared.facts import plain
from shared.ids import VersionId
from shared.web import Moment, Request, View

FieldNames = Annotated[list[Annotated[str, Limits(min_length=1, max_length=1_000)]], Limits(max_length=100)]


class NewQualityDeclaration(Request):
    """What only you can say of your data. `data_as_of`: the moment up to which they tell."""

    required_fields: FieldNames = []
    key_fields: FieldNames = []
    rows_expected: Annotated[Count, Limits(ge=1)] | None = None
    data_as_of: Moment | None = None

    def declaration(self) -> Declaration:
        required, keys = (tuple(dict.fromkeys(names)) for names in (self.required_fields, self.key_fields))
        return Declaration(required, keys, self.rows_expected, self.data_as_of)


class IndicatorView(View):
    """X of GB/T 36344 in basis points, and how it is counted; null: there was nothing to count."""

    code: Code
    dimension: Dimension
    method: str
    basis_points: int | None


class ScoreView(View):
    dimension: Dimension
    basis_points: int | None


class AssessmentView(View):
    """A report as it was digested: `digest` is the SHA-256 of its canonical JSON, as `quality_assessed` tells it."""

    report: dict[str, JsonValue]
    digest: str

    @classmethod
    def of(cls, report: Report) -> Self:
        told = cast(dict[str, JsonValue], plain(report))
        return cls(report=told, digest=canonical.digest(told))


class QualityReportView(View):
    """`score_basis_points` is over what could be assessed, which is `evidence_coverage_basis_points` of all weight.

    `gates`: what no other quality makes up for; while there is one, the version cannot be listed.
    """

    version_id: VersionId
    score_basis_points: int | None
    evidence_coverage_basis_points: int
    dimensions: list[ScoreView]
    indicators: list[IndicatorView]
    gates: list[Gate]
    coefficient_basis_points: int | None
    rows: int
    sample_size: int
    rows_expected: int | None
    data_as_of: datetime | None
    rule_version: str
    made_at: datetime
    expires_at: datetime

    @classmethod
    def of(cls, version_id: VersionId, report: Report) -> Self:
        return cls(
            version_id=version_id, score_basis_points=report.score_basis_points,
            evidence_coverage_basis_points=report.evidence_coverage_basis_points,
            dimensions=[ScoreView.model_validate(score) for score in report.dimensions],
            indicators=[IndicatorView.model_validate(indicator) for indicator in report.indicators],
            gates=list(report.gates), coefficient_basis_points=report.coefficient_basis_points, rows=report.rows,
            sample_size=report.sample_size, rows_expected=report.declaration.rows_expected,
            data_as_of=report.declaration.data_as_of, rule_version=report.rule_version, made_at=report.made_at,
            expires_at=report.expires_at,
        )  # fmt: skip

"""The fact of a quality report: what it comes to, and the digest of all of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from services.catalog.events.version import VersionFact, head
from services.catalog.rules.asset import Asset
from services.catalog.rules.quality import Gate, Report
from services.catalog.rules.version import Version
from shared import canonical
from shared.facts import plain


@dataclass(frozen=True, slots=True)
class QualityAssessed(VersionFact):
    """The quality of a version was assessed, on what its inspection measured and its provider declared."""

    score_basis_points: int | None
    evidence_coverage_basis_points: int
    gates: tuple[Gate, ...]
    quality_rule_version: str
    expires_at: datetime
    report_digest: str

    @classmethod
    def of(cls, asset: Asset, version: Version, report: Report) -> Self:
        return cls(
            *head(asset, version), report.score_basis_points, report.evidence_coverage_basis_points, report.gates,
            report.rule_version, report.expires_at, canonical.digest(plain(report)),
        )  # fmt: skip

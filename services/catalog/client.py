"""How other services reach `catalog`, and the errors they may meet there."""

from services.catalog.rules.asset import UnderReview
from services.catalog.rules.quality import NoQualityReport
from services.catalog.rules.registration import DeadlinePassed
from services.catalog.rules.version import ContentAlreadyInspected, NoSuchVersion, NotTheInspector, VersionState
from services.catalog.schemas.access import ApprovedAccess
from services.catalog.schemas.lineage import LicenceTermsView
from services.catalog.schemas.quality import AssessmentView
from services.catalog.schemas.versions import (
    FieldKindsView,
    InspectionReport,
    QualityScoreView,
    ReportedDetection,
    ReportedField,
    VersionView,
)
from shared.errors import Malformed
from shared.ids import ParticipantId, VersionId
from shared.lifecycle import IllegalMove
from shared.rest import RestClient

__all__ = [
    "ApprovedAccess", "AssessmentView", "CatalogClient", "ContentAlreadyInspected", "DeadlinePassed", "FieldKindsView",
    "IllegalMove", "InspectionReport", "LicenceTermsView", "NoQualityReport", "NoSuchVersion", "NotTheInspector",
    "QualityScoreView", "ReportedDetection", "ReportedField", "UnderReview", "VersionState", "VersionView",
]  # fmt: skip


class CatalogClient(RestClient):
    errors = (
        NoSuchVersion, ContentAlreadyInspected, NotTheInspector, IllegalMove, UnderReview, DeadlinePassed,
        NoQualityReport, Malformed,
    )  # fmt: skip

    async def version(self, version_id: VersionId) -> VersionView:
        """Raises NoSuchVersion."""
        return await self.get(f"/catalog/v1/versions/{version_id}", VersionView)

    async def reviewers(self, version_id: VersionId) -> list[str]:
        """The ids of whoever graded or registered a version. Raises NoSuchVersion."""
        return await self.get(f"/catalog/v1/versions/{version_id}/reviewers", list[str])

    async def assessment(self, version_id: VersionId) -> AssessmentView:
        """The last quality report, with its digest. Raises NoQualityReport."""
        return await self.get(f"/catalog/v1/versions/{version_id}/assessment", AssessmentView)

    async def version_for(self, version_id: VersionId, recipient_id: ParticipantId) -> VersionView:
        """The version with what is on record for it towards this recipient. Raises NoSuchVersion."""
        return await self.get(f"/catalog/v1/versions/{version_id}", VersionView, recipient_id=recipient_id)

    async def access(self, version_id: VersionId, participant_id: ParticipantId) -> list[ApprovedAccess]:
        """The requests of this participant for access to the version that stand approved now. Raises NoSuchVersion."""
        path = f"/catalog/v1/versions/{version_id}/access"
        return await self.get(path, list[ApprovedAccess], participant_id=participant_id)

    async def report_inspection(self, version_id: VersionId, report: InspectionReport, key: str) -> VersionView:
        """Tell what came of an upload. Raises ContentAlreadyInspected if another upload was told of before, and
        DeadlinePassed, IllegalMove or UnderReview where no content is taken any more."""
        return await self.post(f"/catalog/v1/versions/{version_id}/inspection", report, VersionView, key=key)

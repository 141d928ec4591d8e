"""What can be asked about samples."""

from services.delivery.actions import sample as actions
from services.delivery.api.service import PREFIX, DeliveryService
from services.delivery.schemas.samples import SampleView
from shared.ids import VersionId
from shared.permission import Party
from shared.routing import Router

router = Router(prefix=PREFIX)


@router.get("/versions/{version_id}/sample")
async def sample(version_id: VersionId, party: Party, depot: DeliveryService) -> SampleView:
    """A few rows, real or desensitised as the grade and your clearance allow."""
    return await actions.sample(depot, party, version_id)

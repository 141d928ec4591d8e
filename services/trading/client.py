"""How other services reach `trading`, and the errors they may meet there."""

from services.trading.rules.entitlement import (
    EntitlementEnded,
    EntitlementSuspended,
    GradeChanged,
    NoSuchEntitlement,
    QuotaSpent,
    UseNotPermitted,
    UseOfAnother,
)
from services.trading.rules.order import DeadlinePassed
from services.trading.schemas.orders import NewUse, UseView
from shared.ids import EntitlementId, UseId
from shared.rest import OnBehalf, RestClient

__all__ = [
    "DeadlinePassed", "EntitlementEnded", "EntitlementSuspended", "GradeChanged", "NoSuchEntitlement", "QuotaSpent",
    "TradingClient", "UseNotPermitted", "UseOfAnother", "UseView",
]  # fmt: skip


class TradingClient(RestClient):
    errors = (
        NoSuchEntitlement, EntitlementSuspended, EntitlementEnded, QuotaSpent, GradeChanged, UseNotPermitted,
        UseOfAnother, DeadlinePassed,
    )  # fmt: skip

    async def use(
        self, entitlement_id: EntitlementId, use_id: UseId, grade_revision: int, acting_for: OnBehalf
    ) -> UseView:  # fmt: skip
        """Charge one use to the buyer that it acts for, once per use id. Raises what stands in `errors`."""
        path = f"/trading/v1/entitlements/{entitlement_id}/uses"
        new = NewUse(use_id=use_id, grade_revision=grade_revision)
        return await self.post(path, new, UseView, key=use_id, acting_for=acting_for)

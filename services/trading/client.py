"""How other services reach `trading`, and the errors they may meet there."""

from collections.abc import Sequence, Set

from services.trading.rules.entitlement import (
    BeyondColumns,
    EntitlementEnded,
    EntitlementNotBegun,
    EntitlementSuspended,
    GradeChanged,
    NoSuchEntitlement,
    QuotaSpent,
    UseNotPermitted,
    UseOfAnother,
)
from services.trading.rules.order import DeadlinePassed
from services.trading.schemas.orders import NewUse, UseView
from shared.grades import Condition
from shared.idempotency import StillRunning
from shared.ids import EntitlementId, UseId
from shared.rest import OnBehalf, RestClient

__all__ = [
    "DeadlinePassed", "EntitlementEnded", "EntitlementNotBegun", "EntitlementSuspended", "GradeChanged",
    "NoSuchEntitlement", "QuotaSpent", "TradingClient", "UseNotPermitted", "UseOfAnother", "UseView",
]  # fmt: skip


class TradingClient(RestClient):
    errors = (
        NoSuchEntitlement, EntitlementSuspended, EntitlementEnded, EntitlementNotBegun, QuotaSpent, GradeChanged,
        UseNotPermitted, UseOfAnother, BeyondColumns, DeadlinePassed, StillRunning,
    )  # fmt: skip

    async def use(
        self, entitlement_id: EntitlementId, use_id: UseId, grade_revision: int, acting_for: OnBehalf,
        on_record: Set[Condition] = frozenset(), columns: Sequence[str] | None = None,
    ) -> UseView:  # fmt: skip
        """Charge one use to the buyer that it acts for, once per use id. Raises what stands in `errors`.

        The key names the grade and the record too: after a new one of either, the same use is asked for anew.
        """
        path = f"/trading/v1/entitlements/{entitlement_id}/uses"
        new = NewUse(
            use_id=use_id,
            grade_revision=grade_revision,
            on_record=sorted(on_record),
            columns=None if columns is None else list(columns),
        )
        record = sum(1 << number for number, condition in enumerate(Condition) if condition in on_record)
        return await self.post(path, new, UseView, key=f"{use_id}.{grade_revision}.{record:x}", acting_for=acting_for)

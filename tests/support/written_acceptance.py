"""Good requests on acceptance, objections and credits: who sends them, what they say, what else is good."""

from typing import Any

from services.demo.shelves import ALPHA, AVIATION
from tests.support.write import HASH, HEX, YUAN

CO_OWNERS = [{"participant_id": f"participant_{digit * 32}", "basis_points": 5_000} for digit in "12"]
REASONED = {"reason": "因为"}
OBJECTION = "POST /trading/v1/orders/{order_id}/objections"
PROMISED = {
    "period_days": 30, "availability_basis_points": 9990, "cap_basis_points": 3000,
    "bands": [{"below_basis_points": 9990, "credit_basis_points": 1000}], "response_milliseconds": 500,
    "slow_credit_basis_points": 100,
}  # fmt: skip


def _listing(**clause: Any) -> dict[str, Any]:
    return {
        "version_id": f"version_{HEX}", "mode": "raw", "purposes": ["research"], "quota_uses": 1,
        "right": {
            "kind": "limited", "field": "research", "territory": "CN", "period_days": 30, "copies": 2,
            "starts_at": "2030-01-02T00:00:00Z",
        },
        "pricing": "fixed", "plan_id": f"plan_{HEX}", "mechanism": "uniform", "co_owners": None,
        "revenue_share_id": None,
        "acceptance": {
            "inspection_days": 7, "answer_days": 5, "accepting_use": 2, "cures_max": 1,
            "clauses": [{"id": "clause", "bound": None, "digest": None} | clause], "service_level": PROMISED,
        },
    }  # fmt: skip


def _objection(**observed: Any) -> dict[str, Any]:
    ground = {"code": "clause_broken", "clause_id": "rows", "observed": None, "observed_digest": None} | observed
    return {"grounds": [ground], "claim": YUAN, "reason": "因为"}


ACCEPTANCE: dict[str, tuple[Any, ...]] = {
    "POST /trading/v1/listings": (
        AVIATION, _listing(measure="rows", bound=1), (
            _listing(measure="schema", digest=HASH),
            _listing(measure="rows", bound=1) | {"co_owners": CO_OWNERS},
            _listing(measure="rows", bound=1) | {"revenue_share_id": f"revenue_share_{HEX}"},
        ),
    ),
    OBJECTION: (ALPHA, _objection(observed=1), (_objection(observed_digest=HASH),)),
    f"{OBJECTION}/{{number}}/cure": (AVIATION, REASONED),
    f"{OBJECTION}/{{number}}/concession": (AVIATION, REASONED | {"refund": YUAN}),
    f"{OBJECTION}/{{number}}/rejection": (AVIATION, REASONED),
    f"{OBJECTION}/{{number}}/acceptance": (ALPHA,),
    f"{OBJECTION}/{{number}}/refusal": (ALPHA,),
    f"{OBJECTION}/{{number}}/withdrawal": (ALPHA,),
    "POST /trading/v1/orders/{order_id}/credits":
        (ALPHA, {"period": 1, "unavailable_minutes": 1, "response_milliseconds": 1}),
    "POST /trading/v1/credits/{credit_id}/confirmation": (AVIATION,),
    "POST /trading/v1/credits/{credit_id}/contestation": (AVIATION, REASONED),
}  # fmt: skip

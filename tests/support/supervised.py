"""Of the writes of `tests.support.writes`, those about complaints, freeze orders, credit records and sanctions: the
sender, a body with every property named, and others that name what the first must leave out.
"""

from typing import Any

from services.demo.shelves import ALPHA
from tests.support.write import ANYONE, BUSINESS, HASH, HEX, SECURITY

REGULATOR = "regulator"
NAMED: dict[str, Any] = {
    "participant_id": f"participant_{HEX}", "asset_id": f"asset_{HEX}", "listing_id": f"listing_{HEX}",
    "order_id": f"order_{HEX}",
}  # fmt: skip
REASON = {"reason": "因为"}


def naming(*names: str) -> dict[str, Any]:
    return {name: told if name in names else None for name, told in NAMED.items()}


FREEZE = {
    "ground": "evidence", "legal_basis": "行政强制法第二十二条", "case_reference": "case_1",
    "expires_at": "2030-01-20T00:00:00Z",
}  # fmt: skip
COMPLAINT = {
    "kind": "black_market", "narrative": "有人在场外兜售本所挂牌数据", "contact": "无名氏", "evidence": [HASH],
}  # fmt: skip
SUPERVISED: dict[str, tuple[Any, ...]] = {
    "POST /trading/v1/complaints": (
        ANYONE, COMPLAINT | naming("listing_id"),
        tuple(COMPLAINT | naming(name) for name in NAMED if name != "listing_id"),
    ),
    "POST /trading/v1/complaints/{complaint_id}/acceptance": (BUSINESS,),
    "POST /trading/v1/complaints/{complaint_id}/rejection": (BUSINESS, {"ground": "no_facts"} | REASON),
    "POST /trading/v1/complaints/{complaint_id}/investigation": (BUSINESS,),
    "POST /trading/v1/complaints/{complaint_id}/decision":
        (BUSINESS, {"upheld": False, "respondent_id": NAMED["participant_id"]} | REASON),
    "POST /trading/v1/credit-entries/{credit_entry_id}/appeal": (ALPHA, {"evidence": [HASH]} | REASON),
    "POST /trading/v1/credit-appeals/{credit_appeal_id}/decision": (BUSINESS, {"upheld": True} | REASON),
    "POST /trading/v1/sanctions/{sanction_id}/statement": (ALPHA, {"statement": "因为"}),
    "POST /trading/v1/sanctions/{sanction_id}/imposition": (SECURITY, REASON),
    "POST /trading/v1/sanctions/{sanction_id}/dropping": (SECURITY, REASON),
    "POST /trading/v1/freezes": (REGULATOR, FREEZE | {"scope": "listing"} | naming("listing_id"), (
        FREEZE | {"scope": "asset"} | naming("asset_id"), FREEZE | {"scope": "order"} | naming("order_id"),
        FREEZE | {"scope": "wallet"} | naming("participant_id"),
    )),
    "POST /trading/v1/freezes/{freeze_id}/confirmation": (REGULATOR,),
    "POST /trading/v1/freezes/{freeze_id}/lifting": (REGULATOR, {"ground": "ground_gone"}),
    "POST /trading/v1/freezes/{freeze_id}/lifting/confirmation": (REGULATOR,),
}  # fmt: skip

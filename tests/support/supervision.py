"""Good requests for what supervisors write, as `writes.py` takes them: who may send it, and what it says."""

from typing import Any

from tests.support.write import HASH, HEX, NEIGHBOUR, SECURITY

REGULATOR, AUDITOR = "regulator", "log"

WRITES: dict[str, tuple[str, Any]] = {
    "POST /audit/v1/cases": (REGULATOR, {
        "purpose": "核查", "legal_basis": "数据安全法第四十四条", "expires_at": "2030-02-01T00:00:00Z",
        "officer_ids": [f"user_{HEX}"],
        "scope": {
            "participant_ids": [f"participant_{HEX}"], "asset_ids": [f"asset_{HEX}"],
            "contract_ids": [f"contract_{HEX}"], "since": "2029-01-01T00:00:00Z", "until": "2030-01-01T00:00:00Z",
            "highest_grade": "G4", "is_whole_log": False,
        },
    }),
    "POST /audit/v1/cases/{case_id}/approval": (REGULATOR, {"reason": "因为"}),
    "POST /audit/v1/cases/{case_id}/refusal": (REGULATOR, {"reason_code": "too_wide", "reason": "因为"}),
    "POST /audit/v1/cases/{case_id}/extension":
        (REGULATOR, {"expires_at": "2030-02-01T00:00:00Z", "reason": "因为"}),
    "POST /audit/v1/cases/{case_id}/closing": (REGULATOR, {"outcome": "violation", "finding": "属实"}),
    "POST /audit/v1/samplings": (REGULATOR, {
        "purpose": "抽查", "legal_basis": "国办发〔2015〕58号", "subject_ids": [f"participant_{HEX}"],
        "inspector_ids": [f"user_{HEX}"], "subject_count": 1, "inspectors_each": 1,
    }),
    "POST /audit/v1/disclosures": (NEIGHBOUR, {
        "fact_id": f"fact_{HEX}", "name": "login", "value": "ana", "salt": HASH, "subject": f"user_{HEX}",
        "purpose": "security",
    }),
    "POST /audit/v1/redactions": (SECURITY, {
        "subject": f"user_{HEX}", "purpose": "security", "to": "restricted",
        "legal_basis": "个人信息保护法第四十七条", "reason": "因为",
    }),
    "POST /audit/v1/redactions/{redaction_id}/approval": (AUDITOR, None),
    "POST /audit/v1/redactions/{redaction_id}/refusal": (AUDITOR, {"reason_code": "not_due", "reason": "因为"}),
}  # fmt: skip

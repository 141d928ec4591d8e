"""A good request for each write that a legal duty asks for: consents, persons' requests, incidents, vulnerabilities."""

from services.demo.shelves import AVIATION
from tests.support.write import ANYONE, HASH, SECURITY, Write, id_of

REASONED = {"reason_code": "asked_for", "reason": "因为"}
GRADING = {
    "operator_type": "other", "judged": "larger",
    "signs": {
        "outage_minutes": 1, "main_function_outage_minutes": 1, "affected": 1, "province_share_percent": 1,
        "persons": 1, "loss_minor": 1,
    },
}  # fmt: skip
DUTIES: dict[str, Write] = {
    "POST /catalog/v1/important-data/snapshots": Write(SECURITY),
    "POST /catalog/v1/versions/{version_id}/consents": Write(
        AVIATION,
        {
            "kind": "provision",
            "purpose": "research",
            "recipient_id": id_of("participant"),
            "text_version": "1",
            "text_hash": HASH,
            "valid_until": "2031-01-01T00:00:00Z",
            "persons": [{"subject": HASH, "receipt_hash": HASH}],
        },
    ),
    "POST /catalog/v1/my-consent/withdrawal": Write(ANYONE, {"receipt": HASH}),
    "POST /catalog/v1/my-consent/requests": Write(
        ANYONE, {"receipt": HASH, "kind": "access", "details": "请告知所存内容"}
    ),
    "POST /catalog/v1/personal-requests/{personal_request_id}/grant": Write(
        AVIATION, {"answer": "已处理", "answer_hash": HASH}
    ),
    "POST /catalog/v1/personal-requests/{personal_request_id}/refusal": Write(AVIATION, REASONED),
    "POST /catalog/v1/personal-requests/{personal_request_id}/operator-grant": Write(
        SECURITY, {"answer": "已处理", "answer_hash": HASH}
    ),
    "POST /catalog/v1/personal-requests/{personal_request_id}/operator-refusal": Write(SECURITY, REASONED),
    "POST /audit/v1/incidents": Write(
        SECURITY,
        {
            "kind": "data_leak",
            "summary": "导出接口异常",
            "discovered_at": "2029-12-31T23:00:00Z",
            **GRADING,
        },
    ),
    "POST /audit/v1/incidents/{incident_id}/grading": Write(SECURITY, GRADING),
    "POST /audit/v1/incidents/{incident_id}/reports": Write(
        SECURITY,
        {
            "report": "first",
            "to": "authority",
            "recipient": "省网信办",
            "channel": "电话",
            "content_hash": HASH,
            "sent_at": "2029-12-31T23:30:00Z",
            "proof_hash": HASH,
        },
    ),
    "POST /audit/v1/incidents/{incident_id}/containment": Write(SECURITY),
    "POST /audit/v1/incidents/{incident_id}/dismissal": Write(SECURITY, {"reason_code": "false_alarm"}),
    "POST /audit/v1/vulnerabilities": Write(
        SECURITY,
        {
            "component": "网关",
            "summary": "请求头解析缺陷",
            "found_at": "2029-12-31T23:00:00Z",
            "endangers_public": True,
        },
    ),
    "POST /audit/v1/vulnerabilities/{vulnerability_id}/danger": Write(SECURITY),
    "POST /audit/v1/vulnerabilities/{vulnerability_id}/report": Write(
        SECURITY, {"recipient": "公安机关", "sent_at": "2029-12-31T23:30:00Z", "proof_hash": HASH}
    ),
    "POST /audit/v1/vulnerabilities/{vulnerability_id}/mending": Write(SECURITY),
    "POST /audit/v1/vulnerabilities/{vulnerability_id}/dismissal": Write(SECURITY, {"reason_code": "no_defect"}),
}

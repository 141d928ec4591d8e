"""A good request for every write of an admission, of those who act for each other, and of an organisation's people."""

from services.demo.shelves import ALPHA, PASSWORD
from tests.support.write import ANYONE, HASH, SECURITY, YUAN, Write, id_of

DOCUMENT = {
    "kind": "undertaking", "content_hash": HASH, "issued_at": "2020-01-01T00:00:00Z",
    "valid_until": "2031-01-01T00:00:00Z",
}  # fmt: skip
SEEN = {"passed": False, "reference": "2030-17", "reason_code": "forged"}

ADMISSIONS: dict[str, Write] = {
    "POST /identity/v1/participants/{participant_id}/reinstate":
        Write(SECURITY, {"reason_code": "asked_for", "reason": "因为"}),
    "POST /identity/v1/participants/{participant_id}/documents": Write(ALPHA, DOCUMENT),
    "POST /identity/v1/participants/{participant_id}/documents/{document_id}/check":
        Write(SECURITY, {"method": "by_hand", **SEEN}),
    "POST /identity/v1/participants/{participant_id}/representative": Write(ALPHA, {"credential": "一次性凭证"}),
    "POST /identity/v1/participants/{participant_id}/representative/seen": Write(SECURITY, SEEN),
    "POST /identity/v1/invitations": Write(ALPHA, {"roles": ["buyer"], "is_administrator": False}),
    "POST /identity/v1/invitations/acceptance":
        Write(ANYONE, {"token": "0" * 43, "login": "invited@demo", "password": PASSWORD}),
    "POST /identity/v1/invitations/{invitation_id}/revoke": Write(ALPHA),
    "POST /identity/v1/users/{user_id}/administrator": Write(ALPHA, {"is_administrator": True}),
    "POST /identity/v1/users/{user_id}/enable": Write(ALPHA),
    "POST /identity/v1/delegations": Write(ALPHA, {
        "agent_id": id_of("participant"), "acts": ["place_bids"], "begins_at": "2030-01-01T00:00:00Z",
        "ends_at": "2030-02-01T00:00:00Z", "asset_ids": [id_of("asset")], "listing_ids": [id_of("listing")],
        "amount_max": YUAN,
    }),
    "POST /identity/v1/delegations/{delegation_id}/acceptance": Write(ALPHA),
    "POST /identity/v1/delegations/{delegation_id}/refusal": Write(ALPHA, {"reason_code": "busy"}),
    "POST /identity/v1/delegations/{delegation_id}/end": Write(ALPHA),
    "POST /identity/v1/assignments": Write(SECURITY, {
        "highest": "G4", "business_officer_id": id_of("user"), "security_officer_id": None, "asset_id": id_of("asset"),
        "provider_id": None, "reason": "登记审查", "ends_at": "2030-02-01T00:00:00Z",
    }),
    "POST /identity/v1/assignments/{assignment_id}/revoke": Write(SECURITY, {"reason_code": "case_over"}),
    "POST /identity/v1/sponsorships":
        Write(ALPHA, {"sponsor_id": id_of("participant"), "ends_at": "2030-02-01T00:00:00Z"}),
    "POST /identity/v1/sponsorships/{sponsorship_id}/signature":
        Write(ALPHA, {"finding": "已核对", "key_id": id_of("key"), "signature": "A" * 86 + "=="}),
    "POST /identity/v1/sponsorships/{sponsorship_id}/refusal": Write(ALPHA, {"reason_code": "busy"}),
    "POST /identity/v1/sponsorships/{sponsorship_id}/end":
        Write(ALPHA, {"reason_code": "asked_for", "reason": "因为"}),
}  # fmt: skip

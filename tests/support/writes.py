"""A good request for every write of the market: who may send it, and what it says, with every property named.

What it names need not exist: a body is judged before it is looked whether its thing is there.
"""

import base64
from typing import Any

from services.demo import data
from services.demo.shelves import ALPHA, AVIATION, PASSWORD
from tests.support import supervision
from tests.support.supervised import SUPERVISED
from tests.support.write import ANYONE, BUSINESS, CUSTODIAN, HASH, NEIGHBOUR, SECURITY, SIGNED, YUAN, Write, id_of
from tests.support.writes_of_admission import ADMISSIONS, DOCUMENT
from tests.support.writes_of_disputes import DISPUTES
from tests.support.writes_of_pairs import PAIRS
from tests.support.written_acceptance import ACCEPTANCE
from tests.support.written_duties import DUTIES

IMPACT = {"object": "economy", "degree": "ordinary", "rationale": "因为"}


THREE = [f"participant_{number:032x}" for number in (1, 2, 3)]


def _terms(**more: Any) -> dict[str, Any]:
    return {
        "kind": "one_off", "price": YUAN, "discounts": [{"description": "首单", "basis_points": 100}],
        "valid_from": "2030-01-02T00:00:00Z", "valid_until": "2030-02-01T00:00:00Z", "period_days": 30,
        "tiers": [{"up_to": 100, "unit_price": YUAN}], "tiering": "graduated",
        "parts": [{"version_id": id_of("version"), "mode": "raw"}], "fidelity": "raw", "freshness": "live",
        "column_groups": [{"name": "组", "columns": ["列"]}],
        "atoms": [{"row_block": "块", "column_group": "组", "weight_minor": 1}],
        "tax": {"category": "general", "inclusive": True},
    } | more  # fmt: skip


def _shared(**method: Any) -> dict[str, Any]:
    return {
        "price": YUAN, "parties": [id_of("participant")], "fees": [{"description": "服务费", "amount": YUAN}],
        "coverage": None, "worths": None,
    } | method  # fmt: skip


def _valued(**approach: Any) -> dict[str, Any]:
    return {
        "version_id": id_of("version"), "rationale": "因为", "spread_basis_points": 1000,
        "maturity": {"level": 3, "evidence_hash": HASH}, "cost": None, "income": None, "market": None,
    } | approach  # fmt: skip


def _earned(kind: str, **told: Any) -> dict[str, Any]:
    year = {"earned": YUAN, "share_basis_points": None, "others": None, "earned_without": None} | told
    return {"kind": kind, "basis": "profit", "discount_rate_basis_points": 100, "years": [year]}


ABOUT = {
    "title": "机场", "title_english": "Airports", "description": "机场数据", "theme": "transport",
    "keywords": ["机场"], "region": "全国", "category": "交通运输/航空", "update_cycle": "monthly",
}  # fmt: skip
DETECTION = {
    "kind": "resident_id", "name_hit": True, "hit_basis_points": 9000, "checksum_basis_points": 9000,
    "sample_size": 100, "decimals": 4,
}  # fmt: skip
FIELD = {
    "name": "列", "type": "text", "null_basis_points": 0, "distinct": 1, "detections": [DETECTION],
    "fit_basis_points": 9000,
}  # fmt: skip
RIGHT = {"kind": "holding", "evidence_hash": HASH, "valid_until": "2031-01-01T00:00:00Z"}
REASONED = {"reason_code": "asked_for", "reason": "因为"}
ADMISSION = Write(SECURITY, {"clearance": "C2", "reason": "已核验"})
ASKED_RIGHT = {"kind": "unlimited", "field": "research", "territory": "CN", "period_days": 30}
SCORING = {
    "award_by": "second_score", "by_band": [{"attribute": "rows", "bands": [{"from_value": 0, "points_minor": 5}]}],
    "per_unit": [{"attribute": "quality", "minor_per_unit": 1, "counts_from": 0, "counts_to": 9}],
    "requirements": [{"attribute": "freshness_days", "at_least": 0, "at_most": 30}], "reserve_score_minor": 0,
    "few_offers": "fails",
}  # fmt: skip

WRITES: dict[str, Write] = DISPUTES | DUTIES | PAIRS | {
    **{name: Write(*sample) for name, sample in SUPERVISED.items()},
    "POST /identity/v1/applications": Write(ANYONE, {
        "name": "新来者有限公司", "uscc": data.credit_code(7), "roles": ["buyer"], "contact": "王",
        "classes": ["party"], "documents": [DOCUMENT],
        "administrator": {"login": "new@demo", "password": PASSWORD},
    }),
    "POST /identity/v1/participants/{participant_id}/admit": ADMISSION,
    "POST /identity/v1/participants/{participant_id}/clearance": ADMISSION,
    "POST /identity/v1/participants/{participant_id}/affiliations":
        Write(SECURITY, {"affiliate_id": id_of("participant")}),
    "POST /identity/v1/participants/{participant_id}/{decision}": Write(SECURITY, REASONED),
    **ADMISSIONS,
    "POST /identity/v1/users": Write(ALPHA, {"login": "second@demo", "password": PASSWORD, "roles": ["buyer"]}),
    "POST /identity/v1/users/{user_id}/disable": Write(ALPHA),
    "POST /identity/v1/clients": Write(ALPHA, {"name": "程序", "roles": ["buyer"]}),
    "POST /identity/v1/clients/{client_id}/disable": Write(ALPHA),
    "POST /identity/v1/clients/{client_id}/keys": Write(ALPHA, {
        "jwk": {
            "kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        },
    }),
    "POST /identity/v1/clients/{client_id}/keys/{client_key_id}/revoke": Write(ALPHA),
    "POST /identity/v1/users/{user_id}/second-factor/reset": Write(ALPHA),
    "POST /identity/v1/me/second-factor": Write(ALPHA, {"password": PASSWORD, "code": "123456"}),
    "POST /identity/v1/me/second-factor/confirm": Write(ALPHA, {"code": "123456"}),
    "POST /identity/v1/me/password":
        Write(ALPHA, {"old_password": PASSWORD, "new_password": f"{PASSWORD}, again", "code": "123456"}),
    "POST /identity/v1/me/sessions/{family_id}/end": Write(ALPHA),
    "POST /identity/v1/signing-keys":
        Write(ALPHA, {"algorithm": "ed25519", "public_key": base64.b64encode(b"\x01" * 32).decode()}),
    "POST /identity/v1/signing-keys/{key_id}/revoke": Write(ALPHA),
    "POST /identity/v1/token": Write(ANYONE),
    "POST /identity/v1/token/revoke": Write(ANYONE),
    "POST /catalog/v1/assets": Write(AVIATION, ABOUT),
    "PATCH /catalog/v1/assets/{asset_id}": Write(AVIATION, ABOUT),
    "POST /catalog/v1/assets/{asset_id}/versions": Write(AVIATION),
    "POST /catalog/v1/assets/{asset_id}/source-declaration": Write(AVIATION, {
        "origin": "own_production", "description": "自有", "legal_basis": "持有权",
        "personal_information_basis": "无", "evidence_hash": HASH, "rights": [RIGHT],
    }),
    "POST /catalog/v1/assets/{asset_id}/filings/licence": Write(AVIATION, {
        "licensee_id": id_of("participant"), "scope": "科研", "valid_until": "2031-01-01T00:00:00Z",
    }),
    "POST /catalog/v1/assets/{asset_id}/filings/transfer": Write(AVIATION, {"new_holder_id": id_of("participant")}),
    "POST /catalog/v1/assets/{asset_id}/filings/change": Write(AVIATION, {"about": ABOUT, "rights": [RIGHT]}),
    "POST /catalog/v1/assets/{asset_id}/filings/renewal": Write(AVIATION),
    "POST /catalog/v1/assets/{asset_id}/filings/revocation": Write(BUSINESS, REASONED),
    "POST /catalog/v1/filings/{filing_id}/consent": Write(ALPHA),
    "POST /catalog/v1/filings/{filing_id}/decline": Write(ALPHA, {"reason": "因为"}),
    "POST /catalog/v1/filings/{filing_id}/withdraw": Write(AVIATION),
    "POST /catalog/v1/filings/{filing_id}/agree": Write(BUSINESS, {"note": "已复核"}),
    "POST /catalog/v1/filings/{filing_id}/refuse": Write(BUSINESS, REASONED),
    "POST /catalog/v1/assets/{asset_id}/objections":
        Write(ALPHA, {"ground": "ownership", "statement": "归我方所有", "evidence_hash": HASH}),
    "POST /catalog/v1/objections/{objection_id}/withdraw": Write(ALPHA),
    "POST /catalog/v1/objections/{objection_id}/dismiss": Write(BUSINESS, REASONED),
    "POST /catalog/v1/objections/{objection_id}/uphold": Write(BUSINESS, {"reason": "因为"}),
    "POST /catalog/v1/assets/{asset_id}/submit": Write(AVIATION),
    "POST /catalog/v1/assets/{asset_id}/withdraw": Write(AVIATION),
    "POST /catalog/v1/assets/{asset_id}/register": Write(BUSINESS, {"grade": "G2", "note": "已复核"}),
    "POST /catalog/v1/assets/{asset_id}/refuse": Write(BUSINESS, REASONED),
    "POST /catalog/v1/versions/{version_id}/inspection": Write(NEIGHBOUR, {
        "upload_id": id_of("upload"), "refused": None, "content_hash": HASH, "bytes": 1, "rows": 1,
        "media_type": "text/csv", "fields": [FIELD], "inspector_version": "1", "duplicate_rows": 0,
        "fingerprint": ["0" * 16],
    }),
    "POST /catalog/v1/versions/{version_id}/grade-proposals":
        Write(AVIATION, {"impacts": [IMPACT], "flags": ["personal"]}),
    "POST /catalog/v1/versions/{version_id}/raise-grade": Write(BUSINESS, {"impacts": [IMPACT], "reason": "因为"}),
    "POST /catalog/v1/versions/{version_id}/quality-declaration": Write(AVIATION, {
        "required_fields": ["列"], "key_fields": ["列"], "rows_expected": 1, "data_as_of": "2030-01-01T00:00:00Z",
    }),
    "POST /catalog/v1/versions/{version_id}/lineage":
        Write(AVIATION, {"parents": [{"version_id": id_of("version"), "processing": "fused"}]}),
    "POST /catalog/v1/versions/{version_id}/licence-terms": Write(AVIATION, {
        "purposes": ["research"], "fields": ["research"], "territories": ["CN"], "period_days_max": 30,
        "redistributable": False, "derivable": True,
    }),
    "POST /catalog/v1/access-requests": Write(ALPHA, {
        "version_id": id_of("version"), "mode": "raw", "purpose": "research", "days": 30, "reason": "因为",
        "renews": id_of("access_request"),
    }),
    "POST /catalog/v1/access-requests/{access_request_id}/approval": Write(AVIATION, {"reason": "因为"}),
    "POST /catalog/v1/access-requests/{access_request_id}/refusal": Write(AVIATION, REASONED),
    "POST /catalog/v1/access-requests/{access_request_id}/second-approval": Write(BUSINESS, {"reason": "因为"}),
    "POST /catalog/v1/access-requests/{access_request_id}/second-refusal": Write(BUSINESS, REASONED),
    "POST /catalog/v1/access-requests/{access_request_id}/withdrawal": Write(ALPHA),
    "POST /catalog/v1/access-requests/{access_request_id}/revocation": Write(AVIATION, REASONED),
    "POST /catalog/v1/assets/{asset_id}/consents": Write(AVIATION, {
        "kind": "separate_consent", "version_id": id_of("version"), "scope": "向受让方提供", "persons": 1,
        "evidence_hash": HASH, "valid_until": "2030-12-01T00:00:00Z",
    }),
    "POST /catalog/v1/assets/{asset_id}/assessments": Write(AVIATION, {
        "kind": "other_basis", "version_id": id_of("version"), "assessed_at": "2029-12-01T00:00:00Z",
        "conclusion": "passed", "summary": "风险可控", "evidence_hash": HASH, "valid_until": "2030-12-01T00:00:00Z",
        "basis": "contract",
    }),
    "POST /catalog/v1/records/{record_id}/withdraw": Write(AVIATION, {"reason_code": "persons_withdrew"}),
    "POST /catalog/v1/versions/{version_id}/lowerings": Write(AVIATION, {
        "impacts": [{"object": "economy", "degree": "ordinary"}],
        "findings": [{"field": "列", "kind": "resident_id"}], "flags": ["personal"], "rationale": "误判",
        "evidence_hash": HASH,
    }),
    "POST /catalog/v1/versions/{version_id}/risk-assessments": Write(AVIATION, {
        "lawfulness_and_necessity": "合法", "risk_of_leaks_and_misuse": "低", "integrity_of_recipient": "良好",
        "binding_force_of_contract": "充分", "technical_measures": "加密", "other": "无", "conclusion": "passed",
        "assessor": "评估机构", "rationale": "提供前评估", "evidence_hash": HASH,
    }),
    "POST /catalog/v1/versions/{version_id}/authority-filings": Write(AVIATION, {
        "basis": "declared", "authority": "省级网信部门", "number": "2029-1", "filed_at": "2029-12-01T00:00:00Z",
    }),
    "POST /catalog/v1/petitions/{petition_id}/agree": Write(BUSINESS, {"note": "已复核"}),
    "POST /catalog/v1/petitions/{petition_id}/refuse": Write(BUSINESS, REASONED),
    "POST /catalog/v1/petitions/{petition_id}/withdraw": Write(AVIATION),
    "POST /catalog/v1/versions/{version_id}/regradings":
        Write(AVIATION, {"trigger": "volume", "note": "数据量翻倍"}),
    "POST /catalog/v1/regradings/{regrading_id}/assess":
        Write(AVIATION, {"impacts": [IMPACT], "flags": ["personal"]}),
    "POST /catalog/v1/regradings/{regrading_id}/confirm": Write(BUSINESS, {"reason": "因为"}),
    "POST /delivery/v1/versions/{version_id}/desensitisation-plan": Write(AVIATION, {
        "masks": [{"field": "列", "mask": "hide"}], "quasi_identifiers": ["列"], "sensitive_fields": ["列"],
    }),
    "POST /delivery/v1/uploads": Write(AVIATION, {
        "version_id": id_of("version"), "media_type": "text/csv", "bytes": 1, "content_hash": HASH,
        "file_name": "a.csv",
    }),
    "PUT /delivery/v1/uploads/{upload_id}/content": Write(AVIATION),
    "POST /delivery/v1/entitlements/{entitlement_id}/export-clearances": Write(SECURITY, {
        "persons": 1, "sensitive_persons": 1, "ground": "emergency", "instrument": "certification",
        "number": "N-1", "covers_persons": 1, "valid_until": "2030-01-02T00:00:00Z", "reason": "已核验",
    }),
    "POST /delivery/v1/entitlements/{entitlement_id}/rows": Write(ALPHA, {
        "fields": ["列"], "where": [{"field": "列", "op": "eq", "values": ["1"]}], "limit": 1,
        "cursor": f"1.{'0' * 16}", "purpose": "research",
    }),
    "POST /delivery/v1/entitlements/{entitlement_id}/queries": Write(ALPHA, {"sql": "SELECT count(*) FROM data"}),
    "POST /delivery/v1/versions/{version_id}/cubes": Write(AVIATION, {
        "contributor": "人", "dimensions": [{"column": "区", "generalisation": "bands", "starts": [1], "length": 0}],
        "measures": [{"column": "额", "low": 0, "high": 100, "decimals": 0}], "groupings": [["区"]],
        "rows_per_contributor_max": 1, "epsilon_micro": 500_000,
    }),
    "POST /delivery/v1/cubes/{cube_id}/approve": Write(BUSINESS, {"reason": "已核验"}),
    "POST /delivery/v1/cubes/{cube_id}/refuse": Write(BUSINESS, {"reason": "因为"}),
    "POST /delivery/v1/result-reviews/{result_review_id}/release": Write(BUSINESS, {"reason": "因为"}),
    "POST /delivery/v1/result-reviews/{result_review_id}/withhold": Write(BUSINESS, {"reason": "因为"}),
    "POST /delivery/v1/entitlements/{entitlement_id}/cube-queries": Write(ALPHA, {
        "grouping": ["区"], "measures": [{"function": "sum", "column": "额", "percent": None}],
        "filters": [{"column": "区", "values": ["<1"]}], "purpose": "research",
    }),
    "POST /pricing/v1/plans": Write(AVIATION, _terms(version_id=id_of("version"), mode="raw")),
    "POST /pricing/v1/plans/{plan_id}/revisions": Write(AVIATION, _terms()),
    "POST /pricing/v1/price-caps": Write(AVIATION, {
        "version_id": id_of("version"), "cap": YUAN, "reference": "备案〔2030〕1号", "authority": "发展和改革委员会",
        "valid_from": "2030-01-02T00:00:00Z", "valid_until": "2031-01-01T00:00:00Z",
    }),
    "POST /pricing/v1/quotes": Write(ALPHA, {
        "plan_id": id_of("plan"), "quantity": 1, "metered": False, "periods": 1, "days": 1, "columns": ["列"],
        "row_blocks": ["块"],
    }),
    "POST /pricing/v1/quotes/{quote_id}/renew": Write(ALPHA),
    "POST /pricing/v1/revenue-shares":
        Write(AVIATION, _shared(coverage=[{"weight": 1, "holders": [0]}]), (_shared(worths=[0, 1]),)),
    "POST /pricing/v1/valuations": Write(
        AVIATION,
        _valued(market={
            "mode": "raw", "exclusive": False, "supply_demand_basis_points": 10_000, "volume_basis_points": 10_000,
            "other_basis_points": 10_000,
        }),
        (
            _valued(cost={
                "costs": [{"kind": "direct", "amount": YUAN}], "return_basis_points": 0,
                "circulation_basis_points": 10_000, "scarcity_basis_points": 0, "realisation_basis_points": 10_000,
            }),
            _valued(income=_earned("share", share_basis_points=100)),
            _valued(income=_earned("excess", others=YUAN)),
            _valued(income=_earned("incremental", earned_without=YUAN)),
        ),
    ),
    "POST /pricing/v1/cost-sheets": Write(AVIATION, {
        "version_id": id_of("version"), "holding": "intangible_developed", "conditions": ["controlled"],
        "lines": [{
            "kind": "cleaning", "description": "清洗", "amount": YUAN, "is_attributable": True, "stage": "research",
            "evidence_hash": HASH,
        }],
        "narrative": {
            "use": "风控", "source": "自有", "scale": "小", "ownership": "自有", "processing": "清洗",
            "restrictions": "无", "loss_of_right": "无", "useful_life": "三年",
        },
    }),
    "POST /trading/v1/listings/{listing_id}/suspend": Write(AVIATION),
    "POST /trading/v1/listings/{listing_id}/resume": Write(AVIATION),
    "POST /trading/v1/listings/{listing_id}/delist": Write(AVIATION),
    "POST /trading/v1/auctions": Write(AVIATION, {
        "listing_id": id_of("listing"), "start_price": YUAN, "reserve_price": YUAN, "deposit": YUAN,
        "increments": [{"from_minor": 0, "step_minor": 10, "step_basis_points": 100}],
        "opens_at": "2030-01-02T00:00:00Z", "closes_at": "2030-01-09T00:00:00Z",
        "reveal_closes_at": "2030-01-10T00:00:00Z",
        "schedule": {"decrement": YUAN, "interval_seconds": 3600, "floor_price": YUAN}, "reserve_is_open": True,
        "soft_close": {
            "window_seconds": 600, "extension_seconds": 600, "extensions_max": 3,
            "hard_closes_at": "2030-01-09T01:00:00Z",
        },
        "priority_buyers": [id_of("participant")], "buy_now_price": YUAN, "keeps_second": True,
        "reoffer_of": id_of("auction"),
    }),
    "POST /trading/v1/auctions/{auction_id}/registrations": Write(ALPHA),
    "POST /trading/v1/auctions/{auction_id}/bids": Write(ALPHA, {"maximum": YUAN}),
    "POST /trading/v1/auctions/{auction_id}/acceptances": Write(ALPHA, {"maximum": YUAN}),
    "POST /trading/v1/auctions/{auction_id}/sealed-bids": Write(ALPHA, {"commitment": HASH}),
    "POST /trading/v1/auctions/{auction_id}/reveals": Write(ALPHA, {"amount": YUAN, "nonce": HASH}),
    "POST /trading/v1/auctions/{auction_id}/cancel": Write(AVIATION),
    "POST /trading/v1/auctions/{auction_id}/buy-now": Write(ALPHA),
    "POST /trading/v1/auctions/{auction_id}/second-award/acceptance": Write(ALPHA),
    "POST /trading/v1/auctions/{auction_id}/second-award/refusal": Write(ALPHA),
    "POST /trading/v1/auctions/{auction_id}/cancellation": Write(BUSINESS, {"ground": "collusion"}),
    "POST /trading/v1/auctions/{auction_id}/cancellation/confirmation": Write(BUSINESS, {"ground": "collusion"}),
    "POST /trading/v1/needs": Write(ALPHA, {
        "title": "机场", "description": "全国机场", "purpose": "research", "mode": "raw", "grade_ceiling": "G3",
        "fields": ["经度"], "themes": ["transport"], "territory": "CN", "rows_min": 1, "update_days_max": 31,
        "budget": YUAN, "budget_is_open": True, "valid_until": "2030-02-01T00:00:00Z",
    }),
    "POST /trading/v1/needs/{need_id}/inquiry": Write(ALPHA, {
        "right": ASKED_RIGHT, "quota_uses": 1, "scoring": SCORING, "offers_until": "2030-02-01T00:00:00Z",
        "invited_max": 3,
    }),
    "POST /trading/v1/needs/{need_id}/close": Write(ALPHA),
    "POST /trading/v1/inquiries": Write(ALPHA, {
        "title": "机场", "description": "全国机场", "purpose": "research", "mode": "raw", "grade_ceiling": "G3",
        "right": ASKED_RIGHT, "quota_uses": 1, "scoring": SCORING, "budget": YUAN, "budget_is_open": True,
        "offers_until": "2030-02-01T00:00:00Z", "invited": THREE,
    }),
    "POST /trading/v1/inquiries/{inquiry_id}/offers": Write(AVIATION, {"commitment": HASH}),
    "POST /trading/v1/inquiries/{inquiry_id}/openings": Write(AVIATION, {
        "listing_id": id_of("listing"), "price": YUAN, "answers": [{"attribute": "quality", "value": 1}], "salt": HASH,
    }),
    "POST /trading/v1/inquiries/{inquiry_id}/cancel": Write(ALPHA),
    "POST /trading/v1/call-auctions": Write(BUSINESS, {
        "listing_ids": [id_of("listing")], "reference": YUAN, "closes_at": "2030-01-03T00:00:00Z",
    }),
    "POST /trading/v1/call-auctions/{call_auction_id}/bids": Write(ALPHA, {"limit": YUAN, "quantity": 1}),
    "POST /trading/v1/call-auctions/{call_auction_id}/asks":
        Write(AVIATION, {"listing_id": id_of("listing"), "limit": YUAN, "quantity": 1}),
    "POST /trading/v1/call-auctions/{call_auction_id}/cancel": Write(BUSINESS, {"reason": "因为"}),
    "POST /trading/v1/orders": Write(ALPHA, {
        "listing_id": id_of("listing"), "quote_id": id_of("quote"), "quote_version": 1, "total": YUAN,
    }),
    "POST /trading/v1/orders/{order_id}/payment": Write(ALPHA),
    "POST /trading/v1/orders/{order_id}/refunds": Write(AVIATION, {"amount": YUAN, "reason": "因为"}),
    "POST /trading/v1/orders/{order_id}/sale-tax": Write(AVIATION, {"category": "general"}),
    "POST /trading/v1/orders/{order_id}/acceptance": Write(ALPHA),
    "POST /trading/v1/orders/{order_id}/meter/closing": Write(ALPHA),
    "POST /trading/v1/contracts/{contract_id}/signatures": Write(ALPHA, SIGNED),
    "POST /trading/v1/contracts/{contract_id}/signatures/in-person": Write(ALPHA, {"terms_hash": "ab" * 32}),
    "POST /trading/v1/contracts/{contract_id}/amendments": Write(ALPHA, {
        "purposes": ["research"], "quota_uses": 1, "period_days": 30, "acceptance_days": 7,
    }),
    "POST /trading/v1/contracts/{contract_id}/refusal":
        Write(ALPHA, {"reason_code": "terms_not_agreed", "reason": "因为"}),
    "POST /trading/v1/contracts/{contract_id}/terminations":
        Write(ALPHA, {"reason_code": "breach", "reason": "因为"}),
    "POST /trading/v1/contracts/{contract_id}/terminations/{termination_id}/agreement":
        Write(ALPHA, {"reason_code": "breach", "reason": "因为"}),
    "POST /trading/v1/contracts/{contract_id}/terminations/{termination_id}/contest":
        Write(ALPHA, {"reason_code": "still_needed", "reason": "因为"}),
    "POST /trading/v1/contracts/{contract_id}/renewals":
        Write(ALPHA, {"quote_id": id_of("quote"), "quote_version": 1, "total": YUAN}),
    "POST /trading/v1/entitlements/{entitlement_id}/uses":
        Write(NEIGHBOUR, {
            "use_id": id_of("use"), "grade_revision": 1, "on_record": ["effect_report"], "columns": ["列"],
        }),
    "POST /trading/v1/wallet/pay-ins": Write(ALPHA, {"amount": YUAN}),
    "POST /trading/v1/wallet/payouts": Write(ALPHA, {"amount": YUAN}),
    "POST /trading/v1/wallet/payout-proposals": Write(ALPHA, {"amount": YUAN}),
    "POST /trading/v1/wallet/payout-proposals/{payout_proposal_id}/approval": Write(ALPHA),
    "POST /trading/v1/wallet/payout-proposals/{payout_proposal_id}/refusal": Write(ALPHA),
    "POST /trading/v1/instructions/{instruction_id}/resume": Write(BUSINESS, {"reason": "因为"}),
    "POST /trading/v1/custodian/callbacks": Write(CUSTODIAN, {
        "event_id": "event-1", "instruction_id": id_of("instruction"), "state": "confirmed", "amount": YUAN,
        "payer": id_of("participant"), "reason_code": "none",
        "parts": [{"payee": id_of("participant"), "amount": YUAN}],
    }),
    "POST /audit/v1/batches":
        Write(NEIGHBOUR, {"service": "delivery", "stripe": 0, "first_seq": 1, "prev": HASH, "events": ["{}"]}),
} | {route: Write(*said) for route, said in ACCEPTANCE.items()}  # fmt: skip
WRITES.update({name: Write(*told) for name, told in supervision.WRITES.items()})
STREAMS = {"PUT /delivery/v1/uploads/{upload_id}/content"}
FORMS = {"POST /identity/v1/token", "POST /identity/v1/token/revoke"}
# What is the same when it comes twice needs no key: it has one of its own.
KEYLESS = STREAMS | FORMS | {
    "POST /identity/v1/applications", "POST /identity/v1/invitations/acceptance", "PATCH /catalog/v1/assets/{asset_id}",
    "POST /trading/v1/custodian/callbacks",
    "POST /audit/v1/batches", "POST /audit/v1/disclosures",
}  # fmt: skip
# Where no text is text too: a column without a name, a value that is compared, a payer compared with one we know.
EMPTY_IS_SAID = {
    ("POST /catalog/v1/versions/{version_id}/inspection", ".fields[0].name"),
    ("POST /catalog/v1/versions/{version_id}/lowerings", ".findings[0].field"),
    ("POST /delivery/v1/entitlements/{entitlement_id}/rows", ".where[0].values[0]"),
    ("POST /trading/v1/custodian/callbacks", ".payer"),
    ("POST /trading/v1/custodian/callbacks", ".parts[0].payee"),
}
# Where a number below nothing is one like any other: the edges of bands, and the bounds of a measure.
BELOW_ZERO_IS_SAID = {
    ("POST /delivery/v1/versions/{version_id}/cubes", f".{place}")
    for place in ("dimensions[0].starts[0]", "measures[0].low", "measures[0].high")
} | {("POST /pricing/v1/revenue-shares", ".worths[0]")}  # what parties do to each other may cost them

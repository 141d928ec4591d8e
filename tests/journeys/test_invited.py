"""Important data (G5) from their registration to a result that somebody has reviewed, and whom nothing is told of."""

import re
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from services.demo import data, shelves
from services.demo.people import Person, refusal
from services.demo.shelves import ALPHA, AVIATION, GAMMA, NAMES, PASSWORD
from tests.catalog.test_important_data import ANSWERS, FILING
from tests.delivery.test_cubes import COUNT, DECLARED, table
from tests.support.clock import ToldClock
from tests.support.whole import WholeMarket, whole_market

CONTENT = table(factor=2)
PRICE = {"minor": 10_000, "currency": "CNY"}
IMPACT = {"object": "economy", "degree": "serious", "rationale": "汇聚后可反映经济运行"}
CORE = {"object": "economy", "degree": "extreme", "rationale": "新的汇聚可危害经济运行"}
REASON = {"reason": "已复核"}
OFFICERS = (("business", "security2"), ("business2", "security2"))
BUYERS = (ALPHA, GAMMA)


async def admit(market: WholeMarket, who: str, clearance: str) -> None:
    name, roles, _ = NAMES[who]
    person = market.people[who] = Person(name, market.client)
    application = {
        "name": name, "uscc": data.credit_code(list(NAMES).index(who)), "roles": roles,
        "documents": await shelves.documents_for(person, clearance),
        "administrator": {"login": f"{who}@demo", "password": PASSWORD},
    }  # fmt: skip
    person.participant_id = (await person.post("/identity/v1/applications", application))["id"]
    path = f"/identity/v1/participants/{person.participant_id}"
    await shelves.check_documents(market.people["security"], path)
    for operator in ("security", "security2") if clearance == "C5" else ("security",):
        await market.people[operator].post(f"{path}/admit", {"clearance": clearance, "reason": "已核验"})
    await person.log_in(f"{who}@demo", PASSWORD)


async def registered(market: WholeMarket) -> str:
    """The id of a version that was assessed, filed with the authority, and registered by two."""
    provider = market.people[AVIATION]
    about = {"title": "消费汇总", "description": "分区域的消费", "theme": "commerce", "update_cycle": "never"}
    asset = await provider.post("/catalog/v1/assets", about)
    asset_id, version_id = asset["id"], asset["versions"][0]["id"]
    upload = await provider.post("/delivery/v1/uploads", {
        "version_id": version_id, "media_type": "text/csv", "bytes": len(CONTENT),
        "content_hash": sha256(CONTENT).hexdigest(),
    })  # fmt: skip
    await provider.put(f"/delivery/v1/uploads/{upload['id']}/content", CONTENT, "text/csv")
    await market.settle()
    version = f"/catalog/v1/versions/{version_id}"
    graded = await provider.post(f"{version}/grade-proposals", {"impacts": [IMPACT], "flags": []})
    assert graded["grade"] == "G5"
    await named(market, asset_id)
    petition = await provider.post(f"{version}/risk-assessments", ANSWERS)
    for business, _ in OFFICERS:
        await market.people[business].post(f"/catalog/v1/petitions/{petition['id']}/agree", {"note": "六项已核"})
    await provider.post(f"{version}/authority-filings", FILING)
    await provider.post(f"/catalog/v1/assets/{asset_id}/source-declaration", {
        "origin": "own_production", "description": "自有采集与整理", "legal_basis": "数据二十条：持有权与经营权",
        "rights": [{"kind": "holding", "evidence_hash": "ab" * 32}],
    })  # fmt: skip
    await provider.post(f"/catalog/v1/assets/{asset_id}/submit")
    for business, _ in OFFICERS:
        review = {"grade": "G5", "note": "已复核"}
        asset = await market.people[business].post(f"/catalog/v1/assets/{asset_id}/register", review)
    assert asset["state"] == "registered"
    await market.settle()
    return version_id


async def named(market: WholeMarket, asset_id: str) -> None:
    """Two pairs of officers answer for the entry."""
    ends_at = (market.clock.now() + timedelta(days=80)).isoformat()
    for business, security in OFFICERS:
        ids = [(await market.people[who].get("/identity/v1/me"))["subject"] for who in (business, security)]
        await market.people["security"].post("/identity/v1/assignments", {
            "highest": "G5", "business_officer_id": ids[0], "security_officer_id": ids[1], "asset_id": asset_id,
            "reason": "复核", "ends_at": ends_at,
        })  # fmt: skip
    await market.settle()


async def approved(market: WholeMarket, who: str, version_id: str) -> str:
    """The id of a request for access that both levels have approved."""
    form = {"version_id": version_id, "mode": "compute", "purpose": "research", "days": 30, "reason": "用于研究"}
    asked = await market.people[who].post("/catalog/v1/access-requests", form)
    path = f"/catalog/v1/access-requests/{asked['id']}"
    await market.people[AVIATION].post(f"{path}/approval", REASON)
    await market.people["business"].post(f"{path}/second-approval", REASON)
    return asked["id"]


async def listed(market: WholeMarket, version_id: str) -> tuple[str, str]:
    """The ids of a plan and of a listing to compute."""
    provider = market.people[AVIATION]
    plan = await provider.post("/pricing/v1/plans", {
        "version_id": version_id, "mode": "compute", "kind": "one_off", "price": PRICE, "discounts": [],
    })  # fmt: skip
    listing = await provider.post("/trading/v1/listings", {
        "version_id": version_id, "mode": "compute", "pricing": "fixed", "quota_uses": 2, "purposes": ["research"],
        "right": {"kind": "unlimited", "field": "research", "territory": "CN", "period_days": 180},
        "plan_id": plan["id"],
    })  # fmt: skip
    return plan["id"], listing["id"]


async def told_nothing(market: WholeMarket, who: str, plan_id: str, listing_id: str) -> bool:
    """Whether what is there answers just as what is not, in one and in all, and cannot be quoted."""
    person = market.people[who]
    paths = ("/pricing/v1/plans/{}", plan_id), ("/trading/v1/listings/{}", listing_id)
    for path, there in paths:
        absent = re.sub("[0-9a-f]{32}$", "0" * 32, there)
        seen, unseen = [
            await market.client.get(path.format(each), headers=person.headers()) for each in (there, absent)
        ]
        if seen.status_code == 200:
            return False
        assert seen.status_code == unseen.status_code == 404
        assert {**seen.json(), "request_id": ""} == {**unseen.json(), "request_id": ""}
    assert (await person.get("/trading/v1/listings"))["items"] == []
    assert await refusal(person.post("/pricing/v1/quotes", {"plan_id": plan_id})) == "no_such_plan"
    return True


def accepting(quote: dict[str, Any], listing_id: str) -> dict[str, Any]:
    accepted = {"quote_id": quote["id"], "quote_version": quote["version"], "total": quote["total"]}
    return {"listing_id": listing_id, **accepted}


async def ordered(market: WholeMarket, plan_id: str, listing_id: str) -> dict[str, Any]:
    """Quoted, signed and paid."""
    buyer = market.people[ALPHA]
    quote = await buyer.post("/pricing/v1/quotes", {"plan_id": plan_id})
    order = await buyer.post("/trading/v1/orders", accepting(quote, listing_id))
    for person in (buyer, market.people[AVIATION]):
        await person.sign(order["contract_id"])
    paid = await buyer.post(f"/trading/v1/orders/{order['id']}/payment")
    await market.settle()
    return paid


async def test_important_data_are_sold_to_whoever_was_approved_and_their_results_reviewed(
    tmp_path: Path, clock: ToldClock
):
    async with whole_market(tmp_path, clock) as market:
        await shelves.open_market(market)
        for who, clearance in ((AVIATION, "C3"), *((each, "C5") for each in BUYERS)):
            await admit(market, who, clearance)
        await market.settle()
        for who in (AVIATION, ALPHA):
            await market.people[who].register_key()
        await market.people[ALPHA].post("/trading/v1/wallet/pay-ins", {"amount": {"minor": 100_000, "currency": "CNY"}})
        version_id = await registered(market)
        offer = await listed(market, version_id)
        assert all([await told_nothing(market, who, *offer) for who in BUYERS])
        request_id = await approved(market, ALPHA, version_id)
        await approved(market, GAMMA, version_id)
        await market.settle()
        assert not any([await told_nothing(market, who, *offer) for who in BUYERS])
        path = f"/identity/v1/participants/{market.people[GAMMA].participant_id}/clearance"
        await market.people["security"].post(path, {"clearance": "C4", "reason": "批准已到期"})
        order = await ordered(market, *offer)
        assert await told_nothing(market, GAMMA, *offer)
        await a_result_is_reviewed(market, version_id, order["entitlement_id"])

        buyer, taken_back = market.people[ALPHA], {"reason_code": "purpose_changed", "reason": "用途已变"}
        late = accepting(await buyer.post("/pricing/v1/quotes", {"plan_id": offer[0]}), offer[1])
        await market.people[AVIATION].post(f"/catalog/v1/access-requests/{request_id}/revocation", taken_back)
        await market.settle()
        assert await told_nothing(market, ALPHA, *offer)
        assert await refusal(buyer.post("/trading/v1/orders", late)) == "no_such_listing"
        entitlement = await buyer.get(f"/trading/v1/entitlements/{order['entitlement_id']}")
        assert (entitlement["state"], entitlement["reason_code"]) == ("suspended", "order_approval_missing")
        await approved(market, ALPHA, version_id)
        await market.settle()
        assert not await told_nothing(market, ALPHA, *offer)
        raised = {"impacts": [CORE], "reason": "重新评估"}
        await market.people["business"].post(f"/catalog/v1/versions/{version_id}/raise-grade", raised)
        await market.settle()
        assert await told_nothing(market, ALPHA, *offer)


async def a_result_is_reviewed(market: WholeMarket, version_id: str, entitlement_id: str) -> None:
    buyer, officer = market.people[ALPHA], market.people["business"]
    cube = await market.people[AVIATION].post(f"/delivery/v1/versions/{version_id}/cubes", DECLARED)
    await officer.post(f"/delivery/v1/cubes/{cube['id']}/approve", REASON)
    path, question = f"/delivery/v1/entitlements/{entitlement_id}/cube-queries", {
        "grouping": ["region"], "measures": [COUNT],
    }  # fmt: skip
    assert await refusal(buyer.post(path, question)) == "result_awaits_review"
    [review] = (await buyer.get(f"/delivery/v1/versions/{version_id}/result-reviews"))["items"]
    assert (review["state"], review["result"], review["epsilon_micro_charged"]) == ("awaiting_review", None, 500_000)
    path_of_it = f"/delivery/v1/result-reviews/{review['id']}"
    looked = (await officer.get(path_of_it))["result"]
    await officer.post(f"{path_of_it}/release", REASON)
    answer = await buyer.post(path, question)
    assert answer["level"] == "noisy" and answer["certificate"]["contributors_min"] == 20
    assert answer["groups"] == looked["groups"] and len(answer["groups"]) == 3
    assert (await buyer.get(f"/trading/v1/entitlements/{entitlement_id}"))["uses_left"] == 1

"""A market in which there is one of almost everything, and others who have nothing to do with it.

Aviation provides and Alpha buys, and both have done what a provider and a buyer can; Civic provides and Gamma buys, and
they are strangers to all of it; Beta is suspended. `things` holds the id of each kind, under the name of the parameter
that takes it; under `hidden`, ids of an asset of Aviation that it has shown to nobody, and of one that it took back.
"""

from datetime import timedelta
from hashlib import sha256
from typing import Any

from services.demo import data, shelves
from services.demo.people import Person
from services.demo.shelves import AIRPORTS, ALPHA, AVIATION, BETA, CIVIC, GAMMA, PASSWORD
from shared.settings import SERVICES
from tests.delivery.made_files import csv_of
from tests.support.whole import WholeMarket
from tests.support.write import BUSINESS, SECURITY
from tests.support.writes import WRITES

THIRD = "third"  # another provider, since an inquiry asks three
ROWS = 60
CONTENT = csv_of(["code", "runways"], [[f"ZB{number:02}", str(number % 3 + 1)] for number in range(ROWS)])
RIGHT = {"kind": "unlimited", "field": "research", "territory": "CN", "period_days": 180}
SECOND_PASSWORD, MISTYPED = "a canary that opens no door", "a canary that was mistyped"
# Sums and texts that are told to some and to nobody else: each its own, so that it is found wherever it stands.
RESERVE, MAXIMUM, BUDGET_OF_NEED, BUDGET_OF_INQUIRY = 198_765_433, 98_765_307, 54_321_097, 43_210_987
TEXTS = {name: f"canary of the {name} 7f3a" for name in (
    "contact", "narrative", "statement", "evidence", "request", "declaration", "valuation", "scope", "lowering",
    "termination", "objection", "case", "redaction", "regrading",
)}  # fmt: skip
WITHOUT_OBJECT = {
    "price_cap_id", "credit_entry_id", "credit_appeal_id", "sanction_id", "credit_id", "fact_id", "family_id",
    "client_key_id", "personal_request_id", "result_review_id",
}  # fmt: skip


def yuan(minor: int) -> dict[str, object]:
    return {"minor": minor, "currency": "CNY"}


async def furnish(market: WholeMarket) -> None:
    await shelves.open_market(market)
    await _redaction(market)
    for who in (AVIATION, CIVIC, ALPHA, BETA, GAMMA):
        await shelves.admit(market, who)
    await _admit_third(market)
    await market.settle()
    for who in (AVIATION, ALPHA):
        await market.people[who].register_key()
    await _accounts(market)
    await _shelf(market)
    await _registered(market)
    await _files(market)
    await _prices(market)
    await market.settle()
    await _sale(market)
    await _bundle(market)
    await _offers(market)
    await _supervision(market)
    await _suspension(market)
    await market.settle()
    for core in market.inside.cores.values():
        for audience in SERVICES:
            await core.tokens.token(audience)  # kept from now on, since each one that is issued is a fact


async def act(market: WholeMarket, name: str, **changes: Any) -> Any:
    """Send the sample of this write, by whoever may, about what there is, with some of what it says said otherwise."""
    write, (_, path) = WRITES[name], name.split(" ")
    body: dict[str, Any] | None = {**(write.body or {}), **changes} or None
    return await market.people[write.sender].post(path.format(**market.things), body)


def later(market: WholeMarket, **time: float) -> str:
    return (market.clock.now() + timedelta(**time)).isoformat()


async def _admit_third(market: WholeMarket) -> None:
    person = market.people[THIRD] = Person("第三数据有限公司", market.client)
    person.participant_id = (await person.post("/identity/v1/applications", {
        "name": person.name, "uscc": data.credit_code(77), "roles": ["buyer", "provider"],
        "classes": ["party", "consulting"],
        "documents": await shelves.documents_for(person, "C3"),
        "administrator": {"login": "third@demo", "password": PASSWORD},
    }))["id"]  # fmt: skip
    admission, path = {"clearance": "C3", "reason": "已核验"}, f"/identity/v1/participants/{person.participant_id}"
    await shelves.check_documents(market.people[SECURITY], path)
    await market.people[SECURITY].post(f"{path}/admit", admission)


async def _accounts(market: WholeMarket) -> None:
    things = market.things
    things["participant_id"], things["key_id"] = market.people[ALPHA].participant_id, market.people[ALPHA].key_id
    things["user_id"] = (await act(market, "POST /identity/v1/users", password=SECOND_PASSWORD))["id"]
    client = await act(market, "POST /identity/v1/clients")
    things |= {"client_id": client["client_id"], "client": client}
    things["invitation_id"] = (await act(market, "POST /identity/v1/invitations"))["id"]
    things["document_id"] = (await act(market, "POST /identity/v1/participants/{participant_id}/documents"))["id"]
    whom = {"agent_id": market.people[THIRD].participant_id, "asset_ids": None, "listing_ids": None}
    things["delegation_id"] = (await act(market, "POST /identity/v1/delegations", **whom))["id"]
    sponsor = {"sponsor_id": market.people[THIRD].participant_id, "ends_at": later(market, days=9)}
    things["sponsorship_id"] = (await act(market, "POST /identity/v1/sponsorships", **sponsor))["id"]
    for kind, route in (("incident", "incidents"), ("vulnerability", "vulnerabilities")):
        things[f"{kind}_id"] = (await act(market, f"POST /audit/v1/{route}"))["id"]
    things["catalogue_snapshot_id"] = (await act(market, "POST /catalog/v1/important-data/snapshots"))["id"]


async def _shelf(market: WholeMarket) -> None:
    """A content that is inspected; an asset that nobody is shown, and one that was taken back."""
    provider, things = market.people[AVIATION], market.things
    asset, draft, gone = [await act(market, "POST /catalog/v1/assets") for _ in range(3)]
    things["asset_id"], things["version_id"] = asset["id"], asset["versions"][0]["id"]
    things["hidden"] = [{"asset_id": each["id"], "version_id": each["versions"][0]["id"]} for each in (draft, gone)]
    await provider.post(f"/catalog/v1/assets/{gone['id']}/withdraw")
    officer = (await market.people[BUSINESS].get("/identity/v1/me"))["subject"]
    named = {"business_officer_id": officer, "asset_id": asset["id"], "ends_at": later(market, days=9)}
    things["assignment_id"] = (await act(market, "POST /identity/v1/assignments", **named))["id"]
    whose = {"asset_id": None, "provider_id": provider.participant_id}  # what is raised in the walk still shows
    await act(market, "POST /identity/v1/assignments", **named | whose)
    things[AIRPORTS] = shelves.thing(AIRPORTS, asset["id"], things["version_id"])
    upload = await provider.post("/delivery/v1/uploads", {
        "version_id": things["version_id"], "media_type": "text/csv", "bytes": len(CONTENT),
        "content_hash": sha256(CONTENT).hexdigest(),
    })  # fmt: skip
    things["upload_id"] = upload["id"]
    await provider.put(f"/delivery/v1/uploads/{upload['id']}/content", CONTENT, "text/csv")
    await market.settle()


async def _registered(market: WholeMarket) -> None:
    await shelves.grade(market, AIRPORTS)
    unlimited = {"fields": None, "purposes": None, "territories": None, "period_days_max": None}
    await act(market, "POST /catalog/v1/versions/{version_id}/licence-terms", **unlimited)
    await shelves.register(market, AIRPORTS)
    asset = await market.people[AVIATION].get(f"/catalog/v1/assets/{market.things['asset_id']}")
    market.things["certificate_id"] = asset["certificate_id"]


async def _files(market: WholeMarket) -> None:
    things = market.things
    version_id = {"version_id": things["version_id"]}
    consent = {"valid_until": later(market, days=9), "scope": TEXTS["scope"]}
    record = await act(market, "POST /catalog/v1/assets/{asset_id}/consents", **version_id, **consent)
    asked = {"mode": "compute", "renews": None, "reason": TEXTS["request"]}
    request = await act(market, "POST /catalog/v1/access-requests", **version_id, **asked)
    filing = await act(
        market, "POST /catalog/v1/assets/{asset_id}/filings/licence", valid_until=later(market, days=30),
        licensee_id=market.people[ALPHA].participant_id,
    )  # fmt: skip
    struck: list[object] = [{"object": "organisation", "degree": "ordinary"}]
    lowering = "POST /catalog/v1/versions/{version_id}/lowerings"
    petition = await act(market, lowering, impacts=struck, findings=[], flags=[], rationale=TEXTS["lowering"])
    regrading = await act(market, "POST /catalog/v1/versions/{version_id}/regradings", note=TEXTS["regrading"])
    things |= {
        "record_id": record["id"], "access_request_id": request["id"], "filing_id": filing["id"],
        "petition_id": petition["id"], "regrading_id": regrading["id"],
    }  # fmt: skip


async def _prices(market: WholeMarket) -> None:
    provider, things = market.people[AVIATION], market.things
    version = {"version_id": things["version_id"]}
    plan: dict[str, Any] = {"mode": "raw", "kind": "one_off", "price": yuan(10_000), "discounts": []}
    things["plan_id"] = (await provider.post("/pricing/v1/plans", version | plan))["id"]
    things["quote"] = await market.people[ALPHA].post("/pricing/v1/quotes", {"plan_id": things["plan_id"]})
    things["quote_id"] = things["quote"]["id"]
    narrative = WRITES["POST /pricing/v1/cost-sheets"].body["narrative"] | {"use": TEXTS["declaration"]}
    sheet = await act(market, "POST /pricing/v1/cost-sheets", **version, narrative=narrative)
    things["cost_sheet_id"] = sheet["id"]
    by_cost = WRITES["POST /pricing/v1/valuations"].others[0]
    things["valuation_id"] = (
        await provider.post("/pricing/v1/valuations", by_cost | version | {"rationale": TEXTS["valuation"]})
    )["id"]
    shares = await act(market, "POST /pricing/v1/revenue-shares", parties=[provider.participant_id], fees=[])
    things["revenue_share_id"] = shares["id"]
    paid_in = await market.people[ALPHA].post("/trading/v1/wallet/pay-ins", {"amount": yuan(1_000_000)})
    things["instruction_id"] = paid_in["id"]
    await market.settle()
    things["payout_proposal_id"] = (await act(market, "POST /trading/v1/wallet/payout-proposals"))["id"]


async def _listed(market: WholeMarket, pricing: str, **more: Any) -> str:
    listing = {
        "version_id": market.things["version_id"], "mode": "raw", "pricing": pricing, "quota_uses": 9,
        "right": RIGHT, "purposes": ["research"],
    } | more  # fmt: skip
    return (await market.people[AVIATION].post("/trading/v1/listings", listing))["id"]


async def _sale(market: WholeMarket) -> None:
    """Sold, delivered, objected to, to be ended by the yes of both, and in dispute."""
    buyer, things = market.people[ALPHA], market.things
    acceptance = WRITES["POST /trading/v1/listings"].body["acceptance"] | {
        "clauses": [{"id": "rows", "measure": "rows", "bound": ROWS + 1}], "accepting_use": None,
    }  # fmt: skip
    things["listing_id"] = await _listed(market, "fixed", plan_id=things["plan_id"], acceptance=acceptance)
    quote = things["quote"]
    accepted = {"quote_id": quote["id"], "quote_version": quote["version"], "total": quote["total"]}
    order = await buyer.post("/trading/v1/orders", {"listing_id": things["listing_id"], **accepted})
    things["order_id"], things["contract_id"] = order["id"], order["contract_id"]
    for person in (buyer, market.people[AVIATION]):
        await person.sign(order["contract_id"])
    paid = await buyer.post(f"/trading/v1/orders/{order['id']}/payment")
    things["entitlement_id"] = paid["entitlement_id"]
    await market.settle()
    await buyer.download(f"/delivery/v1/entitlements/{paid['entitlement_id']}/content")
    await market.settle()
    await act(market, "POST /trading/v1/orders/{order_id}/objections", claim=yuan(100), reason=TEXTS["objection"])
    ending = "POST /trading/v1/contracts/{contract_id}/terminations"
    things["termination_id"] = (await act(market, ending, reason=TEXTS["termination"]))["id"]
    said = {"amount": yuan(10_000), "statement": TEXTS["statement"]}
    things["dispute_id"] = (await act(market, "POST /trading/v1/disputes", order_id=order["id"], **said))["id"]
    evidence = {"content": TEXTS["evidence"], "content_hash": None}
    told = await act(market, "POST /trading/v1/disputes/{dispute_id}/evidence", **evidence)
    things["content_hash"] = told["evidence"][-1]["content_hash"]


async def _bundle(market: WholeMarket) -> None:
    """One version in two modes, ordered together."""
    provider, buyer, version_id = market.people[AVIATION], market.people[ALPHA], market.things["version_id"]
    parts = [{"version_id": version_id, "mode": mode} for mode in ("raw", "api")]
    plan = await provider.post("/pricing/v1/plans", parts[0] | {
        "kind": "bundle", "price": yuan(10_000), "discounts": [], "parts": parts,
    })  # fmt: skip
    quote = await buyer.post("/pricing/v1/quotes", {"plan_id": plan["id"]})
    listings = [await _listed(market, "fixed", plan_id=plan["id"], mode=part["mode"]) for part in parts]
    accepted = {"quote_id": quote["id"], "quote_version": quote["version"], "total": quote["total"]}
    await buyer.post("/trading/v1/bundle-orders", {"listing_ids": listings, **accepted})
    market.things["bundle_quote_id"] = quote["id"]


async def _offers(market: WholeMarket) -> None:
    """An auction with a bid, a need, an inquiry, a negotiation, a call auction, a double auction and a block deal."""
    provider, things = market.people[AVIATION], market.things
    exclusive = await _listed(market, "auction", right=RIGHT | {"kind": "exclusive", "field": "air_travel"})
    auction = await provider.post("/trading/v1/auctions", {
        "listing_id": exclusive, "start_price": yuan(10_000), "deposit": yuan(1_000), "reserve_price": yuan(RESERVE),
        "increments": [{"from_minor": 0, "step_minor": 100}], "closes_at": later(market, days=2),
    })  # fmt: skip
    things["auction_id"] = auction["id"]
    await act(market, "POST /trading/v1/auctions/{auction_id}/registrations")
    await act(market, "POST /trading/v1/auctions/{auction_id}/bids", maximum=yuan(MAXIMUM))
    hidden = {"budget": yuan(BUDGET_OF_NEED), "budget_is_open": False, "valid_until": later(market, days=9)}
    things["need_id"] = (await act(market, "POST /trading/v1/needs", **hidden))["id"]
    asked = [market.people[who].participant_id for who in (AVIATION, CIVIC, THIRD)]
    hidden = {"budget": yuan(BUDGET_OF_INQUIRY), "budget_is_open": False, "offers_until": later(market, days=9)}
    things["inquiry_id"] = (await act(market, "POST /trading/v1/inquiries", invited=asked, **hidden))["id"]
    open_to_talk = await _listed(market, "negotiation")
    offer = WRITES["POST /trading/v1/negotiations"].body["offer"] | {"expires_at": later(market, days=1)}
    talk = await act(market, "POST /trading/v1/negotiations", listing_id=open_to_talk, offer=offer)
    call = await act(
        market, "POST /trading/v1/call-auctions", listing_ids=[open_to_talk], closes_at=later(market, days=1)
    )
    both_seal = {"seal_by": later(market, days=1), "reveal_by": later(market, days=2)}
    pair = await act(market, "POST /trading/v1/double-auctions", listing_id=open_to_talk, **both_seal)
    things["double_auction_id"] = pair["id"]
    part = {name: offer[name] for name in ("field", "territory", "period_days", "purposes", "quota_uses")}
    parts = [
        part | {"listing_id": each, "price": yuan(500_000)}
        for each in (open_to_talk, await _listed(market, "negotiation"))
    ]
    block = await act(
        market, "POST /trading/v1/block-deals", buyer_id=market.people[ALPHA].participant_id, parts=parts,
        expires_at=later(market, days=1),
    )  # fmt: skip
    things["block_deal_id"] = block["id"]
    things |= {"negotiation_id": talk["id"], "offer_id": talk["offers"][-1]["id"], "call_auction_id": call["id"]}


async def _supervision(market: WholeMarket) -> None:
    things, year = market.things, {"since": later(market, days=-365), "until": later(market, days=365)}
    complaint = WRITES["POST /trading/v1/complaints"].body | {
        "listing_id": things["listing_id"], "contact": TEXTS["contact"], "narrative": TEXTS["narrative"],
    }  # fmt: skip
    things["complaint_id"] = (await market.people[ALPHA].post("/trading/v1/complaints", complaint))["id"]
    until = later(market, days=5)
    freeze = await act(market, "POST /trading/v1/freezes", listing_id=things["listing_id"], expires_at=until)
    scope = {"highest_grade": "G4", "is_whole_log": True, **year}
    case = await market.people["regulator"].post("/audit/v1/cases", {
        "purpose": TEXTS["case"], "legal_basis": "数据安全法第四十四条", "expires_at": later(market, days=30),
        "scope": scope,
    })  # fmt: skip
    subjects = [market.people[ALPHA].participant_id]
    sampling = await act(market, "POST /audit/v1/samplings", subject_ids=subjects)
    cube = await act(
        market, "POST /delivery/v1/versions/{version_id}/cubes", contributor="code", groupings=[["runways"]],
        dimensions=[{"column": "runways", "generalisation": "none", "starts": [], "length": 0}],
        measures=[{"column": "runways", "low": 0, "high": 3, "decimals": 0}], rows_per_contributor_max=1,
    )  # fmt: skip
    things |= {
        "freeze_id": freeze["id"], "case_id": case["id"], "sampling_id": sampling["id"], "cube_id": cube["id"],
    }  # fmt: skip
    things["objection_id"] = (await act(market, "POST /catalog/v1/assets/{asset_id}/objections"))["id"]


async def _redaction(market: WholeMarket) -> None:
    """Of the name of a failed log-in."""
    form = {"grant_type": "password", "username": BUSINESS, "password": MISTYPED}
    assert (await market.client.post("/identity/v1/token", data=form)).is_client_error
    await market.advance(seconds=11)
    found = await market.people["log"].get("/audit/v1/entries", limit=100)
    [entry] = [each for each in found["items"] if "identity.log_in_refused" in each["event"]]
    index, event = entry["index"], entry["event"]
    subject = event[event.index('"user_id":"') + 11 :][:37]
    redaction = await act(market, "POST /audit/v1/redactions", subject=subject, reason=TEXTS["redaction"])
    market.things |= {"index": str(index), "redaction_id": redaction["id"]}


async def _suspension(market: WholeMarket) -> None:
    path = f"/identity/v1/participants/{market.people[BETA].participant_id}/suspend"
    await market.people[SECURITY].post(path, {"reason_code": "asked_for", "reason": "因为"})

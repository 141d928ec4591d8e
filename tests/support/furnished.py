"""A market in which there is one of almost everything, and someone of another organisation who has nothing to do with it.

Aviation provides, Alpha buys, and both have done all that a provider and a buyer can; Civic and Gamma are strangers, and
Beta is suspended. `things` holds the id of each kind under the name of the parameter that takes it.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from hashlib import sha256
from typing import Any

from services.demo import shelves
from services.demo.shelves import AIRPORTS, ALPHA, AVIATION, BETA, CIVIC, GAMMA, PASSWORD
from tests.journeys.test_questions import CONTENT
from tests.support.whole import WholeMarket
from tests.support.write import BUSINESS, SECURITY
from tests.support.writes import WRITES

RIGHT = {"kind": "unlimited", "field": "research", "territory": "CN", "period_days": 180}
CREDIT = {"minor": 1_000_000, "currency": "CNY"}
PRICE = {"minor": 10_000, "currency": "CNY"}


async def furnish(market: WholeMarket) -> None:
    await shelves.open_market(market)
    for who in (AVIATION, CIVIC, ALPHA, BETA, GAMMA):
        await shelves.admit(market, who)
    await market.settle()
    for who in (AVIATION, ALPHA):
        await market.people[who].register_key()
    for step in STEPS:
        await step(market)
        await market.settle()


async def act(market: WholeMarket, name: str, parts: dict[str, str] | None = None, who: str = "", **changes: Any) -> Any:
    """Send the sample of this write, by who may, with some of what it says said otherwise."""
    write, (_, path) = WRITES[name], name.split(" ")
    body = {**write.body, **changes} if write.body is not None or changes else None
    return await market.people[who or write.sender].post(path.format(**(parts or market.things)), body)


async def of_identity(market: WholeMarket) -> None:
    alpha, things = market.people[ALPHA], market.things
    things["participant_id"] = alpha.participant_id
    things["user_id"] = (await act(market, "POST /identity/v1/users"))["id"]
    things["client_id"] = (await act(market, "POST /identity/v1/clients"))["client_id"]
    things["key_id"] = alpha.key_id


async def of_the_catalogue(market: WholeMarket) -> None:
    provider, things = market.people[AVIATION], market.things
    asset = await act(market, "POST /catalog/v1/assets")
    things["asset_id"], things["version_id"] = asset["id"], asset["versions"][0]["id"]
    things[AIRPORTS] = {"asset_id": asset["id"], "version_id": things["version_id"]}
    upload = await provider.post("/delivery/v1/uploads", {
        "version_id": things["version_id"], "media_type": "text/csv", "bytes": len(CONTENT),
        "content_hash": sha256(CONTENT).hexdigest(),
    })  # fmt: skip
    things["upload_id"] = upload["id"]
    await provider.put(f"/delivery/v1/uploads/{upload['id']}/content", CONTENT, "text/csv")
    await market.settle()
    await shelves.grade(market, AIRPORTS)
    await act(market, "POST /catalog/v1/versions/{version_id}/licence-terms", fields=None, purposes=None, territories=None, period_days_max=None)
    await shelves.register(market, AIRPORTS)
    market.things["certificate_id"] = (await provider.get(f"/catalog/v1/assets/{asset['id']}"))["certificate_id"]


async def on_file(market: WholeMarket) -> None:
    things = market.things
    later = (market.clock.now() + timedelta(days=30)).isoformat()
    record = await act(market, "POST /catalog/v1/assets/{asset_id}/consents", version_id=things["version_id"], valid_until=later)
    things["record_id"] = record["id"]
    request = await act(
        market, "POST /catalog/v1/access-requests", version_id=things["version_id"], mode="compute", renews=None
    )
    things["access_request_id"] = request["id"]
    things["regrading_id"] = (await act(market, "POST /catalog/v1/versions/{version_id}/regradings"))["id"]


async def filings(market: WholeMarket) -> None:
    later = (market.clock.now() + timedelta(days=30)).isoformat()
    filing = await act(
        market, "POST /catalog/v1/assets/{asset_id}/filings/licence",
        licensee_id=market.people[ALPHA].participant_id, valid_until=later,
    )
    market.things["filing_id"] = filing["id"]

async def petitions(market: WholeMarket) -> None:
    market.things["petition_id"] = (await act(market, "POST /catalog/v1/versions/{version_id}/lowerings", flags=[], findings=[], impacts=[{"object": "organisation", "degree": "ordinary"}]))["id"]


async def of_pricing(market: WholeMarket) -> None:
    provider, things, version_id = market.people[AVIATION], market.things, market.things["version_id"]
    plan = await provider.post("/pricing/v1/plans", {
        "version_id": version_id, "mode": "raw", "kind": "one_off", "price": PRICE, "discounts": [],
    })  # fmt: skip
    things["plan_id"] = plan["id"]
    things["quote"] = await market.people[ALPHA].post("/pricing/v1/quotes", {"plan_id": plan["id"]})
    things["quote_id"] = things["quote"]["id"]
    sheet = await act(market, "POST /pricing/v1/cost-sheets", version_id=version_id)
    things["cost_sheet_id"] = sheet["id"]


async def valuations(market: WholeMarket) -> None:
    _, cost, *_ = WRITES["POST /pricing/v1/valuations"].others[0], WRITES["POST /pricing/v1/valuations"].others[0]
    valuation = await market.people[AVIATION].post(
        "/pricing/v1/valuations", cost | {"version_id": market.things["version_id"]}
    )
    market.things["valuation_id"] = valuation["id"]


async def shares(market: WholeMarket) -> None:
    share = await act(
        market, "POST /pricing/v1/revenue-shares", parties=[market.people[AVIATION].participant_id], fees=[]
    )
    market.things["revenue_share_id"] = share["id"]


async def caps(market: WholeMarket) -> None:
    now = market.clock.now()
    cap = await act(market, "POST /pricing/v1/price-caps", version_id=market.things["version_id"], valid_from=(now + timedelta(days=1)).isoformat(), valid_until=(now + timedelta(days=300)).isoformat())
    market.things["price_cap_id"] = cap["id"]


async def money(market: WholeMarket) -> None:
    paid_in = await market.people[ALPHA].post("/trading/v1/wallet/pay-ins", {"amount": CREDIT})
    market.things["instruction_id"] = paid_in.get("instruction_id") or paid_in["id"]


def listing(market: WholeMarket, pricing: str, **more: Any) -> dict[str, Any]:
    return {
        "version_id": market.things["version_id"], "mode": "raw", "pricing": pricing, "quota_uses": 9,
        "right": RIGHT, "purposes": ["research"],
    } | more  # fmt: skip


async def sold(market: WholeMarket) -> None:
    provider, buyer, things = market.people[AVIATION], market.people[ALPHA], market.things
    offered = await provider.post("/trading/v1/listings", listing(market, "fixed", plan_id=things["plan_id"], acceptance=WRITES["POST /trading/v1/listings"].body["acceptance"] | {"clauses": [{"id": "rows", "measure": "rows", "bound": 7}], "accepting_use": None}))
    things["listing_id"] = offered["id"]
    quote = things["quote"]
    order = await buyer.post("/trading/v1/orders", {
        "listing_id": offered["id"], "quote_id": quote["id"], "quote_version": quote["version"], "total": quote["total"],
    })  # fmt: skip
    things["order_id"], things["contract_id"] = order["id"], order["contract_id"]
    for person in (buyer, provider):
        await person.sign(order["contract_id"])
    paid = await buyer.post(f"/trading/v1/orders/{order['id']}/payment")
    things["entitlement_id"] = paid["entitlement_id"]
    await market.settle()
    await buyer.download(f"/delivery/v1/entitlements/{paid['entitlement_id']}/content")


async def objected(market: WholeMarket) -> None:
    await act(market, "POST /trading/v1/orders/{order_id}/objections", claim=PRICE)


async def terminations(market: WholeMarket) -> None:
    ended = await act(market, "POST /trading/v1/contracts/{contract_id}/terminations")
    market.things["termination_id"] = ended["id"]


async def disputes(market: WholeMarket) -> None:
    dispute = await act(market, "POST /trading/v1/disputes", order_id=market.things["order_id"], amount=PRICE)
    market.things["dispute_id"] = dispute["id"]
    evidence = await act(market, "POST /trading/v1/disputes/{dispute_id}/evidence", content_hash=None)
    market.things["content_hash"] = str(evidence)


async def auctions(market: WholeMarket) -> None:
    provider, things = market.people[AVIATION], market.things
    offered = await provider.post("/trading/v1/listings", listing(market, "auction", right=RIGHT | {"kind": "exclusive", "field": "air_travel"}))
    auction = await provider.post("/trading/v1/auctions", {
        "listing_id": offered["id"], "start_price": PRICE, "deposit": PRICE, "reserve_price": {"minor": 7_654_321, "currency": "CNY"},
        "increments": [{"from_minor": 0, "step_minor": 100}],
        "closes_at": (market.clock.now() + timedelta(days=2)).isoformat(),
    })  # fmt: skip
    things["auction_id"] = auction["id"]
    await act(market, "POST /trading/v1/auctions/{auction_id}/registrations")
    await act(market, "POST /trading/v1/auctions/{auction_id}/bids", maximum={"minor": 987_653, "currency": "CNY"})


async def needs(market: WholeMarket) -> None:
    need = await act(market, "POST /trading/v1/needs", valid_until=(market.clock.now() + timedelta(days=9)).isoformat())
    market.things["need_id"] = need["id"]


async def negotiations(market: WholeMarket) -> None:
    provider, things = market.people[AVIATION], market.things
    offered = await provider.post("/trading/v1/listings", listing(market, "negotiation"))
    expires = (market.clock.now() + timedelta(days=1)).isoformat()
    body = WRITES["POST /trading/v1/negotiations"].body
    opened = await act(
        market, "POST /trading/v1/negotiations", listing_id=offered["id"], offer=body["offer"] | {"expires_at": expires}
    )
    things["negotiation_id"] = opened["id"]


async def calls(market: WholeMarket) -> None:
    provider, things = market.people[AVIATION], market.things
    offered = await provider.post("/trading/v1/listings", listing(market, "fixed", plan_id=things["plan_id"]))
    call = await act(
        market, "POST /trading/v1/call-auctions", listing_ids=[offered["id"]],
        closes_at=(market.clock.now() + timedelta(days=1)).isoformat(),
    )
    things["call_auction_id"] = call["id"]


async def supervised(market: WholeMarket) -> None:
    things, now = market.things, market.clock.now()
    complaint = await market.people[ALPHA].post("/trading/v1/complaints", WRITES["POST /trading/v1/complaints"].body | {"listing_id": things["listing_id"]})
    things["complaint_id"] = complaint["id"]
    freeze = await act(market, "POST /trading/v1/freezes", listing_id=things["listing_id"], expires_at=(now + timedelta(days=5)).isoformat())
    things["freeze_id"] = freeze["id"]


async def audited(market: WholeMarket) -> None:
    things, now, year = market.things, market.clock.now(), timedelta(days=365)
    case = await market.people["regulator"].post("/audit/v1/cases", {
        "purpose": "核查", "legal_basis": "数据安全法第四十四条", "expires_at": (now + timedelta(days=30)).isoformat(),
        "scope": {"highest_grade": "G3", "is_whole_log": True, "since": (now - year).isoformat(), "until": (now + year).isoformat()},
    })  # fmt: skip
    things["case_id"] = case["id"]
    sampling = await act(market, "POST /audit/v1/samplings", subject_ids=[market.people[ALPHA].participant_id])
    things["sampling_id"] = sampling["id"]


async def redactions(market: WholeMarket) -> None:
    form = {"grant_type": "password", "username": "business", "password": "a pass phrase that was mistyped"}
    await market.client.post("/identity/v1/token", data=form)
    await market.advance(seconds=11)
    regulator = market.people["regulator"]
    found = await regulator.get("/audit/v1/entries", limit=100)
    [entry] = [each for each in found["items"] if "identity.log_in_refused" in each["event"]]
    subject = entry["event"][entry["event"].index('"user_id":"') + 11 :][:37]
    redaction = await act(market, "POST /audit/v1/redactions", subject=subject)
    market.things["redaction_id"] = redaction["id"]
    market.things["index"] = str(entry["index"])


async def cubes(market: WholeMarket) -> None:
    cube = await act(
        market, "POST /delivery/v1/versions/{version_id}/cubes", contributor="code", groupings=[["runways"]],
        dimensions=[{"column": "runways", "generalisation": "bands", "starts": [1], "length": 0}],
        measures=[{"column": "runways", "low": 0, "high": 100, "decimals": 0}],
    )  # fmt: skip
    market.things["cube_id"] = cube["id"]
    things = market.things
    things["objection_id"] = (await act(market, "POST /catalog/v1/assets/{asset_id}/objections"))["id"]


async def suspended(market: WholeMarket) -> None:
    market.people[SECURITY]
    await market.people[SECURITY].post(
        f"/identity/v1/participants/{market.people[BETA].participant_id}/suspend",
        {"reason_code": "asked_for", "reason": "因为"},
    )


async def inquiries(market: WholeMarket) -> None:
    invited = [market.people[AVIATION].participant_id, market.people[CIVIC].participant_id]
    made = await act(market, "POST /trading/v1/inquiries", invited=invited, offers_until=(market.clock.now() + timedelta(days=9)).isoformat())
    market.things["inquiry_id"] = made["id"]


STEPS: list[Callable[[WholeMarket], Awaitable[None]]] = [
    inquiries,
    of_identity, of_the_catalogue, on_file, filings, petitions, of_pricing, valuations, shares, caps, money, sold, objected, terminations, auctions,
    needs, negotiations, calls, disputes, supervised, audited, redactions, cubes, suspended,
]  # fmt: skip

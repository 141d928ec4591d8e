"""A joint sanction through all services: its subject is suspended in each of them until it is lifted, and no longer."""

from datetime import timedelta

from services.demo import deals
from services.demo.people import Person, refusal
from services.demo.shelves import AIRPORTS, ALPHA, BETA, log_in_again
from shared.ids import ParticipantId
from tests.journeys.conftest import ON_SQLITE
from tests.journeys.test_first_sale import sold_to_beta, the_order
from tests.support.whole import WholeMarket


async def sanctioned(market: WholeMarket, who: Person) -> str:
    """A report is upheld against them, they are heard, and an operator of security imposes it."""
    business = market.people["business"]
    report = {
        "kind": "black_market",
        "narrative": "有人在场外兜售本所数据",
        "contact": "无名氏",
        "evidence": ["ab" * 32],
    }
    made = await market.people[ALPHA].post("/trading/v1/complaints", report)
    path = f"/trading/v1/complaints/{made['id']}"
    await business.post(f"{path}/acceptance")
    await business.post(f"{path}/investigation")
    upheld = {"upheld": True, "reason": "查实", "respondent_id": who.participant_id}
    await business.post(f"{path}/decision", upheld)
    [notified] = (await who.get("/trading/v1/sanctions"))["items"]
    path = f"/trading/v1/sanctions/{notified['id']}"
    await who.post(f"{path}/statement", {"statement": "不实"})
    await market.people["security"].post(f"{path}/imposition", {"reason": "累计失信"})
    await market.settle()
    return notified["id"]


async def upheld_appeal(market: WholeMarket, who: Person) -> None:
    """Nobody of the operator's decides in time but the one who made the entry, so the regulator does."""
    [entry] = (await who.get("/trading/v1/credit-entries"))["items"]
    appeal = await who.post(
        f"/trading/v1/credit-entries/{entry['id']}/appeal", {"reason": "并非本公司", "evidence": []}
    )
    await market.advance(days=20)
    await log_in_again(market)
    path = f"/trading/v1/credit-appeals/{appeal['id']}/decision"
    await market.people["regulator"].post(path, {"upheld": True, "reason": "证据不足"})
    await market.settle()


async def standings(market: WholeMarket, who: Person) -> set[str]:
    """As each service would judge at this moment."""
    return {core.standing.of(ParticipantId(who.participant_id)).status for core in market.inside.cores.values()}


@ON_SQLITE
async def test_who_is_sanctioned_is_suspended_everywhere_until_an_appeal_lifts_it(market: WholeMarket):
    await sold_to_beta(market)
    await deals.sign_contract(market)
    await deals.pay(market)
    await market.settle()
    beta, security = market.people[BETA], market.people["security"]
    content = f"/delivery/v1/entitlements/{(await the_order(market))['entitlement_id']}/content"
    sanction_id = await sanctioned(market, beta)
    own = f"/identity/v1/participants/{beta.participant_id}"
    seen = (await beta.get(own))["sanction"]
    until = market.clock.now() + timedelta(days=180)
    assert seen == {"sanction_id": sanction_id, "until": until.isoformat().replace("+00:00", "Z"), "reason": "累计失信"}
    listed = (await market.people[ALPHA].get("/identity/v1/directory"))["items"]
    assert [each["status"] for each in listed if each["id"] == beta.participant_id] == ["suspended"]
    assert await standings(market, beta) == {"suspended"}
    wish = {
        "version_id": market.things[AIRPORTS]["version_id"], "mode": "raw", "purpose": "research", "days": 9,
        "reason": "研究",
    }  # fmt: skip
    assert await refusal(beta.post("/catalog/v1/access-requests", wish)) == "not_admitted"
    assert await refusal(beta.post("/pricing/v1/quotes", {"plan_id": f"plan_{'0' * 32}"})) == "not_admitted"
    assert await refusal(beta.download(content)) == "not_admitted"
    assert (
        await refusal(security.post(f"{own}/reinstate", {"reason_code": "by_hand", "reason": "复核"})) == "illegal_move"
    )
    await upheld_appeal(market, beta)
    assert (await beta.get(own))["sanction"] is None
    assert await standings(market, beta) == {"admitted"}
    await market.settle()
    assert await refusal(beta.post("/pricing/v1/quotes", {"plan_id": f"plan_{'0' * 32}"})) == "no_such_plan"

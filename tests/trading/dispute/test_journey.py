"""A dispute from the claim to the money, over HTTP, on both databases."""

from tests.trading.dispute.court import FEE, a_court, split
from tests.trading.market import Market, code


async def test_a_ruling_is_appealed_decided_again_and_carried_out(market: Market):
    court = await a_court(market)
    before = {who: await market.wallet(who) for who in (court.buyer, court.provider)}
    dispute = await court.open(8_000)
    assert (dispute["state"], dispute["next_actor"]) == ("open", "respondent")
    assert [each["kind"] for each in dispute["evidence"]] == ["statement", "contract", "delivery", "quality", "money"]
    assert (await market.order(court.buyer, court.order))["state"] == "disputed"
    assert await market.wallet(court.buyer) == (before[court.buyer][0] - FEE, FEE)

    seen = await court.see(dispute, court.provider)
    assert (seen["state"], seen["notice_by"]) == ("response", "read")
    dispute = (await court.respond(dispute, admitted=800)).json()
    assert dispute["state"] == "evidence" and await court.held() == 2 * FEE
    (arbiter,) = court.seated(dispute)
    assert code(await court.rule(arbiter, dispute, 5_000)) == (409, "not_due_in_dispute")

    await court.pass_deadline(dispute)
    assert (await court.see(dispute))["state"] == "review"
    assert await court.escrow() == 8_000, "what nobody disputes is shared out before the ruling"
    dispute = (await court.rule(arbiter, dispute, 2_500, fees=split(5_000))).json()
    assert (dispute["state"], dispute["rulings"][0]["split"]) == ("ruled", split(2_500))

    assert (await court.appeal(court.buyer, dispute)).json()["next_actor"] == "respondent"
    dispute = (await court.appeal(court.provider, dispute, "3" * 64)).json()
    panel = court.seated(dispute)
    assert len(panel) == 3 and arbiter not in panel
    for member, share in zip(panel, (10_000, 6_000, 1_000), strict=True):
        dispute = (await court.rule(member, dispute, share, fees=split(2_000))).json()
    assert (dispute["state"], dispute["rulings"][1]["split"]) == ("ruled_again", split(6_000))

    await market.tick()
    dispute = await court.see(dispute)
    assert (dispute["state"], dispute["outcome"]["claimant"]["minor"]) == ("enforced", 4_800)
    order = await market.order(court.buyer, court.order)
    assert (order["state"], order["reason_code"]) == ("settled", "dispute_ended")
    assert order["settlement"]["refund"]["minor"] == 4_800
    [entered] = await market.facts("credit_entered")
    assert (entered["kind"], entered["participant_id"]) == ("ruling_against", court.provider.participant_id)
    fees = {"claimant": 200 + 400, "respondent": 800 + 800}  # of 10 and 20 yuan; of 10 and 10 yuan
    assert await market.wallet(court.buyer) == (before[court.buyer][0] + 4_800 - fees["claimant"], 0)
    kept = order["settlement"]["provider"]["minor"]
    assert await market.wallet(court.provider) == (before[court.provider][0] + kept - fees["respondent"], 0)
    assert (await court.escrow(), await court.held(), await court.totals()) == (0, 0, ({"CNY": 0}, []))


async def test_a_price_that_goes_back_whole_ends_the_deal(market: Market):
    court = await a_court(market)
    dispute = await court.heard()
    (arbiter,) = court.seated(dispute)
    assert (await court.rule(arbiter, dispute, 10_000)).is_success
    await court.pass_deadline(dispute)
    order = await market.order(court.buyer, court.order)
    assert (order["state"], await court.escrow()) == ("refunded", 0)
    assert (await market.read(court.buyer, f"/contracts/{order['contract_id']}"))["state"] == "terminated"
    assert code(await market.use(court.buyer, order)) == (409, "entitlement_ended")

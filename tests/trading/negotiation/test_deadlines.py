"""Negotiations over HTTP: what time, a second thought and a lapsed order make of them."""

from datetime import datetime, timedelta

from shared.grades import C2, Grade
from tests.trading.market import Market, code
from tests.trading.negotiation.asked import accepted, answered, asked, ended, listed, orders, read


async def test_the_moment_of_the_yes_decides_not_the_job(market: Market):
    for late, expected in ((timedelta(microseconds=-1), "agreed"), (timedelta(0), "offer_expired")):
        listing, buyer = await listed(market), await market.buyer()
        seen = (await asked(market, buyer, listing)).json()
        market.bench.clock.set(datetime.fromisoformat(seen["deadline"]) + late)
        await market.bench.refresh()
        told = (await accepted(market, market.provider, seen)).json()
        assert expected in (told.get("state"), told.get("code"))
    assert (await read(market, buyer, seen))["state"] == "requested"
    await market.tick()
    over = await read(market, buyer, seen)
    assert (over["state"], over["ended_by"], over["reason_code"]) == ("terminated", "deadline", "offer_expired")
    assert [each["reason_code"] for each in await market.facts("negotiation_terminated")] == ["offer_expired"]
    told = await accepted(market, market.provider, seen)
    assert (code(told), told.json()["state"], told.json()["reason_code"]) == (
        (409, "negotiation_over"), "terminated", "offer_expired",
    )  # fmt: skip
    assert (await asked(market, buyer, listing)).status_code == 201, "and another may begin"


async def test_the_same_command_in_an_end_is_the_same_result_and_another_is_told_the_end(market: Market):
    listing, buyer = await listed(market), await market.buyer()
    seen = (await asked(market, buyer, listing)).json()
    over = (await ended(market, buyer, seen)).json()
    assert (over["state"], over["ended_by"], over["reason"]) == ("terminated", "buyer", "预算已变")
    assert (await ended(market, buyer, seen)).json() == over
    for other in (
        ended(market, market.provider, seen), ended(market, buyer, seen, "改了主意"),
        accepted(market, market.provider, seen), answered(market, market.provider, seen, 1),
    ):  # fmt: skip
        told = await other
        assert (code(told), told.json()["state"]) == ((409, "negotiation_over"), "terminated")
    again = (await asked(market, buyer, listing)).json()
    done = (await accepted(market, market.provider, again)).json()
    assert (await accepted(market, market.provider, again)).json() == done
    assert code(await ended(market, market.provider, again)) == (409, "negotiation_over")
    await market.signed(buyer, {"contract_id": done["contract_id"]})
    final = await read(market, buyer, done)
    assert (await accepted(market, market.provider, again)).json() == final
    assert len(await orders(market)) == 1
    assert len(await market.facts("negotiation_terminated")) == 1


async def test_one_key_is_one_command(market: Market):
    listing, buyer = await listed(market), await market.buyer()
    seen = (await asked(market, buyer, listing)).json()
    first, again = [await accepted(market, market.provider, seen, "one-and-the-same") for _ in range(2)]
    assert first.json() == again.json()
    other = await accepted(market, market.provider, seen, "one-and-the-same", terms_hash="0" * 64)
    assert code(other) == (422, "key_reused")


async def test_a_deal_that_nobody_signs_is_terminated_with_its_order(market: Market):
    listing, buyer = await listed(market), await market.buyer()
    done = (await accepted(market, market.provider, (await asked(market, buyer, listing)).json())).json()
    await market.sign(market.provider, done["contract_id"])
    await market.advance(days=5)
    over = await read(market, buyer, done)
    assert (over["state"], over["ended_by"], over["reason_code"]) == ("terminated", "order", "not_signed_by_buyer")
    assert (await orders(market))[0]["state"] == "lapsed"
    assert (await asked(market, buyer, listing)).status_code == 201


async def test_a_deal_in_force_stays_final_whatever_becomes_of_its_order(market: Market):
    listing, buyer = await listed(market), await market.buyer()
    done = (await accepted(market, market.provider, (await asked(market, buyer, listing)).json())).json()
    await market.signed(buyer, {"contract_id": done["contract_id"]})
    await market.advance(days=5)
    assert (await orders(market))[0]["reason_code"] == "payment_overdue"
    assert (await read(market, buyer, done))["state"] == "finalized"


async def test_a_grade_that_forbids_an_agreed_deal_ends_it(market: Market):
    listing, buyer = await listed(market), await market.buyer(clearance=C2)
    done = (await accepted(market, market.provider, (await asked(market, buyer, listing)).json())).json()
    market.neighbours.raise_grade(listing["version_id"], Grade.G3)
    await market.tick()
    over = await read(market, buyer, done)
    assert (over["state"], over["reason_code"]) == ("terminated", "clearance_too_low")

"""Inquiries over HTTP: who sees what and when, what is awarded, what is refused, and what two do at once."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import null, select, update

from services.trading import jobs
from services.trading.actions import inquiry as actions
from services.trading.tables.inquiries import inquiries
from shared.grades import C2, Grade
from shared.ids import InquiryId, ListingId, ParticipantId
from tests.support.bench import AffiliationDeclared
from tests.trading.inquiring import OFFERS_DAYS, OPENING_DAYS, Ring, a_ring, a_rule, reasons
from tests.trading.market import BUSY_TRIES_MAX, Market, code, yuan


@pytest.fixture
async def ring(market: Market) -> Ring:
    return await a_ring(market)


async def test_the_best_score_becomes_one_order_at_the_runner_up_s_score(ring: Ring):
    market = ring.market
    seen = await ring.closed(ring.offer(0, 4_000, 100), ring.offer(1, 3_000, 80), ring.offer(2, 4_500, 60))
    assert (seen["state"], seen["reason_code"], seen["price"]) == ("awarded", "best_score", yuan(5_000))
    assert (seen["winner"], seen["next_actor"], seen["deadline"]) == (ring.providers[0].participant_id, None, None)
    assert reasons(seen) == ["won", "outscored", "outscored"]
    assert [offer["score_minor"] for offer in seen["offers"]] == [6_000, 5_000, 1_500]
    orders = (await market.read(ring.buyer, "/orders"))["items"]
    assert [(order["inquiry_id"], order["price"], order["listing_id"]) for order in orders] == [
        (seen["id"], yuan(5_000), ring.listings[0]["id"])
    ]
    contract = await market.read(ring.providers[0], f"/contracts/{orders[0]['contract_id']}")
    assert contract["terms"]["origin"]["inquiry_id"] == seen["id"]
    await market.tick()
    assert len(await market.facts("order_placed")) == 1
    assert (await market.read(ring.buyer, "/inquiries?state=awarded"))["items"] == [seen]
    assert (await market.read(ring.buyer, "/inquiries?state=open"))["items"] == []


async def test_by_first_score_the_winner_is_paid_what_it_asked(ring: Ring):
    offers = (ring.offer(0, 4_000, 100), ring.offer(1, 3_000, 80), ring.offer(2, 0, 69))
    seen = await ring.closed(*offers, scoring=a_rule(award_by="first_score"))
    assert (seen["winner"], seen["price"]) == (ring.providers[2].participant_id, yuan(0))


async def test_nobody_reads_an_offer_before_all_are_opened_together(ring: Ring):
    market = ring.market
    offers = [ring.offer(number, 4_000 + number, 100) for number in range(3)]
    inquiry_id = await ring.inquiry(budget=yuan(9_999))
    for number, offer in enumerate(offers):
        await ring.seal(inquiry_id, number, offer)
    regulator = market.bench.staff("regulator")
    watchers = [ring.buyer, *ring.providers, regulator]
    for phase in ("open", "opening"):
        for who in watchers:
            seen = await ring.see(who, inquiry_id)
            assert (seen["state"], seen["offers"], seen["winner"], seen["price"]) == (phase, None, None, None)
            assert seen["offers_sealed"] == (None if phase == "open" else 3)
            assert (seen["budget"] is None) == (who is not ring.buyer)
            assert (seen["invited"] is None) == (who in ring.providers)
            assert (seen["own_offer"] is None) == (who not in ring.providers)
        told = await market.facts("inquiry_published", "offer_sealed", "offers_ended", "seal_opened")
        assert not any(str(4_000 + number) in str(told) or "9999" in str(told) for number in range(3))
        if phase == "open":
            await market.advance(days=OFFERS_DAYS)
            for number, offer in enumerate(offers):
                await ring.open(inquiry_id, number, offer)
    own = (await ring.see(ring.providers[1], inquiry_id))["own_offer"]
    assert own["opened"] == offers[1]
    await market.advance(days=OPENING_DAYS)
    for who in watchers:
        seen = await ring.see(who, inquiry_id)
        assert [offer["offer"] for offer in seen["offers"]] == offers
        assert (seen["budget"], seen["price"]) == (yuan(9_999), yuan(4_001))
        assert len(seen["invited"]) == 3


async def test_an_inquiry_is_not_there_for_whoever_is_no_party_to_it(ring: Ring):
    market, inquiry_id = ring.market, await ring.inquiry()
    stranger = await market.bench.member("provider", "buyer")
    for answer in (
        await market.bench.get(stranger, f"/trading/v1/inquiries/{inquiry_id}"),
        await market.post(stranger, f"/inquiries/{inquiry_id}/offers", {"commitment": "0" * 64}),
        await market.post(stranger, f"/inquiries/{inquiry_id}/cancel"),
        await market.post(ring.providers[0], f"/inquiries/{InquiryId.new()}/offers", {"commitment": "0" * 64}),
    ):
        assert code(answer) == (404, "no_such_inquiry")
    operator = market.bench.staff("operator_business")
    assert code(await market.bench.get(operator, f"/trading/v1/inquiries/{inquiry_id}")) == (403, "not_your_role")
    assert (await market.read(stranger, "/inquiries"))["items"] == []
    assert code(await market.bench.get(None, "/trading/v1/inquiries")) == (401, "unauthenticated")
    for who in (ring.buyer, *ring.providers, market.bench.staff("regulator")):
        assert [each["id"] for each in (await market.read(who, "/inquiries"))["items"]] == [inquiry_id]


async def test_pages_of_inquiries_are_whole_and_in_order(ring: Ring):
    ids = [await ring.inquiry() for _ in range(3)]
    first = await ring.market.read(ring.providers[0], "/inquiries?limit=2")
    rest = await ring.market.read(ring.providers[0], f"/inquiries?limit=2&cursor={first['next_cursor']}")
    assert [each["id"] for each in (*first["items"], *rest["items"])] == ids[::-1]


async def test_what_may_not_be_asked_is_refused(ring: Ring):
    market = ring.market
    affiliate = await market.bench.member("provider", affiliate_of=ring.buyer)
    kin = await market.bench.member("provider", affiliate_of=ring.providers[0])
    ids = [who.participant_id for who in ring.providers]
    for invited, refused in (
        (ids[:2], (422, "too_few_invited")),
        ([*ids[:2], ids[0]], (422, "invited_twice")),
        ([*ids[:2], ParticipantId.new()], (409, "not_a_provider")),
        ([*ids[:2], (await market.buyer()).participant_id], (409, "not_a_provider")),
        ([*ids, affiliate.participant_id], (403, "related_party")),
        ([*ids, kin.participant_id], (409, "invited_are_related")),
    ):
        assert code(await ring.publish(invited=invited)) == refused
    soon = (market.bench.clock.now() + timedelta(days=OFFERS_DAYS, microseconds=-1)).isoformat()
    assert code(await ring.publish(offers_until=soon)) == (422, "bad_inquiry_times")
    assert code(await ring.publish(scoring=a_rule(per_unit=[]))) == (422, "bad_scoring")
    assert code(await ring.publish(budget_is_open=True)) == (422, "budget_is_none")
    assert code(await market.post(ring.providers[0], "/inquiries", ring.body())) == (403, "not_your_role")
    assert await market.facts("inquiry_published") == []


async def test_an_offer_is_made_once_and_opened_as_it_was_sealed(ring: Ring):
    market, inquiry_id, offer = ring.market, await ring.inquiry(), ring.offer(0, 4_000)
    first = await ring.seal(inquiry_id, 0, offer, key="k" * 10)
    assert (await ring.seal(inquiry_id, 0, offer, key="k" * 10)).json() == first.json(), "the same request once"
    assert code(await ring.seal(inquiry_id, 0, ring.offer(0, 3_999))) == (409, "offer_is_final")
    assert code(await ring.open(inquiry_id, 0, offer)) == (409, "offers_still_taken")
    assert code(await market.post(ring.buyer, f"/inquiries/{inquiry_id}/cancel")) == (409, "offers_were_made")
    for number in (1, 2):
        await ring.seal(inquiry_id, number, ring.offer(number, 4_000))
    await market.advance(days=OFFERS_DAYS)
    assert code(await ring.seal(inquiry_id, 0, offer)) == (409, "offers_closed")
    assert code(await ring.open(inquiry_id, 0, ring.offer(0, 3_999))) == (409, "seal_broken")
    assert (await ring.open(inquiry_id, 0, offer)).status_code == 201
    assert code(await ring.open(inquiry_id, 0, offer)) == (409, "offer_is_final")
    await market.advance(days=OPENING_DAYS)
    assert code(await ring.open(inquiry_id, 1, ring.offer(1, 4_000))) == (409, "opening_over")
    assert len(await market.facts("offer_sealed")) == 3
    assert len(await market.facts("seal_opened")) == 1


async def test_an_offer_is_opened_by_the_moment_though_nobody_has_noticed_the_deadline(ring: Ring):
    inquiry_id, offers = await ring.inquiry(), [ring.offer(number, 4_000) for number in range(3)]
    for number, offer in enumerate(offers):
        await ring.seal(inquiry_id, number, offer)
    ring.market.bench.clock.advance(days=OFFERS_DAYS)
    await ring.market.bench.refresh()
    assert (await ring.open(inquiry_id, 2, offers[2])).json()["state"] == "opening"
    assert [fact["offers"] for fact in await ring.market.facts("offers_ended")] == [3]
    await ring.market.tick()
    assert len(await ring.market.facts("offers_ended")) == 1


async def test_too_few_offers_fail_at_the_deadline_and_none_is_opened(ring: Ring):
    inquiry_id, offer = await ring.inquiry(), ring.offer(0, 4_000)
    await ring.seal(inquiry_id, 0, offer)
    ring.market.bench.clock.advance(days=OFFERS_DAYS)
    await ring.market.bench.refresh()
    assert code(await ring.open(inquiry_id, 0, offer)) == (409, "opening_over")
    await ring.market.tick()
    seen = await ring.see(ring.buyer, inquiry_id)
    assert (seen["state"], seen["reason_code"], seen["offers"]) == ("failed", "too_few_offers", None)
    told = (await ring.market.facts("inquiry_closed"))[0]
    assert (told["openings"], told["unopened"]) == ([], [ring.providers[0].participant_id])


async def test_one_offer_is_enough_where_the_buyer_said_so(ring: Ring):
    seen = await ring.closed(ring.offer(0, 4_000), scoring=a_rule(few_offers="proceeds", reserve_score_minor=5_500))
    assert (seen["state"], seen["price"], seen["valid_offers"]) == ("awarded", yuan(4_500), 1)


async def test_an_offer_that_is_not_opened_is_told_to_count_for_nothing(ring: Ring):
    offers = [ring.offer(number, 4_000) for number in range(3)]
    inquiry_id = await ring.sealed(*offers)
    for number in (0, 2):
        await ring.open(inquiry_id, number, offers[number])
    await ring.market.advance(days=OPENING_DAYS)
    seen = await ring.see(ring.providers[1], inquiry_id)
    assert (seen["state"], seen["reason_code"]) == ("failed", "too_few_valid_offers")
    assert reasons(seen) == ["too_few_valid_offers", "not_opened", "too_few_valid_offers"]
    assert seen["offers"][1]["offer"] is None
    assert (await ring.market.read(ring.buyer, "/orders"))["items"] == []


async def test_every_loser_is_told_which_requirement_or_limit_it_missed(ring: Ring):
    fresh = {"attribute": "freshness_days", "at_most": 30}
    await ring.provider()
    offers = [
        ring.offer(number, price, answers=[
            {"attribute": "quality", "value": quality}, {"attribute": "freshness_days", "value": days},
        ])
        for number, (price, quality, days) in enumerate([(4_000, 100, 31), (5_001, 100, 30), (4_000, 100, 30)])
    ]  # fmt: skip
    short = ring.offer(3, 1)
    seen = await ring.closed(
        *offers, short, budget=yuan(5_000), budget_is_open=True,
        scoring=a_rule(requirements=[fresh], few_offers="proceeds"),
    )  # fmt: skip
    told = [(offer["reason_code"], offer["attribute"]) for offer in seen["offers"]]
    assert told == [
        ("requirement_not_met", "freshness_days"), ("above_budget", None), ("won", None), ("answers_do_not_fit", None),
    ]  # fmt: skip
    assert seen["price"] == yuan(5_000), "the budget caps what a lone offer is paid"


async def test_a_listing_that_does_not_answer_what_was_asked_wins_nothing(ring: Ring):
    market = ring.market
    other = await ring.listing(ring.providers[0], right=RIGHT_ELSEWHERE)
    offers = [
        ring.offer(0, 1, listing_id=other["id"]), ring.offer(1, 1, listing_id=ring.listings[2]["id"]),
        ring.offer(2, 1, listing_id=ListingId.new()),
    ]  # fmt: skip
    seen = await ring.closed(*offers)
    assert reasons(seen) == ["territory_differs", "listing_of_another", "no_such_listing"]
    assert (seen["state"], seen["reason_code"], seen["valid_offers"]) == ("failed", "no_valid_offers", 0)
    assert await market.facts("order_placed") == []


RIGHT_ELSEWHERE = {"kind": "unlimited", "field": "air_travel", "territory": "SG", "period_days": 365}


async def test_a_grade_that_rose_meanwhile_passes_the_award_on(market: Market):
    ring = await a_ring(market, clearance=C2)
    offers = [ring.offer(number, 4_000, 100 - number) for number in range(3)]
    inquiry_id = await ring.opened(*offers, scoring=a_rule(few_offers="proceeds"))
    market.neighbours.raise_grade(ring.version_of(0), Grade.G3)
    market.neighbours.raise_grade(ring.version_of(1), Grade.G4)
    await market.advance(days=OPENING_DAYS)
    seen = await ring.see(ring.buyer, inquiry_id)
    assert reasons(seen) == ["clearance_too_low", "listing_not_open", "won"]
    assert seen["winner"] == ring.providers[2].participant_id
    order = (await market.read(ring.buyer, "/orders"))["items"][0]
    grading = (await market.read(ring.buyer, f"/contracts/{order['contract_id']}"))["terms"]["grading"]
    assert (grading["grade"], grading["buyer_clearance"]) == ("G2", "C2")


async def test_offers_of_those_who_turn_out_to_be_related_both_fall_away(ring: Ring):
    offers = [ring.offer(number, 4_000, 100 - number) for number in range(3)]
    inquiry_id = await ring.opened(*offers, scoring=a_rule(few_offers="proceeds"))
    one, two = (who.participant_id for who in ring.providers[:2])
    assert one and two
    await ring.market.bench.announce(AffiliationDeclared(two, one))
    await ring.market.advance(days=OPENING_DAYS)
    assert reasons(await ring.see(ring.buyer, inquiry_id)) == ["related_to_another_offer"] * 2 + ["won"]


async def test_an_exclusive_right_that_two_inquiries_award_is_sold_once(market: Market):
    ring = Ring(market, await market.buyer())
    right = {"kind": "exclusive", "field": "air_travel", "territory": "CN", "period_days": 365}
    for _ in range(3):
        await ring.provider(right=right)
    offers = [ring.offer(number, 4_000, 100 - number) for number in range(3)]
    changes = {"right": right, "scoring": a_rule(few_offers="proceeds")}
    ids = [await ring.inquiry(**changes) for _ in range(2)]
    for act, days in ((ring.seal, OFFERS_DAYS), (ring.open, OPENING_DAYS)):
        for inquiry_id in ids:
            for number, offer in enumerate(offers):
                assert (await act(inquiry_id, number, offer)).status_code == 201
        await market.advance(days=days)
    seen = [await ring.see(ring.buyer, inquiry_id) for inquiry_id in ids]
    assert sorted(reasons(each)[0] for each in seen) == ["listing_not_open", "won"]
    assert sorted(each["winner"] for each in seen) == sorted(str(who.participant_id) for who in ring.providers[:2])
    assert (await market.read(ring.providers[0], f"/listings/{ring.listings[0]['id']}"))["state"] == "sold"


async def test_two_who_close_at_once_make_one_order(ring: Ring):
    inquiry_id = await ring.opened(*(ring.offer(number, 4_000) for number in range(3)))
    ring.market.bench.clock.advance(days=OPENING_DAYS)
    await ring.market.bench.refresh()
    trading = ring.market.trading
    await asyncio.gather(*(actions.move_on(trading, InquiryId(inquiry_id)) for _ in range(4)), return_exceptions=True)
    await jobs.tick(trading)
    assert len(await ring.market.facts("inquiry_closed")) == 1
    assert len((await ring.market.read(ring.buyer, "/orders"))["items"]) == 1


async def test_of_many_offers_of_one_provider_at_once_one_is_made(ring: Ring):
    inquiry_id = await ring.inquiry()
    offers = (ring.seal(inquiry_id, 0, ring.offer(0, price)) for price in range(4_000, 4_006))
    answers = Counter(answer.status_code for answer in await asyncio.gather(*offers))
    assert answers[201] == 1
    assert answers.keys() <= {201, 409, 503}
    assert len(await ring.market.facts("offer_sealed")) == 1


async def test_providers_who_offer_at_once_are_numbered_without_a_gap(ring: Ring):
    inquiry_id = await ring.inquiry()
    waiting = [0, 1, 2]
    for _ in range(BUSY_TRIES_MAX):
        answers = await asyncio.gather(*(ring.seal(inquiry_id, each, ring.offer(each, 4_000)) for each in waiting))
        waiting = [each for each, answer in zip(waiting, answers, strict=True) if answer.status_code == 503]
    assert sorted(fact["sequence"] for fact in await ring.market.facts("offer_sealed")) == [1, 2, 3]


async def test_a_buyer_calls_off_what_nobody_has_offered_to(ring: Ring):
    market, inquiry_id = ring.market, await ring.inquiry(budget=yuan(9_999))
    seen = await market.do(ring.buyer, f"/inquiries/{inquiry_id}/cancel")
    assert (seen["state"], seen["reason_code"], seen["deadline"]) == ("cancelled", "by_buyer", None)
    assert (await ring.see(ring.providers[0], inquiry_id))["budget"] is None, "what is called off stays sealed"
    assert code(await ring.seal(inquiry_id, 0, ring.offer(0, 1))) == (409, "offers_closed")
    await market.advance(days=OFFERS_DAYS)
    assert await market.facts("inquiry_closed") == []


async def test_an_inquiry_from_before_it_named_whom_it_invited_names_them_with_the_next_tick(ring: Ring):
    named, other = await ring.inquiry(), await ring.inquiry()
    database = ring.market.trading.database
    everyone = [provider.participant_id for provider in ring.providers]
    async with database.transaction() as tx:
        await tx.execute(update(inquiries).where(inquiries.c.id == named).values(invited=null()))
    await jobs.tick(ring.market.trading)
    async with database.read() as tx:
        found = {row.id: row.invited for row in await tx.execute(select(inquiries.c.id, inquiries.c.invited))}
    assert {key: sorted(invited) for key, invited in found.items()} == dict.fromkeys((named, other), sorted(everyone))

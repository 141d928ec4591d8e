"""Auctions over HTTP: who may bid, what is told to whom, and what many do at once."""

import asyncio
import json
from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import Engine, event, text

from services.trading import jobs
from shared.grades import C1, C2, Grade
from shared.ids import AuctionId, ListingId
from tests.support.bench import ParticipantSuspended, Person
from tests.support.migrated import by_administrator
from tests.trading.market import AUCTION_DAYS, DEPOSIT, START, STEP, Market, code, yuan


async def test_an_auction_is_opened_bid_on_and_sold_at_one_step_above_the_second(market: Market):
    auction_id = await market.auction()
    ana, ben = await market.bidder(auction_id), await market.bidder(auction_id)
    first = (await market.bid(ana, auction_id, 20_000)).json()
    second = (await market.bid(ben, auction_id, 15_000)).json()
    assert (first["sequence"], first["price_after"]["minor"], first["leading"]) == (1, START, True)
    assert (second["sequence"], second["price_after"]["minor"], second["leading"]) == (2, 16_000, False)
    assert await market.wallet(ana) == await market.wallet(ben) == (100_000 - DEPOSIT, DEPOSIT)

    await market.advance(days=AUCTION_DAYS)
    sold = await market.read(None, f"/auctions/{auction_id}")
    assert (sold["state"], sold["price"]["minor"], sold["winner"]) == ("sold", 16_000, ana.participant_id)
    order = (await market.read(ana, "/orders"))["items"][0]
    assert (order["state"], order["price"]["minor"], order["auction_id"]) == ("awaiting_signatures", 16_000, auction_id)
    assert await market.wallet(ana) == (100_000 - DEPOSIT, DEPOSIT)
    assert await market.wallet(ben) == (100_000, 0), "the loser's deposit is free in the closing commit"


async def test_registration_asks_for_clearance(market: Market):
    auction_id, low, high = await market.auction(), await market.buyer(5_000, C1), await market.buyer(5_000, C2)
    path = f"/auctions/{auction_id}/registrations"
    assert code(await market.post(low, path)) == (403, "clearance_too_low")
    assert (await market.post(high, path)).json()["bidder_number"] == 1


async def test_registration_asks_for_the_deposit_once(market: Market):
    auction_id, poor, ana = await market.auction(), await market.buyer(DEPOSIT - 1), await market.buyer(DEPOSIT)
    path = f"/auctions/{auction_id}/registrations"
    refused = await market.post(poor, path)
    assert (code(refused), refused.json()["available_minor"]) == ((409, "insufficient_funds"), DEPOSIT - 1)
    assert (await market.post(ana, path, key="the-same-key")).json()["bidder_number"] == 1
    assert (await market.post(ana, path, key="the-same-key")).json()["bidder_number"] == 1
    assert code(await market.post(ana, path)) == (409, "already_registered")
    assert await market.wallet(ana) == (0, DEPOSIT)


async def test_provider_affiliates_and_staff_hold_no_bid(market: Market):
    both = await market.bench.member("buyer", "provider", signs=True)
    market.provider = both
    auction_id = await market.auction()
    affiliate = await market.buyer(5_000, affiliate_of=both)
    for related in (both, affiliate):
        assert code(await market.post(related, f"/auctions/{auction_id}/registrations")) == (403, "related_party")
        assert code(await market.bid(related, auction_id, 20_000)) == (403, "related_party")
    staff = market.bench.staff("operator_business", "buyer")
    assert code(await market.bid(staff, auction_id, 20_000)) == (403, "not_admitted")


async def test_nobody_buys_of_a_provider_who_is_not_admitted_any_more(market: Market):
    auction_id = await market.auction()
    ana, ben = await market.bidder(auction_id), await market.buyer(5_000)
    await market.bid(ana, auction_id, 20_000)
    assert market.provider.participant_id
    await market.bench.announce(ParticipantSuspended(market.provider.participant_id, "fraud"))
    refused = [
        await market.bid(ana, auction_id, 30_000), await market.post(ben, f"/auctions/{auction_id}/registrations")
    ]  # fmt: skip
    assert [(code(each), each.json()["reason_code"]) for each in refused] == [
        ((409, "listing_not_open"), "provider_not_admitted")
    ] * 2
    assert code(await market.open_auction({"id": ListingId.new()})) == (403, "not_admitted")
    await market.advance(days=AUCTION_DAYS)
    await market.advance(days=5)
    order = (await market.read(ana, "/orders"))["items"][0]
    assert (order["state"], order["reason_code"]) == ("lapsed", "not_signed")
    assert await market.wallet(ana) == (100_000, 0)


async def test_every_refused_bid_says_why_and_changes_nothing(market: Market):
    auction_id, stranger = await market.auction(), await market.buyer()
    ana, ben = await market.bidder(auction_id), await market.bidder(auction_id)
    await market.bid(ana, auction_id, 20_000)
    before = await market.read(None, f"/auctions/{auction_id}")
    low = await market.bid(ben, auction_id, START + STEP - 1)
    assert (code(low), low.json()["floor_minor"]) == ((409, "bid_too_low"), START + STEP)
    assert code(await market.bid(ana, auction_id, 20_000)) == (409, "own_maximum_not_raised")
    assert code(await market.bid(stranger, auction_id, 20_000)) == (409, "not_registered")
    assert code(await market.bid(ben, AuctionId.new(), 20_000)) == (404, "no_such_auction")
    for wrong in (0, -1, 10**15 + 1, 1.5, "20000", True):
        body = {"maximum": {"minor": wrong, "currency": "CNY"}}
        assert (await market.post(ben, f"/auctions/{auction_id}/bids", body)).status_code == 422
    await market.bench.announce(ParticipantSuspended(ben.participant_id, "review"))  # pyright: ignore[reportArgumentType]
    assert code(await market.bid(ben, auction_id, 30_000)) == (403, "not_admitted")
    assert await market.read(None, f"/auctions/{auction_id}") == before


async def test_the_moment_of_the_bid_decides_not_the_job(market: Market):
    auction_id = await market.auction()
    ana = await market.bidder(auction_id)
    closes_at = datetime.fromisoformat((await market.read(None, f"/auctions/{auction_id}"))["closes_at"])
    for late in (timedelta(0), timedelta(microseconds=1), timedelta(microseconds=-1)):
        market.bench.clock.set(closes_at + late)
        await market.bench.refresh()
        expected = (201, None) if late < timedelta(0) else (409, "auction_closed")
        assert code(await market.bid(ana, auction_id, 20_000)) == expected


async def test_a_late_bid_extends_the_auction_and_the_early_close_waits(market: Market):
    auction_id = await market.auction()
    ana = await market.bidder(auction_id)
    await market.advance(days=AUCTION_DAYS, seconds=-60)
    bid = (await market.bid(ana, auction_id, 20_000)).json()
    await market.advance(seconds=60)
    seen = await market.read(None, f"/auctions/{auction_id}")
    assert (seen["state"], seen["extensions"], seen["closes_at"]) == ("open", 1, bid["closes_at"])
    await market.advance(seconds=240)
    assert (await market.read(None, f"/auctions/{auction_id}"))["state"] == "sold"


async def test_the_same_bid_sent_twice_is_one_bid(market: Market):
    auction_id = await market.auction()
    ana = await market.bidder(auction_id)
    first, again = [await market.bid(ana, auction_id, 20_000, "one-and-the-same") for _ in range(2)]
    assert first.json() == again.json()
    assert code(await market.bid(ana, auction_id, 21_000, "one-and-the-same")) == (422, "key_reused")
    assert len((await market.read(None, f"/auctions/{auction_id}/bids"))["items"]) == 1


async def test_maxima_show_to_their_owner_alone_and_bidders_as_numbers(market: Market):
    opened = await market.open_auction(reserve_price=yuan(55_555))
    auction_id = opened.json()["id"]
    ana, ben = await market.bidder(auction_id), await market.bidder(auction_id)
    answers = [await market.bid(who, auction_id, minor) for who, minor in ((ana, 23_456), (ben, 34_567), (ana, 1))]
    assert ["23456" in answer.text for answer in answers] == [True, False, False]
    operator, regulator = market.bench.staff("operator_business"), market.bench.staff("regulator")
    path = f"/trading/v1/auctions/{auction_id}"
    for who in (None, ana, ben, market.provider, operator, regulator):
        everywhere = (path, f"{path}/bids", "/trading/v1/auctions", "/trading/v1/listings")
        told = [(await market.bench.get(who, each)).text for each in everywhere]
        assert not any(str(each.participant_id) in text for each in (ana, ben) for text in told)
        assert not any("55555" in text for text in told)
        assert [number in "".join(told) for number in ("23456", "34567")] == [who is ana, who is ben]
    lines = "".join(change.line for change in await market.bench.cores["trading"].feed.after({}))
    assert not any(secret in opened.text + lines for secret in ("23456", "34567", "55555"))
    await market.advance(days=AUCTION_DAYS)
    after = [(await market.bench.get(ben, each)).text for each in (path, f"{path}/bids")]
    assert json.loads(after[0])["reason_code"] == "reserve_not_met"
    assert not any(secret in text for secret in ("23456", "55555") for text in after)


async def test_an_auction_nobody_bids_in_ends_unsold_with_every_deposit_free(market: Market):
    auction_id = await market.auction()
    ana = await market.bidder(auction_id)
    await market.advance(days=AUCTION_DAYS)
    seen = await market.read(None, f"/auctions/{auction_id}")
    assert (seen["state"], seen["reason_code"], seen["winner"]) == ("unsold", "no_bids", None)
    assert await market.wallet(ana) == (100_000, 0)
    again = await market.open_auction({"id": seen["listing_id"]})
    assert again.status_code == 201, "what did not sell can be auctioned again"


async def test_a_provider_cancels_before_the_first_bid_and_not_after(market: Market):
    listing = await market.listing()
    auction_id = await market.auction(listing)
    ana = await market.bidder(auction_id)
    assert code(await market.open_auction(listing)) == (409, "listing_not_open")
    assert code(await market.post(market.provider, f"/listings/{listing['id']}/delist")) == (409, "listing_not_open")
    assert (await market.do(market.provider, f"/auctions/{auction_id}/cancel"))["state"] == "cancelled"
    assert await market.wallet(ana) == (100_000, 0)
    other = await market.auction(listing)
    await market.do(ana, f"/auctions/{other}/registrations")
    await market.bid(ana, other, 20_000)
    assert code(await market.post(market.provider, f"/auctions/{other}/cancel")) == (409, "bids_were_placed")


REFUSED_TERMS: list[tuple[dict[str, Any], str]] = [
    ({"increments": [{"from_minor": 0, "step_minor": 0}]},      "bad_increments"),
    ({"deposit": yuan(499)},                                    "deposit_out_of_range"),
    ({"reserve_price": yuan(START - 1)},                        "reserve_below_start"),
    ({"closes_at": "2030-01-01T01:00:00+00:00"},                "bad_times"),
    ({"closes_at": "2029-12-31T00:00:00Z"},                     "bad_times"),
    ({"closes_at": "2199-12-31T23:59:59Z"},                     "bad_times"),
    ({"opens_at": "2029-12-31T23:59:59.999999Z"},               "bad_times"),
    ({"opens_at": "2030-01-02T23:00:00Z"},                      "bad_times"),
    ({"closes_at": "2030-01-05T00:00:00"},                      "malformed"),
    ({"closes_at": "2030-02-30T00:00:00Z"},                     "malformed"),
    ({"closes_at": "2030-01-05T24:00:00Z"},                     "malformed"),
    ({"closes_at": "2030-01-05T23:59:60Z"},                     "malformed"),
    ({"closes_at": "0001-01-01T00:00:00+14:00"},                "malformed"),
    ({"closes_at": "9999-12-31T23:59:59-14:00"},                "malformed"),
    ({"opens_at": "0001-01-01T00:00:00+14:00"},                 "malformed"),
    ({"closes_at": 1893628800},                                 "malformed"),
    ({"closes_at": "1893628800"},                               "malformed"),
    ({"start_price": {"minor": 1.0, "currency": "CNY"}},        "malformed"),
    ({"start_price": {"minor": 10_000, "currency": "USD"}},     "malformed"),
    ({"unheard_of": 1},                                         "malformed"),
]  # fmt: skip


async def test_terms_that_are_refused(market: Market):
    listing = await market.listing()
    for changes, refused in REFUSED_TERMS:
        assert code(await market.open_auction(listing, **changes)) == (422, refused), changes
    assert (await market.read(None, "/auctions"))["items"] == []


async def test_of_fifty_at_once_one_leads_and_the_bids_are_numbered_without_a_gap(market: Market):
    auction_id = await market.auction()
    people = [await market.bench.member("buyer") for _ in range(50)]
    await market.give_money(*people, minor=DEPOSIT)
    await asyncio.gather(*(market.do(each, f"/auctions/{auction_id}/registrations") for each in people))
    wanted = {person.subject: START + STEP * (index * 7 % 50) for index, person in enumerate(people)}
    answers = await asyncio.gather(*(_keep_trying(market, each, auction_id, wanted[each.subject]) for each in people))
    assert Counter(answer.status_code for answer in answers).keys() <= {201, 409}

    bids = (await market.bench.get(None, f"/trading/v1/auctions/{auction_id}/bids?limit=100")).json()["items"]
    accepted = [answer.json() for answer in answers if answer.status_code == 201]
    assert [bid["sequence"] for bid in bids] == list(range(1, len(accepted) + 1))
    seen = await market.read(None, f"/auctions/{auction_id}")
    in_order = sorted(accepted, key=lambda bid: bid["sequence"])
    best = max(in_order, key=lambda bid: (bid["maximum"]["minor"], -bid["sequence"]))
    second = sorted(bid["maximum"]["minor"] for bid in accepted)[-2]
    assert best["maximum"]["minor"] == max(wanted.values()), "the highest maximum always reaches the floor"
    assert seen["leading_bidder_number"] == best["bidder_number"]
    assert seen["price"]["minor"] == min(best["maximum"]["minor"], second + STEP)
    await market.advance(days=AUCTION_DAYS)
    held = [(await market.wallet(each))[1] for each in people]
    assert sorted(held) == [0] * 49 + [DEPOSIT], "no deposit is left behind but the winner's"


async def test_of_two_hundred_equal_bids_at_once_one_leads_and_no_deposit_is_left_behind(market: Market):
    auction_id = await market.auction()
    people = [await market.bench.member("buyer") for _ in range(200)]
    await market.give_money(*people, minor=DEPOSIT)
    for each in people:
        await market.do(each, f"/auctions/{auction_id}/registrations")
    answers = await asyncio.gather(*(_keep_trying(market, each, auction_id, START + STEP) for each in people))
    codes = Counter(code(answer) for answer in answers)
    assert codes == {(201, None): 2, (409, "bid_too_low"): 198}, "the second equal bid raises the price to itself"
    seen = await market.read(None, f"/auctions/{auction_id}")
    first = next(each.json() for each in answers if each.status_code == 201 and each.json()["leading"])
    assert (first["sequence"], seen["leading_bidder_number"]) == (1, first["bidder_number"])
    assert (seen["price"]["minor"], seen["bids"]) == (START + STEP, 2)
    await market.advance(days=AUCTION_DAYS)
    assert Counter([await market.wallet(each) for each in people]) == {(0, DEPOSIT): 1, (DEPOSIT, 0): 199}


async def test_bids_that_arrive_together_are_written_together(market: Market):
    auctions = [await market.auction() for _ in range(2)]
    bidders = [(each, await market.bidder(each)) for each in auctions for _ in range(15)]
    written: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        if statement.startswith(("INSERT INTO bids", "UPDATE auctions", "INSERT INTO idempotency_answers")):
            written.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        placed = [market.bid(who, each, START + STEP * n) for n, (each, who) in enumerate(bidders, 1)]
        answers = await asyncio.gather(*placed)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    accepted = sum(answer.status_code == 201 for answer in answers)
    assert accepted >= 4 and {answer.status_code for answer in answers} <= {201, 409}
    assert len(written) < 3 * accepted, "where each bid by itself takes three"


async def test_a_bid_that_the_database_refuses_fails_alone(market: Market):
    auction_id = await market.auction()
    ana, ben, eve = [await market.bidder(auction_id) for _ in range(3)]
    async with by_administrator(market.trading.database) as tx:
        await tx.execute(text(REFUSE[tx.dialect.name]))
        if tx.dialect.name == "postgresql":
            await tx.execute(text(REFUSING))
    maxima = ((ana, 20_000), (eve, UNLUCKY), (ben, 40_000))
    answers = await asyncio.gather(*(market.bid(who, auction_id, minor) for who, minor in maxima))
    assert [answer.status_code for answer in answers] == [201, 500, 201]
    bids = (await market.read(None, f"/auctions/{auction_id}/bids"))["items"]
    assert [bid["sequence"] for bid in bids] == [1, 2]


UNLUCKY = 31_313
REFUSE = {
    "sqlite": f"CREATE TRIGGER refuse BEFORE INSERT ON bids WHEN NEW.maximum_minor = {UNLUCKY} "
    "BEGIN SELECT RAISE(ABORT, 'unlucky'); END",
    "postgresql": "CREATE FUNCTION refuse_one() RETURNS trigger LANGUAGE plpgsql AS "
    f"$$ BEGIN IF NEW.maximum_minor = {UNLUCKY} THEN RAISE EXCEPTION 'unlucky'; END IF; RETURN NEW; END $$",
}
REFUSING = "CREATE TRIGGER refuse BEFORE INSERT ON bids FOR EACH ROW EXECUTE FUNCTION refuse_one()"


async def test_a_bid_and_the_close_at_the_same_time_never_both_happen(market: Market):
    auction_id = await market.auction()
    ana, ben = await market.bidder(auction_id), await market.bidder(auction_id)
    await market.bid(ana, auction_id, 20_000)
    market.bench.clock.advance(days=AUCTION_DAYS)
    await market.bench.refresh()
    closing = [jobs.tick(market.trading) for _ in range(3)]
    late, *_ = await asyncio.gather(_keep_trying(market, ben, auction_id, 40_000), *closing)
    assert code(late) == (409, "auction_closed")
    assert len(await market.facts("auction_closed")) == len(await market.facts("order_placed")) == 1


async def test_what_a_stranger_may_not_see_of_an_auction_is_not_there(market: Market):
    hidden = await market.auction(await market.listing(grade=Grade.G3))
    assert (await market.bench.get(None, f"/trading/v1/auctions/{hidden}")).status_code == 200
    version = market.neighbours.version(market.provider.participant_id, Grade.G4)  # pyright: ignore[reportArgumentType]
    listing = (await market.list_it(version, mode="compute")).json()
    secret = await market.auction(listing)
    absent = await market.bench.get(None, f"/trading/v1/auctions/{AuctionId.new()}")
    stranger = await market.buyer(DEPOSIT, clearance=C2)
    for path in (f"/auctions/{secret}", f"/auctions/{secret}/bids"):
        answer = await market.bench.get(stranger, f"/trading/v1{path}")
        assert code(answer) == code(absent) == (404, "no_such_auction")
    assert code(await market.post(stranger, f"/auctions/{secret}/registrations")) == code(absent)
    assert code(await market.bid(stranger, secret, 20_000)) == code(absent)
    assert (await market.read(market.provider, f"/auctions/{secret}"))["id"] == secret
    assert secret not in str(await market.read(None, "/auctions"))


async def _keep_trying(market: Market, who: Person, auction_id: str, minor: int) -> Any:
    """As a client does: the same key again while the database is busy."""
    key = uuid4().hex
    answer = await market.bid(who, auction_id, minor, key)
    for _ in range(20):
        if answer.status_code != 503:
            break
        answer = await market.bid(who, auction_id, minor, key)
    return answer

"""The demo's story under a told clock: the same steps, on both databases, with the legal windows."""

from datetime import timedelta

from services.demo import bidding, deals, proof, shelves
from services.demo.people import refusal
from services.demo.shelves import AIRPORTS, ALPHA, AVIATION, BETA, GAMMA
from services.trading.actions.ledger_check import LedgerCheck
from services.trading.rules import ledger
from services.trading.rules.ledger import Transfer
from services.trading.store import ledger as ledger_store
from shared.ids import FactId, OrderId, TransferId
from shared.metrics import Metrics
from shared.money import Money
from tests.journeys.conftest import ON_SQLITE
from tests.support.whole import WholeMarket

DEPOSITS = 2 * bidding.DEPOSIT


async def an_auction_of_airports(market: WholeMarket) -> None:
    """Up to two bidders with their deposits held, and an auction open for two days."""
    await shelves.open_market(market)
    await shelves.admit_participants(market)
    await shelves.bring_airports(market)
    await shelves.grade(market, AIRPORTS)
    await shelves.register(market, AIRPORTS)
    await bidding.open_auction(market, market.clock.now() + timedelta(days=2))
    await bidding.pay_in(market)
    await bidding.register_bidders(market)


async def sold_to_beta(market: WholeMarket) -> None:
    """Beta wins at Alpha's maximum and a step."""
    await an_auction_of_airports(market)
    auction = market.things["auction"]
    for who, maximum in ((ALPHA, bidding.SECOND_MAXIMUM), (BETA, bidding.WINNING_MAXIMUM)):
        body = {"maximum": {"minor": maximum, "currency": "CNY"}}
        await market.people[who].post(f"/trading/v1/auctions/{auction}/bids", body)
    await market.advance(days=2)
    market.report["auction"] = {}
    await shelves.log_in_again(market)
    await bidding.close(market)


async def wallet(market: WholeMarket, who: str) -> tuple[int, int]:
    """What is available and what is held, in fen."""
    wallet = await market.people[who].get("/trading/v1/wallet")
    return wallet["available"]["minor"], wallet["held"]["minor"]


async def the_order(market: WholeMarket) -> dict[str, object]:
    return await market.people[BETA].get(f"/trading/v1/orders/{market.things['order']}")


async def test_a_sale_ends_settled_and_every_fen_is_accounted_for(market: WholeMarket):
    await sold_to_beta(market)
    await deals.sign_contract(market)
    await deals.pay(market)
    await deals.receive(market)
    await deals.accept(market)
    await market.settle()
    await deals.settle(market)
    price = bidding.SECOND_MAXIMUM + bidding.STEP
    assert market.report["settlement"] == {
        "price_minor": price, "provider_minor": 1_201_851, "fee_minor": 30_864, "tax_minor": 1_852,
    }  # fmt: skip
    assert await wallet(market, BETA) == (bidding.PAID_IN[BETA] - price, 0)
    assert await wallet(market, ALPHA) == (bidding.PAID_IN[ALPHA], 0)
    balance = await market.people["regulator"].get("/trading/v1/ledger/trial-balance")
    assert set(balance["totals_minor"].values()) == {0} and not balance["drifting_accounts"]
    await the_check_finds_what_is_left_in_escrow(market)
    await proof.export_bundle(market)
    await proof.verify_bundle(market)


async def the_check_finds_what_is_left_in_escrow(market: WholeMarket) -> None:
    """Nothing after a sale; and what somebody put there by hand."""
    database = market.inside.cores["trading"].database
    check = LedgerCheck(database, market.clock, Metrics("trading"))

    def found() -> tuple[float | None, float | None]:
        told = ("yaosu_ledger_difference_minor", "yaosu_ledger_escrow_left_minor")
        difference, left = (check.metrics.registry.get_sample_value(name, {"currency": "CNY"}) for name in told)
        return difference, left

    await check.look()
    assert found() == (0, 0)
    escrow = ledger.escrow(OrderId(market.things["order"]), "CNY")
    misled = Transfer(TransferId.new(), ledger.bank("CNY"), escrow, Money(9))
    async with database.transaction() as tx:
        await ledger_store.add_transfers(tx, {FactId.new(): [misled]}, market.clock.now())
    await check.look()
    assert found() == (0, 9)


@ON_SQLITE
async def test_what_the_buyer_does_not_answer_is_accepted_at_the_deadline(market: WholeMarket):
    await sold_to_beta(market)
    await deals.sign_contract(market)
    await deals.pay(market)
    await deals.receive(market)
    await market.advance(days=8)
    await shelves.log_in_again(market)
    assert (await the_order(market))["state"] == "settled"
    assert (await wallet(market, AVIATION))[0] == 1_201_851


async def test_a_winner_who_does_not_pay_forfeits_the_deposit_to_the_provider(market: WholeMarket):
    await sold_to_beta(market)
    await deals.sign_contract(market)
    await market.advance(days=30)
    await shelves.log_in_again(market)
    order = await the_order(market)
    assert (order["state"], order["reason_code"]) == ("defaulted", "payment_overdue")
    assert await wallet(market, BETA) == (bidding.PAID_IN[BETA] - bidding.DEPOSIT, 0)
    assert (await wallet(market, AVIATION))[0] == bidding.DEPOSIT


@ON_SQLITE
async def test_what_is_paid_and_never_delivered_is_refunded_at_the_deadline(market: WholeMarket):
    await sold_to_beta(market)
    await deals.sign_contract(market)
    await deals.pay(market)
    await market.advance(days=60)
    await shelves.log_in_again(market)
    assert (await the_order(market))["state"] == "refunded"
    assert await wallet(market, BETA) == (bidding.PAID_IN[BETA], 0)
    assert GAMMA in market.people


@ON_SQLITE
async def test_a_withdrawn_asset_is_offered_no_more_and_every_deposit_is_free(market: WholeMarket):
    await an_auction_of_airports(market)
    await market.people[AVIATION].post(f"/catalog/v1/assets/{market.things[AIRPORTS]['asset_id']}/withdraw")
    await market.settle()
    auction = await market.people[BETA].get(f"/trading/v1/auctions/{market.things['auction']}")
    assert (auction["state"], auction["reason_code"]) == ("cancelled", "asset_withdrawn")
    listing = await market.people[BETA].get(f"/trading/v1/listings/{auction['listing_id']}")
    assert (listing["state"], listing["reason_code"]) == ("delisted", "asset_withdrawn")
    assert [await wallet(market, who) for who in (ALPHA, BETA)] == [(bidding.PAID_IN[who], 0) for who in (ALPHA, BETA)]


@ON_SQLITE
async def test_what_was_bought_is_delivered_though_its_asset_was_withdrawn_since(market: WholeMarket):
    await sold_to_beta(market)
    await market.people[AVIATION].post(f"/catalog/v1/assets/{market.things[AIRPORTS]['asset_id']}/withdraw")
    await market.settle()
    await deals.sign_contract(market)
    await deals.pay(market)
    await deals.receive(market)
    assert (await the_order(market))["state"] == "awaiting_acceptance"


async def test_a_raised_grade_stops_the_delivery_of_what_was_paid_for(market: WholeMarket):
    await sold_to_beta(market)
    await deals.sign_contract(market)
    await deals.pay(market)
    version_id = market.things[AIRPORTS]["version_id"]
    raised = {
        "impacts": [{"object": "economy", "degree": "serious", "rationale": "合并后可反映关键运力"}],
        "reason": "重新评估",
    }
    await market.people["business"].post(f"/catalog/v1/versions/{version_id}/raise-grade", raised)
    await market.settle()
    order = await the_order(market)
    entitlement = await market.people[BETA].get(f"/trading/v1/entitlements/{order['entitlement_id']}")
    assert entitlement["state"] == "suspended"
    code = await refusal(market.people[BETA].download(
        f"/delivery/v1/entitlements/{order['entitlement_id']}/content"
    ))  # fmt: skip
    assert code == "entitlement_not_active"

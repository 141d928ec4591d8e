"""Liveness: whatever everyone has left alone, at whichever step, comes to an end by its deadlines."""

from sqlalchemy import select

from services.trading.rules.auction import AUCTION
from services.trading.rules.contract import CONTRACT
from services.trading.rules.entitlement import ENTITLEMENT
from services.trading.rules.hold import HOLD
from services.trading.rules.instruction import INSTRUCTION
from services.trading.rules.listing import LISTING
from services.trading.rules.order import ORDER
from services.trading.tables import deals, money
from shared.grades import Grade
from shared.ids import PlanId
from tests.trading.market import AUCTION_DAYS, Market

KEPT = {
    deals.listings: LISTING, deals.auctions: AUCTION, deals.orders: ORDER, deals.contracts: CONTRACT,
    deals.entitlements: ENTITLEMENT, money.holds: HOLD, money.instructions: INSTRUCTION,
}  # fmt: skip


async def still_open(market: Market) -> dict[str, int]:
    """How many of each are not at their end."""
    found = dict[str, int]()
    async with market.trading.database.read() as tx:
        for table, lifecycle in KEPT.items():
            open_ones = select(table.c.id).where(table.c.state.in_(lifecycle.open_states()))
            found[table.name] = len(list(await tx.scalars(open_ones)))
    return found


async def test_everything_that_is_left_alone_comes_to_its_end(market: Market):
    await market.listing()
    await market.listing(plan_id=PlanId.new(), kind="unlimited")
    await market.won()  # and never signed
    buyer, unpaid = await market.won()
    await market.signed(buyer, unpaid)
    await market.paid()  # and never received
    for grade in (Grade.G2, Grade.G4):  # received and never accepted; and the second forbidden after that
        buyer, order = await market.paid()
        await market.use(buyer, order)
        listing = await market.read(market.provider, f"/listings/{order['listing_id']}")
        market.neighbours.raise_grade(listing["version_id"], grade)
    empty = await market.auction()
    led = await market.auction()
    await market.bidder(empty)
    await market.bid(await market.bidder(led), led, 20_000)
    waiting = await still_open(market)
    assert all(count for name, count in waiting.items() if name != "instructions"), "there is one of each"
    for days in (AUCTION_DAYS, 5, 5, 7, 7, 365):
        await market.advance(days=days)
    assert not any((await still_open(market)).values())

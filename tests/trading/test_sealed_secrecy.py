"""What nobody reads of a sealed bid before its opening: not by any role, not in the log, not in the database."""

import pytest
from sqlalchemy import select

from services.trading.tables.whole import metadata
from shared.grades import C2, Grade
from shared.ids import ParticipantId
from tests.trading.lots import NONCE, Lots, hash_by_hand
from tests.trading.market import AUCTION_DAYS, DEPOSIT, Market, code, yuan


@pytest.fixture
def lots(market: Market) -> Lots:
    return Lots(market)


async def everything_kept(market: Market) -> str:
    """Every row of every table, as text: what whoever reads the database sees, facts to come included."""
    async with market.trading.database.read() as tx:
        return "\n".join([str(row) for table in metadata.sorted_tables for row in await tx.execute(select(*table.c))])


async def test_nobody_reads_a_bid_before_it_is_opened_not_even_in_the_database(lots: Lots):
    market, auction_id = lots.market, await lots.opened("sealed_second", reserve_price=yuan(345_678_912))
    ana, ben = await lots.bidders(auction_id, 2)
    secret = "9f" * 32
    body = {"commitment": hash_by_hand(auction_id, ana, 987_654_321, secret)}
    assert (await market.post(ana, f"/auctions/{auction_id}/sealed-bids", body)).status_code == 201
    await lots.seal(ben, auction_id, 876_543_219)
    kept = await everything_kept(market)
    assert body["commitment"] in kept, "what is looked for would be found"
    assert not [word for word in ("987654321", secret, "876543219", NONCE) if word in kept]

    await lots.pass_time(days=AUCTION_DAYS)
    revealed = await lots.reveal(ana, auction_id, 987_654_321, secret)
    assert (revealed.json()["amount"]["minor"], revealed.json()["nonce"]) == (987_654_321, secret)
    roles = ("operator_business", "operator_system", "operator_security", "operator_audit", "regulator", "arbiter")
    for who in (None, ben, market.provider, *(market.bench.staff(role) for role in roles)):
        for path in ("", "/sealed-bids", "/bids"):
            seen = await market.bench.get(who, f"/trading/v1/auctions/{auction_id}{path}")
            assert not [word for word in ("987654321", secret, "345678912", "876543219") if word in seen.text], (
                who,
                path,
            )
    assert "987654321" in (await market.bench.get(ana, f"/trading/v1/auctions/{auction_id}/sealed-bids")).text
    facts = await market.facts("sealed_auction_opened", "sealed_bid_placed", "sealed_bid_revealed")
    assert len(facts) == 4 and not [word for word in ("987654321", secret, "345678912") if word in str(facts)]

    await market.advance(days=1)
    opened = await lots.bids(auction_id)
    assert [bid["amount"] and bid["amount"]["minor"] for bid in opened] == [987_654_321, None]
    assert [bid["nonce"] for bid in opened] == [secret, None]


async def test_a_bid_that_was_revealed_stays_hidden_where_the_auction_is_called_off(lots: Lots):
    market, listing = lots.market, await lots.listing("sealed_second")
    auction_id = (await lots.open(listing)).json()["id"]
    ana, ben = await lots.sealed(auction_id, [45_678, 56_789])
    await lots.pass_time(days=AUCTION_DAYS)
    await lots.reveal(ana, auction_id, 45_678)
    market.neighbours.raise_grade(listing["version_id"], Grade.G4)
    await market.tick()
    seen = await lots.see(auction_id, market.provider)
    assert (seen["state"], seen["phase"], seen["reason_code"]) == ("cancelled", "closed", "mode_not_allowed_for_grade")
    assert [bid["amount"] for bid in await lots.bids(auction_id, market.provider)] == [None, None]
    assert await market.wallet(ana) == await market.wallet(ben) == (100_000, 0)
    assert code(await lots.reveal(ben, auction_id, 56_789)) == (409, "auction_closed")


async def test_what_a_stranger_may_not_see_is_not_there(lots: Lots):
    market = lots.market
    version = market.neighbours.version(ParticipantId(str(market.provider.participant_id)), Grade.G4)
    auction_id = (await lots.open(await lots.listing("sealed_second", version_id=version, mode="compute"))).json()["id"]
    stranger = await market.buyer(DEPOSIT, clearance=C2)
    for who, act in ((stranger, lots.seal), (stranger, lots.reveal)):
        assert code(await act(who, auction_id, 20_000)) == (404, "no_such_auction")
    seen = await market.bench.get(stranger, f"/trading/v1/auctions/{auction_id}/sealed-bids")
    assert code(seen) == (404, "no_such_auction")

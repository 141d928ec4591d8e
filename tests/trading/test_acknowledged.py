"""What was acknowledged is there, with its fact: nobody has an answer before the commit, nor a bid without the fact."""

from sqlalchemy import Connection, Engine, event

from tests.trading.market import AUCTION_DAYS, Market

SYNCHRONOUS_FULL = 2  # as SQLite says it


def lose_the_disk(_: object) -> None:
    raise OSError("the disk is gone")


async def test_a_bid_that_cannot_be_committed_is_not_acknowledged_and_not_there(market: Market):
    auction_id = await market.auction()
    bidder = await market.bidder(auction_id)
    event.listen(Engine, "commit", lose_the_disk)
    try:
        answer = await market.bid(bidder, auction_id, 20_000)
    finally:
        event.remove(Engine, "commit", lose_the_disk)
    assert answer.status_code == 503
    assert (await market.read(None, f"/auctions/{auction_id}/bids"))["items"] == []


async def test_a_bid_whose_fact_cannot_be_recorded_is_no_bid(market: Market):
    auction_id = await market.auction()
    bidder = await market.bidder(auction_id)
    await market.trading.outbox.release()
    assert (await market.bid(bidder, auction_id, 20_000, "one-and-the-same-key")).status_code == 503
    await market.trading.outbox.lease()
    assert (await market.read(None, f"/auctions/{auction_id}/bids"))["items"] == []
    assert (await market.bid(bidder, auction_id, 20_000, "one-and-the-same-key")).status_code == 201
    assert len(await market.facts("bid_placed")) == 1


async def test_every_commit_waits_for_the_disk(market: Market):
    """At the commit itself, for a transaction could ask for less than its session does."""
    found = list[object]()

    def ask(connection: Connection) -> None:
        asked = "PRAGMA synchronous" if connection.dialect.name == "sqlite" else "SHOW synchronous_commit"
        found.append(connection.exec_driver_sql(asked).scalar())

    auction_id = await market.auction()
    event.listen(Engine, "commit", ask)
    try:
        bidder = await market.bidder(auction_id)
        assert (await market.bid(bidder, auction_id, 20_000)).status_code == 201
        await market.advance(days=AUCTION_DAYS)
    finally:
        event.remove(Engine, "commit", ask)
    assert len(found) > 5 and set(found) <= {SYNCHRONOUS_FULL, "on"}

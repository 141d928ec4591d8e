"""`make fuzz` asks as two organisations, and would find nothing if nobody let them in."""

from services.demo.people import Person
from supply import fuzz
from tests.journeys.conftest import ON_SQLITE
from tests.support.whole import WholeMarket


@ON_SQLITE
async def test_the_two_whom_chance_asks_as_are_let_in_and_may_trade(market: WholeMarket):
    await fuzz.admit(market.client, market.folder / "market")
    await market.settle()
    for name in fuzz.CODES:
        person = Person(name, market.client)
        await person.log_in(name, fuzz.PASSWORD)
        assert (await person.get("/trading/v1/wallet"))["available"]["minor"] == 0

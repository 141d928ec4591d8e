"""What money's jobs owe each other: nothing."""

import pytest

from services.trading.custodian import RestCustodian
from shared.errors import Failure
from tests.trading.market import Market


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
async def test_a_custodian_without_a_statement_keeps_no_settlement_unnoticed(
    market: Market, monkeypatch: pytest.MonkeyPatch
):
    async def refused(*_: object) -> None:
        raise Failure()

    monkeypatch.setattr(RestCustodian, "statement", refused)
    buyer, order = await market.paid()
    await market.use(buyer, order)
    await market.do(buyer, f"/orders/{order['id']}/acceptance")
    await market.advance(seconds=3)
    assert (await market.order(buyer, order))["state"] == "settled"

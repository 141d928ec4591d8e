"""What every endpoint of trading that writes answers to nonsense: a problem with a stable code, and nothing changed."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any, cast

import pytest

from shared.ids import KeyId, PlanId, QuoteId, UseId
from tests.trading.market import Market, yuan

NONSENSE: list[Any] = [
    ..., None, "", "\u0000", "x" * 5000, "１０", -1, 0, 1.5, 1e300, 2**63, True, [], {}, ["x"], {"minor": 1},
]  # fmt: skip
FITS: dict[str, list[Any]] = {  # what makes sense all the same; `...` leaves a member out
    "opens_at": [None, ...], "reserve_price": [None, ...], "increments.0.from_minor": [0], "purposes": [["x"]],
    "total.minor": [0],
}  # fmt: skip


def spoilt(body: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Each member of a body, its way there, each kind of nonsense, and the body with it in that place."""
    for name in _names(body):
        here = f"{path}.{name}".strip(".")
        for nonsense in NONSENSE:
            if nonsense not in FITS.get(here, []):
                yield here, nonsense, _with(body, name, nonsense)
        for there, nonsense, inside in spoilt(body[name], here):
            yield there, nonsense, _with(body, name, inside)


def _names(body: object) -> list[Any]:
    if isinstance(body, dict):
        return list(cast(dict[str, Any], body))
    return list(range(len(cast(list[Any], body)))) if isinstance(body, list) else []


def _with(body: Any, name: Any, value: Any) -> Any:
    """Leaving a lone member out of a list leaves an empty list, which is nonsense as well."""
    changed = deepcopy(body)
    if value is ...:
        del changed[name]
    else:
        changed[name] = value
    return changed


async def requests(market: Market) -> dict[str, tuple[Any, str, dict[str, Any]]]:
    """A request that makes sense for each endpoint that takes a body, and who sends it."""
    listing = await market.listing()
    auction_id = await market.auction()
    bidder = await market.bidder(auction_id)
    buyer, order = await market.won()
    right = {"kind": "unlimited", "field": "air_travel", "territory": "CN", "period_days": 1}
    return {
        "listing": (market.provider, "/listings", {
            "version_id": listing["version_id"], "mode": "raw", "pricing": "fixed", "plan_id": PlanId.new(),
            "quota_uses": 1, "purposes": ["route_planning"], "right": right,
        }),
        "auction": (market.provider, "/auctions", {
            "listing_id": listing["id"], "start_price": yuan(10_000), "deposit": yuan(1_000),
            "reserve_price": yuan(20_000), "increments": [{"from_minor": 0, "step_minor": 1}],
            "opens_at": "2030-01-10T00:00:00Z", "closes_at": "2030-01-12T00:00:00Z",
        }),
        "bid": (bidder, f"/auctions/{auction_id}/bids", {"maximum": yuan(20_000)}),
        "order": (buyer, "/orders", {
            "listing_id": listing["id"], "quote_id": QuoteId.new(), "quote_version": 1, "total": yuan(1),
        }),
        "signature": (buyer, f"/contracts/{order['contract_id']}/signatures", {
            "key_id": KeyId.new(), "signature": "A" * 86 + "==",
        }),
    }  # fmt: skip


@pytest.mark.parametrize("what", ["listing", "auction", "bid", "order", "signature"])
async def test_nonsense_in_any_member_is_a_problem_with_a_code_and_changes_nothing(market: Market, what: str):
    who, path, body = (await requests(market))[what]
    before = await market.bench.cores["trading"].feed.after({})
    for where, nonsense, changed in [*spoilt(body), ("", "more", body | {"__proto__": "x", "state": "sold"})]:
        answer = await market.post(who, path, changed)
        told = (where, str(nonsense)[:20], answer.text)
        assert answer.status_code == 422 and answer.json()["code"], told
    assert await market.bench.cores["trading"].feed.after({}) == before


async def test_nonsense_of_delivery_is_refused_too(market: Market):
    buyer, order = await market.paid()
    path = f"/trading/v1/entitlements/{order['entitlement_id']}/uses"
    for _, nonsense, changed in spoilt({"use_id": UseId.new(), "grade_revision": 1}):
        answer = await market.bench.ask_as_service(
            "delivery", "POST", path, acting_for=buyer, json=changed, headers={"Idempotency-Key": UseId.new()}
        )
        assert answer.status_code == 422, nonsense


IDS = ["1", "auction_1", "auction_" + "9" * 5000, "%00", "auction_%ff", "LISTING_X", "' OR 1=1 --", "１", "-1", "..%2f"]


@pytest.mark.parametrize("place", [
    "/listings/{}/suspend", "/listings/{}/resume", "/listings/{}/delist", "/auctions/{}/registrations",
    "/auctions/{}/cancel", "/auctions/{}/buy-now", "/auctions/{}/second-award/acceptance",
    "/auctions/{}/second-award/refusal", "/orders/{}/payment", "/orders/{}/acceptance",
])  # fmt: skip
async def test_an_id_that_is_none_is_refused_wherever_it_stands(market: Market, place: str):
    both = await market.bench.member("buyer", "provider")
    for wrong in IDS:
        answer = await market.post(both, place.format(wrong))
        assert answer.status_code in {400, 404, 422} and answer.json()["code"], (wrong, answer.text)

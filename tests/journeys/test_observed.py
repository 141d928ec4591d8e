"""One order as it shows from outside: in one trace, under one request id, in numbers by its routes."""

import shutil
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from services.demo import shelves
from services.demo.shelves import AIRPORTS, ALPHA, AVIATION
from shared.ids import RequestId
from shared.metrics import Joined
from shared.settings import SERVICES
from tests.support.clock import ToldClock
from tests.support.lines import lines_of_the_log
from tests.support.raw import ask
from tests.support.traced import KeptTraces
from tests.support.whole import WholeMarket, whole_market

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("observed")]
FOREIGN_TRACE = "0af7651916cd43dd8448eb211c80319c"
FROM_OUTSIDE = [(b"traceparent", f"00-{FOREIGN_TRACE}-00f067aa0ba902b7-01".encode())]


@dataclass
class Quiet:
    """A market whose lot for traces is never drawn."""

    market: WholeMarket
    kept: KeptTraces


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def quiet(files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Quiet]:
    folder, kept = tmp_path_factory.mktemp("observed"), KeptTraces(share=0.0)
    (folder / "market").mkdir()
    for service, file in files.items():
        shutil.copyfile(file, folder / "market" / f"{service}.db")
    async with whole_market(folder, ToldClock(), traces=kept.traces) as market:
        yield Quiet(market, kept)


async def order_at_a_quote(market: WholeMarket) -> dict[str, Any]:
    """What an order is asked for with, once everything before it has happened."""
    await shelves.open_market(market)
    await shelves.admit_participants(market)
    await shelves.bring_airports(market)
    await shelves.grade(market, AIRPORTS)
    await shelves.register(market, AIRPORTS)
    provider, buyer, version = market.people[AVIATION], market.people[ALPHA], market.things[AIRPORTS]["version_id"]
    plan = await provider.post("/pricing/v1/plans", {
        "version_id": version, "mode": "raw", "kind": "one_off", "price": {"minor": 90_000, "currency": "CNY"},
        "discounts": [],
    })  # fmt: skip
    market.things[AIRPORTS]["plan_id"] = plan["id"]
    listing = await provider.post("/trading/v1/listings", {
        "version_id": version, "mode": "raw", "pricing": "fixed", "plan_id": plan["id"], "quota_uses": 3,
        "right": {"kind": "unlimited", "field": "air_travel", "territory": "CN", "period_days": 365},
        "purposes": ["route_planning"],
    })  # fmt: skip
    await market.settle()
    quote = await buyer.post("/pricing/v1/quotes", {"plan_id": plan["id"]})
    return {
        "listing_id": listing["id"],
        "quote_id": quote["id"],
        "quote_version": quote["version"],
        "total": quote["total"],
    }


@pytest.mark.timeout(300)  # a whole market, on a machine that may be busy
async def test_a_request_is_one_trace_and_one_id_through_all_whom_it_asks(tmp_path: Path, clock: ToldClock):
    kept = KeptTraces()
    async with whole_market(tmp_path, clock, traces=kept.traces) as market:
        wanted = await order_at_a_quote(market)
        await an_order_asks_pricing(market, kept, wanted)
        await the_relay_has_an_id_of_its_own(market, kept)
        await a_quote_asks_the_catalogue(market, kept)


async def an_order_asks_pricing(market: WholeMarket, kept: KeptTraces, wanted: dict[str, Any]) -> None:
    kept.exporter.clear()
    with lines_of_the_log() as lines:
        await market.people[ALPHA].post("/trading/v1/orders", wanted)
    assert kept.tree() == [
        "trading: POST /trading/v1/orders",
        "  trading: POST identity",
        "    identity: POST /identity/v1/token",
        "      identity: transaction",
        "  trading: GET pricing",
        "    pricing: GET /pricing/v1/quotes/{quote_id}",
        "  trading: GET pricing",
        "    pricing: GET /pricing/v1/fee-schedules/current",
        "  trading: transaction",
    ]
    assert len({told.trace_id for told in kept.spans()}) == 1
    told = [line for line in lines.told if line["logger"] == "yaosu.requests"]
    assert [(line["service"], line["route"], line["status"]) for line in told] == [
        ("identity", "/identity/v1/token", 200),
        ("pricing", "/pricing/v1/quotes/{quote_id}", 200),
        ("pricing", "/pricing/v1/fee-schedules/current", 200),
        ("trading", "/trading/v1/orders", 201),
    ]
    [request_id] = {line["request_id"] for line in told}
    [trace_id] = {line["trace_id"] for line in told}
    assert request_id == RequestId(request_id) and int(trace_id, 16) == kept.spans()[0].trace_id


async def the_relay_has_an_id_of_its_own(market: WholeMarket, kept: KeptTraces) -> None:
    """What it sends nobody has asked for at that moment; the facts themselves say in which request they came about."""
    kept.exporter.clear()
    relay = market.inside.cores["trading"].relay
    with lines_of_the_log() as lines:
        await relay.try_once(relay.tick)
    [sent] = [line for line in lines.told if line.get("route") == "/audit/v1/batches"]
    assert RequestId(sent["request_id"])
    assert kept.tree() == ["audit: POST /audit/v1/batches", "  audit: batch log", "    audit: transaction"]


async def a_quote_asks_the_catalogue(market: WholeMarket, kept: KeptTraces) -> None:
    kept.exporter.clear()
    await market.people[ALPHA].post("/pricing/v1/quotes", {"plan_id": market.things[AIRPORTS]["plan_id"]})
    assert kept.tree() == [
        "pricing: POST /pricing/v1/quotes",
        "  pricing: GET catalog",
        "    catalog: GET /catalog/v1/versions/{version_id}",
        "  pricing: transaction",
    ]


async def test_whoever_comes_from_outside_cannot_say_what_is_kept(quiet: Quiet):
    """A trace begins anew at the door, by lot, whatever the flags of theirs say; a neighbour's goes on as decided."""
    door, catalog = quiet.market.inside.door, quiet.market.inside.apps["catalog"]
    assert (await ask(door, "GET", "/catalog/v1/assets", FROM_OUTSIDE)).status == 200
    assert quiet.kept.tree() == []
    assert (await ask(catalog, "GET", "/catalog/v1/assets", FROM_OUTSIDE)).status == 200
    [told] = quiet.kept.spans()
    assert format(told.trace_id, "032x") == FOREIGN_TRACE


async def test_numbers_name_routes_and_nothing_that_was_sent(quiet: Quiet):
    inside = quiet.market.inside
    for path in ("/catalog/v1/zebra/13800138000", "/catalog/v1/zebra", "/nowhere"):
        await ask(inside.door, "GET", path)
        await ask(inside.door, "BREW", path)
    told = Joined([each.metrics for each in inside.observers]).exposed("")[0].decode()
    assert 'yaosu_http_requests_total{method="GET",route="unknown",service="catalog",status="404"} 2.0' in told
    assert 'yaosu_http_requests_total{method="other",route="unknown",service="gateway",status="404"} 1.0' in told
    assert 'yaosu_http_problems_total{code="not_found",service="gateway"} 2.0' in told
    for sent in ("13800138000", "zebra", "nowhere", "BREW"):
        assert sent not in told


async def test_every_service_of_a_process_counts_for_itself(quiet: Quiet):
    observers = quiet.market.inside.observers
    assert [each.service for each in observers] == ["gateway", *SERVICES]
    where = {"route": "/health/live", "method": "GET", "status": "200"}

    def counted() -> dict[str, float]:
        return {
            each.service: each.metrics.registry.get_sample_value("yaosu_http_requests_total", where) or 0
            for each in observers
        }

    before = counted()
    await ask(quiet.market.inside.apps["pricing"], "GET", "/health/live")
    assert {service: count - before[service] for service, count in counted().items()} == (
        dict.fromkeys(before, 0.0) | {"pricing": 1.0}
    )

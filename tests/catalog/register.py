"""What is asked of the register in most of its tests: filings, notices and objections, step by step."""

from typing import Any

from services.catalog import jobs
from services.catalog.rules import certificate as certificate_rules
from tests.catalog.market import Market, refusal
from tests.support.bench import CERTIFICATE_KEY, Person

DAYS = 5
OBJECTION = {"ground": "ownership", "statement": "归我方所有", "evidence_hash": "cd" * 32}
KEYS = {certificate_rules.key_id(CERTIFICATE_KEY.public): CERTIFICATE_KEY.public}
NOTE, NO = {"note": "已复核"}, {"reason_code": "not_proven", "reason": "证据不足"}


async def post(market: Market, person: Person, path: str, body: Any = None, status: int = 200) -> dict[str, Any]:
    return market.done(await market.bench.post(person, f"/catalog/v1{path}", body), status)


async def refused(market: Market, person: Person | None, path: str, body: Any = None) -> tuple[int, str]:
    return refusal(await market.bench.post(person, f"/catalog/v1{path}", body))


async def get(market: Market, person: Person | None, path: str) -> dict[str, Any]:
    return market.done(await market.bench.get(person, f"/catalog/v1{path}"))


async def filed(market: Market, person: Person, asset: dict[str, Any], kind: str, body: Any = None) -> dict[str, Any]:
    return await post(market, person, f"/assets/{asset['id']}/filings/{kind}", body, 201)


async def agreed(market: Market, filing: dict[str, Any]) -> dict[str, Any]:
    return await post(market, market.bench.staff("operator_business"), f"/filings/{filing['id']}/agree", NOTE)


async def noticed_asset(market: Market, provider: Person, **changes: Any) -> dict[str, Any]:
    """An asset whose first version is under public notice."""
    asset = await market.submitted(provider, **changes)
    yes = {"grade": asset["versions"][-1]["grade"], "note": "已复核"}
    operator = market.bench.staff("operator_business")
    return await post(market, operator, f"/assets/{asset['id']}/register", yes)


async def pass_days(market: Market, days: float) -> None:
    market.bench.clock.advance(days=days)
    await market.bench.refresh()
    await jobs.tick(market.catalog)


async def state_seen_by_neighbours(market: Market, asset: dict[str, Any]) -> str:
    path = f"/catalog/v1/versions/{asset['versions'][0]['id']}"
    return (await market.bench.ask_as_service("trading", "GET", path)).json()["asset_state"]

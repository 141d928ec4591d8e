"""Every door of a whole market: each route of each service's app, and a way to knock there as who may."""

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from fastapi.routing import APIRoute
from httpx2 import Response
from pydantic import BaseModel
from sqlalchemy import MetaData, select

from services.gateway import routers
from services.trading.schemas.money import CustodianCallback
from shared.web import routes_of
from tests.support.whole import WholeMarket
from tests.support.writes import ANYONE, CUSTODIAN, NEIGHBOUR, WRITES, Write, id_of

READS = {"GET", "HEAD", "OPTIONS"}
IN_PATH = {
    "decision": "suspend", "service": "trading", "stripe": "0", "level": "0", "path": "000", "index": "0",
    "number": "1", "bundle_quote_id": id_of("quote"),
}  # fmt: skip
OF_TRADING = {"GET /audit/v1/evidence", "GET /audit/v1/evidence/bundle"}  # which no other neighbour may ask
CODE = re.compile("[a-z]+(_[a-z]+)*")


@dataclass(frozen=True)
class Door:
    service: str
    method: str
    route: APIRoute

    @property
    def name(self) -> str:
        return f"{self.method} {self.route.path}"

    @property
    def write(self) -> Write:
        return WRITES[self.name]

    def path(self, **parts: str) -> str:
        """The route's path, with ids of nobody wherever nothing else is given."""
        return re.sub(r"{(\w+)[^}]*}", lambda found: parts.get(found[1]) or _part(found[1]), self.route.path)

    @property
    def in_path(self) -> list[str]:
        return re.findall(r"{(\w+)[^}]*}", self.route.path)

    def schema(self) -> dict[str, Any]:
        """Of the body. Requires that it has one."""
        model: type[BaseModel] = CustodianCallback
        if self.route.body_field is not None:
            model = self.route.body_field.field_info.annotation  # pyright: ignore[reportAssignmentType]
        return model.model_json_schema()


def _part(name: str) -> str:
    return IN_PATH.get(name) or id_of(name.removesuffix("_id"))


def doors() -> Iterator[Door]:
    for service, router in routers().items():
        for route in routes_of(router):
            assert isinstance(route, APIRoute)
            for method in sorted(route.methods or ()):
                yield Door(service, method, route)


def writing_doors() -> list[Door]:
    return [door for door in doors() if door.method not in READS]


async def knock(
    market: WholeMarket, door: Door, content: bytes = b"", path: str = "", headers: Mapping[str, str] | None = None
) -> Response:
    """Ask as the sender who may, with a key of its own, unless `headers` say otherwise."""
    sent = await headers_of(market, door, door.write.sender, content) | dict(headers or {})
    return await market.client.request(door.method, path or door.path(), content=content, headers=sent)


async def headers_of(market: WholeMarket, door: Door, sender: str, content: bytes = b"") -> dict[str, str]:
    sent = {"Idempotency-Key": uuid4().hex, "Content-Type": "application/json"}
    if sender == NEIGHBOUR:
        neighbour = "trading" if door.service == "delivery" or door.name in OF_TRADING else "delivery"
        return sent | {"Authorization": f"Bearer {await market.inside.cores[neighbour].tokens.token(door.service)}"}
    if sender == CUSTODIAN:
        moment, event = str(int(market.clock.now().timestamp())), "event-1"
        custodian = market.inside.outside["custodian"].state.custodian
        signature = base64.b64encode(custodian.key.sign(f"{moment}.{event}.".encode() + content)).decode()
        return sent | {
            "Custodian-Timestamp": moment, "Custodian-Event": event, "Custodian-Signature": signature,
        }  # fmt: skip
    return sent if sender == ANYONE else sent | market.people[sender].headers()


def fault_of(response: Response) -> str | None:
    """What is wrong with a refusal as such; None if nothing is."""
    if not 400 <= response.status_code < 500:
        return "no refusal"
    if response.headers.get("Content-Type") != "application/problem+json":
        return "no problem document"
    if response.request.method == "HEAD":
        return None  # which is told without its words
    problem = response.json()
    if not CODE.fullmatch(problem["code"]) or problem["status"] != response.status_code:
        return "no stable code"
    if response.headers["X-Request-Id"] != problem["request_id"]:
        return "another request's id"
    return None


async def contents(market: WholeMarket) -> dict[str, str]:
    """A digest of everything that the market keeps, table by table."""
    digests: dict[str, str] = {}
    for name, core in market.inside.cores.items():
        kept = MetaData(None if core.database.is_sqlite else name)
        async with core.database.read() as tx:
            await tx.run_sync(kept.reflect)
            for table in kept.sorted_tables:
                rows = sorted(map(repr, (await tx.execute(select(table))).all()))
                digests[f"{name}.{table.name}"] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    return digests

"""Every route of a furnished market, asked by every kind of caller: who is told that they may not, and in what way."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from httpx2 import Response

from services.demo.shelves import ALPHA, AVIATION, BETA, CIVIC, GAMMA
from tests.support.doors import READS, Door, doors, headers_of
from tests.support.whole import WholeMarket
from tests.support.write import ANYONE, BUSINESS, CUSTODIAN, NEIGHBOUR, SECURITY
from tests.support.writes import FORMS, STREAMS

# Who is asking, by the name of the column in the table by hand. A neighbour asks alone, for Alpha, or for a stranger.
CALLERS: Mapping[str, str] = {
    "anonymous": ANYONE, "buyer": ALPHA, "provider": AVIATION, "other_buyer": GAMMA, "other_provider": CIVIC,
    "suspended": BETA, "business": BUSINESS, "system": "system", "security": SECURITY, "audit": "log",
    "regulator": "regulator", "arbiter": "arbiter", "service": NEIGHBOUR, "for_buyer": ALPHA, "for_other": GAMMA,
}  # fmt: skip
THROUGH_A_NEIGHBOUR = {"for_buyer", "for_other"}
STRANGERS = ("anonymous", "other_buyer", "other_provider", "suspended", "service", "for_other")
ANSWERS = {401: "u", 403: "f", 404: "n"}
ID = re.compile("([a-z_]+)_0{32}")
ENDS = re.compile(
    "/(raise|withdraw|delist|cancel|close|disable|revo|refus|terminat|contest|declin|suspend|retire|lifting)"
)
ENDLESS = "GET /trading/v1/auctions/{auction_id}/stream"  # which is never done answering, where there is an auction


def ids_of(market: WholeMarket) -> dict[str, str]:
    """What there is, by the names of the parameters that take it."""
    return {name: thing for name, thing in market.things.items() if isinstance(thing, str)}


def in_turn() -> Iterator[tuple[Door, str]]:
    """Every door and caller, in an order in which nobody takes away what the next one asks about: who reads, then the
    strangers, then whoever may act, and what ends things last."""
    everything = list(doors())
    writes = [door for door in everything if door.method not in READS]
    yield from ((door, caller) for door in everything if door.method in READS for caller in CALLERS)
    yield from ((door, caller) for door in writes for caller in STRANGERS)
    for door in sorted(writes, key=lambda door: bool(ENDS.search(door.route.path))):
        yield from ((door, caller) for caller in CALLERS if caller not in STRANGERS)


@dataclass
class Walked:
    """What each door answered to each caller, in one letter, when asked about what there is; and all that it said."""

    answers: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    heard: dict[str, list[str]] = field(default_factory=lambda: {caller: list[str]() for caller in CALLERS})


async def walk(market: WholeMarket) -> Walked:
    walked = Walked()
    for door, caller in in_turn():
        ids = {} if door.name == ENDLESS else ids_of(market)
        if door.name.startswith("POST /identity/v1/participants/"):
            ids["participant_id"] = market.people[BETA].participant_id  # whom nobody needs any more
        response = await ask(market, door, caller, ids)
        walked.answers.setdefault(door.name, {})[caller] = answer_of(response)
        walked.heard[caller].append(f"{response.text}\n{dict(response.headers)}")
    return walked


def answer_of(response: Response) -> str:
    """Unknown, forbidden, not there; a dot for whatever is told to those who may ask."""
    assert response.status_code < 500, f"{response.request.url.path}: {response.text}"
    return ANSWERS.get(response.status_code, ".")


async def ask(
    market: WholeMarket, door: Door, caller: str, ids: Mapping[str, str], query: Mapping[str, str] | None = None
) -> Response:
    """Send the good request to this door as that caller, about these things, and nobody's where none is given."""
    body = None if door.method in READS else about(door.write.body, ids)
    content = json.dumps(body).encode() if body is not None else b""
    headers = await _headers(market, door, caller, content)
    path, query = door.path(**ids), {**needed(door, ids), **(query or {})}
    return await market.client.request(door.method, path, params=query, content=content, headers=headers)


def about(body: Any, ids: Mapping[str, str]) -> Any:
    """A sample that names these things instead of those of nobody."""
    match body:
        case dict():
            return {name: about(value, ids) for name, value in cast(dict[str, Any], body).items()}
        case list():
            return [about(value, ids) for value in cast(list[Any], body)]
        case str():
            return ID.sub(lambda found: ids.get(f"{found[1]}_id", found[0]), body)
        case _:
            return body


IN_QUERY = {
    "query_code": "0" * 14, "index": "0", "first": "1", "q": "a", "theme": "transport",
    "version_id": f"version_{'0' * 32}", "participant_id": f"participant_{'0' * 32}", "objects": f"asset_{'0' * 32}",
}  # fmt: skip


def needed(door: Door, ids: Mapping[str, str]) -> dict[str, str]:
    """The query without which the route has nothing to answer."""
    given = IN_QUERY | {name: ids[name] for name in ("version_id", "participant_id") if name in ids}
    required = [each.alias for each in door.route.dependant.query_params if each.field_info.is_required()]
    return {name: given[name] for name in required}


async def _headers(market: WholeMarket, door: Door, caller: str, content: bytes) -> dict[str, str]:
    if door.name == "POST /trading/v1/custodian/callbacks":
        return await headers_of(market, door, CUSTODIAN, content)
    headers = await headers_of(market, door, NEIGHBOUR if caller in THROUGH_A_NEIGHBOUR else CALLERS[caller])
    if caller in THROUGH_A_NEIGHBOUR:
        headers["Acting-For"] = market.people[CALLERS[caller]].headers()["Authorization"]
    if door.name in STREAMS:
        headers["Content-Type"] = "text/csv"
    if door.name in FORMS:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    return headers

"""Bad input at every door: a problem document with a stable code, nothing changed, never a 5xx."""

import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from httpx2 import Response
from sqlalchemy import func, select

from services import gateway
from services.demo import shelves
from services.demo.shelves import ALPHA, AVIATION
from shared.outbox import facts_table
from tests.support.whole import WholeMarket

HEX = "0" * 32
DEEP = "[" * 40 + "]" * 40
BODIES: list[tuple[str, bytes]] = [
    ("broken JSON", b'{"a": '),
    ("two documents", b"{} {}"),
    ("trailing bytes", b"{}x"),
    ("a comment", b"/* hello */ {}"),
    ("UTF-16", '{"a": 1}'.encode("utf-16")),
    ("a byte order mark", b"\xef\xbb\xbf{}"),
    ("invalid UTF-8", b'{"a": "\xff"}'),
    ("a key twice", b'{"a": 1, "a": 2}'),
    ("a key twice, escaped", b'{"a": 1, "\\u0061": 2}'),
    ("NaN", b'{"a": NaN}'),
    ("infinity", b'{"a": 1e999}'),
    ("depth", f'{{"a": {DEEP}}}'.encode()),
    ("NUL", b'{"name": "a\\u0000b"}'),
    ("a lone surrogate", b'{"name": "\\ud800"}'),
    ("an override", '{"name": "a\u202eb"}'.encode()),
    ("not composed", '{"name": "e\u0301"}'.encode()),
    ("an array", b"[]"),
    ("a scalar", b"1"),
    ("null", b"null"),
    ("nothing known", b'{"_sa_instance_state": 1, "__proto__": {}, "status": "admitted", "grade": "G1"}'),
    ("a long number", b'{"amount": {"minor": ' + b"9" * 5000 + b', "currency": "CNY"}}'),
]
MONEY = [
    {"minor": 0, "currency": "CNY"}, {"minor": -1, "currency": "CNY"}, {"minor": 10**15 + 1, "currency": "CNY"},
    {"minor": 2**63, "currency": "CNY"}, {"minor": 1.5, "currency": "CNY"}, {"minor": 1.0, "currency": "CNY"},
    {"minor": "100", "currency": "CNY"}, {"minor": True, "currency": "CNY"}, {"minor": "１０", "currency": "CNY"},
    {"minor": 100, "currency": "cny"}, {"minor": 100, "currency": "XXX"}, {"minor": 100}, 100, "1.00", None,
]  # fmt: skip


def writes() -> Iterator[tuple[str, str]]:
    """Every write that the API's document knows, with ids of nobody in its path."""
    for path, methods in gateway.document()["paths"].items():
        for method, operation in methods.items():
            if method in {"post", "patch", "put", "delete"}:
                yield method.upper(), filled(path, operation.get("parameters", []))


def filled(path: str, parameters: list[dict[str, Any]]) -> str:
    for parameter in parameters:
        pattern = parameter["schema"].get("pattern", "")
        found = re.match(r"\^([a-z]+)_", pattern)
        path = path.replace("{" + parameter["name"] + "}", f"{found[1]}_{HEX}" if found else "1")
    return path


async def facts(market: WholeMarket) -> dict[str, int]:
    """How many facts each service has recorded, but for those of the security log."""
    counted: dict[str, int] = {}
    for name, core in market.inside.cores.items():
        async with core.database.read() as tx:
            query = select(func.count()).where(
                facts_table.c.act.not_in(["identity.log_in_refused", "identity.token_issued"])
            )
            counted[name] = await tx.scalar(query) or 0
    return counted


def is_a_problem(response: Response) -> bool:
    return response.headers.get("Content-Type") == "application/problem+json" and bool(response.json()["code"])


@pytest.fixture
async def people(market: WholeMarket) -> WholeMarket:
    await shelves.open_market(market)
    await shelves.admit_participants(market)
    await market.settle()
    return market


async def test_no_write_takes_what_is_not_one_strict_document_of_its_own(people: WholeMarket):
    before = await facts(people)
    for method, path in writes():
        for who in (AVIATION, ALPHA, "business", "security"):
            for what, body in BODIES:
                headers = people.people[who].headers() | {
                    "Content-Type": "application/json", "Idempotency-Key": uuid4().hex,
                }  # fmt: skip
                response = await people.client.request(method, path, content=body, headers=headers)
                assert 400 <= response.status_code < 500, f"{method} {path} answers {what} with {response.text}"
                assert is_a_problem(response), f"{method} {path}: {what}"
    assert await facts(people) == before


@pytest.mark.parametrize("money", MONEY, ids=str)
async def test_no_amount_but_a_whole_number_of_fen_is_money(people: WholeMarket, money: object):
    before = await facts(people)
    headers = people.people[ALPHA].headers() | {"Idempotency-Key": uuid4().hex}
    response = await people.client.post("/trading/v1/wallet/pay-ins", json={"amount": money}, headers=headers)
    assert (response.status_code, response.json()["code"]) in {(422, "malformed"), (400, "bad_json")}
    assert await facts(people) == before


@pytest.mark.parametrize("headers, status", [
    ({},                                          400),
    ({"Idempotency-Key": "short"},                400),
    ({"Idempotency-Key": "x" * 65},               400),
    ({"Idempotency-Key": "a key with spaces"},    400),
])  # fmt: skip
async def test_a_write_without_a_good_key_is_refused(people: WholeMarket, headers: dict[str, str], status: int):
    sent = people.people[ALPHA].headers() | headers
    body = {"amount": {"minor": 100, "currency": "CNY"}}
    response = await people.client.post("/trading/v1/wallet/pay-ins", json=body, headers=sent)
    assert (response.status_code, response.json()["code"]) == (status, "idempotency_key")


@pytest.mark.parametrize("path", [
    "/trading/v1/auctions/%00", "/trading/v1//auctions", "/trading/v1/%2e/auctions",
    "/trading/v1/auctions/%2e%2e/orders",
    "/trading/v1/auctions;a", "/trading/v1/auctions\\", "/trading/v1/auctions/%ff", "/trading/v1/auctions/+1",
    "/trading/v1/auctions/99999999999999999999", "/trading/v1/auctions/AUCTION_" + HEX, "/Trading/v1/auctions",
    "/trading/v1/auctions/", "/trading/v1/orders?limit=-1", "/trading/v1/orders?limit=0",
    "/trading/v1/orders?limit=101",
    "/trading/v1/orders?limit=9223372036854775808", "/trading/v1/orders?cursor=%00",
    "/trading/v1/orders?cursor=bogus!",
    "/trading/v1/orders?limit=1&limit=2", "/trading/v1/orders?cursor=" + "a" * 9000,
])  # fmt: skip
async def test_an_ambiguous_path_or_query_is_refused(people: WholeMarket, path: str):
    response = await people.client.get(path, headers=people.people[ALPHA].headers())
    assert 400 <= response.status_code < 500 and is_a_problem(response), response.text


@pytest.mark.parametrize("method", ["TRACE", "PUT", "DELETE", "PATCH"])
async def test_a_verb_that_is_not_offered_is_not_taken(people: WholeMarket, method: str):
    headers = people.people[ALPHA].headers() | {"X-HTTP-Method-Override": "GET"}
    response = await people.client.request(method, "/trading/v1/orders", headers=headers)
    assert response.status_code == 405 and is_a_problem(response)

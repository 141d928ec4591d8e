"""The custodian to play with: what it promises to whoever instructs it."""

import base64
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from pydantic_core import to_json

from services import custodian_sandbox
from services.trading.custodian import Signature
from shared import rest
from shared.rest import Directory
from shared.signing import SigningKey
from tests.support.clock import ToldClock
from tests.trading.money.till import KEY, OURS, yuan

BASE = "/custodian/v1"
JSON = "application/json"


def an_instruction(kind: str = "pay_in", payer: str = "ana", name: str = "one", **parts: int) -> dict[str, Any]:
    parts = parts or {payer: 100}
    shares = [{"payee": payee.replace("__", ":"), "amount": yuan(minor)} for payee, minor in parts.items()]
    return {"id": name, "kind": kind, "payer": payer, "parts": shares, "amount": yuan(sum(parts.values()))}


@pytest.fixture
def sandbox(clock: ToldClock) -> FastAPI:
    """Nobody listens to its callbacks here; it keeps them for later."""
    return custodian_sandbox.build(Directory(), clock, OURS.public, KEY)


def connect(sandbox: FastAPI, key: SigningKey = OURS, clock: ToldClock | None = None) -> AsyncClient:
    """As the platform, or as whoever has another key, or another time."""
    connection = rest.connect(sandbox)
    connection.auth = Signature(key, clock or sandbox.state.custodian.clock)
    return connection


async def told(sandbox: FastAPI, connection: AsyncClient, body: dict[str, Any]) -> tuple[str, str | None]:
    """State and reason, once it has been carried out."""
    answer = await connection.post(f"{BASE}/instructions", json=body)
    assert answer.is_success, answer.text
    await sandbox.state.custodian.quiet()
    report = (await connection.get(f"{BASE}/instructions/{body['id']}")).json()
    return report["state"], report["reason_code"]


async def test_an_instruction_is_carried_out_once_however_often_it_is_sent(sandbox: FastAPI):
    async with connect(sandbox) as connection:
        for _ in range(3):
            assert await told(sandbox, connection, an_instruction()) == ("confirmed", None)
        assert sandbox.state.custodian.book == {"world": -100, "ana": 100}
        other = await connection.post(f"{BASE}/instructions", json=an_instruction(ana=101))
    assert (other.status_code, other.json()["code"]) == (409, "instruction_differs")


async def test_money_that_is_not_there_is_not_moved(sandbox: FastAPI):
    async with connect(sandbox) as connection:
        await told(sandbox, connection, an_instruction())
        too_much = an_instruction("split", name="two", ben=90, exchange__fee=11)
        assert await told(sandbox, connection, too_much) == ("refused", "insufficient_balance")
        all_of_it = an_instruction("split", name="three", ben=90, exchange__fee=10)
        assert await told(sandbox, connection, all_of_it) == ("confirmed", None)
        payout = an_instruction("payout", payer="ben", name="four", ben=90)
        assert await told(sandbox, connection, payout) == ("confirmed", None)
    assert sandbox.state.custodian.book == {"world": -10, "ana": 0, "ben": 0, "exchange:fee": 10}


async def test_what_only_frees_money_moves_none(sandbox: FastAPI):
    async with connect(sandbox) as connection:
        await told(sandbox, connection, an_instruction())
        for kind in ("release", "refund"):
            assert await told(sandbox, connection, an_instruction(kind, name=kind)) == ("confirmed", None)
    assert sandbox.state.custodian.book == {"world": -100, "ana": 100}


STRANGER = SigningKey.from_seed(bytes(32))
EVERY_ACT = [
    ("POST", "/instructions"),
    ("GET", "/instructions/one"),
    ("GET", "/statement?day=2030-01-01"),
]


@pytest.mark.parametrize("method, path", EVERY_ACT)
@pytest.mark.parametrize("key, seconds", [(STRANGER, 0), (OURS, 301), (OURS, -301), (None, 0)])
async def test_whoever_is_not_the_platform_of_now_can_ask_nothing_of_it(
    sandbox: FastAPI, method: str, path: str, key: SigningKey | None, seconds: int
):
    other = ToldClock()
    other.advance(seconds=seconds)
    async with connect(sandbox, key, other) if key else rest.connect(sandbox) as connection:
        body = an_instruction() if method == "POST" else None
        answer = await connection.request(method, f"{BASE}{path}", json=body)
    assert (answer.status_code, answer.json()["code"]) == (401, "not_the_platform")
    assert sandbox.state.custodian.orders == {}


ONE_DAY = ("GET", "/statement?day=2030-01-01", b"")
INSTRUCTING = ("POST", "/instructions", to_json(an_instruction()))


@pytest.mark.parametrize("signed, sent", [
    (INSTRUCTING, ("POST", "/instructions", to_json(an_instruction(ana=101)))),
    (ONE_DAY,     ("GET",  "/statement?day=2030-01-02", b"")),
    (ONE_DAY,     ("GET",  "/instructions/one", b"")),
    (("GET", *INSTRUCTING[1:]), INSTRUCTING),
])  # fmt: skip
async def test_a_signature_is_for_one_method_target_and_body(
    sandbox: FastAPI, clock: ToldClock, signed: tuple[str, str, bytes], sent: tuple[str, str, bytes]
):
    async with rest.connect(sandbox) as connection:
        requests = [
            connection.build_request(method, f"{BASE}{path}", content=content, headers={"Content-Type": JSON})
            for method, path, content in (signed, sent)
        ]
        for request in requests:
            next(Signature(OURS, clock).auth_flow(request))
        assert (await connection.send(requests[1])).status_code in {200, 404}
        requests[1].headers["Yaosu-Signature"] = requests[0].headers["Yaosu-Signature"]
        answer = await connection.send(requests[1])
    assert (answer.status_code, answer.json()["code"]) == (401, "not_the_platform")


NONSENSE: list[dict[str, Any]] = [
    an_instruction("split", ana=100),
    an_instruction("pay_in", ben=100),
    an_instruction("release", ana=50, ben=50),
    an_instruction("hold"),
    an_instruction() | {"parts": []},
    an_instruction() | {"amount": yuan(99)},
    an_instruction() | {"amount": yuan(0)},
    an_instruction("split", ben=1) | {"parts": [{"payee": "ben", "amount": yuan(1)}] * 2, "amount": yuan(2)},
]  # fmt: skip


@pytest.mark.parametrize("body", NONSENSE, ids=str)
async def test_an_instruction_that_makes_no_sense_is_malformed(sandbox: FastAPI, body: dict[str, Any]):
    async with connect(sandbox) as connection:
        answer = await connection.post(f"{BASE}/instructions", json=body)
    assert answer.status_code == 422
    assert sandbox.state.custodian.orders == {}


async def test_a_statement_has_the_movements_and_the_balances_of_its_day_whenever_it_is_asked_for(
    sandbox: FastAPI, clock: ToldClock
):
    async with connect(sandbox) as connection:
        await told(sandbox, connection, an_instruction())
        clock.advance(days=1)
        await told(sandbox, connection, an_instruction(name="two"))
        days = [
            (await connection.get(f"{BASE}/statement", params={"day": day})).json()
            for day in ("2030-01-01", "2030-01-02", "2030-01-03")
        ]
    assert [[each["instruction_id"] for each in day["movements"]] for day in days] == [["one"], ["two"], []]
    held = [[(each["account"], each["opening"]["minor"], each["closing"]["minor"]) for each in day["balances"]]
            for day in days]  # fmt: skip
    assert held == [[("ana", 0, 100)], [("ana", 100, 200)], [("ana", 200, 200)]]


async def test_a_callback_that_nobody_takes_is_kept_and_sent_again_ever_later(sandbox: FastAPI, clock: ToldClock):
    custodian = sandbox.state.custodian
    async with connect(sandbox) as connection:
        await told(sandbox, connection, an_instruction())
    for pause in custodian_sandbox.RETRY_SECONDS:
        [waiting] = custodian.callbacks
        assert (waiting.due_at - clock.now()).total_seconds() == pause
        clock.advance(seconds=pause)
        await custodian.deliver()
    assert custodian.callbacks == []


async def test_what_it_decided_outlives_it(clock: ToldClock, tmp_path: Path):
    file = tmp_path / "custodian.jsonl"
    first = custodian_sandbox.build(Directory(), clock, OURS.public, KEY, file)
    asked = [
        an_instruction(),
        an_instruction("split", name="two", ben=90),
        an_instruction("payout", payer="ben", name="three", ben=91),
        an_instruction("payout", payer="ben", name="four", ben=50),
    ]
    async with connect(first) as connection:
        decided = [await told(first, connection, each) for each in asked]
    second = custodian_sandbox.build(Directory(), clock, OURS.public, KEY, file)
    assert second.state.custodian.book == first.state.custodian.book == {"world": -50, "ana": 10, "ben": 40}
    async with connect(second) as connection:
        assert [await told(second, connection, each) for each in asked] == decided
    assert second.state.custodian.orders == first.state.custodian.orders


def test_its_callback_key_is_shown_and_stable_only_if_given(sandbox: FastAPI, clock: ToldClock):
    assert base64.b64decode(sandbox.state.public_key) == KEY.public
    fresh = {custodian_sandbox.build(Directory(), clock, OURS.public).state.public_key for _ in range(2)}
    assert len(fresh) == 2

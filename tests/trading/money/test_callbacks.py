"""What comes to the callback's door: the custodian's word, and everything that only looks like it."""

import asyncio
import base64
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from httpx2 import Response

from shared.ids import InstructionId, ParticipantId
from shared.signing import SigningKey
from tests.support.bench import Person
from tests.trading.money.till import KEY, Till, yuan

CALLBACKS = "/trading/v1/custodian/callbacks"
ON_SQLITE = pytest.mark.parametrize("server", ["sqlite"], indirect=True)
STRANGER = SigningKey.from_seed(bytes(32))


@dataclass(frozen=True)
class Sent:
    """A callback as it goes over the wire. `moment` is unix seconds."""

    body: bytes
    moment: str
    event: str = "event_1"
    key: SigningKey = KEY
    signature: str | None = None
    signed_body: bytes | None = None

    def headers(self) -> dict[str, str]:
        signed = f"{self.moment}.{self.event}.".encode() + (self.signed_body or self.body)
        signature = self.signature if self.signature is not None else base64.b64encode(self.key.sign(signed)).decode()
        return {
            "Content-Type": "application/json", "Custodian-Timestamp": self.moment, "Custodian-Event": self.event,
            "Custodian-Signature": signature,
        }  # fmt: skip


@dataclass
class Expected:
    """A pay-in that the custodian has carried out without having called yet."""

    till: Till
    buyer: Person
    instruction_id: str

    def callback(self, **changes: Any) -> Sent:
        told = {
            "event_id": "event_1", "instruction_id": self.instruction_id, "state": "confirmed", "amount": yuan(1000),
            "payer": self.buyer.participant_id,
            "parts": [{"payee": self.buyer.participant_id, "amount": yuan(1000)}],
        }  # fmt: skip
        body = json.dumps(told | changes).encode()
        event = str(changes.get("event_id", "event_1"))
        return Sent(body, str(int(self.till.bench.clock.now().timestamp())), event)

    async def send(self, sent: Sent) -> Response:
        return await self.till.bench.ask("POST", None, CALLBACKS, headers=sent.headers(), content=sent.body)

    async def state(self) -> str:
        path = f"/trading/v1/instructions/{self.instruction_id}"
        return (await self.till.bench.get(self.buyer, path)).json()["state"]


@pytest.fixture
async def expected(till: Till) -> Expected:
    buyer = await till.bench.member("buyer")
    await till.fault("pay_in", "lost")
    created = await till.pay_in(buyer, 1000)
    await till.tick()
    return Expected(till, buyer, created.json()["id"])


async def test_the_custodians_word_is_taken_and_asked_back(expected: Expected):
    answer = await expected.send(expected.callback())
    assert (answer.status_code, answer.json()) == (200, {"event_id": "event_1", "state": "confirmed"})
    assert await expected.till.wallet(expected.buyer) == (1000, 0)


def earlier(sent: Sent, seconds: int) -> Sent:
    return replace(sent, moment=str(int(sent.moment) - seconds))


FORGERIES: dict[str, Callable[[Sent], Sent]] = {
    "another key": lambda sent: replace(sent, key=STRANGER),
    "no signature": lambda sent: replace(sent, signature=""),
    "not base64": lambda sent: replace(sent, signature="%%%"),
    "a short signature": lambda sent: replace(sent, signature=base64.b64encode(bytes(63)).decode()),
    "a re-encoded body": lambda sent: replace(
        sent, body=json.dumps(json.loads(sent.body), indent=1).encode(), signed_body=sent.body
    ),
    "another body": lambda sent: replace(sent, body=sent.body.replace(b"1000", b"9000"), signed_body=sent.body),
    "six minutes old": lambda sent: earlier(sent, 301),
    "of the future": lambda sent: earlier(sent, -301),
    "no moment": lambda sent: replace(sent, moment=""),
    "a moment in words": lambda sent: replace(sent, moment="now"),
    "another event's header": lambda sent: replace(sent, event="event_2"),
}


@ON_SQLITE
async def test_what_is_not_the_custodians_of_now_is_refused_alike(expected: Expected):
    answers = {name: await expected.send(forge(expected.callback())) for name, forge in FORGERIES.items()}
    told = {name: (answer.status_code, answer.json()["code"]) for name, answer in answers.items()}
    assert told == dict.fromkeys(FORGERIES, (401, "callback_not_genuine"))
    assert (await expected.state(), await expected.till.wallet(expected.buyer)) == ("sent", (0, 0))


@ON_SQLITE
@pytest.mark.parametrize("changes, code", [
    ({"instruction_id": InstructionId.new()},          "unknown_instruction"),
    ({"amount": yuan(1001)},                           "callback_differs"),
    ({"amount": {"minor": 1000, "currency": "USD"}},   "callback_differs"),
    ({"payer": ParticipantId.new()},                   "callback_differs"),
    ({"parts": [{"payee": ParticipantId.new(), "amount": yuan(1000)}]}, "callback_differs"),
])  # fmt: skip
async def test_a_genuine_callback_about_something_else_conflicts(
    expected: Expected, changes: dict[str, Any], code: str
):
    answer = await expected.send(expected.callback(**changes))
    assert (answer.status_code, answer.json()["code"]) == (409, code)
    assert await expected.till.wallet(expected.buyer) == (0, 0)
    assert await expected.state() == ("sent" if code == "unknown_instruction" else "parked")
    assert len(await expected.till.facts("instruction_parked")) == (code == "callback_differs")


NONSENSE: list[dict[str, Any]] = [
    {"state": "pending"}, {"state": "done"}, {"amount": 1000}, {"amount": {"minor": "1000", "currency": "CNY"}},
    {"amount": {"minor": 1000.0, "currency": "CNY"}}, {"instruction_id": "instruction_1"}, {"payer": None},
    {"parts": None}, {"parts": [{"payee": "x"}]}, {"parts": [{"payee": "x", "amount": yuan(-1)}]},
]  # fmt: skip


@ON_SQLITE
async def test_a_genuine_callback_that_makes_no_sense_is_malformed(expected: Expected):
    for changes in NONSENSE:
        answer = await expected.send(expected.callback(**changes))
        assert (answer.status_code, answer.json()["code"]) == (422, "malformed"), changes
    assert await expected.state() == "sent"


async def test_an_event_is_taken_once_and_answered_alike_each_time(expected: Expected):
    answers = [await expected.send(expected.callback()) for _ in range(3)]
    assert {(answer.status_code, answer.content) for answer in answers} == {(200, answers[0].content)}
    assert len(await expected.till.facts("pay_in_confirmed")) == 1


@ON_SQLITE
async def test_an_event_that_says_something_else_under_its_id_conflicts(expected: Expected):
    await expected.send(expected.callback())
    answer = await expected.send(expected.callback(state="refused"))
    assert (answer.status_code, answer.json()["code"]) == (409, "event_differs")


async def test_of_fifty_callbacks_at_once_one_moves_money(expected: Expected):
    many = [expected.callback(event_id=f"event_{number % 10}") for number in range(50)]
    answers = await asyncio.gather(*(expected.send(sent) for sent in many))
    assert Counter(answer.status_code for answer in answers) == {200: 50}
    assert await expected.till.wallet(expected.buyer) == (1000, 0)
    assert len(await expected.till.facts("pay_in_confirmed")) == 1
    await expected.till.check_books()


@ON_SQLITE
async def test_a_callback_before_the_reply_is_as_good_as_after_it(till: Till, monkeypatch: pytest.MonkeyPatch):
    """The sandbox calls back while trading still waits for its answer; and nothing is taken back by that answer."""
    buyer = await till.bench.member("buyer")
    created = await till.pay_in(buyer, 1000)
    send = till.treasury.custodian.send

    async def slow(instruction: Any) -> Any:
        report = await send(instruction)
        await till.custodian.quiet()
        assert await till.wallet(buyer) == (1000, 0)
        return report

    monkeypatch.setattr(till.treasury.custodian, "send", slow)
    await till.tick()
    assert (await till.instruction(buyer, created))["state"] == "confirmed"


@ON_SQLITE
async def test_a_lie_that_the_custodian_signed_moves_nothing_once_it_is_asked(expected: Expected):
    order = expected.till.custodian.orders[expected.instruction_id]
    expected.till.custodian.orders[expected.instruction_id] = replace(order, state="pending", executed_at=None)
    answer = await expected.send(expected.callback())
    assert (answer.status_code, answer.json()["state"]) == (200, "sent")
    assert await expected.till.wallet(expected.buyer) == (0, 0)


@ON_SQLITE
async def test_a_custodian_that_takes_its_word_back_raises_an_alarm_and_moves_nothing(expected: Expected):
    await expected.send(expected.callback())
    order = expected.till.custodian.orders[expected.instruction_id]
    expected.till.custodian.orders[expected.instruction_id] = replace(order, state="refused", reason_code="declined")
    answer = await expected.send(expected.callback(event_id="event_2", state="refused"))
    assert (answer.status_code, answer.json()["state"]) == (200, "confirmed")
    [alarm] = await expected.till.facts("custodian_contradicted")
    assert (alarm["decided"], alarm["told"]) == ("confirmed", "refused")
    assert await expected.till.wallet(expected.buyer) == (1000, 0)


@ON_SQLITE
async def test_a_callback_that_cannot_be_asked_back_is_sent_again(expected: Expected):
    orders = dict(expected.till.custodian.orders)
    expected.till.custodian.orders.clear()
    answer = await expected.send(expected.callback())
    assert (answer.status_code, await expected.state()) == (503, "sent")
    expected.till.custodian.orders.update(orders)
    assert (await expected.send(expected.callback())).json()["state"] == "confirmed"


@ON_SQLITE
async def test_an_answer_about_another_instruction_is_held_to_be_wrong_about_the_one_that_was_asked(expected: Expected):
    till = expected.till
    other = (await till.pay_in(expected.buyer, 500)).json()["id"]
    await till.tick()
    orders = till.custodian.orders
    orders[expected.instruction_id] = orders[other]
    assert (await expected.send(expected.callback())).status_code == 200
    path = f"/trading/v1/instructions/{expected.instruction_id}"
    seen = (await till.bench.get(expected.buyer, path)).json()
    assert (seen["state"], seen["reason_code"]) == ("parked", "instruction_differs")
    assert await till.wallet(expected.buyer) == (500, 0)


@ON_SQLITE
async def test_without_a_custodians_key_no_callback_is_taken(expected: Expected):
    object.__setattr__(expected.till.treasury, "custodian_key", None)
    assert (await expected.send(expected.callback())).status_code == 401

"""A custodian to play with: it holds pretend money in sub-accounts, does what it is instructed, and calls back.

Development and tests only. Promises: only what the platform signed is carried out, and once, however often it is sent;
its book balances whatever faults are asked for, because a fault is always in what it tells, or in its refusing, never
in its book. What it decided is kept in a file, if it is given one, for wallets outlive this process; its faults and
callbacks are not. Faults wait in line for the next instructions of their kind.
"""

import asyncio
import base64
import logging
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path

from fastapi import APIRouter, Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from httpx2 import HTTPError
from pydantic import TypeAdapter
from pydantic_core import to_json
from starlette.requests import Request as Received

from services.custodian_documents import (
    BalanceView,
    Fault,
    FaultsView,
    Kind,
    MovementView,
    NewFault,
    NewInstruction,
    NewStatementFault,
    Order,
    ReadyView,
    ReportView,
    StatementFault,
    StatementView,
)
from shared.clock import Clock
from shared.errors import Conflict, Failure, NotFound, Unauthenticated
from shared.money import Money
from shared.rest import Directory
from shared.routing import LateRoute
from shared.signing import SigningKey, verifies
from shared.web import present

CALLBACKS = "/trading/v1/custodian/callbacks"
LATE = timedelta(hours=1)
RETRY_SECONDS = (1, 5, 30, 300, 3600)
WINDOW_SECONDS = 300
WORLD = "world"  # where money comes from and goes to
MOVES_OUT = {"split", "payout"}  # what is only set free stays where it is, or was paid out as soon as it was free
logger = logging.getLogger(__name__)


class NotThePlatform(Unauthenticated):
    """This does not carry the platform's signature, or is not of now."""


class NoSuchInstruction(NotFound):
    """There is no such instruction."""


class InstructionDiffers(Conflict):
    """Another instruction has this id."""


ORDER = TypeAdapter(Order)


@dataclass(frozen=True, slots=True)
class Callback:
    event_id: str
    body: bytes
    due_at: datetime
    after_next: bool = False
    attempts: int = 0


@dataclass
class Custodian:
    """`book` is what each sub-account holds, in minor units; with the world outside it adds up to zero.

    `key` signs its callbacks; `platform_key` is the public key of the one who may instruct; `file` keeps the orders.
    """

    directory: Directory
    clock: Clock
    key: SigningKey
    platform_key: bytes
    file: Path | None = None
    book: dict[str, int] = field(default_factory=lambda: {WORLD: 0})
    orders: dict[str, Order] = field(default_factory=dict[str, Order])
    callbacks: list[Callback] = field(default_factory=list[Callback])
    faults: list[tuple[Kind, Fault]] = field(default_factory=list[tuple[Kind, Fault]])
    statement_faults: list[StatementFault] = field(default_factory=list[StatementFault])
    _working: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])
    _sleeping: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    def __post_init__(self) -> None:
        lines = self.file.read_bytes().splitlines() if self.file and self.file.exists() else []
        for order in map(ORDER.validate_json, lines):
            self.orders[order.asked.id] = order
            if order.state == "confirmed":
                _move(self.book, order.asked)

    async def require_platform(self, received: Received) -> None:
        """Raises NotThePlatform unless the platform signed these very bytes for this target, just now."""
        timestamp, text = (received.headers.get(f"Yaosu-{part}", "") for part in ("Timestamp", "Signature"))
        query = received.scope["query_string"]
        target = received.scope["raw_path"] + (b"?" + query if query else b"")
        signed = f"{timestamp}.{received.method} ".encode() + target + b"." + await received.body()
        try:
            signature, moment = base64.b64decode(text, validate=True), int(timestamp)
        except ValueError as error:
            raise NotThePlatform() from error
        if not verifies(self.platform_key, signed, signature):
            raise NotThePlatform()
        if abs(moment - self.clock.now().timestamp()) > WINDOW_SECONDS:
            raise NotThePlatform()

    def take(self, asked: NewInstruction) -> Order:
        """Note an instruction and begin to carry it out. The same again is noted already; another under its id is
        refused."""
        if known := self.orders.get(asked.id):
            if known.asked != asked:
                raise InstructionDiffers()
            return known
        self.orders[asked.id] = Order(asked)
        _begin(self._carry_out(asked.id), self._working)
        return self.orders[asked.id]

    def order(self, instruction_id: str) -> Order:
        if instruction_id not in self.orders:
            raise NoSuchInstruction()
        return self.orders[instruction_id]

    def statement(self, day: date) -> StatementView:
        movements = [
            MovementView(
                instruction_id=order.asked.id, kind=order.asked.kind, payer=order.asked.payer, parts=order.asked.parts,
                amount=order.asked.amount.money(), executed_at=order.executed_at,
            )
            for order in self.orders.values()
            if order.executed_at and order.executed_at.date() == day
        ]  # fmt: skip
        fault = self.statement_faults.pop(0) if self.statement_faults else None
        return StatementView(day=day, movements=movements, balances=_faulty(self._balances(day), fault))

    def _balances(self, day: date) -> list[BalanceView]:
        """By the orders alone, so that a statement of a day says the same whenever it is asked for."""
        opening, closing = {WORLD: 0}, {WORLD: 0}
        for order in self.orders.values():
            if order.executed_at and order.executed_at.date() < day:
                _move(opening, order.asked)
            if order.executed_at and order.executed_at.date() <= day:
                _move(closing, order.asked)
        return [
            BalanceView(account=name, opening=Money(opening.get(name, 0)), closing=Money(closing[name]))
            for name in sorted(closing.keys() - {WORLD})
        ]

    async def deliver(self) -> None:
        """Send the callbacks that are due. What is not taken is sent again later."""
        now = self.clock.now()
        due = [each for each in self.callbacks if each.due_at <= now and not self._waits(each)]
        self.callbacks = [each for each in self.callbacks if each not in due]
        for callback in sorted(due, key=lambda each: each.after_next):
            if not await self._send(callback) and callback.attempts < len(RETRY_SECONDS):
                pause = RETRY_SECONDS[callback.attempts]
                due_at = self.clock.now() + timedelta(seconds=pause)
                self.callbacks.append(replace(callback, due_at=due_at, attempts=callback.attempts + 1))
                _begin(self._deliver_later(pause), self._sleeping)

    async def quiet(self) -> None:
        """Wait until nothing is left to do before time passes."""
        while self._working:
            await asyncio.gather(*self._working)

    def _waits(self, callback: Callback) -> bool:
        """Whether it is to come after another, and there is none yet."""
        return callback.after_next and self.callbacks[-1] is callback

    async def _carry_out(self, instruction_id: str) -> None:
        order = self.orders[instruction_id]
        fault = self._next_fault(order.asked.kind)
        order = self._decided(order, refuse=fault == "refused")
        self.orders[instruction_id] = order
        if self.file:
            with self.file.open("ab") as file:
                file.write(ORDER.dump_json(order) + b"\n")
        callbacks = self._callbacks_of(order, fault)
        self.callbacks += callbacks
        await self.deliver()
        for callback in callbacks:
            if callback.due_at > self.clock.now():
                pause = (callback.due_at - self.clock.now()).total_seconds()
                _begin(self._deliver_later(pause), self._sleeping)

    async def _deliver_later(self, seconds: float) -> None:
        await self.clock.sleep(seconds)
        await self.deliver()

    def _next_fault(self, kind: Kind) -> Fault | None:
        for waiting in self.faults:
            if waiting[0] == kind:
                self.faults.remove(waiting)
                return waiting[1]
        return None

    def _decided(self, order: Order, *, refuse: bool) -> Order:
        asked = order.asked
        if refuse:
            return replace(order, state="refused", reason_code="declined")
        if asked.kind in MOVES_OUT and self.book.get(asked.payer, 0) < asked.amount.minor:
            return replace(order, state="refused", reason_code="insufficient_balance")
        _move(self.book, asked)
        return replace(order, state="confirmed", executed_at=self.clock.now())

    def _callbacks_of(self, order: Order, fault: Fault | None) -> list[Callback]:
        asked = order.asked
        event_id = f"event_{asked.id}"
        amount = asked.amount.money()
        if fault == "wrong_amount":
            amount = Money(amount.minor + 1)
        body: dict[str, object] = {
            "event_id": event_id, "instruction_id": asked.id, "state": order.state, "amount": amount,
            "payer": asked.payer, "parts": asked.parts, "reason_code": order.reason_code,
        }  # fmt: skip
        told = {name: value for name, value in body.items() if value is not None}
        due_at = self.clock.now() + (LATE if fault == "late" else timedelta())
        callback = Callback(event_id, to_json(told), due_at, after_next=fault == "out_of_order")
        return [callback] * {"lost": 0, "duplicate": 2}.get(fault or "", 1)

    async def _send(self, callback: Callback) -> bool:
        timestamp = str(int(self.clock.now().timestamp()))
        signed = f"{timestamp}.{callback.event_id}.".encode() + callback.body
        headers = {
            "Content-Type": "application/json", "Custodian-Timestamp": timestamp, "Custodian-Event": callback.event_id,
            "Custodian-Signature": base64.b64encode(self.key.sign(signed)).decode(),
        }  # fmt: skip
        try:
            answer = await self.directory.connection("trading").post(CALLBACKS, content=callback.body, headers=headers)
        except (HTTPError, Failure) as error:
            logger.warning("the callback %s found nobody: %r", callback.event_id, error)
            return False
        return answer.is_success


def build(
    directory: Directory, clock: Clock, platform_key: bytes, key: SigningKey | None = None, file: Path | None = None
) -> FastAPI:
    """The sandbox, calling back to the directory's `trading`. `state.public_key` is its callback key in base64."""
    custodian = Custodian(directory, clock, key or SigningKey.new(), platform_key, file)
    app = FastAPI(title="Yaosu custodian sandbox", openapi_url=None, docs_url=None, redoc_url=None)
    app.state.custodian = custodian
    app.state.public_key = base64.b64encode(custodian.key.public).decode()
    app.router.routes.extend(_routes(custodian).routes)

    @app.get("/health/ready")
    async def ready() -> ReadyView:
        """That it is there, and what its callbacks are verified with."""
        return ReadyView(public_key=app.state.public_key)

    for kind in (Failure, RequestValidationError, Exception):
        app.add_exception_handler(kind, present)
    return app


def _routes(custodian: Custodian) -> APIRouter:
    router = APIRouter(prefix="/custodian/v1", tags=["custodian sandbox"], route_class=LateRoute)
    from_platform = [Depends(custodian.require_platform)]

    @router.post("/instructions", dependencies=from_platform)
    async def instruct(new: NewInstruction) -> ReportView:
        """Take an instruction. Sending it again is safe."""
        return ReportView.of(custodian.take(new))

    @router.get("/instructions/{instruction_id}", dependencies=from_platform)
    async def report(instruction_id: str) -> ReportView:
        """What became of an instruction."""
        return ReportView.of(custodian.order(instruction_id))

    @router.get("/statement", dependencies=from_platform)
    async def statement(day: date) -> StatementView:
        """What was carried out on a day, and the balances before and after it."""
        return custodian.statement(day)

    @router.post("/faults")
    async def add_faults(new: NewFault) -> FaultsView:
        """Let the next instructions of a kind go wrong."""
        custodian.faults.extend((new.kind, new.fault) for _ in range(new.times))
        return FaultsView(waiting=len(custodian.faults))

    @router.post("/statement-faults")
    async def add_statement_fault(new: NewStatementFault) -> FaultsView:
        """Let the next statement that is asked for say something wrong."""
        custodian.statement_faults.append(new.fault)
        return FaultsView(waiting=len(custodian.statement_faults))

    return router


def _move(book: dict[str, int], asked: NewInstruction) -> None:
    source = WORLD if asked.kind == "pay_in" else asked.payer
    for part in asked.parts:
        target = WORLD if asked.kind == "payout" else part.payee
        book[source] = book.get(source, 0) - part.amount.minor
        book[target] = book.get(target, 0) + part.amount.minor


def _faulty(balances: list[BalanceView], fault: StatementFault | None) -> list[BalanceView]:
    """A fault needs a balance to be in: without one, all is told as it is."""
    match fault, balances:
        case "missing_balance", [_, *rest]:
            return rest
        case "wrong_balance", [first, *rest]:
            return [first.model_copy(update={"closing": first.closing + Money(1)}), *rest]
        case _:
            return balances


def _begin(work: Coroutine[None, None, None], tasks: set[asyncio.Task[None]]) -> None:
    """Run it beside the answer; the set keeps it from being collected."""
    task = asyncio.get_running_loop().create_task(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)

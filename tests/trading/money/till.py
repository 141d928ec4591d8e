"""The money side of trading on a bench, with the sandbox custodian beside it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from httpx2 import Response
from sqlalchemy import select

from services import custodian_sandbox
from services.custodian_sandbox import WORLD
from services.custodian_sandbox import Custodian as SandboxCustodian
from services.trading.actions import custody
from services.trading.actions.treasury import Treasury
from services.trading.api import custodian as custodian_api
from services.trading.api import wallet as wallet_api
from services.trading.custodian import RestCustodian
from services.trading.rules import ledger
from services.trading.rules.ledger import Balance
from services.trading.store import ledger as ledger_store
from services.trading.tables import money as tables
from shared import web
from shared.facts import Event, read_event
from shared.ids import OrderId, ParticipantId
from shared.routing import Router
from shared.signing import SigningKey
from tests.support.bench import Bench, Person

KEY = SigningKey.from_seed(bytes(range(32)))  # the custodian's
OURS = SigningKey.from_seed(bytes(range(1, 33)))


@dataclass(frozen=True, slots=True)
class MoneyAlone:
    """What the two routers of money ask of the service that they are part of."""

    treasury: Treasury


@dataclass
class Till:
    bench: Bench
    treasury: Treasury
    custodian: SandboxCustodian

    async def tick(self) -> None:
        """Trading's job, the custodian's work, and its callbacks."""
        await custody.work_instructions(self.treasury)
        await self.custodian.quiet()

    async def fault(self, kind: str, fault: str, times: int = 1) -> None:
        body = {"kind": kind, "fault": fault, "times": times}
        answer = await self.bench.directory.connection("custodian").post("/custodian/v1/faults", json=body)
        assert answer.is_success, answer.text

    async def fund(self, person: Person, minor: int) -> None:
        """Put money into a person's wallet by way of the custodian."""
        assert (await self.pay_in(person, minor)).status_code == 201
        await self.tick()

    async def pay_in(self, person: Person, minor: int) -> Response:
        return await self.bench.post(person, "/trading/v1/wallet/pay-ins", {"amount": yuan(minor)})

    async def wallet(self, person: Person) -> tuple[int, int]:
        """Available and held, in minor units."""
        told = (await self.bench.get(person, "/trading/v1/wallet")).json()
        return told["available"]["minor"], told["held"]["minor"]

    async def instruction(self, person: Person, created: Response) -> dict[str, Any]:
        return (await self.bench.get(person, created.headers["Location"])).json()

    async def facts(self, act: str) -> list[dict[str, Any]]:
        """The bodies of the facts with this act."""
        return [event.data for event in await self.events() if event.act == f"trading.{act}"]

    async def events(self) -> list[Event]:
        """All facts, as the log is told them."""
        found, positions = list[Event](), dict[int, int]()
        while changes := await self.bench.cores["trading"].feed.after(positions):
            found += [read_event(change.line.encode()) for change in changes]
            positions |= {change.stripe: change.seq for change in changes}
        return found

    async def balance(self, account: ledger.Account) -> Balance:
        async with self.treasury.database.read() as tx:
            return await ledger_store.balance(tx, account)

    async def check_books(self, open_orders: dict[OrderId, ParticipantId] | None = None) -> None:
        """The ledger adds up, drifts nowhere, and names facts that there are; what the custodian holds for someone is
        their wallet, and what they have in the escrow of open orders."""
        told = (await self.bench.get(self.bench.staff("regulator"), "/trading/v1/ledger/trial-balance")).json()
        assert set(told["totals_minor"].values()) <= {0}
        assert told["drifting_accounts"] == []
        assert sum(self.custodian.book.values()) == 0
        expected = {name: minor for name, minor in self.custodian.book.items() if name.startswith("participant_")}
        assert expected == {name: await self._mirrored(name, open_orders or {}) for name in expected}
        sums = {each["kind"]: each["balance_minor"] for each in told["accounts"]}
        assert sums.get("bank.clearing", 0) == self.custodian.book[WORLD]
        async with self.treasury.database.read() as tx:
            named = set(await tx.scalars(select(tables.transfers.c.fact_id)))
        assert named <= {event.id for event in await self.events()}

    async def _mirrored(self, name: str, open_orders: dict[OrderId, ParticipantId]) -> int:
        participant_id = ParticipantId(name)
        wallet = (await self.balance(ledger.wallet(participant_id, "CNY"))).posted
        escrows = [order_id for order_id, buyer_id in open_orders.items() if buyer_id == participant_id]
        return wallet + sum([(await self.balance(ledger.escrow(order_id, "CNY"))).posted for order_id in escrows])


def yuan(minor: int) -> dict[str, object]:
    return {"minor": minor, "currency": "CNY"}


@asynccontextmanager
async def a_till(bench: Bench) -> AsyncGenerator[Till]:
    """Money by itself: its two routers, without the deals that need them."""
    core = await bench.core("trading", tables.metadata)
    sandbox = custodian_sandbox.build(bench.directory, bench.clock, OURS.public, KEY)
    bench.directory.register("custodian", sandbox)
    custodian = RestCustodian(bench.directory, OURS, bench.clock)
    treasury = Treasury(core.database, core.outbox, core.clock, core.standing, custodian, KEY.public)
    router = Router()
    router.include(wallet_api.router, custodian_api.router)
    async with bench.serve(trading=web.application(core, router, MoneyAlone(treasury))):
        yield Till(bench, treasury, sandbox.state.custodian)

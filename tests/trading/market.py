"""Trading on a bench: real money at the sandbox custodian, neighbours that a test speaks for."""

import base64
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar
from uuid import uuid4

from fastapi import FastAPI
from httpx2 import Response

from services import custodian_sandbox
from services.catalog.client import CatalogClient
from services.custodian_sandbox import Custodian
from services.pricing.client import PricingClient
from services.trading import app as trading_app
from services.trading import jobs
from services.trading.actions.trading import Trading
from services.trading.custodian import RestCustodian
from services.trading.rules import ledger
from services.trading.rules.ledger import Transfer
from services.trading.store import ledger as ledger_store
from services.trading.tables.whole import metadata
from shared.facts import Category, Fact
from shared.grades import C3, Clearance, Grade
from shared.ids import FactId, ParticipantId, PlanId, TransferId, UseId, VersionId
from shared.money import Money
from shared.signing import SigningKey
from tests.support.bench import Bench, Person
from tests.trading.neighbours import Neighbours

KEY = SigningKey.from_seed(bytes(range(32)))
AUCTION_DAYS, BUSY_TRIES_MAX = 2, 5
START, STEP, DEPOSIT = 10_000, 1_000, 1_000


def yuan(minor: int) -> dict[str, object]:
    return {"minor": minor, "currency": "CNY"}


@dataclass(frozen=True, slots=True)
class ClearanceChanged(Fact):
    """As identity tells it."""

    category: ClassVar[Category] = Category.ADMISSION
    participant_id: ParticipantId
    clearance: Clearance
    reason_code: str
    revision: int = 3


@dataclass
class Market:
    bench: Bench
    app: FastAPI
    custodian: Custodian
    neighbours: Neighbours
    provider: Person

    @property
    def trading(self) -> Trading:
        return self.app.state.service

    async def tick(self) -> None:
        """Let everything that waits happen, on both sides of the custodian."""
        for _ in range(2):
            await jobs.tick(self.trading)
            await self.custodian.quiet()
        await jobs.tick(self.trading)

    async def advance(self, **time: float) -> None:
        self.bench.clock.advance(**time)
        await self.bench.refresh()
        await self.tick()

    async def buyer(self, minor: int = 0, clearance: Clearance = C3, **parts: Any) -> Person:
        """A buyer who signs, with so much paid in."""
        buyer = await self.bench.member("buyer", clearance=clearance, signs=True, **parts)
        if minor:
            await self.do(buyer, "/wallet/pay-ins", {"amount": yuan(minor)})
            await self.tick()
        return buyer

    async def give_money(self, *people: Person, minor: int) -> None:
        """Into their wallets at once, as if paid in: for tests of many."""
        async with self.trading.database.transaction() as tx:
            chain = [
                Transfer(TransferId.new(), ledger.bank("CNY"), ledger.wallet(each.participant_id, "CNY"), Money(minor))
                for each in people
                if each.participant_id
            ]
            await ledger_store.add_transfers(tx, {FactId.new(): chain}, self.bench.clock.now())

    async def listing(
        self, version_id: VersionId | None = None, *, plan_id: PlanId | None = None, kind: str = "exclusive",
        grade: Grade = Grade.G2, quota_uses: int = 3, **changes: Any,
    ) -> dict[str, Any]:  # fmt: skip
        """For an auction, or with a plan at a fixed price."""
        asked = await self.list_it(
            version_id, plan_id=plan_id, kind=kind, grade=grade, quota_uses=quota_uses, **changes
        )  # fmt: skip
        return asked.json()

    async def list_it(
        self, version_id: VersionId | None = None, *, plan_id: PlanId | None = None, kind: str = "exclusive",
        grade: Grade = Grade.G2, quota_uses: int = 3, mode: str = "raw", key: str | None = None, **changes: Any,
    ) -> Response:  # fmt: skip
        assert self.provider.participant_id
        version_id = version_id or self.neighbours.version(self.provider.participant_id, grade)
        body = {
            "version_id": version_id, "mode": mode, "pricing": "fixed" if plan_id else "auction", "plan_id": plan_id,
            "quota_uses": quota_uses, "purposes": ["route_planning"],
            "right": {"kind": kind, "field": "air_travel", "territory": "CN", "period_days": 365},
        }  # fmt: skip
        return await self.post(self.provider, "/listings", body | changes, key)

    async def auction(self, listing: dict[str, Any] | None = None, **changes: Any) -> str:
        """The id of an auction open for two days."""
        return (await self.open_auction(listing, **changes)).json()["id"]

    async def open_auction(self, listing: dict[str, Any] | None = None, **changes: Any) -> Response:
        listing = listing or await self.listing()
        closes_at = self.bench.clock.now() + timedelta(days=AUCTION_DAYS)
        body = {
            "listing_id": listing["id"], "start_price": yuan(START), "deposit": yuan(DEPOSIT),
            "increments": [{"from_minor": 0, "step_minor": STEP}], "closes_at": closes_at.isoformat(),
        }  # fmt: skip
        return await self.post(self.provider, "/auctions", body | changes)

    async def bidder(self, auction_id: str, minor: int = 100_000, **parts: Any) -> Person:
        """A registered bidder with so much paid in before."""
        buyer = await self.buyer(minor, **parts)
        await self.do(buyer, f"/auctions/{auction_id}/registrations")
        return buyer

    async def bid(self, who: Person, auction_id: str, minor: int, key: str | None = None) -> Response:
        return await self.post(who, f"/auctions/{auction_id}/bids", {"maximum": yuan(minor)}, key)

    async def sign(self, who: Person, contract_id: str) -> Response:
        contract = await self.read(who, f"/contracts/{contract_id}")
        assert who.signing_key
        message = b"yaosu contract v1\n" + contract["terms_hash"].encode()
        signature = base64.b64encode(who.signing_key.sign(message)).decode()
        return await self.post(
            who, f"/contracts/{contract_id}/signatures", {"key_id": who.key_id, "signature": signature}
        )

    async def won(
        self, buyer_has: int = 100_000, listing: dict[str, Any] | None = None
    ) -> tuple[Person, dict[str, Any]]:
        """The winner of an auction, and the order."""
        auction_id = await self.auction(listing)
        winner = await self.bidder(auction_id, buyer_has)
        await self.bid(winner, auction_id, 50_000)
        await self.advance(days=AUCTION_DAYS)
        return winner, (await self.read(winner, "/orders"))["items"][0]

    async def signed(self, buyer: Person, order: dict[str, Any]) -> None:
        for who in (buyer, self.provider):
            assert (await self.sign(who, order["contract_id"])).status_code == 201

    async def paid(self, listing: dict[str, Any] | None = None) -> tuple[Person, dict[str, Any]]:
        """The winner of an auction who has paid, and the order."""
        buyer, order = await self.won(listing=listing)
        await self.signed(buyer, order)
        return buyer, await self.do(buyer, f"/orders/{order['id']}/payment")

    async def use(
        self, buyer: Person, order: dict[str, Any], use_id: str | None = None, revision: int = 1, key: str | None = None
    ) -> Response:
        """As delivery does before it sends."""
        use_id = use_id or UseId.new()
        path = f"/trading/v1/entitlements/{order['entitlement_id']}/uses"
        body, headers = {"use_id": use_id, "grade_revision": revision}, {"Idempotency-Key": key or UseId.new()}
        return await self.bench.ask_as_service("delivery", "POST", path, acting_for=buyer, json=body, headers=headers)

    async def change_clearance(self, who: Person, clearance: Clearance) -> None:
        assert who.participant_id
        await self.bench.announce(ClearanceChanged(who.participant_id, clearance, "review"))

    async def order(self, who: Person, order: dict[str, Any]) -> dict[str, Any]:
        return await self.read(who, f"/orders/{order['id']}")

    async def wallet(self, who: Person) -> tuple[int, int]:
        """Available and held."""
        told = await self.read(who, "/wallet")
        return told["available"]["minor"], told["held"]["minor"]

    async def post(self, who: Person, path: str, body: object = None, key: str | None = None) -> Response:
        return await self.bench.post(who, f"/trading/v1{path}", body, key)

    async def do(self, who: Person, path: str, body: object = None) -> dict[str, Any]:
        """Post what must be taken, and again under the same key where the market was too busy for it."""
        key = uuid4().hex
        answer = await self.post(who, path, body, key)
        for _ in range(BUSY_TRIES_MAX):
            if answer.status_code == 503:
                answer = await self.post(who, path, body, key)
        assert answer.is_success, answer.text
        return answer.json()

    async def read(self, who: Person | None, path: str) -> dict[str, Any]:
        answer = await self.bench.get(who, f"/trading/v1{path}")
        assert answer.is_success, answer.text
        return answer.json()

    async def facts(self, *acts: str) -> list[dict[str, Any]]:
        """The bodies of the facts with these acts, in their order."""
        wanted = {f"trading.{act}" for act in acts}
        found, positions = list[dict[str, Any]](), dict[int, int]()
        while changes := await self.bench.cores["trading"].feed.after(positions):
            found += [change.data for change in changes if change.act in wanted]
            positions |= {change.stripe: change.seq for change in changes}
        return found


@asynccontextmanager
async def a_market(bench: Bench) -> AsyncGenerator[Market]:
    told_key = base64.b64encode(KEY.public).decode()
    bench.settings = bench.settings.model_copy(update={"custodian_public_key": told_key})
    neighbours = Neighbours(bench.clock)
    for name in ("catalog", "pricing"):
        bench.directory.register(name, neighbours.app())
    sandbox = custodian_sandbox.build(bench.directory, bench.clock, KEY.public, KEY)
    bench.directory.register("custodian", sandbox)
    core = await bench.core("trading", metadata)
    app = trading_app.build(
        core, catalog=CatalogClient(core.peer("catalog")), pricing=PricingClient(core.peer("pricing")),
        custodian=RestCustodian(bench.directory, KEY, bench.clock),
    )  # fmt: skip
    async with bench.serve(trading=app):
        provider = await bench.member("provider", signs=True)
        yield Market(bench, app, sandbox.state.custodian, neighbours, provider)


def code(answer: Response) -> tuple[int, str | None]:
    return answer.status_code, answer.json().get("code")

"""A dispute over HTTP: an order that is paid and delivered, those who may be drawn, and what each does."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from httpx2 import Response
from sqlalchemy import select

from services.trading.tables.money import accounts
from tests.support.bench import Person
from tests.trading.market import Market

PRICE = 10_000
FEE = 1_000
HASH = "ab" * 32
NONCES = ("1" * 64, "2" * 64)
EQUAL = {"claimant": 5_000, "respondent": 5_000}


def split(claimant: int) -> dict[str, int]:
    return {"claimant": claimant, "respondent": 10_000 - claimant}


@dataclass
class Court:
    market: Market
    buyer: Person
    order: dict[str, Any]
    arbiters: dict[str, Person] = field(default_factory=dict[str, Person])

    @property
    def provider(self) -> Person:
        return self.market.provider

    async def open(self, minor: int = PRICE, who: Person | None = None, **changes: Any) -> dict[str, Any]:
        answer = await self.try_open(minor, who, **changes)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def try_open(self, minor: int = PRICE, who: Person | None = None, **changes: Any) -> Response:
        body: dict[str, Any] = {
            "order_id": self.order["id"], "category": "not_as_described", "amount": {"minor": minor, "currency": "CNY"},
            "statement": "字段缺失", "nonce": NONCES[0], "remedies": ["end_right"],
        }  # fmt: skip
        return await self.market.post(who or self.buyer, "/disputes", body | changes)

    async def respond(self, dispute: dict[str, Any], admitted: int = 0, who: Person | None = None) -> Response:
        body = {
            "admitted": {"minor": admitted, "currency": "CNY"}, "statement": "字段齐全", "nonce": NONCES[1],
        }  # fmt: skip
        return await self.market.post(who or self.provider, f"/disputes/{dispute['id']}/response", body)

    async def heard(self, minor: int = PRICE, admitted: int = 0) -> dict[str, Any]:
        """A dispute under review, with everyone's say."""
        dispute = await self.open(minor)
        assert (await self.respond(dispute, admitted)).is_success
        await self.pass_deadline(dispute)
        return await self.see(dispute)

    async def rule(self, who: Person, dispute: dict[str, Any], claimant: int, **changes: Any) -> Response:
        body: dict[str, Any] = {
            "split": split(claimant),
            "fees": split(0),
            "remedies": [],
            "reasons": f"理由 {claimant}",
        }
        return await self.market.post(who, f"/disputes/{dispute['id']}/ruling", body | changes)

    async def appeal(self, who: Person, dispute: dict[str, Any], nonce: str = NONCES[0]) -> Response:
        return await self.market.post(who, f"/disputes/{dispute['id']}/appeal", {"nonce": nonce})

    async def settle(self, who: Person, dispute: dict[str, Any], claimant: int) -> Response:
        return await self.market.post(who, f"/disputes/{dispute['id']}/settlement", {"split": split(claimant)})

    async def withdraw(self, who: Person, dispute: dict[str, Any]) -> Response:
        return await self.market.post(who, f"/disputes/{dispute['id']}/withdrawal")

    async def see(self, dispute: dict[str, Any], who: Person | None = None) -> dict[str, Any]:
        return await self.market.read(who or self.buyer, f"/disputes/{dispute['id']}")

    def seated(self, dispute: dict[str, Any]) -> list[Person]:
        return [self.arbiters[each] for each in dispute["panels"][-1]["seated"]]

    async def pass_deadline(self, dispute: dict[str, Any]) -> None:
        """Let time reach the dispute's deadline, and everything happen."""
        deadline = (await self.see(dispute))["deadline"]
        self.market.bench.clock.set(datetime.fromisoformat(deadline))
        await self.market.bench.refresh()
        await self.market.tick()

    async def escrow(self) -> int:
        """What lies in the order's escrow, promised or not."""
        query = select(accounts.c.credits_posted - accounts.c.debits_posted)
        async with self.market.trading.database.read() as tx:
            return await tx.scalar(query.where(accounts.c.id == f"CNY/escrow:{self.order['id']}")) or 0

    async def held(self) -> int:
        """What lies in arbitration accounts, or is on its way there."""
        columns = accounts.c.credits_posted - accounts.c.debits_posted + accounts.c.credits_pending
        async with self.market.trading.database.read() as tx:
            return sum(await tx.scalars(select(columns).where(accounts.c.kind == "arbitration")))

    async def totals(self) -> tuple[dict[str, int], list[str]]:
        """Of the whole ledger: zero, and no account drifts."""
        told = await self.market.read(self.market.bench.staff("operator_audit"), "/ledger/trial-balance")
        return told["totals_minor"], told["drifting_accounts"]


async def a_court(market: Market, arbiters: int = 5, **of_right: Any) -> Court:
    """A delivered order of 100 yuan, both sides with money for fees, and so many who may be drawn."""
    buyer, order = await market.paid(await market.listing(**of_right) if of_right else None)
    await pay_in(market, buyer, market.provider, minor=10_000)
    assert (await market.use(buyer, order)).is_success
    court = Court(market, buyer, await market.order(buyer, order))
    security = market.bench.staff("operator_security")
    for _ in range(arbiters):
        arbiter = market.bench.staff("arbiter")
        answer = await market.post(security, "/arbiters", {"arbiter_id": arbiter.subject, "ties": []})
        assert answer.status_code == 201, answer.text
        court.arbiters[arbiter.subject] = arbiter
    return court


async def pay_in(market: Market, *people: Person, minor: int) -> None:
    for each in people:
        await market.do(each, "/wallet/pay-ins", {"amount": {"minor": minor, "currency": "CNY"}})
    await market.tick()


async def a_sale(market: Market, buyer: Person, listing: dict[str, Any], minor: int) -> dict[str, Any]:
    """A paid order at a fixed price, of a listing that many may have."""
    assert buyer.participant_id
    quote = market.neighbours.quote(buyer.participant_id, listing["version_id"], listing["plan_id"], minor)
    body = {
        "listing_id": listing["id"], "quote_id": quote.id, "quote_version": quote.version,
        "total": {"minor": quote.total.minor, "currency": "CNY"},
    }  # fmt: skip
    order = await market.do(buyer, "/orders", body)
    await market.signed(buyer, order)
    return await market.do(buyer, f"/orders/{order['id']}/payment")

"""What goes on while servers are killed: bids, pay-ins, whole sales, deposits of short auctions, and uploads.

Everyone sends each write until it is answered, always under its own key, and keeps what was acknowledged. Some give up
after the first try that failed: of those writes either everything or nothing may be found.
"""

import asyncio
import base64
import hashlib
import json
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic
from typing import Any
from uuid import uuid4

from httpx2 import AsyncClient, HTTPError, Response

from services.demo import shelves
from services.demo.market import Market
from services.demo.people import Person
from services.demo.people import Refused as NotLoggedIn
from services.demo.shelves import ALPHA, AVIATION, BETA, GAMMA
from shared.clock import SystemClock
from shared.ids import UseId
from tests.crash.stage import BUYERS, CONTENT, about, declared

STEP_MINOR, SHORT_SECONDS = 1_000, 4
STUCK_SECONDS = 60  # no key may be taken for longer
GIVES_UP_EVERY = 12
RENEW_SECONDS, AGAIN_SECONDS = 240, 20
MAY_COME_AGAIN = {"still_running", "standing_unknown"}


class Refused(Exception):
    def __init__(self, path: str, answer: dict[str, Any]) -> None:
        super().__init__(f"{path}: {answer}")
        self.code = answer.get("code", "")


class GaveUp(Exception):
    """Nobody knows whether it happened, and nobody asks again."""


@dataclass(frozen=True)
class Sent:
    path: str
    key: str
    body: Any
    who: str
    answer: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass
class Workload:
    market: Market
    client: AsyncClient
    chance: random.Random
    acknowledged: list[Sent] = field(default_factory=list[Sent])
    given_up: list[Sent] = field(default_factory=list[Sent])
    counts: Counter[str] = field(default_factory=Counter[str])
    unexplained: list[str] = field(default_factory=list[str])
    orders: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])  # whose, which
    uploads_wanted: asyncio.Event = field(default_factory=asyncio.Event)
    disturbed_at: float = field(default_factory=monotonic)  # when everyone was ready again
    _ends: bool = False
    _logged_in_at: float = field(default_factory=monotonic)
    _logging_in: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def go_on(self) -> None:
        """Until `finish` is called; and then to the end of what was begun."""
        self._ends = False
        everyone = [self._bid(who) for who in BUYERS]
        everyone += [self._pay_in(), self._trade(), self._hold_deposits(), self._upload()]
        async with asyncio.TaskGroup() as group:
            for work in everyone:
                group.create_task(work)

    def finish(self) -> None:
        self._ends = True
        self.uploads_wanted.set()

    async def post(self, who: str, path: str, body: Any = None, *, may_give_up: bool = False) -> Any:
        """The answer, however often that must be asked for. Raises Refused; GaveUp."""
        person, sent = self.market.people[who], Sent(path, uuid4().hex, body, who)
        gives_up = may_give_up and self.chance.randrange(GIVES_UP_EVERY) == 0
        since, tries, response = monotonic(), 0, None
        while monotonic() < max(since, self.disturbed_at) + STUCK_SECONDS:
            tries += 1
            response = await self._once(person, sent)
            if response is not None and response.is_success:
                self.counts["acknowledged"] += 1
                self.counts["acknowledged after another try"] += tries > 1
                self.acknowledged.append(Sent(path, sent.key, body, who, response.json()))
                return response.json()
            if response is not None and not self._comes_again(response):
                raise Refused(path, response.json())
            if response is None and gives_up:
                self.given_up.append(sent)
                raise GaveUp
            await asyncio.sleep(self.chance.uniform(0.05, 0.4))
            await self.log_in_again(at_once=response is not None and response.status_code == 401)
        said = response.text if response else "nothing"
        raise AssertionError(f"{path}: the market is well, and has said {said} for {STUCK_SECONDS} s to {sent.key}")

    async def get(self, who: str, path: str) -> Any:
        since, is_out = monotonic(), False
        while monotonic() < max(since, self.disturbed_at) + STUCK_SECONDS:
            try:
                response = await self.client.get(path, headers=self.market.people[who].headers())
                if response.is_success:
                    return response.json()
                self._comes_again(response)
                is_out = response.status_code == 401
            except HTTPError:
                pass
            await asyncio.sleep(0.1)
            await self.log_in_again(at_once=is_out)
        raise AssertionError(f"{path} cannot be read")

    async def log_in_again(self, *, at_once: bool = False) -> None:
        """Tokens last ten minutes. One at a time: whoever waited for another's log-in needs none."""
        async with self._logging_in:
            if monotonic() < self._logged_in_at + (AGAIN_SECONDS if at_once else RENEW_SECONDS):
                return
            told = self.market.folder / "market" / "keys" / "development-log-ins.json"
            passwords = {each["login"]: each["password"] for each in json.loads(told.read_text())}
            try:
                for who in (ALPHA, BETA, GAMMA, AVIATION):
                    await self.market.people[who].log_in(f"{who}@demo", shelves.PASSWORD)
                await self.market.people["regulator"].log_in("regulator", passwords["regulator"])
            except (HTTPError, NotLoggedIn):
                return  # identity is down: whoever is told 401 comes back here
            self._logged_in_at = monotonic()

    async def _once(self, person: Person, sent: Sent) -> Response | None:
        headers = person.headers() | {"Idempotency-Key": sent.key}
        try:
            response = await self.client.post(sent.path, json=sent.body, headers=headers)
        except HTTPError:
            self.counts["unanswered"] += 1
            return None
        return response

    def _comes_again(self, response: Response) -> bool:
        """Whether the same request may fare better later. A 5xx that does not say so is noted: there must be none."""
        if response.is_server_error:
            problem: dict[str, Any] = response.json() if response.content else {}
            self.counts[f"{response.status_code} {problem.get('code', '')}"] += 1
            if response.status_code != 503 or "Retry-After" not in response.headers:
                self.unexplained.append(f"{response.request.url.path}: {response.status_code} {response.text}")
            return True
        return response.status_code in {401, 429} or response.json().get("code") in MAY_COME_AGAIN

    async def _until_the_end(self, round_of: Callable[[], Awaitable[None]]) -> None:
        while not self._ends:
            try:
                await round_of()
            except GaveUp:
                pass
            except Refused as refused:
                self.counts[f"refused: {refused.code}"] += 1

    async def _bid(self, who: str) -> None:
        path = f"/trading/v1/auctions/{self.market.things['auction']}"

        async def once() -> None:
            floor = (await self.get(who, path))["floor"]["minor"]
            await self._bid_once(who, path, floor + STEP_MINOR * self.chance.randint(0, 3))
            await asyncio.sleep(0.02)

        await self._until_the_end(once)

    async def _bid_once(self, who: str, auction: str, minor: int) -> None:
        maximum = {"maximum": {"minor": minor, "currency": "CNY"}}
        await self.post(who, f"{auction}/bids", maximum, may_give_up=True)

    async def _pay_in(self) -> None:
        async def once() -> None:
            amount = {"minor": 20_000 + self.chance.randrange(1_000), "currency": "CNY"}
            who = self.chance.choice([ALPHA, BETA, GAMMA])
            await self.post(who, "/trading/v1/wallet/pay-ins", {"amount": amount}, may_give_up=True)
            await asyncio.sleep(0.1)

        await self._until_the_end(once)

    async def _trade(self) -> None:
        things = self.market.things

        async def once() -> None:
            buyer = self.chance.choice(BUYERS)
            quote = await self.post(buyer, "/pricing/v1/quotes", {"plan_id": things["plan"]})
            accepted = {"quote_id": quote["id"], "quote_version": quote["version"], "total": quote["total"]}
            order = await self.post(buyer, "/trading/v1/orders", {"listing_id": things["listing"], **accepted})
            self.orders.append((buyer, order["id"]))
            for who in (buyer, AVIATION):
                await self._sign(who, order["contract_id"])
            paid = await self.post(buyer, f"/trading/v1/orders/{order['id']}/payment")
            await self._receive(buyer, paid["entitlement_id"])
            await self.post(buyer, f"/trading/v1/orders/{order['id']}/acceptance")
            self.counts["sales accepted"] += 1

        await self._until_the_end(once)

    async def _sign(self, who: str, contract_id: str) -> None:
        person, contract = self.market.people[who], await self.get(who, f"/trading/v1/contracts/{contract_id}")
        signature = person.key.sign(b"yaosu contract v1\n" + contract["terms_hash"].encode())
        signed = {"key_id": person.key_id, "signature": base64.b64encode(signature).decode()}
        await self.post(who, f"/trading/v1/contracts/{contract_id}/signatures", signed)

    async def _receive(self, buyer: str, entitlement_id: str) -> None:
        path, tries = f"/delivery/v1/entitlements/{entitlement_id}/content", 0
        headers = {"Use-Id": str(UseId.new())}
        while tries < STUCK_SECONDS:  # the same use, however often it is tried
            try:
                response = await self.client.get(path, headers=self.market.people[buyer].headers() | headers)
            except HTTPError:
                tries += 1
                continue
            if response.is_success:
                assert hashlib.sha256(response.content).digest() == hashlib.sha256(CONTENT).digest()
                return
            if not self._comes_again(response) and response.json()["code"] != "entitlement_unknown":
                raise Refused(path, response.json())
            await asyncio.sleep(0.1)

    async def _hold_deposits(self) -> None:
        """Auctions that nobody wins, one after the other: every deposit is held and given back."""
        right = {"kind": "exclusive", "field": "logistics", "territory": "CN", "period_days": 30}
        listed = {"mode": "raw", "pricing": "auction", "quota_uses": 1, "right": right, "purposes": ["route_planning"]}

        def yuan(minor: int) -> dict[str, Any]:
            return {"minor": minor, "currency": "CNY"}

        async def once() -> None:
            version = {"version_id": self.market.things["short"]}
            listing = await self.post(AVIATION, "/trading/v1/listings", version | listed)
            try:
                closes_at = SystemClock().now() + timedelta(seconds=SHORT_SECONDS)
                auction = await self.post(AVIATION, "/trading/v1/auctions", {
                    "listing_id": listing["id"], "start_price": yuan(10_000), "deposit": yuan(1_000),
                    "reserve_price": yuan(9_000_000), "increments": [{"from_minor": 0, "step_minor": STEP_MINOR}],
                    "closes_at": closes_at.isoformat(),
                })  # fmt: skip
                path = f"/trading/v1/auctions/{auction['id']}"
                for who in BUYERS:
                    await self.post(who, f"{path}/registrations")
                await self._bid_once(BUYERS[0], path, 10_000)
            finally:
                await self._unsold(listing["id"])

        await self._until_the_end(once)

    async def _unsold(self, listing_id: str) -> None:
        path = f"/trading/v1/listings/{listing_id}"
        since = monotonic()
        while monotonic() < max(since, self.disturbed_at) + STUCK_SECONDS:
            try:
                await self.post(AVIATION, f"{path}/delist")
                return
            except Refused:
                await asyncio.sleep(0.5)
        raise AssertionError("an auction that is over still holds its listing")

    async def _upload(self) -> None:
        async def once() -> None:
            await self.uploads_wanted.wait()
            if self._ends:
                return
            made = await self.post(AVIATION, "/catalog/v1/assets", about(uuid4().hex[:8]))
            upload = await self.post(AVIATION, "/delivery/v1/uploads", declared(made["versions"][0]["id"]))
            await self._send_content(f"/delivery/v1/uploads/{upload['id']}")

        await self._until_the_end(once)

    async def _send_content(self, path: str) -> None:
        while (await self.get(AVIATION, path))["state"] == "declared":
            headers = self.market.people[AVIATION].headers() | {"Content-Type": "text/csv"}
            try:
                response = await self.client.put(f"{path}/content", content=CONTENT, headers=headers)
                self._comes_again(response)
            except HTTPError:
                await asyncio.sleep(0.05)
        self.counts["uploads received"] += 1

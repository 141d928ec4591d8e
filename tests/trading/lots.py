"""Auctions that are not English, on a bench: opened, sealed, revealed and closed as their parties would over HTTP."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from httpx2 import Response

from tests.support.bench import Person
from tests.trading.market import AUCTION_DAYS, DEPOSIT, START, Market, yuan

RIGHT = {"field": "air_travel", "territory": "CN", "period_days": 365}
KINDS = {"uniform": "limited", "rsop": "unlimited"}
SCHEDULE = {"decrement": yuan(1_500), "interval_seconds": 3_600, "floor_price": yuan(3_000)}
NONCE = "c7" * 32


def hash_by_hand(auction_id: str, bidder: Person, minor: int, nonce: str = NONCE) -> str:
    """As a bidder would write it, without any code of ours."""
    told = {"amount": yuan(minor), "auction": auction_id, "bidder": bidder.participant_id, "nonce": nonce}
    text = json.dumps(told, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass
class Lots:
    market: Market

    async def listing(self, mechanism: str, copies: int = 2, **changes: Any) -> dict[str, Any]:
        kind = KINDS.get(mechanism, "exclusive")
        right = RIGHT | {"kind": kind} | ({"copies": copies} if kind == "limited" else {})
        answer = await self.market.list_it(right=right, mechanism=mechanism, **changes)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def open(self, listing: dict[str, Any], **changes: Any) -> Response:
        """For two days from now; sealed bids are revealed on the third."""
        closes_at = self.market.bench.clock.now() + timedelta(days=AUCTION_DAYS)
        own: dict[str, Any] = {"reveal_closes_at": (closes_at + timedelta(days=1)).isoformat()}
        if listing["mechanism"] == "dutch":
            own = {"schedule": SCHEDULE}
        body = {
            "listing_id": listing["id"], "start_price": yuan(START), "deposit": yuan(DEPOSIT),
            "closes_at": closes_at.isoformat(),
        }  # fmt: skip
        return await self.market.post(self.market.provider, "/auctions", body | own | changes)

    async def opened(self, mechanism: str, copies: int = 2, **changes: Any) -> str:
        """The id of an auction."""
        answer = await self.open(await self.listing(mechanism, copies), **changes)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    async def bidders(self, auction_id: str, many: int) -> list[Person]:
        """Registered, in the order of their numbers."""
        people = [await self.market.bench.member("buyer", signs=True) for _ in range(many)]
        await self.market.give_money(*people, minor=100_000)
        for each in people:
            await self.market.do(each, f"/auctions/{auction_id}/registrations")
        return people

    async def seal(self, who: Person, auction_id: str, minor: int, key: str | None = None) -> Response:
        body = {"commitment": hash_by_hand(auction_id, who, minor)}
        return await self.market.post(who, f"/auctions/{auction_id}/sealed-bids", body, key)

    async def reveal(
        self, who: Person, auction_id: str, minor: int, nonce: str = NONCE, key: str | None = None
    ) -> Response:
        body = {"amount": yuan(minor), "nonce": nonce}
        return await self.market.post(who, f"/auctions/{auction_id}/reveals", body, key)

    async def accept(self, who: Person, auction_id: str, minor: int, key: str | None = None) -> Response:
        return await self.market.post(who, f"/auctions/{auction_id}/acceptances", {"maximum": yuan(minor)}, key)

    async def sealed(self, auction_id: str, offers: Sequence[int]) -> list[Person]:
        """So many bidders, who have sealed these offers in turn."""
        people = await self.bidders(auction_id, len(offers))
        for who, minor in zip(people, offers, strict=True):
            assert (await self.seal(who, auction_id, minor)).status_code == 201
        return people

    async def played(self, auction_id: str, offers: Sequence[int], closed: Sequence[int] = ()) -> list[Person]:
        """The bidders, once all offers were sealed, all but those at these places revealed, and the auction closed."""
        people = await self.sealed(auction_id, offers)
        await self.pass_time(days=AUCTION_DAYS)
        for place, (who, minor) in enumerate(zip(people, offers, strict=True)):
            if place not in closed:
                assert (await self.reveal(who, auction_id, minor)).status_code == 201
        await self.market.advance(days=1)
        return people

    async def pass_time(self, **time: float) -> None:
        """Without any job's noticing."""
        self.market.bench.clock.advance(**time)
        await self.market.bench.refresh()

    async def at(self, moment: datetime) -> None:
        self.market.bench.clock.set(moment)
        await self.market.bench.refresh()

    async def see(self, auction_id: str, who: Person | None = None) -> dict[str, Any]:
        return await self.market.read(who, f"/auctions/{auction_id}")

    async def bids(self, auction_id: str, who: Person | None = None) -> list[dict[str, Any]]:
        return (await self.market.read(who, f"/auctions/{auction_id}/sealed-bids"))["items"]

    async def orders(self, who: Person) -> list[dict[str, Any]]:
        return (await self.market.read(who, "/orders"))["items"]

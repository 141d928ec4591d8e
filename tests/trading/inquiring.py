"""A market with three providers who each offer a listing by inquiry, and a buyer who asks them over HTTP."""

import hmac
import json
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Any, cast

from httpx2 import Response

from services.trading.rules.matching import Wish
from shared.grades import C3, Clearance, Grade
from shared.ids import VersionId
from tests.support.bench import Person
from tests.trading.market import Market, yuan

OFFERS_DAYS, OPENING_DAYS = 3, 1
SALT = "5a" * 32
QUALITY = {"attribute": "quality", "minor_per_unit": 100, "counts_from": 0, "counts_to": 1_000}
RIGHT = {"kind": "unlimited", "field": "air_travel", "territory": "CN", "period_days": 365}
LISTED: dict[str, Any] = {
    "mode": "raw", "pricing": "inquiry", "quota_uses": 3, "purposes": ["route_planning"], "right": RIGHT,
}  # fmt: skip


def a_rule(**changes: Any) -> dict[str, Any]:
    return {"award_by": "second_score", "per_unit": [QUALITY], "few_offers": "fails"} | changes


def commitment(inquiry_id: str, who: Person, offer: dict[str, Any], salt: str = SALT) -> str:
    """As a provider computes it, by what the API says of it."""
    told = {
        "answers": sorted(offer["answers"], key=lambda answer: answer["attribute"]), "inquiry_id": inquiry_id,
        "listing_id": offer["listing_id"], "price": offer["price"], "provider_id": who.participant_id,
    }  # fmt: skip
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hmac.new(bytes.fromhex(salt), b"\x11offer\x00" + text.encode(), sha256).hexdigest()


@dataclass
class Ring:
    """Who asks, who is asked, and what each of those has listed."""

    market: Market
    buyer: Person
    providers: list[Person] = field(default_factory=list[Person])
    listings: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    async def provider(self, grade: Grade = Grade.G2, *, affiliate_of: Person | None = None, **changes: Any) -> Person:
        """One more, with a listing."""
        who = await self.market.bench.member("provider", signs=True, affiliate_of=affiliate_of)
        self.providers.append(who)
        self.listings.append(await self.listing(who, grade, **changes))
        return who

    async def listing(
        self, who: Person, grade: Grade = Grade.G2, version: dict[str, Any] | None = None, **changes: Any
    ) -> dict[str, Any]:  # fmt: skip
        assert who.participant_id
        version_id = self.market.neighbours.version(who.participant_id, grade, **(version or {}))
        return await self.market.do(who, "/listings", LISTED | {"version_id": version_id} | changes)

    def body(self, **changes: Any) -> dict[str, Any]:
        until = self.market.bench.clock.now() + timedelta(days=OFFERS_DAYS)
        return {
            "title": "机场客流", "description": "全国机场的客流", "purpose": "route_planning", "mode": "raw",
            "grade_ceiling": "G3", "right": RIGHT, "quota_uses": 1, "scoring": a_rule(),
            "offers_until": until.isoformat(), "invited": [who.participant_id for who in self.providers],
        } | changes  # fmt: skip

    async def publish(self, **changes: Any) -> Response:
        return await self.market.post(self.buyer, "/inquiries", self.body(**changes))

    async def inquiry(self, **changes: Any) -> str:
        """The id of a published one."""
        answer = await self.publish(**changes)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    def offer(self, number: int, price: int, quality: int = 100, **changes: Any) -> dict[str, Any]:
        answers = [{"attribute": "quality", "value": quality}]
        return {"listing_id": self.listings[number]["id"], "price": yuan(price), "answers": answers} | changes

    async def seal(self, inquiry_id: str, number: int, offer: dict[str, Any], key: str | None = None) -> Response:
        who = self.providers[number]
        sealed = {"commitment": commitment(inquiry_id, who, offer)}
        return await self.market.post(who, f"/inquiries/{inquiry_id}/offers", sealed, key)

    async def open(self, inquiry_id: str, number: int, offer: dict[str, Any], key: str | None = None) -> Response:
        who = self.providers[number]
        return await self.market.post(who, f"/inquiries/{inquiry_id}/openings", offer | {"salt": SALT}, key)

    async def sealed(self, *offers: dict[str, Any], **changes: Any) -> str:
        """An inquiry with these offers sealed, and its deadline passed."""
        inquiry_id = await self.inquiry(**changes)
        for number, offer in enumerate(offers):
            assert (await self.seal(inquiry_id, number, offer)).status_code == 201
        await self.market.advance(days=OFFERS_DAYS)
        return inquiry_id

    async def opened(self, *offers: dict[str, Any], **changes: Any) -> str:
        """An inquiry with these offers sealed and opened, which nobody has judged yet."""
        inquiry_id = await self.sealed(*offers, **changes)
        for number, offer in enumerate(offers):
            answer = await self.open(inquiry_id, number, offer)
            assert answer.status_code == 201, answer.text
        return inquiry_id

    async def closed(self, *offers: dict[str, Any], **changes: Any) -> dict[str, Any]:
        inquiry_id = await self.opened(*offers, **changes)
        await self.market.advance(days=OPENING_DAYS)
        return await self.see(self.buyer, inquiry_id)

    async def see(self, who: Person, inquiry_id: str) -> dict[str, Any]:
        return await self.market.read(who, f"/inquiries/{inquiry_id}")

    def version_of(self, number: int) -> VersionId:
        return VersionId(self.listings[number]["version_id"])


def reasons(inquiry: dict[str, Any]) -> list[str]:
    return [offer["reason_code"] for offer in inquiry["offers"]]


async def a_ring(market: Market, providers: int = 3, clearance: Clearance = C3) -> Ring:
    ring = Ring(market, await market.buyer(clearance=clearance))
    for _ in range(providers):
        await ring.provider()
    return ring


def grounds_of(match: dict[str, Any]) -> dict[str, int]:
    return {Wish(ground["wish"]): cast(int, ground["points"]) for ground in match["grounds"]}

"""Approvals of access to important data, as the catalogue tells of them, and an offer of such data."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from services.catalog.events.access import AccessApproved, AccessEnded
from services.catalog.rules.access import APPROVED, ENDED, AccessRequest, Form, NextActor, Step, Taken
from shared.facts import Fact
from shared.grades import G5, Condition, Grade, Mode
from shared.ids import AccessRequestId, AssetId, ParticipantId, PlanId, VersionId
from tests.support.bench import Person
from tests.trading.market import Market

DAYS, PURPOSE = 30, "route_planning"
Told = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Offered:
    """A listing of important data, with its plan if it has one."""

    listing: Told
    plan_id: PlanId

    @property
    def version_id(self) -> VersionId:
        return VersionId(self.listing["version_id"])

    @property
    def path(self) -> str:
        return f"/listings/{self.listing['id']}"


async def offered(market: Market, pricing: str = "fixed") -> Offered:
    assert market.provider.participant_id
    version_id = market.neighbours.version(market.provider.participant_id, G5, on_record=[Condition.RISK_ASSESSMENT])
    plan_id = PlanId.new()
    terms: Told = {"plan_id": plan_id} if pricing == "fixed" else {"pricing": pricing}
    answer = await market.list_it(version_id, kind="unlimited", mode="compute", **terms)
    assert answer.status_code == 201, answer.text
    return Offered(answer.json(), plan_id)


def approval(
    market: Market, buyer: Person, version_id: VersionId, mode: Mode = Mode.COMPUTE, purpose: str = PURPOSE,
    grade: Grade = G5,
) -> AccessRequest:  # fmt: skip
    assert buyer.participant_id and market.provider.participant_id
    now = market.bench.clock.now()
    return AccessRequest(
        AccessRequestId.new(), AssetId.new(), version_id, ParticipantId(market.provider.participant_id),
        buyer.participant_id, Form(mode, purpose, DAYS, "用于规划"), APPROVED, NextActor.BUYER,
        now + timedelta(days=DAYS), grade, (Taken(Step.APPROVED, now, "user_o", "已复核"),), revision=3,
    )  # fmt: skip


def ended(approved: AccessRequest, reason_code: str = "no_longer_needed") -> AccessRequest:
    parts: Told = {"state": ENDED, "next_actor": None, "deadline": None, "reason_code": reason_code}
    return replace(approved, **parts, revision=approved.revision + 1)


def announce(market: Market, request: AccessRequest) -> None:
    """The news of what was approved or ended is on its way."""
    fact: Fact = AccessApproved.of(request) if request.state is APPROVED else AccessEnded.of(request)
    market.neighbours.feed.announce(market.bench.clock, fact)


async def tell(market: Market, *requests: AccessRequest) -> None:
    """The news of them, taken in."""
    for each in requests:
        announce(market, each)
    await market.tick()


async def approve(market: Market, buyer: Person, version_id: VersionId, **form: Any) -> AccessRequest:
    approved = approval(market, buyer, version_id, **form)
    await tell(market, approved)
    return approved

"""Freeze orders, made in one line each: by rules alone, and by two persons of the regulator over HTTP."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from services.trading.rules import freeze as rules
from services.trading.rules.freeze import Basis, Freeze, Ground, Held, Official, Scope
from services.trading.rules.supervision import SUPERVISION
from shared.ids import FreezeId, ListingId, ParticipantId
from tests.support.bench import Person
from tests.trading.made import NOON
from tests.trading.market import Market

BASIS = Basis(Ground.EVIDENCE, "行政强制法第二十二条", "case_1")
LI, WANG = Official("user_li", True), Official("user_wang", True)
CHEN = Official("user_chen", False)
DAY = timedelta(days=1)


def a_proposal(scope: Scope = Scope.LISTING, **changes: Any) -> Freeze:
    held = Held(scope, ListingId.new(), ParticipantId.new())
    made = rules.propose(FreezeId.new(), held, BASIS, LI, NOON + 10 * DAY, SUPERVISION, NOON)
    return replace(made, **changes)


def a_freeze(**changes: Any) -> Freeze:
    return replace(rules.confirm(a_proposal(), WANG, NOON), **changes)


def officials(market: Market) -> tuple[Person, Person]:
    return market.bench.staff("regulator"), market.bench.staff("regulator")


async def frozen(market: Market, scope: str, subject_id: object, days: float = 10) -> dict[str, Any]:
    """A freeze order in force."""
    proposed = await proposed_by(market, market.bench.staff("regulator"), scope, subject_id, days)
    return await market.do(market.bench.staff("regulator"), f"/freezes/{proposed['id']}/confirmation")


async def proposed_by(
    market: Market, who: Person, scope: str, subject_id: object, days: float = 10
) -> dict[str, Any]:  # fmt: skip
    return await market.do(who, "/freezes", asked(market, scope, subject_id, days))


def asked(market: Market, scope: str, subject_id: object, days: float = 10) -> dict[str, Any]:
    named = {"wallet": "participant_id"}.get(scope, f"{scope}_id")
    expires_at = market.bench.clock.now() + timedelta(days=days)
    return {
        "scope": scope, named: subject_id, "ground": "evidence", "legal_basis": "行政强制法第二十二条",
        "case_reference": "case_1", "expires_at": expires_at.isoformat(),
    }  # fmt: skip


async def lifted(market: Market, freeze_id: str) -> dict[str, Any]:
    """What two persons lifted."""
    li, wang = officials(market)
    await market.do(li, f"/freezes/{freeze_id}/lifting", {"ground": "decided"})
    return await market.do(wang, f"/freezes/{freeze_id}/lifting/confirmation")

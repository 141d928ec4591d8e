"""Facts about graded data, as services report them, and regulators who look into them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from httpx2 import Response

from shared import facts
from shared.facts import Actor, Category, Fact
from shared.grades import Grade
from shared.ids import AssetId, ContractId, FactId, ListingId, OrderId, ParticipantId, UserId, VersionId
from tests.audit.conftest import AuditBench, Source
from tests.support.bench import Person


@dataclass(frozen=True, slots=True)
class GradeConfirmed(Fact):
    category: ClassVar[Category] = Category.GRADE
    asset_id: AssetId
    version_id: VersionId
    grade: Grade


@dataclass(frozen=True, slots=True)
class Listed(Fact):
    category: ClassVar[Category] = Category.TRADE
    listing_id: ListingId
    version_id: VersionId


@dataclass(frozen=True, slots=True)
class OrderPlaced(Fact):
    category: ClassVar[Category] = Category.TRADE
    order_id: OrderId
    listing_id: ListingId
    contract_id: ContractId | None = None


def line_of(fact: Fact, at: datetime, organisation: ParticipantId | None = None, service: str = "trading") -> bytes:
    actor = Actor("user", UserId.new(), organisation)
    return facts.event_line(fact, service=service, fact_id=FactId.new(), actor=actor, at=at, request_id=None)


def say(source: Source, *told: Fact, organisation: ParticipantId | None = None) -> Source:
    """Let a source report these facts next."""
    source.lines += [line_of(each, source.bench.clock.now(), organisation, source.service) for each in told]
    return source


@dataclass(frozen=True, slots=True)
class Deal:
    """A version of a grade, listed and ordered: three entries, of which only the first states the grade."""

    asset: AssetId
    version: VersionId
    listing: ListingId
    order: OrderId
    contract: ContractId

    @classmethod
    def new(cls) -> "Deal":
        return cls(AssetId.new(), VersionId.new(), ListingId.new(), OrderId.new(), ContractId.new())

    def facts(self, grade: Grade) -> list[Fact]:
        return [
            GradeConfirmed(self.asset, self.version, grade),
            Listed(self.listing, self.version),
            OrderPlaced(self.order, self.listing, self.contract),
        ]


async def dealt(log: AuditBench, *grades: Grade, organisation: ParticipantId | None = None) -> list[Deal]:
    """A deal of each grade, three entries each, in order."""
    deals, source = [Deal.new() for _ in grades], log.source()
    for deal, grade in zip(deals, grades, strict=True):
        say(source, *deal.facts(grade), organisation=organisation)
    await source.send()
    return deals


def a_case(log: AuditBench, grade: str = "G4", *, days: int = 30, **scope: Any) -> dict[str, Any]:
    now = log.bench.clock.now()
    told = {"since": _text(now - timedelta(days=1)), "until": _text(now + timedelta(days=1)), "highest_grade": grade}
    scope = told | (scope or {"is_whole_log": True})
    return {
        "purpose": "核查数据出境", "legal_basis": "数据安全法第四十四条", "scope": scope,
        "expires_at": _text(now + timedelta(days=days)),
    }  # fmt: skip


def later(log: AuditBench, **time: float) -> str:
    return _text(log.bench.clock.now() + timedelta(**time))


async def post(log: AuditBench, path: str, body: Any, person: Person | None = None) -> Response:
    return await log.bench.post(person or log.regulator, f"/audit/v1{path}", body)


async def opened(log: AuditBench, grade: str = "G4", second: Person | None = None, **scope: Any) -> str:
    """A case that is open: agreed to by a second regulator where it must be."""
    answer = await post(log, "/cases", a_case(log, grade, **scope))
    assert answer.status_code == 201, answer.text
    if answer.json()["state"] == "awaiting_second":
        agreed = await post(
            log, f"/cases/{answer.json()['id']}/approval", {"reason": "同意"}, second or another(log)
        )  # fmt: skip
        assert agreed.json()["state"] == "open", agreed.text
    return answer.json()["id"]


def another(log: AuditBench) -> Person:
    return log.bench.staff("regulator")


async def told(log: AuditBench) -> list[tuple[str, dict[str, Any]]]:
    """What the audit service itself has told so far: acts and bodies."""
    changes = await log.bench.cores["audit"].feed.after({})
    return [(each.act.removeprefix("audit."), each.data) for each in changes]


def _text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")

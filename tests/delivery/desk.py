"""A delivery service at work between two neighbours that say what a test tells them to.

The neighbours' own clients are subclassed, so that what they are asked and answer keeps its types.
"""

from collections.abc import AsyncGenerator, Sequence, Set
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar, cast

import pytest
from fastapi import FastAPI
from httpx2 import Response
from pydantic import SecretStr

from services.catalog.client import ApprovedAccess, CatalogClient, InspectionReport, NoSuchVersion, VersionView
from services.delivery import app as delivery
from services.delivery import jobs
from services.delivery.actions import delivery as deliveries
from services.delivery.actions.depot import Depot
from services.delivery.actions.sending import Sending
from services.delivery.rules.upload import MediaType
from services.delivery.sandbox import Inline, Inspector
from services.delivery.tables.whole import metadata
from services.trading.client import TradingClient, UseView
from shared.access import Caller, Member
from shared.changes import Change, Positions, parse_positions
from shared.errors import Failure
from shared.facts import Category, Fact
from shared.grades import C3, G1, Clearance, Condition, Flag, Grade, Mode
from shared.ids import AssetId, ContractId, EntitlementId, OrderId, ParticipantId, UseId, VersionId
from shared.rest import OnBehalf
from tests.delivery.made_files import LARGE, PLACES
from tests.support.bench import Bench, Person, WrittenFeed

SETTINGS = {"upload_bytes_max": 256 * 2**20, "pseudonym_key": SecretStr("a key for the pseudonyms of tests")}
ONE_DATABASE = pytest.mark.parametrize("server", ["sqlite"], indirect=True)  # where the kind of it cannot matter
UNGRADED: dict[str, object] = {
    "title": "航班", "theme": "transport", "asset_state": "draft", "state": "awaiting_content", "grade": None,
    "flags": [], "grade_revision": 0, "content_hash": None, "bytes": None, "rows": None, "media_type": None,
    "fields": [], "certificate_id": None,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class EntitlementGranted(Fact):
    category: ClassVar[Category] = Category.TRADE
    entitlement_id: EntitlementId
    version_id: VersionId
    buyer_id: ParticipantId
    mode: Mode
    purposes: tuple[str, ...] = ("research",)
    quota_uses: int = 3
    deadline: datetime | None = None
    territory: str | None = "CN"
    provider_id: ParticipantId | None = None


@dataclass(frozen=True, slots=True)
class EntitlementUsed(Fact):
    category: ClassVar[Category] = Category.TRADE
    entitlement_id: EntitlementId
    uses_left: int
    revision: int = 0


@dataclass(frozen=True, slots=True)
class EntitlementSuspended(Fact):
    category: ClassVar[Category] = Category.TRADE
    entitlement_id: EntitlementId


@dataclass(frozen=True, slots=True)
class EntitlementResumed(EntitlementSuspended): ...


class Shelf(CatalogClient):
    """The catalogue, as far as delivery asks it."""

    def __init__(self) -> None:
        self.versions: dict[VersionId, VersionView] = {}
        self.approved: dict[tuple[VersionId, ParticipantId], list[ApprovedAccess]] = {}
        self.lost: dict[tuple[VersionId, ParticipantId], set[Condition]] = {}
        self.reports: list[tuple[VersionId, InspectionReport, str]] = []
        self.failure: Failure | None = None

    async def version(self, version_id: VersionId) -> VersionView:
        if self.failure:
            raise self.failure
        if version_id not in self.versions:
            raise NoSuchVersion()
        return self.versions[version_id]

    async def version_for(self, version_id: VersionId, recipient_id: ParticipantId) -> VersionView:
        found, lost = await self.version(version_id), self.lost.get((version_id, recipient_id), set())
        return found.model_copy(update={"on_record": [one for one in found.on_record if one not in lost]})

    async def access(self, version_id: VersionId, participant_id: ParticipantId) -> list[ApprovedAccess]:
        return self.approved.get((version_id, participant_id), [])

    async def report_inspection(self, version_id: VersionId, report: InspectionReport, key: str) -> VersionView:
        if self.failure:
            raise self.failure
        self.reports.append((version_id, report, key))
        return self.change(version_id, state="refused" if report.refused else "inspected")

    def add(self, provider: Person) -> VersionId:
        parts = {"id": VersionId.new(), "asset_id": AssetId.new(), "provider_id": provider.participant_id}
        version = VersionView.model_validate(UNGRADED | parts)
        self.versions[version.id] = version
        return version.id

    def change(self, version_id: VersionId, **changes: object) -> VersionView:
        self.versions[version_id] = self.versions[version_id].model_copy(update=changes)
        return self.versions[version_id]

    def grade(self, version_id: VersionId, grade: Grade, *flags: Flag) -> None:
        revision = self.versions[version_id].grade_revision + 1
        told = {"grade": grade, "flags": list(flags), "grade_revision": revision, "state": "graded"}
        self.change(version_id, asset_state="registered", **told)


@dataclass
class Counter(TradingClient):
    """Trading, as far as delivery asks it: counts uses, each id once."""

    granted: dict[EntitlementId, EntitlementGranted] = field(default_factory=dict[EntitlementId, EntitlementGranted])
    used: list[tuple[EntitlementId, UseId, int]] = field(default_factory=list[tuple[EntitlementId, UseId, int]])
    read: list[list[str] | None] = field(default_factory=list[list[str] | None])  # by each use that was asked for
    failure: Failure | None = None

    async def use(
        self, entitlement_id: EntitlementId, use_id: UseId, grade_revision: int, acting_for: OnBehalf,
        on_record: Set[Condition] = frozenset(), columns: Sequence[str] | None = None,
    ) -> UseView:  # fmt: skip
        assert acting_for.token
        self.read.append(None if columns is None else sorted(columns))
        if self.failure:
            raise self.failure
        if (entitlement_id, use_id, grade_revision) not in self.used:
            self.used.append((entitlement_id, use_id, grade_revision))
        granted = self.granted[entitlement_id]
        return UseView.model_validate({
            "use_id": use_id, "entitlement_id": entitlement_id, "contract_id": ContractId.new(),
            "order_id": OrderId.new(), "buyer_id": granted.buyer_id, "version_id": granted.version_id,
            "mode": granted.mode, "purposes": granted.purposes, "uses_left": 3,
        })  # fmt: skip


@dataclass
class Desk:
    bench: Bench
    app: FastAPI
    shelf: Shelf
    counter: Counter
    news: WrittenFeed

    @property
    def depot(self) -> Depot:
        return cast(Depot, self.app.state.service)

    async def tick(self) -> None:
        await jobs.tick(self.depot)

    async def officer(self, version_id: VersionId, grade: Grade = Grade.G4) -> Person:
        """Somebody of the business who is named for a version's entry."""
        return await self.bench.assigned(self.shelf.versions[version_id].asset_id, grade)

    def acting(self, person: Person) -> Member:
        assert person.participant_id
        caller = Caller(person.subject, "user", person.roles, person.participant_id, token=self.bench.token(person))
        return Member(caller, self.depot.standing.of(person.participant_id))

    async def declare(
        self, provider: Person, version_id: VersionId, content: bytes, key: str | None = None, **changes: object
    ) -> Response:
        body = {
            "version_id": version_id, "media_type": "text/csv", "bytes": len(content),
            "content_hash": sha256(content).hexdigest(), "file_name": "航班 2026.csv",
        }  # fmt: skip
        return await self.bench.post(provider, "/delivery/v1/uploads", body | changes, key)

    async def send(self, provider: Person, upload_id: str, content: bytes) -> Response:
        return await self.bench.ask("PUT", provider, f"/delivery/v1/uploads/{upload_id}/content", content=content)

    async def stocked(
        self, provider: Person, content: bytes, grade: Grade, *flags: Flag, media_type: MediaType = MediaType.CSV
    ) -> VersionId:
        """A version of the provider's with inspected content, graded and registered."""
        version_id = self.shelf.add(provider)
        upload = (await self.declare(provider, version_id, content, media_type=media_type.value)).json()
        assert (await self.send(provider, upload["id"], content)).is_success
        await self.tick()
        assert self.shelf.versions[version_id].state == "inspected", self.shelf.reports[-1]
        self.shelf.grade(version_id, grade, *flags)
        return version_id

    async def grant(
        self, buyer: Person, version_id: VersionId, mode: Mode = Mode.RAW, **terms: Any
    ) -> EntitlementId:  # fmt: skip
        """`terms` are purposes, territory and whatever else trading would tell."""
        assert buyer.participant_id
        granted = EntitlementGranted(EntitlementId.new(), version_id, buyer.participant_id, mode, **terms)
        self.counter.granted[granted.entitlement_id] = granted
        self.news.announce(self.bench.clock, granted)
        return granted.entitlement_id

    async def fetch(
        self, buyer: Person, entitlement_id: EntitlementId, use_id: str | None = None, *, method: str = "GET",
        **headers: str,
    ) -> Response:  # fmt: skip
        """`headers` by their names with underscores."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        path = f"/delivery/v1/entitlements/{entitlement_id}/content"
        return await self.bench.ask(method, buyer, path, headers=sent | ({"Use-Id": use_id} if use_id else {}))

    async def declared(self, content: bytes) -> tuple[Person, VersionId, str]:
        """A provider who has announced this content for a version, and its upload."""
        provider = await self.bench.member("provider")
        version_id = self.shelf.add(provider)
        answer = await self.declare(provider, version_id, content)
        assert answer.status_code == 201, answer.text
        return provider, version_id, answer.json()["id"]

    async def state(self, provider: Person, upload_id: str) -> tuple[str, str | None, str | None]:
        view = (await self.bench.get(provider, f"/delivery/v1/uploads/{upload_id}")).json()
        return view["state"], view["reason_code"], view["next_actor"]

    async def facts(self, act: str) -> list[dict[str, object]]:
        """The bodies of the facts recorded under this name, oldest first."""
        found: list[dict[str, object]] = []
        positions: dict[int, int] = {}
        while changes := await self.bench.cores["delivery"].feed.after(positions):
            found += [change.data for change in changes if change.act == f"delivery.{act}"]
            positions |= {change.stripe: change.seq for change in changes}
        return found


async def deal(
    desk: Desk,
    content: bytes = PLACES,
    grade: Grade = G1,
    *flags: Flag,
    mode: Mode = Mode.RAW,
    clearance: Clearance = C3,
    **terms: Any,
) -> tuple[Person, EntitlementId, VersionId]:
    provider, buyer = await desk.bench.member("provider"), await desk.bench.member("buyer", clearance=clearance)
    version_id = await desk.stocked(provider, content, grade, *flags)
    return buyer, await desk.grant(buyer, version_id, mode, **terms), version_id


async def sending(
    desk: Desk, grade: Grade = G1, mode: Mode = Mode.RAW, **terms: Any
) -> tuple[Sending, Person, VersionId]:  # fmt: skip
    buyer, entitlement_id, version_id = await deal(desk, LARGE, grade, mode=mode, **terms)
    return await deliveries.deliver(desk.depot, desk.acting(buyer), entitlement_id, None), buyer, version_id


async def suspend(desk: Desk, entitlement_id: EntitlementId) -> None:
    desk.news.announce(desk.bench.clock, EntitlementSuspended(entitlement_id))
    while (known := desk.depot.watch.entitled(entitlement_id)) is None or known.active:
        await desk.depot.watch.news()


@asynccontextmanager
async def desk(bench: Bench, folder: Path, inspector: Inspector | None = None) -> AsyncGenerator[Desk]:
    bench.settings = bench.settings.model_copy(update=SETTINGS | {"var": folder})
    core = await bench.core("delivery", metadata)
    shelf, counter, news = Shelf(), Counter(), WrittenFeed("trading")
    bench.directory.register("trading", _trading(news))
    app = delivery.build(core, catalog=shelf, trading=counter, inspector=inspector or Inline())
    async with bench.serve(delivery=app):
        yield Desk(bench, app, shelf, counter, news)


def _trading(news: WrittenFeed) -> FastAPI:
    app = FastAPI()

    @app.get("/trading/v1/changes")
    async def changes(after: str = "", wait: float = 0) -> list[Change]:  # pyright: ignore[reportUnusedFunction]
        positions: Positions = parse_positions(after)
        return await news.after(positions, wait)

    return app

"""What stands before anything goes wrong: participants, versions, offers, money. Made once, copied for each seed.

Promises: the same files, byte for byte of what they mean, in every process; nothing in them is drawn by chance.
"""

import asyncio
import random
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from rich.console import Console

from services.catalog.client import CatalogClient, InspectionReport
from services.custodian_documents import Order
from services.demo import market as stage
from services.demo import shelves
from services.demo.people import Person
from services.demo.shelves import ALPHA, AVIATION, BETA, CIVIC, GAMMA, PASSWORD
from services.identity.actions.staff import bootstrap
from services.staff import ROLES, LogIn
from shared.ids import UploadId, VersionId
from shared.signing import SigningKey
from tests.simulator.loop import VirtualLoop
from tests.simulator.market import OUTSIDE, SimulatedMarket
from tests.simulator.process import Life, begin
from tests.simulator.randomness import drawn_from
from tests.support.migrated import migrated_files

PROVIDERS, BUYERS = (AVIATION, CIVIC), (ALPHA, BETA, GAMMA)
STAFF_PASSWORD = "a long pass phrase for the staff"
PAID_IN_MINOR = 300_000
PRICE_MINOR = 10_000
START_MINOR, STEP_MINOR, DEPOSIT_MINOR, RESERVE_MINOR = 10_000, 500, 1_000, 11_000
RIGHT = {"kind": "unlimited", "field": "research", "territory": "CN", "period_days": 30}
ABOUT = {
    "title": "机场", "title_english": "Airports", "theme": "transport", "description": "机场数据", "keywords": ["机场"],
    "update_cycle": "monthly",
}  # fmt: skip
FIELD: dict[str, Any] = {
    "name": "code",
    "type": "text",
    "null_basis_points": 0,
    "distinct": 60,
    "detections": [],
    "fit_basis_points": 0,
}


@dataclass(frozen=True)
class Member:
    """Somebody who acts: what they log in with, and what they sign with."""

    name: str
    login: str
    password: str
    participant_id: str = ""
    key: SigningKey | None = None
    key_id: str = ""


@dataclass(frozen=True)
class Version:
    asset_id: str
    version_id: str
    owner: str
    plan_id: str


@dataclass(frozen=True)
class Furnished:
    """`seconds` is when it ended, by the loop's time."""

    files: Mapping[str, Path]
    seconds: float
    members: Mapping[str, Member]
    versions: tuple[Version, ...]
    custodian: Mapping[str, Order]
    book: Mapping[str, int]


def furnish(folder: Path) -> Furnished:
    """Requires an empty folder, in which the files stay."""
    (folder / "empty").mkdir()
    (folder / "furnished").mkdir()
    (folder / "run").mkdir()
    empty = migrated_files(folder / "empty")
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(_furnished(folder, empty))
    finally:
        loop.close()


async def _furnished(folder: Path, empty: Mapping[str, Path]) -> Furnished:
    from tests.simulator.process import remember_tasks

    loop = asyncio.get_running_loop()
    remember_tasks(loop)
    market = SimulatedMarket.of(folder / "run", empty, random.Random(0))
    with drawn_from(random.Random(0), market.clocks[OUTSIDE].now):
        await market.open()
        told = await begin(Life(OUTSIDE), _told(market, folder))
        await market.tell()
        for process in market.processes.values():  # a first connection asks more of its database than all later ones
            async with process.database.transaction(), process.database.read():
                pass
        await market.close()
    files = {name: folder / "furnished" / f"{name}.db" for name in empty}
    for name, path in files.items():
        shutil.copyfile(folder / "run" / f"{name}.db", path)
    members, versions = told
    return Furnished(
        files, loop.time(), members, tuple(versions), dict(market.custodian.orders), dict(market.custodian.book)
    )  # fmt: skip


async def _told(market: SimulatedMarket, folder: Path) -> tuple[dict[str, Member], list[Version]]:
    staff = [LogIn(name, STAFF_PASSWORD, role) for name, role in ROLES.items()]
    await begin(market.processes["identity"].life, bootstrap(market.service("identity"), staff))
    scene = stage.Market(market.network.door(OUTSIDE), folder, Console(quiet=True))
    members = {each.login: Member(each.login, each.login, STAFF_PASSWORD) for each in staff}
    for each in staff:
        person = scene.people[each.login] = Person(each.login, scene.client)
        await person.log_in(each.login, STAFF_PASSWORD)
    for number, who in enumerate((*PROVIDERS, *BUYERS)):
        person = await shelves.admit(scene, who)
        person.key = SigningKey.from_seed(bytes([100 + number]) * 32)
        await market.tell()
        await person.register_key()
        members[who] = Member(
            who, f"{who}@demo", PASSWORD, person.participant_id, person.key, person.key_id
        )  # fmt: skip
    versions = [await _version(market, scene, who, number) for number in range(2) for who in PROVIDERS]
    for who in BUYERS:
        await scene.people[who].post("/trading/v1/wallet/pay-ins", {"amount": yuan(PAID_IN_MINOR)})
    await market.jobs("trading")["instruct custodian"]()
    await market.advance(seconds=1)
    await market.tell()
    await _offers(market, scene, versions)
    return members, versions


async def _offers(market: SimulatedMarket, scene: stage.Market, versions: list[Version]) -> None:
    """A right at a fixed price from each provider, and an auction of each kind, with two who may bid in it."""
    for version in versions[:2]:
        fixed = {"pricing": "fixed", "plan_id": version.plan_id, "quota_uses": 3, "right": RIGHT}
        listing_id = await _listed(scene, version, fixed)
        await _sold(scene, version, listing_id)
    closes_at = market.clocks[OUTSIDE].now() + timedelta(hours=24, minutes=5)
    for version, mechanism, terms in (
        (versions[0], "english", {"increments": [{"from_minor": 0, "step_minor": STEP_MINOR}]}),
        (
            versions[1],
            "sealed_second",
            {
                "reveal_closes_at": (closes_at + timedelta(hours=2)).isoformat(),
                "keeps_second": True,
            },
        ),
    ):
        right = RIGHT | {"kind": "exclusive", "field": "air_travel"}
        sold = {"pricing": "auction", "mechanism": mechanism, "quota_uses": 2, "right": right}
        auction = await scene.people[version.owner].post("/trading/v1/auctions", {
            "listing_id": await _listed(scene, version, sold), "start_price": yuan(START_MINOR),
            "deposit": yuan(DEPOSIT_MINOR), "reserve_price": yuan(RESERVE_MINOR), "closes_at": closes_at.isoformat(),
        } | terms)  # fmt: skip
        for who in BUYERS[:2]:
            await scene.people[who].post(f"/trading/v1/auctions/{auction['id']}/registrations")


async def _sold(scene: stage.Market, version: Version, listing_id: str) -> None:
    """Signed and paid, to be delivered."""
    buyer = scene.people[BUYERS[0]]
    quote = await buyer.post("/pricing/v1/quotes", {"plan_id": version.plan_id})
    accepted = {"quote_id": quote["id"], "quote_version": quote["version"], "total": quote["total"]}
    order = await buyer.post("/trading/v1/orders", {"listing_id": listing_id, **accepted})
    for person in (buyer, scene.people[version.owner]):
        await person.sign(order["contract_id"])
    await buyer.post(f"/trading/v1/orders/{order['id']}/payment")


async def _listed(scene: stage.Market, version: Version, offered: dict[str, Any]) -> str:
    body = {"version_id": version.version_id, "mode": "raw", "purposes": ["research"]} | offered
    return (await scene.people[version.owner].post("/trading/v1/listings", body))["id"]


async def _version(market: SimulatedMarket, scene: stage.Market, who: str, number: int) -> Version:
    """Registered and priced. What its content holds is told by delivery's word alone."""
    owner, what = scene.people[who], f"{who} {number}"
    asset: dict[str, Any] = await owner.post("/catalog/v1/assets", ABOUT)
    version_id = asset["versions"][0]["id"]
    scene.things[what] = shelves.thing(shelves.AIRPORTS, asset["id"], version_id) | {"owner": who}
    report = InspectionReport.model_validate({
        "upload_id": UploadId.new(), "content_hash": sha256(what.encode()).hexdigest(), "bytes": 1000, "rows": 60,
        "media_type": "text/csv", "fields": [FIELD], "inspector_version": "1", "duplicate_rows": 0,
    })  # fmt: skip
    delivery = market.processes["delivery"]
    told = CatalogClient(delivery.core.peer("catalog")).report_inspection(
        VersionId(version_id), report, f"{what}-inspection".replace(" ", "-")
    )
    await begin(delivery.life, told)
    await shelves.grade(scene, what)
    await shelves.register(scene, what)
    plan: dict[str, Any] = {
        "version_id": version_id,
        "mode": "raw",
        "kind": "one_off",
        "price": yuan(PRICE_MINOR),
        "discounts": [],
    }
    plan_id = (await owner.post("/pricing/v1/plans", plan))["id"]
    return Version(asset["id"], version_id, who, plan_id)


def yuan(minor: int) -> dict[str, object]:
    return {"minor": minor, "currency": "CNY"}

"""A catalogue on a bench, and the steps that most journeys through it share."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

from httpx2 import Response

from services.catalog.actions.catalog import Catalog
from services.catalog.app import build
from services.catalog.tables.whole import metadata
from shared.changes import Change
from shared.grades import Grade
from shared.ids import UploadId
from tests.support.bench import Bench, Person

AIRPORTS: dict[str, Any] = {
    "title": "全球机场", "title_english": "Airports", "description": "代码、名称与坐标", "theme": "transport",
    "keywords": ["航空", "100%"], "update_cycle": "monthly",
}  # fmt: skip
HASH = "ab" * 32
SOURCE: dict[str, Any] = {
    "origin": "own_production", "description": "自行采集", "legal_basis": "数据二十条",
    "rights": [{"kind": "holding", "evidence_hash": "aa" * 32}, {"kind": "operation", "evidence_hash": "bb" * 32}],
}  # fmt: skip
NOTHING_HARMED = [{"object": "individual", "degree": "none", "rationale": "不涉及个人"}]


def harm(thing: str, degree: str) -> list[dict[str, str]]:
    return [{"object": thing, "degree": degree, "rationale": "泄露后果评估"}]


def a_field(name: str, *kinds: str) -> dict[str, Any]:
    found = {"name_hit": True, "hit_basis_points": 9_990, "checksum_basis_points": 9_950, "sample_size": 500}
    detections = [{"kind": kind, **found} for kind in kinds]
    return {"name": name, "type": "text", "null_basis_points": 0, "distinct": 400, "detections": detections}


PERSONS = [a_field("姓名", "name"), a_field("身份证号", "resident_id"), a_field("订单数")]


def a_report(*fields: dict[str, Any]) -> dict[str, Any]:
    return {
        "upload_id": UploadId.new(), "content_hash": uuid4().hex * 2, "bytes": 1_000, "rows": 500,
        "media_type": "text/csv", "inspector_version": "1", "fields": list(fields) or [a_field("code")],
    }  # fmt: skip


@dataclass
class Market:
    bench: Bench

    @property
    def catalog(self) -> Catalog:
        return self.bench.apps["catalog"].state.service

    async def provider(self) -> Person:
        return await self.bench.member("provider")

    async def drafted(self, provider: Person, **changes: Any) -> dict[str, Any]:
        return self.done(await self.bench.post(provider, "/catalog/v1/assets", AIRPORTS | changes), 201)

    async def inspected(self, version_id: str, *fields: dict[str, Any]) -> dict[str, Any]:
        return self.done(await self.report(version_id, a_report(*fields)))

    async def report(self, version_id: str, report: dict[str, Any], service: str = "delivery") -> Response:
        path = f"/catalog/v1/versions/{version_id}/inspection"
        headers = {"Idempotency-Key": uuid4().hex}
        return await self.bench.ask_as_service(service, "POST", path, json=report, headers=headers)

    async def graded(
        self, provider: Person, version_id: str, impacts: list[dict[str, str]] = NOTHING_HARMED, *flags: str
    ) -> dict[str, Any]:
        path = f"/catalog/v1/versions/{version_id}/grade-proposals"
        return self.done(await self.bench.post(provider, path, {"impacts": impacts, "flags": list(flags)}), 201)

    async def submitted(
        self, provider: Person, *fields: dict[str, Any], impacts: list[dict[str, str]] = NOTHING_HARMED, **changes: Any
    ) -> dict[str, Any]:
        """An asset with inspected, graded content and a declared source, under review."""
        asset = await self.drafted(provider, **changes)
        version_id = asset["versions"][0]["id"]
        await self.inspected(version_id, *fields)
        grade = await self.graded(provider, version_id, impacts)
        if "sensitive_personal" in grade["flags"]:
            await self.recorded(provider, asset["id"], "separate_consent")
            await self.recorded(provider, asset["id"], "impact_assessment")
        await self.declared(provider, asset["id"], personal_information_basis="合成数据")
        return self.done(await self.bench.post(provider, f"/catalog/v1/assets/{asset['id']}/submit"))

    async def declared(self, provider: Person, asset_id: str, **more: Any) -> dict[str, Any]:
        path = f"/catalog/v1/assets/{asset_id}/source-declaration"
        return self.done(await self.bench.post(provider, path, SOURCE | more))

    async def recorded(self, provider: Person, asset_id: str, kind: str, **more: Any) -> dict[str, Any]:
        return self.done(await self.record(provider, asset_id, kind, **more), 201)

    async def record(self, provider: Person, asset_id: str, kind: str, days: int = 100, **more: Any) -> Response:
        """Put a consent or an assessment of this kind on record, valid for so many days."""
        now = self.bench.clock.now()
        told: dict[str, Any] = {"scope": "向受让方提供", "persons": 500}
        if not kind.endswith("consent"):
            told = {"assessed_at": now.isoformat(), "conclusion": "passed", "summary": "风险可控"}
        told |= {"kind": kind, "evidence_hash": HASH, "valid_until": (now + timedelta(days=days)).isoformat()}
        where = "consents" if kind.endswith("consent") else "assessments"
        return await self.bench.post(provider, f"/catalog/v1/assets/{asset_id}/{where}", told | more)

    async def registered(
        self, provider: Person, *fields: dict[str, Any], impacts: list[dict[str, str]] = NOTHING_HARMED, **changes: Any
    ) -> dict[str, Any]:
        asset = await self.submitted(provider, *fields, impacts=impacts, **changes)
        while asset["state"] != "registered":
            yes = {"grade": asset["versions"][-1]["grade"], "note": "已复核"}
            operator = await self.officer(asset["id"], asset["versions"][-1]["grade"])
            asset = self.done(await self.bench.post(operator, f"/catalog/v1/assets/{asset['id']}/register", yes))
        return asset

    async def officer(self, asset_id: str, grade: str) -> Person:
        """Somebody of the business who may decide on it: from G4 on they are named for it."""
        if grade < "G4":
            return self.bench.staff("operator_business")
        return await self.bench.assigned(asset_id, min(Grade(grade), Grade.G5))

    async def facts(self) -> list[Change]:
        return await self.bench.cores["catalog"].feed.after({})

    async def acts(self) -> list[str]:
        return [change.act.removeprefix("catalog.") for change in await self.facts()]

    @staticmethod
    def done(answer: Response, status: int = 200) -> dict[str, Any]:
        assert answer.status_code == status, answer.text
        return answer.json()


def refusal(answer: Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


@asynccontextmanager
async def opened(bench: Bench) -> AsyncGenerator[Market]:
    core = await bench.core("catalog", metadata)
    async with bench.serve(catalog=build(core)):
        yield Market(bench)

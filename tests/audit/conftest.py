"""The audit service on the bench, on each database, and services that report to it."""

import hashlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import Response
from pydantic import SecretStr
from sqlalchemy import text

from services.audit import app as audit_app
from services.audit import jobs
from services.audit.actions.audit import Audit
from services.audit.rules.checkpoint import VerifierKey
from services.audit.tables import APPEND_ONLY, metadata
from shared import facts
from shared.database import Transaction
from shared.facts import GENESIS, Actor, link
from shared.ids import AssetId, ContractId, FactId, ParticipantId, UserId
from shared.signing import SigningKey
from tests.support.bench import Bench, Person
from tests.support.migrated import by_administrator
from tests.verifier.made_logs import ContractSigned

KEY = SigningKey.from_seed(hashlib.sha256(b"log").digest())


@dataclass
class Source:
    """A stripe of some service, with everything it has told so far."""

    bench: Bench
    service: str = "trading"
    stripe: int = 0
    lines: list[bytes] = field(default_factory=list[bytes])

    def tell(
        self, count: int = 1, *, organisation: ParticipantId | None = None, asset: AssetId | None = None
    ) -> "Source":
        for _ in range(count):
            actor = Actor("user", UserId.new(), organisation)
            fact = ContractSigned(asset or AssetId.new(), ContractId.new(), "签署")
            at, fact_id = self.bench.clock.now(), FactId.new()
            line = facts.event_line(
                fact, service=self.service, fact_id=fact_id, actor=actor, at=at, request_id=None
            )  # fmt: skip
            self.lines.append(line)
        return self

    def hash_at(self, seq: int) -> bytes:
        reached = GENESIS
        for number, line in enumerate(self.lines[:seq], 1):
            reached = link(reached, number, line)
        return reached

    def batch(self, first: int = 1, last: int | None = None) -> dict[str, Any]:
        events = [line.decode() for line in self.lines[first - 1 : last]]
        prev = self.hash_at(first - 1).hex()
        return {"service": self.service, "stripe": self.stripe, "first_seq": first, "prev": prev, "events": events}

    async def send(self, first: int = 1, last: int | None = None, changes: dict[str, object] | None = None) -> Response:
        body = self.batch(first, last) | (changes or {})
        return await self.bench.ask_as_service(self.service, "POST", "/audit/v1/batches", json=body)


@dataclass
class AuditBench:
    bench: Bench
    app: FastAPI
    regulator: Person

    @property
    def audit(self) -> Audit:
        return self.app.state.service

    @property
    def verifier_key(self) -> VerifierKey:
        return VerifierKey(self.audit.origin, KEY.public)

    def source(self, service: str = "trading", stripe: int = 0) -> Source:
        return Source(self.bench, service, stripe)

    @asynccontextmanager
    async def as_owner(self) -> AsyncGenerator[Transaction]:
        """A transaction of whoever owns the database: they can take off the triggers that stop everyone else."""
        async with by_administrator(self.audit.database) as tx:
            for table in APPEND_ONLY:
                for verb in ("UPDATE", "DELETE", "TRUNCATE"):
                    place = "" if tx.dialect.name == "sqlite" else f" ON {table.name}"
                    await tx.execute(text(f"DROP TRIGGER IF EXISTS {table.name}_no_{verb}{place}"))
            yield tx

    async def sign(self) -> None:
        await jobs.tick(self.audit)

    async def get(self, path: str, person: Person | None = None, **parts: Any) -> Response:
        return await self.bench.get(person, f"/audit/v1{path}", **parts)

    async def read(self, path: str) -> Any:
        """As the regulator."""
        answer = await self.get(path, self.regulator)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
async def log(bench: Bench) -> AsyncGenerator[AuditBench]:
    bench.settings = bench.settings.model_copy(
        update={"log_key": SecretStr(KEY.pem()), "disclosure_key": SecretStr("d" * 40)}
    )
    app = audit_app.build(await bench.core("audit", metadata))
    async with bench.serve(audit=app):
        yield AuditBench(bench, app, bench.staff("regulator"))

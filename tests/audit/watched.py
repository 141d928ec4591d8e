"""A log with a policy and three witnesses, each behind a door that a test can shut, slow down or break."""

import itertools
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import delete, update
from starlette.types import Message, Receive, Scope, Send

from services import witness as program
from services.audit import app as audit_app
from services.audit.actions.audit import Audit, compose
from services.audit.rules import checkpoint, cosignature
from services.audit.rules.checkpoint import Checkpoint, VerifierKey
from services.audit.rules.policy import Group, KnownLog, Policy
from services.audit.rules.policy import Witness as Known
from services.audit.store import checkpoint as checkpoint_store
from services.audit.store import log as log_store
from services.audit.tables import checkpoints, entries, metadata, tiles
from services.audit.tables import log as log_row
from services.witness import State, Witness
from shared.rest import Directory
from shared.signing import SigningKey, verifies
from tests.audit.conftest import KEY, AuditBench
from tests.support.bench import Bench

LOG_KEY = VerifierKey("yaosu.example/log", KEY.public)
NAMES = ("regulator", "partner_1", "partner_2")


@dataclass
class Door:
    """Stands before a witness. `answer` may be lost after the witness has done its work."""

    app: FastAPI
    is_open: bool = True
    loses_answers: bool = False
    meanwhile: Callable[[], Awaitable[object]] | None = None
    asked: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked += 1
        if self.meanwhile:
            meanwhile, self.meanwhile = self.meanwhile, None
            await meanwhile()
        if not self.is_open:
            raise ConnectionError("shut")

        async def lose(_: Message) -> None: ...

        await self.app(scope, receive, lose if self.loses_answers else send)
        if self.loses_answers:
            raise ConnectionError("lost")


@dataclass
class Watched:
    log: AuditBench
    policy: Policy
    witnesses: dict[str, Witness]
    doors: dict[str, Door]
    places: Directory
    stripes: Iterator[int] = field(default_factory=lambda: itertools.count(100))

    def restarted(self, places: Directory | None = None) -> Audit:
        """Another process after the lease of the last one: it remembers nothing but the database."""
        self.log.bench.clock.advance(seconds=16)
        parts = self.log.audit
        fresh = compose(
            parts.database, parts.outbox, parts.clock, parts.origin, KEY, self.policy, places or self.places
        )  # fmt: skip
        self.log.app.state.service = fresh
        return fresh

    async def grow(self, count: int) -> None:
        """So many more entries, signed and confirmed."""
        source = self.log.source("trading", stripe=next(self.stripes))
        await source.tell(count).send()
        await self.log.sign()

    async def shown(self) -> tuple[Checkpoint, dict[str, int]]:
        """The checkpoint that is served, and which witnesses confirm it and when; every signature verified."""
        note = checkpoint.parse_note((await self.log.get("/log/checkpoint")).text)
        [signature] = note.signatures_by(LOG_KEY)
        assert verifies(KEY.public, note.text.encode(), signature)
        times: dict[str, int] = {}
        for known in self.policy.witnesses:
            for each in cosignature.cosignatures(note, known.key):
                assert verifies(known.key.public, cosignature.signed_bytes(each.time, note.text), each.signature)
                assert known.name not in times, "one word of each witness"
                times[known.name] = each.time
        return checkpoint.parse_checkpoint(note.text), times

    async def alerts(self) -> list[str]:
        """The alerts on the way to the log, as kind and witness."""
        await self.log.bench.cores["audit"].relay.tick()
        found = await self.log.read("/entries?limit=100")
        events = [each["event"] for each in found["items"] if "alert_raised" in each["event"]]
        return [event.partition('"kind":"')[2].partition('"')[0] for event in events]

    async def set_back(self, size: int) -> None:
        """The database as it was at a size that was signed: what restoring a backup does."""
        async with self.log.audit.database.read() as tx:
            note = await checkpoint_store.checkpoint_note(tx, size)
            unfinished = await log_store.unfinished_at(tx, size)
        point = checkpoint.parse_checkpoint(checkpoint.parse_note((note or b"").decode()).text)
        async with self.log.as_owner() as tx:
            await tx.execute(delete(checkpoints).where(checkpoints.c.size > size))
            await tx.execute(delete(entries).where(entries.c.log_index >= size))
            for level, hashes in enumerate(unfinished.levels):
                here = (tiles.c.level == level, tiles.c.tile_index == 0)
                await tx.execute(update(tiles).where(*here).values(hashes=b"".join(hashes)))
            await tx.execute(update(log_row).values(size=size, root=point.root))


@asynccontextmanager
async def watched(bench: Bench, folder: Path) -> AsyncGenerator[Watched]:
    witnesses = {
        name: Witness(f"{name}.example/w", SigningKey.from_seed(name.encode().ljust(32)), [LOG_KEY],
                      State(folder / name), bench.clock)
        for name in NAMES
    }  # fmt: skip
    known = tuple(Known(name, each.key, f"http://{name}.example") for name, each in witnesses.items())
    groups = (Group("partners", 1, NAMES[1:]), Group("both", 2, ("regulator", "partners")))
    policy = Policy((KnownLog(LOG_KEY),), known, groups, "both")
    path = folder / "policy"
    path.write_bytes(policy.text().encode())
    doors, places = {name: Door(program.build(each)) for name, each in witnesses.items()}, Directory()
    for name, door in doors.items():
        places.register(name, cast(FastAPI, door))
    bench.settings = bench.settings.model_copy(update={"log_key": SecretStr(KEY.pem()), "log_policy": path})
    app = audit_app.build(await bench.core("audit", metadata), places)
    async with bench.serve(audit=app):
        yield Watched(AuditBench(bench, app, bench.staff("regulator")), policy, witnesses, doors, places)
    await places.close()
    for each in witnesses.values():
        each.state.close()

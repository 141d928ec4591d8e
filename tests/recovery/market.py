"""A market as far as its tables go: services record facts, the log takes them, and a witness watches."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

from pydantic import SecretStr
from sqlalchemy import insert, select, update

from services import market, witness
from services.audit.actions.audit import compose
from services.audit.actions.witnessing import read_policy
from services.audit.rules.checkpoint import VerifierKey
from services.audit.rules.entry import Batch
from services.audit.rules.policy import KnownLog, Policy, Witness
from services.audit.store import source as source_store
from services.audit.tables import log
from services.identity.tables import token_families
from services.recovery import beginning
from services.recovery.beginning import Found
from services.witness import State, open_witness
from shared.database import Database
from shared.facts import Category, Fact
from shared.ids import TokenFamilyId, UserId
from shared.outbox import Outbox, facts_table
from shared.rest import Directory
from shared.settings import Settings
from shared.signing import SigningKey
from tests.support.clock import ToldClock

NAME = "witness.example/w1"


@dataclass(frozen=True, slots=True)
class StepTaken(Fact):
    category: ClassVar = Category.SYSTEM
    number: int


@dataclass
class SmallMarket:
    settings: Settings
    clock: ToldClock
    witnesses: Directory
    state: State

    async def close(self) -> None:
        await self.witnesses.close()
        self.state.close()

    @asynccontextmanager
    async def database(self, service: str) -> AsyncGenerator[Database]:
        one = market.database_of(service, self.settings, self.clock)
        try:
            yield one
        finally:
            await one.close()

    async def record(self, service: str, *numbers: int) -> None:
        """Each number is a fact of the service, recorded by a process of its own."""
        async with self.database(service) as database:
            outbox = Outbox(service, database)
            await outbox.lease()
            async with database.transaction() as tx:
                await outbox.record(tx, outbox.itself, await database.now(tx), *map(StepTaken, numbers))
            await outbox.release()

    async def report(self, service: str, upto: int | None = None) -> None:
        """Let the log take what the service recorded, and its witness confirm it."""
        async with self.database(service) as database, database.transaction() as tx:
            rows = (await tx.execute(select(facts_table).order_by(facts_table.c.seq))).all()[:upto]
            await tx.execute(update(facts_table).where(facts_table.c.seq <= len(rows)).values(log_index=0))
        async with self.database("audit") as audit:
            key, path = SigningKey.from_pem(self.settings.require_secret("log_key")), self.settings.log_policy
            assert path
            origin = self.settings.log_origin
            policy = read_policy(path, VerifierKey(origin, key.public))
            parts = compose(audit, Outbox("audit", audit), self.clock, origin, key, policy, self.witnesses)
            async with audit.read() as tx:
                known = await source_store.source_head(tx, service, rows[0].stripe)
            lines = tuple(row.line for row in rows[known.seq :])
            await parts.sequencer.append(Batch(service, rows[0].stripe, known.seq + 1, known.hash, lines))
            await parts.witnessing.sign()
            async with audit.transaction() as tx:
                await tx.execute(update(log).values(leased_until=None))  # the next to write is another process

    async def log_in(self) -> TokenFamilyId:
        """A session that is good for a day."""
        family_id, until = TokenFamilyId.new(), self.clock.now() + timedelta(days=1)
        async with self.database("identity") as database, database.transaction() as tx:
            row = {"id": family_id, "user_id": UserId.new(), "authenticated_by": "password", "expires_at": until}
            await tx.execute(insert(token_families).values(row))
        return family_id

    async def begin(self, **accepted: bool) -> Found:
        """What `yaosu restored` does."""
        return await beginning.begin(self.settings, self.clock, witnesses=self.witnesses, **accepted)


def a_market(folder: Path, clock: ToldClock, url: str | None) -> SmallMarket:
    key, log_key = SigningKey.new(), SigningKey.new()
    known = VerifierKey("yaosu.example/log", log_key.public)
    one = open_witness(NAME, [known], folder / "witness", clock, key.pem())
    (folder / "policy").write_text(
        Policy((KnownLog(known),), (Witness("w1", one.key, "http://w1.example/"),), quorum="w1").text()
    )
    places = Directory()
    places.register("w1", witness.build(one))
    settings = Settings(
        var=folder / "market", log_policy=folder / "policy", log_key=SecretStr(log_key.pem()),
        database_url=SecretStr(url) if url else None,
    )  # fmt: skip
    return SmallMarket(settings, clock, places, one.state)

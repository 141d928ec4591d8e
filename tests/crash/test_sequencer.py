"""kill -9 of the log's one writer, at every boundary of a statement and at any moment.

Afterwards nothing that was acknowledged is lost, the log's head is the root of its entries and of its tiles, and no two
checkpoints that were signed contradict each other. `make sequencer-kills KILLS=…` kills so often at random on each kind
of database; the ordinary run kills a few times.
"""

import asyncio
import json
import os
import random
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from services.audit.rules import bundle, tile
from services.audit.rules.tree import Edge, leaf_hashes
from services.audit.tables import checkpoints, entries, log, metadata, source_heads, tiles
from shared.database import Database
from tests.conftest import MakeDatabase
from tests.crash.sequencer_that_dies import KEY
from tests.verifier.made_logs import ORIGIN, MadeLog, entry_members
from verifier import yaosu_verify

KILLS = int(os.environ.get("YAOSU_KILLS", "4"))
SEED = int(os.environ.get("YAOSU_CRASH_SEED", "20261126"))
MICROSECONDS_MAX = 400_000
VERIFIED_EVERY = 25
LOG_KEY = bundle.VerifierKey(ORIGIN, KEY.public)
pytestmark = [pytest.mark.process, pytest.mark.xdist_group("process"), pytest.mark.timeout(300 + 10 * KILLS)]


@dataclass
class Source:
    """A service that sends its events one after the other, and remembers what it was told of them."""

    database: Database
    process: Process
    life: int = 0
    acknowledged: dict[int, tuple[int, str]] = field(default_factory=dict[int, tuple[int, str]])
    signed: set[str] = field(default_factory=set[str])

    async def send(self, **until: int) -> int:
        """Until the log's writer dies or has done all rounds; says by which signal."""
        self.life += 1
        url = self.database.url
        told = {"url": url, "life": self.life, "acknowledged": max(self.acknowledged, default=0), "seed": self.life}
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(told | until).encode() + b"\n")
        while True:
            said: dict[str, Any] = json.loads(await self.process.stdout.readline())
            if "ended" in said:
                return said["ended"]
            if "signed" in said:
                self.signed.add(said["signed"])
            else:
                self.acknowledged[said["seq"]] = (said["index"], said["hash"])


@asynccontextmanager
async def a_source(database: Database) -> AsyncGenerator[Source]:
    program = ("-m", "tests.crash.sequencer_that_dies")
    process = await asyncio.create_subprocess_exec(sys.executable, *program, stdin=PIPE, stdout=PIPE, limit=2**20)
    try:
        yield Source(database, process)
    finally:
        assert process.stdin
        process.stdin.close()
        await process.wait()


async def look_at(source: Source) -> MadeLog | None:
    """Asserts what must hold after any death; gives the signed part of the log, for the verifier."""
    async with source.database.read() as tx:
        head = (await tx.execute(select(log.c.size, log.c.root))).one_or_none()
        places = (entries.c.log_index, entries.c.leaf, entries.c.seq, entries.c.chain_hash)
        kept = (await tx.execute(select(*places).order_by(entries.c.log_index))).all()
        hashes = {(row.level, row.tile_index): row.hashes for row in await tx.execute(select(*tiles.c))}
        notes = {row.size: row.note for row in await tx.execute(select(checkpoints.c.size, checkpoints.c.note))}
        heads = (await tx.execute(select(source_heads.c.seq, source_heads.c.hash))).all()
    if head is None:
        assert not kept and not source.acknowledged
        return None
    assert [row.log_index for row in kept] == [row.seq - 1 for row in kept] == list(range(head.size))
    grown = leaf_hashes(row.leaf for row in kept)
    _, made = tile.grow(tile.Unfinished(), grown)
    assert hashes == {(each.level, each.index): content for each, content in made.items()}
    assert head.root == Edge().append(grown).root()
    assert [tuple(each) for each in heads] == [(row.seq, row.chain_hash) for row in kept[-1:]]
    for seq, (index, chain_hash) in source.acknowledged.items():
        assert (kept[index].seq, kept[index].chain_hash.hex()) == (seq, chain_hash)
    assert source.signed <= {note.decode() for note in notes.values()}
    if not notes:
        return None
    size, leaves = max(notes), [row.leaf for row in kept]
    members = {f"checkpoints/{each}": note for each, note in notes.items()}
    members |= {"checkpoint": notes[size], "policy.json": bundle.policy(LOG_KEY)}
    for each in tile.tiles_of(size):
        members[f"tile/{each.level}/{each.path()}"] = hashes[each.level, each.index][: 32 * each.width]
    return MadeLog(members | entry_members(leaves[:size]), leaves[:size])


def verify(made: MadeLog | None, folder: Path) -> None:
    if made:
        report = yaosu_verify.verify(str(made.write(folder)), LOG_KEY.text())
        assert report.exit_code() == yaosu_verify.VERIFIED, report.as_text()


async def test_killed_at_any_boundary_of_a_statement_the_log_has_lost_nothing(database: MakeDatabase, tmp_path: Path):
    opened = await database("audit", metadata)
    if "YAOSU_KILLS" not in os.environ and not opened.is_sqlite:
        pytest.skip("at every statement on PostgreSQL: `make sequencer-kills`")
    made_of: MadeLog | None = None
    async with a_source(opened) as source:
        boundary = 1
        while (ended := await source.send(boundaries=boundary, rounds=1)) == -signal.SIGKILL:
            made_of = await look_at(source)
            boundary += 1
        assert ended == 0
        assert boundary > 20, "reading, inserting, moving the head, signing"
        assert source.acknowledged and source.signed
    verify(made_of, tmp_path)


async def test_killed_at_any_moment_the_log_has_lost_nothing(
    database: MakeDatabase, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    chance, kills = random.Random(SEED), 0
    made: MadeLog | None = None
    async with a_source(await database("audit", metadata)) as source:
        while kills < KILLS:
            ended = await source.send(microseconds=chance.randrange(1_000, MICROSECONDS_MAX), rounds=1_000_000)
            assert ended == -signal.SIGALRM, f"seed {SEED}"
            kills += 1
            made = await look_at(source)
            if kills % VERIFIED_EVERY == 0:
                verify(made, tmp_path)
        assert await source.send(boundaries=0, rounds=2) == 0, "it goes on"
        verify(await look_at(source), tmp_path)
    if KILLS > VERIFIED_EVERY:
        with capsys.disabled():
            told = f"{len(source.acknowledged)} acknowledgements, {len(source.signed)} checkpoints"
            print(f"\n{kills} kills, {told}, {max(source.acknowledged)} entries: nothing lost", flush=True)

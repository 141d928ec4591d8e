"""The log: its tree, what an entry costs to take in, and what it costs to check, each beside the hashing alone.

`hash limit` hashes the same leaves and as many inner nodes in a bare loop: what no implementation in Python can beat.
`parsed` hashes likewise, chains the events and reads each by the standard library: the least that a verifier does that
takes every entry apart.
`raw insert` puts the same rows (entry and links) into the same tables of another database by the bare driver, in one
durable transaction; the append reads each event, checks its chain, links, hashes and files it besides. pymerkle (GPL)
comes into an environment of its own and is never imported here; without an index of packages it is left out, and said.
"""

import asyncio
import json
import sqlite3
import subprocess
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import asyncpg
from sqlalchemy import select, type_coerce
from sqlalchemy.schema import CreateSchema

from bench.counterpart import python_with
from bench.measure import ROUNDS, SHORT, Figure, Turns, in_turns
from services.audit.actions.sequencer import Sequencer
from services.audit.rules import tile, tree
from services.audit.rules.entry import Batch
from services.audit.rules.tile import Unfinished
from services.audit.rules.tree import Node, leaf_hashes
from services.audit.tables import entries, links, metadata
from shared.clock import SystemClock
from shared.database import Database
from shared.facts import GENESIS, link
from tests.support.postgres import NO_POSTGRES, fresh_database, postgres_server
from tests.verifier.made_logs import a_log, an_event
from verifier.yaosu_verify import verify

Rows = dict[str, list[tuple[Any, ...]]]
LEAVES, PROOFS, BATCH, BATCHES = (4_096, 200, 100, 3) if SHORT else (65_536, 2_000, 1_000, 6)
PYMERKLE = "pymerkle==7.0.0"
OF_PYMERKLE = """
import json, sys, time
from pymerkle import InmemoryTree
leaves, proofs = int(sys.argv[1]), int(sys.argv[2])
tree = InmemoryTree(algorithm="sha256")
began = time.perf_counter()
for number in range(leaves):
    tree.append_entry(number.to_bytes(400, "big"))
tree.get_state()
appended = time.perf_counter() - began
began = time.perf_counter()
for index in range(1, proofs + 1):
    tree.prove_inclusion(index * (leaves // proofs))
print(json.dumps([appended, time.perf_counter() - began]))
"""


def measure(folder: Path) -> Iterator[Figure]:
    yield from _tree(folder)
    yield from _verifying(folder)
    yield from _appending(folder)


def _tree(folder: Path) -> Iterator[Figure]:
    leaves = [number.to_bytes(400, "big") for number in range(LEAVES)]
    hashes = leaf_hashes(leaves)

    def grown() -> None:
        unfinished, _ = tile.grow(Unfinished(), leaf_hashes(leaves))
        tile.edge(unfinished).root()

    turns = in_turns({"hash limit": lambda: _hash_limit(leaves), "tree": grown})
    yield Figure(
        "log_tree_per_hash_limit", turns.ratio("hash limit", "tree"), 0.85, "at_least", turns.seconds,
        note=f"{LEAVES:,} leaves of 400 bytes with all their tiles, {ROUNDS} rounds",
    )  # fmt: skip
    python = python_with(folder, PYMERKLE)
    if python is None:
        return
    levels = _levels(hashes)

    def at_hand(node: Node) -> bytes:
        return levels[node.level][node.index]

    def proved() -> None:
        for index in range(1, PROOFS + 1):
            tree.inclusion_proof(index * (LEAVES // PROOFS) - 1, LEAVES, at_hand)

    sides: dict[str, list[float]] = {"tree": [], "pymerkle's tree": [], "proofs": [], "pymerkle's proofs": []}
    for _ in range(ROUNDS):
        ours = in_turns({"tree": grown, "proofs": proved}, rounds=1)
        command = [python, "-c", OF_PYMERKLE, str(LEAVES), str(PROOFS)]
        theirs = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        for side, seconds in zip(
            sides, [ours.median("tree"), theirs[0], ours.median("proofs"), theirs[1]], strict=True
        ):
            sides[side].append(seconds)
    both = Turns(sides)
    yield Figure(
        "log_tree_per_pymerkle", both.ratio("pymerkle's tree", "tree"), 8, "at_least", sides,
        note=f"appended leaves a second beside {PYMERKLE} in memory",
    )  # fmt: skip
    yield Figure(
        "log_proofs_per_pymerkle", both.ratio("pymerkle's proofs", "proofs"), 4, "at_least", sides,
        note=f"{PROOFS:,} inclusion proofs in a tree of {LEAVES:,}, its hashes at hand",
    )  # fmt: skip


def _verifying(folder: Path) -> Iterator[Figure]:
    made = a_log(20_000)
    bundle = made.write(folder)

    def verified() -> None:
        assert verify(str(bundle)).exit_code() == 0

    sides = {"hash limit": lambda: _hash_limit(made.leaves), "parsed": lambda: _parsed(made.leaves)}
    turns = in_turns({**sides, "verifier": verified})
    rate, parsed = len(made.leaves) / turns.median("verifier"), turns.ratio("hash limit", "parsed")
    yield Figure(
        "log_verifier_per_hash_limit", turns.ratio("hash limit", "verifier"), 0.2, "at_least", turns.seconds,
        note=f"the stand-alone verifier, every check, {len(made.leaves):,} entries: {rate:,.0f} entries/s; "
        f"reading every event by `json`, chaining and hashing it and no more gives {parsed:.3f}",
    )  # fmt: skip


def _appending(folder: Path) -> Iterator[Figure]:
    lines = [an_event(number, "trading") for number in range(BATCH * BATCHES)]
    yield _append_figure("sqlite", 0.80, asyncio.run(_of_sqlite(folder, lines)))
    with postgres_server(durable=True) as dsn:
        if dsn is None:
            return print(f"log: PostgreSQL skipped: {NO_POSTGRES}", flush=True)
        yield _append_figure("postgresql", 0.70, asyncio.run(_of_postgres(dsn, lines)))


def _append_figure(kind: str, goal: float, turns: Turns) -> Figure:
    return Figure(
        f"log_append_per_raw_insert_{kind}", turns.ratio("raw insert", "append"), goal, "at_least", turns.seconds,
        note=f"batches of {BATCH:,}, durable, {BATCHES - 1} rounds",
    )  # fmt: skip


async def _of_sqlite(folder: Path, lines: list[bytes]) -> Turns:
    raw = sqlite3.connect(folder / "raw.db", isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL"):
        raw.execute(f"PRAGMA {pragma}")

    async def insert(rows: Rows) -> None:
        raw.execute("BEGIN IMMEDIATE")
        for table, some in rows.items():
            raw.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(some[0]))})", some)
        raw.execute("COMMIT")

    async with _database(f"sqlite+aiosqlite:///{folder / 'raw.db'}") as same_tables:
        await same_tables.create(metadata)
    async with _database(f"sqlite+aiosqlite:///{folder / 'log.db'}") as database:
        await database.create(metadata)
        return await _in_turns(database, lines, insert)


async def _of_postgres(dsn: str, lines: list[bytes]) -> Turns:
    async with AsyncExitStack() as stack:
        ours, theirs = [await stack.enter_async_context(fresh_database(dsn)) for _ in range(2)]
        bare = theirs.replace("postgresql+asyncpg", "postgresql")
        raw = cast(Any, await asyncpg.connect(bare))  # pyright: ignore[reportUnknownMemberType]
        stack.push_async_callback(raw.close)

        async def insert(rows: Rows) -> None:
            async with raw.transaction():
                for table, some in rows.items():
                    places = ", ".join(f"${number}" for number in range(1, len(some[0]) + 1))
                    await raw.executemany(f"INSERT INTO audit.{table} VALUES ({places})", some)

        databases = [await stack.enter_async_context(_database(each)) for each in (theirs, ours)]
        for each in databases:
            async with each.transaction() as tx:
                await tx.execute(CreateSchema("audit"))
            await each.create(metadata)
        return await _in_turns(databases[1], lines, insert)


async def _in_turns(database: Database, lines: list[bytes], insert: Callable[[Rows], Awaitable[None]]) -> Turns:
    """The same rows go in by the log first, then by the bare driver. The first batch warms both, untimed."""
    sequencer, reached, turns = Sequencer(database), GENESIS, Turns({"append": [], "raw insert": []})
    for first in range(0, len(lines), BATCH):
        batch = Batch("trading", 0, first + 1, reached, tuple(lines[first : first + BATCH]))
        for number, line in enumerate(batch.lines, batch.first_seq):
            reached = link(reached, number, line)
        began = time.perf_counter()
        await sequencer.append(batch)
        appended = time.perf_counter() - began
        rows = await _rows(database, first)
        began = time.perf_counter()
        await insert(rows)
        if first:
            turns.seconds["append"].append(appended)
            turns.seconds["raw insert"].append(time.perf_counter() - began)
    return turns


async def _rows(database: Database, first: int) -> Rows:
    async with database.read() as tx:
        found: Rows = {}
        for table in (entries, links):
            query = select(
                *(type_coerce(column, getattr(column.type, "impl", column.type)) for column in table.c)
            ).where(table.c.log_index >= first)
            found[table.name] = [tuple(row) for row in await tx.execute(query)]
        return found


@asynccontextmanager
async def _database(url: str) -> AsyncGenerator[Database]:
    database = Database(url, schema="audit", clock=SystemClock())
    try:
        yield database
    finally:
        await database.close()


def _hash_limit(leaves: list[bytes]) -> None:
    inner = b"\x01" + bytes(64)
    for leaf in leaves:
        sha256(b"\x00" + leaf).digest()
        sha256(inner).digest()


def _parsed(leaves: list[bytes]) -> None:
    for leaf in leaves:
        json.loads(leaf.split(b"\n")[1])
        sha256(b"\x10" + leaf).digest()
    _hash_limit(leaves)


def _levels(hashes: list[bytes]) -> list[list[bytes]]:
    """Every hash of a tree of a power of two, level by level: what a warm log has at hand."""
    levels = [hashes]
    while len(row := levels[-1]) > 1:
        levels.append([tree.node_hash(row[at], row[at + 1]) for at in range(0, len(row), 2)])
    return levels

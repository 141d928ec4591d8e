"""The map of keys: against a naive map and the RFC's own definition of a tree, and as audit builds and tells it."""

import json
from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from services.audit.actions import indexing
from services.audit.rules import snapshot, tile, tree
from services.audit.rules.snapshot import Cadence, Head, Lags, Place, Snapshot
from services.audit.rules.tile import Unfinished
from services.audit.store import entry as entry_store
from services.audit.store import snapshot as snapshot_store
from services.audit.tables import snapshot_tiles
from shared.facts import read_event
from shared.ids import FactId
from tests.audit.conftest import AuditBench
from tests.support.clock import ToldClock

NOON = ToldClock().now()
CADENCE = Cadence(timedelta(minutes=10), 1_000)


def naive_map(keys_of_entries: list[list[str]]) -> list[tuple[str, int, int]]:
    """(key, last index, count), sorted: counted one by one."""
    every = sorted({key for some in keys_of_entries for key in some})
    holding = {key: [index for index, some in enumerate(keys_of_entries) if key in some] for key in every}
    return [(key, holding[key][-1], len(holding[key])) for key in every]


def naive_root(heads: list[tuple[str, int, int]]) -> bytes:
    """RFC 6962 section 2.1 over leaves with the prefix 0x12."""
    if not heads:
        return sha256(b"").digest()
    if len(heads) == 1:
        [(key, last, count)] = heads
        return sha256(b"\x12" + bytes.fromhex(key) + last.to_bytes(8) + count.to_bytes(8)).digest()
    k = 1
    while k * 2 < len(heads):
        k *= 2
    return sha256(b"\x01" + naive_root(heads[:k]) + naive_root(heads[k:])).digest()


def key_of(number: int) -> str:
    return sha256(b"%d" % number).hexdigest()[:32]


def built(heads: list[Head], page: int) -> tuple[Unfinished, dict[tuple[int, int], bytes]]:
    state, tiles = Unfinished(), dict[tuple[int, int], bytes]()
    for start in range(0, len(heads), page):
        state, changed = snapshot.grow(state, heads[start : start + page])
        tiles |= {(each.level, each.index): content for each, content in changed.items()}
    return state, tiles


@given(st.lists(st.lists(st.integers(0, 40).map(key_of), max_size=4, unique=True), max_size=60))
def test_the_root_is_that_of_a_map_counted_by_hand(keys_of_entries: list[list[str]]):
    expected = naive_map(keys_of_entries)
    state, _ = built([Head(*each) for each in expected], 256)
    assert (snapshot.root(state), state.size) == (naive_root(expected), len(expected))


@pytest.mark.parametrize("count", [1, 255, 256, 257, 511, 512, 513, 1300])
@pytest.mark.parametrize("page", [256, 512])
def test_a_map_built_page_by_page_is_the_map_built_at_once(count: int, page: int):
    heads = [Head(*each) for each in sorted((key_of(number), number, 1 + number % 7) for number in range(count))]
    state, tiles = built(heads, page)
    assert snapshot.root(state) == naive_root([(each.key, each.last_index, each.count) for each in heads])
    kept = [head for (level, _), content in sorted(tiles.items()) if level == 0 for head in snapshot.heads_of(content)]
    assert kept == heads
    for position in {0, count // 2, count - 1}:
        proof = tree.inclusion_proof(position, count, lambda node: _node(tiles, node))
        leaf = snapshot.head_hash(heads[position].packed())
        assert tree.verify_inclusion(position, count, leaf, proof, snapshot.root(state))


def _node(tiles: Mapping[tuple[int, int], bytes], node: tree.Node) -> bytes:
    level, index = tile.tile_of(node)
    hashes = [snapshot.head_hash(each.packed()) for each in snapshot.heads_of(tiles[level, index])]
    return tile.node_in_tile(node, tile.hashes_of(tiles[level, index]) if level else hashes)


def test_a_leaf_is_key_last_index_and_count_behind_its_own_prefix():
    packed = bytes.fromhex("ab" * 16) + (5).to_bytes(8, "big") + (3).to_bytes(8, "big")
    assert Head("ab" * 16, 5, 3).packed() == packed
    assert snapshot.head_hash(packed) == sha256(b"\x12" + packed).digest() != tree.leaf_hash(packed)
    assert snapshot.heads_of(packed * 2) == [Head("ab" * 16, 5, 3)] * 2


FOUR = [Head(f"{digit}0" * 16, 9, 1) for digit in "2468"]


@pytest.mark.parametrize("digit, place", [
    ("2", Place((0,), True)), ("8", Place((3,), True)), ("1", Place((0,), False)), ("3", Place((0, 1), False)),
    ("7", Place((2, 3), False)), ("9", Place((3,), False)),
])  # fmt: skip
def test_a_key_is_there_or_between_two_neighbours(digit: str, place: Place):
    assert snapshot.place_of(f"{digit}0" * 16, 0, FOUR, key_count=4) == place


def test_a_key_between_two_tiles_has_its_neighbours_in_both():
    assert snapshot.place_of("90" * 16, 1, FOUR, key_count=300) == Place((259, 260), False)
    assert snapshot.place_of("90" * 16, 0, [], key_count=0) == Place((), False)


def taken(size: int) -> Snapshot:
    return Snapshot(size, bytes(32), 1, Lags(), FactId.new(), NOON)


@pytest.mark.parametrize("last, signed, seconds, due", [
    (None, 0, 0, False), (None, 1, 0, True),
    (10, 10, 9_999, False), (10, 11, 9_999, False), (10, 12, 599, False), (10, 12, 600, True), (10, 12, 601, True),
    (10, 1_009, 0, False), (10, 1_010, 0, True), (10, 1_011, 0, True), (10, 9, 9_999, False),
])  # fmt: skip
def test_when_a_map_is_due(last: int | None, signed: int, seconds: int, due: bool):
    before = None if last is None else taken(last)
    assert snapshot.is_due(before, signed, NOON + timedelta(seconds=seconds), CADENCE) is due


def test_a_map_whose_own_entry_is_more_than_the_cadence_does_not_map_itself_for_ever():
    assert not snapshot.is_due(taken(10), 11, NOON + timedelta(days=1), Cadence(timedelta(minutes=10), 1))


@pytest.mark.parametrize("before, these, after", [
    (Lags(), [], Lags()), (Lags(), [5], Lags(5, 5)), (Lags(-1, 4), [], Lags(-1, 4)),
    (Lags(-1, 4), [-2, 9, 3], Lags(-2, 9)), (Lags(0, 0), [7], Lags(0, 7)),
])  # fmt: skip
def test_the_widest_lags_are_kept(before: Lags, these: list[int], after: Lags):
    assert before.with_these(these) == after


# --- as audit builds it


async def taken_over(log: AuditBench, count: int) -> Snapshot:
    await log.source().tell(count).send()
    await log.sign()
    new = await indexing.take_snapshot(log.audit)
    assert new
    return new


async def links_of(log: AuditBench, size: int) -> list[list[str]]:
    async with log.audit.database.read() as tx:
        leaves = [each.leaf for each in await entry_store.entries_between(tx, 0, size)]
    return [[link[0] for link in json.loads(leaf.split(b"\n")[2])["k"]] for leaf in leaves]


async def test_the_map_of_a_log_is_that_of_its_signed_seal_lines(log: AuditBench, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(indexing, "HEADS_AT_ONCE", 256)
    new = await taken_over(log, 200)
    expected = naive_map(await links_of(log, 200))
    assert (new.size, new.key_count, new.root) == (200, len(expected), naive_root(expected))
    assert new.key_count > 512


async def test_the_root_is_told_in_the_log_and_the_map_stays_until_a_newer_one_is_told(log: AuditBench):
    first = await taken_over(log, 3)
    async with log.audit.database.read() as tx:
        assert await snapshot_store.told_snapshot(tx, 3) is None
    await log.bench.cores["audit"].relay.tick()
    await log.sign()
    event = read_event((await log.read("/entries/3"))["event"].encode())
    assert (event.act, event.id) == ("audit.index_snapshot", first.fact_id)
    assert event.data == {
        "size": 3, "root": first.root.hex(), "key_count": first.key_count,
        "lag_least_us": 0, "lag_most_us": 0,
    }  # fmt: skip
    async with log.audit.database.read() as tx:
        assert await snapshot_store.told_snapshot(tx, 4) == (first, 3)
    log.bench.clock.advance(minutes=10)
    source = log.source("catalog").tell(2)
    await source.send()
    await log.sign()
    second = await indexing.take_snapshot(log.audit)
    assert second and second.size == 6
    async with log.audit.database.read() as tx:
        assert await snapshot_store.told_snapshot(tx, 6) == (first, 3)
        sizes = set(await tx.scalars(select(snapshot_tiles.c.size)))
    assert sizes == {3, 6}


async def test_a_log_that_has_not_grown_is_not_mapped_again(log: AuditBench):
    await taken_over(log, 3)
    await log.bench.cores["audit"].relay.tick()
    await log.sign()
    log.bench.clock.advance(hours=1)
    assert await indexing.take_snapshot(log.audit) is None


async def test_of_two_builders_one_tells_and_what_the_other_left_is_forgotten(
    log: AuditBench, monkeypatch: pytest.MonkeyPatch
):
    before = await taken_over(log, 3)
    await log.source("catalog").tell(4).send()
    await log.sign()
    log.bench.clock.advance(minutes=10)
    build = indexing._build  # pyright: ignore[reportPrivateUsage]
    faster: list[Snapshot | None] = []

    async def overtaken(_: object, size: int) -> Unfinished:
        monkeypatch.setattr(indexing, "_build", build)
        await log.source("pricing").tell(2).send()
        await log.sign()
        faster.append(await indexing.take_snapshot(log.audit))
        return await build(log.audit, size)

    monkeypatch.setattr(indexing, "_build", overtaken)
    assert await indexing.take_snapshot(log.audit) is None
    async with log.audit.database.read() as tx:
        assert await snapshot_store.newest_snapshot(tx) == faster[0] != before
        assert await tx.scalar(select(func.count()).select_from(snapshot_tiles).where(snapshot_tiles.c.size == 3)) == 0


async def test_a_late_event_widens_the_lags_that_are_told(log: AuditBench):
    source = log.source().tell()
    log.bench.clock.advance(seconds=7)
    await source.send()
    await log.sign()
    new = await indexing.take_snapshot(log.audit)
    assert new and new.lags == Lags(7_000_000, 7_000_000)

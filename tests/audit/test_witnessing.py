"""A log that is watched: confirmed by its witnesses, stopped by them where it contradicts what they saw."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update

from services.audit import witnesses
from services.audit.actions.rereading import LogContradictsItself
from services.audit.actions.witnessing import read_policy
from services.audit.rules import checkpoint, tile, tree
from services.audit.rules.checkpoint import Checkpoint, VerifierKey
from services.audit.rules.policy import Policy
from services.audit.rules.tile import Unfinished
from services.audit.store import checkpoint as checkpoint_store
from services.audit.store import log as log_store
from services.audit.store.checkpoint import SignedCheckpoint
from services.audit.tables import checkpoints, entries, tiles
from services.audit.tables import log as log_row
from services.witness import State, Witness
from services.witness import build as build_witness
from shared.rest import Directory
from shared.signing import SigningKey
from shared.turn import write_all
from tests.audit.conftest import KEY
from tests.audit.watched import LOG_KEY, NAMES, Watched, watched
from tests.support.bench import Bench
from verifier import yaosu_verify
from verifier.yaosu_verify import INCOMPLETE, VERIFIED

on_sqlite = pytest.mark.parametrize("server", ["sqlite"], indirect=True)  # where nothing depends on the database


@pytest.fixture
async def watch(bench: Bench, tmp_path: Path) -> AsyncGenerator[Watched]:
    async with watched(bench, tmp_path) as made:
        yield made


async def state_of(watch: Watched, index: int) -> str:
    return (await watch.log.read(f"/entries/{index}"))["state"]


async def test_an_entry_is_sequenced_then_checkpointed_then_witnessed(watch: Watched):
    await watch.log.source().tell(2).send()
    assert await state_of(watch, 0) == "sequenced"
    await watch.log.audit.signer.sign()
    assert await state_of(watch, 0) == "checkpointed"
    await watch.log.audit.witnessing.ask()
    assert await state_of(watch, 0) == "witnessed"


async def test_the_checkpoint_that_is_shown_carries_the_word_of_each_witness(watch: Watched):
    for count, size in [(3, 3), (300, 303), (1, 304)]:
        watch.log.bench.clock.advance(seconds=1)
        await watch.grow(count)
        point, times = await watch.shown()
        now = int(watch.log.bench.clock.now().timestamp())
        assert (point.size, times) == (size, dict.fromkeys(NAMES, now))
    heads = {witness.state.head(LOG_KEY.name).root for witness in watch.witnesses.values()}
    assert heads == {point.root}


async def test_the_bundle_says_who_witnessed_it_and_of_a_log_not_yet_witnessed_shows_no_more(
    watch: Watched, tmp_path: Path
):
    await watch.grow(3)
    for door in watch.doors.values():
        door.is_open = False
    await watch.grow(2)
    answer = await watch.log.get("/bundle", watch.log.regulator)
    (tmp_path / "bundle.tar").write_bytes(answer.content)
    for given in (watch.policy.text().encode(), None):
        report = yaosu_verify.verify(str(tmp_path / "bundle.tar"), policy=given)
        assert (report.exit_code(), report.size, set(report.witnesses)) == (VERIFIED, 3, set(NAMES))
    (tmp_path / "bundle.tar").write_bytes((await watch.log.get("/bundle?size=5", watch.log.regulator)).content)
    assert yaosu_verify.verify(str(tmp_path / "bundle.tar")).exit_code() == INCOMPLETE, "signed, but not witnessed"


@on_sqlite
async def test_silence_is_confirmed_once_a_minute_and_a_stale_checkpoint_shows_by_its_age(watch: Watched):
    await watch.grow(3)
    _, before = await watch.shown()
    for seconds, waited in [(59, 0), (1, 60)]:
        watch.log.bench.clock.advance(seconds=seconds)
        await watch.log.sign()
        point, times = await watch.shown()
        assert point.size == 3
        assert {times[name] - before[name] for name in NAMES} == {waited}


@on_sqlite
@pytest.mark.parametrize("shut, is_witnessed", [
    (["partner_1"], True), (["partner_2"], True), (["regulator"], False), (["partner_1", "partner_2"], False),
])  # fmt: skip
async def test_the_log_is_signed_without_a_witness_and_witnessed_by_a_quorum(
    watch: Watched, shut: list[str], is_witnessed: bool
):
    await watch.grow(3)
    for name in shut:
        watch.doors[name].is_open = False
    watch.log.bench.clock.advance(seconds=60)
    await watch.grow(2)
    point, times = await watch.shown()
    assert point.size == (5 if is_witnessed else 3)
    assert set(times) == (set(NAMES) - set(shut) if is_witnessed else set(NAMES))
    assert await state_of(watch, 4) == ("witnessed" if is_witnessed else "checkpointed")
    assert await watch.alerts() == ["witness_silent"] * len(shut)


@on_sqlite
async def test_a_witness_that_was_silent_catches_up_once_it_speaks_again(watch: Watched):
    await watch.grow(3)
    watch.doors["regulator"].is_open = False
    await watch.grow(2)
    watch.doors["regulator"].is_open = True
    await watch.log.sign()
    assert (await watch.shown())[0].size == 3, "it is left alone for ten seconds"
    watch.log.bench.clock.advance(seconds=10)
    await watch.log.sign()
    point, times = await watch.shown()
    assert (point.size, set(times)) == (5, set(NAMES))


@on_sqlite
async def test_the_alert_of_a_silent_witness_comes_again_every_five_minutes_and_not_before(watch: Watched):
    watch.doors["regulator"].is_open = False
    for seconds, alerts in [(0, 1), (290, 1), (10, 2), (30, 2)]:
        watch.log.bench.clock.advance(seconds=seconds)
        await watch.log.sign()
        assert await watch.alerts() == ["witness_silent"] * alerts


@on_sqlite
async def test_a_word_that_was_given_and_lost_is_asked_for_again(watch: Watched):
    await watch.grow(3)
    await watch.log.source("catalog", 9).tell(2).send()
    await watch.log.audit.signer.sign()
    watch.doors["regulator"].loses_answers = True
    await watch.log.audit.witnessing.ask()
    assert watch.witnesses["regulator"].state.head(LOG_KEY.name).size == 5
    assert (await watch.shown())[0].size == 3
    watch.doors["regulator"].loses_answers = False
    watch.log.bench.clock.advance(seconds=10)
    await watch.log.sign()
    assert (await watch.shown())[0].size == 5


@on_sqlite
async def test_a_witness_without_memory_is_given_the_proof_from_where_it_stands(watch: Watched, tmp_path: Path):
    await watch.grow(3)
    old, clock = watch.witnesses["regulator"], watch.log.bench.clock
    private = SigningKey.from_seed(b"regulator".ljust(32))
    fresh = Witness(old.key.name, private, [LOG_KEY], State(tmp_path / "fresh"), clock)
    watch.doors["regulator"].app = build_witness(fresh)
    await watch.grow(2)
    assert (await watch.shown())[0].size == 5
    assert fresh.state.head(LOG_KEY.name).size == 5
    fresh.state.close()


@on_sqlite
async def test_a_witness_that_hangs_holds_up_nobody_for_long(watch: Watched, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(witnesses, "SECONDS_MAX", 1.0)
    await watch.grow(3)
    watch.doors["regulator"].meanwhile = lambda: watch.log.bench.clock.sleep(0)
    await watch.grow(2)
    assert await watch.log.audit.signer.sign() is False, "it was signed all the same"
    assert await watch.alerts() == ["witness_silent"]


async def test_while_a_witness_thinks_the_log_goes_on(watch: Watched):
    await watch.grow(3)
    more = watch.log.source("catalog").tell(4)
    watch.doors["partner_2"].meanwhile = more.send
    await watch.grow(2)
    assert (await watch.shown())[0].size in (5, 9)
    await watch.log.sign()
    assert (await watch.shown())[0].size == 9


@on_sqlite
async def test_a_stranger_in_a_witnesss_place_is_not_believed(watch: Watched, tmp_path: Path):
    stranger = Witness("regulator.example/w", KEY, [LOG_KEY], State(tmp_path / "stranger"), watch.log.bench.clock)
    watch.doors["regulator"].app = build_witness(stranger)
    await watch.grow(3)
    point, times = await watch.shown()
    assert (point.size, set(times)) == (3, {"partner_1", "partner_2"})
    assert (await watch.alerts(), await state_of(watch, 2)) == (["witness_silent"], "checkpointed")
    stranger.state.close()


# --- what a log cannot see by itself


async def rewritten(watch: Watched, change: Callable[[list[bytes]], list[bytes]]) -> None:
    """The whole log anew by someone who has the database and the log's key: entries, tiles, head and checkpoints."""
    async with watch.log.as_owner() as tx:
        query = select(entries.c.leaf).order_by(entries.c.log_index)
        leaves = change(list(await tx.scalars(query)))
        unfinished, made = tile.grow(Unfinished(), [tree.leaf_hash(leaf) for leaf in leaves])
        await tx.execute(delete(tiles))
        await write_all(tx, log_store.of_tiles(made))
        for index, leaf in enumerate(leaves):
            await tx.execute(update(entries).where(entries.c.log_index == index).values(leaf=leaf))
        await tx.execute(delete(entries).where(entries.c.log_index >= len(leaves)))
        root = tile.edge(unfinished).root()
        await tx.execute(update(log_row).values(size=len(leaves), root=root))
        await tx.execute(delete(checkpoints))
        body = Checkpoint(LOG_KEY.name, len(leaves), root).body()
        note = checkpoint.note_text(body, [(LOG_KEY, KEY.sign(body.encode()))]).encode()
        signed = SignedCheckpoint(len(leaves), note, watch.log.bench.clock.now())
        await checkpoint_store.add_checkpoint(tx, signed)


def edited(leaves: list[bytes]) -> list[bytes]:
    return [*leaves[:2], leaves[2].replace(b'"ok"', b'"deny"'), *leaves[3:]]


async def as_it_was_at_four(watch: Watched) -> None:
    await watch.set_back(4)


async def as_if_nothing_had_been(watch: Watched) -> None:
    async with watch.log.as_owner() as tx:
        for table in (checkpoints, entries, tiles, log_row):
            await tx.execute(delete(table))


async def with_one_entry_edited(watch: Watched) -> None:
    await rewritten(watch, edited)


async def with_two_entries_swapped(watch: Watched) -> None:
    await rewritten(watch, lambda leaves: [leaves[1], leaves[0], *leaves[2:]])


async def without_the_last_entry(watch: Watched) -> None:
    await rewritten(watch, lambda leaves: leaves[:-1])


REWRITINGS = [
    as_it_was_at_four, as_if_nothing_had_been, with_one_entry_edited, with_two_entries_swapped, without_the_last_entry
]  # fmt: skip


@pytest.mark.parametrize("rewrite", REWRITINGS, ids=lambda rewrite: rewrite.__name__)
async def test_a_history_rewritten_under_the_true_key_while_nobody_looked_is_never_signed_on(
    watch: Watched, rewrite: Callable[[Watched], Awaitable[None]], caplog: pytest.LogCaptureFixture
):
    await watch.grow(4)
    await watch.grow(2)
    seen = {name: witness.state.head(LOG_KEY.name) for name, witness in watch.witnesses.items()}
    await rewrite(watch)
    restarted = watch.restarted()
    answer = await watch.log.source("catalog", 7).tell(3).send()
    assert (answer.status_code, answer.json()["code"]) == (503, "log_frozen"), "not even taken"
    for _ in range(2):
        with pytest.raises(LogContradictsItself, match="contradicts it"):
            await restarted.witnessing.sign()
    async with restarted.database.read() as tx:
        newest = await checkpoint_store.newest_checkpoint(tx)
    assert newest is None or newest.size <= 6
    assert {name: witness.state.head(LOG_KEY.name) for name, witness in watch.witnesses.items()} == seen
    assert "nothing more is signed" in caplog.text


async def test_a_log_that_was_set_back_and_grew_again_is_found_by_the_proof(watch: Watched):
    """The witness is behind the forged log's size: it is the consistency proof that fails."""
    await watch.grow(4)
    for door in watch.doors.values():
        door.is_open = False
    await watch.grow(2)
    await rewritten(watch, edited)
    for door in watch.doors.values():
        door.is_open = True
    with pytest.raises(LogContradictsItself, match="does not lead"):
        await watch.restarted().witnessing.sign()
    assert all(witness.state.evidence(LOG_KEY.name) for witness in watch.witnesses.values())


@on_sqlite
async def test_one_witness_that_knows_better_is_enough(watch: Watched):
    await watch.grow(4)
    await watch.grow(2)
    await watch.set_back(4)
    for name in ("partner_1", "regulator"):
        watch.doors[name].is_open = False
    with pytest.raises(LogContradictsItself, match="partner_2"):
        await watch.restarted().witnessing.sign()


async def test_the_stop_is_an_alert_that_goes_into_the_log_once_it_goes_on(watch: Watched):
    await watch.grow(4)
    await watch.grow(2)
    await rewritten(watch, edited)
    with pytest.raises(LogContradictsItself):
        await watch.restarted().witnessing.sign()
    watch.log.app.state.service = watch.restarted(Directory())  # as a person decides who has looked at it
    assert "witness_contradicts" in await watch.alerts()


async def test_of_two_processes_the_slower_is_overtaken_and_stops_nothing(watch: Watched):
    await watch.grow(3)
    faster, slower = watch.log.audit, watch.restarted()
    await slower.witnessing.ask()
    watch.log.app.state.service = faster
    source = watch.log.source("catalog", 9).tell(4)

    async def signed_by_the_faster() -> None:
        await source.send()
        assert await faster.witnessing.sign()

    watch.doors["regulator"].meanwhile = signed_by_the_faster
    await slower.witnessing.ask()
    assert slower.sequencer.frozen_because is None
    assert (await watch.shown())[0].size == 7
    assert await slower.witnessing.sign() is False


@on_sqlite
async def test_clocks_that_jump_stop_nothing_and_turn_nothing_round(watch: Watched):
    clock = watch.log.bench.clock
    for days in (0, 1, -2, 1):
        clock.advance(days=days)
        await watch.grow(2)
    point, times = await watch.shown()
    seals = [(await watch.log.read(f"/entries/{index}"))["seal"] for index in range(8)]
    its = [int(seal.partition('"its":')[2].partition(",")[0]) for seal in seals]
    assert (point.size, set(times), its) == (8, set(NAMES), sorted(its))


# --- the policy in the settings


@pytest.mark.parametrize("content, told", [
    (None, "No such file"), (b"quorum maybe\n", "line 1"), (b"quorum none\n", "does not know this log"),
    (Policy((), (), ()).text().encode(), "does not know this log"),
], ids=["missing", "unreadable", "no log", "empty"])  # fmt: skip
def test_a_policy_that_cannot_be_kept_stops_the_start(tmp_path: Path, content: bytes | None, told: str):
    path = tmp_path / "policy"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=f"log_policy: .*{told}"):
        read_policy(path, LOG_KEY)


def test_a_policy_of_the_log_under_another_key_or_of_witnesses_nowhere_stops_the_start(tmp_path: Path):
    path, other = tmp_path / "policy", VerifierKey(LOG_KEY.name, bytes(32))
    witness = VerifierKey("w", bytes([1]) * 32, b"\4").text()
    path.write_text(f"log {other.text()}\nquorum none\n")
    with pytest.raises(ValueError, match="does not know this log"):
        read_policy(path, LOG_KEY)
    path.write_text(f"log {LOG_KEY.text()}\nwitness w {witness}\nquorum w\n")
    with pytest.raises(ValueError, match="addresses"):
        read_policy(path, LOG_KEY)
    path.write_text(f"log {LOG_KEY.text()}\nwitness w {witness} https://w.example\nquorum w\n")
    assert read_policy(path, LOG_KEY).quorum == "w"

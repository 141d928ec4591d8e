"""Nothing is signed that was not read back and found right; what was changed under our feet freezes the log."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Update, delete, update

from services.audit.actions.audit import compose
from services.audit.actions.rereading import Checked, LogContradictsItself
from services.audit.rules import checkpoint, tree
from services.audit.rules.checkpoint import Checkpoint
from services.audit.store import checkpoint as checkpoint_store
from services.audit.tables import checkpoints, entries, tiles
from services.audit.tables import log as log_row
from shared.signing import SigningKey, verifies
from tests.audit.conftest import KEY, AuditBench, Source


async def checkpoint_of(log: AuditBench) -> Checkpoint:
    """The newest checkpoint, once its signature is known to be the log's."""
    note = checkpoint.parse_note((await log.get("/log/checkpoint")).text)
    [signature] = note.signatures_by(log.verifier_key)
    assert verifies(KEY.public, note.text.encode(), signature)
    return checkpoint.parse_checkpoint(note.text)


async def test_a_log_without_entries_is_signed_too(log: AuditBench):
    await log.sign()
    assert await checkpoint_of(log) == Checkpoint(log.audit.origin, 0, tree.EMPTY_ROOT)


async def test_the_checkpoint_follows_the_log_and_each_contains_the_one_before(log: AuditBench):
    source, points = log.source(), list[Checkpoint]()
    for count in (1, 2, 300, 210, 0):
        if source.tell(count) and count:
            await source.send(len(source.lines) - count + 1)
        await log.sign()
        points.append(await checkpoint_of(log))
    assert [point.size for point in points] == [1, 3, 303, 513, 513]
    for old, new in zip(points, points[1:], strict=False):
        proof = (await log.get(f"/proofs/consistency?first={old.size}&second={new.size}")).json()
        hashes = [bytes.fromhex(each) for each in proof["hashes"]]
        assert tree.verify_consistency(old.size, new.size, old.root, new.root, hashes)
        assert (proof["first_root"], proof["second_root"]) == (old.root.hex(), new.root.hex())


async def test_a_size_is_signed_once(log: AuditBench):
    await log.source().tell(3).send()
    assert [await log.audit.signer.sign() for _ in range(2)] == [True, False]


async def test_a_fresh_process_goes_on_from_the_last_checkpoint(log: AuditBench):
    source = log.source().tell(300)
    await source.send()
    await log.sign()
    before, parts = await checkpoint_of(log), log.audit
    restarted = compose(parts.database, parts.outbox, parts.clock, parts.origin, KEY)
    log.bench.clock.advance(minutes=1)
    log.app.state.service = restarted
    await source.tell(5).send(301)
    await log.sign()
    after = await checkpoint_of(log)
    proof = (await log.get(f"/proofs/consistency?first={before.size}")).json()["hashes"]
    assert after.size == 305
    assert tree.verify_consistency(300, 305, before.root, after.root, [bytes.fromhex(each) for each in proof])


async def filled(log: AuditBench) -> Source:
    """A log of six entries of which four are signed."""
    source = log.source().tell(6)
    await source.send(1, 4)
    await log.sign()
    await source.send(5)
    return source


async def change(log: AuditBench, *statements: Update) -> None:
    async with log.as_owner() as tx:
        for statement in statements:
            assert (await tx.execute(statement)).rowcount == 1


CHANGES: list[tuple[str, Callable[[], Update]]] = [
    ("tile 0/000.p/6", lambda: update(entries).where(entries.c.log_index == 5).values(leaf=b"x\ny\nz\n")),
    ("tile 0/000.p/6", lambda: update(tiles).where(tiles.c.level == 0).values(hashes=bytes(32 * 6))),
    ("the root at 6", lambda: update(log_row).values(root=bytes(32))),
    ("entries are missing", lambda: update(log_row).values(size=7)),
    ("the log is shorter", lambda: update(log_row).values(size=3)),
]


@pytest.mark.parametrize("told, changed", CHANGES, ids=["an entry", "a tile", "the root", "the size", "a size back"])
async def test_what_was_changed_before_it_was_signed_is_not_signed_and_freezes_the_log(
    log: AuditBench, told: str, changed: Callable[[], Update]
):
    source = await filled(log)
    await change(log, changed())
    with pytest.raises(LogContradictsItself, match=told):
        await log.audit.signer.sign()
    assert (await checkpoint_of(log)).size == 4
    answer = await source.tell().send(7)
    assert (answer.status_code, answer.json()["code"]) == (503, "log_frozen")


async def test_an_entry_deleted_before_it_was_signed_is_missed(log: AuditBench):
    await filled(log)
    async with log.as_owner() as tx:
        await tx.execute(delete(entries).where(entries.c.log_index == 5))
    with pytest.raises(LogContradictsItself):
        await log.audit.signer.sign()


@pytest.mark.parametrize("what", ["another key's checkpoint", "a tile below the checkpoint"])
async def test_a_fresh_process_signs_nothing_on_top_of_what_it_cannot_confirm(log: AuditBench, what: str):
    await filled(log)
    if what == "another key's checkpoint":
        point, stranger = await checkpoint_of(log), SigningKey.new()
        note = checkpoint.note_text(point.body(), [(log.verifier_key, stranger.sign(point.body().encode()))])
        await change(log, update(checkpoints).where(checkpoints.c.size == 4).values(note=note.encode()))
    else:
        await change(log, update(tiles).where(tiles.c.level == 0).values(hashes=bytes(32 * 6)))
    parts = log.audit
    restarted = compose(parts.database, parts.outbox, parts.clock, parts.origin, KEY)
    with pytest.raises(LogContradictsItself):
        await restarted.signer.sign()


async def test_a_log_set_back_to_what_it_was_is_noticed_by_the_process_that_signed_more(log: AuditBench):
    await filled(log)
    earlier = await checkpoint_of(log)
    await log.sign()
    async with log.as_owner() as tx:
        await tx.execute(delete(checkpoints).where(checkpoints.c.size == 6))
        await tx.execute(delete(entries).where(entries.c.log_index >= 4))
        await tx.execute(update(log_row).values(size=4, root=earlier.root))
    with pytest.raises(LogContradictsItself, match="shorter than what was signed"):
        await log.audit.signer.sign()


async def test_a_signed_checkpoint_that_is_gone_is_noticed_by_the_process_that_signed_it(log: AuditBench):
    await filled(log)
    await log.sign()
    async with log.as_owner() as tx:
        await tx.execute(delete(checkpoints).where(checkpoints.c.size == 6))
    with pytest.raises(LogContradictsItself, match="the checkpoint at 6 is gone"):
        await log.audit.signer.sign()


async def test_of_two_signers_the_slower_signs_nothing_behind_the_faster(
    log: AuditBench, monkeypatch: pytest.MonkeyPatch
):
    source, parts = log.source().tell(2), log.audit
    await source.send()
    slow = compose(parts.database, parts.outbox, parts.clock, parts.origin, KEY).signer
    read_again = slow._read_again  # pyright: ignore[reportPrivateUsage]

    async def while_the_other_signs(*read: Any) -> Checked:
        checked = await read_again(*read)
        await source.tell(3).send(3)
        await log.sign()
        return checked

    monkeypatch.setattr(slow, "_read_again", while_the_other_signs)
    assert await slow.sign() is False
    async with parts.database.read() as tx:
        assert await checkpoint_store.checkpoint_sizes(tx, 5) == [5]


async def test_the_job_says_what_is_wrong_and_goes_on(log: AuditBench, caplog: pytest.LogCaptureFixture):
    await filled(log)
    await change(log, update(log_row).values(root=bytes(32)))
    await log.sign()
    assert "sign failed; it runs again" in caplog.text and "LogContradictsItself" in caplog.text

"""From the services' facts to the regulator's desk: what is exported is what the offline verifier finds right, and what
is changed in the database afterwards is what it names."""

from pathlib import Path

import pytest
from sqlalchemy import delete, select, update

from services.audit.rules import bundle, tree
from services.audit.tables import checkpoints, entries, tiles
from tests.audit.conftest import AuditBench
from tests.verifier import stranger
from verifier import yaosu_verify
from verifier.yaosu_verify import INCOMPLETE, TAMPERED, VERIFIED, Report


async def exported(log: AuditBench, folder: Path, size: int | None = None) -> Path:
    answer = await log.get("/bundle" + (f"?size={size}" if size is not None else ""), log.regulator)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/x-tar")
    path = folder / "bundle.tar"
    path.write_bytes(answer.content)
    return path


async def verified(log: AuditBench, folder: Path) -> Report:
    return yaosu_verify.verify(str(await exported(log, folder)), log.verifier_key.text())


async def filled(log: AuditBench) -> None:
    """A log of 300 entries, of two services and three stripes, signed at 100, 200 and 300."""
    sources = [log.source("trading", 0), log.source("trading", 1), log.source("catalog", 0)]
    for start in range(3):
        for source, count in zip(sources, (50, 20, 30), strict=True):
            await source.tell(count).send(1 + count * start)
        log.bench.clock.advance(seconds=1)
        await log.sign()


async def test_an_exported_bundle_is_verified_by_the_offline_verifier(log: AuditBench, tmp_path: Path):
    await filled(log)
    report = await verified(log, tmp_path)
    assert (report.exit_code(), report.size, report.counts["checkpoints"], report.unknown) == (VERIFIED, 300, 3, [])
    assert stranger.agrees(tmp_path / "bundle.tar")


async def test_the_same_size_gives_the_same_bytes_after_the_log_has_grown(log: AuditBench, tmp_path: Path):
    await filled(log)
    first = (await exported(log, tmp_path, 200)).read_bytes()
    await log.bench.cores["audit"].relay.tick()
    await log.sign()
    assert (await exported(log, tmp_path, 200)).read_bytes() == first
    assert yaosu_verify.verify(str(tmp_path / "bundle.tar"), log.verifier_key.text()).exit_code() == VERIFIED


async def test_the_export_is_recorded_and_the_log_with_its_record_verifies(log: AuditBench, tmp_path: Path):
    await filled(log)
    await exported(log, tmp_path)
    await log.bench.cores["audit"].relay.tick()
    await log.sign()
    report = await verified(log, tmp_path)
    assert (report.exit_code(), report.size) == (VERIFIED, 301)
    assert '"act":"audit.bundle_exported"' in (await log.read("/entries/300"))["event"]


async def test_an_empty_log_is_exported_and_verified(log: AuditBench, tmp_path: Path):
    await log.sign()
    assert (await verified(log, tmp_path)).exit_code() == VERIFIED


async def test_an_entry_edited_in_the_database_is_named(log: AuditBench, tmp_path: Path):
    await filled(log)
    await edit(log, 123)
    report = await verified(log, tmp_path)
    first = report.first()
    assert first and (report.exit_code(), first.check, first.index) == (TAMPERED, "leaves", 123)
    assert "the entries were altered" in report.blame


async def edit(log: AuditBench, index: int) -> bytes:
    async with log.as_owner() as tx:
        leaf: bytes | None = await tx.scalar(select(entries.c.leaf).where(entries.c.log_index == index))
        assert leaf and b'"ok"' in leaf
        edited = leaf.replace(b'"ok"', b'"deny"')
        await tx.execute(update(entries).where(entries.c.log_index == index).values(leaf=edited))
    return edited


async def test_an_entry_edited_together_with_its_tile_contradicts_the_signed_root(log: AuditBench, tmp_path: Path):
    await filled(log)
    forged = tree.leaf_hash(await edit(log, 123))
    async with log.as_owner() as tx:
        here = (tiles.c.level == 0, tiles.c.tile_index == 0)
        hashes: bytes | None = await tx.scalar(select(tiles.c.hashes).where(*here))
        assert hashes
        await tx.execute(update(tiles).where(*here).values(hashes=hashes[: 123 * 32] + forged + hashes[124 * 32 :]))
    report = await verified(log, tmp_path)
    assert report.exit_code() == TAMPERED
    assert {"root", "chains", "tiles"} <= {check for check in report.counts if report.status(check) == "failed"}


async def test_entries_deleted_from_the_database_are_named(log: AuditBench, tmp_path: Path):
    await filled(log)
    async with log.as_owner() as tx:
        await tx.execute(delete(entries).where(entries.c.log_index == 123))
    report = await verified(log, tmp_path)
    first = report.first()
    assert first and (report.exit_code(), first.index) == (TAMPERED, 123)


async def test_a_checkpoint_deleted_from_the_database_takes_the_log_back_and_never_beyond(
    log: AuditBench, tmp_path: Path
):
    await filled(log)
    async with log.as_owner() as tx:
        await tx.execute(delete(checkpoints).where(checkpoints.c.size == 300))
    report = await verified(log, tmp_path)
    assert (report.exit_code(), report.size) == (VERIFIED, 200)
    assert any("whether this checkpoint is the newest" in english for _, english in report.not_checked())


async def test_a_download_cut_short_is_incomplete(log: AuditBench, tmp_path: Path):
    await filled(log)
    path = await exported(log, tmp_path)
    path.write_bytes(path.read_bytes()[:-5000])
    assert yaosu_verify.verify(str(path), log.verifier_key.text()).exit_code() == INCOMPLETE


@pytest.mark.parametrize("count, kept", [(0, 0), (1, 1), (999, 999), (1000, 1000), (1001, 501), (5000, 1000)])
def test_a_long_history_is_thinned_evenly_and_keeps_its_newest(count: int, kept: int):
    sizes = list(range(10, 10 + count))
    chosen = bundle.history(sizes)
    assert (len(chosen), chosen[-1:]) == (kept, sizes[-1:])
    assert len({b - a for a, b in zip(chosen, chosen[1:], strict=False)}) <= 1

"""From a question at the regulator's desk to one file for the offline verifier, and what is changed in between."""

import asyncio
import json
import sys
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update

from services.audit.actions import evidence as exporting
from services.audit.rules import evidence
from services.audit.tables import entries, links, snapshot_tiles
from shared.ids import AssetId
from tests.audit.conftest import AuditBench
from tests.audit.test_answering import Story, rfc_3339
from verifier import yaosu_verify
from verifier.yaosu_verify import EVIDENCE_CHECKS, INCOMPLETE, TAMPERED, VERIFIED, Report

FILE = Path(yaosu_verify.__file__)


@pytest.fixture
async def story(log: AuditBench) -> Story:
    return await Story(log, await log.bench.member()).told()


async def taken(story: Story, query: str, folder: Path) -> Path:
    answer = await story.log.get(f"/queries/bundle?{query}", story.log.regulator)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/x-tar"), answer.text
    path = folder / "evidence.tar"
    path.write_bytes(answer.content)
    return path


async def verified(story: Story, query: str, folder: Path) -> Report:
    return yaosu_verify.verify(str(await taken(story, query, folder)), story.log.verifier_key.text())


async def test_every_kind_of_answer_is_verified_offline(story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    end = story.log.bench.clock.now()
    queries = {
        f"object={story.asset}": 9, f"object={AssetId.new()}": 0, f"organisation={story.ours.participant_id}": 7,
        "service=trading&first_seq=3&last_seq=20": 18, "service=trading": 26, "actor=audit:x": 0,
        f"ingested_until={rfc_3339(end)}": 13, "happened_from=2000-01-01T00:00:00Z": 27,
        f"happened_until={rfc_3339(end)}": 27,
    }  # fmt: skip
    for at_once in (4, 256):
        monkeypatch.setattr(exporting, "ENTRIES_AT_ONCE", at_once)
        for query, count in queries.items():
            report = await verified(story, query, tmp_path)
            assert (report.exit_code(), report.counts["whole"], report.unknown) == (VERIFIED, count, []), (
                query, report.as_text(),
            )  # fmt: skip


async def test_before_the_first_map_the_whole_log_is_given(log: AuditBench, tmp_path: Path):
    story = await Story(log, await log.bench.member()).told(mapped=False)
    report = await verified(story, f"object={story.asset}", tmp_path)
    assert (report.exit_code(), report.counts["whole"], report.counts["tail"]) == (VERIFIED, 9, 26)


async def test_the_stand_alone_file_reads_it_too(story: Story, tmp_path: Path):
    path = await taken(story, f"object={story.asset}", tmp_path)
    command = [sys.executable, "-I", "-S", str(FILE), str(path), "--key", story.log.verifier_key.text(), "--json"]
    run = await asyncio.create_subprocess_exec(*command, cwd=tmp_path, stdout=asyncio.subprocess.PIPE)
    report = json.loads((await run.communicate())[0])
    assert (run.returncode, report["verdict"], report["checks"]) == (
        0,
        "verified",
        dict.fromkeys(EVIDENCE_CHECKS.keys() - {"witnesses"}, "ok"),
    )


async def test_the_export_is_recorded_and_taken_by_supervisors_only(story: Story, tmp_path: Path):
    query = f"object={story.asset}"
    await taken(story, query, tmp_path)
    assert (await story.log.get(f"/queries/bundle?{query}", story.ours)).status_code == 403
    assert (await story.log.get(f"/queries/bundle?{query}")).status_code == 401
    [told] = [each for each in await story.log.bench.cores["audit"].feed.after({}) if "exported" in each.act]
    root = (await story.log.read("/proofs/inclusion?index=0"))["root"]
    assert (told.act, told.data) == (
        "audit.evidence_exported", {"sought": story.asset, "size": 27, "root": root, "has_tail": True},
    )  # fmt: skip


async def test_what_is_changed_in_the_database_is_named(story: Story, tmp_path: Path):
    query = f"object={story.asset}"
    async with story.log.as_owner() as tx:
        leaf: bytes | None = await tx.scalar(select(entries.c.leaf).where(entries.c.log_index == 9))
        assert leaf
        edited = leaf.replace(b'"ok"', b'"deny"')
        await tx.execute(update(entries).where(entries.c.log_index == 9).values(leaf=edited))
    first = (await verified(story, query, tmp_path)).first()
    assert first and (first.verdict, first.check, first.index) == (TAMPERED, "inclusion", 9)


async def test_a_hit_that_is_taken_out_of_the_index_is_missed(story: Story, tmp_path: Path):
    for index in (25, 16, 9, 0):  # each time, the earliest that is missing is named
        async with story.log.as_owner() as tx:
            await tx.execute(delete(links).where(links.c.log_index == index))
        first = (await verified(story, f"object={story.asset}", tmp_path)).first()
        assert first and (first.verdict, first.check, first.index) == (INCOMPLETE, "whole", index)


async def test_a_map_that_is_changed_in_the_database_leads_to_no_root_that_was_told(story: Story, tmp_path: Path):
    async with story.log.as_owner() as tx:
        here = (snapshot_tiles.c.level == 0, snapshot_tiles.c.tile_index == 0)
        content: bytes | None = await tx.scalar(select(snapshot_tiles.c.content).where(*here))
        assert content
        await tx.execute(update(snapshot_tiles).where(*here).values(content=content[:-1] + bytes([content[-1] ^ 1])))
    first = (await verified(story, f"object={story.asset}", tmp_path)).first()
    assert first and (first.verdict, first.check) == (TAMPERED, "map")


async def test_documents_given_with_it_are_part_of_the_file(story: Story, tmp_path: Path):
    path = await taken(story, f"object={story.asset}", tmp_path)
    path.write_bytes(evidence.with_documents(path.read_bytes(), {"contract.pdf": b"%PDF"}))
    report = yaosu_verify.verify(str(path), story.log.verifier_key.text())
    assert (report.exit_code(), report.status("documents"), report.status("whole")) == (INCOMPLETE, "not checked", "ok")

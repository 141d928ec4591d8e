"""Uploads when something fails: the catalogue, the disk, the store, the process, the provider's connection."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import update

from services.catalog.client import InspectionReport, VersionView
from services.delivery.actions import staging
from services.delivery.actions import upload as upload_actions
from services.delivery.actions.inspection import LEASE, RENEWED_EVERY
from services.delivery.rules.upload import INSPECTED_WITHIN, NothingToReceive
from services.delivery.sandbox import Answer, Inspect
from services.delivery.store import uploads
from services.delivery.store.content import StorageFull
from services.delivery.tables import uploads as tables
from shared.errors import Failure, Unavailable
from shared.ids import UploadId, VersionId
from tests.delivery.desk import ONE_DATABASE, Desk

GOOD = b"icao,lat\nZBAA,40.08\nZSPD,31.14\n"


@ONE_DATABASE
async def test_what_is_sent_at_once_is_bounded(desk: Desk):
    provider, _, upload_id = await desk.declared(GOOD)
    member = desk.acting(provider)
    started, go_on = asyncio.Semaphore(0), asyncio.Event()

    async def slowly() -> AsyncGenerator[bytes]:
        started.release()
        await go_on.wait()
        yield GOOD

    first, second = (
        asyncio.create_task(upload_actions.receive(desk.depot, member, UploadId(upload_id), slowly(), None))
        for _ in range(2)
    )
    for _ in range(2):
        await started.acquire()
    third = await desk.send(provider, upload_id, GOOD)
    assert (third.status_code, third.json()["code"]) == (409, "already_sending")
    go_on.set()
    ends = await asyncio.gather(first, second, return_exceptions=True)
    assert [isinstance(end, NothingToReceive) for end in ends].count(True) == 1 and not desk.depot.receiving


@ONE_DATABASE
async def test_a_store_that_takes_nothing_loses_nothing(desk: Desk):
    provider, _, upload_id = await desk.declared(GOOD)
    store = desk.depot.scratch.parent / "content"
    (store / "content").write_bytes(b"")  # where the folder of contents would be
    answer = await desk.send(provider, upload_id, GOOD)
    assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")
    (store / "content").unlink()
    assert (await desk.send(provider, upload_id, GOOD)).json()["state"] == "received"


@ONE_DATABASE
async def test_a_full_disk_delays_the_inspection_and_refuses_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    provider, _, upload_id = await desk.declared(GOOD)
    await desk.send(provider, upload_id, GOOD)

    def nearly_full(_: object) -> SimpleNamespace:
        return SimpleNamespace(free=1000)

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "disk_usage", nearly_full)
        with pytest.raises(StorageFull):
            await desk.tick()
    assert await desk.state(provider, upload_id) == ("received", None, "platform")
    desk.bench.clock.advance(seconds=LEASE.total_seconds())
    await desk.bench.refresh()
    await desk.tick()
    assert await desk.state(provider, upload_id) == ("inspected", None, None)


@ONE_DATABASE
async def test_what_a_process_left_when_it_died_is_removed_and_what_is_at_work_is_not(desk: Desk):
    provider, _, upload_id = await desk.declared(GOOD)
    await desk.send(provider, upload_id, GOOD)
    left = desk.depot.scratch / "left"
    left.mkdir(parents=True)
    (left / "source.csv").write_bytes(GOOD)
    async with desk.depot.database.read() as tx:
        upload = await uploads.own_upload(tx, UploadId(upload_id), desk.acting(provider).participant_id)
    async with staging.staged(desk.depot, upload) as source:
        await staging.sweep(desk.depot)
        assert [str(folder) for folder in desk.depot.scratch.iterdir()] == [source.folder]
    assert not list(desk.depot.scratch.iterdir())


@ONE_DATABASE
async def test_a_replica_that_starts_takes_no_folder_from_a_job_that_begins(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    provider, _, upload_id = await desk.declared(GOOD)
    await desk.send(provider, upload_id, GOOD)
    made, make = list[str](), tempfile.mkdtemp

    def made_and_swept(dir: Path) -> str:
        made.append(make(dir=dir))
        if len(made) == 1:  # before the job has locked it
            asyncio.run(staging.sweep(desk.depot))
        return made[-1]

    monkeypatch.setattr(tempfile, "mkdtemp", made_and_swept)
    await desk.tick()
    assert len(made) == 2 and not Path(made[0]).exists()
    assert await desk.state(provider, upload_id) == ("inspected", None, None)


@ONE_DATABASE
async def test_a_job_that_ends_while_a_replica_looks_for_what_is_left_stops_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    ending, left = desk.depot.scratch / "ending", desk.depot.scratch / "left"
    for folder in (ending, left):
        folder.mkdir(parents=True)
    look = os.open

    def ended_meanwhile(path: str | Path, flags: int, **parts: Any) -> int:
        if ending.exists():
            ending.rmdir()
        return look(path, flags, **parts)

    monkeypatch.setattr(staging.os, "open", ended_meanwhile)
    await staging.sweep(desk.depot)
    assert not list(desk.depot.scratch.iterdir())


async def test_the_catalogue_being_away_delays_the_inspection_and_loses_nothing(desk: Desk):
    provider, _, upload_id = await desk.declared(GOOD)
    await desk.send(provider, upload_id, GOOD)
    desk.shelf.failure = Unavailable(service="catalog")
    await desk.tick()
    assert await desk.state(provider, upload_id) == ("received", None, "platform")
    desk.shelf.failure = None
    await desk.tick()  # not yet: it would only knock at a closed door
    assert await desk.state(provider, upload_id) == ("received", None, "platform")
    desk.bench.clock.advance(seconds=6)
    await desk.bench.refresh()
    await desk.tick()
    assert await desk.state(provider, upload_id) == ("inspected", None, None)


async def test_what_was_found_is_told_again_and_not_looked_for_again(desk: Desk):
    provider, _, upload_id = await desk.declared(GOOD)
    await desk.send(provider, upload_id, GOOD)
    reports, lost = desk.shelf.reports, True
    tell = desk.shelf.report_inspection

    async def answer_lost(version_id: VersionId, report: InspectionReport, key: str) -> VersionView:
        answer = await tell(version_id, report, key)
        if lost:
            raise Unavailable(service="catalog")
        return answer

    desk.shelf.report_inspection = answer_lost  # pyright: ignore[reportAttributeAccessIssue]
    await desk.tick()
    for path in (desk.depot.scratch.parent / "content").rglob("content_*"):
        path.write_bytes(b"changed")  # which would be found out, if it were looked at
    desk.bench.clock.advance(seconds=INSPECTED_WITHIN.total_seconds())  # what is told is not taken back
    await desk.bench.refresh()
    await desk.tick()
    lost = False
    desk.bench.clock.advance(seconds=6)
    await desk.bench.refresh()
    await desk.tick()
    assert await desk.state(provider, upload_id) == ("inspected", None, None)
    assert len(reports) == 3 and reports[0] == reports[1] == reports[2]


@ONE_DATABASE
async def test_what_was_found_before_lines_were_told_is_still_understood(desk: Desk):
    provider, _, upload_id = await desk.declared(GOOD)
    await desk.send(provider, upload_id, GOOD)
    async with desk.depot.database.transaction() as tx:
        await tx.execute(update(tables.uploads).values(outcome='"ragged"'))
    await desk.tick()
    assert await desk.state(provider, upload_id) == ("refused", "ragged", None)


@ONE_DATABASE
async def test_what_the_catalogue_neither_takes_nor_refuses_is_told_again(desk: Desk):
    provider, _, upload_id = await desk.declared(GOOD)
    await desk.send(provider, upload_id, GOOD)
    desk.shelf.failure = Failure(code="still_running")
    await desk.tick()
    assert await desk.state(provider, upload_id) == ("received", None, "platform")


async def test_an_inspection_whose_process_died_is_taken_up_by_another(desk: Desk):
    provider, _, upload_id = await desk.declared(GOOD)
    await desk.send(provider, upload_id, GOOD)
    async with desk.depot.database.transaction() as tx:  # by one that does not live to inspect it
        assert await uploads.claim_received(tx, desk.bench.clock.now(), LEASE)
    await desk.tick()
    assert await desk.state(provider, upload_id) == ("received", None, "platform")
    desk.bench.clock.advance(seconds=LEASE.total_seconds())
    await desk.bench.refresh()
    await desk.tick()
    assert await desk.state(provider, upload_id) == ("inspected", None, None)


async def test_an_inspection_may_take_longer_than_its_lease(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    provider, _, upload_id = await desk.declared(GOOD)
    await desk.send(provider, upload_id, GOOD)
    slept, asleep = asyncio.Semaphore(0), asyncio.Semaphore(0)

    async def sleep(_: float) -> None:
        asleep.release()
        await slept.acquire()

    monkeypatch.setattr(desk.bench.clock, "sleep", sleep)
    perform, claims = desk.depot.inspector.run, list[object]()

    async def slow(job: Inspect, _: object) -> Answer:
        await asleep.acquire()
        for _ in range(2 * LEASE // RENEWED_EVERY):
            desk.bench.clock.advance(seconds=RENEWED_EVERY.total_seconds())
            slept.release()
            await asleep.acquire()
            async with desk.depot.database.transaction() as tx:
                claims.append(await uploads.claim_received(tx, desk.bench.clock.now(), LEASE))
        return await perform(job)

    monkeypatch.setattr(desk.depot.inspector, "run", slow)
    await desk.tick()
    assert claims == [None] * 6 and await desk.state(provider, upload_id) == ("inspected", None, None)


@ONE_DATABASE
async def test_bytes_that_changed_in_the_store_are_not_inspected(desk: Desk):
    provider, _, upload_id = await desk.declared(GOOD)
    await desk.send(provider, upload_id, GOOD)
    [kept] = (desk.depot.scratch.parent / "content").rglob("content_*")
    kept.write_bytes(GOOD.replace(b"ZBAA", b"ZBAB"))
    await desk.tick()
    assert await desk.state(provider, upload_id) == ("refused", "hash_mismatch", None)

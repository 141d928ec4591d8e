"""The self-monitor finds by itself what was changed under a signature, and says so in the log."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import timedelta

import pytest
from sqlalchemy import delete, insert, update
from sqlalchemy.exc import DBAPIError

from services.audit.actions import monitor as monitoring
from services.audit.actions.monitor import Monitor
from services.audit.rules import checkpoint
from services.audit.tables import checkpoints, entries, tiles
from shared.database import Database
from shared.signing import SigningKey
from tests.audit.conftest import AuditBench


@pytest.fixture
async def monitor(log: AuditBench) -> AsyncGenerator[Monitor]:
    parts = log.audit
    eyes = Database(parts.database.url, schema=parts.database.schema, clock=parts.clock)
    yield Monitor(parts, eyes)
    await eyes.close()


async def grow(log: AuditBench, stripe: int, count: int = 3) -> None:
    await log.source("trading", stripe).tell(count).send()
    await log.sign()


async def alerts(log: AuditBench) -> list[str]:
    await log.bench.cores["audit"].relay.tick()
    events = [each["event"] for each in (await log.read("/entries?limit=100"))["items"]]
    found = [event for event in events if '"kind":"log_altered"' in event]
    return [event.partition('"detail":"')[2].partition('"')[0] for event in found]


async def silent(log: AuditBench) -> int:
    await log.bench.cores["audit"].relay.tick()
    found = await log.read("/entries?limit=100")
    return sum('"source_silent","service":"trading"' in each["event"] for each in found["items"])


async def test_it_follows_an_honest_log_and_says_nothing(log: AuditBench, monitor: Monitor):
    await monitor.tick()
    for number, size in enumerate((300, 303, 306)):
        await grow(log, number, 300 if number == 0 else 3)
        await monitor.tick()
        assert monitor.size == size
    await log.source("trading", 9).tell(2).send()
    await monitor.tick()
    assert (monitor.size, await alerts(log)) == (306, [])


async def edited(log: AuditBench) -> None:
    async with log.as_owner() as tx:
        await tx.execute(update(entries).where(entries.c.log_index == 1).values(leaf=b"x\ny\nz\n"))


async def deleted(log: AuditBench) -> None:
    async with log.as_owner() as tx:
        await tx.execute(delete(entries).where(entries.c.log_index == 1))


async def another_tile(log: AuditBench) -> None:
    async with log.as_owner() as tx:
        await tx.execute(update(tiles).where(tiles.c.level == 0).values(hashes=bytes(32 * 6)))


async def anothers_checkpoint(log: AuditBench) -> None:
    async with log.as_owner() as tx:
        body = checkpoint.Checkpoint(log.audit.origin, 2, bytes(32)).body()
        note = checkpoint.note_text(body, [(log.verifier_key, SigningKey.new().sign(body.encode()))]).encode()
        row = {"size": 2, "note": note, "signed_at": log.bench.clock.now()}
        await tx.execute(insert(checkpoints), [row])


CHANGES = [
    (edited, "tile 0/000.p/3 is not of its entries"), (deleted, "entries are missing between 0 and 3"),
    (another_tile, "tile 0/000.p/3 is not of its entries"), (anothers_checkpoint, "the checkpoint at 2 is not ours"),
]  # fmt: skip


@pytest.mark.parametrize("change, told", CHANGES, ids=[change.__name__ for change, _ in CHANGES])
async def test_what_was_changed_under_a_signature_is_found_within_a_day_and_said_in_the_log(
    log: AuditBench, monitor: Monitor, change: Callable[[AuditBench], Awaitable[None]], told: str,
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
):  # fmt: skip
    monkeypatch.setattr(monitoring, "SILENT", timedelta(days=2))  # an alert of silence would let the log grow
    await grow(log, 0)
    await grow(log, 1)
    await monitor.tick()
    await change(log)
    await monitor.tick()
    log.bench.clock.advance(hours=24, seconds=-1)
    await monitor.tick()
    assert "the monitor found" not in caplog.text, "what was looked at is looked at again the next day"
    log.bench.clock.advance(seconds=1)
    await monitor.tick()
    [found] = await alerts(log)
    assert found.startswith(told)


async def test_a_fresh_monitor_reads_everything(log: AuditBench, monitor: Monitor):
    await grow(log, 0)
    await edited(log)
    await monitor.tick()
    assert len(await alerts(log)) == 1


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
async def test_a_checkpoint_that_is_gone_is_missed(log: AuditBench, monitor: Monitor):
    await grow(log, 0)
    await grow(log, 1)
    await monitor.tick()
    async with log.as_owner() as tx:
        await tx.execute(delete(checkpoints).where(checkpoints.c.size == 6))
    await monitor.tick()
    assert await alerts(log) == ["the checkpoint at 6 is gone"]


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
async def test_the_same_alert_comes_again_after_an_hour_and_not_before(log: AuditBench, monitor: Monitor):
    await grow(log, 0)
    await edited(log)
    for minutes, count in [(0, 1), (59, 1), (1, 2), (59, 2)]:
        log.bench.clock.advance(minutes=minutes)
        await monitor.tick()
        assert len(await alerts(log)) == count


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
async def test_it_reads_in_small_parts(log: AuditBench, monitor: Monitor, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(monitoring, "ENTRIES_AT_ONCE", 4)
    await grow(log, 0, 5)
    await grow(log, 1, 6)
    await monitor.tick()
    assert (monitor.size, await alerts(log)) == (11, [])


async def test_a_source_that_went_silent_is_missed_after_three_minutes(log: AuditBench, monitor: Monitor):
    await grow(log, 0)
    for seconds, count in [(180, 0), (1, 1), (60, 1)]:
        log.bench.clock.advance(seconds=seconds)
        await monitor.tick()
        assert await silent(log) == count
    await log.source("trading", 5).tell(1).send()
    log.bench.clock.advance(hours=1)
    await log.source("trading", 6).tell(1).send()
    await monitor.tick()
    assert await silent(log) == 1


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
async def test_a_monitor_that_has_just_begun_gives_every_source_its_time(log: AuditBench, monitor: Monitor):
    await grow(log, 0)
    log.bench.clock.advance(hours=5)
    fresh = Monitor(log.audit, monitor.eyes)
    await fresh.tick()
    assert await silent(log) == 0
    log.bench.clock.advance(seconds=181)
    await fresh.tick()
    assert await silent(log) == 1


async def test_its_eyes_cannot_write(monitor: Monitor):
    with pytest.raises(DBAPIError):
        async with monitor.eyes.read() as tx:
            await tx.execute(delete(tiles))

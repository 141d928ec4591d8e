"""A backup is of one moment, whole and without keys; what is not what was backed up is named, and not restored."""

import asyncio
import json
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select

from migrations import newest
from services.delivery.tables.uploads import uploads
from services.recovery import manifest, marker
from services.recovery.backup import CONTENT, NotBackedUp, back_up
from services.recovery.manifest import NotABackup
from services.recovery.restore import NotRestored, restore
from shared.database import InUse
from shared.ids import ContentId, ParticipantId, UploadId, VersionId
from shared.outbox import facts_table
from shared.settings import SERVICES, with_development_secrets
from tests.recovery.market import SmallMarket

pytestmark = pytest.mark.parametrize("server", ["sqlite"], indirect=True)
CONTENT_BYTES = b"icao,lat\nZBAA,40.08\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "backup"


async def keep_content(market: SmallMarket, content: bytes = CONTENT_BYTES) -> ContentId:
    """An upload whose content is in the store."""
    measured = manifest.measured  # of the file, as a backup would
    content_id, store = ContentId.new(), market.settings.var / CONTENT
    store.mkdir(parents=True, exist_ok=True)
    (store / content_id).write_bytes(content)
    async with market.database("delivery") as database, database.transaction() as tx:
        row = {
            "id": UploadId.new(), "version_id": VersionId.new(), "provider_id": ParticipantId.new(),
            "media_type": "text/csv", "bytes": len(content), "content_hash": measured(store, content_id).sha256,
            "state": "inspected", "declared_at": market.clock.now(), "content_id": content_id, "revision": 1,
        }  # fmt: skip
        await tx.execute(insert(uploads).values(row))
    return content_id


async def test_a_backup_is_restored_as_it_was(market: SmallMarket, folder: Path):
    await market.record("trading", 1, 2)
    await market.report("trading")
    content_id = await keep_content(market)
    (market.settings.var / CONTENT / ContentId.new()).write_bytes(b"named by nobody")
    told = await back_up(market.settings, folder, market.clock)
    assert (told.log.size, told.services["trading"].revision) == (2, newest.revision_known("trading"))
    assert [kept.path for kept in told.contents.files] == [f"content/{content_id}"]
    await market.record("trading", 3)
    await restore(market.settings, folder, market.clock, replace=True)
    assert (await market.begin()).may_open
    assert [path.name for path in (market.settings.var / CONTENT).iterdir()] == [content_id]
    async with market.database("trading") as database, database.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(facts_table)) == 2
    [aside] = market.settings.var.glob("replaced-*")
    assert {path.name for path in aside.iterdir()} >= {"trading.db", "content"}


async def test_the_six_files_are_of_one_moment_while_everyone_writes(market: SmallMarket, tmp_path: Path):
    """Each round writes to every file, in their order: a backup of several moments would have more of a later one."""
    files = [market.settings.var / f"{service}.db" for service in SERVICES]
    for path in files:
        with closing(sqlite3.connect(path)) as made:
            made.execute("CREATE TABLE rounds (number INTEGER)")
    stopped, made, rounds = threading.Event(), threading.Event(), 0

    def write() -> None:
        nonlocal rounds
        connections = [sqlite3.connect(path, isolation_level=None, timeout=10) for path in files]
        while not stopped.is_set():
            for connection in connections:
                connection.execute("INSERT INTO rounds VALUES (1)")
            rounds += 1
            made.set()
        for connection in connections:
            connection.close()

    writing = asyncio.create_task(asyncio.to_thread(write))
    try:
        seen = list[list[int]]()
        for number in range(3):
            made.clear()
            await asyncio.to_thread(made.wait, 60)  # so that there is more in each than in the one before
            await back_up(market.settings, copy := tmp_path / f"backup-{number}", market.clock)
            seen.append([_rounds(copy / path.name) for path in files])
    finally:
        stopped.set()
        await writing
    for counts in seen:
        assert counts == sorted(counts, reverse=True) and counts[0] - counts[-1] <= 1, counts
    assert 0 < seen[0][0] < seen[2][0] <= rounds


async def test_no_key_is_in_a_backup_but_what_is_needed_is_named(market: SmallMarket, folder: Path):
    settings = with_development_secrets(market.settings)
    told = await back_up(settings, folder, market.clock)
    assert {"YAOSU_TOKEN_KEY", "YAOSU_LOG_KEY", "YAOSU_PSEUDONYM_KEY", "YAOSU_IDENTITY_KEY"} <= set(told.needs)
    whole = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    keys = [path.read_bytes() for path in (settings.var / "keys").iterdir() if path.suffix in (".pem", ".key")]
    assert len(keys) >= 6 and not any(line in whole for key in keys for line in key.splitlines() if len(line) > 30)


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


HARMS: dict[str, Callable[[Path], object]] = {
    "a flipped bit": lambda folder: _flip(folder / "trading.db"),
    "a missing file": lambda folder: (folder / "audit.db").unlink(),
    "a short file": lambda folder: (folder / "delivery.db").write_bytes((folder / "delivery.db").read_bytes()[:-4096]),
    "a flipped bit in a content": lambda folder: _flip(next((folder / "content").iterdir())),
    "a missing content": lambda folder: next((folder / "content").iterdir()).unlink(),
    "no manifest": lambda folder: (folder / "manifest.json").unlink(),
    "another manifest": lambda folder: (folder / "manifest.json").write_text("{}"),
    "a way out": lambda folder: _renamed(folder, "../../outside"),
    "another place": lambda folder: _renamed(folder, "/etc/passwd"),
}


@pytest.mark.parametrize("harm", HARMS)
async def test_what_is_not_what_was_backed_up_is_not_restored(market: SmallMarket, folder: Path, harm: str):
    await keep_content(market)
    await back_up(market.settings, folder, market.clock)
    store = next((market.settings.var / CONTENT).iterdir())
    store.rename(store.with_suffix(".before"))  # the backup's own is the same file, which a fault would not be
    (folder / "content" / store.name).unlink()
    (folder / "content" / store.name).write_bytes(CONTENT_BYTES)
    HARMS[harm](folder)
    before = {path: path.read_bytes() for path in market.settings.var.glob("*.db")}
    with pytest.raises(NotABackup):
        await restore(market.settings, folder, market.clock, replace=True)
    assert before == {path: path.read_bytes() for path in market.settings.var.glob("*.db")}
    assert not (market.settings.var / marker.NAME).exists()


def _renamed(folder: Path, path: str) -> None:
    told = json.loads((folder / "manifest.json").read_text())
    told["services"]["trading"]["file"]["path"] = path
    (folder / "manifest.json").write_text(json.dumps(told))


async def test_a_market_that_is_there_is_put_aside_only_when_that_is_said(market: SmallMarket, folder: Path):
    await back_up(market.settings, folder, market.clock)
    with pytest.raises(NotRestored, match="--replace"):
        await restore(market.settings, folder, market.clock, replace=False)
    async with market.database("trading") as database:
        database.open()
        with pytest.raises(InUse):
            await restore(market.settings, folder, market.clock, replace=True)
    assert not (market.settings.var / marker.NAME).exists()


async def test_a_content_that_is_missing_or_damaged_in_the_store_is_no_part_of_a_backup(
    market: SmallMarket, folder: Path, tmp_path: Path
):
    content_id = await keep_content(market)
    kept = market.settings.var / CONTENT / content_id
    kept.write_bytes(b"something else")
    with pytest.raises(NotBackedUp, match=content_id):
        await back_up(market.settings, folder, market.clock)
    kept.unlink()
    with pytest.raises(NotBackedUp, match=content_id):
        await back_up(market.settings, tmp_path / "another", market.clock)
    assert not list(tmp_path.rglob(manifest.NAME))


async def test_a_folder_that_holds_something_is_not_written_to(market: SmallMarket, folder: Path):
    await back_up(market.settings, folder, market.clock)
    with pytest.raises(NotBackedUp, match="not empty"):
        await back_up(market.settings, folder, market.clock)


def _rounds(path: Path) -> int:
    with closing(sqlite3.connect(path)) as copy:
        return copy.execute("SELECT count(*) FROM rounds").fetchone()[0]

"""`yaosu backup`: all six services and the contents as they are at one moment, while the market is open.

Promises: what was acknowledged before the backup began is in it; the six files are of one moment, for none of them
could be written while the last of them was being held still, which takes milliseconds; so no service has news of a fact
that its source has not, and the log has no entry that its source has not. A folder that has a manifest is whole.
Requires SQLite: PostgreSQL has tools of its own for this (docs/recovery.md).
"""

import asyncio
import errno
import os
import shutil
import sqlite3
from collections.abc import Generator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

from migrations import newest
from services.audit.rules.tree import EMPTY_ROOT
from services.audit.store import checkpoint as checkpoint_store
from services.audit.store import log as log_store
from services.delivery.store.naming import kept_contents
from services.recovery import manifest
from services.recovery.manifest import Contents, KeptFile, LogHead, Manifest, NotABackup, Stripe, Tables
from shared import recovery, tenancy
from shared.clock import Clock
from shared.database import Database
from shared.ids import ContentId
from shared.settings import SERVICES, Settings

HELD_SECONDS_MAX = 1.0  # for one file: whoever writes to another meanwhile waits, and no longer than twice that
ATTEMPTS_MAX = 10
CONTENT = Path("delivery") / "content" / "content"


class NotBackedUp(RuntimeError):
    """There is no backup; the message says why."""


async def back_up(settings: Settings, folder: Path, clock: Clock) -> Manifest:
    """Raises NotBackedUp; what is in the folder then has no manifest."""
    if settings.database_url is not None:
        raise NotBackedUp("the database is PostgreSQL: back it up by its own tools, all schemas at one moment, and run "
                          "`yaosu restored` after a restore (docs/recovery.md)")  # fmt: skip
    if folder.exists() and any(folder.iterdir()):
        raise NotBackedUp(f"{folder} is not empty")
    files = {service: settings.var / f"{service}.db" for service in SERVICES}
    if missing := [str(path) for path in files.values() if not path.exists()]:
        raise NotBackedUp(f"there is no market: {missing[0]} is missing")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    made_at = clock.now()
    if not settings.bucket:  # before and after: what is taken away meanwhile may be named, and what comes too
        await asyncio.to_thread(_link_all, settings.var / CONTENT, folder)
    await asyncio.to_thread(_copy_tables, files, folder)
    log, contents = await _log_head(settings, folder, clock), await _contents(settings, folder, clock)
    tables = {service: await _told_of(service, folder, clock) for service in SERVICES}
    told = Manifest(
        format=1, made_at=made_at, services=tables, log=log, contents=contents, needs=manifest.needed(settings)
    )  # fmt: skip
    await asyncio.to_thread(manifest.write, folder, told)
    return told


def _copy_tables(files: dict[str, Path], folder: Path) -> None:
    with _at_one_moment(files) as readers:
        for service, reader in readers.items():
            path = folder / f"{service}.db"
            with closing(sqlite3.connect(path)) as copy:
                reader.backup(copy)
                if copy.execute("PRAGMA quick_check").fetchone() != ("ok",):
                    raise NotBackedUp(f"{files[service]} is damaged")


@contextmanager
def _at_one_moment(files: dict[str, Path]) -> Generator[dict[str, sqlite3.Connection]]:
    """Readers that all see what was there while nobody could write to any of the files."""
    for _ in range(ATTEMPTS_MAX):
        with ExitStack() as stack:
            readers = {service: _connected(stack, path) for service, path in files.items()}
            try:
                with ExitStack() as still:
                    for path in files.values():
                        _connected(still, path).execute("BEGIN IMMEDIATE")
                    for reader in readers.values():
                        reader.execute("BEGIN")
                        reader.execute("SELECT count(*) FROM sqlite_master").fetchone()  # only now it has its view
            except sqlite3.OperationalError:
                continue  # somebody wrote for long: nobody else is to wait for it
            yield readers
            return
    raise NotBackedUp("the market writes without a pause: try again")


def _connected(stack: ExitStack, path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"file:{path}?mode=rw", uri=True, isolation_level=None, timeout=HELD_SECONDS_MAX / len(SERVICES)
    )
    return stack.enter_context(closing(connection))


async def _told_of(service: str, folder: Path, clock: Clock) -> Tables:
    database = copied(service, folder, clock)
    try:
        revision = await newest.revision_of(database)
        async with database.read() as tx:
            stripes = await recovery.heads(tx)
    finally:
        await database.close()
    heads = [Stripe(number=each.stripe, seq=each.seq, hash=each.hash.hex()) for each in stripes.values()]
    file = await asyncio.to_thread(_settled, folder, f"{service}.db")
    return Tables(file=file, revision=revision or "", stripes=heads)


def _settled(folder: Path, path: str) -> KeptFile:
    with closing(sqlite3.connect(folder / path)) as copy:
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, and no other beside it
    manifest.on_disk(folder / path)
    return manifest.measured(folder, path)


async def _log_head(settings: Settings, folder: Path, clock: Clock) -> LogHead:
    database = copied("audit", folder, clock)
    try:
        async with database.read() as tx:
            if not await log_store.has_begun(tx):
                return LogHead(origin=settings.log_origin, size=0, root=EMPTY_ROOT.hex(), epoch=0, checkpoint=None)
            log, newest = await log_store.head(tx), await checkpoint_store.newest_checkpoint(tx)
    finally:
        await database.close()
    return LogHead(
        origin=settings.log_origin, size=log.size, root=log.root.hex(), epoch=log.epoch,
        checkpoint=newest.note.decode() if newest else None,
    )  # fmt: skip


async def _contents(settings: Settings, folder: Path, clock: Clock) -> Contents:
    """Those that some row names. A content never changes and its id is never used again, so a second name for the file
    is as good as a copy where the disk allows it."""
    database = copied("delivery", folder, clock)
    try:
        async with database.read() as tx:
            with tenancy.for_everyone():
                named = await kept_contents(tx)
    finally:
        await database.close()
    files = [KeptFile(path=f"content/{each}", bytes=size, sha256=digest) for each, size, digest in named]
    if settings.bucket:
        return Contents(place=settings.store_url, files=files)
    await asyncio.to_thread(_link_contents, settings.var / CONTENT, folder, files)
    return Contents(place=None, files=files)


def _link_all(store: Path, folder: Path) -> None:
    (folder / "content").mkdir(mode=0o700)
    for kept in store.glob(f"{ContentId.kind}_*"):
        with suppress(FileNotFoundError):
            if "#" not in kept.name:  # that one is being written
                place(kept, folder / "content" / kept.name)


def _link_contents(store: Path, folder: Path, files: list[KeptFile]) -> None:
    for unnamed in {path.name for path in (folder / "content").iterdir()} - {Path(told.path).name for told in files}:
        (folder / "content" / unnamed).unlink()
    for told in files:
        if not (folder / told.path).exists():
            with suppress(FileNotFoundError):
                place(store / Path(told.path).name, folder / told.path)
        if not (folder / told.path).exists() or manifest.measured(folder, told.path) != told:
            raise NotBackedUp(f"{told.path} is named, and missing or damaged in the store")


def place(kept: Path, copy: Path) -> None:
    """The same file under another name; a copy of it on another disk."""
    try:
        os.link(kept, copy)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP):
            raise
        shutil.copyfile(kept, copy)
        manifest.on_disk(copy)


def copied(service: str, folder: Path, clock: Clock) -> Database:
    """A service's tables in a backup."""
    if not (folder / f"{service}.db").exists():
        raise NotABackup(f"{service}.db is missing")
    return Database(f"sqlite+aiosqlite:///{folder.absolute() / service}.db", schema=service, clock=clock)

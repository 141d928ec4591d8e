"""`yaosu restore`: a backup in the place of a market.

Promises: nothing is touched before every file of the backup is known to be the one that was made; what was there is put
aside, never deleted; a market that was restored is not opened before it was compared (`marker`), however far this came.
"""

import asyncio
import shutil
from contextlib import AsyncExitStack
from pathlib import Path

from services import market
from services.recovery import manifest, marker
from services.recovery.backup import CONTENT, place
from services.recovery.manifest import Manifest, NotABackup
from shared.clock import Clock
from shared.settings import SERVICES, Settings

ASIDE = "replaced"


class NotRestored(RuntimeError):
    """Nothing was restored; the message says why."""


async def restore(settings: Settings, folder: Path, clock: Clock, *, replace: bool) -> Manifest:
    """Requires that the market is closed. Raises NotABackup, NotRestored, or InUse; then nothing has changed."""
    if settings.database_url is not None:
        raise NotRestored("the database is PostgreSQL: restore it by its own tools, then run `yaosu restored`")
    told = await asyncio.to_thread(manifest.read, folder)
    if told.services.keys() != set(SERVICES):
        raise NotABackup(f"it holds {', '.join(sorted(told.services))}, and not the six services")
    if told.contents.place != settings.store_url:
        raise NotRestored(f"its contents are in {told.contents.place or 'the backup'}: set YAOSU_STORE_URL accordingly")
    if not replace and (there := [path.name for path in _tables(settings.var)]):
        raise NotRestored(f"{settings.var} holds a market ({there[0]}): say --replace, and it is put aside")
    async with AsyncExitStack() as stack:
        for service in SERVICES:
            database = market.database_of(service, settings, clock)
            stack.push_async_callback(database.close)
            database.open()
        await asyncio.to_thread(_put_in_place, settings.var, folder, told, clock)
    return told


def _put_in_place(var: Path, folder: Path, told: Manifest, clock: Clock) -> None:
    marker.put(var)
    _put_aside(var, var / f"{ASIDE}-{clock.now():%Y%m%dT%H%M%S%f}")
    (var / CONTENT).mkdir(parents=True, exist_ok=True)
    for kept in [] if told.contents.place else told.contents.files:
        place(folder / kept.path, var / CONTENT / Path(kept.path).name)
    for tables in told.services.values():
        part = var / f"{tables.file.path}.part"
        shutil.copyfile(folder / tables.file.path, part)
        manifest.on_disk(part)
        part.rename(var / tables.file.path)
    manifest.on_disk(var)


def _put_aside(var: Path, aside: Path) -> None:
    found = [*_tables(var), *([var / CONTENT] if (var / CONTENT).exists() else [])]
    if found:
        aside.mkdir()
    for path in found:
        path.rename(aside / path.name)


def _tables(var: Path) -> list[Path]:
    return [path for service in SERVICES for path in sorted(var.glob(f"{service}.db*"))]

"""A disk that is full, under the tables and under the contents: refused as such, read as before, and well again as soon
as there is room, without a restart."""

import shutil
import subprocess
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import MetaData, text

from services.delivery.store.content import ContentGone, StorageFull, content_store
from shared.database import Database
from shared.ids import ContentId
from tests.support.bench import Bench
from tests.support.clock import ToldClock
from tests.trading.market import a_market, code, yuan

DISK_MEBIBYTES = 16


@contextmanager
def small_disk(folder: Path) -> Generator[Path]:
    """A disk of its own, which is full soon. Skips where none may be mounted."""
    folder.mkdir()
    command = ("mount", "-t", "tmpfs", "-o", f"size={DISK_MEBIBYTES}m", "tmpfs", str(folder))
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("nothing may be mounted here: what a full disk does was NOT looked at")
    try:
        yield folder
    finally:
        subprocess.run(("umount", "--lazy", str(folder)), check=True, capture_output=True)


def fill(disk: Path) -> Path:
    """A file that takes all the room there is."""
    ballast = disk / "ballast"
    try:
        with ballast.open("wb", buffering=0) as file:
            while file.write(b"\0" * 4096):
                pass
    except OSError:
        pass
    assert shutil.disk_usage(disk).free == 0
    return ballast


async def test_where_the_tables_have_no_room_every_write_is_refused_whole_and_every_read_answered(
    tmp_path: Path, files: dict[str, Path], clock: ToldClock
):
    with small_disk(tmp_path / "disk") as disk:
        file = disk / "trading.db"
        shutil.copyfile(files["trading"], file)

        async def database(service: str, _: MetaData) -> Database:
            return Database(f"sqlite+aiosqlite:///{file}", schema=service, clock=clock, told_time=True)

        async with a_market(Bench(database, clock=clock)) as market:
            buyer = await market.buyer(5_000)
            told = len(await market.facts("instruction_given"))
            ballast = fill(disk)
            refused = [await market.post(buyer, "/wallet/pay-ins", {"amount": yuan(1_000)}) for _ in range(20)]
            full = [answer for answer in refused if answer.status_code == 503]
            assert full and {code(answer) for answer in full} == {(503, "storage_full")}
            assert all("Retry-After" in answer.headers for answer in full)
            assert await market.wallet(buyer) == (5_000, 0), "what is kept can be read"
            taken = len(refused) - len(full)
            assert len(await market.facts("instruction_given")) == told + taken, "no fact, no effect"
            async with market.trading.database.read() as tx:
                assert await tx.scalar(text("SELECT count(*) FROM instructions")) == told + taken
            ballast.unlink()
            await market.do(buyer, "/wallet/pay-ins", {"amount": yuan(1_000)})


async def test_where_the_contents_have_no_room_nothing_of_one_is_kept_and_the_others_are_read(tmp_path: Path):
    with small_disk(tmp_path / "disk") as disk:
        store, kept, lost = content_store(None, disk), ContentId.new(), ContentId.new()
        await store.put(kept, pieces(1))
        ballast = fill(disk)
        with pytest.raises(StorageFull):
            await store.put(lost, pieces(8))
        assert b"".join([piece async for piece in store.chunks(kept)]) == b"x" * 2**20
        with pytest.raises(ContentGone):
            async for _ in store.chunks(lost):
                pass
        ballast.unlink()
        await store.put(lost, pieces(2))
        assert await store.has(lost)


async def pieces(mebibytes: int) -> AsyncGenerator[bytes]:
    for _ in range(mebibytes):
        yield b"x" * 2**20

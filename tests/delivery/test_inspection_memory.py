"""What the worst files cost the service: nothing but the pipe to the child that reads them."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from services.delivery.inspector.messages import Answer, Refused, Source
from services.delivery.rules.upload import MediaType, Reason
from services.delivery.sandbox import Sandbox
from tests.delivery.made_files import SEED, csv_of, inspection_of, parquet_of, source
from tests.delivery.test_bad_files import small_bomb

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
GROWTH_MAX_MIB = 64


def resident_mib(line: str) -> float:
    """`VmRSS` is what this process has now, `VmHWM` the most that it had since the peak was forgotten."""
    for told in Path("/proc/self/status").read_text().splitlines():
        if told.startswith(line):
            return int(told.split()[1]) / 1024
    raise AssertionError(line)


def a_cell_of_a_gigabyte(folder: Path) -> Source:
    """A hole in a file: it takes no room on the disk, and as much as it says for who reads it."""
    path = folder / "source.csv"
    with path.open("wb") as file:
        file.write(b'a,b\n1,"')
        file.truncate(2**30)
    return Source(str(path), MediaType.CSV, 2**30, str(folder), SEED)


def a_bomb(folder: Path) -> Source:
    return source(folder, small_bomb(), MediaType.PARQUET)


def many_row_groups(folder: Path) -> Source:
    return source(folder, parquet_of({"a": list(range(20_000))}, row_group_size=1), MediaType.PARQUET)


def ten_thousand_columns(folder: Path) -> Source:
    return source(folder, csv_of([f"c{n}" for n in range(10_000)], [["1"] * 10_000] * 20))


@pytest.mark.parametrize("make, reason, line", [
    (a_cell_of_a_gigabyte, Reason.CELL_TOO_LARGE,   2),
    (a_bomb,               Reason.BOMB,             None),
    (many_row_groups,      Reason.BOMB,             None),
    (ten_thousand_columns, Reason.TOO_MANY_COLUMNS, None),
])  # fmt: skip
async def test_the_worst_files_leave_the_services_memory_alone(
    tmp_path: Path, make: Callable[[Path], Source], reason: Reason, line: int | None
):
    job = inspection_of(make(tmp_path))
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak
    before = resident_mib("VmRSS")
    answer: Answer = await Sandbox().run(job)
    assert answer == Refused(reason, line)
    assert resident_mib("VmHWM") - before < GROWTH_MAX_MIB

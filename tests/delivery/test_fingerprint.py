"""Sketches of real tables, taken by the inspector, and what the catalogue makes of two of them."""

import csv
import io
import random
from hashlib import sha256
from pathlib import Path

import pytest

from services.catalog.rules.fingerprint import Overlap, overlap
from services.delivery.inspector.messages import Inspect, Profile
from services.delivery.inspector.work import perform
from services.delivery.rules.upload import MediaType
from services.delivery.sandbox import Sandbox
from tests.delivery.made_files import TODAY, airports, csv_of, parquet_of, persons, source

CSV, JSON_LINES, PARQUET = MediaType
NAMES, *ALL = list(csv.reader(io.StringIO(airports().decode())))
ROWS, OTHERS = ALL[:4_000], ALL[10_000:14_000]


def sketch(folder: Path, content: bytes, media_type: MediaType = CSV) -> tuple[int, ...]:
    found = perform(Inspect(source(folder, content, media_type), TODAY))
    assert isinstance(found, Profile), found
    assert found.fingerprint == sorted(set(found.fingerprint))
    return tuple(int(member, 16) for member in found.fingerprint)


def with_changed(rows: list[list[str]], tenth: int) -> list[list[str]]:
    return [[*row[:-1], "changed"] if index % 10 < tenth else row for index, row in enumerate(rows)]


@pytest.fixture(scope="module")
def registered(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, ...]:
    return sketch(tmp_path_factory.mktemp("registered"), csv_of(NAMES, ROWS))


SHUFFLED = random.Random(7).sample(ROWS, len(ROWS))
TURNED = list(range(len(NAMES)))[::-1]


@pytest.mark.parametrize("what, names, rows, is_near", [
    ("the same rows in another order",  NAMES,                       SHUFFLED,                                   True),
    ("columns in another order",        [NAMES[i] for i in TURNED],  [[row[i] for i in TURNED] for row in ROWS], True),
    ("columns under other names",       [f"c{i}" for i in TURNED],   ROWS,                                       True),
    ("a tenth of the rows changed",     NAMES,                       with_changed(ROWS, 1),                      True),
    ("a half of the rows changed",      NAMES,                       with_changed(ROWS, 5),                      False),
    ("a fifth of the table",            NAMES,                       SHUFFLED[:800],                             True),
    ("the table and as much again",     NAMES,                       ROWS + OTHERS,                              True),
    ("other airports",                  NAMES,                       OTHERS,                                     False),
    ("each row twice",                  NAMES,                       ROWS + ROWS,                                True),
])  # fmt: skip
def test_a_near_copy_of_a_registered_table_is_recognised(
    registered: tuple[int, ...], tmp_path: Path, what: str, names: list[str], rows: list[list[str]], is_near: bool
):
    found = overlap(sketch(tmp_path, csv_of(names, rows)), registered)
    assert found.is_near_duplicate is is_near, f"{what}: {found}"


def test_how_much_is_shared_is_estimated_closely(registered: tuple[int, ...], tmp_path: Path):
    found = overlap(sketch(tmp_path, csv_of(NAMES, ROWS[:1_000] + with_changed(ROWS[1_000:2_000], 5))), registered)
    assert 6_200 < found.of_first < 8_800  # three quarters of it
    assert 2_500 < found.of_second < 5_000  # three eighths


def test_a_table_is_the_same_in_every_format(tmp_path: Path):
    rows = [[str(number), f"name {number}"] for number in range(300)]
    in_columns = parquet_of({"n": list(range(300)), "name": [row[1] for row in rows]})
    lines = "".join(f'{{"n": {number}, "name": "{name}"}}\n' for number, name in rows).encode()
    found = {sketch(tmp_path, csv_of(["n", "name"], rows)), sketch(tmp_path, in_columns, PARQUET),
             sketch(tmp_path, lines, JSON_LINES)}  # fmt: skip
    assert len(found) == 1 and len(found.pop()) == 256


def test_the_sketch_is_of_the_smallest_hashes_of_the_distinct_rows(tmp_path: Path):
    rows = [[f"{number % 90}", " b "] for number in range(200)]
    texts = {"\x1f".join(sorted([first, "b"])) for first, _ in rows}
    hashes = sorted(int(sha256(text.encode()).hexdigest()[:16], 16) for text in texts)
    assert sketch(tmp_path, csv_of(["n", "b"], rows)) == tuple(hashes)


def test_a_long_table_that_repeats_itself_is_sketched_whole(tmp_path: Path):
    rows = [[str(number % 70)] for number in range(70_000)]
    once = sketch(tmp_path, csv_of(["n"], [[str(number)] for number in range(70)]))
    assert sketch(tmp_path, csv_of(["n"], rows)) == once


@pytest.mark.parametrize("rows", [[[str(number)] for number in range(49)], [[str(n % 49)] for n in range(500)]])
def test_a_table_with_few_distinct_rows_has_no_sketch(tmp_path: Path, rows: list[list[str]]):
    found = sketch(tmp_path, csv_of(["n"], rows))
    assert found == () and overlap(found, found) == Overlap(0, 0, 0)


async def test_the_child_takes_the_same_sketch(tmp_path: Path):
    found = await Sandbox().run(Inspect(source(tmp_path, persons()), TODAY))
    assert isinstance(found, Profile)
    assert tuple(int(member, 16) for member in found.fingerprint) == sketch(tmp_path, persons())

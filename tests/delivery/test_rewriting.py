"""Files written again with masks: types, precision, empty cells, formulas, and a key that shows nowhere."""

import csv
import hmac
import io
import json
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from services.delivery.inspector.messages import (
    Care,
    Desensitise,
    Measure,
    Order,
    Refused,
    Rendition,
    SampleRows,
    Secret,
    TakeSample,
)
from services.delivery.inspector.work import perform
from services.delivery.rules.masking import Mask
from services.delivery.rules.pseudonym import PseudonymKey
from services.delivery.rules.upload import MediaType, Reason
from services.delivery.sandbox import Inline, Sandbox
from tests.delivery.made_files import csv_of, parquet, parquet_of, persons, source

CSV, JSON_LINES, PARQUET = MediaType
KEY = PseudonymKey(b"a key for one test, and only that")
SECRET = Secret(KEY.pads[0].hex(), KEY.pads[1].hex(), KEY.shift_days)

LOOKING = """
import json, pathlib, sys
key = json.load(sys.stdin)["job"]["care"]["secret"]["outer_pad"].encode()
own = pathlib.Path("/proc/self")
seen = key in (own / "cmdline").read_bytes() + (own / "environ").read_bytes()
print('{"type": "refused", "reason": "%s"}' % ("ragged" if seen else "empty"))
"""


def written(
    folder: Path, content: bytes, masks: dict[str, Mask], media_type: MediaType = CSV, care: Care | None = None
) -> bytes:
    output = folder / "written"
    file = source(folder, content, media_type)
    answer = perform(
        Desensitise(file, masks, str(output), care or Care(clears_texts=True, persons=True, secret=SECRET))
    )
    assert isinstance(answer, Rendition), answer
    return output.read_bytes()


def one_column(folder: Path, values: list[Any], mask: Mask) -> list[Any]:
    """A Parquet column, masked."""
    after = written(folder, parquet_of({"v": values}), {"v": mask}, PARQUET)
    return parquet.read_table(io.BytesIO(after)).to_pydict()["v"]


def pseudonym(value: str) -> str:
    return hmac.new(KEY.secret, value.encode(), "sha256").hexdigest()[:32]


@pytest.mark.parametrize("mask, before, after", [
    (Mask.KEEP_ENDS,     [13812341234, None],                         ["138****1234", None]),
    (Mask.KEEP_ENDS,     [13812341234.0, None],                       ["***", None]),
    (Mask.KEEP_REGION,   [110105194912310021, None],                  ["110105************", None]),
    (Mask.ROUND_TENTH,   [39.908823, -116.39, None],                  ["39.9", "-116.4", None]),
    (Mask.ROUND_TENTH,   [float("nan"), 1e-7],                        ["***", "***"]),
    (Mask.ROUND_DEGREE,  [Decimal("39.908823"), None],                ["40", None]),
    (Mask.KEEP_YEAR,     [date(1987, 6, 5), None],                    ["1987", None]),
    (Mask.KEEP_MONTH,    [datetime(1987, 6, 5, 12, 30, tzinfo=UTC), None],        ["1987-06", None]),
    (Mask.KEEP_DECADE,   [date(2003, 1, 1), date(1899, 1, 1)],        ["2000s", "***"]),
    (Mask.AGE_RANGE,     [34, 102, None],                             ["30-39", "90+", None]),
    (Mask.BAND_1000,     [Decimal("12345.67"), Decimal("-1.00"), None], ["[12000,13000)", "[-1000,0)", None]),
    (Mask.HIDE,          [b"\x00\xff", None],                         ["***", None]),
    (Mask.HIDE,          [True, None],                                ["***", None]),
    (Mask.PSEUDONYM,     [13812341234, None],                         [pseudonym("13812341234"), None]),
    (Mask.SHIFT_DATES,   [date(2026, 3, 1), date(2026, 3, 31), None],
     [str(date.fromordinal(date(2026, 3, day).toordinal() + KEY.shift_days)) for day in (1, 31)] + [None]),
])  # fmt: skip
def test_typed_columns_under_their_masks(tmp_path: Path, mask: Mask, before: list[Any], after: list[Any]):
    assert one_column(tmp_path, before, mask) == after


def test_bytes_that_quote_a_number_are_not_left(tmp_path: Path):
    before = [b"call 13812341234", b"\xff\x00", None, b"plain"]
    assert one_column(tmp_path, before, Mask.KEEP) == [None, b"\xff\x00", None, b"plain"]


def test_a_dropped_column_is_not_there(tmp_path: Path):
    rows = [["1", "x", "13812341234"]]
    assert written(tmp_path, csv_of(["a", "b", "c"], rows), {"c": Mask.DROP, "a": Mask.DROP}) == b"b\nx\n"
    shown = perform(TakeSample(source(tmp_path, csv_of(["a", "b"], [["1", "x"]])), 5, {"a": Mask.DROP}))
    assert shown == SampleRows(["b"], [["x"]])


def test_json_lines_keep_every_digit_and_every_null(tmp_path: Path):
    line = (
        '{"long":123456789012345678901234567890,"fine":0.12345678901234567890123,"exponent":1.5E+300,"none":null,'
        r'"ok":true,"tel":"13812341234","remark":"call 13812341234","a\"b{c":"x\ny, \"q\" \\ / 中"}'
    )
    after = written(tmp_path, (line + "\n").encode(), {"tel": Mask.KEEP_ENDS}, JSON_LINES)
    expected = line.replace('"13812341234"', '"138****1234"').replace('"call 13812341234"', '"***"')
    assert after.decode() == expected + "\n"


def test_a_masked_number_of_json_lines_is_text_and_its_null_stays(tmp_path: Path):
    after = written(tmp_path, b'{"tel":13812341234}\n{"tel":null}\n', {"tel": Mask.KEEP_ENDS}, JSON_LINES)
    assert [json.loads(line) for line in after.splitlines()] == [{"tel": "138****1234"}, {"tel": None}]


def test_equal_values_keep_equal_pseudonyms_in_every_column(tmp_path: Path):
    rows = [["13812341234", "13999999999"], ["13999999999", ""], ["13812341234", "13812341234"]]
    after = written(tmp_path, csv_of(["from", "to"], rows), {"from": Mask.PSEUDONYM, "to": Mask.PSEUDONYM})
    expected = [[pseudonym(cell) if cell else "" for cell in row] for row in rows]
    assert list(csv.reader(io.StringIO(after.decode())))[1:] == expected


def test_shifted_dates_keep_their_intervals(tmp_path: Path):
    days = ["2024-02-28", "2024-02-29", "2024-03-01", "2025-03-01"]
    after = written(tmp_path, csv_of(["day"], [[day] for day in days]), {"day": Mask.SHIFT_DATES}).decode().split()[1:]
    gaps = [
        date.fromisoformat(new).toordinal() - date.fromisoformat(old).toordinal()
        for new, old in zip(after, days, strict=True)
    ]
    assert set(gaps) == {KEY.shift_days}


@pytest.mark.parametrize("mask", [Mask.PSEUDONYM, Mask.SHIFT_DATES])
def test_without_its_key_a_mask_writes_nothing(tmp_path: Path, mask: Mask):
    job = Desensitise(source(tmp_path, persons()), {"手机号": mask}, str(tmp_path / "written"), Care())
    assert perform(job) == Refused(Reason.INSPECTION_LIMIT) and not (tmp_path / "written").exists()


def test_no_cell_runs_in_a_spreadsheet_whatever_its_mask(tmp_path: Path):
    cells = ["=1+1", "+cmd", "@x", "-2+3", "＝1+1"]
    for mask in (Mask.KEEP, Mask.KEEP_DOMAIN, Mask.KEEP_INITIAL, Mask.HIDE, Mask.PSEUDONYM):
        content = csv_of(["v"], [[cell + "@example.cn"] for cell in cells])
        after = written(tmp_path, content, {"v": mask}, care=Care(secret=SECRET)).decode()
        assert not [cell for cell in after.splitlines()[1:] if cell.strip('"')[0] in "=+-@＝"]


async def test_the_child_does_the_same_and_is_told_the_key_on_its_input_alone(tmp_path: Path):
    file, output = source(tmp_path, persons()), tmp_path / "written"
    job = Desensitise(file, {"手机号": Mask.PSEUDONYM}, str(output), Care(5, ["地址"], True, True, SECRET))
    answer = await Sandbox().run(job)
    content = output.read_bytes()
    assert isinstance(answer, Rendition) and answer == await Inline().run(job) and output.read_bytes() == content
    assert SECRET.outer_pad not in f"{job!r}{Order(job, 1, 1)!r}{answer!r}" and KEY.secret.hex() not in content.decode()
    measure = Measure(file, ["地址"], ["姓名"], ["手机号"])
    assert await Sandbox().run(measure) == await Inline().run(measure)


async def test_the_key_is_neither_argument_nor_environment_of_the_child(tmp_path: Path):
    (tmp_path / "child.py").write_text(LOOKING)
    job = Desensitise(source(tmp_path, persons()), {}, str(tmp_path / "w"), Care(secret=SECRET))
    assert await Sandbox(command=(sys.executable, str(tmp_path / "child.py"))).run(job) == Refused(Reason.EMPTY)

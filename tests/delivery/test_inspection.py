"""Real files through the inspector, in this process: what it finds, shows and writes."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest

from services.delivery.inspector import profile as profiling
from services.delivery.inspector.messages import (
    Answer,
    Desensitise,
    Field,
    Profile,
    Rendition,
    SampleRows,
    TakeSample,
)
from services.delivery.inspector.text_tables import COLUMNS_MAX
from services.delivery.inspector.work import perform
from services.delivery.rules.detection import Evidence, FieldDetection, detect
from services.delivery.rules.masking import Mask, masks_for
from services.delivery.rules.upload import MediaType
from shared.grades import Grade
from shared.kinds import Kind
from tests.delivery.made_files import airports, csv_of, inspection_of, parquet, parquet_of, persons, source

CSV, JSON_LINES, PARQUET = MediaType


def profile(folder: Path, content: bytes, media_type: MediaType = CSV) -> Profile:
    answer = perform(inspection_of(source(folder, content, media_type)))
    assert isinstance(answer, Profile), answer
    return answer


def finds(found: Profile) -> dict[str, FieldDetection]:
    return {one.field: one for field in found.fields for one in detect(field.evidence)}


def types(found: Profile) -> dict[str, str]:
    return {field.name: field.type for field in found.fields}


def written(folder: Path, content: bytes, masks: dict[str, Mask], media_type: MediaType = CSV) -> bytes:
    output = folder / "written"
    answer = perform(Desensitise(source(folder, content, media_type), masks, str(output)))
    assert isinstance(answer, Rendition), answer
    assert (answer.bytes, answer.content_hash) == (output.stat().st_size, sha256(output.read_bytes()).hexdigest())
    return output.read_bytes()


def test_a_column_without_any_value_is_told_as_the_others_are(tmp_path: Path):
    found = profile(tmp_path, b"code,iata\n00AA,\n00AK,\n")
    assert msgspec.json.decode(msgspec.json.encode(found), type=Profile) == found
    assert found.fields[1].evidence == Evidence("iata", 0, {}, latitudes=0, longitudes=0)


def test_airports_are_places_and_no_persons(tmp_path: Path):
    found = profile(tmp_path, airports())
    assert found.rows > 28_000 and len(found.fields) == 11
    assert {field: one.kind for field, one in finds(found).items()} == {
        "lat": Kind.COORDINATES, "lon": Kind.COORDINATES,
    }  # fmt: skip
    assert types(found) | {"icao": "text", "elevation": "decimal", "lat": "decimal"} == types(found)
    icao, iata = found.fields[0], found.fields[1]
    assert (icao.nulls, icao.distinct) == (0, found.rows)
    assert iata.nulls + iata.distinct <= found.rows


def test_persons_are_found_and_their_numbers_proved(tmp_path: Path):
    found = finds(profile(tmp_path, persons()))
    assert {field: one.kind for field, one in found.items()} == {
        "姓名": Kind.NAME, "身份证号": Kind.RESIDENT_ID, "手机号": Kind.PHONE, "地址": Kind.ADDRESS,
    }  # fmt: skip
    assert found["身份证号"].checksum_basis_points == found["手机号"].checksum_basis_points == 10_000
    assert all(one.name_hit and one.hit_basis_points > 9_000 for one in found.values())


def test_columns_that_do_not_say_what_they_hold_are_found_out(tmp_path: Path):
    content = persons().replace("姓名,身份证号,手机号,地址".encode(), b"c1,c2,c3,c4", 1)
    assert {field: one.kind for field, one in finds(profile(tmp_path, content)).items()} == {
        "c1": Kind.NAME, "c2": Kind.RESIDENT_ID, "c3": Kind.PHONE, "c4": Kind.ADDRESS,
    }  # fmt: skip


def test_one_number_quoted_in_a_thousand_remarks_is_found(tmp_path: Path):
    remarks = [["货已到"]] * 999 + [["请联系 11010519491231002X 本人"]]
    found = finds(profile(tmp_path, csv_of(["remark"], remarks)))
    assert found["remark"].kind is Kind.RESIDENT_ID and found["remark"].hit_basis_points == 10


@pytest.mark.parametrize("column, value, kind", [
    ("备注", "请打 138-1234-1234",   Kind.PHONE),
    ("备注", "138 1234 1234",        Kind.PHONE),
    ("备注", "座机 010-88886666",    Kind.PHONE),
    ("备注", "(0755)23456789",       Kind.PHONE),
    ("c1",   "+44 20 8366 1177",     Kind.PHONE),
    ("电话", "01088886666",          Kind.PHONE),
    ("序号", "01088886666",          None),
    ("url",  "http://93.184.216.34/a", Kind.IP_ADDRESS),
    ("ua",   "Mozilla/5.0 Chrome/120.0.0.0 Safari/537.36", None),
    ("path", "lodash@4.17.21, icon@2x.png", None),
    ("text", "ratio 0.13812345678",   None),
    ("订单", "020-12",               None),
    ("姓名", "买买提·吐尔逊",        Kind.NAME),
    ("zd",   "站点一",               None),
])  # fmt: skip
def test_what_people_write_and_what_it_is(tmp_path: Path, column: str, value: str, kind: Kind | None):
    found = finds(profile(tmp_path, csv_of([column], [[value]] * 3)))
    assert (found[column].kind if column in found else None) == kind


def test_a_sample_of_as_many_columns_as_are_taken_fits_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def nothing(*_: object) -> Iterator[Field]:
        return iter(())

    content = csv_of([f"c{n}" for n in range(COLUMNS_MAX)], [["1"] * COLUMNS_MAX] * 20)
    monkeypatch.setattr(profiling, "_fields", nothing)
    assert profile(tmp_path, content).rows == 20


def test_columns_are_counted_alike_whether_together_or_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    together = profile(tmp_path, persons())
    monkeypatch.setattr(profiling, "COLUMNS_TOGETHER", 1)
    assert profile(tmp_path, persons()) == together


def test_a_distinct_value_is_a_value_that_is_there(tmp_path: Path):
    [field] = profile(tmp_path, b"a\n1\n\n1\n2\n").fields
    assert (field.nulls, field.distinct) == (1, 2)


def test_names_in_latin_letters_count_only_where_the_column_says_person(tmp_path: Path):
    rows = [["Ada Lovelace", "Heathrow Airport"]] * 20
    assert set(finds(profile(tmp_path, csv_of(["full_name", "name"], rows)))) == {"full_name"}


def test_masked_data_are_not_taken_for_what_they_were(tmp_path: Path):
    rows = [["王*", "110105************", "138****1234"]] * 50
    assert not finds(profile(tmp_path, csv_of(["姓名", "身份证号", "手机号"], rows))).keys() - {"姓名"}


def test_types_of_text_are_the_narrowest_that_fit_every_value(tmp_path: Path):
    rows = [["1", "1.50", "true", "2026-01-31", "2026-01-31T10:00:00Z", "007", ""],
            ["-2", "2", "False", "2026-02-01", "2026-01-31 10:00", "8", ""]]  # fmt: skip
    found = types(profile(tmp_path, csv_of(list("abcdefg"), rows)))
    assert list(found.values()) == ["integer", "decimal", "boolean", "date", "timestamp", "text", "text"]


@pytest.mark.parametrize("content, rows", [
    (b"\xef\xbb\xbfa,b\r\n1,2\r\n",  1),  # as Excel writes it
    (b"a,b\n1,2",                    1),  # no newline at the end
    (b'a,b\n1,"x\ny"\n\n3,""\n',     2),  # a line break in a cell, an empty line, an empty cell
    (b'a,b\n1,"say ""hi"""\n',       1),
    (b"a\n1\n2\n",                   2),
    (b"a,b\n1,2\r\n3,4\n",           2),
])  # fmt: skip
def test_csv_as_people_write_it(tmp_path: Path, content: bytes, rows: int):
    assert profile(tmp_path, content).rows == rows


def test_json_lines_keep_their_types_and_may_leave_out_nulls(tmp_path: Path):
    lines = ['{"id": 1, "价": 2, "ok": true}', '{"id": 2, "价": 2.5, "note": "x"}', "", '{"id": 3, "note": null}']
    found = profile(tmp_path, "\n".join(lines).encode(), JSON_LINES)
    assert types(found) == {"id": "integer", "价": "decimal", "ok": "boolean", "note": "text"}
    assert {field.name: field.nulls for field in found.fields} == {"id": 0, "价": 1, "ok": 2, "note": 2}


def test_a_column_of_nulls_alone_is_text(tmp_path: Path):
    found = profile(tmp_path, b'{"a": null, "b": 1}\n', JSON_LINES)
    assert types(found) == {"a": "text", "b": "integer"} and found.fields[0].nulls == 1


def test_parquet_keeps_its_own_types(tmp_path: Path):
    columns = {"id": [1, 2], "on": [date(2026, 1, 1)] * 2, "at": [datetime(2026, 1, 1, tzinfo=UTC)] * 2,
               "price": [Decimal("1.20"), None], "tel": ["13812341234", "13999999999"]}  # fmt: skip
    found = profile(tmp_path, parquet_of(columns), PARQUET)
    assert list(types(found).values()) == ["integer", "date", "timestamp", "decimal", "text"]
    assert finds(found)["tel"].kind is Kind.PHONE


def sample(folder: Path, content: bytes, masks: dict[str, Mask], rows_max: int = 5) -> SampleRows:
    answer: Answer = perform(TakeSample(source(folder, content), rows_max, masks))
    assert isinstance(answer, SampleRows), answer
    return answer


def test_a_sample_is_drawn_not_cut_from_the_top_and_is_the_same_each_time(tmp_path: Path):
    first, again = sample(tmp_path, airports(), {}), sample(tmp_path, airports(), {})
    top = list(csv.reader(io.StringIO(airports().decode())))[1:6]
    assert first == again and len(first.rows) == 5 and first.rows != top


def test_a_masked_sample_shows_no_person(tmp_path: Path):
    found = profile(tmp_path, persons())
    masks = masks_for(finds(found).values(), Grade.G3)
    shown = sample(tmp_path, persons(), masks, rows_max=20)
    real = {cell for row in csv.reader(io.StringIO(persons().decode())) for cell in row}
    assert len(shown.rows) == 20 and not {cell for row in shown.rows for cell in row} & real


def test_a_desensitised_csv_differs_only_in_its_masked_columns(tmp_path: Path):
    before = list(csv.DictReader(io.StringIO(persons().decode())))
    after = list(csv.DictReader(io.StringIO(written(tmp_path, persons(), {"手机号": Mask.KEEP_ENDS}).decode())))
    assert [row | {"手机号": ""} for row in before] == [row | {"手机号": ""} for row in after]
    assert all(
        new["手机号"] == f"{old['手机号'][:3]}****{old['手机号'][-4:]}" for old, new in zip(before, after, strict=True)
    )


def test_cells_that_csv_must_quote_survive(tmp_path: Path):
    rows = [['say "hi"', "a,b", "x\ny", "1=1", " padded ", "13812341234"], ["", "NULL", "'", "\\N", "王", "x"]]
    content = csv_of(list("abcdef"), rows)
    after = list(csv.reader(io.StringIO(written(tmp_path, content, {"f": Mask.KEEP_ENDS}).decode())))
    assert after[1:] == [[*rows[0][:5], "138****1234"], [*rows[1][:5], "***"]]


def test_a_desensitised_csv_runs_nothing_in_a_spreadsheet(tmp_path: Path):
    content = csv_of(["@id", "delta", "mail"], [["=1+1", "-5", "=x@example.cn"]])
    after = list(csv.reader(io.StringIO(written(tmp_path, content, {"mail": Mask.KEEP_DOMAIN}).decode())))
    assert after == [["'@id", "delta", "mail"], ["'=1+1", "-5", "'=***@example.cn"]]


def test_desensitised_json_lines_keep_numbers_as_they_were_written(tmp_path: Path):
    content = b'{"id": 9007199254740993, "lat": 39.908823, "ok": false, "tel": "13812341234", "p": 0.5}\n'
    after = written(tmp_path, content, {"tel": Mask.KEEP_ENDS, "lat": Mask.ROUND_TENTH}, JSON_LINES)
    assert json.loads(after) == {"id": 9007199254740993, "lat": "39.9", "ok": False, "tel": "138****1234", "p": 0.5}


def test_desensitised_parquet_keeps_the_types_of_what_is_not_masked(tmp_path: Path):
    columns = {"id": [1, 2], "on": [date(2026, 1, 1), None], "tel": ["13812341234", None]}
    after = written(tmp_path, parquet_of(columns), {"tel": Mask.KEEP_ENDS}, PARQUET)
    table = parquet.read_table(io.BytesIO(after))
    assert table.to_pydict() == columns | {"tel": ["138****1234", None]}
    assert [str(kind) for kind in table.schema.types] == ["int64", "date32[day]", "string"]

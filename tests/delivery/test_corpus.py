"""What is detected in the tables of the corpus, beside the answers written by hand."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from services.delivery.inspector.messages import Profile
from services.delivery.inspector.work import perform
from services.delivery.rules.detection import detect_all
from services.delivery.rules.upload import MediaType
from shared.kinds import Kind
from tests.delivery.corpus import SEEN, Made
from tests.delivery.corpus_blind import BLIND
from tests.delivery.corpus_written import WRITTEN, Written
from tests.delivery.made_files import csv_of, inspection_of, parquet_of, pyarrow, source


def content_of(made: Made) -> bytes:
    values = made.values()
    match made.media_type:
        case MediaType.CSV:
            return csv_of(list(values), list(zip(*values.values(), strict=True)))
        case MediaType.JSON_LINES:
            rows = zip(*(_typed(made, name, column) for name, column in values.items()), strict=True)
            lines = (json.dumps(dict(zip(values, row, strict=True)), ensure_ascii=False) for row in rows)
            return "\n".join(lines).encode()
        case MediaType.PARQUET:
            kinds = {"int64": pyarrow.int64(), "double": pyarrow.float64(), "date32": pyarrow.date32()}
            columns: dict[str, list[Any]] = {
                name: pyarrow.array(_typed(made, name, column), kinds.get(made.typed.get(name, ""), pyarrow.string()))
                for name, column in values.items()
            }
            return parquet_of(columns)


def _typed(made: Made, name: str, column: list[str]) -> list[object]:
    to: dict[str, Callable[[str], object]] = {"int64": int, "double": float, "date32": date.fromisoformat}
    convert = to.get(made.typed.get(name, ""), str)
    return [convert(value) for value in column]


def detected(folder: Path, content: bytes, media_type: MediaType = MediaType.CSV) -> set[tuple[str, str]]:
    answer = perform(inspection_of(source(folder, content, media_type)))
    assert isinstance(answer, Profile), answer
    found = detect_all([field.evidence for field in answer.fields])
    return {(one.field, one.kind.value) for detections in found for one in detections}


@pytest.mark.parametrize("made", [*SEEN, *BLIND], ids=lambda made: made.story)
def test_each_made_table_holds_what_a_person_sees_in_it(tmp_path: Path, made: Made):
    assert detected(tmp_path, content_of(made), made.media_type) == made.expected


@pytest.mark.parametrize("written", WRITTEN, ids=lambda written: written.story)
def test_each_written_table_holds_what_a_person_sees_in_it(tmp_path: Path, written: Written):
    assert detected(tmp_path, written.text.encode()) == written.expected


def test_every_kind_is_in_the_corpus():
    assert len(SEEN) >= 40 and {kind for made in SEEN for _, kind in made.expected} == set(Kind)

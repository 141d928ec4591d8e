"""No planted value of a person is left in a desensitised file or sample, however the table was made."""

import io
import json
import random
from pathlib import Path
from typing import Any

import pytest
from faker import Faker
from stdnum import luhn

from services.delivery.inspector.messages import (
    Care,
    Desensitise,
    Inspect,
    Profile,
    Rendition,
    SampleRows,
    Source,
    TakeSample,
)
from services.delivery.inspector.work import perform
from services.delivery.rules.desensitisation import Treatment, treatment
from services.delivery.rules.inspection import Counted, Inspection, conclude
from services.delivery.rules.upload import MediaType
from shared.grades import G2, G3, G4, Flag
from tests.delivery.made_files import TODAY, csv_of, parquet, parquet_of, source

ROWS = 150
FORMATS = list(MediaType)
FULL_WIDTH = str.maketrans("0123456789X", "０１２３４５６７８９Ｘ")


class Table:
    """Rows of made-up persons, and every value in them that would name one."""

    def __init__(self, seed: int) -> None:
        self.draw, self.fake = random.Random(seed), Faker("zh_CN")
        self.fake.seed_instance(seed)
        self.planted = set[str]()
        columns = [self.named, self.unnamed, self.remarked]
        self.columns: dict[str, list[Any]] = {"n": [f"row {index}" for index in range(ROWS)], "amount": self.amounts()}
        for make in columns:
            self.columns |= make()

    def amounts(self) -> list[str]:
        return [f"{self.draw.randint(1, 10**6)}.{self.draw.randint(10, 99)}" for _ in range(ROWS)]

    def plant(self, value: str) -> str:
        self.planted.add(value)
        return value

    def phone(self) -> str:
        return self.plant(f"1{self.draw.choice('3578')}{self.draw.randint(10**8, 10**9 - 1)}")

    def identity(self) -> str:
        number = self.fake.ssn()
        return self.plant(number.lower() if self.draw.random() < 0.5 else number)

    def card(self) -> str:
        stem = f"622202{self.draw.randint(10**8, 10**9 - 1)}"
        return self.plant(stem + luhn.calc_check_digit(stem))

    def email(self) -> str:
        return self.plant(f"{self.fake.user_name()}{self.draw.randint(10, 99)}@example.cn")

    def passport(self) -> str:
        return self.plant(f"E{self.draw.randint(10**7, 10**8 - 1)}")

    def plate(self) -> str:
        return self.plant(f"京A{self.draw.randint(10_000, 99_999)}")

    def network(self) -> str:
        return self.plant(".".join(str(self.draw.randint(11, 254)) for _ in range(4)))

    def place(self) -> str:
        return self.plant(f"{self.draw.uniform(20, 50):.6f}")

    def born(self) -> str:
        return self.plant(self.fake.date_of_birth(minimum_age=15, maximum_age=90).isoformat())

    def name(self) -> str:
        return self.plant(self.fake.name())

    def address(self) -> str:
        return self.plant(self.fake.address())

    def illness(self) -> str:
        return self.plant(f"{self.draw.choice('急慢')}性{self.fake.last_name()}氏综合征")

    def column(self, make: Any, share: float = 1) -> list[str | None]:
        return [make() if self.draw.random() < share else None for _ in range(ROWS)]

    def named(self) -> dict[str, list[Any]]:
        """Columns whose names say what they hold, some of whose cells are empty."""
        makers = {
            "姓名": self.name, "身份证号": self.identity, "mobile": self.phone, "银行卡号": self.card,
            "email": self.email, "passport": self.passport, "车牌": self.plate, "client_ip": self.network,
            "latitude": self.place, "出生日期": self.born, "家庭住址": self.address, "诊断": self.illness,
        }  # fmt: skip
        chosen = self.draw.sample(list(makers), 6)
        return {name: self.column(makers[name], self.draw.choice([1, 0.9, 0.5])) for name in chosen}

    def unnamed(self) -> dict[str, list[Any]]:
        makers = {"c1": self.identity, "c2": self.phone, "c3": self.email, "c4": self.card, "c5": self.plate}
        chosen = self.draw.sample(list(makers), 2)
        return {name: self.column(makers[name]) for name in chosen}

    def remarked(self) -> dict[str, list[Any]]:
        """Sentences, a few of which quote somebody, in whatever way people write numbers."""
        return {"remark": [self.remark() for _ in range(ROWS)]}

    def remark(self) -> str:
        if self.draw.random() > 0.04:
            return self.fake.sentence()
        makers = [self.identity, self.phone, self.card, self.email, self.passport, self.plate, self.network]
        told = self.draw.choice(makers)()
        if self.draw.random() < 0.3 and told.replace("X", "").isdigit():
            told = self.plant(told.translate(FULL_WIDTH))
        return f"{self.fake.sentence()}（{told}）{self.fake.sentence()}"

    def content(self, media_type: MediaType) -> bytes:
        rows = [dict(zip(self.columns, row, strict=True)) for row in zip(*self.columns.values(), strict=True)]
        match media_type:
            case MediaType.CSV:
                return csv_of(list(self.columns), [[value or "" for value in row.values()] for row in rows])
            case MediaType.JSON_LINES:
                return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
            case MediaType.PARQUET:
                return parquet_of({name: self.typed(name, values) for name, values in self.columns.items()})

    def typed(self, name: str, values: list[Any]) -> list[Any]:
        """Numbers as numbers, where a file has types: a phone as an integer, a latitude as a double."""
        if name in ("mobile", "c2"):
            return [value and int(value) for value in values]
        return [value and float(value) for value in values] if name == "latitude" else values


def treated(file: Source, seed: int) -> Treatment:
    found = perform(Inspect(file, TODAY))
    assert isinstance(found, Profile), found
    fields = [Counted(one.name, one.type, one.nulls, one.distinct, one.evidence) for one in found.fields]
    grade, inspection = (G2, G3, G4)[seed % 3], conclude(found.rows, fields)
    assert isinstance(inspection, Inspection)
    return treatment(inspection, grade, frozenset({Flag.PERSONAL}), None)


def text_of(content: bytes, media_type: MediaType) -> str:
    if media_type is not MediaType.PARQUET:
        return content.decode()
    return "\n".join(str(row) for row in parquet.read_table(io.BytesIO(content)).to_pylist())


@pytest.mark.parametrize("seed", range(30))
def test_no_planted_value_survives(tmp_path: Path, seed: int):
    table, media_type = Table(seed), FORMATS[seed // 3 % 3]
    file = source(tmp_path, table.content(media_type), media_type)
    applied = treated(file, seed)
    care = Care(applied.smallest_group, list(applied.showing_groups), True, applied.persons)
    written = perform(Desensitise(file, dict(applied.masks), str(tmp_path / "written"), care))
    sampled = perform(TakeSample(file, 100, dict(applied.masks), care))
    assert isinstance(written, Rendition) and isinstance(sampled, SampleRows)
    content = (tmp_path / "written").read_bytes()
    for text in (text_of(content, media_type), str(sampled.rows)):
        assert not [value for value in table.planted if value in text]
    before, after = text_of(table.content(media_type), media_type), text_of(content, media_type)
    assert sum(value in before for value in table.planted) > ROWS
    assert after.count("row ") >= ROWS  # what names nobody is still there


@pytest.mark.parametrize("media_type", FORMATS)
def test_what_is_kept_and_empty_stays_so(tmp_path: Path, media_type: MediaType):
    table = Table(7)
    table.columns = {"n": table.columns["n"], "mobile": table.column(table.phone, 0.5), "note": table.column(str)}
    file = source(tmp_path, table.content(media_type), media_type)
    applied = treated(file, 0)
    written = perform(Desensitise(file, dict(applied.masks), str(tmp_path / "written"), Care(clears_texts=True)))
    assert isinstance(written, Rendition)
    shown = text_of((tmp_path / "written").read_bytes(), media_type)
    empty = {MediaType.CSV: ",,", MediaType.JSON_LINES: '"mobile":null', MediaType.PARQUET: "'mobile': None"}
    assert shown.count(empty[media_type]) == sum(one is None for one in table.columns["mobile"])

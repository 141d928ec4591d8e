"""The demo's two data sets: real airports, and made-up persons that look real enough to be protected."""

import csv
import io
import random
from collections.abc import Mapping, Sequence
from functools import cache

import airportsdata
from faker import Faker
from stdnum.cn import uscc

PERSONS = 5_000
SEED = 20_261_101


@cache
def airports_csv() -> bytes:
    """Every airport of the package airportsdata (MIT), about 28 000 rows, sorted by ICAO code."""
    airports = airportsdata.load("ICAO")
    return _csv([dict(airports[code]) for code in sorted(airports)])


@cache
def persons_csv() -> bytes:
    """5 000 persons that do not exist, the same at every run: names, identity numbers, phones, addresses."""
    fake = Faker("zh_CN")
    fake.seed_instance(SEED)
    rows = [
        {"姓名": fake.name(), "身份证号": fake.ssn(), "手机号": fake.phone_number(), "地址": fake.address(),
         "月度订单数": fake.random_int(0, 40)}
        for _ in range(PERSONS)
    ]  # fmt: skip
    return _csv(rows)


def credit_code(seed: int) -> str:
    """A well-formed 统一社会信用代码 (GB 32100-2015) of nobody."""
    digits = "".join(random.Random(seed).choices("0123456789", k=9))
    stem = f"91310000{digits}"
    return stem + uscc.calc_check_digit(stem)


def _csv(rows: Sequence[Mapping[str, object]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()

"""Which PostgreSQL is taken, which is refused, and of which a word is said."""

import re

import pytest
from sqlalchemy import MetaData

from migrations import schema, version
from migrations.version import PostgresTooOld, doubt_of
from tests.conftest import MakeDatabase


@pytest.mark.parametrize("number, doubt", [
    (15_0014, None), (15_0013, "CVE-2025-8713.*15.14"), (16_0010, None), (16_0009, "16.10"), (17_0006, None),
    (17_0005, "17.6"), (18_0000, None), (18_0099, None), (19_0000, "newer than 18"),
])  # fmt: skip
def test_what_is_said_of_a_server(number: int, doubt: str | None):
    said = doubt_of(number)
    assert said is None if doubt is None else said is not None and re.search(doubt, said)


@pytest.mark.parametrize("number", [9_0624, 14_0019, 14_9999])
def test_one_that_is_too_old_is_refused_by_its_name(number: int):
    with pytest.raises(PostgresTooOld, match=f"PostgreSQL {number // 10_000}; the market needs 15 to 18"):
        doubt_of(number)


async def test_nothing_is_migrated_on_a_server_that_is_too_old(database: MakeDatabase, monkeypatch: pytest.MonkeyPatch):
    own = await database("pricing", MetaData())
    monkeypatch.setattr(version, "OLDEST", 99)
    if own.is_sqlite:
        await schema.upgrade(own)
        return
    with pytest.raises(PostgresTooOld):
        await schema.upgrade(own)

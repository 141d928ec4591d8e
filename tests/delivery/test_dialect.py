"""The part of SQL that a buyer may write: what is taken, in which canonical form, and what is refused for what."""

import logging

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.delivery.dialect import checked
from services.delivery.rules.query import HINTS, Construct, QueryRejected
from tests.delivery.hostile_sql import EXHAUSTING, LEAVING

COLUMNS = ["shop", "amount", "day", "数量", 'a "b"']


@pytest.mark.parametrize("text, sql, columns", [
    ("select SHOP from DATA", 'SELECT "shop" FROM "data"', ["shop"]),
    ("SELECT d.Amount FROM data AS D", 'SELECT "D"."amount" FROM "data" AS "D"', ["amount"]),
    ('select 数量, "a ""b""" from data;', 'SELECT "数量", "a ""b""" FROM "data"', ["数量", 'a "b"']),
    ("select count(*) from data", 'SELECT COUNT(*) FROM "data"', []),
    ("select 1 -- nothing\n", "SELECT 1", []),
    ("select /*+ hint */ shop from data", 'SELECT "shop" FROM "data"', ["shop"]),
    ("select shop, sum(amount) total from data group by shop having sum(amount) > 10 order by total desc limit 5",
     'SELECT "shop", SUM("amount") AS "total" FROM "data" GROUP BY "shop" HAVING SUM("amount") > 10 '
     'ORDER BY "total" DESC LIMIT 5', ["shop", "amount"]),
    ("with m as (select date_trunc('month', day) k, sum(amount) s from data group by 1) select k, lag(s) over "
     "(order by k) from m",
     'WITH "m" AS (SELECT DATE_TRUNC(\'MONTH\', "day") AS "k", SUM("amount") AS "s" FROM "data" GROUP BY 1) '
     'SELECT "k", LAG("s") OVER (ORDER BY "k") FROM "m"', ["amount", "day"]),
    ("select avg(x.t) from (select sum(amount) t from data group by shop) x",
     'SELECT AVG("x"."t") FROM (SELECT SUM("amount") AS "t" FROM "data" GROUP BY "shop") AS "x"', ["shop", "amount"]),
    ("select shop from data where amount > (select avg(amount) from data)",
     'SELECT "shop" FROM "data" WHERE "amount" > (SELECT AVG("amount") FROM "data")', ["shop", "amount"]),
    ("select shop from data where shop in (select shop from data where amount > 9) and day is not null",
     'SELECT "shop" FROM "data" WHERE "shop" IN (SELECT "shop" FROM "data" WHERE "amount" > 9) AND NOT "day" IS NULL',
     ["shop", "amount", "day"]),
    ("select sum(amount) filter (where shop like 'a%') from data",
     'SELECT SUM("amount") FILTER(WHERE "shop" LIKE \'a%\') FROM "data"', ["shop", "amount"]),
    ("select shop from data where shop = 'it''s; drop table data --'",
     "SELECT \"shop\" FROM \"data\" WHERE \"shop\" = 'it''s; drop table data --'", ["shop"]),
])  # fmt: skip
def test_what_is_taken_is_written_anew(text: str, sql: str, columns: list[str]):
    found = checked(text, COLUMNS)
    assert (found.sql, list(found.columns)) == (sql, columns)
    assert checked(found.sql, COLUMNS) == found


@pytest.mark.parametrize("text, construct", LEAVING)
def test_what_would_leave_the_sandbox_is_refused_for_its_kind(text: str, construct: Construct):
    with pytest.raises(QueryRejected) as refused:
        checked(text, ["shop", "amount"])
    assert refused.value.facts["construct"] is construct
    assert refused.value.facts["hint"] == HINTS[construct]


@pytest.mark.parametrize("text, construct", EXHAUSTING)
def test_what_would_exhaust_it_is_refused_too(text: str, construct: Construct | None):
    if construct is None:
        assert checked(text, ["shop", "amount"])  # it is for the child to end
        return
    with pytest.raises(QueryRejected) as refused:
        checked(text, ["shop", "amount"])
    assert refused.value.facts["construct"] is construct


def test_the_tables_are_as_long_as_they_should_be():
    assert len(LEAVING) >= 60 and len(EXHAUSTING) >= 25


def test_a_refusal_never_quotes_the_statement(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    for text in ("EXPLAIN secret", "SELECT secret(1)", "SELECT 'secret", "WITH a AS (EXPLAIN secret) SELECT 1"):
        with pytest.raises(QueryRejected) as refused:
            checked(text, COLUMNS)
        assert "secret" not in str(refused.value.facts) and refused.value.__cause__ is None
    assert "secret" not in caplog.text


names = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=8)


@settings(max_examples=100, deadline=None)
@given(column=names, alias=names, text=st.text(st.characters(codec="utf-8", exclude_categories=("C",)), max_size=20))
@example(column="~", alias="~", text="~")
def test_no_name_and_no_text_leaves_its_quotes(column: str, alias: str, text: str):
    quoted = {kind: '"' + name.replace('"', '""') + '"' for kind, name in (("column", column), ("alias", alias))}
    value = "'" + text.replace("'", "''") + "'"
    written = f"SELECT {quoted['column']} AS {quoted['alias']} FROM data WHERE {quoted['column']} = {value}"
    found = checked(written, [column])
    assert found.columns == (column,) and checked(found.sql, [column]) == found
    assert found.sql == written.replace(" data ", ' "data" ')


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200))
def test_any_text_at_all_is_taken_or_refused(text: str):
    for written in (text, f"SELECT {text}", f"SELECT shop FROM data WHERE {text}", f"SELECT shop FROM {text}"):
        try:
            found = checked(written, COLUMNS)
        except QueryRejected:
            continue
        assert checked(found.sql, COLUMNS) == found

"""The pure rules of rows and answers: what a filter becomes, and who may ask freely."""

from itertools import product

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.delivery.inspector import parsed
from services.delivery.rules.answer import PERSONAL, may_ask_freely
from services.delivery.rules.inspection import InspectedField, Inspection
from services.delivery.rules.rows import (
    BadFilter,
    BadRowsCursor,
    Filter,
    Op,
    asked,
    cursor_of,
    digest_of,
    fulfilled,
    row_number_for,
    row_of,
    statement,
)
from shared.grades import G2, Clearance, Flag, Grade, Mode, decide
from shared.ids import EntitlementId

ENTITLEMENT = EntitlementId.new()
KINDS = ("text", "integer", "decimal", "boolean", "date", "timestamp", "time")


def found(*fields: tuple[str, str, int], rows: int = 10) -> Inspection:
    return Inspection(rows, tuple(InspectedField(name, kind, 0, distinct, ()) for name, kind, distinct in fields))


names = st.text(st.characters(codec="utf-8", exclude_categories=("C",)), min_size=1, max_size=10)
texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",), exclude_characters="\0"), max_size=20)


@settings(max_examples=100, deadline=None)
@given(name=names, op=st.sampled_from(list(Op)), kind=st.sampled_from(KINDS), values=st.lists(texts, max_size=3))
def test_no_name_and_no_value_becomes_anything_but_itself(name: str, op: Op, kind: str, values: list[str]):
    inspection = found((name, kind, 1))
    try:
        query = asked(inspection, None, [Filter(name, op, tuple(values))], 5)
    except BadFilter:
        return
    sql = statement(query, inspection, row_number_for([name]), after=0)
    with duckdb.connect(":memory:") as database:
        parsed.check(database, sql)  # one SELECT over data, whatever the name and the values are
        [(literals,)] = database.execute("SELECT json_serialize_sql($1)", [sql]).fetchall()
    assert all(f'"{word}"' not in literals for word in ("TABLE_FUNCTION", "SET_OPERATION_NODE", "SUBQUERY"))
    assert literals.count("column_names") == 5  # two that are chosen, one filters, one pages, one orders


@pytest.mark.parametrize("kind, good, bad", [
    ("integer",   ["0", "-12", "9" * 38],                    ["", "1.0", "1e3", "+1", " 1", "1_0", "１", "9" * 39]),
    ("decimal",   ["0", "-12.5", "1.000000000000000001"],    ["", ".5", "5.", "1e3", "NaN", "1,5"]),
    ("boolean",   ["true", "false"],                         ["", "TRUE", "1", "yes"]),
    ("date",      ["2026-01-31", "2024-02-29"],              ["", "2026-02-29", "31.01.2026", "2026-01-31T00:00:00x"]),
    ("timestamp", ["2026-01-31T12:00:00Z", "2026-01-31 12:00:00.5+08:00"], ["", "now", "2026-01-31T25:00:00Z"]),
    ("time",      ["12:00:00"],                              ["", "25:00:00", "noon"]),
    ("text",      ["", "'", "a'; DROP TABLE data; --"],      []),
    ("binary",    [],                                        ["", "00ff"]),
])  # fmt: skip
def test_a_value_is_taken_as_what_its_field_is_or_refused(kind: str, good: list[str], bad: list[str]):
    inspection = found(("a", kind, 1))
    for text in good:
        assert asked(inspection, ["a"], [Filter("a", Op.EQ, (text,))], 1)
    for text in bad:
        with pytest.raises(BadFilter) as refused:
            asked(inspection, ["a"], [Filter("a", Op.EQ, (text,))], 1)
        assert refused.value.facts["place"] == "where[0]" and text not in refused.value.facts.values()


def test_a_moment_with_a_zone_is_compared_in_utc():
    inspection = found(("at", "timestamp", 1))
    query = asked(inspection, None, [Filter("at", Op.GE, ("2026-01-01T00:00:00+08:00",))], 1)
    assert "CAST('2025-12-31T16:00:00' AS TIMESTAMP)" in statement(query, inspection, "row", 0)


@pytest.mark.parametrize("names, chosen", [
    (["a"], "row"), (["row"], "row 0"), (["ROW", "Row 0"], "row 1"), (["row", "row 0", "row 1"], "row 2"),
])  # fmt: skip
def test_the_number_of_a_row_has_a_name_of_its_own(names: list[str], chosen: str):
    assert row_number_for(names) == chosen


def test_a_cursor_goes_on_in_its_own_query_alone():
    inspection = found(("a", "text", 1), ("b", "text", 1))
    base = asked(inspection, ["a"], [], 5)
    digest = digest_of(base, ENTITLEMENT)
    assert row_of(cursor_of(7, digest), digest) == 7 and row_of(None, digest) == 0
    assert digest == digest_of(asked(inspection, ["a"], [], 500), ENTITLEMENT)  # pages may be of another size
    others = [
        digest_of(base, EntitlementId.new()),
        digest_of(asked(inspection, ["b"], [], 5), ENTITLEMENT),
        digest_of(asked(inspection, ["a", "b"], [], 5), ENTITLEMENT),
        digest_of(asked(inspection, ["a"], [Filter("a", Op.EQ, ("x",))], 5), ENTITLEMENT),
        digest_of(asked(inspection, ["a"], [Filter("a", Op.NE, ("x",))], 5), ENTITLEMENT),
    ]
    assert len({digest, *others}) == 6
    for other in others:
        with pytest.raises(BadRowsCursor):
            row_of(cursor_of(7, digest), other)


@pytest.mark.parametrize("field, op, limit, limited", [
    ("key",  Op.EQ, 10, True),
    ("key",  Op.EQ, 11, False),
    ("key",  Op.IN, 10, False),
    ("key",  Op.GE, 10, False),
    ("many", Op.EQ, 10, False),
])  # fmt: skip
def test_a_point_query_asks_for_a_key_and_few_rows(field: str, op: Op, limit: int, limited: bool):
    inspection = found(("key", "text", 10), ("many", "text", 9))
    query = asked(inspection, None, [Filter(field, op, ("x",))], limit)
    assert bool(fulfilled(query, inspection)) is limited


def test_free_sql_is_never_for_more_than_could_have_the_rows():
    """Every grade, clearance and flag: only where raw rows are allowed, at G1 or G2, of no person."""
    for grade, clearance in product(Grade, [None, *Clearance]):
        for flags in (frozenset[Flag](), *(frozenset({flag}) for flag in Flag)):
            compute, raw = (decide(grade, mode, clearance, flags) for mode in (Mode.COMPUTE, Mode.RAW))
            decision = may_ask_freely(compute, raw, grade, flags)
            expected = compute.allowed and raw.allowed and grade <= G2 and not flags & PERSONAL
            assert decision.allowed is expected and (decision.reason_code is None) is expected
            assert len(decision.rules) >= len(compute.rules)

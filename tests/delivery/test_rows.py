"""Rows by API over HTTP: fields, filters and pages of a content; decided, charged and recorded before they leave."""

from typing import Any

import pytest
from httpx2 import Response

from services.delivery.rules.upload import MediaType
from shared.errors import Unavailable
from shared.grades import C1, C2, C3, C4, C5, G1, G2, G3, G4, G5, Clearance, Flag, Grade, Mode
from shared.ids import ContentId, EntitlementId
from tests.delivery.desk import ONE_DATABASE, Desk, deal, suspend
from tests.delivery.made_files import csv_of, parquet_of
from tests.support.bench import Person

pytestmark = ONE_DATABASE  # both: test_answer_records.py
FLIGHTS = csv_of(["flight", "seats", "fare", "day", "row"], [
    ["CA1501", "180", "720.50", "2026-01-31", "a"],
    ["MU5101", "240", "810",    "2026-02-01", "b"],
    ["CZ3101", "",    "655.25", "2026-02-01", "c"],
    ["HU7601", "300", "",       "2026-02-03", "it's"],
])  # fmt: skip


async def rows(
    desk: Desk, buyer: Person, entitlement_id: EntitlementId, key: str | None = None, **body: Any
) -> Response:
    return await desk.bench.post(buyer, f"/delivery/v1/entitlements/{entitlement_id}/rows", body, key)


def where(field: str, op: str, *values: str) -> list[dict[str, object]]:
    return [{"field": field, "op": op, "values": list(values)}]


async def test_the_rows_come_in_the_order_of_the_file_with_their_types(desk: Desk):
    buyer, entitlement_id, version_id = await deal(desk, FLIGHTS, mode=Mode.API)
    answer = (await rows(desk, buyer, entitlement_id)).json()
    assert answer["fields"] == ["flight", "seats", "fare", "day", "row"]
    assert answer["types"] == ["text", "integer", "decimal", "date", "text"]
    assert answer["rows"][0] == ["CA1501", 180, "720.50", "2026-01-31", "a"]
    assert [row[0] for row in answer["rows"]] == ["CA1501", "MU5101", "CZ3101", "HU7601"]
    assert answer["next_cursor"] is None and answer["certificate"]["version_id"] == version_id


@pytest.mark.parametrize("media_type, content", [
    (MediaType.JSON_LINES, b'{"flight": "CA1501", "seats": 180}\n{"flight": "MU5101", "seats": 240}\n'),
    (MediaType.PARQUET,    parquet_of({"flight": ["CA1501", "MU5101"], "seats": [180, 240]})),
])  # fmt: skip
async def test_other_formats_are_asked_in_the_same_way(desk: Desk, media_type: MediaType, content: bytes):
    provider, buyer = await desk.bench.member("provider"), await desk.bench.member("buyer", clearance=C3)
    version_id = await desk.stocked(provider, content, G1, media_type=media_type)
    entitlement_id = await desk.grant(buyer, version_id, Mode.API)
    answer = await rows(desk, buyer, entitlement_id, fields=["flight"], where=where("seats", "gt", "200"))
    assert answer.json()["rows"] == [["MU5101"]], answer.text
    assert desk.counter.read == [["flight", "seats"]]  # what it is chosen by is read too


FILTERS: list[tuple[str, str, list[str], str]] = [
    ("flight", "eq",          ["MU5101"],                "b"),
    ("flight", "ne",          ["MU5101"],                "ac'"),
    ("flight", "in",          ["MU5101", "CZ3101", "x"], "bc"),
    ("flight", "starts_with", ["C"],                     "ac"),
    ("flight", "lt",          ["D"],                     "ac"),
    ("row",    "eq",          ["it's"],                  "'"),
    ("row",    "eq",          ["' OR '1'='1"],           ""),
    ("row",    "eq",          [""],                      ""),
    ("seats",  "ge",          ["240"],                   "b'"),
    ("seats",  "eq",          ["180"],                   "a"),
    ("seats",  "is_null",     [],                        "c"),
    ("seats",  "not_null",    [],                        "ab'"),
    ("seats",  "lt",          ["99999999999999999999"],  "ab'"),
    ("fare",   "eq",          ["810.00"],                "b"),
    ("fare",   "le",          ["720.5"],                 "ac"),
    ("day",    "gt",          ["2026-01-31"],            "bc'"),
]  # fmt: skip


async def test_filters_compare_as_the_field_is(desk: Desk):
    buyer, entitlement_id, _ = await deal(desk, FLIGHTS, mode=Mode.API)
    for field, op, values, found in FILTERS:
        answer = await rows(desk, buyer, entitlement_id, fields=["row"], where=where(field, op, *values))
        assert "".join(row[0][-2:-1] or row[0] for row in answer.json()["rows"]) == found, (field, op, values)


UNFIT: list[tuple[dict[str, Any], str]] = [
    ({"fields": ["salary"]},                                  "no_such_field"),
    ({"fields": ["flight", "flight"]},                        "no_such_field"),
    ({"fields": ["Flight"]},                                  "no_such_field"),
    ({"where": where("salary", "eq", "1")},                   "no_such_field"),
    ({"where": where("seats", "eq", "many")},                 "bad_filter"),
    ({"where": where("seats", "eq", "1.5")},                  "bad_filter"),
    ({"where": where("seats", "eq", "1", "2")},               "bad_filter"),
    ({"where": where("seats", "in")},                         "bad_filter"),
    ({"where": where("seats", "is_null", "1")},               "bad_filter"),
    ({"where": where("seats", "starts_with", "1")},           "bad_filter"),
    ({"where": where("fare", "eq", "1e5")},                   "bad_filter"),
    ({"where": where("day", "eq", "2026-02-30")},             "bad_filter"),
    ({"where": where("day", "like", "2026")},                 "malformed"),
    ({"cursor": "1.0000000000000000"},                        "bad_rows_cursor"),
    ({"cursor": "1"},                                         "malformed"),
    ({"limit": 1001},                                         "malformed"),
    ({"limit": 0},                                            "malformed"),
    ({"fields": []},                                          "malformed"),
]  # fmt: skip


async def test_what_does_not_fit_is_refused_and_costs_nothing(desk: Desk):
    buyer, entitlement_id, _ = await deal(desk, FLIGHTS, mode=Mode.API)
    for body, code in UNFIT:
        answer = await rows(desk, buyer, entitlement_id, **body)
        assert (answer.status_code, answer.json()["code"]) == (422, code), body
    assert not desk.counter.used and not await desk.facts("rows_served")


async def test_pages_follow_each_other_without_gap_or_overlap(desk: Desk):
    buyer, entitlement_id, _ = await deal(desk, FLIGHTS, mode=Mode.API)
    seen, cursor = list[str](), None
    for _ in range(4):
        body: dict[str, Any] = {"fields": ["flight"], "limit": 1} | ({"cursor": cursor} if cursor else {})
        answer = (await rows(desk, buyer, entitlement_id, **body)).json()
        seen += [row[0] for row in answer["rows"]]
        cursor = answer["next_cursor"]
    assert seen == ["CA1501", "MU5101", "CZ3101", "HU7601"] and cursor is None
    assert len({use for _, use, _ in desk.counter.used}) == 4  # each page is a use


async def test_a_content_that_is_not_there_costs_nothing_and_is_on_record(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    buyer, entitlement_id, _ = await deal(desk, FLIGHTS, mode=Mode.API)

    async def has(content_id: ContentId) -> bool:
        return False

    monkeypatch.setattr(desk.depot.content, "has", has)
    answer = await rows(desk, buyer, entitlement_id)
    assert (answer.status_code, answer.json()["code"], desk.counter.used) == (409, "content_missing", [])
    (refused,) = await desk.facts("query_refused")
    assert (refused["reason_code"], refused["entitlement_id"], "use_id" in refused) == (
        "content_missing", entitlement_id, False,
    )  # fmt: skip


async def test_a_cursor_is_of_its_query_and_entitlement(desk: Desk):
    buyer, entitlement_id, version_id = await deal(desk, FLIGHTS, mode=Mode.API)
    first = (await rows(desk, buyer, entitlement_id, limit=1)).json()
    another = await desk.grant(buyer, version_id, Mode.API)
    queries: list[tuple[EntitlementId, dict[str, Any]]] = [
        (another, {}), (entitlement_id, {"fields": ["flight"]}),
        (entitlement_id, {"where": where("seats", "not_null")}),
    ]  # fmt: skip
    for which, body in queries:
        body |= {"limit": 1, "cursor": first["next_cursor"]}
        answer = await rows(desk, buyer, which, **body)
        assert (answer.status_code, answer.json()["code"]) == (422, "bad_rows_cursor")


@pytest.mark.parametrize("grade, flags, clearance, code", [
    (G1, [],                        C1, None),
    (G2, [],                        C1, "clearance_too_low"),
    (G2, [],                        C2, None),
    (G2, [Flag.PERSONAL],           C5, "separate_consent_missing"),
    (G3, [],                        C2, "clearance_too_low"),
    (G3, [],                        C3, None),
    (G4, [],                        C4, "limited_queries_missing"),
    (G5, [],                        C5, "mode_not_allowed_for_grade"),
])  # fmt: skip
async def test_the_decision_is_taken_at_each_page(
    desk: Desk, grade: Grade, flags: list[Flag], clearance: Clearance, code: str | None
):
    buyer, entitlement_id, _ = await deal(desk, FLIGHTS, grade, *flags, mode=Mode.API, clearance=clearance)
    answer = await rows(desk, buyer, entitlement_id)
    if code is None:
        assert answer.status_code == 200
        return
    assert (answer.status_code, answer.json()["code"]) == (403, code)
    assert not desk.counter.used
    [refused] = await desk.facts("query_refused" if code == "limited_queries_missing" else "delivery_refused")
    assert refused["reason_code"] == code and refused["grade"] == grade


POINT = where("flight", "eq", "MU5101")


TWO = ("research", "teaching")
POINTS: list[tuple[dict[str, Any], str | None]] = [
    ({"where": POINT, "limit": 10, "purpose": "research"},                           None),
    ({"where": POINT, "limit": 10},                                                  "purpose_missing"),
    ({"where": POINT, "limit": 11, "purpose": "research"},                           "limited_queries_missing"),
    ({"where": POINT, "limit": 10, "purpose": "advertising"},                        "purpose_not_agreed"),
    ({"where": where("flight", "ge", "M"), "limit": 10, "purpose": "research"},      "limited_queries_missing"),
    ({"where": where("day", "eq", "2026-02-01"), "limit": 10, "purpose": "research"}, "limited_queries_missing"),
    ({"limit": 10, "purpose": "research"},                                           "limited_queries_missing"),
]  # fmt: skip


async def test_from_g4_on_only_a_point_query_with_a_purpose_is_answered(desk: Desk):
    buyer, entitlement_id, _ = await deal(desk, FLIGHTS, G4, mode=Mode.API, clearance=C4, purposes=TWO)
    for body, code in POINTS:
        answer = await rows(desk, buyer, entitlement_id, **body)
        assert (answer.status_code, answer.json().get("code")) == ((200, None) if code is None else (403, code)), body
    [served] = await desk.facts("rows_served")
    assert served["purpose"] == "research" and served["row_count"] == 1


async def test_a_purpose_that_was_not_agreed_is_refused_at_any_grade(desk: Desk):
    buyer, entitlement_id, _ = await deal(desk, FLIGHTS, mode=Mode.API, purposes=("research",))
    answer = await rows(desk, buyer, entitlement_id, purpose="advertising")
    assert (answer.status_code, answer.json()["code"]) == (403, "purpose_not_agreed")


async def test_the_same_key_is_charged_once_and_answered_again(desk: Desk):
    buyer, entitlement_id, _ = await deal(desk, FLIGHTS, mode=Mode.API)
    answers = [await rows(desk, buyer, entitlement_id, "one-key-1", limit=2) for _ in range(2)]
    assert answers[0].json()["rows"] == answers[1].json()["rows"] and len(desk.counter.used) == 1
    assert (await rows(desk, buyer, entitlement_id, "one-key-1", limit=3)).json()["code"] == "key_reused"
    for _ in range(3):
        assert (await rows(desk, buyer, entitlement_id, "one-key-1", limit=2)).status_code == 200
    spent = await rows(desk, buyer, entitlement_id, "one-key-1", limit=2)
    assert (spent.status_code, spent.json()["code"]) == (409, "use_answered")


async def test_a_charge_that_is_not_confirmed_is_made_once_under_the_same_key(desk: Desk):
    buyer, entitlement_id, _ = await deal(desk, FLIGHTS, mode=Mode.API)
    desk.counter.failure = Unavailable(service="trading")
    unknown = await rows(desk, buyer, entitlement_id, "one-key-2")
    assert (unknown.status_code, unknown.json()["code"]) == (503, "charge_unconfirmed")
    desk.counter.failure = None
    assert (await rows(desk, buyer, entitlement_id, "one-key-2")).status_code == 200
    assert [use for _, use, _ in desk.counter.used] == [unknown.json()["use_id"]]


@pytest.mark.parametrize("mode", [Mode.RAW, Mode.DESENSITISED, Mode.COMPUTE])
async def test_other_modes_give_no_rows(desk: Desk, mode: Mode):
    buyer, entitlement_id, _ = await deal(desk, FLIGHTS, mode=mode)
    answer = await rows(desk, buyer, entitlement_id)
    assert (answer.status_code, answer.json()["code"]) == (405, "mode_not_served")


async def test_a_strangers_entitlement_and_an_absent_one_look_the_same(desk: Desk):
    _, entitlement_id, _ = await deal(desk, FLIGHTS, mode=Mode.API)
    stranger = await desk.bench.member("buyer")
    answers = [await rows(desk, stranger, one) for one in (entitlement_id, EntitlementId.new())]
    bodies = [{**answer.json(), "request_id": ""} for answer in answers]
    assert [answer.status_code for answer in answers] == [404, 404] and bodies[0] == bodies[1]


async def test_a_suspended_entitlement_gives_no_rows(desk: Desk):
    buyer, entitlement_id, _ = await deal(desk, FLIGHTS, mode=Mode.API)
    await suspend(desk, entitlement_id)
    answer = await rows(desk, buyer, entitlement_id)
    assert (answer.status_code, answer.json()["code"]) == (409, "entitlement_not_active") and not desk.counter.used

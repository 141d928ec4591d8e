"""The quality report: what is assessed, what is not, what no mean hides, and who may read it."""

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalog import jobs
from services.catalog.rules import quality
from services.catalog.rules.asset import UpdateCycle
from services.catalog.rules.evidence import Detection, Field
from services.catalog.rules.quality import (
    DIMENSIONS,
    INDICATORS,
    Code,
    Declaration,
    FieldNotThere,
    Gate,
    Measured,
    Report,
    overall,
)
from shared import canonical
from shared.grades import C1, C2, C3, C4
from shared.ids import VersionId
from shared.kinds import Kind
from tests.catalog.made import ABOUT, NOON
from tests.catalog.market import Market, a_field, a_report, harm, refusal

SHARES = st.fractions(0, 1, max_denominator=1_000)
VALUES = st.dictionaries(st.sampled_from(Code), st.none() | SHARES)
WHOLE_ABOUT = replace(ABOUT, title_english="Airports", region="全国")


def column(name: str, nulls: int = 0, distinct: int = 100, fit: int | None = None, *found: Detection) -> Field:
    return Field(name, "text", nulls, distinct, found, fit)


def assessed(*fields: Field, rows: int = 100, repeated: int | None = None, **declared: Any) -> Report:
    measured = Measured(rows, repeated, fields or (column("code"),))
    return quality.report(WHOLE_ABOUT, measured, Declaration(**declared), NOON)


def x(report: Report, code: str) -> int | None:
    return next(one.basis_points for one in report.indicators if one.code == code)


def test_the_weights_of_each_level_sum_to_one():
    assert sum(DIMENSIONS.values()) == 10_000
    told = {rule.dimension for rule in INDICATORS.values()}
    for dimension in told:
        assert sum(rule.weight for rule in INDICATORS.values() if rule.dimension is dimension) == 10_000


def test_what_there_is_nothing_to_count_for_is_not_assessed():
    report = assessed()
    unassessed = {one.code for one in report.indicators if one.basis_points is None}
    assert unassessed == {"0201", "0202", "0301", "0302", "0303", "0304", "0502"}
    assert (report.score_basis_points, report.evidence_coverage_basis_points) == (10_000, 1_000)


@pytest.mark.parametrize("measured, code, told", [
    ({"required_fields": ("a", "b")},                "0201", 7_500),   # a: all, b: half
    ({"rows_expected": 400},                         "0202", 2_500),
    ({"rows_expected": 50},                          "0202", 10_000),  # more than expected is no better
    ({"repeated": 20},                               "0303", 8_000),
    ({"key_fields": ("a",)},                         "0304", 10_000),
    ({"key_fields": ("b",)},                         "0304", 4_000),
    ({"data_as_of": NOON - timedelta(days=30)},      "0502", 5_000),   # monthly: half after a month
    ({"data_as_of": NOON - timedelta(days=60)},      "0502", 2_500),
    ({"data_as_of": NOON + timedelta(days=1)},       "0502", 10_000),
])  # fmt: skip
def test_worked_indicators(measured: dict[str, Any], code: str, told: int):
    assert x(assessed(column("a"), column("b", nulls=5_000, distinct=40), **measured), code) == told


def test_the_metadata_count_by_their_elements():
    bare = quality.report(ABOUT, Measured(1, None, ()), Declaration(), NOON)
    assert x(bare, "0103") == 7_143  # 5 of 7 elements: no English title, no region


def test_formats_and_checks_weigh_by_how_many_values_they_rest_on():
    proven = Detection(Kind.RESIDENT_ID, True, 10_000, 9_000, 100)
    rarely = Detection(Kind.PHONE, True, 1_000, 0, 100)
    report = assessed(column("a", 0, 100, 9_000, proven), column("b", 5_000, 100, 6_000, rarely))
    assert x(report, "0301") == 8_182  # (100 x 0.9 + 10 x 0) / 110
    assert x(report, "0302") == 8_000  # (100 x 0.9 + 50 x 0.6) / 150
    assert report.sample_size == 100


def test_without_a_cycle_age_says_nothing():
    about = replace(WHOLE_ABOUT, update_cycle=UpdateCycle.NEVER)
    report = quality.report(about, Measured(1, None, ()), Declaration(data_as_of=NOON), NOON)
    assert x(report, "0502") is None


@pytest.mark.parametrize("measured, gates", [
    ({"required_fields": ("b",)}, (Gate.REQUIRED_FIELDS_EMPTY,)),
    ({"required_fields": ("a",)}, ()),
    ({"key_fields": ("b",)},      (Gate.KEYS_NOT_UNIQUE,)),
    ({"repeated": 51},            (Gate.MOSTLY_DUPLICATES,)),
    ({"repeated": 50},            ()),
])  # fmt: skip
def test_a_fatal_dimension_is_a_gate_that_no_mean_hides(measured: dict[str, Any], gates: tuple[Gate, ...]):
    assert assessed(column("a"), column("b", nulls=5_000, distinct=40), **measured).gates == gates


def test_a_declared_field_has_to_be_there():
    with pytest.raises(FieldNotThere):
        assessed(required_fields=("nowhere",))


def naive(values: dict[Code, Fraction | None]) -> Fraction | None:
    """The score as the standard's text has it: means of means, what was not assessed left out at both levels."""
    above = below = Fraction(0)
    for dimension, weight in DIMENSIONS.items():
        rules = [(INDICATORS[code].weight, value) for code, value in values.items()
                 if value is not None and INDICATORS[code].dimension is dimension]  # fmt: skip
        if rules:
            mean = sum((part * value for part, value in rules), Fraction(0)) / sum(part for part, _ in rules)
            above, below = above + weight * mean, below + weight
    return above / below if below else None


@given(VALUES)
def test_the_score_is_the_mean_of_what_was_assessed(values: dict[Code, Fraction | None]):
    found = overall(values)
    assert found.score == naive(values)
    assert found.score is None or 0 <= found.score <= 1


@given(VALUES, st.sampled_from(Code), SHARES)
def test_the_score_rises_with_every_indicator(values: dict[Code, Fraction | None], code: Code, more: Fraction):
    before = values.get(code)
    if before is not None:
        higher = overall(values | {code: before + (1 - before) * more})
        lower = overall(values)
        assert higher.score is not None and lower.score is not None and higher.score >= lower.score
        assert quality.coefficient(higher.score) >= quality.coefficient(lower.score)
        assert set(higher.gates) <= set(lower.gates)


@given(st.permutations([column("a", 100), column("b", 2_000, 50, 9_000), column("c", 0, 7, 8_000)]))
def test_the_order_of_fields_changes_nothing(fields: list[Field]):
    declared: dict[str, Any] = {"required_fields": ("b", "c"), "key_fields": ("a",)}
    assert assessed(*fields, **declared) == assessed(*sorted(fields, key=lambda one: one.name), **declared)


def test_the_coefficient_keeps_within_its_bounds():
    assert [quality.coefficient(Fraction(part, 4)) for part in range(5)] == [8_000, 9_000, 10_000, 11_000, 12_000]


async def test_content_is_assessed_when_it_is_inspected_and_again_by_what_is_declared(market: Market):
    bench, provider = market.bench, await market.provider()
    draft = await market.drafted(provider)
    version_id = draft["versions"][0]["id"]
    path = f"/catalog/v1/versions/{version_id}"
    declaration = {"required_fields": ["code"], "rows_expected": 1_000, "data_as_of": "2026-01-01T00:00:00Z"}
    assert refusal(await bench.post(provider, f"{path}/quality-declaration", declaration)) == (409, "nothing_measured")
    assert refusal(await bench.get(provider, f"{path}/quality-report")) == (404, "no_quality_report")
    told = a_report(a_field("code") | {"null_basis_points": 5_000, "fit_basis_points": 9_500})
    market.done(await market.report(version_id, told | {"duplicate_rows": 5}))
    first = market.done(await bench.get(provider, f"{path}/quality-report"))
    found = {one["code"]: one["basis_points"] for one in first["indicators"]}
    assert (found["0302"], found["0303"], found["0201"], first["gates"]) == (9_500, 9_900, None, [])
    second = market.done(await bench.post(provider, f"{path}/quality-declaration", declaration))
    found = {one["code"]: one["basis_points"] for one in second["indicators"]}
    assert (found["0201"], found["0202"], second["gates"]) == (5_000, 5_000, ["required_fields_empty"])
    assert market.done(await bench.get(provider, f"{path}/quality-report")) == second
    told_to_neighbours = (await bench.ask_as_service("trading", "GET", path)).json()
    assert told_to_neighbours["quality_gates"] == ["required_fields_empty"]
    assert (await market.acts())[-2:] == ["quality_assessed", "quality_assessed"]
    unknown = await bench.post(provider, f"{path}/quality-declaration", {"key_fields": ["nowhere"]})
    assert refusal(unknown) == (409, "field_not_there")


async def test_who_reads_a_quality_report(market: Market):
    bench, provider = market.bench, await market.provider()
    people = {clearance: await bench.member("buyer", clearance=clearance) for clearance in (C1, C2, C3, C4)}
    nobody = refusal(await bench.get(people[C4], f"/catalog/v1/versions/{VersionId.new()}/quality-report"))
    for impacts, readers in (
        (harm("individual", "serious"), {C1, C2, C3, C4}),  # G3: everyone with a token
        (harm("individual", "extreme"), {C3, C4}),  # G4: whoever sees the entry
    ):
        version_id = (await market.registered(provider, impacts=impacts))["versions"][0]["id"]
        path = f"/catalog/v1/versions/{version_id}/quality-report"
        for clearance, person in people.items():
            answer = await bench.get(person, path)
            assert answer.status_code == (200 if clearance in readers else 404)
            assert clearance in readers or refusal(answer) == (404, "no_quality_report")
        assert (await bench.get(bench.staff("regulator"), path)).status_code == (200 if C1 in readers else 404)
        assert (await bench.get(None, path)).status_code == 401
    assert nobody[0] == 404


async def test_a_report_that_has_expired_is_made_anew_from_what_is_known(market: Market):
    bench, provider = market.bench, await market.provider()
    version_id = (await market.registered(provider))["versions"][0]["id"]
    path = f"/catalog/v1/versions/{version_id}"
    declaration = {"data_as_of": bench.clock.now().isoformat().replace("+00:00", "Z")}
    first = market.done(await bench.post(provider, f"{path}/quality-declaration", declaration))
    bench.clock.advance(days=179)
    await jobs.tick(market.catalog)
    assert market.done(await bench.get(bench.staff("regulator"), f"{path}/quality-report")) == first
    bench.clock.advance(days=1)
    await jobs.tick(market.catalog)
    second = market.done(await bench.get(bench.staff("regulator"), f"{path}/quality-report"))
    timely = [
        next(one["basis_points"] for one in report["indicators"] if one["code"] == "0502") for report in (first, second)
    ]
    assert timely == [10_000, 156]  # monthly, after six months
    assert second["expires_at"] > first["expires_at"]


async def test_neighbours_are_told_the_report_on_a_version_by_the_digest_that_its_fact_has(market: Market):
    asset = await market.registered(await market.provider())
    version_id = asset["versions"][0]["id"]
    path = "/catalog/v1/versions/{}/assessment"
    told = (await market.bench.ask_as_service("trading", "GET", path.format(version_id))).json()
    assert told["digest"] == canonical.digest(told["report"])
    facts = [each.data for each in await market.facts() if each.act == "catalog.quality_assessed"]
    assert (facts[-1]["version_id"], facts[-1]["report_digest"]) == (version_id, told["digest"])
    nowhere = await market.bench.ask_as_service("trading", "GET", path.format(VersionId.new()))
    assert refusal(nowhere) == (404, "no_quality_report")

"""Terms of acceptance: which can be made, what breaks a clause, and where they stand from listing to contract."""

from typing import Any

import pytest

from services.trading.rules.acceptance_terms import (
    AcceptanceImpossible,
    AcceptanceTerms,
    Clause,
    ClauseImpossible,
    ClauseNamedTwice,
    Measure,
    ObservationDoesNotFit,
    standard_terms,
)
from services.trading.rules.market_rules import DAY, DEMO, STANDARD
from tests.trading.made import a_contract, a_listing, an_order
from tests.trading.market import Market, code

HASH, OTHER_HASH = "ab" * 32, "cd" * 32
PROMISED: dict[str, Any] = {
    "period_days": 30, "availability_basis_points": 9_990, "cap_basis_points": 3_000,
    "bands": [{"below_basis_points": 9_990, "credit_basis_points": 1_000}],
}  # fmt: skip
TERMS: dict[str, Any] = {
    "inspection_days": 3, "answer_days": 2, "accepting_use": 3, "cures_max": 2,
    "clauses": [
        {"id": "complete", "measure": "completeness", "bound": 9_800},
        {"id": "rows", "measure": "rows", "bound": 1_000},
        {"id": "fresh", "measure": "age_days", "bound": 30},
        {"id": "schema", "measure": "schema", "digest": HASH},
        {"id": "manner", "measure": "text", "digest": HASH},
    ],
    "service_level": PROMISED,
}  # fmt: skip


@pytest.mark.parametrize("measure, bound, observed, broken", [
    (Measure.COMPLETENESS, 9_800, 9_799, True),
    (Measure.COMPLETENESS, 9_800, 9_800, False),
    (Measure.COMPLETENESS, 9_800, 9_801, False),
    (Measure.UNIQUE,       9_900, 9_899, True),
    (Measure.UNIQUE,       9_900, 9_900, False),
    (Measure.ROWS,         1_000, 999,   True),
    (Measure.ROWS,         1_000, 1_000, False),
    (Measure.AGE_DAYS,     30,    30,    False),
    (Measure.AGE_DAYS,     30,    31,    True),
    (Measure.AGE_DAYS,     0,     1,     True),
])  # fmt: skip
def test_a_clause_about_a_number_is_broken_by_the_number_alone(
    measure: Measure, bound: int, observed: int, broken: bool
):
    assert Clause("clause", measure, bound).is_broken_by(observed) is broken


def test_a_schema_is_another_if_its_digest_is_and_words_are_for_people():
    assert Clause("schema", Measure.SCHEMA, digest=HASH).is_broken_by(OTHER_HASH)
    assert not Clause("schema", Measure.SCHEMA, digest=HASH).is_broken_by(HASH)
    assert Clause("text", Measure.TEXT, digest=HASH).is_broken_by(None)


@pytest.mark.parametrize("clause, observed", [
    (Clause("a", Measure.ROWS, 1), None),
    (Clause("a", Measure.ROWS, 1), HASH),
    (Clause("a", Measure.AGE_DAYS, 1), HASH),
    (Clause("a", Measure.SCHEMA, digest=HASH), 7),
    (Clause("a", Measure.SCHEMA, digest=HASH), None),
    (Clause("a", Measure.TEXT, digest=HASH), 7),
    (Clause("a", Measure.TEXT, digest=HASH), HASH),
], ids=lambda value: str(getattr(value, "measure", value))[:12])  # fmt: skip
def test_each_clause_is_answered_in_its_own_kind(clause: Clause, observed: int | str | None):
    with pytest.raises(ObservationDoesNotFit) as refused:
        clause.is_broken_by(observed)
    assert refused.value.facts == {"clause_id": "a", "measure": clause.measure}


@pytest.mark.parametrize("measure, least, most", [
    *((measure, 1, 10_000) for measure in Measure
      if measure not in {Measure.ROWS, Measure.AGE_DAYS, Measure.SCHEMA, Measure.TEXT}),
    (Measure.ROWS, 1, 10**12),
    (Measure.AGE_DAYS, 0, 36_500),
])  # fmt: skip
def test_a_number_lies_within_its_bounds_and_has_no_digest(measure: Measure, least: int, most: int):
    for bound in (least, most):
        assert Clause("a", measure, bound).bound == bound
    for bound, digest in ((least - 1, None), (most + 1, None), (None, None), (least, HASH), (None, HASH)):
        with pytest.raises(ClauseImpossible) as refused:
            Clause("a", measure, bound, digest)
        assert refused.value.facts == {"clause_id": "a", "bound_min": least, "bound_max": most}


@pytest.mark.parametrize("measure", [Measure.SCHEMA, Measure.TEXT])
def test_what_is_no_number_has_a_digest_and_no_bound(measure: Measure):
    assert Clause("a", measure, digest=HASH).digest == HASH
    for bound, digest in ((None, None), (1, HASH), (0, HASH), (1, None)):
        with pytest.raises(ClauseImpossible):
            Clause("a", measure, bound, digest)


@pytest.mark.parametrize("term, least, most", [
    ("inspection_seconds", 1, 30 * DAY),
    ("answer_seconds",     1, 15 * DAY),
    ("accepting_use",      2, None),
    ("cures_max",          0, 3),
])  # fmt: skip
def test_terms_lie_within_what_may_be_agreed(term: str, least: int, most: int | None):
    possible, impossible = [least], [least - 1]
    if most is not None:
        possible.append(most)
        impossible.append(most + 1)
    for value in possible:
        changes: dict[str, Any] = {term: value}
        assert getattr(AcceptanceTerms(**changes), term) == value
    for value in impossible:
        changes = {term: value}
        with pytest.raises(AcceptanceImpossible) as refused:
            AcceptanceTerms(**changes)
        assert refused.value.facts == {"term": term}


def test_there_are_at_most_twenty_clauses_each_with_a_name_of_its_own():
    clauses = tuple(Clause(f"clause_{number}", Measure.ROWS, 1) for number in range(21))
    terms = AcceptanceTerms(clauses=clauses[:20])
    assert terms.clause("clause_19") == clauses[19] and terms.clause("clause_20") is None
    with pytest.raises(AcceptanceImpossible) as refused:
        AcceptanceTerms(clauses=clauses)
    assert refused.value.facts == {"term": "clauses"}
    with pytest.raises(ClauseNamedTwice):
        AcceptanceTerms(clauses=(*clauses[:2], Clause("clause_0", Measure.AGE_DAYS, 1)))


@pytest.mark.parametrize("rules", [STANDARD, DEMO], ids=lambda rules: rules.name)
def test_without_terms_the_markets_windows_are_the_terms(rules: Any):
    seconds = rules.windows.acceptance_seconds
    terms = standard_terms(rules.windows)
    assert (terms.inspection_seconds, terms.answer_seconds) == (seconds, seconds)
    assert (terms.accepting_use, terms.clauses, terms.cures_max, terms.service_level) == (None, (), 1, None)


def test_an_order_keeps_the_terms_of_its_listing_and_their_inspection_period_is_its_window():
    terms = AcceptanceTerms(3 * DAY, 2 * DAY, 4, 0, (Clause("rows", Measure.ROWS, 7),))
    order = an_order(a_listing(acceptance=terms))
    assert (order.acceptance, order.windows.acceptance_seconds) == (terms, 3 * DAY)
    assert order.windows.delivery_seconds == STANDARD.windows.delivery_seconds
    usual = an_order()
    assert (usual.acceptance, usual.windows) == (standard_terms(STANDARD.windows), STANDARD.windows)


def test_the_terms_are_signed():
    listing = a_listing(acceptance=AcceptanceTerms(clauses=(Clause("rows", Measure.ROWS, 7),)))
    with_terms, without = a_contract(listing), a_contract()
    assert '"clauses":[{"bound":7,"id":"rows","measure":"rows"}]' in with_terms.terms
    assert '"clauses":[]' in without.terms


async def test_terms_stand_in_listing_order_contract_and_log_alike(market: Market):
    listing = await market.listing(acceptance=TERMS)
    buyer, order = await market.won(listing=listing)
    told = listing["acceptance"]
    assert (told["inspection_seconds"], told["answer_seconds"]) == (3 * DAY, 2 * DAY)
    assert [each["id"] for each in told["clauses"]] == ["complete", "rows", "fresh", "schema", "manner"]
    assert told["service_level"]["bands"] == [{"below_basis_points": 9_990, "credit_basis_points": 1_000}]
    assert order["acceptance"] == told
    assert (await market.read(market.provider, f"/listings/{listing['id']}"))["acceptance"] == told
    signed = (await market.read(buyer, f"/contracts/{order['contract_id']}"))["terms"]
    logged = [(await market.facts(act))[0]["acceptance"] for act in ("listing_opened", "order_placed")]
    assert [signed["acceptance"], *logged] == [logged[0]] * 3
    assert signed["windows"]["acceptance_seconds"] == logged[0]["inspection_seconds"] == 3 * DAY


REFUSED: tuple[tuple[dict[str, Any], str], ...] = (
    ({"inspection_days": 31}, "malformed"),
    ({"inspection_days": 0}, "malformed"),
    ({"accepting_use": 1}, "malformed"),
    ({"clauses": [{"id": "a", "measure": "beauty", "bound": 1}]}, "malformed"),
    ({"clauses": [{"id": "a", "measure": "rows"}]}, "clause_impossible"),
    ({"clauses": [{"id": "a", "measure": "rows", "bound": 1}] * 2}, "clause_named_twice"),
    ({"service_level": {**PROMISED, "slow_credit_basis_points": 1}}, "service_level_impossible"),
)


async def test_terms_that_cannot_be_kept_are_refused(market: Market):
    for changes, told in REFUSED:
        assert code(await market.list_it(acceptance=TERMS | changes)) == (422, told)

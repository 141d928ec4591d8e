"""Lineage: what a version is made from, what that passes on, and who sees which part of the graph."""

from collections.abc import Awaitable, Callable
from itertools import product
from typing import Any

import pytest
from httpx2 import Response
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, event

from services.catalog import jobs
from services.catalog.rules import grading, lineage
from services.catalog.rules.grading import Grounds, Impact
from services.catalog.rules.lineage import (
    NO_LIMIT,
    LicenceTerms,
    NoCommonLicence,
    NotDerivable,
    Parent,
    Processing,
    inherited,
    intersection,
)
from shared.errors import Failure
from shared.grades import C1, C3, G1, G2, G3, G4, Flag, Grade
from shared.ids import ParticipantId, VersionId
from tests.catalog.market import Market, a_field, harm, refusal
from tests.support.bench import Person

US, THEM = ParticipantId.new(), ParticipantId.new()
NO_IMPACT = Impact(grading.Object.INDIVIDUAL, grading.Degree.NONE, "无")
GRADES = st.sampled_from([grade for grade in Grade if grade <= G4])
FLAGS = st.frozensets(st.sampled_from(Flag))
WORDS = st.none() | st.frozensets(st.sampled_from(["research", "credit", "health"]), min_size=1)
TERRITORIES = st.none() | st.frozensets(st.sampled_from(["CN", "CN-11", "CN-31", "HK"]), min_size=1)
TERMS = st.builds(
    LicenceTerms, WORDS, WORDS, TERRITORIES, st.none() | st.integers(1, 3650), st.booleans(), st.booleans()
)
PARENTS = st.builds(Parent, st.just(VersionId.new()), st.just(US), st.sampled_from(Processing), GRADES, FLAGS)


def a_parent(processing: Processing, grade: Grade = G4, *flags: Flag, of: ParticipantId = US) -> Parent:
    return Parent(VersionId.new(), of, processing, grade, frozenset(flags))


def graded_from(*parents: Parent) -> tuple[Grade, frozenset[Flag]]:
    found = grading.grade(Grounds((NO_IMPACT,), derived=parents), ())
    return found.grade, found.flags


@pytest.mark.parametrize("processing, grade, flags", [
    ("labelled",     G4, {Flag.PERSONAL, Flag.GEOGRAPHIC}),
    ("cleaned",      G4, {Flag.PERSONAL, Flag.GEOGRAPHIC}),
    ("fused",        G4, {Flag.PERSONAL, Flag.GEOGRAPHIC}),
    ("desensitised", G2, {Flag.PERSONAL, Flag.GEOGRAPHIC}),  # personal information still, so at least G2
    ("aggregated",   G1, set[Flag]()),
])  # fmt: skip
def test_what_a_parent_of_g4_passes_on(processing: str, grade: Grade, flags: set[Flag]):
    assert graded_from(a_parent(Processing(processing), G4, Flag.PERSONAL, Flag.GEOGRAPHIC)) == (grade, flags)


def test_each_reason_names_the_parent_and_the_processing():
    parent = a_parent(Processing.FUSED, G3)
    reason = grading.grade(Grounds(derived=(parent,)), ()).reasons[0]
    assert (reason.rule, reason.grade, reason.parent) == ("derived.fused", G3, parent.version_id)
    assert parent.version_id in reason.text


@given(st.lists(PARENTS, max_size=4), PARENTS)
def test_a_further_parent_never_lowers_the_grade(parents: list[Parent], another: Parent):
    (before, flags), (after, more) = graded_from(*parents), graded_from(*parents, another)
    assert after >= before and more >= flags


@given(st.permutations([a_parent(kind, grade) for kind, grade in product(Processing, (G1, G3))]))
def test_the_order_of_parents_changes_nothing(parents: list[Parent]):
    assert grading.grade(Grounds(derived=tuple(parents)), ()) == grading.grade(
        Grounds(derived=tuple(sorted(parents, key=lambda one: one.version_id))), ()
    )


def allows(terms: LicenceTerms, purpose: str, field: str, territory: str, days: int) -> bool:
    """The naive reading of terms, as a listing is checked."""
    return (
        (terms.purposes is None or purpose in terms.purposes)
        and (terms.fields is None or field in terms.fields)
        and (terms.territories is None or bool({territory, territory[:2]} & terms.territories))
        and (terms.period_days_max is None or days <= terms.period_days_max)
    )


@given(TERMS, TERMS)
def test_what_both_terms_allow_is_what_their_intersection_allows(one: LicenceTerms, other: LicenceTerms):
    offers = list(product(["research", "credit"], ["research", "health"], ["CN", "CN-11", "CN-44", "HK"], [1, 400]))
    both = [offer for offer in offers if allows(one, *offer) and allows(other, *offer)]
    try:
        common = intersection(one, other)
    except NoCommonLicence:
        assert not both
        return
    assert [offer for offer in offers if allows(common, *offer)] == both
    assert common == intersection(other, one)
    assert common.derivable == (one.derivable and other.derivable)


def test_terms_are_inherited_from_every_parent():
    own = LicenceTerms(purposes=frozenset({"research", "credit"}))
    first = LicenceTerms(purposes=frozenset({"research", "health"}), period_days_max=90)
    second = LicenceTerms(territories=frozenset({"CN"}), redistributable=False)
    parents = [(a_parent(Processing.FUSED), first), (a_parent(Processing.FUSED), second)]
    assert inherited(own, US, parents) == LicenceTerms(
        frozenset({"research"}), None, frozenset({"CN"}), 90, False, True
    )


@pytest.mark.parametrize("terms, whose, refused", [
    (None, "theirs", NotDerivable),  # another's version says nothing
    (LicenceTerms(derivable=False), "theirs", NotDerivable),
    (LicenceTerms(purposes=frozenset({"health"})), "ours", NoCommonLicence),
])  # fmt: skip
def test_what_cannot_be_derived(terms: LicenceTerms | None, whose: str, refused: type[Failure]):
    parent = a_parent(Processing.FUSED, of={"ours": US, "theirs": THEM}[whose])
    with pytest.raises(refused):
        inherited(LicenceTerms(purposes=frozenset({"credit"})), US, [(parent, terms)])


def test_ones_own_versions_set_no_limit_until_they_say_so():
    assert inherited(NO_LIMIT, US, [(a_parent(Processing.CLEANED), None)]) == NO_LIMIT


def test_no_version_is_made_from_itself_or_from_one_twice():
    one, other = VersionId.new(), VersionId.new()
    for edges in ([(one, one)], [(one, other), (one, other)]):
        with pytest.raises(lineage.DerivesFromItself):
            lineage.require_parents([lineage.Edge(*edge, Processing.CLEANED) for edge in edges])


async def declare(market: Market, who: Person, version_id: str, **parents: str) -> Response:
    told = [{"version_id": parent, "processing": processing.rstrip("_")} for processing, parent in parents.items()]
    return await market.bench.post(who, f"/catalog/v1/versions/{version_id}/lineage", {"parents": told})


async def graph(market: Market, who: Person | None, version_id: str, query: str = "") -> dict[str, Any]:
    return market.done(await market.bench.get(who, f"/catalog/v1/versions/{version_id}/lineage{query}"))


async def chain(market: Market, provider: Person, length: int, **changes: Any) -> list[str]:
    """Registered versions, each cleaned from the one before."""
    versions: list[str] = []
    for number in range(length):
        draft = await market.drafted(provider, title=f"第 {number} 代", **changes)
        version_id = draft["versions"][0]["id"]
        if versions:
            market.done(await declare(market, provider, version_id, cleaned=versions[-1]))
        await finished(market, provider, draft)
        versions.append(version_id)
    return versions


async def finished(
    market: Market, provider: Person, draft: dict[str, Any], *fields: dict[str, Any],
    impacts: list[dict[str, str]] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """A draft, inspected, graded and registered."""
    version_id = draft["versions"][0]["id"]
    await market.inspected(version_id, *fields)
    await market.graded(provider, version_id, impacts or harm("individual", "none"))
    await market.declared(provider, draft["id"], personal_information_basis="同意")
    asset = market.done(await market.bench.post(provider, f"/catalog/v1/assets/{draft['id']}/submit"))
    while asset["state"] != "registered":
        yes = {"grade": asset["versions"][-1]["grade"], "note": "已复核"}
        operator = market.bench.staff("operator_business")
        asset = market.done(await market.bench.post(operator, f"/catalog/v1/assets/{draft['id']}/register", yes))
    return asset


def ids(shown: dict[str, Any]) -> set[str]:
    return {node["version_id"] for node in shown["nodes"]}


async def test_the_graph_is_walked_in_both_directions_so_far_as_asked(market: Market):
    provider = await market.provider()
    first, second, third, fourth = await chain(market, provider, 4)
    whole = await graph(market, None, second, "?depth=10")
    assert ids(whole) == {first, second, third, fourth} and not whole["is_cut"]
    assert [(edge["version_id"], edge["parent_id"]) for edge in whole["edges"]] == [
        (second, first), (third, second), (fourth, third),
    ]  # fmt: skip
    up, down = await graph(market, None, second, "?direction=up"), await graph(market, None, second, "?direction=down")
    assert (ids(up), ids(down)) == ({first, second}, {second, third, fourth})
    near = await graph(market, None, second, "?direction=down&depth=1")
    assert ids(near) == {second, third} and near["is_cut"]


async def test_what_does_not_show_is_not_in_the_graph_nor_what_lies_beyond(market: Market):
    provider, high = await market.provider(), await market.bench.member("buyer", clearance=C3)
    first, second, third = await chain(market, provider, 3)
    raised = {"impacts": harm("individual", "extreme"), "reason": "泄露"}
    market.done(
        await market.bench.post(market.bench.staff("regulator"), f"/catalog/v1/versions/{second}/raise-grade", raised)
    )  # and so is the third, which was cleaned from it
    low = await market.bench.member("buyer", clearance=C1)
    seen = await graph(market, low, first)
    assert ids(seen) == {first} and seen["edges"] == [] and not seen["is_cut"]
    assert not (await graph(market, low, first, "?depth=1"))["is_cut"]  # nor is it hinted at
    assert ids(await graph(market, high, first)) == {first, second, third}
    assert ids(await graph(market, provider, third)) == {first, second, third}
    hidden = await market.bench.get(low, f"/catalog/v1/versions/{second}/lineage")
    nowhere = await market.bench.get(low, f"/catalog/v1/versions/{VersionId.new()}/lineage")
    assert refusal(hidden) == refusal(nowhere) == (404, "no_such_version")


async def test_a_raise_reaches_everything_that_has_to_keep_the_grade(market: Market):
    bench, provider = market.bench, await market.provider()
    first, second, third = await chain(market, provider, 3)
    draft = await market.drafted(provider)
    aggregated = draft["versions"][0]["id"]
    market.done(await declare(market, provider, aggregated, aggregated=first))
    await finished(market, provider, draft)
    raised = {"impacts": harm("organisation", "serious"), "reason": "精度提高"}
    market.done(await bench.post(bench.staff("regulator"), f"/catalog/v1/versions/{first}/raise-grade", raised))
    grades = [
        market.done(await bench.get(provider, f"/catalog/v1/versions/{one}/grade"))["grade"]
        for one in (first, second, third, aggregated)
    ]
    assert grades == ["G3", "G3", "G3", "G1"]
    assert (await market.acts())[-3:] == ["grade_raised"] * 3
    before = len(await market.acts())
    await jobs.tick(market.catalog)
    assert len(await market.acts()) == before


async def test_a_grade_below_that_of_a_parent_is_confirmed_by_two(market: Market):
    bench, provider = market.bench, await market.provider()
    secret = await market.registered(provider, impacts=harm("individual", "extreme"))
    draft = await market.drafted(provider, title="月度汇总")
    version_id = draft["versions"][0]["id"]
    market.done(await declare(market, provider, version_id, aggregated=secret["versions"][0]["id"]))
    await market.inspected(version_id)
    assert (await market.graded(provider, version_id))["grade"] == "G1"
    await market.declared(provider, draft["id"])
    market.done(await bench.post(provider, f"/catalog/v1/assets/{draft['id']}/submit"))
    states: list[str] = []
    for _ in range(2):
        yes = {"grade": "G1", "note": "汇总后不可还原"}
        path = f"/catalog/v1/assets/{draft['id']}/register"
        states.append(market.done(await bench.post(bench.staff("operator_business"), path, yes))["state"])
    assert states == ["submitted", "registered"]


async def test_a_version_is_graded_again_when_its_parents_are_declared(market: Market):
    provider = await market.provider()
    parent = await market.registered(provider, a_field("手机", "phone"), impacts=harm("organisation", "serious"))
    draft = await market.drafted(provider)
    version_id = draft["versions"][0]["id"]
    await market.inspected(version_id)
    assert (await market.graded(provider, version_id))["grade"] == "G1"
    market.done(await declare(market, provider, version_id, fused=parent["versions"][0]["id"]))
    found = market.done(await market.bench.get(provider, f"/catalog/v1/versions/{version_id}/grade"))
    assert (found["grade"], found["flags"]) == ("G3", ["personal"])
    assert found["reasons"][0]["parent"] == parent["versions"][0]["id"]
    market.done(await declare(market, provider, version_id))  # it was a mistake
    assert market.done(await market.bench.get(provider, f"/catalog/v1/versions/{version_id}/grade"))["grade"] == "G1"


async def test_who_may_derive_from_what(market: Market):
    bench, provider, other = market.bench, await market.provider(), await market.provider()
    shut = (await market.registered(provider))["versions"][0]["id"]
    draft = await market.drafted(provider)
    open_one = draft["versions"][0]["id"]
    terms = {"purposes": ["research"], "redistributable": False, "derivable": True}
    market.done(await bench.post(provider, f"/catalog/v1/versions/{open_one}/licence-terms", terms))
    await finished(market, provider, draft)
    mine = (await market.drafted(other))["versions"][0]["id"]
    assert refusal(await declare(market, other, mine, fused=shut)) == (409, "not_derivable")
    assert refusal(await declare(market, other, mine, fused=mine)) == (409, "derives_from_itself")
    assert refusal(await declare(market, other, mine, fused=VersionId.new())) == (404, "no_such_version")
    unregistered = (await market.drafted(other))["versions"][0]["id"]
    assert refusal(await declare(market, other, mine, fused=unregistered)) == (409, "parent_not_registered")
    assert refusal(await declare(market, other, shut, fused=open_one)) == (404, "no_such_version")
    assert refusal(await declare(market, provider, shut, fused=open_one)) == (409, "lineage_settled")
    market.done(await declare(market, other, mine, fused=open_one))
    shown = market.done(await bench.get(other, f"/catalog/v1/versions/{mine}/licence-terms"))
    assert (shown["declared"]["purposes"], shown["in_force"]["purposes"]) == (None, ["research"])
    clash = {"purposes": ["credit"], "redistributable": True, "derivable": True}
    refused = await bench.post(other, f"/catalog/v1/versions/{mine}/licence-terms", clash)
    assert refusal(refused) == (409, "no_common_licence") and refused.json()["term"] == "purposes"


async def test_a_wide_graph_takes_no_more_statements_than_a_narrow_one(market: Market):
    provider = await market.provider()
    root = (await market.registered(provider))["versions"][0]["id"]
    counts: list[int] = []
    for children in (1, 5):
        for _ in range(children):
            draft = await market.drafted(provider)
            market.done(await declare(market, provider, draft["versions"][0]["id"], cleaned=root))
        counts.append(await _statements(market, lambda: graph(market, provider, root, "?depth=1&direction=down")))
    assert counts[0] == counts[1]


async def _statements(market: Market, ask: Callable[[], Awaitable[object]]) -> int:
    """How many statements of this catalogue's tables that takes."""
    asked: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        if "lineage_edges" in statement or "FROM versions" in statement or statement.startswith("SELECT assets"):
            asked.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        await ask()
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    return len(asked)

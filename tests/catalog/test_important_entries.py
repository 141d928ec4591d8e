"""Important data before buyers: there for nobody, asked for by who was told of them, shown to who was approved."""

from dataclasses import replace

import pytest

from services.catalog.rules.asset import Entry
from services.catalog.rules.viewing import Viewer, may_be_told_of, version_shown
from services.catalog.store import entries
from shared.grades import C4, C5, Clearance, Grade, Visibility
from shared.ids import ParticipantId, VersionId
from tests.catalog.made import a_registered
from tests.catalog.market import Market, refusal
from tests.catalog.test_access import ask, decide

NONE, FULL = Visibility.NONE, Visibility.FULL


def of_grade(grade: str, provider_id: ParticipantId | None = None) -> Entry:
    """A registered entry whose one version has this grade, however it came to it."""
    entry = a_registered(provider_id=provider_id)
    [version] = entry.versions
    assert version.graded
    graded = replace(version.graded, grade=Grade(grade))
    return replace(
        entry, asset=replace(entry.asset, grade=Grade(grade)), versions=(replace(version, graded=graded),)
    )  # fmt: skip


@pytest.mark.parametrize("grade, clearance, told", [
    ("G5", "C5", True), ("G5", "C4", False), ("G5", None, False), ("G4", "C5", False), ("G6", "C5", False),
])  # fmt: skip
def test_who_may_be_told_of_a_version(grade: str, clearance: str | None, told: bool):
    entry = of_grade(grade)
    version = entry.versions[0]
    trusted = None if clearance is None else Clearance(clearance)
    viewer = Viewer(ParticipantId.new(), trusted, approved=frozenset({version.id}))
    assert may_be_told_of(entry, version, viewer) is told
    if grade != "G4":
        assert version_shown(entry, version, viewer) is (FULL if told else NONE)
        assert version_shown(entry, version, replace(viewer, approved=frozenset())) is NONE


async def test_important_data_are_asked_for_by_their_id_and_shown_order_by_order(market: Market):
    bench, provider = market.bench, await market.provider()
    entry = of_grade("G5", provider.participant_id)
    version_id, path = entry.versions[0].id, f"/catalog/v1/assets/{entry.asset.id}"
    async with market.catalog.database.transaction() as tx:
        await entries.add_entry(tx, entry)
    invited, other = [await bench.member("buyer", clearance=C5) for _ in range(2)]
    await ask(market, await bench.member("buyer", clearance=C4), version_id, 404)
    await ask(market, invited, VersionId.new(), 404)
    request = await ask(market, invited, version_id)
    await decide(market, provider, request, "approval")
    assert refusal(await bench.get(invited, path)) == (404, "no_such_asset")  # one of two levels has agreed
    await decide(market, await market.officer(entry.asset.id, "G5"), request, "second-approval")
    seen = market.done(await bench.get(invited, path))
    assert [version["id"] for version in seen["versions"]] == [version_id]
    assert refusal(await bench.get(other, path)) == (404, "no_such_asset")
    assert market.done(await bench.get(invited, "/catalog/v1/assets"))["items"] == []  # no list tells of it
    bench.clock.advance(days=30)
    await bench.refresh()
    assert refusal(await bench.get(invited, path)) == (404, "no_such_asset")

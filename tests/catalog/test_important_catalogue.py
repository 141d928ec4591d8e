"""The catalogue of important data as it stood on a day: whole, under its digest, and what changed since another."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.rules.important_catalogue import (
    Change,
    Kind,
    Row,
    Status,
    changes,
    digest,
    figures,
    status_of,
    take,
)
from services.catalog.rules.important_data import Basis
from shared.grades import G5, G6, Grade
from shared.ids import AssetId, CatalogueSnapshotId, ParticipantId, VersionId
from tests.catalog.made import NOON
from tests.catalog.market import Market, harm, refusal

VERSIONS = sorted(VersionId(f"version_{number:032x}") for number in range(6))
PROVIDERS = [ParticipantId.new() for _ in range(2)]
ASSET = AssetId.new()


def a_row(index: int = 0, **changes: Any) -> Row:
    row = Row(
        VERSIONS[index], ASSET, PROVIDERS[index % 2], "电网负荷", "energy", G5, Status.DECLARED, "省数据局", "N-1",
        False, 100, NOON + timedelta(days=1),
    )  # fmt: skip
    return replace(row, **changes)


def some_row(index: int, status: Status, grade: Grade, count: int) -> Row:
    return a_row(index, status=status, grade=grade, content_rows=count)


def version_of(row: Row) -> VersionId:
    return row.version_id


each_row = st.builds(some_row, st.integers(0, 5), st.sampled_from(Status), st.sampled_from([G5, G6]), st.integers(0, 3))
rows = st.lists(each_row, unique_by=version_of, max_size=6)


@given(rows, rows)
def test_the_changes_lead_from_the_one_to_the_other(before: list[Row], after: list[Row]):
    walked, target = {row.version_id: row for row in before}, {row.version_id: row for row in after}
    for change in changes(before, after):
        match change.kind:
            case Kind.REMOVED:
                del walked[change.version_id]
            case Kind.ADDED:
                assert change.version_id not in walked
                walked[change.version_id] = target[change.version_id]
            case Kind.CHANGED:
                new = {name: getattr(target[change.version_id], name) for name in change.fields}
                assert new
                walked[change.version_id] = replace(walked[change.version_id], **new)
    assert walked == target


@given(rows)
def test_the_same_rows_have_one_digest_in_whatever_order(some: list[Row]):
    assert digest(some) == digest(list(reversed(some))) and changes(some, list(reversed(some))) == []
    assert digest([*some[1:]]) != digest(some) or not some


def test_a_change_names_what_differs():
    old = a_row(1, status=Status.SUSPECTED, authority=None, number=None)
    assert changes([a_row(0), old], [a_row(1), a_row(2)]) == [
        Change(Kind.REMOVED, VERSIONS[0]), Change(Kind.CHANGED, VERSIONS[1], ("status", "authority", "number")),
        Change(Kind.ADDED, VERSIONS[2]),
    ]  # fmt: skip


@pytest.mark.parametrize("basis, status", [
    (None, "suspected"), (Basis.DECLARED, "declared"), (Basis.NOTIFIED, "notified"), (Basis.PUBLISHED, "published"),
])  # fmt: skip
def test_what_is_filed_nowhere_is_suspected(basis: Basis | None, status: str):
    assert status_of(basis) == status


def test_the_figures_of_a_yearly_report():
    some = [
        a_row(0), a_row(1, status=Status.SUSPECTED, assessed_until=None), a_row(2, grade=G6, assessed_until=NOON),
    ]  # fmt: skip
    told = figures(take(CatalogueSnapshotId.new(), some, "user_o", NOON))
    assert (told.versions, told.providers, told.content_rows, told.assessed) == (3, 2, 300, 1)
    assert (told.by_grade, told.by_status) == ({G5: 2, G6: 1}, {"declared": 2, "suspected": 1})


# Over HTTP

PATH = "/catalog/v1/important-data/snapshots"


async def test_a_catalogue_is_kept_and_compared_with_the_one_before(market: Market):
    security, regulator = market.bench.staff("operator_security"), market.bench.staff("regulator")
    first = market.done(await market.bench.post(security, PATH), 201)
    assert first["figures"]["versions"] == 0
    assert refusal(await market.bench.get(regulator, f"{PATH}/{first['id']}/changes")) == (404, "no_such_snapshot")
    provider = await market.provider()
    version_id = (await market.drafted(provider))["versions"][0]["id"]
    await market.inspected(version_id)
    await market.graded(provider, version_id, harm("public_interest", "serious"))
    suspected, again = [await market.bench.post(security, PATH, key="one-key-for-it") for _ in range(2)]
    assert suspected.json() == again.json() and suspected.json()["figures"]["by_status"] == {"suspected": 1}
    told = {"basis": "declared", "authority": "省数据局", "number": "N-7", "filed_at": "2029-12-01T00:00:00Z"}
    filed_at = (market.bench.clock.now() - timedelta(days=1)).isoformat()
    filing = await market.bench.post(
        provider, f"/catalog/v1/versions/{version_id}/authority-filings", told | {"filed_at": filed_at}
    )  # fmt: skip
    market.done(filing, 201)
    last = market.done(await market.bench.post(security, PATH), 201)
    seen = market.done(await market.bench.get(regulator, f"{PATH}/{last['id']}/changes"))
    assert seen == {
        "since_id": suspected.json()["id"],
        "items": [{"kind": "changed", "version_id": version_id, "fields": ["status", "authority", "number"]}],
    }
    whole = market.done(
        await market.bench.get(regulator, f"{PATH}/{last['id']}/changes", params={"since_id": first["id"]})
    )
    assert [change["kind"] for change in whole["items"]] == ["added"]
    exported = market.done(await market.bench.get(regulator, f"{PATH}/{last['id']}"))
    assert [(row["version_id"], row["status"], row["number"]) for row in exported["rows"]] == [
        (version_id, "declared", "N-7"),
    ]  # fmt: skip
    listed = market.done(await market.bench.get(security, PATH))["items"]
    assert [one["id"] for one in listed] == [last["id"], suspected.json()["id"], first["id"]]
    facts = [change.data for change in await market.facts() if change.act == "catalog.catalogue_taken"]
    assert [fact["digest"] for fact in facts] == [first["digest"], suspected.json()["digest"], last["digest"]]


async def test_only_the_operator_for_security_keeps_one_and_members_read_none(market: Market):
    for role in ("regulator", "operator_business", "operator_audit"):
        assert (await market.bench.post(market.bench.staff(role), PATH)).status_code == 403
    assert (await market.bench.get(await market.provider(), PATH)).status_code == 403
    absent = await market.bench.get(market.bench.staff("regulator"), f"{PATH}/{CatalogueSnapshotId.new()}")
    assert refusal(absent) == (404, "no_such_snapshot")

"""From the cells of a file to the reasons of its grade: what the inspector finds is what the grade rests on."""

from hashlib import sha256
from typing import Any

import pytest

from services.demo import shelves
from services.demo.shelves import CIVIC
from tests.delivery.made_files import csv_of, persons
from tests.journeys.conftest import ON_SQLITE
from tests.support.whole import WholeMarket

ABOUT = {"title": "居民名录", "description": "虚构的居民", "theme": "commerce", "update_cycle": "never"}
NO_HARM = {"impacts": [{"object": "individual", "degree": "none", "rationale": "自评无危害"}], "flags": []}
ROWS = [line.split(",") for line in persons().decode().splitlines()[1:]]


async def graded(market: WholeMarket, content: bytes) -> dict[str, Any]:
    """The grade of this content if its provider sees no harm in it."""
    provider = market.people[CIVIC]
    version_id = (await provider.post("/catalog/v1/assets", ABOUT))["versions"][0]["id"]
    declared = {
        "version_id": version_id, "media_type": "text/csv", "bytes": len(content),
        "content_hash": sha256(content).hexdigest(), "file_name": "persons.csv",
    }  # fmt: skip
    upload = await provider.post("/delivery/v1/uploads", declared)
    path = f"/delivery/v1/uploads/{upload['id']}"
    await provider.put(f"{path}/content", content, "text/csv")
    await market.until(
        lambda: provider.get(path), lambda seen: seen["state"] in {"inspected", "refused"}, "the inspection"
    )
    return await provider.post(f"/catalog/v1/versions/{version_id}/grade-proposals", NO_HARM)


@pytest.fixture
async def people(market: WholeMarket) -> WholeMarket:
    await shelves.open_market(market)
    await shelves.admit(market, CIVIC)
    await market.settle()
    return market


@ON_SQLITE
async def test_taking_the_evidence_out_of_the_file_changes_the_grade(people: WholeMarket):
    whole = await graded(people, csv_of(["c1", "c2"], [[row[0], row[1]] for row in ROWS]))
    assert (whole["grade"], whole["flags"]) == ("G3", ["personal", "sensitive_personal"])
    decisive = whole["reasons"][0]
    assert (decisive["rule"], decisive["field"], decisive["kind"]) == (
        "floor.identity_with_contact", "c2", "resident_id",
    )  # fmt: skip
    assert (decisive["name_hit"], decisive["hit_basis_points"], decisive["checksum_basis_points"]) == (
        False, 10_000, 10_000,
    )  # fmt: skip
    assert (decisive["with_field"], decisive["with_kind"]) == ("c1", "name")

    without_ids = await graded(people, csv_of(["c1", "c2"], [[row[0], "-"] for row in ROWS]))
    assert (without_ids["grade"], {reason["kind"] for reason in without_ids["reasons"]}) == ("G2", {None, "name"})
    without_persons = await graded(people, csv_of(["c1", "c2"], [["-", "-"] for _ in ROWS]))
    assert (without_persons["grade"], without_persons["flags"]) == ("G1", [])


@ON_SQLITE
async def test_one_number_quoted_in_a_thousand_remarks_is_personal_information(people: WholeMarket):
    remarks = [["货已到"]] * 999 + [["请联系 11010519491231002X 本人"]]
    grade = await graded(people, csv_of(["remark"], remarks))
    assert (grade["grade"], grade["flags"]) == ("G2", ["personal"])
    reason = grade["reasons"][0]
    assert (reason["rule"], reason["field"], reason["hit_basis_points"]) == ("floor.personal", "remark", 10)

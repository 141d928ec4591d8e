"""Samples over HTTP: what each clearance is shown at each grade, and what is written down of it."""

import pytest

from shared.grades import C1, C2, C3, G1, G2, G3, G4, G5, Clearance, Flag, Grade
from shared.ids import VersionId
from tests.delivery.desk import ONE_DATABASE, Desk
from tests.delivery.made_files import PLACES, persons
from tests.support.bench import Person

pytestmark = ONE_DATABASE


def path(version_id: VersionId) -> str:
    return f"/delivery/v1/versions/{version_id}/sample"


@pytest.mark.parametrize("grade, flags, clearance, status, told", [
    (G1, [],                        C1, 200, "real"),
    (G2, [],                        C1, 200, "real"),
    (G2, [Flag.PERSONAL],           C1, 200, "desensitised"),
    (G3, [Flag.PERSONAL],           C1, 403, "clearance_too_low"),
    (G3, [Flag.PERSONAL],           C2, 200, "desensitised"),
    (G4, [],                        C2, 404, "no_such_version"),
    (G4, [],                        C3, 403, "sample_not_offered"),
    (G5, [],                        C3, 404, "no_such_version"),
])  # fmt: skip
async def test_what_each_clearance_is_shown(
    desk: Desk, grade: Grade, flags: list[Flag], clearance: Clearance, status: int, told: str
):
    provider, buyer = await desk.bench.member("provider"), await desk.bench.member("buyer", clearance=clearance)
    version_id = await desk.stocked(provider, PLACES, grade, *flags)
    answer = await desk.bench.get(buyer, path(version_id))
    body = answer.json()
    assert (answer.status_code, body.get("kind") or body["code"]) == (status, told)


async def persons_for(desk: Desk) -> tuple[Person, Person, VersionId]:
    provider, buyer = await desk.bench.member("provider"), await desk.bench.member("buyer", clearance=C3)
    return provider, buyer, await desk.stocked(provider, persons(), G3, Flag.PERSONAL)


async def test_a_desensitised_sample_shows_nobody(desk: Desk):
    _, buyer, version_id = await persons_for(desk)
    shown = (await desk.bench.get(buyer, path(version_id))).json()
    assert shown["fields"] == ["姓名", "身份证号", "手机号", "地址"] and len(shown["rows"]) == 20
    real = persons().decode()
    assert not [cell for row in shown["rows"] for cell in row if cell in real and "*" not in cell]
    assert all(row[0].endswith("*") and row[1].endswith("***") and row[2][3:7] == "****" for row in shown["rows"])


async def test_asking_again_shows_no_more(desk: Desk):
    provider, buyer, version_id = await persons_for(desk)
    first, again, owner = [await desk.bench.get(who, path(version_id)) for who in (buyer, buyer, provider)]
    assert first.json() == again.json() == owner.json()
    assert len(await desk.facts("rendition_made")) == 1


async def test_showing_and_refusing_are_both_written_down(desk: Desk):
    _, buyer, version_id = await persons_for(desk)
    low = await desk.bench.member("buyer", clearance=C1)
    for who in (buyer, low):
        await desk.bench.get(who, path(version_id))
    [shown], [refused] = await desk.facts("sample_shown"), await desk.facts("sample_refused")
    assert (shown["version_id"], shown["kind"], shown["row_count"]) == (version_id, "desensitised", 20)
    assert (refused["version_id"], refused["reason_code"]) == (version_id, "clearance_too_low")


async def test_an_ungraded_version_and_an_absent_one_look_the_same(desk: Desk):
    provider, buyer = await desk.bench.member("provider"), await desk.bench.member("buyer")
    answers = [await desk.bench.get(buyer, path(one)) for one in (desk.shelf.add(provider), VersionId.new())]
    assert [answer.status_code for answer in answers] == [404, 404]


async def test_a_draft_is_shown_to_its_provider_alone(desk: Desk):
    provider, buyer = await desk.bench.member("provider"), await desk.bench.member("buyer")
    version_id = await desk.stocked(provider, PLACES, G1)
    desk.shelf.change(version_id, asset_state="submitted")
    assert (await desk.bench.get(provider, path(version_id))).status_code == 200
    assert (await desk.bench.get(buyer, path(version_id))).status_code == 404


async def test_an_operator_sees_no_content(desk: Desk):
    _, _, version_id = await persons_for(desk)
    for role in ("operator_business", "operator_security", "regulator"):
        assert (await desk.bench.get(desk.bench.staff(role), path(version_id))).status_code == 403

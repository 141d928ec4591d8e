"""Plans show by the grade of their own version, as the catalogue's versions do (decision 9)."""

from shared.grades import Clearance
from tests.catalog.market import NOTHING_HARMED, Market, harm
from tests.catalog.test_one_rule import BY_HAND, BY_OFFICE, CLEARANCES, OFFICES, by_hand

HARM = {
    "G1": NOTHING_HARMED, "G2": harm("individual", "ordinary"), "G3": harm("individual", "serious"),
    "G4": harm("economy", "ordinary"),
}  # fmt: skip


async def test_a_plan_shows_to_whom_its_version_shows_at_all(market: Market):
    bench, provider = market.bench, await market.provider()
    people = {
        clearance: await bench.member("buyer", clearance=clearance) for clearance in CLEARANCES if clearance is not None
    }
    for grade in BY_HAND:
        asset = await market.registered(provider, impacts=HARM[grade])
        assert asset["grade"] == grade
        version_id = asset["versions"][0]["id"]
        plan = {"version_id": version_id, "mode": "compute", "kind": "free", "price": {"minor": 0, "currency": "CNY"}}
        plan_id = market.done(await bench.post(provider, "/pricing/v1/plans", plan), 201)["id"]
        for clearance, person in people.items():
            told = (await bench.get(person, f"/pricing/v1/plans/{plan_id}")).status_code
            listed = (await bench.get(person, f"/pricing/v1/plans?version_id={version_id}")).status_code
            entry = (await bench.get(person, f"/catalog/v1/assets/{asset['id']}")).status_code
            assert told == listed == entry == _status(grade, clearance), (grade, clearance)
        for office in OFFICES:
            asked = (f"/pricing/v1/plans/{plan_id}", f"/catalog/v1/assets/{asset['id']}")
            told = {(await bench.get(bench.staff(office), path)).status_code for path in asked}
            assert told == {200 if BY_OFFICE[grade, office] == "whole" else 404}, (grade, office)
        officer = await market.officer(asset["id"], grade)
        assert (await bench.get(officer, f"/pricing/v1/plans/{plan_id}")).status_code == 200


def _status(grade: str, clearance: Clearance) -> int:
    return 404 if by_hand(grade, clearance) == "none" else 200

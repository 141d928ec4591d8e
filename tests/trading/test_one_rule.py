"""Listings show by the grade of their own version, as the catalogue's versions do (decision 9)."""

from shared.grades import Clearance, Grade
from shared.ids import AssetId
from tests.catalog.test_one_rule import BY_HAND, BY_OFFICE, CLEARANCES, OFFICES, by_hand
from tests.support.bench import Person
from tests.trading.market import Market


async def test_a_listing_shows_to_whom_its_version_shows_at_all(market: Market):
    people: dict[Clearance | None, Person | None] = {
        clearance: await market.buyer(clearance=clearance) if clearance else None for clearance in CLEARANCES
    }
    for grade in BY_HAND:
        listing = (await market.list_it(grade=Grade(grade), mode="compute")).json()
        for clearance, person in people.items():
            shows = by_hand(grade, clearance) != "none"
            told = await market.bench.get(person, f"/trading/v1/listings/{listing['id']}")
            assert told.status_code == (200 if shows else 404), (grade, clearance)
            listed = await market.read(person, f"/listings?version_id={listing['version_id']}")
            assert len(listed["items"]) == shows
        for office in OFFICES:
            told = await market.bench.get(market.bench.staff(office), f"/trading/v1/listings/{listing['id']}")
            assert told.is_success == (BY_OFFICE[grade, office] == "whole"), (grade, office)
        named, other = [await market.bench.assigned(each) for each in (listing["asset_id"], AssetId.new())]
        for officer, shows in ((named, True), (other, grade != "G4")):
            told = await market.bench.get(officer, f"/trading/v1/listings/{listing['id']}")
            listed = await market.read(officer, f"/listings?version_id={listing['version_id']}")
            assert (told.is_success, len(listed["items"])) == (shows, shows)

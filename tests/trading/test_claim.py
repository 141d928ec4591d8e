"""What rights take up of an asset, beside a naive reading: every point of field, place and time is held by one side."""

from contextlib import nullcontext
from datetime import datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.trading.rules.claim import ALL_FIELDS, Claim, claim_of, conflict
from services.trading.rules.listing import RightsOverlap
from services.trading.rules.right import Right, RightKind
from services.trading.store import claim as store
from services.trading.store import listing as listing_store
from services.trading.tables.whole import metadata
from shared.ids import AssetId, ListingId
from tests.conftest import MakeDatabase
from tests.trading.made import MICROSECOND, NOON, a_listing

ASSET = AssetId.new()
FIELDS = ("air_travel", "health")
PLACES = ("CN", "CN-31", "CN-3", "US")
TOWNS = {"CN": {"CN-31.x", "CN-3.x", "CN-else"}, "CN-31": {"CN-31.x"}, "CN-3": {"CN-3.x"}, "US": {"US.x"}}
DAYS = 6


def claims() -> st.SearchStrategy[Claim]:
    def claim(field: str, place: str, exclusive: bool, first: int, days: int | None) -> Claim:
        starts_at = NOON + timedelta(days=first)
        ends_at = None if days is None else starts_at + timedelta(days=days)
        return Claim(ListingId.new(), ASSET, field, place, exclusive, starts_at, ends_at)

    days = st.none() | st.integers(1, DAYS)
    parts = (st.sampled_from((*FIELDS, ALL_FIELDS)), st.sampled_from(PLACES), st.booleans(), st.integers(0, DAYS), days)
    return st.builds(claim, *parts)


def points(claim: Claim) -> set[tuple[str, str, datetime]]:
    """Every field, place and day that it takes up."""
    fields = FIELDS if claim.field == ALL_FIELDS else (claim.field,)
    moments = [NOON + timedelta(days=day) for day in range(3 * DAYS)]
    held = [at for at in moments if claim.starts_at <= at and (claim.ends_at is None or at < claim.ends_at)]
    return set(product(fields, TOWNS[claim.territory], held))


@given(one=claims(), other=claims())
def test_two_claims_conflict_when_they_share_a_point_and_one_is_exclusive(one: Claim, other: Claim):
    shared = points(one) & points(other)
    assert conflict(one, other) == conflict(other, one) == bool(shared and (one.exclusive or other.exclusive))


def test_a_right_that_begins_as_another_ends_is_beside_it():
    right = Right(RightKind.EXCLUSIVE, "health", "CN", 30, starts_at=NOON)
    after = Right(RightKind.EXCLUSIVE, "health", "CN", 30, starts_at=NOON + timedelta(days=30))
    one, next_one = (claim_of(ListingId.new(), ASSET, each, NOON) for each in (right, after))
    assert not conflict(one, next_one)
    early = claim_of(ListingId.new(), ASSET, Right(RightKind.LIMITED, "health", "CN", 1, 2, one.ends_at), NOON)
    assert early.starts_at == one.ends_at and not conflict(one, early)
    overlapping = Claim(early.listing_id, ASSET, "health", "CN", False, early.starts_at - MICROSECOND, early.ends_at)
    assert conflict(one, overlapping)


def test_another_asset_is_another_matter():
    right = Right(RightKind.EXCLUSIVE, "health", "CN", 30)
    assert not conflict(*(claim_of(ListingId.new(), AssetId.new(), right, NOON) for _ in range(2)))


LATER = NOON + timedelta(days=30)
SHAPES = [
    ("health", "CN",    True,  NOON,  None),
    ("health", "CN-31", True,  LATER, None),
    ("health", "CN-31", False, NOON,  LATER),
    ("all",    "US",    True,  NOON,  LATER),
    ("travel", "US",    True,  LATER, None),
    ("travel", "CN",    False, NOON,  None),
]  # fmt: skip


async def test_the_database_refuses_the_overlaps_that_the_rule_does(database: MakeDatabase):
    trading = await database("trading", metadata)
    for one_shape, other_shape in product(SHAPES, SHAPES):
        asset_id = AssetId.new()
        one, other = (Claim(ListingId.new(), asset_id, *shape) for shape in (one_shape, other_shape))
        async with trading.transaction() as tx:
            for claim in (one, other):
                await listing_store.add_listing(tx, a_listing(id=claim.listing_id, asset_id=asset_id))
            await store.add_claim(tx, one)
        refused = conflict(one, other)
        with pytest.raises(RightsOverlap) if refused else nullcontext():
            async with trading.transaction() as tx:
                await store.add_claim(tx, other)


@pytest.mark.parametrize("kind", RightKind)
def test_what_begins_with_its_grant_is_claimed_from_its_listing_on(kind: RightKind):
    claim = claim_of(ListingId.new(), ASSET, Right(kind, "health", "CN", 30, 2), NOON)
    assert (claim.exclusive, claim.starts_at, claim.ends_at) == (kind is RightKind.EXCLUSIVE, NOON, None)

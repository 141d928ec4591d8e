"""What trading's news tell of entitlements, in whatever order the stripes of its feed are read."""

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import permutations
from typing import ClassVar

import pytest

from services.delivery.actions.watch import EntitlementWatch
from services.delivery.tables.base import metadata
from shared import changes
from shared.changes import Change, Positions
from shared.facts import Category, Fact
from shared.grades import Mode
from shared.ids import EntitlementId, ParticipantId, VersionId
from tests.conftest import MakeDatabase
from tests.delivery.desk import EntitlementGranted, EntitlementUsed
from tests.support.bench import WrittenFeed
from tests.support.clock import ToldClock

RIGHT = EntitlementId.new()
GRANTED = EntitlementGranted(RIGHT, VersionId.new(), ParticipantId.new(), Mode.RAW, quota_uses=3)


@dataclass(frozen=True, slots=True)
class Moved(Fact):
    category: ClassVar[Category] = Category.TRADE
    entitlement_id: EntitlementId
    revision: int


@dataclass(frozen=True, slots=True)
class EntitlementSuspended(Moved): ...


@dataclass(frozen=True, slots=True)
class EntitlementResumed(Moved): ...


@dataclass(frozen=True, slots=True)
class EntitlementEnded(Moved): ...


@dataclass(frozen=True, slots=True)
class EntitlementAmended(Fact):
    category: ClassVar[Category] = Category.DELIVERY
    entitlement_id: EntitlementId
    purposes: tuple[str, ...]
    uses_left: int
    deadline: datetime
    revision: int


async def heard(*facts: Fact) -> tuple[bool, int] | None:
    """Whether the right is active, and its uses left; None if nobody would know of it."""
    clock, feed = ToldClock(), WrittenFeed("trading")
    feed.announce(clock, *facts)
    watch = EntitlementWatch(clock, feed)
    await watch.tick()
    known = watch.entitled(RIGHT)
    return None if known is None else (known.active, known.uses_left)


async def test_a_right_is_as_its_last_revision_says_in_whatever_order_it_is_told():
    told = [GRANTED, EntitlementSuspended(RIGHT, 3), EntitlementResumed(RIGHT, 4), EntitlementSuspended(RIGHT, 5)]
    for order in permutations(told):
        assert await heard(*order) == (False, 3)
    for order in permutations([*told, EntitlementResumed(RIGHT, 6)]):
        assert await heard(*order) == (True, 3)


async def test_what_has_ended_stays_so():
    for order in permutations([GRANTED, EntitlementResumed(RIGHT, 4), EntitlementEnded(RIGHT, 3)]):
        assert await heard(*order) == (False, 3)


async def test_uses_only_become_fewer():
    for order in permutations([GRANTED, *(EntitlementUsed(RIGHT, left) for left in (2, 1, 0))]):
        assert await heard(*order) == (True, 0)


async def test_an_amended_right_is_as_its_last_contract_says_in_whatever_order_it_is_told():
    later, latest = datetime(2031, 1, 1, tzinfo=UTC), datetime(2032, 1, 1, tzinfo=UTC)
    told = [
        GRANTED, EntitlementUsed(RIGHT, 2, 2), EntitlementAmended(RIGHT, ("training",), 9, later, 3),
        EntitlementUsed(RIGHT, 8, 4), EntitlementAmended(RIGHT, ("research", "training"), 5, latest, 5),
    ]  # fmt: skip
    for order in permutations(told):
        clock, feed = ToldClock(), WrittenFeed("trading")
        feed.announce(clock, *order)
        watch = EntitlementWatch(clock, feed)
        await watch.tick()
        known = watch.entitled(RIGHT)
        assert known and (known.purposes, known.uses_left, known.ends_at) == (("research", "training"), 5, latest)


async def test_nobody_is_entitled_by_what_was_not_granted():
    assert await heard(EntitlementResumed(RIGHT, 2), EntitlementUsed(RIGHT, 1)) is None


async def test_a_watch_that_starts_anew_goes_on_from_what_was_kept(
    clock: ToldClock, database: MakeDatabase, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(changes, "KEPT_EVERY", 1)
    kept, feed, later = await database("delivery", metadata), WrittenFeed("trading"), datetime(2031, 1, 1, tzinfo=UTC)
    told = [
        EntitlementUsed(RIGHT, 2, 2), GRANTED, EntitlementSuspended(RIGHT, 3),
        EntitlementAmended(RIGHT, ("training",), 9, later, 4), EntitlementResumed(RIGHT, 5),
        EntitlementUsed(RIGHT, 1, 1), EntitlementSuspended(RIGHT, 2), EntitlementEnded(RIGHT, 6),
    ]  # fmt: skip
    for fact in told:
        feed.announce(clock, fact)
        whole = EntitlementWatch(clock, feed)
        await whole.tick()
        await EntitlementWatch(clock, feed, kept).tick()
        again = EntitlementWatch(clock, NoNews(), kept)
        assert again.entitled(RIGHT) is None and again.is_stale
        await again.tick()
        assert again.entitled(RIGHT) == whole.entitled(RIGHT)


class NoNews:
    async def after(self, positions: Positions, wait_seconds: float = 0) -> list[Change]:
        return []

"""What is mirrored in memory is kept in the tables: a start goes on from there, and is where reading all would lead."""

import asyncio
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, func, insert, select

from services.identity.events.accounts import UserDisabled, UserEnabled
from services.identity.events.participants import DelegationAccepted, DelegationEnded
from shared import changes, faultpoint, mirrored, outbox
from shared.changes import KEPT_EVERY, PAGE, Change, Feed, Follower, Memory, MemoryFollower, Positions, inbox_table
from shared.database import Database, Transaction
from shared.delegation import Act, Limits
from shared.errors import Unavailable
from shared.facts import Actor, Fact
from shared.grades import Clearance
from shared.ids import DelegationId, KeyId, ParticipantId, UserId
from shared.mirrored import Keeper, form_of, mirrored_table
from shared.money import Money
from shared.outbox import Outbox, StripeHead
from shared.standing import StandingMirror, StandingUnknown
from tests.conftest import MakeDatabase
from tests.support.bench import (
    AffiliationDeclared,
    ParticipantAdmitted,
    ParticipantSuspended,
    SigningKeyRegistered,
    WrittenFeed,
)
from tests.support.clock import ToldClock

SOURCE = MetaData()
outbox.tables(SOURCE)
FOLLOWING = MetaData()
changes.tables(FOLLOWING)
mirrored.tables(FOLLOWING)
effects = Table("effects", FOLLOWING, Column("number", Integer, primary_key=True, autoincrement=False))
MEMBERS = [ParticipantId.new() for _ in range(5)]
USERS = [UserId.new() for _ in range(3)]
KEY = KeyId.new()


class Killed(BaseException):
    """As the end of the process would: nothing after this point is done."""


@dataclass
class Identity:
    """Tells what somebody drew, by either of two stripes, and counts what is read of it."""

    database: Database
    clock: ToldClock
    outboxes: list[Outbox]
    feed: Feed
    chance: random.Random = field(default_factory=lambda: random.Random(22))
    delegations: list[DelegationId] = field(default_factory=lambda: [DelegationId.new()])
    revision: int = 0
    read: int = 0
    is_away: bool = False

    @classmethod
    async def of(cls, make: MakeDatabase, clock: ToldClock, stripes: int = 1) -> "Identity":
        database = await make("identity", SOURCE)
        outboxes = [Outbox("identity", database) for _ in range(stripes)]
        for each in outboxes:
            await each.lease()
        return cls(database, clock, outboxes, Feed(database))

    async def tell(self, count: int) -> None:
        writer = self.chance.choice(self.outboxes)
        while count > 0:
            facts = [self._drawn() for _ in range(min(count, 1_000))]
            async with self.database.transaction() as tx:
                await writer.record(tx, Actor("service", "identity"), self.clock.now(), *facts)
            self.clock.advance(seconds=1)
            count -= len(facts)

    async def after(self, positions: Positions, wait_seconds: float = 0) -> list[Change]:
        if self.is_away:
            raise Unavailable(service="identity")
        found = await self.feed.after(positions)
        self.read += len(found)
        return found

    def _drawn(self) -> Fact:
        self.revision += 1
        one, other = self.chance.sample(MEMBERS, 2)
        user, delegation_id = self.chance.choice(USERS), self.chance.choice(self.delegations)
        begins_at = self.clock.now()
        limits = Limits(
            frozenset({Act.PLACE_BIDS}), begins_at, begins_at + timedelta(days=9), None, None, Money(7, "CNY")
        )
        makes: list[Callable[[], Fact]] = [
            lambda: ParticipantAdmitted(one, ("buyer", "provider"), self.chance.choice([*Clearance]), self.revision),
            lambda: ParticipantSuspended(one, "fraud", self.revision),
            lambda: SigningKeyRegistered(one, KEY, "ed25519", "cHVibGlj"),
            lambda: AffiliationDeclared(one, other),
            lambda: UserDisabled(user), lambda: UserEnabled(user),
            lambda: DelegationAccepted(self._one_more(), one, other, limits),
            lambda: DelegationEnded(delegation_id, one, other, "enough"),
        ]  # fmt: skip
        return self.chance.choice(makes)()

    def _one_more(self) -> DelegationId:
        self.delegations.append(DelegationId.new())
        return self.delegations[-1]

    def as_told_by(self, mirror: StandingMirror) -> list[Any]:
        """All that a mirror can be asked."""
        return [
            *map(mirror.known, MEMBERS), *map(mirror.is_disabled, USERS), *map(mirror.delegation, self.delegations),
            *(mirror.principals_of(each, Act.PLACE_BIDS) for each in MEMBERS),
        ]  # fmt: skip

    async def as_read_from_the_first(self) -> list[Any]:
        mirror = StandingMirror(self.clock, self.feed)
        await mirror.tick()
        return self.as_told_by(mirror)


@pytest.mark.parametrize("count", [1, 100, 10_000])
async def test_a_start_reads_no_more_facts_however_many_there_were(
    database: MakeDatabase, clock: ToldClock, count: int
):
    identity, kept = await Identity.of(database, clock), await database("trading", FOLLOWING)
    await identity.tell(count)
    whole = StandingMirror(clock, identity, kept)
    await whole.tick()
    assert identity.read == count
    await identity.tell(1)
    await whole.tick()
    identity.read, mirror = 0, StandingMirror(clock, identity, kept)
    await mirror.tick()
    assert identity.read == count % KEPT_EVERY + 1 <= KEPT_EVERY
    assert identity.as_told_by(mirror) == identity.as_told_by(whole)


@pytest.mark.parametrize("count", [1, 100, 10_000])
async def test_a_start_of_a_follower_reads_only_what_its_tables_do_not_have(
    database: MakeDatabase, clock: ToldClock, count: int
):
    identity, kept = await Identity.of(database, clock), await database("trading", FOLLOWING)
    await identity.tell(count)
    async with identity.database.transaction() as tx:
        head = await identity.outboxes[0].head(tx)
    await stand_at(kept, head)
    await identity.tell(3)
    assert await a_follower(kept, identity).tick() == identity.read == 3
    assert await a_follower(kept, identity).tick() == 0 and identity.read == 3


async def stand_at(kept: Database, head: StripeHead) -> None:
    """As a process that read all until then has left it."""
    async with kept.transaction() as tx:
        await tx.execute(
            insert(inbox_table).values(source="identity", stripe=head.stripe, seq=head.seq, hash=head.hash)
        )


def a_follower(kept: Database, identity: Identity) -> Follower:
    async def apply(tx: Transaction, change: Change) -> None:
        await tx.execute(insert(effects).values(number=change.seq))

    return Follower(kept, identity.clock, "identity", identity, apply)


@pytest.fixture
def kill() -> Iterable[Callable[[int], None]]:
    """At the so manieth commit from then on."""

    def at(number: int) -> None:
        left = [number]

        def strike(name: str) -> None:
            if name == "database.before_commit":
                left[0] -= 1
                if left[0] == 0:
                    raise Killed

        faultpoint.arm(strike)

    yield at
    faultpoint.arm(None)


async def test_a_follower_that_is_killed_between_effect_and_position_makes_each_effect_once(
    database: MakeDatabase, clock: ToldClock, kill: Callable[[int], None]
):
    identity, kept = await Identity.of(database, clock), await database("trading", FOLLOWING)
    await identity.tell(4)
    kill(3)
    with pytest.raises(Killed):
        await a_follower(kept, identity).tick()
    faultpoint.arm(None)
    async with kept.read() as tx:
        assert list(await tx.scalars(select(effects.c.number).order_by(effects.c.number))) == [1, 2]
    identity.read = 0
    assert await a_follower(kept, identity).tick() == identity.read == 2
    async with kept.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(effects)) == 4


async def test_a_mirror_that_is_killed_while_it_is_kept_starts_from_what_was_kept_before(
    database: MakeDatabase, clock: ToldClock, kill: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(changes, "KEPT_EVERY", 10)
    identity, kept = await Identity.of(database, clock), await database("trading", FOLLOWING)
    await identity.tell(12)
    await StandingMirror(clock, identity, kept).tick()
    await identity.tell(30)
    kill(1)
    with pytest.raises(Killed):
        await StandingMirror(clock, identity, kept).tick()
    faultpoint.arm(None)
    identity.read, mirror = 0, StandingMirror(clock, identity, kept)
    await mirror.tick()
    assert identity.read == 30 and identity.as_told_by(mirror) == await identity.as_read_from_the_first()


async def test_what_could_not_be_kept_is_kept_with_what_comes_next(
    database: MakeDatabase, clock: ToldClock, kill: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(changes, "KEPT_EVERY", 10)
    identity, kept = await Identity.of(database, clock), await database("trading", FOLLOWING)
    mirror = StandingMirror(clock, identity, kept)
    await identity.tell(10)
    kill(1)
    with pytest.raises(Killed):
        await mirror.tick()
    assert identity.as_told_by(mirror) == await identity.as_read_from_the_first(), "it is told nevertheless"
    faultpoint.arm(None)
    await identity.tell(1)
    await mirror.tick()
    identity.read, again = 0, StandingMirror(clock, identity, kept)
    await again.tick()
    assert identity.read == 0 and identity.as_told_by(again) == await identity.as_read_from_the_first()


async def test_of_several_processes_each_start_is_right_whoever_kept_what_and_when(
    database: MakeDatabase, clock: ToldClock, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(changes, "KEPT_EVERY", 4)
    kept, chance = await database("trading", FOLLOWING), random.Random(8)
    identity = await Identity.of(database, clock, stripes=1 if kept.is_sqlite else 2)
    mirrors = [StandingMirror(clock, identity, kept) for _ in range(3)]
    started = list[int]()
    for _ in range(60):
        await identity.tell(chance.randint(0, 5))
        number = chance.randrange(3)
        if chance.random() < 0.2:
            mirrors[number], identity.read = StandingMirror(clock, identity, kept), 0
            await mirrors[number].tick()
            started.append(identity.read)
        await asyncio.gather(mirrors[number].tick(), mirrors[number].tick())
        assert identity.as_told_by(mirrors[number]) == await identity.as_read_from_the_first()
    assert max(started[1:]) < identity.revision / 3, "they did go on from what was kept"


class SlowKeeper(Keeper):
    """Takes its time, and notes what it is given."""

    def __init__(self) -> None:
        self.given = list[tuple[set[str], int, int]]()
        self.has_begun, self.goes_on = asyncio.Event(), asyncio.Event()

    async def kept(self) -> None:
        return None

    async def keep(self, rows: mirrored.Rows, *, since: mirrored.Ends, ends: mirrored.Ends) -> bool:
        self.given.append((set(rows), since.get(0, (0, b""))[0], ends[0][0]))
        self.has_begun.set()
        await self.goes_on.wait()
        return True


async def test_while_something_is_being_kept_what_comes_meanwhile_waits_for_the_next_time(
    clock: ToldClock, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(changes, "KEPT_EVERY", 2)
    feed, keeper = WrittenFeed("identity"), SlowKeeper()
    memory = Memory(keeper, lambda keys: dict.fromkeys(keys, True), lambda rows: None)
    mirror = MemoryFollower(clock, "identity", feed, lambda change: [str(change.seq)], lambda moment: None, memory)
    feed.announce(clock, *map(UserDisabled, USERS[:2]))
    keeping = asyncio.create_task(mirror.tick())
    await keeper.has_begun.wait()
    feed.announce(clock, *map(UserEnabled, USERS[:2]))
    await mirror.tick()
    keeper.goes_on.set()
    await keeping
    await mirror.tick()
    assert keeper.given == [({"1", "2"}, 0, 2), ({"3", "4"}, 2, 4)]


async def test_what_other_code_folded_is_not_taken_up_nor_gone_on_from(database: MakeDatabase):
    kept = await database("trading", FOLLOWING)
    mine, other = Keeper(kept, "standing", "mine"), Keeper(kept, "standing", "other")
    first, second = {0: (5, b"five")}, {0: (9, b"nine")}
    assert await mine.kept() is None
    assert await mine.keep({"a": 1, "b": 1}, since={}, ends=first)
    assert await other.kept() is None
    assert await other.keep({"a": 2}, since={}, ends=first)
    assert not await mine.keep({"b": 3}, since=first, ends=second)
    found = await other.kept()
    assert found and (dict(found.ends), dict(found.rows)) == (first, {"a": 2}) and await mine.kept() is None


@pytest.mark.parametrize("since, ends, kept, rows", [
    ({}, {0: (5, b"")}, True, {"a": "before"}),  # as far as it is kept: nothing is missing
    ({}, {0: (4, b"")}, True, {"a": "before"}),
    ({}, {0: (6, b"")}, True, {"a": "now", "b": "now"}),
    ({0: (5, b"")}, {0: (6, b"")}, True, {"a": "now", "b": "now"}),
    ({0: (6, b"")}, {0: (7, b"")}, False, {"a": "before"}),  # what this goes on from is not there any more
    ({}, {1: (6, b"")}, False, {"a": "before"}),  # neither is beyond the other
    ({}, {0: (5, b""), 1: (1, b"")}, True, {"a": "now", "b": "now"}),
])  # fmt: skip
async def test_rows_are_kept_only_where_they_go_on_from_what_is_kept(
    database: MakeDatabase, since: mirrored.Ends, ends: mirrored.Ends, kept: bool, rows: dict[str, str]
):
    keeper = Keeper(await database("trading", FOLLOWING), "standing", "mine")
    before: mirrored.Ends = {0: (5, b"five")}
    assert await keeper.keep({"a": "before"}, since={}, ends=before)
    assert await keeper.keep({"a": "now", "b": "now"}, since=since, ends=ends) is kept
    found = await keeper.kept()
    assert found and found.rows == rows and found.ends == (ends if "b" in rows else before)


def test_code_is_told_from_other_code_by_each_module_that_says_what_is_heard(tmp_path: Path):
    modules = [tmp_path / name for name in ("folds.py", "hears.py")]
    for module in modules:
        module.write_text("")
    forms = {form_of(*map(str, modules))}
    for module in modules:
        module.write_text(module.name)
        forms.add(form_of(*map(str, modules)))
    assert len(forms) == 3


async def test_what_is_thrown_away_is_read_anew(database: MakeDatabase, clock: ToldClock):
    identity, kept = await Identity.of(database, clock), await database("trading", FOLLOWING)
    await identity.tell(KEPT_EVERY)
    await StandingMirror(clock, identity, kept).tick()
    async with kept.transaction() as tx:
        await mirrored.forget(tx)
        assert await tx.scalar(select(func.count()).select_from(mirrored_table)) == 0
    identity.read, mirror = 0, StandingMirror(clock, identity, kept)
    await mirror.tick()
    assert identity.read == KEPT_EVERY and identity.as_told_by(mirror) == await identity.as_read_from_the_first()


async def test_what_was_kept_tells_nothing_of_anybody_until_what_came_after_it_is_read(
    database: MakeDatabase, clock: ToldClock
):
    identity, kept = await Identity.of(database, clock), await database("trading", FOLLOWING)
    await identity.tell(KEPT_EVERY)
    await StandingMirror(clock, identity, kept).tick()
    mirror, identity.is_away = StandingMirror(clock, identity, kept), True
    with pytest.raises(Unavailable):
        await mirror.tick()
    for tell in (lambda: mirror.of(MEMBERS[0]), lambda: mirror.is_disabled(USERS[0])):
        with pytest.raises(StandingUnknown):
            tell()
    identity.is_away = False
    await mirror.tick()
    assert mirror.known(MEMBERS[0]) is not None and not mirror.is_stale


def test_a_page_is_no_longer_than_what_is_kept_at_once():
    assert KEPT_EVERY % PAGE == 0

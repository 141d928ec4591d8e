"""Standing: what every service knows of every participant, from identity's facts alone."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.changes import PAGE, Change, Positions
from shared.errors import NotAdmitted, Unavailable
from shared.facts import Category, Fact
from shared.grades import C2, G1, G2, G3, G4, G5, G6, Clearance, Grade
from shared.ids import KeyId, ParticipantId, UserId
from shared.standing import STALE, Standing, StandingMirror, StandingUnknown
from tests.support.bench import (
    AffiliationDeclared,
    ParticipantAdmitted,
    ParticipantSuspended,
    SigningKeyRegistered,
    WrittenFeed,
)
from tests.support.clock import ToldClock

ANA, BEN, KEY_ID = ParticipantId.new(), ParticipantId.new(), KeyId.new()
ADMITTED = ParticipantAdmitted(ANA, ("buyer",), C2)


@dataclass(frozen=True, slots=True)
class ParticipantApplied(Fact):
    category: ClassVar[Category] = Category.ADMISSION
    participant_id: ParticipantId
    name: str
    uscc: str
    revision: int = 1


@dataclass(frozen=True, slots=True)
class ParticipantReinstated(Fact):
    category: ClassVar[Category] = Category.ADMISSION
    participant_id: ParticipantId
    reason_code: str
    revision: int


@dataclass(frozen=True, slots=True)
class ClearanceChanged(Fact):
    category: ClassVar[Category] = Category.ADMISSION
    participant_id: ParticipantId
    clearance: Clearance
    revision: int


@dataclass(frozen=True, slots=True)
class SigningKeyRevoked(Fact):
    category: ClassVar[Category] = Category.ADMISSION
    participant_id: ParticipantId
    key_id: KeyId


async def a_mirror(clock: ToldClock, feed: WrittenFeed) -> StandingMirror:
    mirror = StandingMirror(clock, feed)
    await mirror.tick()
    return mirror


async def test_a_participant_is_admitted_with_roles_and_clearance(clock: ToldClock):
    feed = WrittenFeed("identity")
    feed.announce(clock, ADMITTED)
    mirror = await a_mirror(clock, feed)
    standing = mirror.of(ANA)
    assert (standing.is_admitted, standing.roles, standing.clearance) == (True, {"buyer"}, C2)
    assert (mirror.clearance_of(ANA), mirror.clearance_of(BEN), mirror.clearance_of(None)) == (C2, None, None)


async def test_whoever_is_suspended_is_trusted_with_nothing(clock: ToldClock):
    feed = WrittenFeed("identity")
    feed.announce(clock, ADMITTED, ParticipantSuspended(ANA, "fraud"))
    mirror = await a_mirror(clock, feed)
    assert (mirror.of(ANA).status, mirror.of(ANA).is_admitted, mirror.clearance_of(ANA)) == ("suspended", False, None)


async def test_affiliates_are_related_both_ways_and_strangers_are_not(clock: ToldClock):
    feed = WrittenFeed("identity")
    feed.announce(clock, ADMITTED, ParticipantAdmitted(BEN, ("provider",), Clearance.C1), AffiliationDeclared(ANA, BEN))
    mirror = await a_mirror(clock, feed)
    assert mirror.of(ANA).is_related_to(BEN) and mirror.of(BEN).is_related_to(ANA)
    assert mirror.of(ANA).is_related_to(ANA)
    assert not mirror.of(ANA).is_related_to(ParticipantId.new())


async def test_a_signing_key_is_known_by_its_id(clock: ToldClock):
    feed, key_id = WrittenFeed("identity"), KeyId.new()
    feed.announce(clock, ADMITTED, SigningKeyRegistered(ANA, key_id, "ed25519", "cHVibGlj"))
    assert (await a_mirror(clock, feed)).of(ANA).signing_keys == {key_id: "cHVibGlj"}


STEPS = [
    ParticipantAdmitted(ANA, ("buyer",), C2, revision=2),
    ParticipantSuspended(ANA, "fraud", revision=3),
    ParticipantReinstated(ANA, "cleared", revision=4),
    ClearanceChanged(ANA, Clearance.C1, revision=5),
    ParticipantSuspended(ANA, "fraud again", revision=6),
    SigningKeyRegistered(ANA, KEY_ID, "ed25519", "cHVibGlj"),
    SigningKeyRevoked(ANA, KEY_ID),
    AffiliationDeclared(ANA, BEN),
]  # fmt: skip


@given(st.permutations(STEPS))
async def test_facts_count_by_their_revision_in_whichever_order_they_come(steps: list[Fact]):
    """A process that starts anew may lease another stripe, and whoever reads all stripes reads one after the other."""
    feed, clock = WrittenFeed("identity"), ToldClock()
    feed.announce(clock, *steps)
    mirror = await a_mirror(clock, feed)
    assert mirror.of(ANA) == Standing(ANA, "suspended", frozenset({"buyer"}), Clearance.C1, frozenset({BEN}), {})


async def test_who_an_organisation_said_to_be_is_known_of_it_in_whatever_standing(clock: ToldClock):
    feed = WrittenFeed("identity")
    feed.announce(
        clock, ParticipantApplied(ANA, "甲公司", "91310000MA1K00001A"), ParticipantSuspended(ANA, "fraud", revision=2)
    )
    mirror = await a_mirror(clock, feed)
    known = mirror.known(ANA)
    assert known and (known.name, known.uscc, known.status) == ("甲公司", "91310000MA1K00001A", "suspended")
    assert mirror.known(BEN) is None


async def test_nobody_has_heard_of_a_stranger(clock: ToldClock):
    with pytest.raises(NotAdmitted):
        (await a_mirror(clock, WrittenFeed("identity"))).of(ANA)


@pytest.mark.parametrize("grade, refused", [
    (G1, False), (G2, False), (G3, True), (G4, True), (G5, True), (G6, True), (None, True),
])  # fmt: skip
async def test_a_mirror_that_fell_behind_refuses_what_is_serious_and_lets_the_rest_go_on(
    clock: ToldClock, grade: Grade | None, refused: bool
):
    mirror = await a_mirror(clock, WrittenFeed("identity"))
    clock.advance(seconds=STALE.total_seconds())
    mirror.require_fresh(grade)
    clock.advance(seconds=timedelta(microseconds=1).total_seconds())
    assert mirror.is_stale
    if not refused:
        mirror.require_fresh(grade)
        return
    with pytest.raises(StandingUnknown) as unknown:
        mirror.require_fresh(grade)
    assert isinstance(unknown.value, Unavailable)
    assert unknown.value.facts["retry_after_seconds"] == 5


async def test_a_look_that_began_earlier_and_ends_later_makes_the_mirror_no_older(clock: ToldClock):
    feed = WrittenFeed("identity")
    mirror = await a_mirror(clock, feed)
    waiting = asyncio.create_task(mirror.run())
    await asyncio.sleep(0)
    clock.advance(seconds=31)
    await mirror.tick()
    feed.announce(clock, ADMITTED)
    for _ in range(5):
        await asyncio.sleep(0)
    waiting.cancel()
    assert mirror.of(ANA).is_admitted and not mirror.is_stale


@dataclass(frozen=True)
class TornFeed:
    """Gives its first page, and then nothing more until it is mended."""

    whole: WrittenFeed
    mended: asyncio.Event = field(default_factory=asyncio.Event)

    async def after(self, positions: Positions, wait_seconds: float = 0) -> list[Change]:
        if positions and not self.mended.is_set():
            raise Unavailable(service="identity")
        return (await self.whole.after(positions))[:PAGE]


async def test_until_it_has_read_all_there_was_a_mirror_tells_nothing_of_anybody(clock: ToldClock):
    whole, user = WrittenFeed("identity"), UserId.new()
    whole.announce(clock, ADMITTED, *(ParticipantAdmitted(ParticipantId.new(), ("buyer",), C2) for _ in range(PAGE)))
    whole.announce(clock, ParticipantSuspended(ANA, "fraud", revision=2))
    torn = TornFeed(whole)
    mirror = StandingMirror(clock, torn)
    told = [
        lambda: mirror.of(ANA), lambda: mirror.of(BEN), lambda: mirror.known(ANA), lambda: mirror.clearance_of(ANA),
        lambda: mirror.is_disabled(user), lambda: mirror.persons_of(ANA),
    ]  # fmt: skip
    for read in (False, True):  # nothing yet, and then the page that says that ANA is admitted
        if read:
            with pytest.raises(Unavailable):
                await mirror.tick()
        for tell in told:
            with pytest.raises(StandingUnknown) as unknown:
                tell()
            assert unknown.value.facts == {"retry_after_seconds": 1}
        assert mirror.is_stale and mirror.clearance_of(None) is None
    torn.mended.set()
    await mirror.tick()
    assert mirror.of(ANA).status == "suspended" and mirror.known(BEN) is None and not mirror.is_disabled(user)
    with pytest.raises(NotAdmitted, match="unknown"):
        mirror.of(BEN)


@dataclass(frozen=True, slots=True)
class VerifiedAdmission(Fact):
    """As identity tells it since an admission has an end."""

    category: ClassVar[Category] = Category.ADMISSION
    participant_id: ParticipantId
    verified_until: datetime
    revision: int = 2
    roles: tuple[str, ...] = ("buyer",)
    clearance: Clearance = C2

    @classmethod
    def act(cls, service: str) -> str:
        return f"{service}.participant_admitted"


@dataclass(frozen=True, slots=True)
class VerificationShortened(Fact):
    category: ClassVar[Category] = Category.ADMISSION
    participant_id: ParticipantId
    verified_until: datetime
    revision: int = 3


@dataclass(frozen=True, slots=True)
class VerifiedReinstatement(Fact):
    category: ClassVar[Category] = Category.ADMISSION
    participant_id: ParticipantId
    verified_until: datetime
    revision: int = 4

    @classmethod
    def act(cls, service: str) -> str:
        return f"{service}.participant_reinstated"


async def test_an_admission_ends_by_the_clock_and_begins_anew_with_a_new_verification(clock: ToldClock):
    feed, start = WrittenFeed("identity"), clock.now()
    feed.announce(clock, VerifiedAdmission(ANA, start + timedelta(days=9)))
    mirror = await a_mirror(clock, feed)
    feed.announce(clock, VerificationShortened(ANA, start + timedelta(days=2)))
    await mirror.tick()
    clock.advance(days=2, microseconds=-1)
    assert (mirror.of(ANA).status, mirror.clearance_of(ANA)) == ("admitted", C2)
    clock.advance(microseconds=1)
    late = mirror.of(ANA)
    assert (late.status, late.is_admitted, late.may_finish, mirror.clearance_of(ANA)) == (
        "suspended", False, True, None,
    )  # fmt: skip
    feed.announce(clock, VerifiedReinstatement(ANA, start + timedelta(days=5)))
    await mirror.tick()
    assert mirror.of(ANA).is_admitted
    clock.advance(days=3)
    assert not mirror.of(ANA).is_admitted


@dataclass(frozen=True, slots=True)
class UserDisabled(Fact):
    category: ClassVar[Category] = Category.ADMISSION
    user_id: UserId


@dataclass(frozen=True, slots=True)
class UserEnabled(Fact):
    category: ClassVar[Category] = Category.ADMISSION
    user_id: UserId


async def test_what_was_said_last_of_a_user_counts_in_whichever_order_it_is_heard(clock: ToldClock):
    user, feed, earlier = UserId.new(), WrittenFeed("identity"), ToldClock()
    clock.advance(seconds=1)
    mirror = await a_mirror(clock, feed)
    assert not mirror.is_disabled(user)
    feed.announce(clock, UserEnabled(user))
    feed.announce(earlier, UserDisabled(user))  # of another stripe, which is read later
    await mirror.tick()
    assert not mirror.is_disabled(user)
    feed.announce(clock, UserDisabled(user))  # at the very moment of the other: the safer of the two
    await mirror.tick()
    assert mirror.is_disabled(user)


@dataclass(frozen=True, slots=True)
class UserCreated(Fact):
    category: ClassVar[Category] = Category.ADMISSION
    user_id: UserId
    roles: tuple[str, ...]
    participant_id: ParticipantId | None


async def test_who_can_act_for_an_organisation_is_whoever_has_a_role_there_and_is_not_locked_out(clock: ToldClock):
    li, wang, idle, other, staff = (UserId.new() for _ in range(5))
    feed = WrittenFeed("identity")
    mirror = await a_mirror(clock, feed)
    assert mirror.persons_of(ANA) == frozenset()
    feed.announce(clock, UserDisabled(wang))  # heard before that there is such a person
    created = [
        UserCreated(li, ("buyer",), ANA), UserCreated(wang, ("provider",), ANA), UserCreated(idle, (), ANA),
        UserCreated(other, ("buyer",), BEN), UserCreated(staff, ("operator_business",), None),
    ]  # fmt: skip
    feed.announce(clock, *created)
    await mirror.tick()
    assert (mirror.persons_of(ANA), mirror.persons_of(BEN)) == ({li}, {other})
    clock.advance(seconds=1)
    feed.announce(clock, UserEnabled(wang), UserDisabled(li))
    await mirror.tick()
    assert mirror.persons_of(ANA) == {wang}

"""Entitlements as trading's news tell of them: what is entitled to what, and what was stopped.

Owns: a mirror in memory, kept in tables now and then. Promises: a suspension is known within a second of its commit.
Does not: count uses. What it knows of them may be old; trading has the last word, when it is asked for one.
"""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from services.delivery.rules.delivery import Entitled
from services.delivery.schemas import followed
from services.delivery.schemas.followed import (
    EntitlementAmended,
    EntitlementGranted,
    EntitlementMoved,
    EntitlementUsed,
)
from shared.changes import Change, Memory, MemoryFollower, Source
from shared.clock import Clock
from shared.database import Database
from shared.grades import Mode
from shared.ids import EntitlementId, ParticipantId, VersionId
from shared.mirrored import Keeper, Rows, form_of

NEWS_SECONDS = 0.5
STALE = timedelta(seconds=30)
ENDED = "trading.entitlement_ended"
STOPS = {
    "trading.entitlement_suspended": False,
    ENDED: False,
    "trading.entitlement_resumed": True,
}


class EntitlementWatch:
    """With a `database`, what was heard is kept there, and a start goes on from it."""

    def __init__(self, clock: Clock, feed: Source, database: Database | None = None) -> None:
        self._clock = clock
        self._heard: dict[EntitlementId, Heard] = {}
        self._news = asyncio.Event()
        self._as_of = datetime.min.replace(tzinfo=UTC)
        keeper = database and Keeper(database, "entitlements", form_of(__file__, followed.__file__))
        memory = keeper and Memory(keeper, self._rows_of, self._take_up)
        self._follower = MemoryFollower(clock, "trading", feed, self._apply, self._caught_up, memory)

    async def run(self) -> None:
        await self._follower.run()

    async def tick(self) -> None:
        await self._follower.tick()

    async def heard_of(self, entitlement_id: EntitlementId, buyer_id: ParticipantId | None) -> Entitled | None:
        """The buyer's entitlement; waits a moment for the news of it, in case it was granted this very second.

        Another's takes as long as one that there is not, so that the time tells nothing either.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(NEWS_SECONDS):
                while (known := self.entitled(entitlement_id)) is None or known.buyer_id != buyer_id:
                    await self.news()
                return known
        return None

    async def news(self) -> None:
        """Returns when more has been heard, or confirmed."""
        self._news.clear()
        await self._news.wait()

    def entitled(self, entitlement_id: EntitlementId) -> Entitled | None:
        heard = self._heard.get(entitlement_id)
        return heard.entitled() if heard else None

    def is_entitled_to(self, version_id: VersionId, buyer_id: ParticipantId, mode: Mode | None = None) -> bool:
        """Whether the buyer has an active entitlement of the version: in this mode, or in whatever mode."""
        known = filter(None, (heard.entitled() for heard in self._heard.values()))
        return any(
            one.active and (one.version_id, one.buyer_id) == (version_id, buyer_id) and mode in (None, one.mode)
            for one in known
        )

    @property
    def is_stale(self) -> bool:
        return self._clock.now() - self._as_of > STALE

    def _caught_up(self, moment: datetime) -> None:
        self._as_of = moment
        self._news.set()

    def _apply(self, change: Change) -> list[str]:
        if change.act == "trading.entitlement_granted":
            granted = EntitlementGranted.model_validate(change.data)
            self._heard_of(granted.entitlement_id).granted = granted
            return [granted.entitlement_id]
        if change.act == "trading.entitlement_used":
            used = EntitlementUsed.model_validate(change.data)
            self._heard_of(used.entitlement_id).count(used.revision, used.uses_left)
            return [used.entitlement_id]
        if change.act == "trading.entitlement_amended":
            amended = EntitlementAmended.model_validate(change.data)
            heard = self._heard_of(amended.entitlement_id)
            heard.count(amended.revision, amended.uses_left)
            if heard.amended is None or amended.revision > heard.amended.revision:
                heard.amended = amended
            return [amended.entitlement_id]
        if change.act in STOPS:
            moved = EntitlementMoved.model_validate(change.data)
            heard = self._heard_of(moved.entitlement_id)
            heard.ended |= change.act == ENDED
            if moved.revision >= heard.revision:
                heard.active, heard.revision = STOPS[change.act], moved.revision
            return [moved.entitlement_id]
        return []

    def _heard_of(self, entitlement_id: EntitlementId) -> "Heard":
        return self._heard.setdefault(entitlement_id, Heard())

    def _rows_of(self, keys: Iterable[str]) -> Rows:
        return {key: self._heard[EntitlementId(key)].row() for key in keys}

    def _take_up(self, rows: Rows) -> None:
        self._heard.update((EntitlementId(key), Heard.of(row)) for key, row in rows.items())


@dataclass(slots=True)
class Heard:
    """All that was told of an entitlement, in any order: the stripes of a feed are read one after the other."""

    granted: EntitlementGranted | None = None
    amended: EntitlementAmended | None = None
    counted: tuple[int, int] | None = None  # the latest revision that told of uses, and how many it left
    active: bool = True
    ended: bool = False
    revision: int = 0

    def count(self, revision: int, uses_left: int) -> None:
        """Of what was told at one revision, the fewest."""
        if self.counted is None or (revision, -uses_left) > (self.counted[0], -self.counted[1]):
            self.counted = revision, uses_left

    def entitled(self) -> Entitled | None:
        """The entitlement, once its grant is known."""
        if (told := self.granted) is None:
            return None
        uses_left = told.quota_uses if self.counted is None else self.counted[1]
        now = self.amended or told
        return Entitled(
            told.entitlement_id, told.version_id, told.buyer_id, told.mode, now.purposes, uses_left, now.deadline,
            told.territory, told.provider_id, self.active and not self.ended,
        )  # fmt: skip

    def row(self) -> list[Any]:
        told = (each and each.model_dump(mode="json") for each in (self.granted, self.amended))
        return [*told, self.counted, self.active, self.ended, self.revision]

    @classmethod
    def of(cls, row: list[Any]) -> "Heard":
        granted, amended, counted, active, ended, revision = row
        return cls(
            granted and EntitlementGranted.model_validate(granted),
            amended and EntitlementAmended.model_validate(amended),
            counted and (counted[0], counted[1]),
            active,
            ended,
            revision,
        )

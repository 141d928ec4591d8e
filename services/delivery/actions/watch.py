"""Entitlements as trading's news tell of them: what is entitled to what, and what was stopped.

Owns: a mirror in memory, folded from the first fact on. Promises: a suspension is known within a second of its commit.
Does not: say how many uses are left (trading does, when it is asked for one).
"""

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from services.delivery.rules.delivery import Entitled
from services.delivery.schemas.followed import EntitlementGranted, EntitlementMoved
from shared.changes import Change, MemoryFollower, Source
from shared.clock import Clock
from shared.grades import Mode
from shared.ids import EntitlementId, ParticipantId, VersionId

NEWS_SECONDS = 0.5
STALE = timedelta(seconds=30)
STOPS = {
    "trading.entitlement_suspended": False,
    "trading.entitlement_ended": False,
    "trading.entitlement_resumed": True,
}


class EntitlementWatch:
    def __init__(self, clock: Clock, feed: Source) -> None:
        self._clock = clock
        self._entitled: dict[EntitlementId, Entitled] = {}
        self._news = asyncio.Event()
        self._as_of = datetime.min.replace(tzinfo=UTC)
        self._follower = MemoryFollower(clock, "trading", feed, self._apply, self._caught_up)

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
                while (known := self._entitled.get(entitlement_id)) is None or known.buyer_id != buyer_id:
                    await self.news()
                return known
        return None

    async def news(self) -> None:
        """Returns when more has been heard, or confirmed."""
        self._news.clear()
        await self._news.wait()

    def entitled(self, entitlement_id: EntitlementId) -> Entitled | None:
        return self._entitled.get(entitlement_id)

    def is_entitled(self, buyer_id: ParticipantId, version_id: VersionId, mode: Mode) -> bool:
        """Whether the buyer has an active entitlement to the version in this mode."""
        return any(
            one.active and (one.buyer_id, one.version_id, one.mode) == (buyer_id, version_id, mode)
            for one in self._entitled.values()
        )

    @property
    def is_stale(self) -> bool:
        return self._clock.now() - self._as_of > STALE

    def _caught_up(self, moment: datetime) -> None:
        self._as_of = moment
        self._news.set()

    def _apply(self, change: Change) -> None:
        if change.act == "trading.entitlement_granted":
            granted = EntitlementGranted.model_validate(change.data)
            parts = (granted.version_id, granted.buyer_id, granted.mode)
            self._entitled[granted.entitlement_id] = Entitled(granted.entitlement_id, *parts)
        elif change.act in STOPS:
            moved = EntitlementMoved.model_validate(change.data).entitlement_id
            if known := self._entitled.get(moved):
                self._entitled[moved] = replace(known, active=STOPS[change.act])

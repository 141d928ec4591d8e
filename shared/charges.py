"""What somebody of the staff is charged with by name, as far as facts told: identity's assignments, the log's cases.

Promises: what was told in another order comes to the same; a charge counts from its fact on, to the moment that it ends
by, and not once it was ended, noticed or not; a case of two counts from the second person's yes on; a mirror of cases
that has fallen behind says nothing, for any of them may be over.
Does not: decide what shows under a charge. `shared.oversight` does.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from shared.changes import Change, Memory, MemoryFollower, Source
from shared.clock import Clock
from shared.database import Database
from shared.errors import Failure
from shared.facts import microseconds
from shared.grades import Grade
from shared.ids import AssetId, ParticipantId
from shared.mirrored import Keeper, Rows, form_of
from shared.oversight import BUSINESS, REGULATOR, SECURITY, Charge

BEHIND = timedelta(seconds=30)
NEVER = datetime.min.replace(tzinfo=UTC)
KEYS = MappingProxyType({
    "identity.assignment_made": "assignment_id", "identity.assignment_ended": "assignment_id",
    "audit.case_opened": "case_id", "audit.case_approved": "case_id", "audit.case_extended": "case_id",
    "audit.case_refused": "case_id", "audit.case_closed": "case_id", "audit.case_ended": "case_id",
})  # fmt: skip
BEGINNINGS = frozenset({"identity.assignment_made", "audit.case_opened"})
OFFICERS = MappingProxyType({BUSINESS: "business_officer_id", SECURITY: "security_officer_id"})
ENDS = frozenset({"identity.assignment_ended", "audit.case_refused", "audit.case_closed", "audit.case_ended"})
log = logging.getLogger(__name__)


@dataclass(slots=True)
class Told:
    """All that was told of one assignment or case."""

    begun: dict[str, Any] | None = None
    opened_by: str = ""
    agreed_by: str | None = None
    lasts_until: int = 0  # the latest end that was told, in microseconds: extensions only add
    is_over: bool = False

    def hear(self, change: Change) -> None:
        data = change.data
        if change.act in BEGINNINGS:
            self.begun, self.opened_by = data, change.by
        if change.act == "audit.case_approved":
            self.agreed_by = change.by
        self.is_over = self.is_over or change.act in ENDS
        self.lasts_until = max(self.lasts_until, data.get("expires_at", 0), data.get("ends_at", 0))

    def lasts(self, now: datetime) -> bool:
        return not self.is_over and microseconds(now) < self.lasts_until

    def charges(self) -> Iterable[tuple[str, Charge]]:
        """Whom it charges with what, while it lasts."""
        if self.begun is None:
            return
        if "assignment_id" in self.begun:
            yield from self._assigned(self.begun)
        elif self.begun["state"] == "open" or self.agreed_by:
            yield from self._investigated(self.begun)

    def _assigned(self, told: dict[str, Any]) -> Iterable[tuple[str, Charge]]:
        assets = frozenset({AssetId(told["asset_id"])} if "asset_id" in told else ())
        providers = frozenset({ParticipantId(told["provider_id"])} if "provider_id" in told else ())
        for office, name in OFFICERS.items():
            if officer := told.get(name):
                yield officer, Charge(office, Grade(told["highest"]), assets, providers)

    def _investigated(self, told: dict[str, Any]) -> Iterable[tuple[str, Charge]]:
        charge = Charge(
            REGULATOR, Grade(told["highest"]), frozenset(map(AssetId, told["assets"])),
            frozenset(map(ParticipantId, told["participants"])), told["is_whole_log"],
        )  # fmt: skip
        for officer in sorted({*told["officers"], self.opened_by, self.agreed_by or self.opened_by}):
            yield officer, charge


@dataclass(frozen=True, slots=True)
class Charges:
    """All of them, and whom each concerns."""

    told: dict[str, Told] = field(default_factory=dict[str, Told])
    of_subject: dict[str, set[str]] = field(default_factory=dict[str, set[str]])

    def of(self, subject: str, now: datetime) -> tuple[Charge, ...]:
        """Those of one person that last at this moment."""
        theirs = [self.told[key] for key in sorted(self.of_subject.get(subject, ()))]
        return tuple(
            charge for each in theirs if each.lasts(now) for officer, charge in each.charges() if officer == subject
        )

    def lasting(self, now: datetime) -> tuple[Charge, ...]:
        """Those of anybody that last at this moment."""
        return tuple(charge for each in self.told.values() if each.lasts(now) for _, charge in each.charges())

    def hear(self, change: Change) -> list[str]:
        """The key of what changed, if the fact is about any."""
        if change.act not in KEYS:
            return []
        key = change.data[KEYS[change.act]]
        self._known(key).hear(change)
        self._index(key)
        return [key]

    def row(self, key: str) -> list[Any]:
        each = self.told[key]
        return [each.begun, each.opened_by, each.agreed_by, each.lasts_until, each.is_over]

    def take_up(self, key: str, row: list[Any]) -> None:
        self.told[key] = Told(*row)
        self._index(key)

    def _known(self, key: str) -> Told:
        return self.told.setdefault(key, Told())

    def _index(self, key: str) -> None:
        for subject, _ in self.told[key].charges():
            self.of_subject.setdefault(subject, set()).add(key)


class CaseMirror:
    """The regulators' cases, mirrored from the log's own feed."""

    def __init__(self, clock: Clock, feed: Source, database: Database | None = None) -> None:
        self._clock, self._cases, self._as_of = clock, Charges(), NEVER
        keeper = database and Keeper(database, "cases", form_of(__file__))
        memory = keeper and Memory(keeper, self._rows_of, self._take_up)
        self._follower = MemoryFollower(clock, "audit", feed, self._cases.hear, self._caught_up, memory)

    async def run(self) -> None:
        await self._follower.run()

    async def tick(self) -> None:
        """A log that is away is asked again: whoever asks for standing does not wait for it."""
        try:
            await self._follower.tick()
        except Failure as error:
            log.warning("the cases are not told: %s", error.code())

    def charges_of(self, subject: str, now: datetime) -> tuple[Charge, ...]:
        return () if now - self._as_of > BEHIND else self._cases.of(subject, now)

    def _caught_up(self, as_of: datetime) -> None:
        self._as_of = max(self._as_of, as_of)

    def _rows_of(self, keys: Iterable[str]) -> Rows:
        return {key: self._cases.row(key) for key in keys}

    def _take_up(self, rows: Rows) -> None:
        for key, row in rows.items():
            self._cases.take_up(key, row)

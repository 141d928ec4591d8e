"""Standing: what every service knows of every participant, mirrored in memory from identity's feed.

Tokens say who asks; standing says, at the moment of decision, whether they are admitted, trusted with what, and whose
affiliates they are. Promises: a suspension is known within a second of its commit; a mirror that has fallen behind
by more than `STALE` says so, and acts on G3 and above and payouts are then refused.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.changes import Change, MemoryFollower, Source
from shared.clock import Clock
from shared.errors import Forbidden, Unavailable
from shared.grades import G3, Clearance, Grade
from shared.ids import KeyId, ParticipantId

STALE = timedelta(seconds=30)


class NotAdmitted(Forbidden):
    """Your organisation is not admitted to trade."""


class StandingUnknown(Unavailable):
    """Who is in good standing cannot be confirmed at the moment."""


@dataclass(frozen=True, slots=True)
class Standing:
    participant_id: ParticipantId
    status: str
    roles: frozenset[str] = frozenset()
    clearance: Clearance | None = None
    affiliates: frozenset[ParticipantId] = frozenset()
    signing_keys: Mapping[KeyId, str] = field(default_factory=dict[KeyId, str])  # public keys in base64

    @property
    def is_admitted(self) -> bool:
        return self.status == "admitted"

    def is_related_to(self, other: ParticipantId) -> bool:
        return other == self.participant_id or other in self.affiliates


class StandingMirror:
    def __init__(self, clock: Clock, feed: Source) -> None:
        self._clock = clock
        self._standings: dict[ParticipantId, Standing] = {}
        self._disabled: set[str] = set()
        self._as_of = datetime.min.replace(tzinfo=UTC)
        self._follower = MemoryFollower(clock, "identity", feed, self._apply, self._caught_up)

    async def run(self) -> None:
        await self._follower.run()

    async def tick(self) -> None:
        await self._follower.tick()

    def of(self, participant_id: ParticipantId) -> Standing:
        """Raises NotAdmitted for a participant nobody has heard of."""
        if participant_id not in self._standings:
            raise NotAdmitted(standing="unknown")
        return self._standings[participant_id]

    def clearance_of(self, participant_id: ParticipantId | None) -> Clearance | None:
        """What an admitted participant may be trusted with; None for anyone else."""
        standing = self._standings.get(participant_id) if participant_id else None
        return standing.clearance if standing and standing.is_admitted else None

    def is_disabled(self, subject: str) -> bool:
        return subject in self._disabled

    @property
    def is_stale(self) -> bool:
        return self._clock.now() - self._as_of > STALE

    def require_fresh(self, grade: Grade | None = None) -> None:
        """Raises StandingUnknown if the mirror is stale and the act is on G3 or above, or (no grade) a payout."""
        if self.is_stale and (grade is None or grade >= G3):
            raise StandingUnknown(as_of=self._as_of, retry_after_seconds=5)

    def _caught_up(self, moment: datetime) -> None:
        self._as_of = max(self._as_of, moment)  # a look that began earlier may end later

    def _apply(self, change: Change) -> None:
        if fold := FOLDS.get(change.act):
            data = change.data
            participant_id = ParticipantId(data["participant_id"])
            before = self._standings.get(participant_id, Standing(participant_id, "applied"))
            self._standings[participant_id] = fold(before, data)
        if change.act == "identity.affiliation_declared":
            one, other = ParticipantId(change.data["participant_id"]), ParticipantId(change.data["affiliate_id"])
            self._affiliate(one, other)
            self._affiliate(other, one)
        if change.act in DISABLES:
            self._disabled.add(change.data[DISABLES[change.act]])

    def _affiliate(self, one: ParticipantId, other: ParticipantId) -> None:
        before = self._standings.get(one, Standing(one, "applied"))
        self._standings[one] = replace(before, affiliates=before.affiliates | {other})


Fold = Callable[[Standing, dict[str, Any]], Standing]


def _admitted(before: Standing, data: dict[str, Any]) -> Standing:
    return replace(
        before, status="admitted", roles=frozenset(data["roles"]), clearance=Clearance(data["clearance"])
    )  # fmt: skip


def _cleared(before: Standing, data: dict[str, Any]) -> Standing:
    return replace(before, clearance=Clearance(data["clearance"]))


def _becomes(status: str) -> Fold:
    return lambda before, data: replace(before, status=status)


def _key_registered(before: Standing, data: dict[str, Any]) -> Standing:
    return replace(before, signing_keys={**before.signing_keys, KeyId(data["key_id"]): data["public_key"]})


def _key_revoked(before: Standing, data: dict[str, Any]) -> Standing:
    kept = {key_id: key for key_id, key in before.signing_keys.items() if key_id != data["key_id"]}
    return replace(before, signing_keys=kept)


FOLDS: Mapping[str, Fold] = {
    "identity.participant_applied": _becomes("applied"),
    "identity.participant_admitted": _admitted,
    "identity.clearance_changed": _cleared,
    "identity.participant_refused": _becomes("refused"),
    "identity.participant_suspended": _becomes("suspended"),
    "identity.participant_reinstated": _becomes("admitted"),
    "identity.participant_exited": _becomes("exited"),
    "identity.signing_key_registered": _key_registered,
    "identity.signing_key_revoked": _key_revoked,
}
DISABLES = {"identity.user_disabled": "user_id", "identity.api_client_disabled": "api_client_id"}

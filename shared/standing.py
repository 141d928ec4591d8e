"""Standing: what every service knows of every participant, mirrored in memory from identity's feed.

Tokens say who asks; standing says, at the moment of decision, whether they are admitted, trusted with what, and whose
affiliates and agents they are; and of the staff, what each was charged with. Promises: a suspension is known within a
second of its commit; facts of one participant count in the order of their revisions, whichever stripes they came by; a
verification counts until it expires by the clock, told or not; a mirror that has fallen behind by more than `STALE`
says so, and acts on G3 and above and payouts are then refused; one that has not yet read all that there was tells
nothing of anybody, for what it has read of somebody may be no more than the beginning.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from shared import charges
from shared.changes import Change, Memory, MemoryFollower, Source
from shared.charges import CaseMirror, Charges
from shared.clock import Clock
from shared.database import Database
from shared.delegation import Act, Delegation, Limits
from shared.errors import NotAdmitted, Unavailable
from shared.facts import microseconds, moment
from shared.grades import G3, Clearance, Grade
from shared.ids import AssetId, AssignmentId, DelegationId, KeyId, ListingId, ParticipantId
from shared.mirrored import Keeper, Rows, form_of
from shared.money import Money
from shared.oversight import Charge
from shared.together import together

STALE = timedelta(seconds=30)
NEVER = datetime.min.replace(tzinfo=UTC)


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
    name: str | None = None  # as it applied; an organisation's name is public, and so is
    uscc: str | None = None  # its 统一社会信用代码
    verified_until: datetime | None = None  # none: as long as it is admitted
    sanctioned_until: datetime | None = None  # suspended until then, whatever the status

    @property
    def is_admitted(self) -> bool:
        return self.status == "admitted"

    @property
    def may_finish(self) -> bool:
        """Whether it may end what it has begun: it trades, or did until it was suspended."""
        return self.status in {"admitted", "suspended"}

    def at(self, now: datetime) -> "Standing":
        """The standing that counts: suspended once a verification has expired, or while a sanction binds, noticed or
        not."""
        has_expired = self.verified_until is not None and now >= self.verified_until
        is_bound = self.sanctioned_until is not None and now < self.sanctioned_until
        return replace(self, status="suspended") if self.is_admitted and (has_expired or is_bound) else self

    def represented_by(self, agent: "Standing") -> "Standing":
        """What may be done through an agent: what both may do. What either is kept from, both are."""
        clearances = [each for each in (self.clearance, agent.clearance) if each]
        return replace(
            self, roles=self.roles & agent.roles, clearance=min(clearances) if len(clearances) == 2 else None,
            affiliates=self.affiliates | agent.affiliates | {agent.participant_id},
        )  # fmt: skip

    def is_related_to(self, other: ParticipantId) -> bool:
        return other == self.participant_id or other in self.affiliates


class StandingMirror:
    """With a `database`, what was heard is kept there, and a start goes on from it. With `cases`, the log's feed, the
    regulators' cases are heard as well; while that one is away, nothing shows by a case, and all else goes on."""

    def __init__(
        self, clock: Clock, feed: Source, database: Database | None = None, cases: Source | None = None
    ) -> None:  # fmt: skip
        self._clock = clock
        self._records: dict[ParticipantId, Record] = {}
        self._standings: dict[ParticipantId, Standing] = {}
        self._locked_out: dict[str, tuple[datetime, bool]] = {}  # what was said last of each, and when
        self._accepted: dict[DelegationId, dict[str, Any]] = {}  # as it was told
        self._delegations: dict[DelegationId, Delegation] = {}
        self._delegations_to: dict[ParticipantId, list[Delegation]] = {}
        self._ended: set[DelegationId] = set()  # one end may be heard before its beginning
        self._assignments = Charges()
        self._as_of = NEVER
        form = form_of(__file__, charges.__file__)
        keeper = database and Keeper(database, "standing", form)
        memory = keeper and Memory(keeper, self._rows_of, self._take_up)
        self._follower = MemoryFollower(clock, "identity", feed, self._apply, self._caught_up, memory)
        self._cases = CaseMirror(clock, cases, database) if cases else None

    async def run(self) -> None:
        cases = [self._cases.run()] if self._cases else []
        await together(self._follower.run(), *cases)

    async def tick(self) -> None:
        await self._follower.tick()
        if self._cases:
            await self._cases.tick()

    def of(self, participant_id: ParticipantId) -> Standing:
        """Raises NotAdmitted for a participant nobody has heard of; StandingUnknown until all was read once."""
        if (standing := self.known(participant_id)) is None:
            raise NotAdmitted(standing="unknown")
        return standing

    def known(self, participant_id: ParticipantId) -> Standing | None:
        """Whatever is known of a participant, in good standing or not. Raises StandingUnknown as above."""
        self._require_read()
        standing = self._standings.get(participant_id)
        return standing and standing.at(self._clock.now())

    def clearance_of(self, participant_id: ParticipantId | None) -> Clearance | None:
        """What an admitted participant may be trusted with; None for anyone else. Raises StandingUnknown as above."""
        standing = self.known(participant_id) if participant_id else None
        return standing.clearance if standing and standing.is_admitted else None

    def delegation(self, delegation_id: DelegationId) -> Delegation | None:
        """What one organisation lets another do, unless either has ended that."""
        return self._delegations.get(delegation_id) if delegation_id not in self._ended else None

    def principals_of(self, agent_id: ParticipantId, act: Act) -> frozenset[ParticipantId]:
        """For whom an organisation may do this at this moment."""
        now = self._clock.now()
        return frozenset(
            each.principal_id for each in self._delegations_to.get(agent_id, ())
            if each.id not in self._ended and each.limits.in_force(act, now)
        )  # fmt: skip

    def persons_of(self, participant_id: ParticipantId) -> frozenset[str]:
        """The log-ins of its people that can act for an organisation, as far as our identity told of them. Raises
        StandingUnknown as above."""
        self._require_read()
        record = self._records.get(participant_id)
        return frozenset(each for each in record.persons if not self.is_disabled(each)) if record else frozenset()

    def is_disabled(self, subject: str) -> bool:
        """Whether they are locked out. Raises StandingUnknown as above."""
        self._require_read()
        return self._locked_out.get(subject, (None, False))[1]

    def charges_of(self, subject: str) -> tuple[Charge, ...]:
        """What somebody of the staff is charged with by name at this moment: nothing, once the mirror is stale."""
        now = self._clock.now()
        assigned = () if self.is_stale else self._assignments.of(subject, now)
        return (*assigned, *(self._cases.charges_of(subject, now) if self._cases else ()))

    def assigned(self) -> tuple[Charge, ...]:
        """Everything that anybody of the exchange is assigned at this moment."""
        return () if self.is_stale else self._assignments.lasting(self._clock.now())

    @property
    def is_stale(self) -> bool:
        return self._clock.now() - self._as_of > STALE

    def require_fresh(self, grade: Grade | None = None) -> None:
        """Raises StandingUnknown if the mirror is stale and the act is on G3 or above, or (no grade) a payout."""
        if self.is_stale and (grade is None or grade >= G3):
            raise StandingUnknown(as_of=self._as_of, retry_after_seconds=5)

    def _require_read(self) -> None:
        if self._as_of == NEVER:
            raise StandingUnknown(retry_after_seconds=1)

    def _caught_up(self, moment: datetime) -> None:
        self._as_of = max(self._as_of, moment)  # a look that began earlier may end later

    def _apply(self, change: Change) -> list[str]:
        data, changed = change.data, list[str]()
        for name in ("participant_id", "affiliate_id"):
            if name in data:
                participant_id = ParticipantId(data[name])
                record = self._records.setdefault(participant_id, Record(participant_id))
                record.hear(change.act, data)
                self._standings[participant_id] = record.standing()
                changed.append(participant_id)
        if change.act == "identity.delegation_accepted":
            self._accept(data)
            changed.append(data["delegation_id"])
        if change.act == "identity.delegation_ended":
            self._ended.add(DelegationId(data["delegation_id"]))
            changed.append(data["delegation_id"])
        changed += self._assignments.hear(change)
        if change.act in LOCKS_OUT:
            name, is_out = LOCKS_OUT[change.act]
            said = (change.at, is_out)
            self._locked_out[data[name]] = max(self._locked_out.get(data[name], said), said)
            changed.append(data[name])
        return changed

    def _accept(self, data: dict[str, Any]) -> None:
        agreed = _delegation(data)
        self._accepted[agreed.id], self._delegations[agreed.id] = data, agreed
        self._delegations_to.setdefault(agreed.agent_id, []).append(agreed)

    def _rows_of(self, keys: Iterable[str]) -> Rows:
        return {key: self._row(key) for key in keys}

    def _row(self, key: str) -> Any:
        """All that is known under one id, of whatever it is the id."""
        kind = key.partition("_")[0]
        if kind == ParticipantId.kind:
            return self._records[ParticipantId(key)].row()
        if kind == DelegationId.kind:
            delegation_id = DelegationId(key)
            return [self._accepted.get(delegation_id), delegation_id in self._ended]
        if kind == AssignmentId.kind:
            return self._assignments.row(key)
        said_at, is_out = self._locked_out[key]
        return [microseconds(said_at), is_out]

    def _take_up(self, rows: Rows) -> None:
        for key, row in rows.items():
            kind = key.partition("_")[0]
            if kind == ParticipantId.kind:
                record = Record.of(ParticipantId(key), row)
                self._records[record.participant_id] = record
                self._standings[record.participant_id] = record.standing()
            elif kind == DelegationId.kind:
                self._take_up_delegation(DelegationId(key), *row)
            elif kind == AssignmentId.kind:
                self._assignments.take_up(key, row)
            else:
                said_at, is_out = row
                self._locked_out[key] = moment(said_at), is_out

    def _take_up_delegation(self, delegation_id: DelegationId, accepted: dict[str, Any] | None, ended: bool) -> None:
        if accepted:
            self._accept(accepted)
        if ended:
            self._ended.add(delegation_id)


Fold = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Record:
    """All that counts of what was told of a participant, in any order: the stripes of a feed are read one after the
    other. Of each thing that is told of it, `told` has what its latest revision said."""

    participant_id: ParticipantId
    told: dict[str, tuple[int, Any]] = field(default_factory=dict[str, tuple[int, Any]])
    affiliates: set[ParticipantId] = field(default_factory=set[ParticipantId])
    keys: dict[KeyId, str | None] = field(default_factory=dict[KeyId, str | None])  # None: revoked, and so for ever
    persons: set[str] = field(default_factory=set[str])  # who has a role, locked out or not

    def hear(self, act: str, data: dict[str, Any]) -> None:
        if fold := FOLDS.get(act):
            for name, value in fold(data).items():
                if data["revision"] >= self.told.get(name, (0,))[0]:
                    self.told[name] = data["revision"], value
        if act == "identity.signing_key_registered":
            self.keys.setdefault(KeyId(data["key_id"]), data["public_key"])
        if act == "identity.signing_key_revoked":
            self.keys[KeyId(data["key_id"])] = None
        if act == "identity.user_created" and data["roles"]:
            self.persons.add(data["user_id"])
        if act == "identity.affiliation_declared":
            both = {ParticipantId(data["participant_id"]), ParticipantId(data["affiliate_id"])}
            self.affiliates.update(both - {self.participant_id})

    def standing(self) -> Standing:
        keys = {key_id: key for key_id, key in self.keys.items() if key is not None}
        told = {name: READ.get(name, _as_told)(value) for name, (_, value) in self.told.items()}
        start = Standing(self.participant_id, "applied", affiliates=frozenset(self.affiliates), signing_keys=keys)
        return replace(start, **told)

    def row(self) -> list[Any]:
        return [self.told, sorted(self.affiliates), self.keys, sorted(self.persons)]

    @classmethod
    def of(cls, participant_id: ParticipantId, row: list[Any]) -> "Record":
        told, affiliates, keys, persons = row
        return cls(
            participant_id, {name: (revision, value) for name, (revision, value) in told.items()},
            set(map(ParticipantId, affiliates)), {KeyId(key_id): key for key_id, key in keys.items()}, set(persons),
        )  # fmt: skip


def _as_told(value: Any) -> Any:
    return value


def _moment_if_any(value: Any) -> Any:
    return None if value is None else moment(value)


READ: Mapping[str, Callable[[Any], Any]] = {
    "roles": frozenset, "clearance": Clearance, "verified_until": moment, "sanctioned_until": _moment_if_any,
}  # fmt: skip


def _applied(data: dict[str, Any]) -> dict[str, Any]:
    return {"status": "applied", "name": data.get("name"), "uscc": data.get("uscc")}


def _admitted(data: dict[str, Any]) -> dict[str, Any]:
    return {"status": "admitted", "roles": data["roles"], **_cleared(data)}


def _cleared(data: dict[str, Any]) -> dict[str, Any]:
    return {"clearance": data["clearance"], **_verified(data)}


def _reinstated(data: dict[str, Any]) -> dict[str, Any]:
    return {"status": "admitted", **_verified(data)}


def _verified(data: dict[str, Any]) -> dict[str, Any]:
    """Until when, where it is told."""
    told = data.get("verified_until")
    return {} if told is None else {"verified_until": told}


def _sanctioned(data: dict[str, Any]) -> dict[str, Any]:
    """Until when, where a sanction binds."""
    return {"sanctioned_until": data.get("sanctioned_until")}


def _becomes(status: str) -> Fold:
    return lambda _: {"status": status}


def _delegation(data: dict[str, Any]) -> Delegation:
    limits = data["limits"]
    asset_ids, listing_ids, ceiling = (limits.get(name) for name in ("asset_ids", "listing_ids", "amount_max"))
    return Delegation(
        DelegationId(data["delegation_id"]), ParticipantId(data["principal_id"]), ParticipantId(data["agent_id"]),
        Limits(
            frozenset(map(Act, limits["acts"])), moment(limits["begins_at"]), moment(limits["ends_at"]),
            None if asset_ids is None else frozenset(map(AssetId, asset_ids)),
            None if listing_ids is None else frozenset(map(ListingId, listing_ids)),
            None if ceiling is None else Money(ceiling["minor"], ceiling["currency"]),
        ),
    )  # fmt: skip


FOLDS: Mapping[str, Fold] = {
    "identity.participant_applied": _applied,
    "identity.participant_admitted": _admitted,
    "identity.clearance_changed": _cleared,
    "identity.participant_refused": _becomes("refused"),
    "identity.participant_suspended": _becomes("suspended"),
    "identity.participant_reinstated": _reinstated,
    "identity.verification_shortened": _verified,
    "identity.participant_exited": _becomes("exited"),
    "identity.participant_sanctioned": _sanctioned,
    "identity.participant_sanction_lifted": _sanctioned,
}
LOCKS_OUT = {
    "identity.user_disabled": ("user_id", True),
    "identity.user_enabled": ("user_id", False),
    "identity.api_client_disabled": ("api_client_id", True),
}

"""Random inspection 双随机: subjects and their inspectors drawn by lot, so that nobody chooses whom they look into.

Owns: the states of a sampling and the rule of the draw, which anyone can run again.
Promises: before the draw the log holds both lists and the hash of a seed; the draw mixes that seed with the root of the
log's first checkpoint that covers them, so neither who asks nor who keeps the log can try seeds until one suits; nobody
is drawn twice; the order in which a list was handed in changes nothing.
The rule: key = SHA-256(seed ‖ root). Subjects rank by HMAC-SHA-256(key, "subject" 0x00 id), and the lowest are drawn;
the inspectors of each rank by HMAC-SHA-256(key, "inspector" 0x00 subject 0x00 id), and the lowest are theirs.
Source: State Council 国办发〔2015〕58号 (random subjects, random inspectors, published results); the commitment is that
of a seed in an auction of random samples.
"""

import hashlib
import hmac
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from shared.errors import Malformed, NotFound
from shared.ids import FactId, ParticipantId, SamplingId
from shared.lifecycle import Lifecycle

SUBJECTS_MAX = 200  # both lists stand in one fact of 16 KiB
INSPECTORS_MAX = 50
SEED_BYTES = 32
DRAWN_WITHIN = timedelta(hours=1)
NOT_DRAWN = "no_checkpoint_in_time"


class State(StrEnum):
    COMMITTED = "committed"
    DRAWN = "drawn"
    LAPSED = "lapsed"


SAMPLING = Lifecycle(start=State.COMMITTED, moves={
    State.COMMITTED: {State.DRAWN, State.LAPSED},
    State.DRAWN:     set(),
    State.LAPSED:    set(),
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Plan:
    """What is drawn from what. Both lists are in order, each name once."""

    purpose: str
    legal_basis: str
    subjects: tuple[ParticipantId, ...]
    inspectors: tuple[str, ...]
    subject_count: int
    inspectors_each: int


@dataclass(frozen=True, slots=True)
class Assignment:
    """A subject, and who inspects them."""

    subject: ParticipantId
    inspectors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sampling:
    """`fact_id` names the commitment in the log; `beacon_size` is that of the checkpoint whose root was mixed in."""

    id: SamplingId
    fact_id: FactId
    opened_by: str
    plan: Plan
    seed: str
    state: State
    next_actor: str | None
    deadline: datetime | None
    drawn: tuple[Assignment, ...] = ()
    beacon_size: int | None = None
    beacon_root: str | None = None
    reason_code: str | None = None
    revision: int = 1

    @property
    def seed_hash(self) -> str:
        return hashlib.sha256(bytes.fromhex(self.seed)).hexdigest()


class NoSuchSampling(NotFound):
    """There is no such sampling."""


class NamedTwice(Malformed):
    """A list to draw from names someone twice."""


class TooFewToDraw(Malformed):
    """More are to be drawn than the list names."""


def plan(
    purpose: str, legal_basis: str, subjects: Collection[ParticipantId], inspectors: Collection[str],
    subject_count: int, inspectors_each: int,
) -> Plan:  # fmt: skip
    """Requires counts of at least one."""
    for names, count in ((subjects, subject_count), (inspectors, inspectors_each)):
        if len(set(names)) < len(names):
            raise NamedTwice()
        if count > len(names):
            raise TooFewToDraw(drawn=count, named=len(names))
    lists = (tuple(sorted(subjects)), tuple(sorted(inspectors)))
    return Plan(purpose, legal_basis, *lists, subject_count, inspectors_each)


def commit(
    sampling_id: SamplingId, fact_id: FactId, by: str, wanted: Plan, seed: bytes, now: datetime
) -> Sampling:  # fmt: skip
    """Requires a seed of 32 random bytes, told to nobody before the draw."""
    if len(seed) != SEED_BYTES:
        raise ValueError(f"a seed has {SEED_BYTES} bytes")
    return Sampling(sampling_id, fact_id, by, wanted, seed.hex(), SAMPLING.start, "log", now + DRAWN_WITHIN)


def draw(sampling: Sampling, beacon_size: int, beacon_root: bytes) -> Sampling:
    """Requires the first checkpoint of the log that covers the commitment."""
    drawn = assignments(sampling.plan, bytes.fromhex(sampling.seed), beacon_root)
    told = {"drawn": drawn, "beacon_size": beacon_size, "beacon_root": beacon_root.hex()}
    return _over(sampling, State.DRAWN, **told)


def lapse(sampling: Sampling) -> Sampling:
    """Requires a sampling whose deadline has passed without a checkpoint."""
    return _over(sampling, State.LAPSED, reason_code=NOT_DRAWN)


def assignments(wanted: Plan, seed: bytes, beacon_root: bytes) -> tuple[Assignment, ...]:
    """Who is inspected by whom, by the rule that stands above."""
    key = hashlib.sha256(seed + beacon_root).digest()
    subjects = sorted(wanted.subjects, key=lambda name: _rank(key, "subject", name))[: wanted.subject_count]
    return tuple(Assignment(subject, _inspectors(key, subject, wanted)) for subject in subjects)


def _inspectors(key: bytes, subject: ParticipantId, wanted: Plan) -> tuple[str, ...]:
    ranked = sorted(wanted.inspectors, key=lambda name: _rank(key, "inspector", subject, name))
    return tuple(ranked[: wanted.inspectors_each])


def _rank(key: bytes, *parts: str) -> bytes:
    return hmac.new(key, "\x00".join(parts).encode(), hashlib.sha256).digest()


def _over(sampling: Sampling, to: State, **changes: object) -> Sampling:
    moved = {"state": SAMPLING.move(sampling.state, to), "revision": sampling.revision + 1}
    return replace(sampling, next_actor=None, deadline=None, **moved, **changes)  # pyright: ignore[reportArgumentType]

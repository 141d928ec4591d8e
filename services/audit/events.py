"""The facts that `audit` announces. They go into its own log by its own outbox, like everyone's.

A checkpoint is no fact: a log that told of each of its checkpoints would grow for ever.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

from shared.facts import Category, Fact, Retention
from shared.ids import EvidenceId, FactId, ParticipantId


@dataclass(frozen=True, slots=True)
class AlertRaised(Fact):
    """Something is wrong that a person must look at; the evidence is kept."""

    category: ClassVar[Category] = Category.SYSTEM
    retention: ClassVar[Retention] = Retention.SECURITY
    kind: Literal["source_equivocates"]
    evidence_id: EvidenceId
    service: str
    stripe: int
    seq: int
    known_hash: str
    sent_hash: str


@dataclass(frozen=True, slots=True)
class EntriesRead(Fact):
    """A supervisor looked at entries: which were asked for, and which were shown."""

    category: ClassVar[Category] = Category.ACCESS
    retention: ClassVar[Retention] = Retention.SECURITY
    count: int
    first_index: int | None = None
    last_index: int | None = None
    sought_fact_id: FactId | None = None
    object_id: str | None = None
    organisation_id: ParticipantId | None = None


@dataclass(frozen=True, slots=True)
class QueryAnswered(Fact):
    """Someone was given entries, with proof that they are all: what was asked, of how large a log, what was shown.

    What was sought is told as text: to have been asked about is nothing that happens to a thing.
    """

    category: ClassVar[Category] = Category.ACCESS
    retention: ClassVar[Retention] = Retention.SECURITY
    sought: str
    size: int
    shown: int
    first_index: int | None = None
    last_index: int | None = None


@dataclass(frozen=True, slots=True)
class EvidenceExported(Fact):
    """An answer was given out as a bundle that is checked offline, with or without the entries behind the map."""

    category: ClassVar[Category] = Category.ACCESS
    retention: ClassVar[Retention] = Retention.SECURITY
    sought: str
    size: int
    root: str
    has_tail: bool


@dataclass(frozen=True, slots=True)
class IndexSnapshot(Fact):
    """The map of all keys over the log's first `size` entries, and how late these entries came at least and at most."""

    category: ClassVar[Category] = Category.SYSTEM
    retention: ClassVar[Retention] = Retention.SECURITY
    size: int
    root: str
    key_count: int
    fact_id: FactId
    lag_least_us: int | None = None
    lag_most_us: int | None = None


@dataclass(frozen=True, slots=True)
class BundleExported(Fact):
    """The log up to a checkpoint was given out."""

    category: ClassVar[Category] = Category.ACCESS
    retention: ClassVar[Retention] = Retention.SECURITY
    size: int
    root: str

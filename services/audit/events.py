"""The facts that `audit` announces. They go into its own log by its own outbox, like everyone's.

A checkpoint is no fact: a log that told of each of its checkpoints would grow for ever.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

from shared.facts import Category, Fact, Retention
from shared.ids import EvidenceId, FactId, ParticipantId

AlertKind = Literal[
    "source_equivocates",         # another event under a number that the log has: `evidence_id` says where it is kept
    "source_contradicts_itself",  # a sign of life that is not of the chain in the log
    "counts_differ",              # the source recorded others, or more or fewer, than the log has
    "source_silent",              # no sign of life for too long
    "witness_silent",             # a witness gives no word
    "witness_contradicts",        # a witness has seen another log
    "log_altered",                # what is kept is not what was signed
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class AlertRaised(Fact):
    """Something is wrong that a person must look at; the evidence is kept."""

    category: ClassVar[Category] = Category.SYSTEM
    retention: ClassVar[Retention] = Retention.SECURITY
    kind: AlertKind
    evidence_id: EvidenceId | None = None
    service: str | None = None
    stripe: int | None = None
    seq: int | None = None
    known_hash: str | None = None
    sent_hash: str | None = None
    witness: str | None = None
    size: int | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class SourceReconciled(Fact):
    """A source's count of what it recorded, held against the log's: so many there, so many here."""

    category: ClassVar[Category] = Category.SYSTEM
    retention: ClassVar[Retention] = Retention.SECURITY
    verdict: Literal["ok", "mismatch"]
    service: str
    stripe: int
    first_seq: int
    last_seq: int
    told_count: int
    log_count: int
    log_ids_hash: str


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

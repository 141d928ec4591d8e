"""What is asked of the log and answered, with what shows that nothing was left out."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from services.audit.rules import question
from services.audit.rules.question import AtTime, FromSource, OneQuestionAtATime, Question
from services.audit.schemas.log import INTEGER_MAX, EntryView
from shared import web
from shared.facts import microseconds
from shared.ids import ParticipantId


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as it comes in a query; a source and a time are open at an end that is not given."""

    object_id: str | None
    actor_id: str | None
    organisation_id: ParticipantId | None
    source: tuple[str | None, int | None, int | None, int | None]
    ingested: tuple[datetime | None, datetime | None]
    happened: tuple[datetime | None, datetime | None]

    def question(self) -> Question:
        """Raises OneQuestionAtATime unless it is one."""
        return question.the_one(
            question.about_objects(self.object_id) if self.object_id else None,
            question.about_actor(self.actor_id) if self.actor_id else None,
            question.about_organisation(self.organisation_id) if self.organisation_id else None,
            _source(*self.source),
            _time("ingested", *self.ingested),
            _time("happened", *self.happened),
        )


def _source(service: str | None, stripe: int | None, first_seq: int | None, last_seq: int | None) -> FromSource | None:
    if service is None:
        if not {stripe, first_seq, last_seq} <= {None}:
            raise OneQuestionAtATime()  # numbers of no source were meant to do something
        return None
    return FromSource(service, stripe or 0, first_seq or 1, last_seq or INTEGER_MAX - 1)


def _time(what: Literal["ingested", "happened"], first: datetime | None, until: datetime | None) -> AtTime | None:
    if first is None and until is None:
        return None
    return AtTime(what, microseconds(first) if first else 0, microseconds(until) if until else INTEGER_MAX)


class ProvenEntryView(EntryView):
    """With the hashes that lead from the leaf's to the root that the answer is of (RFC 9162 section 2.1.3.2)."""

    hashes: list[str]


class HeadView(web.View):
    """A leaf of the map of keys: SHA-256 of 0x12, the key's 16 bytes, last index and count as 8 bytes big-endian.
    `hashes` lead from it to the map's root."""

    position: int
    key: str
    last_index: int
    count: int
    hashes: list[str]


class ThreadView(web.View):
    """All entries that are linked by one key, the last first: each names the one before, and counts.

    `in_map` is the key's leaf in the map, or the two neighbours between which it would stand.
    """

    role: str
    name: str
    key: str
    count: int
    last_index: int | None
    in_map: list[HeadView]


class MapView(web.View):
    """The map of keys over the log's first `size` entries; the entry that tells its root."""

    size: int
    root: str
    key_count: int
    told_by: ProvenEntryView


class RangeView(web.View):
    """Indexes from `first` up to and without `end`."""

    first: int
    end: int


class ProofView(web.View):
    """Why the items of all pages are all that there are.

    `tail`: what the map does not reach. Its entries are at `log/tile/entries`, and appended to `tail_peaks`, the right
    edge of the tree before them, they give the root. `scan`: the entries that can be of the time that was asked for,
    with the ones `before` and `after` them, unless these are read under a case only.
    """

    threads: list[ThreadView]
    map: MapView | None
    tail: RangeView | None
    tail_peaks: list[str]
    scan: RangeView | None
    before: ProvenEntryView | None
    after: ProvenEntryView | None


class AnswerView(web.View):
    """All entries that answer a question, page by page, out of the log as the checkpoint signs it.

    `withheld`: which answers are read under a case only. Those below `minimum_index` are kept no longer.
    """

    size: int
    root: str
    checkpoint: str
    count: int | None
    items: list[ProvenEntryView]
    withheld: list[int]
    minimum_index: int
    next_cursor: str | None
    proof: ProofView | None


class EvidenceView(web.View):
    """Entries for whoever settles a dispute, each under the checkpoint; those that it does not sign yet are `pending`.

    `proof` shows, on the first page, how many there are as far as the map reaches.
    """

    size: int
    checkpoint: str | None
    entries: list[ProvenEntryView]
    pending: list[int]
    proof: ProofView | None
    next_after_index: int | None


class EvidenceFileView(web.View):
    """An evidence bundle, in base64."""

    content: str


class FactBeaconView(web.View):
    """The first checkpoint that covers a fact: what nobody knew when the fact was written. None while there is none."""

    size: int | None
    root: str | None


class FactPlaceView(web.View):
    index: int
    state: Literal["sequenced", "checkpointed", "witnessed"]

"""What the log takes and shows. Hashes are lowercase hex; lines are text, so that their bytes can be hashed."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from services.audit.rules.entry import Batch
from shared import web

EVENTS_MAX = 4_000


EVENT_LENGTH_MAX = 16 * 1024


INTEGER_MAX = 2**53 - 1


Hash = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class NewBatch(web.Request):
    """Events in a row from one stripe of a service."""

    service: Annotated[str, Field(pattern="^[a-z_]{1,32}$")]
    stripe: Annotated[int, Field(ge=0, le=2**31 - 1)]
    first_seq: Annotated[int, Field(ge=1, le=INTEGER_MAX - EVENTS_MAX)]
    prev: Hash
    events: Annotated[
        list[Annotated[str, Field(max_length=EVENT_LENGTH_MAX)]], Field(min_length=1, max_length=EVENTS_MAX)
    ]

    def batch(self) -> Batch:
        lines = tuple(line.encode() for line in self.events)
        return Batch(self.service, self.stripe, self.first_seq, bytes.fromhex(self.prev), lines)


class Receipt(web.View):
    """The log's promise to a source: these events have these places. Signed as `rules.receipt` says."""

    service: str
    stripe: int
    first_seq: int
    last_seq: int
    first_index: int
    last_index: int
    last_hash: str
    log_size: int
    issued_at: datetime
    signature: str


class SourceView(web.View):
    service: str
    stripe: int
    seq: int
    hash: str


class EntryView(web.View):
    index: int
    source: str
    event: str
    seal: str
    leaf_hash: str
    state: Literal["sequenced", "checkpointed", "witnessed"]


class EntriesView(web.View):
    """`withheld`: entries of this page that are read under a case only."""

    items: list[EntryView]
    next_after_index: int | None
    withheld: list[int] = []


class InclusionView(web.View):
    """Verifies with RFC 9162 section 2.1.3.2."""

    index: int
    size: int
    leaf_hash: str
    root: str
    hashes: list[str]


class ConsistencyView(web.View):
    """Verifies with RFC 9162 section 2.1.4.2."""

    first: int
    second: int
    first_root: str
    second_root: str
    hashes: list[str]

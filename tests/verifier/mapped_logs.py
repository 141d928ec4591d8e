"""Logs that tell maps of their keys, made of the project's own rules; honest, unless a test says otherwise."""

from dataclasses import dataclass, field
from datetime import timedelta

from services.audit.events.log import IndexSnapshot
from services.audit.rules import entry, snapshot
from services.audit.rules.entry import BackLink, Batch, SourceHead
from services.audit.rules.snapshot import Head, Lags, Snapshot
from services.audit.rules.tile import Unfinished
from shared import facts
from shared.facts import Actor
from shared.ids import FactId
from tests.verifier.made_logs import NOON, SECRET, an_event

AUDIT = Actor("service", "audit")


def key_of(role: str, name: str) -> str:
    return entry.back_link_key(SECRET, role, name)


@dataclass
class Writer:
    """Takes one event after the other, as the log does."""

    leaves: list[bytes] = field(default_factory=list[bytes])
    heads: dict[tuple[str, int], SourceHead] = field(default_factory=dict[tuple[str, int], SourceHead])
    newest: dict[str, BackLink] = field(default_factory=dict[str, BackLink])
    keys: list[list[str]] = field(default_factory=list[list[str]])
    lags: list[int] = field(default_factory=list[int])
    secret: bytes = SECRET

    def take(self, service: str, stripe: int, line: bytes) -> "Writer":
        index = len(self.leaves)
        head = self.heads.get((service, stripe), SourceHead(service, stripe))
        [arrival] = entry.next_in_line(Batch(service, stripe, head.seq + 1, head.hash, (line,)), head.seq, head.hash)
        about = entry.subjects(arrival.event)
        keys = {each: entry.back_link_key(self.secret, *each) for each in about}
        now_us = facts.microseconds(NOON + timedelta(seconds=index, milliseconds=3))
        place = {"first_index": index, "now_us": now_us, "last_its": 0, "epoch": 1}
        composed = entry.compose([arrival], [about], keys, self.newest, **place)
        self.leaves += composed.leaves
        self.newest |= composed.newest
        self.heads[service, stripe] = SourceHead(service, stripe, arrival.seq, arrival.hash)
        self.keys.append(list(keys.values()))
        self.lags.append(now_us - arrival.event.ts)
        return self

    def events(self, count: int) -> "Writer":
        for _ in range(count):
            number = len(self.leaves)
            service, stripe = [("trading", 0), ("trading", 1), ("catalog", 0)][number % 3]
            self.take(service, stripe, an_event(number, service))
        return self

    def mapped(self, size: int) -> list[Head]:
        """The map of the first `size` entries, counted one by one."""
        places = dict[str, list[int]]()
        for index, keys in enumerate(self.keys[:size]):
            for key in keys:
                places.setdefault(key, []).append(index)
        return [Head(key, places[key][-1], len(places[key])) for key in sorted(places)]

    def snapshot(self, size: int | None = None, heads: list[Head] | None = None, lags: Lags | None = None) -> Snapshot:
        """What the log would tell of the map at a size."""
        size = len(self.leaves) if size is None else size
        state, _ = snapshot.grow(Unfinished(), self.mapped(size) if heads is None else heads)
        lags = lags or Lags().with_these(self.lags[:size])
        fact_id = FactId(f"fact_{size:031x}f")
        return Snapshot(size, snapshot.root(state), state.size, lags, fact_id, NOON)

    def tell(self, told: Snapshot) -> "Writer":
        """The entry that tells of a map, one second after the entry before."""
        fact = IndexSnapshot(
            told.size, told.root.hex(), told.key_count, told.fact_id, told.lags.least_us, told.lags.most_us
        )
        at = NOON + timedelta(seconds=len(self.leaves))
        line = facts.event_line(fact, service="audit", fact_id=told.fact_id, actor=AUDIT, at=at, request_id=None)
        return self.take("audit", 0, line)

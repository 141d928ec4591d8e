"""What can be seen of a running market from beside it: the committed rows of every service, and what was acknowledged.

Promises: a look disturbs nobody and sees only what is committed, so that whatever must hold at every commit must hold
at every look. What was read before is not read again.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from services.trading.rules.replay import concerned
from services.trading.rules.replay_entry import Entry
from shared.facts import Event, moment, read_event
from shared.ids import AuctionId
from shared.settings import SERVICES

Row = sqlite3.Row
FACTS = "SELECT stripe, seq, id, act, line, hash, log_index FROM outbox_facts WHERE seq > ? ORDER BY seq"


@dataclass(frozen=True)
class Seen:
    """A fact as its service keeps it, and what it says."""

    seq: int
    hash: bytes
    line: bytes
    event: Event

    @property
    def act(self) -> str:
        return self.event.act.partition(".")[2]


@dataclass(frozen=True)
class Acknowledged:
    """A write that was answered with a yes: by whom it was sent, and what was answered."""

    actor: str
    path: str
    key: str
    body: object
    status: int
    answer: Any
    at: datetime


@dataclass
class Eyes:
    files: Mapping[str, sqlite3.Connection]
    facts: dict[str, list[Seen]] = field(default_factory=lambda: {name: [] for name in SERVICES})
    by_auction: dict[AuctionId, list[Entry]] = field(default_factory=lambda: defaultdict(list))
    acknowledged: list[Acknowledged] = field(default_factory=list[Acknowledged])
    memory: dict[str, Any] = field(default_factory=dict[str, Any])  # what an invariant saw last, under its name
    _versions: dict[str, int] = field(default_factory=dict[str, int])
    changed: frozenset[str] = frozenset()

    @classmethod
    def on(cls, folder: Path) -> "Eyes":
        files = {name: sqlite3.connect(folder / f"{name}.db", isolation_level=None) for name in SERVICES}
        for file in files.values():
            file.row_factory = sqlite3.Row
            file.execute("PRAGMA query_only=1")
        return cls(files)

    def close(self) -> None:
        for file in self.files.values():
            file.close()

    def look(self) -> frozenset[str]:
        """Read what is new. Returns whose tables have changed since the last look."""
        versions = {name: file.execute("PRAGMA data_version").fetchone()[0] for name, file in self.files.items()}
        self.changed = frozenset(name for name in versions if versions[name] != self._versions.get(name))
        self._versions = versions
        for name in sorted(self.changed):
            self._read_facts(name)
        return self.changed

    def rows(self, service: str, query: str, *values: object) -> list[Row]:
        return self.files[service].execute(query, values).fetchall()

    def trading(self, query: str, *values: object) -> list[Row]:
        return self.rows("trading", query, *values)

    def told(self, act: str, since: int = 0) -> Iterator[Seen]:
        """Trading's facts of one kind, in their order, after a number."""
        return (each for each in self.facts["trading"][since:] if each.act == act)

    def _read_facts(self, name: str) -> None:
        known = self.facts[name]
        for row in self.rows(name, FACTS, known[-1].seq if known else 0):
            event = read_event(row["line"])
            known.append(Seen(row["seq"], row["hash"], row["line"], event))
            if name == "trading":
                entry = Entry(row["seq"], event)
                if (auction_id := concerned(entry)) is not None:
                    self.by_auction[auction_id].append(entry)


def moment_of(text: str) -> datetime:
    """A moment as SQLite keeps it."""
    return datetime.fromisoformat(text + "+00:00")


def moment_told(event: Event) -> datetime:
    return moment(event.ts)

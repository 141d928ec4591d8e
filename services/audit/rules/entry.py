"""An entry of the log: three canonical JSON lines, and what links it to what came before.

Owns: the source line (where the event came from), the seal line (what the log added), the back-links, and which events
of a batch are next in line.
Promises: a leaf has one reading; between a service and the log no event is dropped, reordered, replayed or exchanged
without being noticed; from the last entry about someone, the links lead back through all of them.
The format is final: verifiers of any age read all of it (audit-log 3.1).

Seal line: `its` ingest time in µs, never running backwards; `lag` = `its` - the event's `ts`, below zero where the
source's clock is ahead; `k` = [[key, index of the previous entry with this key, count of entries with it]…], the index
being -1 for the first; `ep` the sequencer's epoch.
"""

import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

from shared.errors import Conflict, Malformed, NotFound
from shared.facts import GENESIS, Event, link, read_event
from shared.ids import FactId

LEAF_BYTES_MAX = 65_535  # an entry bundle gives the length two bytes
LINK_BYTES_MAX, FRAME_BYTES_MAX = 72, 512  # of one link; of source and seal without any, numbers of 16 digits
SUBJECTS_BESIDE_OBJECTS = 4
KEY_HEX_LENGTH = 32
NO_PREVIOUS = -1
_number = "(0|-?[1-9][0-9]{0,15})"
_source_line = re.compile(rf'\{{"prev":"([0-9a-f]{{64}})","seq":{_number},"str":{_number},"svc":"([a-z_]+)"\}}')
_link = re.compile(rf'\["([0-9a-f]{{32}})",{_number},{_number}\]')
_seal_line = re.compile(rf'\{{"ep":{_number},"its":{_number},"k":\[(.*)\],"lag":{_number}\}}')


Subject = tuple[str, str]  # as what it is told of, and its name


class EventUnreadable(Malformed):
    """An event of the batch is not in the form that the log takes."""


class ForeignAct(Malformed):
    """A service may only report what happened in it."""


class SourceEquivocates(Malformed):
    """The source reports another event under a number that the log already has."""


class NoSuchFact(NotFound):
    """The log has taken no such fact of this service."""


class SequenceGap(Conflict):
    """Events are missing between the last one that the log has and the first one sent."""


class FactsPruned(Conflict):
    """These facts were taken, and their entries dropped when their term was over: their places can be told no more."""


@dataclass(frozen=True, slots=True)
class SourceHead:
    """The last event that the log has of a stripe; number 0 before the first."""

    service: str
    stripe: int
    seq: int = 0
    hash: bytes = GENESIS


@dataclass(frozen=True, slots=True)
class Batch:
    """Events in a row from one stripe. Requires at least one; `previous` is the hash before the first."""

    service: str
    stripe: int
    first_seq: int
    previous: bytes
    lines: tuple[bytes, ...]

    @property
    def last_seq(self) -> int:
        return self.first_seq + len(self.lines) - 1


class Arrival(NamedTuple):  # one for each event that the log takes, so it must be made quickly
    """An event that is next in line, with the hash that the source's chain has after it."""

    service: str
    stripe: int
    seq: int
    previous: bytes
    hash: bytes
    line: bytes
    event: Event


class BackLink(NamedTuple):
    """The entry before this one about the same subject, and how many there are with this one."""

    key: str
    previous_index: int
    count: int  # pyright: ignore[reportIncompatibleMethodOverride]


@dataclass(frozen=True, slots=True)
class Composed:
    """Entries as they follow on the log: their leaves, under which keys each is found, and where the next entry with
    one of these keys must point."""

    leaves: Sequence[bytes]
    filed: Mapping[str, Sequence[int]]
    newest: Mapping[str, BackLink]


@dataclass(frozen=True, slots=True)
class Entry:
    """A leaf, read."""

    service: str
    stripe: int
    seq: int
    previous: bytes
    event_line: bytes
    ingested_at_us: int
    lag_us: int
    links: tuple[BackLink, ...]
    epoch: int


def overlap(head: SourceHead, batch: Batch) -> int:
    """The last number of the batch that the log already has; the one before its first if it has none of them.

    Requires no gap between the log's head and the batch.
    """
    if batch.first_seq > head.seq + 1:
        raise SequenceGap(head_seq=head.seq, head_hash=head.hash.hex())
    return min(head.seq, batch.last_seq)


def next_in_line(batch: Batch, known_seq: int, known_hash: bytes) -> tuple[Arrival, ...]:
    """The events of the batch that the log does not have, checked at the door.

    Requires `known_seq` from `overlap` and the hash that the log has for it. One hash stands for all before it: if it
    agrees, everything that was sent again is what was sent before.
    """
    reached = batch.previous
    arrivals: list[Arrival] = []
    if known_seq == batch.first_seq - 1:
        _agree(batch, known_seq, known_hash, reached)
    for seq, line in enumerate(batch.lines, batch.first_seq):
        previous, reached = reached, link(reached, seq, line)
        if seq == known_seq:
            _agree(batch, known_seq, known_hash, reached)
        if seq > known_seq:
            event = _event_at_the_door(batch.service, seq, line)
            arrivals.append(Arrival(batch.service, batch.stripe, seq, previous, reached, line, event))
    return tuple(arrivals)


def subjects(event: Event) -> list[Subject]:
    """Whom and what an event is about, each once, in the order of its back-links."""
    actor = event.actor
    told = [("actor", actor.id)]
    if actor.org is not None:
        told.append(("org", actor.org))
    if event.onb is not None:
        told.append(("onb", event.onb))
    told += [("obj", name) for name in dict.fromkeys([each.id for each in event.obj])]
    if event.ctr is not None:
        told.append(("ctr", event.ctr))
    return told


@lru_cache(maxsize=16_384)  # most entries are about whom those shortly before were about
def back_link_key(secret: bytes, role: str, name: str) -> str:
    """The pseudonym under which a subject is linked, so that the links alone name nobody.

    Requires the secret of the log's epoch: one for the whole life of an origin, else the links would break.
    """
    return hmac.digest(secret, role.encode() + b"\x00" + name.encode(), "sha256").hex()[:KEY_HEX_LENGTH]


def compose(
    arrivals: Sequence[Arrival], told: Sequence[Sequence[Subject]], keys: Mapping[Subject, str],
    newest: Mapping[str, BackLink], *, first_index: int, now_us: int, last_its: int, epoch: int,
) -> Composed:  # fmt: skip
    """The entries of arrivals from `first_index` on, each with a link for each of the subjects that are `told` of it.

    Requires the key of each subject, the `newest` link of each key that the log has, and the `its` of the entry before:
    time in the log never runs backwards. A subject's links are told from its trail: the index before the first of these
    entries, and then theirs.
    """
    its, leaves, trails = max(now_us, last_its), list[bytes](), dict[Subject, tuple[str, int, list[int]]]()
    for subject in dict.fromkeys(chain.from_iterable(told)):
        _, previous, count = newest.get(key := keys[subject]) or BackLink(key, NO_PREVIOUS, 0)
        trails[subject] = (f'["{key}",', count, [previous])
    for index, (arrival, some) in enumerate(zip(arrivals, told, strict=True), first_index):
        links = list[str]()
        for subject in some:
            opening, count, trail = trails[subject]
            links.append(f"{opening}{trail[-1]},{count + len(trail)}]")
            trail.append(index)
        leaves.append(_leaf(arrival, ",".join(links), its, epoch))
    filed = {keys[subject]: trail[1:] for subject, (_, _, trail) in trails.items()}
    last = {
        (key := keys[subject]): BackLink(key, trail[-1], count + len(trail) - 1)
        for subject, (_, count, trail) in trails.items()
    }
    return Composed(leaves, filed, last)


def parse(leaf: bytes) -> Entry:
    """The entry of a leaf. Requires the bytes that `compose` makes; raises ValueError for anything else."""
    lines = leaf.split(b"\n")
    if len(lines) != 4 or lines[3]:
        raise ValueError("an entry has three lines")
    source = _source_line.fullmatch(lines[0].decode())
    seal = _seal_line.fullmatch(lines[2].decode())
    if not source or not seal:
        raise ValueError("the source line or the seal line is not of its form")
    keys = [_link.fullmatch(text) for text in re.split(r"(?<=\]),", seal[3])] if seal[3] else []
    links = tuple(BackLink(key[1], int(key[2]), int(key[3])) for key in keys if key)
    if len(links) != len(keys):
        raise ValueError("a back-link is not of its form")
    previous, its, lag, epoch = bytes.fromhex(source[1]), int(seal[2]), int(seal[4]), int(seal[1])
    return Entry(source[4], int(source[3]), int(source[2]), previous, lines[1], its, lag, links, epoch)


def _leaf(arrival: Arrival, links: str, its: int, epoch: int) -> bytes:
    """Source and seal are written out, member by member: of a name of `[a-z_]`, a number and a hash there is no other
    canonical form."""
    service, stripe, seq, previous, _, line, event = arrival
    source = f'{{"prev":"{previous.hex()}","seq":{seq},"str":{stripe},"svc":"{service}"}}\n'
    seal = f'\n{{"ep":{epoch},"its":{its},"k":[{links}],"lag":{its - event.ts}}}\n'
    return source.encode() + line + seal.encode()


def _agree(batch: Batch, seq: int, known: bytes, sent: bytes) -> None:
    if known != sent:
        facts = {"service": batch.service, "stripe": batch.stripe, "seq": seq}
        raise SourceEquivocates(**facts, known_hash=known.hex(), sent_hash=sent.hex())


def _event_at_the_door(service: str, seq: int, line: bytes) -> Event:
    try:
        event = read_event(line)
    except ValueError as error:
        raise EventUnreadable(seq=seq, reason=str(error)) from error
    if not FactId.names(event.id):
        raise EventUnreadable(seq=seq, reason="its id is not the id of a fact")
    if event.act.partition(".")[0] != service:
        raise ForeignAct(seq=seq, act=event.act)
    links = LINK_BYTES_MAX * (len(event.obj) + SUBJECTS_BESIDE_OBJECTS)
    if len(line) + links + FRAME_BYTES_MAX > LEAF_BYTES_MAX:
        raise EventUnreadable(seq=seq, reason=f"its entry could have more than {LEAF_BYTES_MAX} bytes")
    return event

"""What a replay reads, and what it says of what it read.

Promises: a comparison looks at every field of
a fact, at those that it has too much or too little, and at the members of the envelope that repeat them.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, cast

from shared.errors import Failure
from shared.facts import Category, Event, Retention, moment, plain
from shared.ids import AuctionId, ListingId, ParticipantId
from shared.money import Money

Body = Mapping[str, Any]
ID = re.compile(r"([a-z_]+)_[0-9a-f]{32}")
TOLD_MAX = 200  # characters of a told value that are repeated


class Kind(StrEnum):
    DIFFERS = "differs"  # told otherwise than it is recomputed
    REFUSED = "refused"  # told as accepted, and the rules refuse it
    UNREADABLE = "unreadable"  # no fact of this kind has such a body
    MISSING = "missing"  # needed, and not among what was read
    UNKNOWN = "unknown"  # a fact that this program does not know


@dataclass(frozen=True, slots=True)
class Entry:
    """A fact's event, and its place among what was read: in a bundle, the log's index."""

    index: int
    event: Event

    @property
    def act(self) -> str:
        return self.event.act.removeprefix("trading.")

    @property
    def data(self) -> Body:
        return self.event.data

    @property
    def at(self) -> datetime:
        return moment(self.event.ts)


@dataclass(frozen=True, slots=True)
class Difference:
    """What one entry tells and what the others make of it. `index` is None for an entry that is not there."""

    kind: Kind
    index: int | None
    act: str
    field: str
    told: object
    recomputed: object


class Lacking(Exception):
    """The replay cannot go on, because an entry or an opening that it needs is not there. It has been told."""


@dataclass(frozen=True, slots=True)
class Findings:
    """Differences, and what had to be taken as told because nothing in the auction's own facts decides it."""

    differences: list[Difference] = field(default_factory=list[Difference])
    trusted: list[str] = field(default_factory=list[str])

    def differ(self, entry: Entry, name: str, told: object, recomputed: object, kind: Kind = Kind.DIFFERS) -> None:
        self.differences.append(Difference(kind, entry.index, entry.act, name, _short(told), _short(recomputed)))

    def lack(self, act: str, name: str, needed: object) -> None:
        self.differences.append(Difference(Kind.MISSING, None, act, name, None, _short(needed)))

    def trust(self, what: str) -> None:
        if what not in self.trusted:
            self.trusted.append(what)

    def compare(self, entry: Entry, data: Mapping[str, object], sealed: Mapping[str, str] | None = None) -> None:
        """Note where the entry is not as a fact with this body and these commitments is written."""
        wanted = plain(data)
        for name, told, recomputed in _unlike("", dict(entry.data), wanted):
            self.differ(entry, name, told, recomputed)
        for name, told, recomputed in _unlike("envelope", _envelope(entry.event), _envelope_of(wanted, sealed)):
            self.differ(entry, name, told, recomputed)

    def compare_members(self, entry: Entry, members: Mapping[str, object]) -> None:
        """Note where these members of the body differ, whatever else it tells."""
        for member, value in members.items():
            for name, told, recomputed in _unlike(member, entry.data.get(member), plain(value)):
                self.differ(entry, name, told, recomputed)

    def compare_amount(self, entry: Entry) -> None:
        """Note where the envelope's amount is not the body's."""
        for name, told, recomputed in _unlike("envelope.amt", _envelope(entry.event)["amt"], entry.data.get("amount")):
            self.differ(entry, name, told, recomputed)

    def compare_within(self, entry: Entry, place: str, told: Body, recomputed: Mapping[str, object]) -> None:
        """Note where one part of a body, at this place, is not as it should be."""
        for name, one, other in _unlike(place, dict(told), plain(recomputed)):
            self.differ(entry, name, one, other)


def ids_of(data: Body) -> tuple[AuctionId, ListingId, ParticipantId]:
    return AuctionId(data["auction_id"]), ListingId(data["listing_id"]), ParticipantId(data["provider_id"])


def note_of(findings: Findings, entry: Entry, error: Exception) -> None:
    """Note why an entry could not be taken: the rules refuse it, or it is no such fact."""
    if isinstance(error, Failure):
        findings.differ(entry, "act", entry.act, {"refused": error.code(), **error.facts}, Kind.REFUSED)
    elif not isinstance(error, Lacking):
        reason = f"{type(error).__name__}: {error}"
        findings.differ(entry, "data", reason, "a fact of this kind", Kind.UNREADABLE)


def auction_of(event: Event) -> AuctionId | None:
    """The auction that a fact of trading is about."""
    told = event.data.get("auction_id")
    if not event.act.startswith("trading.") or not isinstance(told, str):
        return None
    match = ID.fullmatch(told)
    return AuctionId(told) if match and match[1] == AuctionId.kind else None


def money(told: Body) -> Money:
    return Money(minor=told["minor"], currency=told["currency"])


def money_or_none(told: Body | None) -> Money | None:
    return None if told is None else money(told)


class Priced(Protocol):
    @property
    def start_price(self) -> Money: ...
    @property
    def reserve_price(self) -> Money | None: ...


def in_currency_of(terms: Priced) -> Money | None:
    """The reserve, in the currency that all amounts of an auction are in."""
    return terms.reserve_price and Money(terms.reserve_price.minor, terms.start_price.currency)


def _envelope(event: Event) -> dict[str, object]:
    """The members that repeat the body, or are the same in every fact of an auction."""
    policy = event.pol and {"allow": event.pol.allow, "rules": event.pol.rules, "version": event.pol.version}
    amount = event.amt and {"minor": event.amt.minor, "currency": event.amt.currency}
    return {
        "cat": str(event.cat), "ret": str(event.ret), "out": event.out, "rsn": event.rsn, "amt": amount, "pol": policy,
        "obj": sorted((each.t, each.id, each.ver, each.cls) for each in event.obj), "pd": dict(event.pd or {}),
        "onb": event.onb, "ctr": event.ctr, "lb": event.lb, "chg": event.chg,
    }  # fmt: skip


def _envelope_of(data: Body, sealed: Mapping[str, str] | None) -> dict[str, object]:
    decision = data.get("decision")
    policy = decision and {
        "allow": decision["allowed"], "rules": decision["rules"], "version": decision["policy_version"],
    }  # fmt: skip
    ids = {value: match[1] for value in data.values() if isinstance(value, str) and (match := ID.fullmatch(value))}
    objects = sorted((kind, value, None, None) for value, kind in ids.items())
    return {
        "cat": str(Category.TRADE), "ret": str(Retention.AUCTION), "out": "ok", "rsn": data.get("reason_code"),
        "amt": data.get("amount"), "pol": policy, "obj": objects,
        "pd": dict(sealed or {}), "onb": None, "ctr": None, "lb": None, "chg": None,
    }  # fmt: skip


def _unlike(name: str, told: object, recomputed: object) -> Iterator[tuple[str, object, object]]:
    """The innermost places at which two values differ. A truth value is no number."""
    if isinstance(told, dict) and isinstance(recomputed, dict):
        one, other = cast(Body, told), cast(Body, recomputed)
        for member in sorted({*one, *other}):
            yield from _unlike(f"{name}.{member}".lstrip("."), one.get(member), other.get(member))
    elif told != recomputed or isinstance(told, bool) is not isinstance(recomputed, bool):
        yield name, told, recomputed


def _short(value: Any) -> object:
    """A value as JSON can carry it, cut where a line tells too much."""
    shown = value if isinstance(value, int) or value is None else str(_plain(value))
    return f"{shown[:TOLD_MAX]}…" if isinstance(shown, str) and len(shown) > TOLD_MAX else shown


def _plain(value: Any) -> Any:
    try:
        return plain(value)
    except TypeError:
        return value

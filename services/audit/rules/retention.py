"""How long the log keeps an entry, and from which index on it keeps them whole.

Owns: the table of terms, as versioned data, and what may be pruned.
Promises: no configuration keeps less than the law asks; what is pruned lies before everything that is still kept, so
that the log is a tail with every hash of its head (C2SP minimum index); an entry held without end, and an open case
that looks back to it, stop pruning there.
A term in years is counted in days as its longest possible: three years have at most 1,096.
Sources: Cybersecurity Law (2025) art. 23(3); E-commerce Law art. 31 and Network Data Security Regulation art. 12;
法释〔2016〕18号 art. 29; Government Procurement Law art. 42; the Shenzhen registration rule.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from shared import canonical
from shared.facts import Retention

TABLE_VERSION = "2026-11"
WHOLE = 256  # entries are kept, and dropped, by bundles of so many
DAYS_MAX = 36_525  # a hundred years
FOR_EVER = datetime.max.replace(tzinfo=UTC)
FLOORS: Mapping[Retention, int | None] = {  # days; None is without end
    Retention.SECURITY:     184,
    Retention.TRANSACTION:  1_096 + 30,
    Retention.AUCTION:      3_653,
    Retention.INQUIRY:      5_479,
    Retention.REGISTRATION: 10_958,
    Retention.HOLD:         None,
}  # fmt: skip


class RetentionTooShort(ValueError):
    """A configured term is below what the law asks, or of a class that there is not. The message says which."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The terms in force, under a name that changes with any of them."""

    id: str
    days: Mapping[Retention, int | None]


@dataclass(frozen=True, slots=True)
class Term:
    """What decides of an entry: when it was taken in, and its class."""

    index: int
    ingested_at: datetime
    retention: Retention


def policy(longer: Mapping[str, int]) -> Policy:
    """The table, with the terms that an operator wants longer. Raises RetentionTooShort, with the reason."""
    for name, days in longer.items():
        if name not in set(Retention):
            raise RetentionTooShort(f"retention_days: there is no class {name}, only {sorted(Retention)}")
        floor = FLOORS[Retention(name)]
        if floor is None:
            raise RetentionTooShort(f"retention_days: {name} is without end and cannot be {days} days")
        if not floor <= days <= DAYS_MAX:
            raise RetentionTooShort(f"retention_days: {name} is {days} days, must be {floor} to {DAYS_MAX}")
    days = dict(FLOORS) | {Retention(name): days for name, days in longer.items()}
    changed = f"+{canonical.digest(dict(longer))[:8]}" if days != FLOORS else ""
    return Policy(TABLE_VERSION + changed, days)


STANDARD = policy({})


def kept_until(terms: Policy, retention: Retention, ingested_at: datetime) -> datetime | None:
    """The first moment at which the entry need not be kept; None if there is none."""
    days = terms.days[retention]
    return None if days is None else ingested_at + timedelta(days=days)


def minimum_index(
    terms: Policy, before: int, entries: Iterable[Term], now: datetime, held_from: datetime | None
) -> int:  # fmt: skip
    """From which index on entries are kept. Requires the entries from `before` on, in order; `held_from` is the
    earliest moment that an open case looks at. Always whole bundles, and never less than `before`."""
    end = before
    for entry in entries:
        until = kept_until(terms, entry.retention, entry.ingested_at)
        if until is None or now < until:
            break
        if held_from is not None and held_from <= entry.ingested_at:
            break
        end = entry.index + 1
    return max(before, end // WHOLE * WHOLE)

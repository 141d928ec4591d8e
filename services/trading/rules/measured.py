"""What the platform saw of a service at its own gate (服务计量), and what a claim may still say beside it.

Promises: counts each call of a period once; says at least and at most for how long the service can have been away, by
calls that failed and calls that were answered; the same calls give the same figures. A claim beyond the most is
contradicted, one within the least is supported, and of any other the calls say nothing.
Assumes that between two answered calls at most `SEEN` apart the service was there.
Does not: see a call that never reached the gate. So what is contradicted is marked, and never refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from services.trading.rules.service_level import Figures, Period, ServiceLevel, is_slow
from shared.grades import Mode

SEEN = timedelta(minutes=5)
FAILED_AFTER = timedelta(hours=1)  # so long the same use may still be answered
BUCKETS_MILLISECONDS = (100, 300, 1_000, 3_000, 10_000)
PERCENTILE = 95
BY_GATE = frozenset({Mode.API, Mode.COMPUTE})
USED = "trading.entitlement_used"
ANSWERED = frozenset({"delivery.rows_served", "delivery.query_answered"})
REFUSED_BY_GATE = "delivery.query_refused"
PROVIDERS_REASONS = frozenset({"content_missing", "answer_withheld"})  # any other is the asker's own, or the law's
MINUTE, MILLISECOND = timedelta(minutes=1), timedelta(milliseconds=1)


class Went(StrEnum):
    SERVED = "served"
    REFUSED = "refused"  # for a reason that is not the buyer's
    FAILED = "failed"  # charged, and never answered


class Verdict(StrEnum):
    SUPPORTED = "supported"
    CONTRADICTED = "contradicted"
    OPEN = "open"


SUPPORTED, CONTRADICTED, OPEN = Verdict


@dataclass(frozen=True, slots=True)
class Told:
    """What an entry of the log says of a call."""

    act: str
    at: datetime
    use_id: str | None = None
    reason_code: str | None = None


@dataclass(frozen=True, slots=True)
class Call:
    at: datetime
    went: Went
    milliseconds: int | None = None  # from the charge to the answer


@dataclass(frozen=True, slots=True)
class Measured:
    """`within` counts the answered calls by `BUCKETS_MILLISECONDS`, the slower ones last. `response_milliseconds`: in
    which 95 of 100 were answered. Between the two of `unavailable_minutes` lies what the calls leave open."""

    served: int
    refused: int
    failed: int
    within: tuple[int, ...]
    response_milliseconds: int | None
    unavailable_minutes_min: int
    unavailable_minutes_max: int
    verdict: Verdict


def calls_of(told: Sequence[Told], now: datetime) -> list[Call]:
    """The calls that entries tell, oldest first: of each use its first answer, and else that it failed, once it can no
    longer be answered. In whichever order two services' entries came to the log."""
    used = {each.use_id or "": each.at for each in told if each.act == USED}
    answered, judged, calls = set[str](), set[str](), list[Call]()
    for each in sorted(told, key=lambda entry: entry.at):
        use_id = each.use_id or ""
        if each.act in ANSWERED and use_id not in answered:
            answered.add(use_id)
            took = max(0, (each.at - used[use_id]) // MILLISECOND) if use_id in used else None
            calls.append(Call(each.at, Went.SERVED, took))
        elif each.act == REFUSED_BY_GATE:
            judged.add(use_id)
            if each.reason_code in PROVIDERS_REASONS:
                calls.append(Call(each.at, Went.REFUSED))
    unanswered = [at for use_id, at in used.items() if use_id not in answered | judged and now - at >= FAILED_AFTER]
    calls += [Call(at, Went.FAILED) for at in unanswered]
    return sorted(calls, key=lambda call: call.at)


def measured(calls: Sequence[Call], level: ServiceLevel, period: Period, claimed: Figures) -> Measured | None:
    """What the calls of a period say, and what that makes of a claim. None without any call. Requires them in order."""
    within = [call for call in calls if period.starts_at <= call.at < period.ends_at]
    if not within:
        return None
    times = sorted(call.milliseconds for call in within if call.milliseconds is not None)
    slowest = times[-(-PERCENTILE * len(times) // 100) - 1] if times else None
    least, most = _away(within) // MINUTE, -((_there(within) - (period.ends_at - period.starts_at)) // MINUTE)
    served, refused, failed = (sum(call.went is went for call in within) for went in Went)
    verdict = _verdict(level, claimed, least, most, slowest)
    return Measured(served, refused, failed, _buckets(times), slowest, least, most, verdict)


def _away(calls: Sequence[Call]) -> timedelta:
    """From each failed call to the next one, if that failed too."""
    runs = ((one, other) for one, other in pairwise(calls) if Went.SERVED not in (one.went, other.went))
    return sum((other.at - one.at for one, other in runs), timedelta())


def _there(calls: Sequence[Call]) -> timedelta:
    """From each answered call to the next one, if that was answered too, and soon."""
    served = ((one, other) for one, other in pairwise(calls) if one.went is other.went is Went.SERVED)
    return sum((other.at - one.at for one, other in served if other.at - one.at <= SEEN), timedelta())


def _buckets(times: Sequence[int]) -> tuple[int, ...]:
    bounds = (-1, *BUCKETS_MILLISECONDS)
    counted = [sum(low < each <= high for each in times) for low, high in pairwise(bounds)]
    return (*counted, sum(each > bounds[-1] for each in times))


def _verdict(level: ServiceLevel, claimed: Figures, least: int, most: int, slowest: int | None) -> Verdict:
    said = list[Verdict]()
    if claimed.unavailable_minutes:
        minutes = claimed.unavailable_minutes
        said.append(CONTRADICTED if minutes > most else SUPPORTED if minutes <= least else OPEN)
    if is_slow(level, claimed):
        seen = Figures(0, slowest)
        said.append(OPEN if slowest is None else SUPPORTED if is_slow(level, seen) else CONTRADICTED)
    if CONTRADICTED in said:
        return CONTRADICTED
    return SUPPORTED if set(said) == {SUPPORTED} else OPEN

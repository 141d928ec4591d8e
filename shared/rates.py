"""How often one may ask: a bucket for each participant, and one for each network address that does not say who it is.

Promises: the quota may be used at once or spread over its window, and comes back evenly, by the time that is told;
whoever keeps to the rate is never refused, and a clock set back delays nobody by more than a window; what is kept is a
number for each who asked of late, and bounded. Only an address that proxies of ours vouch for is believed.
Each process counts for itself; of several replicas each gives its part of the quota (decision 59).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from starlette.types import Scope

from shared.clock import Clock
from shared.errors import TooMany
from shared.network import Trusted, network_in

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
SECOND = 1_000_000  # microseconds
BUCKETS_MAX = 10_000
READS = {"GET", "HEAD", "OPTIONS"}
NOT_COUNTED = "/health/"


class Kind(StrEnum):
    """What is counted apart: nobody who reads much should be unable to bid for it."""

    ANONYMOUS = "anonymous"
    READS = "reads"
    WRITES = "writes"
    BIDS = "bids"


class RateExceeded(TooMany):
    """You ask more often than is allowed; wait."""


@dataclass(frozen=True, slots=True)
class Policy:
    """So many requests in so many seconds. Requires that both are above zero."""

    name: str
    quota: int
    window_seconds: int

    @property
    def header(self) -> bytes:
        return f'"{self.name}";q={self.quota};w={self.window_seconds}'.encode()


class Level(NamedTuple):
    """How one bucket stands after a request. `wait_seconds` is nought where the request was within the quota."""

    policy: Policy
    remaining: int
    reset_seconds: int
    wait_seconds: int = 0

    def header(self) -> bytes:
        return f'"{self.policy.name}";r={self.remaining};t={self.reset_seconds}'.encode()


class Buckets:
    """The buckets of one policy, by whose they are: the generic cell rate algorithm (ITU-T I.371) in whole numbers.

    Of each is kept when it will be as good as new, in microseconds times the quota, so that nothing is ever rounded: a
    request fills a bucket by `window`, which then drains by the quota in each microsecond.
    """

    def __init__(self, policy: Policy, buckets_max: int = BUCKETS_MAX) -> None:
        self._policy, self._buckets_max = policy, buckets_max
        self.policy_header = policy.header
        self._window = policy.window_seconds * SECOND
        self._size = self._window * policy.quota
        self._empty_at: dict[str, int] = {}

    def draw(self, whose: str, now: datetime) -> Level:
        """One request more; what is refused draws nothing."""
        moment = (now - EPOCH) // MICROSECOND * self._policy.quota
        if (
            self._empty_at.get(whose, 0) > moment + self._size
        ):  # the clock was set back: it is full, and drains from now
            self._empty_at[whose] = moment + self._size
        filled = max(self._empty_at.get(whose, 0) - moment, 0)
        over = filled + self._window - self._size
        if over > 0:
            return Level(self._policy, 0, self._seconds(filled), self._seconds(over))
        if whose not in self._empty_at and len(self._empty_at) >= self._buckets_max:
            self._forget(moment)
        filled += self._window
        self._empty_at[whose] = moment + filled
        return Level(self._policy, (self._size - filled) // self._window, self._seconds(filled))

    def _seconds(self, filled: int) -> int:
        return -(-filled // (self._policy.quota * SECOND))

    def _forget(self, moment: int) -> None:
        """Those that are as good as new; if all are in use, the half that is nearest to that."""
        kept = {whose: empty_at for whose, empty_at in self._empty_at.items() if empty_at > moment}
        if len(kept) >= self._buckets_max:
            fullest = sorted(kept, key=kept.__getitem__, reverse=True)[: self._buckets_max // 2]
            kept = {whose: kept[whose] for whose in fullest}
        self._empty_at = kept


class Rates:
    """Of one service. `bids` are the last words of paths whose writes are bids and offers."""

    def __init__(
        self, policies: Mapping[Kind, Policy], clock: Clock, *, trusted: Trusted = (),
        bids: frozenset[str] = frozenset(),
    ) -> None:  # fmt: skip
        self.buckets = {kind: Buckets(policies[kind]) for kind in Kind}
        self._clock, self._trusted, self._bids = clock, trusted, bids

    def now(self) -> datetime:
        return self._clock.now()

    def kind_of(self, scope: Scope) -> Kind:
        """Of a request by somebody who is known."""
        if scope["method"] in READS:
            return Kind.READS
        return Kind.BIDS if scope["path"].rpartition("/")[2] in self._bids else Kind.WRITES

    def network_in(self, scope: Scope) -> str:
        """Where a request comes from."""
        return network_in(scope, self._trusted)


class Meter:
    """What one request draws, once, and is told of in its answer's headers. It stands in the request's scope."""

    def __init__(self, rates: Rates) -> None:
        self._rates, self._policy_header = rates, b""
        self._level: Level | None = None

    def count_stranger(self, scope: Scope) -> None:
        """A request of nobody whom we know. Raises RateExceeded."""
        if not scope["path"].startswith(NOT_COUNTED):
            self._count(Kind.ANONYMOUS, self._rates.network_in(scope))

    def count(self, scope: Scope, whose: str) -> None:
        """A request of a participant, or of a person of the platform. Raises RateExceeded."""
        self._count(self._rates.kind_of(scope), whose)

    def headers(self) -> list[tuple[bytes, bytes]]:
        """As in draft-ietf-httpapi-ratelimit-headers-10: the quota of the window, and what is left of it."""
        if self._level is None:
            return []
        return [(b"ratelimit-policy", self._policy_header), (b"ratelimit", self._level.header())]

    def _count(self, kind: Kind, whose: str) -> None:
        if self._level is None:
            buckets = self._rates.buckets[kind]
            self._policy_header, self._level = buckets.policy_header, buckets.draw(whose, self._rates.now())
            if self._level.wait_seconds:
                raise RateExceeded(policy=kind, retry_after_seconds=self._level.wait_seconds)


def meter_of(scope: Scope) -> Meter:
    """Requires that the guard has seen the request."""
    return scope["meter"]

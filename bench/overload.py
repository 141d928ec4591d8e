"""Overload: what is still answered well when three times as much is asked as can be.

The trading service of `bench.serving.bids`, on SQLite, with as many places as it can fill. First as many connections
as give its peak; then three times as many, each of which sends its next bid as soon as its last one was answered,
refusals too. Goodput is bids taken in time: an answer later than the deadline is of no use to anybody. Requests that
are shed are told so at once (503), and their senders come again at once, as the worst of them would.
"""

import itertools
import json
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.bids import served
from bench.measure import ROUNDS, SHORT, Figure
from bench.serving.load import Answered, load
from tests.trading.market import START, STEP

CREATED = 201
PEAK, TIMES = 64, 3
SECONDS = 0.5 if SHORT else 4.0
DEADLINE_SECONDS = 1.0
GOAL = 0.7


def measure(folder: Path) -> Iterator[Figure]:
    sides: dict[str, list[float]] = {"overload": [], "peak": []}
    with served(folder, None) as told:
        asked = _bids(told)
        load(told["port"], asked, PEAK, SECONDS)  # untimed
        for number in range(ROUNDS):
            for side in list(sides)[:: 1 if number % 2 else -1]:
                connections = PEAK * TIMES if side == "overload" else PEAK
                sides[side].append(in_time(load(told["port"], asked, connections, SECONDS)))
                time.sleep(0 if SHORT else 1)
    middle = {side: statistics.median(samples) for side, samples in sides.items()}
    note = f"bids taken within {DEADLINE_SECONDS:g} s, {PEAK * TIMES} connections beside {PEAK}"
    yield Figure(
        "goodput_overload_per_peak", middle["overload"] / middle["peak"], GOAL, "at_least", sides, "a second", note
    )


def in_time(answered: Answered) -> float:
    """Bids a second that were taken before the deadline: of those taken, the share of answers that came by it."""
    share = sum(wait <= DEADLINE_SECONDS for wait in answered.waits) / max(len(answered.waits), 1)
    return answered.per_second(CREATED) * share


def _bids(told: dict[str, object]) -> Callable[[int], Callable[[], bytes]]:
    tokens, hot = told["tokens"], told["hot"]
    assert isinstance(tokens, list)
    numbers = itertools.count(1)

    def requests(connection: int) -> Callable[[], bytes]:
        head = f"Authorization: Bearer {tokens[connection % PEAK]}\r\n"

        def bid() -> bytes:
            number = next(numbers)
            body = json.dumps({"maximum": {"minor": START + STEP * number, "currency": "CNY"}})
            return (
                f"POST /trading/v1/auctions/{hot}/bids HTTP/1.1\r\nHost: 127.0.0.1\r\n{head}"
                f"Idempotency-Key: over-{number:012}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\n\r\n{body}"
            ).encode()

        return bid

    return requests

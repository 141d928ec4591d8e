"""What the way in costs: the catalogue asked through the mount of all services, and through nginx, beside by itself.

64 connections, each of which asks for the first page of the catalogue again as soon as it has it; all sides take turns
in one run. nginx and whoever asks have the cores beside the service's own to share: on a machine of two, what nginx
costs is told as more than it is. Skipped, and said so, where the machine has no nginx.
"""

import os
import statistics
from collections.abc import Iterator
from pathlib import Path

from bench.measure import Figure
from bench.serving.beside import beside
from bench.serving.load import load
from tests.support.nginx import NO_NGINX

ROUNDS, CONNECTIONS = 5, 64
SECONDS = float(os.environ.get("BENCH_DOOR_SECONDS", 3))
ASKED = b"GET /catalog/v1/assets HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
GOALS = {"mounted": 0.95, "nginx": 0.85}


def measure(folder: Path) -> Iterator[Figure]:
    with beside("bench.serving.door", str(folder)) as ports:
        if "nginx" not in ports:
            print(f"door: nginx skipped: {NO_NGINX}", flush=True)
        for port in ports.values():
            _rate(port)  # untimed, so that nobody pays for what is cold
        rates: dict[str, list[float]] = {name: [] for name in ports}
        for number in range(ROUNDS):
            for name in list(ports)[:: 1 if number % 2 == 0 else -1]:
                rates[name].append(_rate(ports[name]))
    for side, goal in GOALS.items():
        if side in rates:
            value = statistics.median(rates[side]) / statistics.median(rates["direct"])
            sides = {name: rates[name] for name in (side, "direct")}
            yield Figure(f"door_{side}_per_direct", value, goal, "at_least", sides, unit="a second")


def _rate(port: int) -> float:
    answered = load(port, lambda _: lambda: ASKED, CONNECTIONS, SECONDS)
    assert set(answered.statuses) == {200}, answered.statuses
    return answered.per_second(200)

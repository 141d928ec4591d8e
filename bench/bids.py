"""Bids: durable ones a second on one auction that everyone wants, beside what limits them and what else is written.

64 connections, each with a bidder of its own; every bid has a fresh key, a held deposit, its fact in the outbox and one
commit that it shares with whoever waited with it. All sides take turns in one run. `no-op` is an authenticated POST of
the same body through the same application, by a quick route as a bid's is; `ordinary no-op` and `open` go FastAPI's own
way, with and without a token; `row lock` is the same bid as a transaction of its own. pgbench runs the four
statements of a bare bid (lock, insert, update, outbox) on the same PostgreSQL, without a key, a deposit or a chain, and
commits once for each bid, where we commit once for all that wait.
"""

import itertools
import json
import re
import statistics
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

from bench.measure import SHORT, Figure, percentile
from bench.serving.beside import beside
from bench.serving.load import Answered, load
from tests.support.postgres import NO_POSTGRES, pgbench, postgres_server
from tests.trading.market import START, STEP

ROUNDS, SECONDS, CONNECTIONS = (1, 0.5, 64) if SHORT else (3, 3.0, 64)
OK, CREATED = 200, 201
SCHEMA = """
CREATE SCHEMA bare;
CREATE TABLE bare.auctions (id int PRIMARY KEY, high_bid numeric, high_bidder int, bid_count int, version int)
    WITH (fillfactor = 50);
CREATE TABLE bare.bids (id bigserial PRIMARY KEY, auction_id int, bidder_id int, amount numeric);
CREATE TABLE bare.outbox (id bigserial PRIMARY KEY, topic text, key text, payload jsonb);
INSERT INTO bare.auctions VALUES (1, 0, 0, 0, 0);
"""
BARE_BID = r"""
\set bidder random(1, 5000)
BEGIN;
SELECT high_bid FROM bare.auctions WHERE id = 1 FOR UPDATE \gset
INSERT INTO bare.bids (auction_id, bidder_id, amount) VALUES (1, :bidder, :high_bid::numeric + 1);
UPDATE bare.auctions SET high_bid = :high_bid::numeric + 1, high_bidder = :bidder, bid_count = bid_count + 1,
    version = version + 1 WHERE id = 1;
INSERT INTO bare.outbox (topic, key, payload)
    VALUES ('bid_placed', '1', jsonb_build_object('auction', 1, 'bidder', :bidder::int, 'amount', :high_bid::numeric));
COMMIT;
"""
Side = Callable[[], float]


def measure(folder: Path) -> Iterator[Figure]:
    with ExitStack() as stack:
        dsn = stack.enter_context(postgres_server(durable=True))
        sides = _of_service(stack.enter_context(served(folder, None)), "sqlite")
        if dsn is None:
            print(f"bids: PostgreSQL skipped: {NO_POSTGRES}", flush=True)
        else:
            sides |= _of_service(stack.enter_context(served(folder, dsn)), "postgresql")
            sides |= _of_pgbench(dsn, folder)
        rates = _rates(sides)
    yield from _figures(rates)


def _rates(sides: dict[str, Side]) -> dict[str, list[float]]:
    """Of each side, its rate in each round."""
    rates: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(ROUNDS):
        for name in list(sides)[:: 1 if number % 2 == 0 else -1]:
            rates[name].append(sides[name]())
            print(f"bids: {name} {rates[name][-1]:.0f} a second", flush=True)
    return rates


def _figures(rates: dict[str, list[float]]) -> Iterator[Figure]:
    goals = [
        ("bids_hot_per_noop", "hot", "no-op", 0.60), ("bids_hot_per_bids_1000", "hot", "of 1000", 0.9),
        ("bids_batched_per_row_lock", "hot", "row lock", 10), ("auth_cached_per_open", "ordinary no-op", "open", 0.85),
    ]  # fmt: skip
    for database in ("sqlite", "postgresql"):
        for name, side, other, goal in goals:
            if f"{side} {database}" in rates:
                yield _figure(f"{name}_{database}", rates, f"{side} {database}", f"{other} {database}", goal)
    bare = {name: rates[name] for name in rates if name.startswith("pgbench")}
    if bare:
        note = "pgbench commits once per bid, and keeps no key, deposit or chain"
        yield _figure("bids_hot_per_pgbench_hot64", rates, "hot postgresql", "pgbench 64", 4, note)
        best = max(bare, key=lambda name: statistics.median(bare[name]))
        yield _figure("bids_hot_per_pgbench_best", rates, "hot postgresql", best, 2, f"{best}; {note}")


def _figure(
    name: str, rates: dict[str, list[float]], side: str, other: str, goal: float, note: str = ""
) -> Figure:  # fmt: skip
    value = statistics.median(rates[side]) / statistics.median(rates[other])
    taken = {each: rates[each] for each in (side, other)}
    return Figure(name, value, goal, "at_least", taken, unit="a second", note=note)


def _of_service(told: dict[str, Any], database: str) -> dict[str, Side]:
    hot, cool, port = told["hot"], told["cool"], told["port"]
    numbers = itertools.count(1)
    heads = [f"Authorization: Bearer {token}\r\n" for token in told["tokens"]]

    def post(path: str, head: str) -> bytes:
        number = next(numbers)
        body = json.dumps({"maximum": {"minor": START + STEP * number, "currency": "CNY"}})
        return (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{head}Idempotency-Key: key-{number:012}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        ).encode()

    def asked(status: int, path: Callable[[int], Callable[[], str]], *, known: bool = True) -> Side:
        def requests(number: int) -> Callable[[], bytes]:
            choose, head = path(number), heads[number] if known else ""
            return lambda: post(choose(), head)

        def side() -> float:
            answered = load(port, requests, CONNECTIONS, SECONDS)
            _say(answered, status)
            return answered.per_second(status)

        return side

    def always(path: str) -> Callable[[int], Callable[[], str]]:
        return lambda _: lambda: path

    def one_of_many(number: int) -> Callable[[], str]:
        own = itertools.cycle(cool[number::CONNECTIONS])
        return lambda: f"/trading/v1/auctions/{next(own)}/bids"

    return {
        f"no-op {database}": asked(OK, always("/trading/v1/bench/nothing")),
        f"ordinary no-op {database}": asked(OK, always("/trading/v1/bench/nothing-ordinary")),
        f"open {database}": asked(OK, always("/trading/v1/bench/open"), known=False),
        f"hot {database}": asked(CREATED, always(f"/trading/v1/auctions/{hot}/bids")),
        f"of 1000 {database}": asked(CREATED, one_of_many),
        f"row lock {database}": asked(CREATED, always(f"/trading/v1/bench/auctions/{hot}/bids")),
    }


def _say(answered: Answered, status: int) -> None:
    others = {code: count for code, count in answered.statuses.items() if code != status}
    waits = [1000 * percentile(answered.waits, share) for share in (0.5, 0.99)]
    print(f"bids:   p50 {waits[0]:.1f} ms, p99 {waits[1]:.1f} ms, other answers {others}", flush=True)


def _of_pgbench(dsn: str, folder: Path) -> dict[str, Side]:
    program = pgbench()
    if program is None:
        print("bids: pgbench skipped: this PostgreSQL brings none", flush=True)
        return {}
    script = folder / "bid.sql"
    script.write_text(BARE_BID)
    target = dsn.replace("+asyncpg", "")
    psql = subprocess.run([program.with_name("psql"), target, "-q", "-c", SCHEMA], check=True)
    assert psql.returncode == 0

    def run(clients: int) -> float:
        options = [
            "-n",
            "-M",
            "prepared",
            "-f",
            str(script),
            "-c",
            str(clients),
            "-j",
            "2",
            "-T",
            str(max(round(SECONDS), 1)),
        ]
        done = subprocess.run([program, *options, target], check=True, capture_output=True, text=True)
        told = re.search(r"tps = ([\d.]+)", done.stdout)
        assert told, done.stdout
        return float(told[1])

    return {f"pgbench {clients}": lambda clients=clients: run(clients) for clients in (1, 16, 64)}


def served(folder: Path, dsn: str | None) -> AbstractContextManager[dict[str, Any]]:
    return beside("bench.serving.bids", str(folder), *([dsn] if dsn else []))

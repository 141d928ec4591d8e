"""The capacity model: from how much is traded to rows, bytes, processes and cells (`python -m bench.capacity`).

Pure functions. What a row takes and a process does is `Measured`, read from bench/sizes.json and bench/results.json as
they were measured; what nobody has measured stands in `Assumed`, each with its reason, so that whoever knows better
changes one number. docs/scaling.md has the tables that come of it, between two marks, and a test holds them to it.
"""

import json
import math
import statistics
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
DOCUMENT = HERE.parent / "docs/scaling.md"
BEGIN, END = "<!-- computed by bench/capacity.py: {} -->", "<!-- end -->"
DAY_SECONDS, YEAR_DAYS = 86_400, 365
KIB = 1024
HOT, APPEND = ("bids_hot_per_noop_postgresql", "hot postgresql"), ("log_append_per_raw_insert_postgresql", "append")
OF_A_BID = ("bids", "idempotency_answers")  # besides its fact
LOG_BATCH = 1_000  # events in one of the appends that `bench.log` times


@dataclass(frozen=True, slots=True)
class Measured:
    """On the machine that bench/results.json names."""

    bids_per_process: float  # a second, durable, on one auction; two cores shared with PostgreSQL and the load
    events_per_log: float  # a second, into one log in batches
    bytes_per_asset: float  # in the catalogue with its index
    bytes_per_sale: float  # in trading, without its facts
    bytes_per_bid: float  # with the answer that is kept under its key, without its fact
    bytes_per_fact: float  # in the outbox
    bytes_per_entry: float  # in the log, with links and tiles
    facts_per_sale: float
    rows_per_sale: float  # in trading, with its facts
    rows_per_asset: float
    rows_per_entry: float


@dataclass(frozen=True, slots=True)
class Assumed:
    """What was not measured here."""

    peak_seconds_a_day: int = 3_600  # a day has the bids of one hour at the peak
    headroom: float = 0.5  # of a process or a log at the peak, so that one of two may fail
    bids_per_commit: int = 16  # of 64 that bid at once; more wait for a slower disk, and then share a commit
    written_per_kept: float = 3.0  # bytes of WAL and pages for each byte that stays: full pages, indexes, vacuum
    assets_per_cell: int = 10_000_000  # what one PostgreSQL searches in milliseconds; measured up to 1,000,000


@dataclass(frozen=True, slots=True)
class Load:
    assets: int
    bids_per_second: float  # at the peak, over all auctions
    sales_per_day: float
    years: int = 5  # 拍卖法 art. 54: records of auctions are kept for five years


@dataclass(frozen=True, slots=True)
class Need:
    """`cells` are whole markets (six services, a database, a log), each with its share of the assets."""

    rows: float
    catalog_bytes: float
    trading_bytes: float
    log_bytes: float
    bid_processes: int
    logs: int
    cells: int
    commits_per_second: float
    written_bytes_per_second: float

    @property
    def bytes(self) -> float:
        return self.catalog_bytes + self.trading_bytes + self.log_bytes


def need(load: Load, measured: Measured, assumed: Assumed) -> Need:
    """What the load takes at its peak, and what it leaves after its years."""
    days = load.years * YEAR_DAYS
    bids, sales = load.bids_per_second * assumed.peak_seconds_a_day * days, load.sales_per_day * days
    facts = bids + sales * measured.facts_per_sale
    trading = bids * measured.bytes_per_bid + sales * measured.bytes_per_sale + facts * measured.bytes_per_fact
    events_per_second = load.bids_per_second + load.sales_per_day * measured.facts_per_sale / DAY_SECONDS
    logs = _many(events_per_second, measured.events_per_log * assumed.headroom)
    kept_per_bid = measured.bytes_per_bid + measured.bytes_per_fact + measured.bytes_per_entry
    return Need(
        rows=load.assets * measured.rows_per_asset + sales * measured.rows_per_sale + 3 * bids
        + facts * measured.rows_per_entry,
        catalog_bytes=load.assets * measured.bytes_per_asset,
        trading_bytes=trading,
        log_bytes=facts * measured.bytes_per_entry,
        bid_processes=_many(load.bids_per_second, measured.bids_per_process * assumed.headroom),
        logs=logs,
        cells=max(logs, _many(load.assets, assumed.assets_per_cell)),
        commits_per_second=load.bids_per_second / assumed.bids_per_commit,
        written_bytes_per_second=load.bids_per_second * kept_per_bid * assumed.written_per_kept,
    )  # fmt: skip


def measured_from(results: Mapping[str, Any], sizes: Mapping[str, Any]) -> Measured:
    """Requires both as they are kept."""
    tables: Mapping[str, Mapping[str, Mapping[str, float]]] = sizes["tables"]

    def bytes_of(service: str, rows: Mapping[str, float], but: Iterable[str] = ()) -> float:
        return sum(times * _row_bytes(tables[service][name]) for name, times in rows.items() if name not in but)

    sale, facts = sizes["rows_per_sale"], _row_bytes(tables["trading"]["outbox_facts"])
    return Measured(
        bids_per_process=statistics.median(results["behind"][HOT[0]]["sides"][HOT[1]]),
        events_per_log=LOG_BATCH / statistics.median(results["behind"][APPEND[0]]["sides"][APPEND[1]]),
        bytes_per_asset=bytes_of("catalog", sizes["rows_per_asset"]),
        bytes_per_sale=bytes_of("trading", sale, but={"outbox_facts"}),
        bytes_per_bid=bytes_of("trading", dict.fromkeys(OF_A_BID, 1.0)),
        bytes_per_fact=facts,
        bytes_per_entry=bytes_of("audit", sizes["rows_per_event"]),
        facts_per_sale=sale["outbox_facts"],
        rows_per_sale=sum(sale.values()),
        rows_per_asset=sum(sizes["rows_per_asset"].values()),
        rows_per_entry=sum(sizes["rows_per_event"].values()),
    )


def kept() -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """What was measured last: the results and the sizes."""
    results, sizes = (json.loads((HERE / name).read_text()) for name in ("results.json", "sizes.json"))
    return results, sizes


# --- as it stands in the document


GROWING = [Load(10**power, 10.0 ** (power - 3), 10 ** (power - 2)) for power in range(3, 10)]


def tables() -> dict[str, str]:
    """By their names, what stands between the marks."""
    results, sizes = kept()
    measured = measured_from(results, sizes)
    return {
        "needs": _needs(measured, Assumed()),
        "measured": _measured(measured, results, sizes),
        "rows": _rows(sizes),
    }


def written(document: str, made: Mapping[str, str]) -> str:
    """The document with the tables between its marks."""
    for name, text in made.items():
        before, mark, rest = document.partition(BEGIN.format(name))
        assert mark, f"there is no mark for {name}"
        document = f"{before}{mark}\n{text}\n{rest[rest.index(END) :]}"
    return document


def _needs(measured: Measured, assumed: Assumed) -> str:
    rows = [
        "| assets | bids/s | sales/day | rows | catalogue | trading | log | bidding processes | cells | commits/s |"
        " written |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for load in GROWING:
        told = need(load, measured, assumed)
        cells = (
            _power(load.assets), _power(load.bids_per_second), _power(load.sales_per_day), f"{told.rows:.1e}",
            _bytes(told.catalog_bytes), _bytes(told.trading_bytes), _bytes(told.log_bytes), f"{told.bid_processes:,}",
            f"{told.cells:,}", f"{told.commits_per_second:,.0f}", f"{_bytes(told.written_bytes_per_second)}/s",
        )  # fmt: skip
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def _measured(measured: Measured, results: Mapping[str, Any], sizes: Mapping[str, Any]) -> str:
    behind = results["behind"][HOT[0]]
    machine, version, day = behind["machine"], sizes["postgresql"].split()[0], sizes["measured_at"][:10]
    where = f"bench/results.json, {behind['measured_at'][:10]}, {machine['cores']} cores"
    of_sizes = f"bench/sizes.json, {day}, PostgreSQL {version}"
    told = [
        ("durable bids a second of one process, on one auction", f"{measured.bids_per_process:,.0f}", where),
        ("events a second into one log", f"{measured.events_per_log:,.0f}", where),
        ("an asset in the catalogue, with its index", _bytes(measured.bytes_per_asset), of_sizes),
        ("a bid, with the answer to it", _bytes(measured.bytes_per_bid), of_sizes),
        ("a sale, without its facts", _bytes(measured.bytes_per_sale), of_sizes),
        ("a fact in the outbox", _bytes(measured.bytes_per_fact), of_sizes),
        ("an entry of the log, with links and tiles", _bytes(measured.bytes_per_entry), of_sizes),
        ("facts of a sale", f"{measured.facts_per_sale:.0f}", of_sizes),
        ("rows of a sale, with its facts", f"{measured.rows_per_sale:.0f}", of_sizes),
    ]
    rows = [f"| {what} | {value} | {source} |" for what, value, source in told]
    return "\n".join(["| what | measured | where it stands |", "|---|---:|---|", *rows])


def _rows(sizes: Mapping[str, Any]) -> str:
    lines = ["| table | of what | rows | bytes a row | of it indexes |", "|---|---|---:|---:|---:|"]
    of = [("trading", "sale", "rows_per_sale"), ("trading", "bid", "rows_per_bid"),
          ("catalog", "asset", "rows_per_asset"), ("audit", "event", "rows_per_event")]  # fmt: skip
    for service, what, key in of:
        for name, times in sorted(sizes[key].items(), key=lambda each: (-round(each[1], 1), each[0])):
            table = sizes["tables"][service][name]
            if times >= 0.05:
                share = table["index_bytes"] / table["bytes"]
                lines.append(f"| {service}.{name} | {what} | {times:.1f} | {_row_bytes(table):,.0f} | {share:.0%} |")
    return "\n".join(lines)


def _row_bytes(table: Mapping[str, float]) -> float:
    return table["bytes"] / table["rows"] if table["rows"] else 0.0


def _many(wanted: float, each: float) -> int:
    return max(math.ceil(wanted / each), 1)


def _power(value: float) -> str:
    return f"10{''.join('⁰¹²³⁴⁵⁶⁷⁸⁹'[int(digit)] for digit in str(round(math.log10(value))))}"


def _bytes(value: float) -> str:
    units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]
    at = min(int(math.log(max(value, 1), KIB)), len(units) - 1)
    return f"{value / KIB**at:.3g} {units[at]}"


if __name__ == "__main__":
    DOCUMENT.write_text(written(DOCUMENT.read_text(), tables()))
    sys.stdout.write("\n\n".join(tables().values()) + "\n")

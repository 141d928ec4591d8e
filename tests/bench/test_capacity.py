"""The capacity model: each number follows from what was measured, and the document says what the model computes."""

from dataclasses import astuple, replace
from statistics import median

import pytest

from bench import capacity
from bench.capacity import DOCUMENT, GROWING, Assumed, Load, Measured, need

MEASURED = Measured(
    bids_per_process=1_000, events_per_log=10_000, bytes_per_asset=3_000, bytes_per_sale=100_000, bytes_per_bid=400,
    bytes_per_fact=1_000, bytes_per_entry=2_000, facts_per_sale=25, rows_per_sale=70, rows_per_asset=3,
    rows_per_entry=7,
)  # fmt: skip
ASSUMED = Assumed(
    peak_seconds_a_day=100, headroom=0.5, bids_per_commit=10, written_per_kept=2, assets_per_cell=1_000_000
)


def test_what_a_year_of_one_bid_a_second_leaves():
    told = need(Load(assets=10, bids_per_second=1, sales_per_day=0, years=1), MEASURED, ASSUMED)
    bids = 100 * 365
    assert (told.trading_bytes, told.log_bytes, told.catalog_bytes) == (bids * 1_400, bids * 2_000, 30_000)
    assert told.bytes == bids * 3_400 + 30_000
    assert told.rows == 10 * 3 + bids * (3 + 7)
    assert (told.bid_processes, told.logs, told.cells) == (1, 1, 1)
    assert (told.commits_per_second, told.written_bytes_per_second) == (0.1, 3_400 * 2)


def test_what_a_year_of_one_sale_a_day_leaves():
    told = need(Load(assets=0, bids_per_second=0, sales_per_day=1, years=1), MEASURED, ASSUMED)
    assert told.trading_bytes == 365 * (100_000 + 25 * 1_000) and told.log_bytes == 365 * 25 * 2_000
    assert told.rows == 365 * (70 + 25 * 7)


@pytest.mark.parametrize("bids, processes, logs", [
    (500, 1, 1), (501, 2, 1), (5_000, 10, 1), (5_001, 11, 2), (1_000_000, 2_000, 200),
])  # fmt: skip
def test_a_process_and_a_log_keep_half_of_what_they_can_free(bids: int, processes: int, logs: int):
    told = need(Load(assets=1, bids_per_second=bids, sales_per_day=0), MEASURED, ASSUMED)
    assert (told.bid_processes, told.logs, told.cells) == (processes, logs, logs)


@pytest.mark.parametrize("assets, cells", [(1_000_000, 1), (1_000_001, 2), (10**9, 1_000)])
def test_a_cell_has_so_many_assets_at_most(assets: int, cells: int):
    assert need(Load(assets, bids_per_second=1, sales_per_day=0), MEASURED, ASSUMED).cells == cells


def test_twice_the_years_leave_twice_as_much_and_need_no_more_processes():
    load = Load(assets=0, bids_per_second=100, sales_per_day=10, years=5)
    five, ten = (need(replace(load, years=years), MEASURED, ASSUMED) for years in (5, 10))
    assert (ten.bytes, ten.rows) == (2 * five.bytes, 2 * five.rows) and ten.bid_processes == five.bid_processes


def test_the_model_goes_from_a_thousand_assets_to_a_billion_and_to_a_million_bids_a_second():
    assert [(load.assets, load.bids_per_second) for load in (GROWING[0], GROWING[-1])] == [(10**3, 1), (10**9, 10**6)]


def test_the_document_says_what_the_model_computes():
    document = DOCUMENT.read_text()
    assert capacity.written(document, capacity.tables()) == document, "write it: python -m bench.capacity"


def test_what_is_computed_with_is_what_was_measured():
    results, sizes = capacity.kept()
    measured = capacity.measured_from(results, sizes)
    each = [sizes["tables"]["trading"][name] for name in ("bids", "idempotency_answers")]
    assert measured.bytes_per_bid == sum(table["bytes"] / table["rows"] for table in each)
    assert median(results["behind"][capacity.HOT[0]]["sides"][capacity.HOT[1]]) == measured.bids_per_process
    assert all(value > 0 for value in astuple(measured))

"""What is invoiced of a sale, and undone by red lines: by the rules, and over HTTP with the titles of both sides."""

import csv
import io
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.trading.actions import invoice as actions
from services.trading.rules import invoice as rules
from services.trading.rules import invoice_table
from services.trading.rules.award import SaleTax
from services.trading.rules.invoice import InvoiceKind, InvoiceLine, Invoices, Title
from services.trading.rules.order import SETTLED, Order
from services.trading.rules.returning import Cause, Payment, Return, give_back
from shared.facts import Category, Fact
from shared.ids import ParticipantId
from shared.money import Money
from tests.trading.made import NOON, an_order
from tests.trading.market import Market, code, yuan
from tests.trading.money.test_refunds_over_http import refund
from tests.trading.test_co_owner import sold

ON_SQLITE = pytest.mark.parametrize("server", ["sqlite"], indirect=True)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ParticipantApplied(Fact):
    """As identity tells it."""

    category: ClassVar[Category] = Category.ADMISSION
    participant_id: ParticipantId
    revision: int
    name: str
    uscc: str
    roles: tuple[str, ...]


def settled(price: int, tax: int | None = None, **changes: Any) -> Order:
    told = None if tax is None else SaleTax("vat_general_2026_01", 600, Money(tax))
    return an_order(price=price, state=SETTLED, tax=told, **changes)


def returned(order: Order, *amounts: int) -> list[Return]:
    made = list[Return]()
    for number, minor in enumerate(amounts, start=1):
        order, due = give_back(order, Money(minor))
        payments = tuple(Payment(share.bearer, share.bearer, share.amount) for share in due)
        made.append(
            Return(order.id, number, Money(minor), Cause.BY_PROVIDER, "因为", payments, (), NOON + number * DAY)
        )
    return made


def told(lines: tuple[InvoiceLine, ...]) -> list[tuple[Any, ...]]:
    return [
        (line.number, line.kind, line.gross.minor, line.net and line.net.minor, line.tax and line.tax.minor)
        for line in lines
    ]


def test_a_sale_and_the_exchanges_fee_are_invoiced_without_tax_and_with_it():
    order = settled(10_600, 600)
    lines = rules.lines_of(order, NOON, [])
    assert told(lines) == [
        (0, InvoiceKind.SALE, 10_600, 10_000, 600),
        (0, InvoiceKind.SERVICE, 281, 265, 16),
    ]  # fmt: skip
    sale, service = lines
    assert (sale.seller_id, sale.buyer_id, sale.tax_basis_points) == (order.provider_id, order.buyer_id, 600)
    assert (service.seller_id, service.buyer_id, service.tax_basis_points) == (None, order.provider_id, 600)
    assert {line.at for line in lines} == {NOON} and not any(line.is_red for line in lines)


def test_what_goes_back_is_a_red_line_with_its_part_of_the_tax():
    order = settled(10_600, 600)
    lines = rules.lines_of(order, NOON, returned(order, 5_300))
    assert told(lines)[2:] == [
        (1, InvoiceKind.SALE, -5_300, -5_000, -300),
        (1, InvoiceKind.SERVICE, -140, -132, -8),
    ]  # fmt: skip
    assert all(line.is_red and line.at == NOON + DAY for line in lines[2:])


def test_of_a_price_that_no_quote_taxed_net_and_tax_are_left_to_the_seller():
    order = settled(10_000)
    sale, _, red, _ = rules.lines_of(order, NOON, returned(order, 4_000))
    assert [(each.net, each.tax, each.tax_basis_points) for each in (sale, red)] == [(None, None, None)] * 2
    assert red.gross == Money(-4_000)


def test_only_what_was_not_refunded_before_the_settlement_was_sold():
    [sale, service] = rules.lines_of(settled(10_600, 600, refund_minor=5_300), NOON, [])
    assert (sale.gross, sale.net, sale.tax) == (Money(5_300), Money(5_000), Money(300))
    assert (service.net, service.tax) == (Money(132), Money(8))


def test_lines_of_nothing_are_left_out():
    assert [line.kind for line in rules.lines_of(settled(1, 0), NOON, [])] == [InvoiceKind.SALE]


@given(st.integers(1, 10**6), st.data())
def test_red_lines_undo_the_first_line_to_the_fen_whatever_the_steps(price: int, data: st.DataObject):
    order = settled(price, data.draw(st.integers(0, price)))
    amounts, left = list[int](), price
    while left:
        amounts.append(data.draw(st.integers(1, left)) if len(amounts) < 5 else left)
        left -= amounts[-1]
    lines = rules.lines_of(order, NOON, returned(order, *amounts))
    for kind in InvoiceKind:
        own = [line for line in lines if line.kind is kind]
        assert sum(line.gross.minor for line in own) == 0
        assert sum(line.tax.minor for line in own if line.tax) == 0
        for line in own:
            assert line.net is not None and line.tax is not None and line.net + line.tax == line.gross
            assert (line.gross.minor < 0) == line.is_red and line.tax.minor * line.gross.minor >= 0


def test_a_title_that_nobody_told_is_empty_and_without_an_id_it_is_the_exchange():
    party = ParticipantId.new()
    invoices = Invoices(settled(1).id, (), (Title(party, "甲", "9111"),))
    assert invoices.title_of(party).name == "甲"
    assert invoices.title_of(None) == Title(None, None, None)


# --- over HTTP


async def test_each_side_sees_the_invoices_of_its_month_with_titles_and_red_lines(market: Market):
    tax = {
        "net": yuan(10_000), "tax": yuan(600), "gross": yuan(10_600), "rate_id": "vat_general_2026_01",
        "basis_points": 600,
    }  # fmt: skip
    provider_id = market.provider.participant_id
    assert provider_id
    name, uscc = "=航空数据有限公司", "91310000MA1FL8XQ30"
    await market.bench.announce(ParticipantApplied(provider_id, 1, name, uscc, ("provider",)))
    buyer, order = await sold(market, 10_600, tax)
    await market.advance(days=31)
    await refund(market, order, 5_300)
    first, second = [
        [await market.read(who, f"/wallet/invoices/{month}") for who in (market.provider, buyer)]
        for month in ("2030-01", "2030-02")
    ]
    mine, theirs = ([line for each in told["items"] for line in each["lines"]] for told in first)
    assert [(line["kind"], line["gross"]["minor"], line["is_red"]) for line in mine] == [
        ("sale", 10_600, False), ("service", 281, False),
    ]  # fmt: skip
    assert theirs == mine[:1]
    assert mine[0]["seller"] == {"participant_id": provider_id, "name": name, "uscc": uscc}
    assert mine[1]["seller"] == {"participant_id": None, "name": None, "uscc": None}
    assert (mine[0]["net"], mine[0]["tax"], mine[0]["tax_basis_points"]) == (yuan(10_000), yuan(600), 600)
    red, seen = ([line for each in told["items"] for line in each["lines"]] for told in second)
    assert [(line["kind"], line["gross"]["minor"], line["number"]) for line in red] == [
        ("sale", -5_300, 1), ("service", -140, 1),
    ]  # fmt: skip
    assert seen == red[:1]
    stranger = await market.bench.member("provider")
    assert (await market.read(stranger, "/wallet/invoices/2030-01"))["items"] == []
    assert code(await market.bench.get(buyer, "/trading/v1/wallet/invoices/2030-1")) == (422, "no_month")


@ON_SQLITE
async def test_invoices_come_in_pages_of_orders(market: Market):
    order_ids = [(await sold(market, 1_000))[1]["id"] for _ in range(3)]
    first = await market.read(market.provider, "/wallet/invoices/2030-01?limit=2")
    rest = await market.read(market.provider, f"/wallet/invoices/2030-01?limit=2&cursor={first['next_cursor']}")
    assert [each["order_id"] for each in (*first["items"], *rest["items"])] == sorted(order_ids)
    assert rest["next_cursor"] is None


def test_a_table_has_a_row_for_each_line_and_leaves_open_what_nobody_quoted():
    provider, buyer = ParticipantId.new(), ParticipantId.new()
    order = settled(10_000, 0)
    taxed = rules.lines_of(order, NOON, returned(order, 2_500))
    untaxed = replace(taxed[0], net=None, tax=None, tax_basis_points=None)
    titles = (Title(provider, "甲", "9111"), Title(buyer, None, None))
    named = [replace(line, seller_id=provider, buyer_id=buyer) for line in (taxed[0], untaxed)]
    exchange = replace(taxed[-1], buyer_id=provider)
    headings, *told = invoice_table.table([Invoices(order.id, (*named, exchange), titles), Invoices(order.id, (), ())])
    assert {len(row) for row in (headings, *told)} == {13}
    at, own = NOON.isoformat(), str(order.id)
    first = (at, own, "0", "数据产品 · data", "", "甲", "9111", str(buyer), "")
    assert told[0] == (*first, "100.00", "6.00", "0.00", "100.00")
    assert told[1] == (*first, "", "", "", "100.00")
    assert told[2][2:8] == ("1", "交易服务费 · exchange's fee", "红字 · red", "交易所 · exchange", "", "甲")
    assert told[2][-3:] == ("6.00", "-0.04", "-0.66")  # of 250 and 15, a quarter of each: the odd half stays


@ON_SQLITE
async def test_the_export_is_a_table_of_every_order_in_which_no_name_runs_as_a_formula(
    market: Market, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(actions, "BATCH", 1)
    provider_id = market.provider.participant_id
    assert provider_id
    name = '=HYPERLINK("http://x","点我"),甲'
    await market.bench.announce(ParticipantApplied(provider_id, 1, name, "91310000MA1FL8XQ30", ("provider",)))
    order_ids = [(await sold(market, 1_000))[1]["id"] for _ in range(3)]
    path = "/trading/v1/wallet/invoices/2030-01/export.csv"
    answer = await market.bench.get(market.provider, path)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="invoices-2030-01.csv"'
    headings, *lines = csv.reader(io.StringIO(answer.text))
    assert tuple(headings) == invoice_table.HEADINGS
    assert [line[1] for line in lines] == [each for each in sorted(order_ids) for _ in range(2)]
    assert {line[5] for line in lines[::2]} == {"'" + name} and not any(line[5].startswith("=") for line in lines)
    assert code(await market.bench.get(market.provider, path.replace("2030-01", "2030-00"))) == (422, "no_month")
    stranger = await market.bench.member("provider")
    assert (await market.bench.get(stranger, path)).text.count("\r\n") == 1
    assert (await market.bench.get(market.bench.staff("regulator"), path)).status_code == 403

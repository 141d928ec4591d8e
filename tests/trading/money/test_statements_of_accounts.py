"""A participant's statement of a month: by the rules, over HTTP, and as a table that no spreadsheet runs."""

import csv
from datetime import UTC, datetime
from io import StringIO
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.trading.rules import account_statement as rules
from services.trading.rules import ledger
from services.trading.rules.account_statement import HEADINGS, LABELS, Deal, LineKind, Movement, Statement
from services.trading.rules.instruction import EXCHANGE_FEE, EXCHANGE_RESERVE, EXCHANGE_TAX
from services.trading.rules.ledger import Account, AccountKind, Phase, Transfer
from services.trading.rules.month import NoMonth, bounds
from services.trading.rules.returning import Payment
from shared.ids import AuctionId, OrderId, ParticipantId, TransferId
from shared.money import Money
from shared.spreadsheet import BYTE_ORDER_MARK
from tests.support.bench import Person
from tests.trading.made import NOON
from tests.trading.market import Market, code, yuan
from tests.trading.money.books import books_of
from tests.trading.money.test_refunds_over_http import fill_reserve, pay_out, refund
from tests.trading.test_co_owner import named, sold

ON_SQLITE = pytest.mark.parametrize("server", ["sqlite"], indirect=True)
ME, OTHER = ParticipantId.new(), ParticipantId.new()
ORDER, AUCTION, PENDING = OrderId.new(), AuctionId.new(), TransferId.new()
MINE, THEIRS = ledger.wallet(ME, "CNY"), ledger.wallet(OTHER, "CNY")
FEE, TAX, RESERVE = (
    ledger.exchange(kind, "CNY") for kind in (AccountKind.FEE_INCOME, AccountKind.TAX_PAYABLE, AccountKind.RESERVE)
)
SELLER, BUYER = Deal(OTHER, ME, Money(25), Money(1)), Deal(ME, OTHER, Money(25), Money(1))
PAID = (Payment(EXCHANGE_TAX, EXCHANGE_TAX, Money(1)), Payment(EXCHANGE_FEE, EXCHANGE_FEE, Money(5)),
        Payment(ME, ME, Money(94)))  # fmt: skip


def moved(debit: Account, credit: Account, phase: Phase = Phase.POSTED, **of: Any) -> Movement:
    pending_id = PENDING if phase is Phase.POST else None
    return Movement(Transfer(TransferId.new(), debit, credit, Money(100), phase, pending_id), NOON, **of)


@pytest.mark.parametrize("movement, deal, kind, counterparty, charged", [
    (moved(ledger.bank("CNY"), MINE, Phase.POST),            SELLER, LineKind.PAY_IN,     "bank", (0, 0)),
    (moved(MINE, ledger.bank("CNY"), Phase.POST),            SELLER, LineKind.PAYOUT,     "bank", (0, 0)),
    (moved(MINE, ledger.escrow(ORDER, "CNY")),               BUYER,  LineKind.PAYMENT,    OTHER,  (0, 0)),
    (moved(ledger.escrow(ORDER, "CNY"), MINE),               BUYER,  LineKind.REFUND,     OTHER,  (0, 0)),
    (moved(ledger.escrow(ORDER, "CNY"), MINE, Phase.POST),   SELLER, LineKind.SETTLEMENT, OTHER,  (25, 1)),
    (moved(MINE, ledger.deposit(AUCTION, ME, "CNY"), Phase.POST), SELLER, LineKind.DEPOSIT, OTHER, (0, 0)),
    (moved(ledger.deposit(AUCTION, OTHER, "CNY"), MINE, Phase.POST), SELLER, LineKind.FORFEITURE, OTHER, (0, 0)),
    (moved(MINE, THEIRS, Phase.POST, order_id=ORDER, payments=PAID), SELLER, LineKind.RETURN, OTHER, (-5, -1)),
    (moved(THEIRS, MINE, Phase.POST, order_id=ORDER, payments=PAID), BUYER, LineKind.RETURN, OTHER, (0, 0)),
    (moved(FEE, MINE, Phase.POST, order_id=ORDER, payments=PAID), BUYER, LineKind.RETURN, EXCHANGE_FEE, (0, 0)),
    (moved(TAX, MINE, Phase.POST, order_id=ORDER, payments=PAID), BUYER, LineKind.RETURN, EXCHANGE_TAX, (0, 0)),
    (moved(RESERVE, MINE, Phase.POST, order_id=ORDER, payments=PAID), BUYER, LineKind.RETURN, EXCHANGE_RESERVE, (0, 0)),
    (moved(MINE, RESERVE, Phase.POST, order_id=ORDER, is_collection=True), SELLER, LineKind.COLLECTION,
     EXCHANGE_RESERVE, (0, 0)),
], ids=lambda value: value if isinstance(value, LineKind) else "")  # fmt: skip
def test_every_movement_says_what_it_was_of_what_and_with_whom(
    movement: Movement, deal: Deal, kind: LineKind, counterparty: str, charged: tuple[int, int]
):
    [line] = rules.lines_of(MINE, Money(1_000), [movement], {ORDER: deal}, {AUCTION: OTHER})
    assert (line.kind, line.counterparty, (line.fee.minor, line.tax.minor)) == (kind, counterparty, charged)
    incoming = movement.transfer.credit == MINE
    assert (line.came_in.minor, line.went_out.minor) == ((100, 0) if incoming else (0, 100))
    assert line.balance.minor == (1_100 if incoming else 900)
    about_order = kind not in {LineKind.PAY_IN, LineKind.PAYOUT, LineKind.DEPOSIT, LineKind.FORFEITURE}
    assert line.order_id == (ORDER if about_order else None)
    assert line.auction_id == (AUCTION if kind in {LineKind.DEPOSIT, LineKind.FORFEITURE} else None)


def test_a_co_owners_line_tells_no_fee_for_it_is_the_providers():
    movement = moved(ledger.escrow(ORDER, "CNY"), MINE, Phase.POST)
    [line] = rules.lines_of(
        MINE, Money(0), [movement], {ORDER: Deal(OTHER, ParticipantId.new(), Money(9), Money(1))}, {}
    )
    assert (line.kind, line.fee, line.tax, line.counterparty) == (LineKind.SETTLEMENT, Money(0), Money(0), OTHER)


@given(st.lists(st.booleans(), max_size=20), st.integers(0, 10**9))
def test_balances_are_the_opening_one_and_all_that_moved_since(ways: list[bool], opening: int):
    movements = [moved(*((ledger.bank("CNY"), MINE) if way else (MINE, ledger.bank("CNY")))) for way in ways]
    lines = rules.lines_of(MINE, Money(opening), movements, {}, {})
    expected = [opening + 100 * (2 * sum(ways[:count]) - count) for count in range(1, len(ways) + 1)]
    assert [line.balance.minor for line in lines] == expected


@pytest.mark.parametrize("month, begins, ends", [
    ("2030-01", datetime(2029, 12, 31, 16, tzinfo=UTC), datetime(2030, 1, 31, 16, tzinfo=UTC)),
    ("2030-12", datetime(2030, 11, 30, 16, tzinfo=UTC), datetime(2030, 12, 31, 16, tzinfo=UTC)),
])  # fmt: skip
def test_a_month_is_one_of_beijing(month: str, begins: datetime, ends: datetime):
    assert bounds(month) == (begins, ends)


@pytest.mark.parametrize("month", ["2030-13", "2030-00", "2030-1", "30-01", "2030-0１", "1999-12", "9999-01", "", "a"])
def test_what_is_no_month_is_refused(month: str):
    with pytest.raises(NoMonth) as refusal:
        bounds(month)
    assert refusal.value.facts == {}
    assert bounds("2000-01")[0].year == 2000 and bounds("9998-12")[1].year == 9999


def test_amounts_are_told_in_yuan_with_two_decimals_below_zero_too():
    assert [rules.yuan(Money(minor)) for minor in (0, 5, 123_456, -1, -100)] == [
        "0.00",
        "0.05",
        "1234.56",
        "-0.01",
        "-1.00",
    ]


def test_the_table_opens_and_closes_with_a_balance():
    statement = Statement("2030-01", ME, Money(100), Money(30), Money(50))
    assert statement.closing == Money(80)
    head, opening, closing = rules.table(statement)
    assert (head, {len(row) for row in rules.table(statement)}) == (HEADINGS, {len(HEADINGS)})
    assert (opening[1], opening[-1]) == ("期初余额 · opening balance", "1.00")
    assert closing[-3:] == ("0.30", "0.50", "0.80") and set(LABELS) == set(LineKind)


# --- over HTTP


async def read(market: Market, who: Person, month: str, **query: Any) -> dict[str, Any]:
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    return await market.read(who, f"/wallet/statements/{month}?{asked}")


async def test_a_statement_tells_every_movement_and_its_closing_balance_is_the_wallet(market: Market):
    other = await market.bench.member("provider")
    buyer, order = await sold(market, 10_000, co_owners=named((market.provider, 6_000), (other, 4_000)))
    await fill_reserve(market, 100)
    await pay_out(market, market.provider, 5_000)
    await market.tick()
    await refund(market, order, 10_000)
    await market.tick()
    await sold(market, 8_000)
    month = market.bench.clock.now().astimezone(UTC).strftime("%Y-%m")
    mine = await read(market, market.provider, month)
    lines = mine["lines"]["items"]
    assert [line["kind"] for line in lines] == [
        "settlement", "payout", "return", "settlement", "collection", "collection",
    ]  # fmt: skip
    assert [(line["fee"]["minor"], line["tax"]["minor"]) for line in lines][:4] == [
        (250, 15), (0, 0), (-250, -15), (200, 12),
    ]  # fmt: skip
    assert lines[2]["order_id"] == lines[4]["order_id"] == order["id"]
    assert {lines[4]["counterparty"], lines[5]["counterparty"]} == {buyer.participant_id, EXCHANGE_RESERVE}
    for who in (market.provider, other, buyer):
        told = await read(market, who, month)
        assert told["closing"]["minor"] == (await market.wallet(who))[0]
        assert told["opening"]["minor"] == 0 and told["lines"]["next_cursor"] is None
        balance = 0
        for line in told["lines"]["items"]:
            balance += line["came_in"]["minor"] - line["went_out"]["minor"]
            assert line["balance"]["minor"] == balance
    (await books_of(market)).check_at_rest()


@ON_SQLITE
async def test_pages_of_a_statement_put_together_are_the_statement_and_the_next_month_opens_where_it_closed(
    market: Market,
):
    buyer, random = await market.buyer(5_000), Random(1)
    for _ in range(11):
        await market.do(buyer, "/wallet/pay-ins", {"amount": yuan(random.randint(1, 99))})
        await market.tick()
    month, following = "2030-01", "2030-02"
    whole = await read(market, buyer, month, limit=100)
    pages, cursor = list[Any](), None
    while not pages or cursor:
        page = await read(market, buyer, month, limit=3, **({"cursor": cursor} if cursor else {}))
        pages += page["lines"]["items"]
        cursor = page["lines"]["next_cursor"]
        assert page["closing"] == whole["closing"]
    assert pages == whole["lines"]["items"] and len(pages) == 12
    await market.advance(days=31)
    await market.do(buyer, "/wallet/pay-ins", {"amount": yuan(1)})
    await market.tick()
    later = await read(market, buyer, following)
    assert later["opening"] == whole["closing"] == (await read(market, buyer, month))["closing"]
    assert later["closing"]["minor"] == whole["closing"]["minor"] + 1
    assert code(await market.bench.get(buyer, "/trading/v1/wallet/statements/2030-13")) == (422, "no_month")


@ON_SQLITE
async def test_the_export_is_plain_utf_8_and_no_cell_of_it_is_a_formula(market: Market):
    _, order = await sold(market, 10_000)
    await refund(market, order, 10_000)
    await market.tick()
    answer = await market.bench.get(market.provider, "/trading/v1/wallet/statements/2030-01/export.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    text = answer.content.decode()
    assert not text.startswith(BYTE_ORDER_MARK)
    rows = list(csv.reader(StringIO(text, newline=""), strict=True))
    assert rows[0] == list(HEADINGS) and rows[-1][-3:] == ["97.35", "97.35", "0.00"]
    assert rows[3][5:9] == ["-2.50", "-0.15", "0.00", "97.35"]
    assert all(not cell.startswith(("=", "+", "@", "\t", "\r")) for row in rows for cell in row)

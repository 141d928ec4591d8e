"""A statement (对账单): what a wallet was at the beginning of a month, each movement, and what it came to.

Promises: every movement of money for good stands in it once, and nothing else; each balance is the one before with this
line added, so that the closing balance is the fold of the ledger; a line says of which order or auction, and who was on
the other side.
Does not: show what is only promised. What is held is the wallet's to say.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from services.trading.rules.instruction import EXCHANGE_FEE, EXCHANGE_RESERVE, EXCHANGE_TAX
from services.trading.rules.ledger import Account, AccountKind, Phase, Transfer
from services.trading.rules.returning import Payment
from shared.ids import AuctionId, OrderId, ParticipantId, TransferId
from shared.money import Money


class LineKind(StrEnum):
    PAY_IN = "pay_in"
    PAYOUT = "payout"
    PAYMENT = "payment"
    REFUND = "refund"
    SETTLEMENT = "settlement"
    DEPOSIT = "deposit"
    FORFEITURE = "forfeiture"
    RETURN = "return"
    COLLECTION = "collection"


LABELS: Mapping[LineKind, str] = {
    LineKind.PAY_IN:     "入金 · pay-in",
    LineKind.PAYOUT:     "出金 · payout",
    LineKind.PAYMENT:    "支付 · payment into escrow",
    LineKind.REFUND:     "退款 · refund from escrow",
    LineKind.SETTLEMENT: "结算 · settlement",
    LineKind.DEPOSIT:    "保证金 · deposit applied or forfeited",
    LineKind.FORFEITURE: "保证金赔付 · share of a forfeited deposit",
    LineKind.RETURN:     "结算后退款 · refund after settlement",
    LineKind.COLLECTION: "追偿 · debt collected",
}  # fmt: skip
BANK = "bank"
EXCHANGES = {
    AccountKind.FEE_INCOME: EXCHANGE_FEE, AccountKind.TAX_PAYABLE: EXCHANGE_TAX,
    AccountKind.RESERVE: EXCHANGE_RESERVE, AccountKind.BANK_CLEARING: BANK,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Deal:
    """What a statement needs of an order: who is who, and what fee and tax were of its settled price."""

    buyer_id: ParticipantId
    provider_id: ParticipantId
    fee: Money
    tax: Money


@dataclass(frozen=True, slots=True)
class Movement:
    """A transfer that moved money for good. `order_id` and `payments` are of the return or the debt that it belongs to;
    `payments` are all of that return's."""

    transfer: Transfer
    at: datetime
    order_id: OrderId | None = None
    payments: tuple[Payment, ...] = ()
    is_collection: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """`fee` and `tax` are what the exchange took of the order's price, below zero what it gave back; they never were
    in the wallet."""

    transfer_id: TransferId
    at: datetime
    kind: LineKind
    order_id: OrderId | None
    auction_id: AuctionId | None
    counterparty: str
    fee: Money
    tax: Money
    came_in: Money
    went_out: Money
    balance: Money


@dataclass(frozen=True, slots=True)
class Statement:
    """Of one month: what was there before, what moved, what there is. `lines` may be a part of them."""

    month: str
    participant_id: ParticipantId
    opening: Money
    came_in: Money
    went_out: Money
    lines: tuple[Line, ...] = field(default=())

    @property
    def closing(self) -> Money:
        return self.opening + self.came_in - self.went_out


def lines_of(
    wallet: Account, opening: Money, movements: Iterable[Movement], deals: Mapping[OrderId, Deal],
    providers: Mapping[AuctionId, ParticipantId],
) -> tuple[Line, ...]:  # fmt: skip
    """The lines after an opening balance. Requires the deals and the auctions' providers that they are about."""
    found, balance = list[Line](), opening
    for movement in movements:
        line = _line(wallet, movement, deals, providers)
        balance += line.came_in - line.went_out
        found.append(replace(line, balance=balance))
    return tuple(found)


def order_of(account: Account) -> OrderId | None:
    return OrderId(account.owner) if account.kind is AccountKind.ESCROW else None


def auction_of(account: Account) -> AuctionId | None:
    """Of a deposit's account, whose owner is the auction and the bidder."""
    return AuctionId(account.owner.partition(":")[0]) if account.kind is AccountKind.DEPOSIT else None


def _line(
    wallet: Account, movement: Movement, deals: Mapping[OrderId, Deal], providers: Mapping[AuctionId, ParticipantId]
) -> Line:
    transfer, nothing = movement.transfer, Money(0, wallet.currency)
    incoming = transfer.credit == wallet
    other = transfer.debit if incoming else transfer.credit
    kind = _kind(movement, other, incoming)
    order_id, auction_id = movement.order_id or order_of(other), auction_of(other)
    deal = deals.get(order_id) if order_id else None
    fee, tax = _charged(kind, ParticipantId(wallet.owner), deal, movement, nothing)
    return Line(
        transfer.id, movement.at, kind, order_id, auction_id,
        _counterparty(wallet, other, deal, providers.get(auction_id) if auction_id else None, incoming), fee, tax,
        transfer.amount if incoming else nothing, nothing if incoming else transfer.amount, nothing,
    )  # fmt: skip


def _kind(movement: Movement, other: Account, incoming: bool) -> LineKind:
    match other.kind:
        case AccountKind.BANK_CLEARING:
            return LineKind.PAY_IN if incoming else LineKind.PAYOUT
        case AccountKind.ESCROW:
            shared_out = movement.transfer.phase is Phase.POST
            return LineKind.PAYMENT if not incoming else LineKind.SETTLEMENT if shared_out else LineKind.REFUND
        case AccountKind.DEPOSIT:
            return LineKind.FORFEITURE if incoming else LineKind.DEPOSIT
        case _:
            return LineKind.COLLECTION if movement.is_collection else LineKind.RETURN


def _counterparty(
    wallet: Account, other: Account, deal: Deal | None, provider_id: ParticipantId | None, incoming: bool
) -> str:
    if other.kind is AccountKind.WALLET:
        return other.owner
    if other.kind is AccountKind.DEPOSIT:
        return other.owner.partition(":")[2] if incoming else str(provider_id or "")
    if other.kind is AccountKind.ESCROW and deal is not None:
        return deal.provider_id if wallet.owner == deal.buyer_id else deal.buyer_id
    return EXCHANGES.get(other.kind, "")


def _charged(
    kind: LineKind, owner: ParticipantId, deal: Deal | None, movement: Movement, nothing: Money
) -> tuple[Money, Money]:  # fmt: skip
    """Fee and tax are the provider's side's, and told on the provider's own line."""
    if deal is None or owner != deal.provider_id:
        return nothing, nothing
    if kind is LineKind.SETTLEMENT:
        return deal.fee, deal.tax
    if kind is LineKind.RETURN:
        fee, tax = (_given_back(movement.payments, bearer, nothing) for bearer in (EXCHANGE_FEE, EXCHANGE_TAX))
        return nothing - fee, nothing - tax
    return nothing, nothing


def _given_back(payments: Sequence[Payment], bearer: str, nothing: Money) -> Money:
    return sum((payment.amount for payment in payments if payment.bearer == bearer), start=nothing)


# --- as a table


HEADINGS = (
    "日期 · date", "类型 · kind", "订单 · order", "竞价 · auction", "对方 · counterparty", "服务费 · fee", "税额 · tax",
    "收入 · in", "支出 · out", "余额 · balance",
)  # fmt: skip


def table(statement: Statement) -> list[tuple[str, ...]]:
    """Rows for a spreadsheet: headings, opening balance, every line, and the closing balance."""
    blank = ("",) * 5
    opening = (statement.month, "期初余额 · opening balance", "", "", *blank, yuan(statement.opening))
    sums = (yuan(statement.came_in), yuan(statement.went_out), yuan(statement.closing))
    closing = (statement.month, "期末余额 · closing balance", "", "", "", "", "", *sums)
    return [HEADINGS, opening, *(_row(line) for line in statement.lines), closing]


def _row(line: Line) -> tuple[str, ...]:
    amounts = (line.fee, line.tax, line.came_in, line.went_out, line.balance)
    return (
        line.at.isoformat(), LABELS[line.kind], line.order_id or "", line.auction_id or "", line.counterparty,
        *(yuan(amount) for amount in amounts),
    )  # fmt: skip


def yuan(amount: Money) -> str:
    """In whole yuan with two decimals, as accountants read it."""
    sign, minor = "-" if amount.minor < 0 else "", abs(amount.minor)
    return f"{sign}{minor // 100}.{minor % 100:02}"

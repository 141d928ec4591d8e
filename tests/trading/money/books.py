"""The books of a market, read by nobody's code but this: facts, ledger and custodian, beside one another.

What should be in the ledger is made of the log's facts alone, entry by entry, and compared with the tables.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from services.trading.rules.hold import HELD
from services.trading.tables.deals import orders
from services.trading.tables.disputes import fee_holds
from services.trading.tables.money import accounts, instructions, transfers
from shared.facts import Event, read_event
from tests.trading.market import Market

ENDED = {"settled", "refunded", "lapsed", "defaulted"}
GUARDED = {"wallet", "deposit", "escrow", "reserve", "claim", "arbitration"}
POSTED = {"posted", "post"}
TELLS = {  # which facts move money, and in which phases their transfers are taken
    "instruction_given": {"pending"}, "pay_in_confirmed": {"post"}, "instruction_confirmed": {"post"},
    "instruction_refused": {"void"}, "escrow_paid": {"post", "posted"}, "escrow_refunded": {"posted"},
    "receivable_opened": {"posted"}, "deposit_held": {"pending"}, "deposit_released": {"void"},
    "deposit_forfeited": {"post"}, "arbitration_fee_held": {"pending"}, "arbitration_fee_released": {"void"},
    "arbitration_fee_charged": {"post"}, "payout_proposed": {"pending"}, "payout_refused": {"void"},
    "payout_lapsed": {"void"},
}  # fmt: skip
ENDS = {
    "pay_in_confirmed", "instruction_confirmed", "instruction_refused", "deposit_released", "deposit_forfeited",
    "arbitration_fee_released", "arbitration_fee_charged", "payout_refused", "payout_lapsed",
}  # fmt: skip


@dataclass
class Books:
    log: list[Event]
    transfers: dict[str, Any]
    accounts: list[Any]
    instructions: list[Any]
    orders: list[Any]
    fees_held: int
    custodian: dict[str, int]

    def check(self) -> None:
        """At any moment."""
        self._balances_are_the_fold_and_covered()
        self._every_entry_is_told_and_every_word_is_an_entry()
        self._every_split_is_exact()
        self._escrow_is_what_was_paid_and_has_not_left()

    @property
    def is_at_rest(self) -> bool:
        """Whether no order is open, no dispute's fee is held, and nothing is on its way."""
        ended = {order.state for order in self.orders} <= ENDED
        return ended and {row.state for row in self.instructions} <= {"confirmed", "refused"} and not self.fees_held

    def check_at_rest(self) -> None:
        """Once nothing is on its way: the custodian holds for everyone what the ledger says, and no order is open."""
        self.check()
        assert {order.state for order in self.orders} <= ENDED
        left = [row for row in self.instructions if row.state not in {"confirmed", "refused"}]
        assert not left, left
        assert self.fees_held == 0
        posted = self._folded()
        mirrored = Counter[str]()
        for account, (balance, pending) in posted.items():
            kind, _, owner = account.partition("/")[2].partition(":")
            assert pending == 0, account
            if kind in {"wallet", "fee.income", "tax.payable", "reserve", "bank.clearing"}:
                mirrored[SUB_ACCOUNTS.get(kind, owner)] += balance
            elif kind in {"escrow", "arbitration"}:
                assert balance == 0, account
        held, known = ({name: minor for name, minor in book.items() if minor} for book in (self.custodian, mirrored))
        assert held == known

    def _folded(self) -> dict[str, tuple[int, int]]:
        """What each account has, and what of it is promised, by its transfers."""
        found = defaultdict[str, list[int]](lambda: [0, 0])
        for row in self.transfers.values():
            held = row.amount_minor if row.phase == "pending" else -row.released_minor
            found[row.debit][1] += held
            if row.phase in POSTED:
                found[row.debit][0] -= row.amount_minor
                found[row.credit][0] += row.amount_minor
            found[row.credit]  # one that has only come to be promised something is known, too
        return {account: (balance, pending) for account, (balance, pending) in found.items()}

    def _balances_are_the_fold_and_covered(self) -> None:
        folded = self._folded()
        assert sum(balance for balance, _ in folded.values()) == 0
        for row in self.accounts:
            balance, pending = folded.get(row.id, (0, 0))
            if row.kind in GUARDED:
                assert (row.credits_posted - row.debits_posted, row.debits_pending) == (balance, pending), row.id
                assert balance - pending >= 0, row.id

    def _every_entry_is_told_and_every_word_is_an_entry(self) -> None:
        by_fact, keys = defaultdict[str, list[Any]](list), set[str]()
        for row in self.transfers.values():
            if not (row.debit == "CNY/bank.clearing" and row.phase == "posted"):  # what a test gave away by hand
                by_fact[row.fact_id].append(row)
        for event in self.log:
            act = event.act.removeprefix("trading.")
            rows = by_fact.pop(event.id, [])
            assert not rows or act in TELLS, act
            if act in TELLS:
                key = event.data.get("natural_key", event.id)
                if act == "payout_proposed":
                    key = f"payout:{event.data['payout_proposal_id']}"
                self._is_told(act, event, rows, again=key in keys)
                keys.add(key)
        assert not by_fact  # no entry that no fact tells of

    def _is_told(self, act: str, event: Event, rows: list[Any], *, again: bool) -> None:
        """`again`: an instruction that takes a refused one's place, or that of a proposal, and the transfers that wait
        with it."""
        named = [row.pending_id if act in ENDS else row.id for row in rows]
        told = [event.data["hold_id"]] if "hold_id" in event.data else event.data["transfer_ids"]
        if again:
            assert act == "instruction_given" and not rows and set(told) <= self.transfers.keys(), event
            return
        assert sorted(named) == sorted(told), event
        assert {row.phase for row in rows} <= TELLS[act], event
        amount = event.data.get("charged") or event.data["amount"]
        assert _money_of(act, rows) == (amount["minor"] if told else 0), event

    def _every_split_is_exact(self) -> None:
        for event in self.log:
            data = event.data
            if event.act == "trading.order_settled":
                parts = (data[name]["minor"] for name in ("refund", "provider", "fee", "tax"))
                assert sum(parts) == data["amount"]["minor"], data
                assert sum(part["amount"]["minor"] for part in data["owners"]) == data["provider"]["minor"], data
        ends = Counter(row.natural_key for row in self.instructions if row.state != "refused")
        assert set(ends.values()) <= {1}
        for row in self.instructions:
            assert sum(part["minor"] for part in row.parts) == row.amount_minor

    def _escrow_is_what_was_paid_and_has_not_left(self) -> None:
        """L4, by the facts: paid, less what was refunded, less what a confirmed settlement shared out."""
        expected, kinds = Counter[str](), {row.id: row.natural_key for row in self.instructions}
        returned = Counter[str]()
        for event in self.log:
            act, data = event.act.removeprefix("trading."), event.data
            if act == "escrow_paid":
                expected[data["order_id"]] += data["amount"]["minor"]
            elif act == "escrow_refunded":
                expected[data["order_id"]] -= data["amount"]["minor"]
            elif act == "instruction_confirmed" and kinds[data["instruction_id"]] in _ends_of(data):
                expected[data["subject"]] -= data["amount"]["minor"] if data["kind"] == "split" else 0
            elif act == "order_returned":
                returned[data["order_id"]] += data["amount"]["minor"]
        folded = self._folded()
        for order in self.orders:
            balance, _ = folded.get(f"CNY/escrow:{order.id}", (0, 0))
            assert balance == expected[order.id], order.id
            assert order.returned_minor == returned[order.id] <= order.price_minor - order.refund_minor
            if order.state in ENDED:
                assert balance == 0, order.id


def _ends_of(data: dict[str, Any]) -> set[str]:
    """The keys under which an order's escrow is shared out: whole, or first what of it nobody disputes."""
    return {f"{key}:{data.get('subject')}" for key in ("end", "early")}


def _money_of(act: str, rows: list[Any]) -> int:
    """What of the entries is the fact's amount: a claim moves beside the money, and a deposit on its way to escrow."""
    into_escrow = act == "escrow_paid"
    counted = [row for row in rows if "/claim:" not in row.debit and (not into_escrow or "/escrow:" in row.credit)]
    return sum(row.amount_minor for row in counted)


SUB_ACCOUNTS = {
    "fee.income": "exchange:fee", "tax.payable": "exchange:tax", "reserve": "exchange:reserve",
    "bank.clearing": "world",
}  # fmt: skip


async def books_of(market: Market) -> Books:
    """All of it as it is now. Requires that nobody writes meanwhile."""
    async with market.trading.database.read() as tx:
        moved = {row.id: row for row in await tx.execute(select(*transfers.c))}
        held = list(await tx.execute(select(*accounts.c)))
        told = list(await tx.execute(select(*instructions.c)))
        deals = list(await tx.execute(select(*orders.c)))
        waiting = len(list(await tx.scalars(select(fee_holds.c.id).where(fee_holds.c.state == HELD))))
    return Books(await log_of(market), moved, held, told, deals, waiting, dict(market.custodian.book))


async def log_of(market: Market) -> list[Event]:
    found, positions = list[Event](), dict[int, int]()
    while changes := await market.bench.cores["trading"].feed.after(positions):
        found += [read_event(change.line.encode()) for change in changes]
        positions |= {change.stripe: change.seq for change in changes}
    return found

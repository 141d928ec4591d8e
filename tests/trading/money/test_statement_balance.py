"""What the custodian held by its own word, its lines, our ledger: where they part, and that they never do unprovoked.

The custodian of the property is a page of arithmetic, and the ledger's side is folded transfer by transfer: neither
knows of the code under test.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.trading.rules import ledger
from services.trading.rules import statement_balance as rules
from services.trading.rules.instruction import Instruction, InstructionKind, InstructionState, Part
from services.trading.rules.ledger import Account, AccountKind, Ledger, Phase, Transfer
from services.trading.rules.statement import Movement, differing, movement_of
from services.trading.rules.statement_balance import (
    BalanceDifference,
    DifferenceKind,
    StatedBalance,
    Statement,
    SubAccount,
)
from shared.canonical import INTEGER_MAX
from shared.ids import AuctionId, DisputeId, InstructionId, OrderId, ParticipantId, ReceivableId, TransferId
from shared.money import Money

PAY_IN, PAYOUT, RELEASE, SPLIT, REFUND = InstructionKind
MISSING, TWICE, OPENING, LINES, LEDGER = DifferenceKind
BUYER, SELLER = ParticipantId.new(), ParticipantId.new()
ORDER = OrderId.new()


def cny(minor: int) -> Money:
    return Money(minor)


def line(kind: InstructionKind, payer: str, **parts: int) -> Movement:
    shares = tuple(Part(payee, cny(minor)) for payee, minor in parts.items())
    return Movement("one", kind, payer, cny(sum(parts.values())), shares)


def sums(**minor: int) -> dict[SubAccount, int]:
    return {SubAccount(name, "CNY"): each for name, each in minor.items()}


def stated(**balances: tuple[int, int]) -> tuple[StatedBalance, ...]:
    return tuple(StatedBalance(name, cny(opening), cny(closing)) for name, (opening, closing) in balances.items())


IN, OUT = line(PAY_IN, "ana", ana=5), line(PAYOUT, "ana", ana=5)
SHARED = line(SPLIT, "ana", ben=3, fee=2)


@pytest.mark.parametrize("balances, lines, before, ledger_has, found", [
    (stated(ana=(0, 5)), (IN,), sums(), sums(ana=5), []),
    (stated(ana=(5, 0)), (OUT,), sums(ana=5), sums(), []),
    (stated(ana=(9, 4), ben=(1, 4), fee=(0, 2)), (SHARED,), sums(ana=9, ben=1), sums(ana=4, ben=4, fee=2), []),
    (stated(ana=(5, 5)), (line(RELEASE, "ana", ana=3), line(REFUND, "ana", ana=2)), sums(ana=5), sums(ana=5), []),
    (stated(ana=(0, 0)), (IN, OUT), sums(), sums(), []),
    ((), (), sums(), sums(), []),
    ((), (), sums(ana=0), sums(ana=0), []),
    ((), (line(RELEASE, "ana", ana=3),), sums(), sums(), []),
    (stated(ana=(4, 4)), (), None, sums(ana=4), []),
    (stated(ana=(4, 4)), (), sums(), sums(ana=4), [("ana", OPENING, 4, 0)]),
    (stated(ana=(4, 4)), (), sums(ana=3), sums(ana=4), [("ana", OPENING, 4, 3)]),
    (stated(ana=(4, 5)), (), sums(ana=4), sums(ana=5), [("ana", LINES, 5, 4)]),
    (stated(ana=(4, 4)), (), sums(ana=4), sums(ana=5), [("ana", LEDGER, 4, 5)]),
    (stated(ana=(4, 4)), (), sums(ana=4), sums(), [("ana", LEDGER, 4, 0)]),
    (stated(ana=(-1, -1)), (), sums(ana=-1), sums(), [("ana", LEDGER, -1, 0)]),
    (stated(ana=(1, 9)), (IN,), sums(), sums(ana=5), [("ana", OPENING, 1, 0), ("ana", LINES, 9, 6),
                                                     ("ana", LEDGER, 9, 5)]),
    ((), (IN,), sums(), sums(ana=5), [("ana", MISSING, None, 5)]),
    ((), (), sums(ana=5), sums(), [("ana", MISSING, None, 0)]),
    ((), (), sums(), sums(ana=5), [("ana", MISSING, None, 5)]),
    ((), (IN, OUT), sums(), sums(), [("ana", MISSING, None, 0)]),
    (stated(ben=(0, 0)), (), None, sums(ana=1), [("ana", MISSING, None, 1)]),
    (stated(ana=(1, 1)) * 2, (), sums(ana=1), sums(ana=1), [("ana", TWICE, 1, 1)]),
    (stated(ana=(1, 1)) * 3, (), sums(ana=1), sums(ana=1), [("ana", TWICE, 1, 1)] * 2),
    (stated(ben=(0, 1), ana=(0, 1)), (), sums(), sums(ben=1), [("ana", LINES, 1, 0), ("ana", LEDGER, 1, 0),
                                                            ("ben", LINES, 1, 0)]),
])  # fmt: skip
def test_worked_days(
    balances: tuple[StatedBalance, ...], lines: tuple[Movement, ...], before: dict[SubAccount, int] | None,
    ledger_has: dict[SubAccount, int], found: list[tuple[str, DifferenceKind, int | None, int]],
):  # fmt: skip
    expected = [
        BalanceDifference(name, kind, None if said is None else cny(said), cny(due)) for name, kind, said, due in found
    ]
    assert list(rules.differences(Statement(lines, balances), before, ledger_has)) == expected


def test_another_currency_is_another_balance():
    dollars = StatedBalance("ana", Money(4, "USD"), Money(4, "USD"))
    found = rules.differences(Statement((), (dollars,)), sums(ana=4), sums(ana=4))
    assert [(each.kind, each.expected) for each in found] == [
        (MISSING, Money(4, "CNY")), (OPENING, Money(0, "USD")), (LEDGER, Money(0, "USD")),
    ]  # fmt: skip
    mixed = StatedBalance("ana", Money(4, "USD"), Money(4, "CNY"))
    found = rules.differences(Statement((), (mixed,)), None, sums(ana=4))
    assert [(each.kind, each.expected) for each in found] == [(LINES, Money(4, "USD"))]


@pytest.mark.parametrize("kind, minor, most", [(PAY_IN, 1, INTEGER_MAX), (PAYOUT, -1, -INTEGER_MAX)])
def test_where_absurd_numbers_lead_is_told_as_far_as_a_fact_can_tell_it(kind: InstructionKind, minor: int, most: int):
    for opening, led_to in ((most, most), (most - minor, most), (most - 2 * minor, most - minor)):
        found = rules.differences(Statement((line(kind, "ana", ana=1),), stated(ana=(opening, 0))), None, sums())
        assert [(each.kind, each.expected.minor) for each in found] == [(LINES, led_to)]


def test_of_what_is_stated_twice_the_next_day_opens_with_the_last():
    assert rules.closings(stated(ana=(0, 1)) + stated(ana=(0, 2), ben=(0, 0))) == sums(ana=2, ben=0)


@pytest.mark.parametrize("account, name", [
    (ledger.wallet(BUYER, "CNY"), BUYER),
    (ledger.deposit(AuctionId.new(), BUYER, "CNY"), BUYER),
    (ledger.arbitration(DisputeId.new(), BUYER, "CNY"), BUYER),
    (ledger.escrow(ORDER, "CNY"), BUYER),
    (ledger.escrow(OrderId(f"order_{'0' * 32}"), "CNY"), f"CNY/escrow:order_{'0' * 32}"),
    (ledger.exchange(AccountKind.FEE_INCOME, "CNY"), "exchange:fee"),
    (ledger.exchange(AccountKind.TAX_PAYABLE, "CNY"), "exchange:tax"),
    (ledger.exchange(AccountKind.RESERVE, "CNY"), "exchange:reserve"),
    (ledger.bank("CNY"), None),
    (ledger.claim(ReceivableId.new(), "CNY"), None),
    (ledger.receivable(BUYER, "CNY"), None),
], ids=lambda told: told.kind.value if isinstance(told, Account) else "")  # fmt: skip
def test_every_account_of_the_ledger_is_held_somewhere_or_is_nobodys(account: Account, name: str | None):
    found = rules.sub_account_of(account, {ORDER: BUYER})
    assert found == (None if name is None else SubAccount(str(name), "CNY"))
    assert rules.held({account: 3}, {ORDER: BUYER}) == ({} if found is None else {found: 3})


def test_all_that_somebody_has_in_the_ledger_is_held_together():
    posted = {
        ledger.wallet(BUYER, "CNY"): 5, ledger.escrow(ORDER, "CNY"): 7,
        ledger.deposit(AuctionId.new(), BUYER, "CNY"): 11, ledger.wallet(SELLER, "CNY"): 1, ledger.bank("CNY"): -24,
    }  # fmt: skip
    assert rules.held(posted, {ORDER: BUYER}) == sums(**{str(BUYER): 23, str(SELLER): 1})


# --- any history, cut anywhere

START = datetime(2030, 1, 1, tzinfo=UTC)
CUT = START + timedelta(days=1)  # ends the day that is compared
SOON, FEE = START - timedelta(days=3), "exchange:fee"
PEOPLE = tuple(ParticipantId(f"participant_{number}{'0' * 31}") for number in range(3))
ORDERS = {str(each).replace("participant", "order"): each for each in PEOPLE}
RICH, ESCROW = 10_000, 5_000


@dataclass(frozen=True)
class History:
    """Instructions, with the moment at which each was carried out, if it was. Of what was carried out after the cut we
    have heard or not; of what came before it, we have."""

    told: tuple[Instruction, ...]

    def between(self, since: datetime, until: datetime) -> list[Instruction]:
        return [each for each in self.told if each.executed_at and since <= each.executed_at < until]

    @property
    def before(self) -> rules.Sums:
        return rules.closings(StatedBalance(name, cny(0), cny(minor)) for name, minor in self.book(START).items())

    def statement(self) -> Statement:
        """Of a custodian that does as it is told."""
        opening, closing = self.book(START), self.book(CUT)
        balances = tuple(StatedBalance(name, cny(opening[name]), cny(closing[name])) for name in closing)
        return Statement(tuple(map(movement_of, self.between(START, CUT))), balances)

    def book(self, until: datetime) -> Counter[str]:
        found = Counter[str]({str(each): RICH for each in PEOPLE})
        for each in self.between(SOON, until):
            if each.kind is SPLIT:
                found[each.payer] -= each.amount.minor
                found.update({part.payee: part.amount.minor for part in each.parts})
            elif each.kind in {PAY_IN, PAYOUT}:
                found[each.payer] += each.amount.minor if each.kind is PAY_IN else -each.amount.minor
        return found

    def ledger_at_the_end(self) -> rules.Sums:
        """As an action makes it of what is posted and confirmed by now."""
        heard = [each for each in self.told if each.state is InstructionState.CONFIRMED]
        later = [each for each in heard if each.executed_at and each.executed_at >= CUT]
        return rules.at_the_end(rules.held(self._posted(), ORDERS), map(movement_of, later))

    def _posted(self) -> dict[Account, int]:
        folded, ids = Ledger(), (TransferId(f"transfer_{number:032x}") for number in count())
        for order, owner in ORDERS.items():
            wallet = ledger.wallet(owner, "CNY")
            came_in = Transfer(next(ids), ledger.bank("CNY"), wallet, cny(RICH))
            paid = Transfer(next(ids), wallet, ledger.escrow(OrderId(order), "CNY"), cny(ESCROW))
            folded = ledger.apply(folded, came_in, paid)
        for each in self.told:
            for debit, credit, amount in _moves(each):
                pending = Transfer(next(ids), debit, credit, amount, Phase.PENDING)
                folded = ledger.apply(folded, pending)
                if each.state is InstructionState.CONFIRMED:
                    folded = ledger.apply(folded, pending.post(next(ids)))
        return {account: balance.posted for account, balance in folded.balances.items()}


def _moves(each: Instruction) -> list[tuple[Account, Account, Money]]:
    """In our ledger, where a share comes out of the payer's escrow."""
    wallet, outside = ledger.wallet(ParticipantId(each.payer), "CNY"), ledger.bank("CNY")
    if each.kind is PAY_IN:
        return [(outside, wallet, each.amount)]
    if each.kind is PAYOUT:
        return [(wallet, outside, each.amount)]
    if each.kind is SPLIT:
        escrow = ledger.escrow(OrderId(each.payer.replace("participant", "order")), "CNY")
        return [(escrow, _account(part.payee), part.amount) for part in each.parts]
    return []


def _account(payee: str) -> Account:
    if payee == FEE:
        return ledger.exchange(AccountKind.FEE_INCOME, "CNY")
    return ledger.wallet(ParticipantId(payee), "CNY")


@st.composite
def instructions(draw: st.DrawFn) -> Instruction:
    payer, kind = draw(st.sampled_from(PEOPLE)), draw(st.sampled_from(InstructionKind))
    payees = draw(st.sets(st.sampled_from([*PEOPLE, FEE]), min_size=1, max_size=3)) - {payer} or {FEE}
    parts = tuple(
        Part(str(payee), cny(draw(st.integers(1, 99)))) for payee in sorted(payees if kind is SPLIT else {payer})
    )
    hours = draw(st.none() | st.integers(-48, 48) | st.sampled_from([0, 24]))
    moment = None if hours is None else START + timedelta(hours=hours) - draw(st.sampled_from([TICK, 0 * TICK]))
    heard = moment is not None and (moment < CUT or draw(st.booleans()))
    state = InstructionState.CONFIRMED if heard else InstructionState.SENT
    return Instruction(
        InstructionId.new(), kind, payer, str(payer), parts, "key", SOON, SOON, state=state, executed_at=moment
    )  # fmt: skip


TICK = timedelta(microseconds=1)
HISTORIES = st.lists(instructions(), max_size=8).map(lambda told: History(tuple(told)))


@settings(deadline=None)
@given(history=HISTORIES)
def test_a_true_custodian_never_alarms_wherever_the_day_is_cut(history: History):
    statement, ours = history.statement(), history.between(START, CUT)
    assert rules.differences(statement, history.before, history.ledger_at_the_end()) == ()
    assert rules.differences(statement, None, history.ledger_at_the_end()) == ()
    assert differing(statement.movements, ours) == ()


@settings(max_examples=60, deadline=None)
@given(history=HISTORIES, by=st.sampled_from([-1, 1, 10**9]))
def test_any_one_number_that_is_another_alarms(history: History, by: int):
    told, ours = history.statement(), history.between(START, CUT)
    before, ledger_has = history.before, history.ledger_at_the_end()
    for wrong in (*_other_balances(told, by), *_other_lines(told, by), *_without_one(told)):
        assert rules.differences(wrong, before, ledger_has) or differing(wrong.movements, ours), wrong
    for name in before:
        assert rules.differences(told, {**before, name: before[name] + by}, ledger_has)
    for name in ledger_has:
        assert rules.differences(told, before, {**ledger_has, name: ledger_has[name] + by})


def _other_balances(told: Statement, by: int) -> Iterator[Statement]:
    for number, each in enumerate(told.balances):
        for other in (replace(each, opening=each.opening + cny(by)), replace(each, closing=each.closing + cny(by))):
            yield replace(told, balances=(*told.balances[:number], other, *told.balances[number + 1 :]))


def _other_lines(told: Statement, by: int) -> Iterator[Statement]:
    for number, each in enumerate(told.movements):
        first, *others = each.parts
        other = replace(each, parts=(replace(first, amount=first.amount + cny(by)), *others))
        yield replace(told, movements=(*told.movements[:number], other, *told.movements[number + 1 :]))
        yield replace(told, movements=(*told.movements[:number], *told.movements[number + 1 :]))


def _without_one(told: Statement) -> Iterator[Statement]:
    for number, each in enumerate(told.balances):
        if each.opening.minor or each.closing.minor:
            yield replace(told, balances=(*told.balances[:number], *told.balances[number + 1 :]))

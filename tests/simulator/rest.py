"""I-07, I-08: once nothing goes wrong any more, everything comes to an end by its deadline, and all know the same."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from services.trading.rules.ledger import Account, AccountKind
from shared.settings import SERVICES
from tests.simulator.acts import REASON, pay_in_of
from tests.simulator.eyes import Eyes, moment_of
from tests.simulator.furnishing import BUYERS
from tests.simulator.invariants.money import folded
from tests.simulator.market import OUTSIDE
from tests.simulator.process import begin

if TYPE_CHECKING:
    from tests.simulator.simulation import Simulation

ON_THE_WAY = {AccountKind.ESCROW, AccountKind.DEPOSIT, AccountKind.ARBITRATION}
MIRRORED = {
    AccountKind.WALLET: "", AccountKind.FEE_INCOME: "exchange:fee", AccountKind.TAX_PAYABLE: "exchange:tax",
    AccountKind.RESERVE: "exchange:reserve",
}  # fmt: skip
GRACE = timedelta(seconds=60)
ROUNDS_MAX, CURSED = 40, 0.3
SETTLED_BY = timedelta(seconds=180)  # what was begun is over by then, and whoever died is back
WAITING = """
SELECT id, state, deadline AS until, buyer_id || provider_id || coalesce(auction_id, '') AS whose FROM orders
  WHERE state NOT IN ('settled', 'lapsed', 'defaulted', 'refunded')
UNION ALL SELECT id, state, deadline, buyer_id || provider_id || order_id FROM disputes
  WHERE state NOT IN ('enforced', 'settled', 'withdrawn', 'defaulted')
UNION ALL SELECT id, state, coalesce(award_deadline, reveal_closes_at, closes_at),
  coalesce(leader_id, '') || coalesce(second_id, '') FROM auctions WHERE state IN ('open', 'awarded', 'second_asked')
UNION ALL SELECT id, state, next_attempt_at, participant_id || payer || parts || coalesce(subject, '') FROM instructions
  WHERE state NOT IN ('confirmed', 'refused')
UNION ALL SELECT id, state, coalesce(deadline, expires_at), subject_id FROM freezes
  WHERE state IN ('proposed', 'in_force')
"""
OPEN = "SELECT id FROM auctions WHERE state = 'open' ORDER BY id"
PARKED = "SELECT id, reason_code, participant_id || payer || parts AS whose FROM instructions WHERE state = 'parked'"
UNHEARD = {"no_answer", "no_decision"}


@dataclass(frozen=True, order=True)
class Waiting:
    id: str
    state: str
    until: datetime
    whose: str


def waiting(eyes: Eyes) -> list[Waiting]:
    """What something still has to follow on, and by when."""
    return [
        Waiting(row["id"], row["state"], moment_of(row["until"]), f"{row['id']} {row['whose']}")
        for row in eyes.trading(WAITING)
        if row["until"]
    ]


async def come_to_rest(simulation: "Simulation") -> None:
    """First with one payer and one auction still cursed, if any are: nobody else may be kept waiting by it (I-07)."""
    network, disk = simulation.network, simulation.market.processes["trading"].database.disk
    network.mishaps, network.cut = {}, set()
    simulation.market.custodian.faults.clear()
    for clock in simulation.market.clocks.values():
        clock.skew = timedelta()
    for process in simulation.market.processes.values():
        process.database.disk.statements_left = None
    await asyncio.sleep(SETTLED_BY.total_seconds())
    if (open_ones := simulation.stage.eyes.trading(OPEN)) and simulation.chance.random() < CURSED:
        disk.unwritable = simulation.chance.choice(open_ones)["id"]
        simulation.seen["an auction could not be closed"] += 1
    cursed = [each for each in (simulation.cursed, disk.unwritable) if each]
    if simulation.cursed:
        await asyncio.gather(*(begin(simulation.outside, pay_in_of(simulation.stage, who)) for who in BUYERS))
    await _pass_all_deadlines(simulation, cursed)
    if cursed and not simulation.wrong:
        disk.unwritable, network.away = None, lambda _callee, _request: False
        await _pass_all_deadlines(simulation, [])
    disk.unwritable = None
    await _let_all_know(simulation)
    if not simulation.wrong:
        simulation.wrong += _what_is_not_at_rest(simulation)


async def _pass_all_deadlines(simulation: "Simulation", cursed: Sequence[str]) -> None:
    eyes, before = simulation.stage.eyes, set[Waiting]()
    unheard_before = {row["id"] for row in eyes.trading(PARKED)}
    for _ in range(ROUNDS_MAX):
        await _let_trading_work(simulation)
        left = {each for each in waiting(eyes) if not any(curse in each.whose for curse in cursed)}
        simulation.wrong += [
            f"I-08 {each.id} is still {each.state} after {each.until}" for each in sorted(left & before)
        ]
        for row in eyes.trading(PARKED):
            is_cursed = row["id"] in unheard_before or any(curse in row["whose"] for curse in cursed)
            if row["reason_code"] in UNHEARD and not is_cursed:
                simulation.wrong.append(f"I-07 {row['id']} found no answer, though nothing was in its way")
        if not left or simulation.wrong:
            return
        now = simulation.market.clocks[OUTSIDE].now()
        await asyncio.sleep(max(timedelta(), max(each.until for each in left) + GRACE - now).total_seconds())
        before = left
    simulation.wrong.append(f"I-08 there is no end to it: {waiting(eyes)}")


async def _let_trading_work(simulation: "Simulation") -> None:
    """Every job that moves something on; and the log's word on whatever is in dispute."""
    market, trading = simulation.market, simulation.market.processes["trading"]
    jobs = market.jobs("trading")
    await simulation.job_begins(trading, "standing", jobs["standing"])
    if any(each.id.startswith("dispute") for each in waiting(simulation.stage.eyes)):
        await simulation.job_begins(trading, "relay", jobs["relay"])
        await simulation.job_begins(market.processes["audit"], "sign", market.jobs("audit")["sign"])
        await simulation.job_begins(trading, "prove notices", jobs["prove notices"])
    for row in simulation.stage.eyes.trading(PARKED):
        resume = simulation.stage.actors["business"].write(f"/trading/v1/instructions/{row['id']}/resume", REASON)
        await begin(simulation.outside, resume)
    for _ in range(2):
        for name in ("close auctions", "pass deadlines", "instruct custodian", "notice settlements"):
            await simulation.job_begins(trading, name, jobs[name])
        await asyncio.sleep(0.5)
    await simulation.note("at rest", "trading works")


async def _let_all_know(simulation: "Simulation") -> None:
    """Each follower after whom it follows; the log last."""
    market = simulation.market
    for job in ("standing", "follow catalog", "follow trading", "follow pricing", "relay", "relay", "sign"):
        for name in SERVICES:
            if job in (jobs := market.jobs(name)):
                await simulation.job_begins(market.processes[name], job, jobs[job])
    await simulation.note("at rest", "all know")


def _what_is_not_at_rest(simulation: "Simulation") -> Iterator[str]:
    eyes = simulation.stage.eyes
    for service in SERVICES:
        unsent = eyes.rows(service, "SELECT count(*) AS facts FROM outbox_facts WHERE log_index IS NULL")[0]["facts"]
        if unsent:
            yield f"I-34 {unsent} facts of {service} never reached the log"
    yield from _followers_behind(eyes)
    yield from _money_elsewhere(simulation)


def _followers_behind(eyes: Eyes) -> Iterator[str]:
    for service in ("catalog", "pricing", "trading"):
        for row in eyes.rows(service, "SELECT source, seq FROM inbox"):
            if row["seq"] != len(eyes.facts[row["source"]]):
                told = len(eyes.facts[row["source"]])
                yield f"I-33 {service} has read {row['seq']} of {told} facts of {row['source']}"


def _money_elsewhere(simulation: "Simulation") -> Iterator[str]:
    """The custodian holds for everyone what the ledger says; in escrow and deposits there is nothing left."""
    posted, pending = folded(simulation.stage.eyes)
    mirrored = dict[str, int]()
    for name, balance in posted.items():
        account = Account.read(name)
        if account.kind in ON_THE_WAY and (balance or pending.get(name)):
            yield f"I-08 {name} still has {balance} and promises {pending.get(name)}"
        if account.kind in MIRRORED:
            mirrored[MIRRORED[account.kind] or account.owner] = balance
    book = simulation.market.custodian.book
    for name in sorted(mirrored | book):
        if name != "world" and mirrored.get(name, 0) != book.get(name, 0):
            yield f"I-01 the custodian holds {book.get(name, 0)} for {name}, the ledger {mirrored.get(name, 0)}"

"""What `trading` does unasked: it closes auctions and inquiries, lets deadlines pass, instructs the custodian, prints
contracts, follows the catalogue.

Promises: nothing is decided here, so a late or missed tick changes when something is noticed, never what is true; each
job runs by itself, so that a custodian who does not answer keeps no auction open, and no settlement unnoticed. The one
that closes auctions wakes when the next one's time is up; one that could not be closed is tried again at its interval.
"""

from collections.abc import Awaitable, Callable, Mapping

from services.trading.actions import closing, custody, daily_statement, due
from services.trading.actions.ledger_check import LedgerCheck
from services.trading.actions.trading import Trading
from shared.jobs import attempt

Job = Callable[[Trading], Awaitable[None]]


async def close_auctions(trading: Trading) -> None:
    await due.close_auctions(trading)


async def close_inquiries(trading: Trading) -> None:
    await due.close_inquiries(trading)


async def pass_deadlines(trading: Trading) -> None:
    await due.pass_deadlines(trading)


async def supervise(trading: Trading) -> None:
    await due.supervise(trading)


async def instruct_custodian(trading: Trading) -> None:
    await custody.work_instructions(trading.treasury)


async def notice_settlements(trading: Trading) -> None:
    await due.notice_settlements(trading)


async def prove_notices(trading: Trading) -> None:
    await due.prove_notices(trading)


async def keep_documents(trading: Trading) -> None:
    await due.keep_documents(trading)


async def compare_statements(trading: Trading) -> None:
    await daily_statement.compare_statement(trading.treasury)


async def follow_catalog(trading: Trading) -> None:
    await due.follower_of_catalog(trading).tick()


SOONEST, SOON, SOMETIMES, LATER = 0.001, 0.5, 10, 60  # seconds
JOBS: Mapping[Job, float] = {
    close_auctions: SOON,
    close_inquiries: SOON,
    pass_deadlines: SOON,
    instruct_custodian: SOON,
    notice_settlements: SOON,
    prove_notices: SOMETIMES,
    keep_documents: SOON,
    supervise: LATER,
    compare_statements: LATER,
}


async def run(trading: Trading, job: Job) -> None:
    while True:
        await trading.clock.sleep(JOBS[job])
        await attempt(job, trading)


async def run_closer(trading: Trading) -> None:
    """Several processes may run one: they share what is due."""
    seconds = float(SOON)
    while True:
        await trading.clock.sleep(seconds)
        seconds = await close_in_time(trading)


async def close_in_time(trading: Trading) -> float:
    """Close what is due. Returns the seconds after which to come again."""
    seconds: float | None = None

    async def close_auctions() -> None:
        nonlocal seconds
        seconds = await due.close_auctions(trading)

    await attempt(close_auctions)
    if seconds is None:
        return SOON
    await closing.prepare()
    return min(max(seconds, SOONEST), SOON)


async def check_ledger(check: LedgerCheck) -> None:
    """A few accounts at a time, for ever."""
    while True:
        await check.clock.sleep(SOMETIMES)
        await attempt(look_at_ledger, check)


async def look_at_ledger(check: LedgerCheck) -> None:
    await check.look()


async def follow(trading: Trading) -> None:
    """By long poll, so that a raised grade is known here within a second."""
    await due.follower_of_catalog(trading).run()


async def tick(trading: Trading) -> None:
    """Every job once. One that fails keeps no other from its turn."""
    for job in (follow_catalog, *JOBS):
        await attempt(job, trading)

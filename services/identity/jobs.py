"""What `identity` does unasked: it lets deadlines pass, forgets what has expired, and follows trading's sanctions.

Promises: nothing is decided here, so a late or missed tick changes when something is noticed, never what is true.
"""

from services.identity.actions import (
    administration,
    assignment,
    delegation,
    document,
    dormancy,
    participant,
    sanction,
    sponsorship,
    token,
)
from services.identity.actions.identity import Identity
from shared.jobs import attempt

INTERVAL_SECONDS = 10.0
JOBS = (
    participant.warn,
    participant.pass_deadlines,
    document.pass_deadlines,
    delegation.pass_deadlines,
    sponsorship.pass_deadlines,
    assignment.pass_deadlines,
    administration.pass_deadlines,
    dormancy.tell,
    dormancy.shut,
    token.forget_expired,
    token.tell_disclosures,
)


async def run(identity: Identity) -> None:
    while True:
        await identity.clock.sleep(INTERVAL_SECONDS)
        for job in JOBS:
            await attempt(job, identity)


async def follow_trading(identity: Identity) -> None:
    await sanction.follower_of_trading(identity).tick()


async def follow(identity: Identity) -> None:
    """By long poll, so that whoever is sanctioned is suspended everywhere within seconds."""
    await sanction.follower_of_trading(identity).run()


async def tick(identity: Identity) -> None:
    """Every job once. One that fails neither ends the loop nor keeps the others from their turn."""
    for job in (*JOBS, follow_trading):
        await attempt(job, identity)

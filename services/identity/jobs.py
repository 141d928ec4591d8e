"""What `identity` does unasked: it lets deadlines pass and forgets what has expired.

Promises: nothing is decided here, so a late or missed tick changes when something is noticed, never what is true.
"""

from services.identity.actions import administration, delegation, document, dormancy, participant, sponsorship, token
from services.identity.actions.identity import Identity
from shared.jobs import attempt

INTERVAL_SECONDS = 10.0
JOBS = (
    participant.warn,
    participant.pass_deadlines,
    document.pass_deadlines,
    delegation.pass_deadlines,
    sponsorship.pass_deadlines,
    administration.pass_deadlines,
    dormancy.tell,
    dormancy.shut,
    token.forget_expired,
    token.tell_disclosures,
)


async def run(identity: Identity) -> None:
    while True:
        await identity.clock.sleep(INTERVAL_SECONDS)
        await tick(identity)


async def tick(identity: Identity) -> None:
    """Every job once. One that fails neither ends the loop nor keeps the others from their turn."""
    for job in JOBS:
        await attempt(job, identity)

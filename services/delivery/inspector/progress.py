"""How far a job is, as the child tells it: one line of JSON for each step, before the answer.

Promises: a job tells at most a hundred steps of each phase, however long it takes.
"""

from collections.abc import Callable

from services.delivery.inspector.messages import Progress
from services.delivery.rules.upload import Phase

READING, PROFILING = Phase.READING, Phase.PROFILING
Tell = Callable[[Phase, int], None]


def silent(phase: Phase, percent: int) -> None:
    """For who does not listen."""


def steps(send: Callable[[Progress], None]) -> Tell:
    """Sends what is new: a higher percentage, or another phase."""
    last: list[Progress] = []

    def tell(phase: Phase, percent: int) -> None:
        now = Progress(phase, min(max(percent, 0), 100))
        if last and (last[0].phase, now.percent) == (phase, min(now.percent, last[0].percent)):
            return
        last[:] = [now]
        send(now)

    return tell

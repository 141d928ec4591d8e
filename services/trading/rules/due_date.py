"""When something is due, as whoever counted its days hands it in: `shared.working_days` reads a calendar, rules none.

Provisional: a day on the way had no announced calendar when it was counted.
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class DueDate:
    """`at` is the first moment that is too late."""

    at: datetime
    provisional: bool = False

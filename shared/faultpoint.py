"""Places in the code at which a test's own server may end the process, each by its name.

Promises: a place costs one look at a global, and does nothing unless the program itself has armed it; no setting, no
header and no file can, so in production none is ever armed.
"""

from collections.abc import Callable

_strike: Callable[[str], None] | None = None


def faultpoint(name: str) -> None:
    """Here a process may end. Requires a name that stands in the code as it is, so that all of them can be counted."""
    if _strike is not None:
        _strike(name)


def arm(strike: Callable[[str], None] | None) -> None:
    """Have `strike` told of every place that is passed from now on; None disarms. For the programs of tests alone."""
    global _strike
    _strike = strike

"""Ports of this machine, each given to one process only, and to it only once."""

import fcntl
import os
import socket
import tempfile
from contextlib import suppress
from pathlib import Path

# Below the range out of which a kernel draws a client's port, so that none loses its port to a connection of another.
FIRST, LAST = 11_000, 31_000
PLACE = Path(tempfile.gettempdir()) / f"yaosu-ports-{os.geteuid()}"
# All of them once, from one that is other in each process, so that two seldom look at the same.
_untried = (FIRST + (os.getpid() * 101 + step) % (LAST - FIRST) for step in range(LAST - FIRST))
_held: list[int] = []


def free_port() -> int:
    """One on which nothing listens. It stays ours, beside all other test processes, until this process ends."""
    PLACE.mkdir(exist_ok=True)
    for port in _untried:
        mark = os.open(PLACE / str(port), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        with suppress(OSError):
            fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
            _held.append(mark)
            return port
        os.close(mark)
    raise RuntimeError("every port is taken")

"""Where the tests keep what nobody misses afterwards: in memory, if there is room for it, otherwise on the disk.

A test of a store makes some hundred files, and a file made on a disk can cost fifty times one made in memory.
"""

import shutil
from pathlib import Path

MEMORY = Path("/dev/shm")
FREE_BYTES_MIN = 4 * 1024**3


def scratch_folder() -> str | None:
    """A folder in memory, or None for the machine's own choice."""
    roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= FREE_BYTES_MIN
    return str(MEMORY) if roomy else None

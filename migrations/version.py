"""Which PostgreSQL the tables may live in: 15 to 18, of which 15 and 18 are what the tests ran on.

An older one is refused, because nobody mends it any more (15 itself until November 2027); a newer one is said to be
untried, and one that lacks a correction that row-level security needs is said to lack it.
"""

import logging

from sqlalchemy import text

from shared.database import Database

OLDEST, NEWEST_TRIED = 15, 18
# Before these, statistics told of rows that row-level security hides (CVE-2025-8713).
MENDED = {15: 14, 16: 10, 17: 6}
log = logging.getLogger(__name__)


class PostgresTooOld(RuntimeError):
    """This PostgreSQL is older than any that the market works with."""


def doubt_of(number: int) -> str | None:
    """What is to be said of a server by its `server_version_num`, if anything. Raises PostgresTooOld."""
    major, minor = divmod(number, 10_000)
    if major < OLDEST:
        raise PostgresTooOld(f"this is PostgreSQL {major}; the market needs {OLDEST} to {NEWEST_TRIED}")
    if major > NEWEST_TRIED:
        return f"PostgreSQL {major} is newer than {NEWEST_TRIED}, the newest that this code was tried on"
    if minor < MENDED.get(major, 0):
        mended = f"{major}.{MENDED[major]}"
        return (
            f"PostgreSQL {major}.{minor} tells of hidden rows by its statistics (CVE-2025-8713): take {mended} or newer"
        )
    return None


async def require_known(database: Database) -> None:
    """Raises PostgresTooOld. What is doubtful is said in the log. On SQLite the driver brings its own."""
    if database.is_sqlite:
        return
    async with database.read() as tx:
        number = int(await tx.scalar(text("SHOW server_version_num")) or 0)
    if doubt := doubt_of(number):
        log.warning(doubt)

"""What a service mirrors in memory of a neighbour's facts, kept in its own tables, so that a start goes on from there.

Promises: rows and the ends of the stripes that they are of commit together, so that whoever takes them up is where
somebody was who had read from the first fact on; what other code folded is not taken up; of several processes of a
service none takes back what another has kept.
Does not: decide anything. All of it may be thrown away, as a restore does: the facts make it again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, Column, MetaData, String, Table, delete, select

from shared.database import Database, Transaction, for_update, insert_into

Ends = Mapping[int, tuple[int, bytes]]  # of each stripe, the number and the chain's hash of its last fact
Rows = Mapping[str, Any]

mirrored_table = Table(
    "mirrored",
    MetaData(),
    Column("mirror", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("form", String, nullable=False),
    Column("row", JSON, nullable=False),
)
ENDS = ""  # the key of the row that says of which position the others are


@dataclass(frozen=True, slots=True)
class Kept:
    ends: Ends
    rows: Rows


def tables(metadata: MetaData) -> None:
    """Give a service the table of what it mirrors."""
    mirrored_table.to_metadata(metadata)


def form_of(*modules: str) -> str:
    """What tells code that folds facts from any other, which may hear less in them. Requires the `__file__` of each
    module that says what is heard."""
    return sha256(b"".join(Path(module).read_bytes() for module in modules)).hexdigest()[:16]


class Keeper:
    """Keeps one mirror. `form` is that of the code that folds it."""

    def __init__(self, database: Database, mirror: str, form: str) -> None:
        self._database, self._mirror, self._form = database, mirror, form

    async def kept(self) -> Kept | None:
        """What was kept last; None if that was nothing, or in another form."""
        mine = (mirrored_table.c.mirror == self._mirror, mirrored_table.c.form == self._form)
        async with self._database.read() as tx:
            found = await tx.execute(select(mirrored_table.c.key, mirrored_table.c.row).where(*mine))
            rows = {each.key: each.row for each in found}
        return Kept(_read(rows.pop(ENDS)), rows) if ENDS in rows else None

    async def keep(self, rows: Rows, *, since: Ends, ends: Ends) -> bool:
        """Keep every row that changed since that position, as it is at the ends. True once at least that is kept.

        False, and nothing is kept, where another process kept what these rows do not go on from.
        """
        async with self._database.transaction() as tx:
            form, reached = await self._reached(tx)
            if form == self._form and _covers(reached, ends):
                return True
            goes_on = _covers(reached, since) and _covers(ends, reached) if form == self._form else not since
            if not goes_on:
                return False
            told = {**rows, ENDS: {str(stripe): [seq, end.hex()] for stripe, (seq, end) in ends.items()}}
            query = insert_into(tx, mirrored_table)
            changed = {"form": query.excluded.form, "row": query.excluded.row}
            await tx.execute(
                query.on_conflict_do_update(index_elements=["mirror", "key"], set_=changed),
                [{"mirror": self._mirror, "key": key, "form": self._form, "row": row} for key, row in told.items()],
            )
        return True

    async def _reached(self, tx: Transaction) -> tuple[str, Ends]:
        """In which form and how far it is kept, locked until the end of the transaction."""
        here = {"mirror": self._mirror, "key": ENDS}
        first = insert_into(tx, mirrored_table).values(**here, form="", row={})
        await tx.execute(first.on_conflict_do_nothing())
        mine = (mirrored_table.c.mirror == self._mirror, mirrored_table.c.key == ENDS)
        query = select(mirrored_table.c.form, mirrored_table.c.row).where(*mine)
        row = (await tx.execute(for_update(query, tx))).one()
        return row.form, _read(row.row)


async def forget(tx: Transaction) -> None:
    """Throw away what is kept, so that the next start reads from the first fact on. Requires that no process runs."""
    await tx.execute(delete(mirrored_table))


def _read(row: Mapping[str, tuple[int, str]]) -> Ends:
    return {int(stripe): (seq, bytes.fromhex(end)) for stripe, (seq, end) in row.items()}


def _covers(ends: Ends, others: Ends) -> bool:
    """Whether whoever is at these ends has read all that leads to the others."""
    return all(ends.get(stripe, (0, b""))[0] >= seq for stripe, (seq, _) in others.items())

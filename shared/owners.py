"""Whose rows a table has: declared beside the tables of each service, and held by PostgreSQL (`migrations.rights`).

A row is a member's if one of its columns names or lists their organisation, if they hold what it is about, or if it
belongs to a row of another table that is theirs. Tables that nobody owns are named with the reason, so that none is
forgotten.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import MetaData, Table

from shared.tenancy import EVERYONE

TENANT = "(SELECT NULLIF(current_setting('app.tenant', true), ''))"
IS_WRITING = "(SELECT current_setting('transaction_read_only')) = 'off'"
OF_THE_KERNEL = {
    "alembic_version": "which revision the tables have",
    "outbox_facts": "facts of all, that the relay and the followers read",
    "outbox_stripes": "the place of each process in the outbox",
    "outbox_receipts": "what the log promised to the service; the command line alone reads it",
    "outbox_disclosures": "what the log is still to be told; no route reads it",
    "inbox": "how far the news of neighbours was followed",
    "mirrored": "what a service mirrors in memory of its neighbours' facts, for its next start",
    "idempotency_answers": "found by its caller's own key alone, of which the caller is a part",
}


@dataclass(frozen=True, slots=True)
class HeldBy:
    """The row of `thing` that a column names the id of, and in which another column names whoever holds it now."""

    thing: Table
    column: str
    holder: str

    def condition(self, table: Table) -> str:
        [key] = self.thing.primary_key.columns
        name, thing = table.c[self.column].name, self.thing.name
        held = f"{thing}.{key.name} = {table.name}.{name} AND {thing}.{self.thing.c[self.holder].name} = {TENANT}"
        return f"EXISTS (SELECT FROM {thing} WHERE {held})"


@dataclass(frozen=True, slots=True)
class Of:
    """Rows of the organisations that the columns name; of those that a column of JSON lists; of whoever holds a thing.

    `decides`: a member's transaction that writes sees the rows of others too, for what it decides rests on all of them
    (how many orders a listing has) or reaches a third (who is next in line). Where it only reads, it does not.
    """

    columns: tuple[str, ...]
    decides: bool = False
    listed: str | None = None
    held: HeldBy | None = None

    def condition(self, table: Table) -> str:
        names = ", ".join([f"'{EVERYONE}'", *(f"{table.name}.{table.c[name].name}" for name in self.columns)])
        ways = [f"{TENANT} IN ({names})"]
        if self.listed:  # with its quotes, so that a part of an id is nobody's
            names = f"{table.name}.{table.c[self.listed].name}"
            ways.append(f"strpos({names}::text, '\"' || {TENANT} || '\"') > 0")
        if self.held:
            ways.append(self.held.condition(table))
        return " OR ".join([*ways, IS_WRITING] if self.decides else ways)


@dataclass(frozen=True, slots=True)
class Through:
    """Rows that belong to a row of `parent`, whose id (or what else it is known `by`) one of the columns has: whoever
    sees that one sees these."""

    parent: Table
    columns: tuple[str, ...]
    by: str | None = None

    def condition(self, table: Table) -> str:
        [key] = [self.parent.c[self.by]] if self.by else self.parent.primary_key.columns
        names = ", ".join(f"{table.name}.{table.c[name].name}" for name in self.columns)
        theirs = f"SELECT FROM {self.parent.name} WHERE {self.parent.name}.{key.name} IN ({names})"
        return f"{TENANT} = '{EVERYONE}' OR EXISTS ({theirs})"


Owners = Of | Through
NOBODYS = "nobodys"
OWNERS = "owners"


def of(*columns: str, listed: str | None = None) -> Of:
    """Rows of the organisations that one of these columns names, or that a column of JSON lists. Without any: of the
    staff's, which are no member's."""
    return Of(columns, listed=listed)


def decided_by_all(*columns: str, held: HeldBy | None = None) -> Of:
    """The same, and of who holds what a row is about; except that a transaction that writes sees the rows of all."""
    return Of(columns, decides=True, held=held)


def through(parent: Table, *columns: str, by: str | None = None) -> Through:
    """Rows of whoever sees a row of `parent` that one of these columns names, by its id or another of its columns."""
    return Through(parent, columns, by)


def declare(metadata: MetaData, owned: Mapping[Table, Owners], nobodys: Mapping[Table, str]) -> None:
    """Say of a service's tables whose they are, or why nobody's."""
    for table, owners in owned.items():
        owners.condition(table)  # raises KeyError for a column that is not there
        table.info[OWNERS] = owners
    for table, reason in nobodys.items():
        table.info[NOBODYS] = reason
    assert all(table.metadata is metadata for table in (*owned, *nobodys))


def owned_tables(metadata: MetaData) -> Iterator[tuple[Table, Owners]]:
    """The tables that have owners, parents before what belongs to them."""
    for table in metadata.sorted_tables:
        if owners := table.info.get(OWNERS):
            yield table, owners


def reason_of(table: Table) -> str | None:
    """Why nobody owns the rows of a table; None if somebody does, or if it was forgotten."""
    return table.info.get(NOBODYS) or OF_THE_KERNEL.get(table.name)

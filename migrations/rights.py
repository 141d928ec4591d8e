"""What each log-in may do with the tables of a service on PostgreSQL: grants, and whose rows it sees.

Owns: grants and policies, both made after every migration from what is declared beside the tables (`APPEND_ONLY`,
`FORGOTTEN`, `shared.owners`). Promises: repeated, it locks no table that is as declared already; a service's log-in
changes no table's definition, and no row that is never changed; every owned table is under row-level security with
FORCE, so that its owner is held to it as well.
Does not: hold a superuser, whom no policy holds. No service is one.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import Connection, MetaData, Table, text

from migrations import roles
from migrations.roles import READERS, REGULATOR, VERIFIER
from shared.owners import owned_tables

TENANT = "tenant"
READING = "readers"
# Of a fact, only where it stands in the log changes; of a contract, where it is in its life. The triggers hold the same
# (`append_only.let_change`).
CHANGING = {
    "outbox_facts": ("log_index",),
    "contracts": (
        "state", "deadline", "reason_code", "reason", "document_hash", "superseded_by", "revision"
    ),
}  # fmt: skip
# What nobody reads but the service: what opens a door, what opens a commitment, and who complained.
SECRET_TABLES = frozenset(
    {"api_clients", "refresh_tokens", "token_families", "log_in_throttles", "outbox_disclosures", "idempotency_answers",
     "data_keys", "disclosures", "complaint_particulars", "dispute_seeds", "sealed_offers"}
)  # fmt: skip
SECRET_COLUMNS = frozenset(
    {"password_hash", "salt", "reserve_salt", "budget_salt", "code_salt", "nonce", "link_secret", "maximum_minor",
     "leader_maximum_minor", "contact", "seed"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kept:
    """The tables of a service, and how they are kept."""

    service: str
    metadata: MetaData
    append_only: frozenset[str]
    forgotten: frozenset[str]  # of which rows are taken away

    def verbs(self, table: Table) -> str:
        """What the service's own log-in may do with a table."""
        given = ["SELECT", "INSERT"]
        if changing := CHANGING.get(table.name):
            given.append(f"UPDATE ({', '.join(changing)})")
        elif table.name not in self.append_only:
            given.append("UPDATE")
        if table.name in self.forgotten:
            given.append("DELETE")
        return ", ".join(given)


def apply(connection: Connection, kept: Kept) -> None:
    """Requires the service's migrated tables in the search path, and to be their owner."""
    with_roles = roles.are_made(connection)
    for statements in policies(kept, with_roles):
        mark = sha256("\n".join(statements.statements).encode()).hexdigest()
        if not _stands(connection, statements.table, mark):
            for statement in (*statements.statements, f"COMMENT ON POLICY {TENANT} ON {statements.table} IS '{mark}'"):
                connection.exec_driver_sql(statement)
    if with_roles:
        for statement in grants(kept):
            connection.exec_driver_sql(statement)


@dataclass(frozen=True, slots=True)
class Policies:
    table: str
    statements: tuple[str, ...]


def policies(kept: Kept, with_roles: bool) -> Iterator[Policies]:
    """For each table that has owners, what puts it under its policies; readers' own only where there are readers."""
    for table, owners in owned_tables(kept.metadata):
        name, condition = table.name, owners.condition(table)
        reading = (f"CREATE POLICY {READING} ON {name} FOR SELECT TO {', '.join(READERS)} USING (true)",)
        yield Policies(
            name,
            (
                f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY",
                f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY",
                f"DROP POLICY IF EXISTS {TENANT} ON {name}",
                f"DROP POLICY IF EXISTS {READING} ON {name}",
                f"CREATE POLICY {TENANT} ON {name} USING ({condition}) WITH CHECK ({condition})",
                *(reading if with_roles else ()),
            ),
        )


def grants(kept: Kept) -> Iterator[str]:
    """All that the service's log-in and the readers are given, after everything was taken back."""
    service, log_in = kept.service, roles.login_of(kept.service)
    anyone = ", ".join(("PUBLIC", *roles.LOG_INS))
    yield f"REVOKE ALL ON ALL TABLES IN SCHEMA {service} FROM {anyone}"
    yield f"REVOKE ALL ON SCHEMA {service} FROM {anyone}"
    yield f"GRANT USAGE ON SCHEMA {service} TO {', '.join((log_in, REGULATOR))}"
    yield f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {service} TO {log_in}"
    yield f"GRANT SELECT ON {service}.alembic_version TO {log_in}"
    alike = defaultdict[str, list[str]](list)
    for table in kept.metadata.sorted_tables:
        alike[kept.verbs(table)].append(f"{service}.{table.name}")
    for verbs, places in alike.items():
        yield f"GRANT {verbs} ON {', '.join(places)} TO {log_in}"
    readers = [REGULATOR]
    if service == "audit":
        readers.append(VERIFIER)
        yield f"GRANT USAGE ON SCHEMA {service} TO {VERIFIER}"
        yield f"GRANT SELECT ON {service}.alembic_version TO {VERIFIER}"
    alike.clear()
    for table in kept.metadata.sorted_tables:
        if table.name not in SECRET_TABLES:
            shown = [f'"{column.name}"' for column in table.c if column.name not in SECRET_COLUMNS]
            some = f" ({', '.join(shown)})" if len(shown) < len(table.c) else ""
            alike[f"SELECT{some}"].append(f"{service}.{table.name}")
    for verbs, places in alike.items():
        yield f"GRANT {verbs} ON {', '.join(places)} TO {', '.join(readers)}"


def _stands(connection: Connection, table: str, mark: str) -> bool:
    """Whether a table is under the policies with this mark, and neither they nor their force were taken off since."""
    query = text(
        "SELECT count(*) FROM pg_class JOIN pg_policy ON polrelid = pg_class.oid"
        " WHERE relnamespace = current_schema()::regnamespace AND relname = :table AND polname = :policy"
        " AND relrowsecurity AND relforcerowsecurity AND obj_description(pg_policy.oid, 'pg_policy') = :mark"
    )
    return connection.scalar(query, {"table": table, "policy": TENANT, "mark": mark}) == 1

"""The log-ins of PostgreSQL: one for each service, two that only read, and an owner that nobody logs in as.

Promises: made anew or as they are, the same command leaves the same; no log-in is a superuser, makes roles or
databases, or passes by row-level security; whoever may reach the database is named. A password goes to the server as
its SCRAM verifier only, so that no log of statements has it.
Requires, to make them, an administrator: a superuser, or whoever may make roles and owns the database.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping

from sqlalchemy import Connection, text

from shared.settings import SERVICES

OWNER = "yaosu_owner"
REGULATOR = "yaosu_regulator_ro"
VERIFIER = "yaosu_verifier_ro"
READERS = (REGULATOR, VERIFIER)
RIGHTLESS = "NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS NOINHERIT"
SCRAM_ITERATIONS = 4096
SALT_BYTES = 16
MAKE = """
DO $$ BEGIN
    CREATE ROLE {role} {attributes};
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    ALTER ROLE {role} {attributes};
END $$
"""
HAND_OVER = """
DO $$ DECLARE
    each record;
BEGIN
    FOR each IN
        SELECT format('ALTER TABLE %s OWNER TO {owner}', oid::regclass) AS statement FROM pg_class
        WHERE relnamespace = '{schema}'::regnamespace AND relkind IN ('r', 'p', 'v')
        UNION ALL SELECT format('ALTER FUNCTION %s OWNER TO {owner}', oid::regprocedure) FROM pg_proc
        WHERE pronamespace = '{schema}'::regnamespace
    LOOP
        EXECUTE each.statement;
    END LOOP;
END $$
"""


def login_of(service: str) -> str:
    """What a service logs in as."""
    return f"yaosu_{service}"


LOG_INS = (*(login_of(service) for service in SERVICES), *READERS)


class UnknownLogIn(ValueError):
    """A password was brought for a log-in that there is not."""


def ensure(connection: Connection, passwords: Mapping[str, str]) -> None:
    """Make the roles, and let them reach this database; what is there already becomes the owner's.

    A log-in whose password is not brought keeps the one it has, or has none. Raises UnknownLogIn.
    """
    if unknown := set(passwords) - set(LOG_INS):
        raise UnknownLogIn(f"there is no log-in '{unknown.pop()}'; they are {', '.join(LOG_INS)}")
    _run(connection, MAKE.format(role=OWNER, attributes=f"NOLOGIN {RIGHTLESS}"))
    for log_in in LOG_INS:
        _run(connection, MAKE.format(role=log_in, attributes=f"LOGIN {RIGHTLESS}"))
        if password := passwords.get(log_in):
            kept = scram_verifier(password, secrets.token_bytes(SALT_BYTES))
            _run(connection, f"ALTER ROLE {log_in} PASSWORD '{kept}'")
    database = connection.scalar(text("SELECT quote_ident(current_database())"))
    _run(connection, f"GRANT {OWNER} TO CURRENT_USER")
    _run(connection, f"REVOKE ALL ON DATABASE {database} FROM PUBLIC")
    _run(connection, f"GRANT CREATE ON DATABASE {database} TO {OWNER}")
    _run(connection, f"GRANT CONNECT ON DATABASE {database} TO {', '.join(LOG_INS)}")
    _run(connection, "REVOKE ALL ON SCHEMA public FROM PUBLIC")
    for schema in SERVICES:
        if connection.scalar(text("SELECT to_regnamespace(:schema) IS NOT NULL"), {"schema": schema}):
            _run(connection, f"ALTER SCHEMA {schema} OWNER TO {OWNER}")
            _run(connection, HAND_OVER.format(owner=OWNER, schema=schema))


def are_made(connection: Connection) -> bool:
    """Whether this database was prepared for them: its tables are the owner's then."""
    query = (
        "SELECT bool_or(has_database_privilege(oid, current_database(), 'CREATE')) FROM pg_roles WHERE rolname = :owner"
    )
    return bool(connection.scalar(text(query), {"owner": OWNER}))


def become_owner(connection: Connection) -> None:
    """For the rest of the transaction, where the database was prepared for it. Requires to be a member of the owner."""
    if are_made(connection):
        _run(connection, f"SET LOCAL ROLE {OWNER}")


def scram_verifier(password: str, salt: bytes) -> str:
    """What PostgreSQL keeps of a password (RFC 5802, SCRAM-SHA-256). Requires printable ASCII, so that it is prepared
    as it stands; raises ValueError."""
    if not password.isascii() or not password.isprintable():
        raise ValueError("a database password is printable ASCII")
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, SCRAM_ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    kept_salt, kept_stored, kept_server = (base64.b64encode(part).decode() for part in (salt, stored, server))
    return f"SCRAM-SHA-256${SCRAM_ITERATIONS}:{kept_salt}${kept_stored}:{kept_server}"


def _run(connection: Connection, statement: str) -> None:
    connection.exec_driver_sql(statement)

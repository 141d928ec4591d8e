"""Every revision beside the code before it: what it writes and reads still works, and nobody waits long for a lock."""

from collections.abc import Mapping

import pytest
from sqlalchemy import MetaData, text

from migrations import schema
from shared.settings import SERVICES
from tests.conftest import MakeDatabase
from tests.support.revisions import (
    Fault,
    judged,
    named_in,
    overheard,
    revisions_of,
    rows_that_fit,
    statements_refused,
)

NOTHING = MetaData()
# Up to these nothing was deployed that could have been kept waiting; whoever comes with an older trial database stops
# the market first. From the next revision on there is no exception: what would take long is done in steps
# (docs/scaling.md, "A migration while the market runs").
BEFORE_THE_FIRST_DEPLOYMENT = {
    "identity": "0007", "catalog": "0008", "pricing": "0008", "trading": "0021", "delivery": "0008", "audit": "0005",
}  # fmt: skip
on_postgresql = pytest.mark.parametrize("server", ["postgresql"], indirect=True)


@on_postgresql
@pytest.mark.parametrize("service", SERVICES)
async def test_what_the_code_of_one_revision_writes_is_still_taken_at_the_next(database: MakeDatabase, service: str):
    own, fitting = await database(service, NOTHING), dict[str, Mapping[str, object]]()
    for revision in revisions_of(service):
        with overheard() as said:
            await schema.upgrade(own, to=revision)
        touched = named_in(said)
        before = {table: row for table, row in fitting.items() if table in touched}
        assert await statements_refused(own, before) == {}, f"{service} {revision}: expand first, contract later"
        if revision > BEFORE_THE_FIRST_DEPLOYMENT[service]:
            assert list(judged(said)) == [], f"{service} {revision}: see docs/scaling.md for the way in steps"
        fitting |= await rows_that_fit(own, touched)
    assert len(fitting) >= 0.8 * len(schema.metadata_of(service).tables), "of most tables a row has been tried"


@on_postgresql
@pytest.mark.parametrize("statement, table", [
    ("ALTER TABLE plans ADD COLUMN demanded VARCHAR NOT NULL", "plans"),
    ("ALTER TABLE plans RENAME COLUMN mode TO manner", "plans"),
    ("ALTER TABLE plans DROP COLUMN mode", "plans"),
    ("ALTER TABLE plans ADD CONSTRAINT no_x CHECK (id <> 'x')", "plans"),
    ("DROP TABLE quotes", "quotes"),
])  # fmt: skip
async def test_what_would_break_the_code_before_is_found(database: MakeDatabase, statement: str, table: str):
    own = await database("pricing", NOTHING)
    await schema.upgrade(own, to="0002")
    rows = await rows_that_fit(own, {"plans", "quotes"})
    async with own.transaction() as tx:
        await tx.execute(text(statement))
    assert set(await statements_refused(own, rows)) == {table}


@pytest.mark.parametrize("statement, what", [
    ("ALTER TABLE bids ADD COLUMN note VARCHAR", None),
    ("ALTER TABLE bids ADD COLUMN note VARCHAR DEFAULT '' NOT NULL", None),
    ("ALTER TABLE bids ADD COLUMN note VARCHAR NOT NULL", "demands a value"),
    ("ALTER TABLE bids ALTER COLUMN note SET NOT NULL", "demands a value"),
    ("ALTER TABLE bids ALTER COLUMN note DROP DEFAULT", "demands a value"),
    ("ALTER TABLE bids ALTER COLUMN note DROP NOT NULL", None),
    ("ALTER TABLE bids ALTER COLUMN note TYPE BIGINT", "changes a type"),
    ("ALTER TABLE bids ALTER COLUMN note SET DATA TYPE BIGINT", "changes a type"),
    ("ALTER TABLE bids DROP COLUMN note", "drops a column"),
    ("ALTER TABLE bids RENAME COLUMN note TO remark", "renames"),
    ("ALTER TABLE bids RENAME TO offers", "renames"),
    ("DROP TABLE bids", "drops a table"),
    ("DROP INDEX bids_by_note", None),
    ("ALTER TABLE bids ADD COLUMN note UUID DEFAULT gen_random_uuid()", "writes every row"),
    ("ALTER TABLE bids ADD COLUMN note TSVECTOR GENERATED ALWAYS AS (x) STORED", "writes every row"),
    ("UPDATE bids SET note = ''", "writes every row"),
    ("ALTER TABLE bids ADD CONSTRAINT said CHECK (note <> '')", "reads every row under its lock"),
    ("ALTER TABLE bids ADD CONSTRAINT said CHECK (note <> '') NOT VALID", None),
    ("ALTER TABLE bids VALIDATE CONSTRAINT said", None),
    ("ALTER TABLE bids ADD CONSTRAINT once UNIQUE (note)", "reads every row under its lock"),
    ("ALTER TABLE bids ADD CONSTRAINT once UNIQUE USING INDEX once", None),
    ("CREATE INDEX bids_by_note ON bids (note)", "indexes while writers wait"),
    ("CREATE UNIQUE INDEX bids_by_note ON bids (note)", "indexes while writers wait"),
    ("CREATE INDEX IF NOT EXISTS bids_by_note ON bids (note)", None),
    ("CREATE INDEX CONCURRENTLY bids_by_note ON bids (note)", None),
    ("UPDATE alembic_version SET version_num='2'", None),
    ("SELECT note FROM bids", None),
])  # fmt: skip
def test_what_a_statement_would_do_to_a_running_market(statement: str, what: str | None):
    assert list(judged([statement])) == ([Fault(what, "bids")] if what else [])
    assert list(judged(["\nCREATE TABLE bids (\n id VARCHAR)", statement])) == [], "nobody waits for a new table"


def test_a_revision_that_is_excused_is_one_that_there_is():
    for service, last in BEFORE_THE_FIRST_DEPLOYMENT.items():
        assert last in revisions_of(service)

"""Where every table of `pricing` stands, so that one set of migrations makes them all."""

from sqlalchemy import MetaData

from shared import changes, idempotency, outbox

metadata = MetaData()

outbox.tables(metadata)
idempotency.tables(metadata)
changes.tables(metadata)

"""Where every table of `delivery` stands, so that one set of migrations makes them all."""

from sqlalchemy import MetaData

from shared import idempotency, mirrored, outbox

metadata = MetaData()

outbox.tables(metadata)
idempotency.tables(metadata)
mirrored.tables(metadata)

"""The tables of `audit`. What is hashed is kept as bytes: no database may re-order or re-format it.

A leaf's columns beside its bytes only help to find it; the tiles, heads and links follow from the leaves. The row of
`log` is the one place where the log can grow: whoever moves its size from what they read is the sequencer.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, String, Table

from shared import outbox
from shared.database import IdOf, Moment
from shared.ids import EvidenceId, FactId, LeaseId

metadata = MetaData()

log = Table(
    "log",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("last_its", BigInteger, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("holder", IdOf(LeaseId)),
    Column("leased_until", Moment),
    Column("link_secret", LargeBinary, nullable=False),
)

entries = Table(
    "entries",
    metadata,
    Column("log_index", BigInteger, primary_key=True, autoincrement=False),
    Column("leaf", LargeBinary, nullable=False),
    Column("service", String, nullable=False),
    Column("stripe", Integer, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("chain_hash", LargeBinary, nullable=False),
    Column("fact_id", IdOf(FactId), nullable=False),
    Index("entries_by_source", "service", "stripe", "seq", unique=True),
    Index("entries_by_fact", "fact_id"),
)

tiles = Table(
    "tiles",
    metadata,
    Column("level", Integer, primary_key=True),
    Column("tile_index", BigInteger, primary_key=True),
    Column("hashes", LargeBinary, nullable=False),
)

source_heads = Table(
    "source_heads",
    metadata,
    Column("service", String, primary_key=True),
    Column("stripe", Integer, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)

key_heads = Table(
    "key_heads",
    metadata,
    Column("key", String, primary_key=True),
    Column("last_index", BigInteger, nullable=False),
    Column("entry_count", BigInteger, nullable=False),
)

links = Table(
    "links",
    metadata,
    Column("key", String, primary_key=True),
    Column("log_index", BigInteger, primary_key=True),
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("note", LargeBinary, nullable=False),
    Column("signed_at", Moment, nullable=False),
)

cosignatures = Table(
    "cosignatures",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("witness", String, primary_key=True),  # the name that the key signs with
    Column("time", BigInteger, primary_key=True, autoincrement=False),
    Column("line", String, nullable=False),
)

witnessed = Table(
    "witnessed",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("witnessed_at", Moment, nullable=False),
)

evidence = Table(
    "evidence",
    metadata,
    Column("id", IdOf(EvidenceId), primary_key=True),
    Column("service", String, nullable=False),
    Column("stripe", Integer, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("known_hash", LargeBinary, nullable=False),
    Column("sent_hash", LargeBinary, nullable=False),
    Column("first_seq", BigInteger, nullable=False),
    Column("previous", LargeBinary, nullable=False),
    Column("lines", LargeBinary, nullable=False),
    Column("received_at", Moment, nullable=False),
    Index("evidence_once", "service", "stripe", "seq", "sent_hash", unique=True),
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("root", LargeBinary, nullable=False),
    Column("key_count", BigInteger, nullable=False),
    Column("lag_least_us", BigInteger),
    Column("lag_most_us", BigInteger),
    Column("fact_id", IdOf(FactId), nullable=False),
    Column("taken_at", Moment, nullable=False),
)

snapshot_tiles = Table(
    "snapshot_tiles",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("level", Integer, primary_key=True),
    Column("tile_index", BigInteger, primary_key=True),
    Column("first_key", String),
    Column("content", LargeBinary, nullable=False),
    Index("snapshot_tiles_by_key", "size", "level", "first_key"),
)

outbox.tables(metadata)

APPEND_ONLY = (entries, links, checkpoints, cosignatures, witnessed, evidence)

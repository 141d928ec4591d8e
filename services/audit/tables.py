"""The tables of `audit`. What is hashed is kept as bytes: no database may re-order or re-format it.

A leaf's columns beside its bytes only help to find it; the tiles, heads and links follow from the leaves. The row of
`log` is the one place where the log can grow: whoever moves its size from what they read is the sequencer.
What regulators have under way (a case, a sampling) is a row of `matters`, told whole; only what it is sought by stands
in columns.
"""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, MetaData, String, Table, Text

from shared import idempotency, mirrored, outbox, owners
from shared.database import IdOf, Moment
from shared.ids import DataKeyId, EvidenceId, FactId, LeaseId

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

handovers = Table(
    "handovers",
    metadata,
    Column("after", String, primary_key=True),
    Column("before", String, nullable=False),
    Column("at", Moment, nullable=False),
    Column("signature_before", LargeBinary, nullable=False),
    Column("signature_after", LargeBinary, nullable=False),
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

matters = Table(
    "matters",
    metadata,
    Column("id", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("state", String, nullable=False),
    Column("deadline", Moment),
    Column("revision", Integer, nullable=False),
    Column("told", Text, nullable=False),
    Index("matters_by_kind", "kind", "id"),
    Index("matters_by_deadline", "kind", "deadline"),
)

matter_readers = Table(
    "matter_readers",
    metadata,
    Column("subject", String, primary_key=True),
    Column("matter_id", String, primary_key=True),
)

labels = Table(
    "labels",
    metadata,
    Column("name", String, primary_key=True),
    Column("grade", String, nullable=False),
    Index("labels_by_grade", "grade"),
)

labelled = Table(
    "labelled",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False),
)

prunings = Table(
    "prunings",
    metadata,
    Column("minimum_index", BigInteger, primary_key=True, autoincrement=False),
    Column("policy_id", String, nullable=False),
    Column("pruned_at", Moment, nullable=False),
)

data_keys = Table(
    "data_keys",
    metadata,
    Column("id", IdOf(DataKeyId), primary_key=True),
    Column("subject", String, nullable=False),
    Column("purpose", String, nullable=False),
    Column("state", String, nullable=False),
    Column("wrapped", LargeBinary),
)
is_kept = data_keys.c.state != "erased"
Index(
    "one_living_key", data_keys.c.subject, data_keys.c.purpose, unique=True, sqlite_where=is_kept,
    postgresql_where=is_kept,
)  # fmt: skip

disclosures = Table(
    "disclosures",
    metadata,
    Column("log_index", BigInteger, primary_key=True, autoincrement=False),
    Column("name", String, primary_key=True),
    Column("data_key_id", IdOf(DataKeyId), ForeignKey("data_keys.id"), nullable=False),
    Column("salt_hash", LargeBinary, nullable=False, unique=True),
    Column("salt", LargeBinary),
    Column("nonce", LargeBinary),
    Column("ciphertext", LargeBinary),
    Index("disclosures_by_key", "data_key_id"),
)

outbox.tables(metadata)
mirrored.tables(metadata)
idempotency.tables(metadata)

APPEND_ONLY = (entries, links, checkpoints, cosignatures, witnessed, evidence, prunings, handovers)

LOG = "of the log, whose entries each show by their grade (docs/decisions/0009)"
SUPERVISION = "of regulators and of the platform's staff"
NOBODYS = {
    log: LOG, entries: LOG, links: LOG, checkpoints: LOG, cosignatures: LOG, witnessed: LOG, evidence: LOG, tiles: LOG,
    source_heads: LOG, key_heads: LOG, snapshots: LOG, snapshot_tiles: LOG, labels: LOG, labelled: LOG, prunings: LOG,
    handovers: LOG,
    matters: SUPERVISION, matter_readers: SUPERVISION, data_keys: SUPERVISION, disclosures: SUPERVISION,
}  # fmt: skip
owners.declare(metadata, {}, NOBODYS)
FORGOTTEN = (entries, snapshots, snapshot_tiles, disclosures)  # when their term is over

"""Search: the words of each asset in an index, what is on offer of it, and its category

What stood in `title_folded` and `text_folded` is in the index now. They stay, empty by default, because the code before
this revision writes them while it still runs; the index of assets that are there is filled by `yaosu reindex`, or by
itself once the service has started.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

SQLITE = (
    """
    CREATE VIRTUAL TABLE search_words USING fts5(
        words, content = 'search_index', content_rowid = 'number', tokenize = 'ascii', detail = 'none', columnsize = 0
    )
    """,
    """
    CREATE TRIGGER search_index_added AFTER INSERT ON search_index BEGIN
        INSERT INTO search_words(rowid, words) VALUES (new.number, new.words);
    END
    """,
    """
    CREATE TRIGGER search_index_changed AFTER UPDATE OF words ON search_index WHEN old.words <> new.words BEGIN
        INSERT INTO search_words(search_words, rowid, words) VALUES ('delete', old.number, old.words);
        INSERT INTO search_words(rowid, words) VALUES (new.number, new.words);
    END
    """,
    """
    CREATE TRIGGER search_index_removed AFTER DELETE ON search_index BEGIN
        INSERT INTO search_words(search_words, rowid, words) VALUES ('delete', old.number, old.words);
    END
    """,
)
POSTGRESQL = (
    """
    ALTER TABLE search_index ADD COLUMN lexemes tsvector
    GENERATED ALWAYS AS (array_to_tsvector(string_to_array(words, ' '))) STORED
    """,
    "CREATE INDEX search_index_lexemes ON search_index USING gin (lexemes)",
)
LOWEST = """
UPDATE assets SET grade = (
    SELECT min(versions.grade) FROM versions WHERE versions.asset_id = assets.id AND versions.certificate_id IS NOT NULL
) WHERE grade IS NOT NULL
"""


def upgrade() -> None:
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    op.create_table(
        "inbox",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("stripe", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("source", "stripe"),
    )
    op.create_table(
        "offers",
        sa.Column("listing_id", sa.String(), nullable=False),
        sa.Column("version_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("mode", sa.String(), nullable=True),
        sa.Column("pricing", sa.String(), nullable=True),
        sa.Column("plan_id", sa.String(), nullable=True),
        sa.Column("price_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(), nullable=True),
        sa.Column("price_changes_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("listing_id"),
    )
    for name, column in (("version", "version_id"), ("plan", "plan_id"), ("price_change", "price_changes_at")):
        op.create_index(f"offers_of_{name}", "offers", [column], unique=False)
    op.create_table(
        "prices",
        sa.Column("plan_id", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("version_id", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("plan_id", "revision"),
    )
    op.create_table(
        "search_index",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("asset_id", sa.String(), nullable=False),
        sa.Column("provider_id", sa.String(), nullable=False),
        sa.Column("theme", sa.String(), nullable=False),
        sa.Column("category", sa.String(), nullable=True),
        sa.Column("industry", sa.String(), nullable=True),
        sa.Column("region", sa.String(), nullable=True),
        sa.Column("update_cycle", sa.String(), nullable=False),
        sa.Column("grade", sa.String(), nullable=True),
        sa.Column("grades", sa.String(), nullable=False),
        sa.Column("offers", sa.String(), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=True),
        sa.Column("quality_score", sa.Integer(), nullable=True),
        sa.Column("title_words", sa.String(), nullable=False),
        sa.Column("keyword_words", sa.String(), nullable=False),
        sa.Column("theme_words", sa.String(), nullable=False),
        sa.Column("subject_words", sa.String(), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("tokeniser_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["asset_id"], ["assets.id"]),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("asset_id"),
    )
    for name in ("theme", "provider_id", "industry", "region"):
        op.create_index(f"search_index_{name}", "search_index", [name, "number"], unique=False)
    for statement in SQLITE if on_sqlite else POSTGRESQL:
        op.execute(statement)
    op.add_column("assets", sa.Column("category", sa.String(), nullable=True))
    for name in ("title_folded", "text_folded"):
        if on_sqlite:
            op.execute(f"ALTER TABLE assets DROP COLUMN {name}")
            op.execute(f"ALTER TABLE assets ADD COLUMN {name} VARCHAR DEFAULT '' NOT NULL")
        else:
            op.alter_column("assets", name, server_default="")
    op.execute(LOWEST)

"""Transfers abroad are counted of each provider; and how many persons an instrument covers

CAC Order 16 adds up what a processor sends abroad, to whomever. Of what was counted before, the provider is who
uploaded the version. The column stays nullable: the code before this revision goes on writing without it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

PROVIDERS = """
UPDATE exports SET provider_id = (
    SELECT min(uploads.provider_id) FROM uploads
    WHERE uploads.version_id = exports.version_id AND uploads.content_id IS NOT NULL
)
"""


def upgrade() -> None:
    op.add_column("export_clearances", sa.Column("covers_persons", sa.BigInteger(), nullable=True))
    op.add_column("exports", sa.Column("provider_id", sa.String(), nullable=True))
    op.create_index("exports_by_provider", "exports", ["provider_id", "year"], unique=False)
    op.execute(PROVIDERS)

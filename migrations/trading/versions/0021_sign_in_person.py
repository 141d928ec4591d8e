"""Sign in person: a signature is by a key, or by a person who had just proved who they are."""

import sqlalchemy as sa
from alembic import op

from migrations.append_only import protect

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

SIGNED_BY_ONE = (
    "(key_id IS NULL) = (signature IS NULL) AND (key_id IS NULL) = (public_key IS NULL)"
    " AND (key_id IS NULL) <> (user_id IS NULL)"
    " AND (user_id IS NULL) = (authenticated_by IS NULL) AND (user_id IS NULL) = (authenticated_at IS NULL)"
)


def upgrade() -> None:
    with op.batch_alter_table("contract_signatures") as signatures:
        for name in ("key_id", "public_key", "signature"):
            signatures.alter_column(name, existing_type=sa.String(), nullable=True)
        signatures.add_column(sa.Column("user_id", sa.String(), nullable=True))
        signatures.add_column(sa.Column("authenticated_by", sa.String(), nullable=True))
        signatures.add_column(sa.Column("authenticated_at", sa.DateTime(timezone=True), nullable=True))
        signatures.create_check_constraint("signed_by_a_key_or_by_a_person", SIGNED_BY_ONE)
    if op.get_bind().dialect.name == "sqlite":
        protect("contract_signatures")  # SQLite wrote the table anew, without its triggers

"""The documents of contracts, what supersedes or ends one before its time, and which order renews one"""

import sqlalchemy as sa
from alembic import op

from migrations.append_only import protect

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
AMENDMENT = "supersedes IS NOT NULL AND state"


def upgrade() -> None:
    op.add_column("orders", sa.Column("renews", sa.String(), nullable=True))
    names = {"uq": "%(table_name)s_%(column_0_name)s_key"}
    with op.batch_alter_table("contracts", naming_convention=names) as contracts:
        for column in ("text_hash", "document_hash", "supersedes", "superseded_by", "proposed_by", "reason"):
            contracts.add_column(sa.Column(column, sa.String(), nullable=True))
        contracts.drop_constraint("contracts_order_id_key", type_="unique")
        contracts.create_check_constraint("an_amendment_was_proposed", "(supersedes IS NULL) = (proposed_by IS NULL)")
    op.create_index("contracts_by_buyer", "contracts", ["buyer_id", "id"])
    op.create_index("contracts_by_provider", "contracts", ["provider_id", "id"])
    _index("one_contract_of_an_award", "order_id", "supersedes IS NULL", unique=True)
    _index("one_contract_in_force", "order_id", "state = 'active'", unique=True)
    _index("one_amendment_of_a_contract", "supersedes", f"{AMENDMENT} != 'lapsed'", unique=True)
    _index("amendments_due", "deadline", f"{AMENDMENT} = 'drafted'")
    bound = "text_hash IS NOT NULL AND document_hash IS NULL"
    _index(
        "contracts_without_document", "id",
        f"{bound} AND state IN ('active', 'fulfilled', 'terminated', 'superseded')",
    )  # fmt: skip
    _documents()
    _terminations()


def _documents() -> None:
    op.create_table(
        "contract_documents",
        sa.Column("contract_id", sa.String(), nullable=False),
        sa.Column("document_hash", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["contract_id"], ["contracts.id"]),
        sa.PrimaryKeyConstraint("contract_id"),
    )
    protect("contract_documents")


def _terminations() -> None:
    op.create_table(
        "contract_terminations",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("contract_id", sa.String(), nullable=False),
        sa.Column("proposed_by", sa.String(), nullable=False),
        sa.Column("ground", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("proposed_at", MOMENT, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("deadline", MOMENT, nullable=True),
        sa.Column("reason_code", sa.String(), nullable=True),
        sa.Column("answer", sa.String(), nullable=True),
        sa.Column("answered_at", MOMENT, nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.CheckConstraint("(answer IS NULL) = (answered_at IS NULL)", name="an_answer_has_its_moment"),
        sa.ForeignKeyConstraint(["contract_id"], ["contracts.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("terminations_by_contract", "contract_terminations", ["contract_id", "id"])
    proposed = sa.text("state IN ('proposed')")
    for name, column, unique in (
        ("one_open_termination_of_a_contract", "contract_id", True), ("terminations_due", "deadline", False),
    ):  # fmt: skip
        op.create_index(
            name, "contract_terminations", [column], unique=unique, sqlite_where=proposed, postgresql_where=proposed
        )  # fmt: skip


def _index(name: str, column: str, where: str, *, unique: bool = False) -> None:
    op.create_index(
        name, "contracts", [column], unique=unique, sqlite_where=sa.text(where), postgresql_where=sa.text(where)
    )  # fmt: skip

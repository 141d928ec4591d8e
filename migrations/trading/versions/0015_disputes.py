"""Disputes: arbiters, claims, evidence, rulings, and the fees that are held for them"""

import sqlalchemy as sa
from alembic import op

from migrations.append_only import protect

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

ORDER_STATES = (
    "'awaiting_signatures', 'awaiting_payment', 'awaiting_delivery', 'awaiting_acceptance', 'objected', 'answered', "
    "'disputed', 'settling'"
)
OPEN_ORDER = sa.text(f"state IN ({ORDER_STATES})")
OPEN_DISPUTE = sa.text("state IN ('open', 'response', 'evidence', 'review', 'ruled', 'appeal', 'ruled_again')")
UNPROVEN = sa.text("state = 'open'")


def upgrade() -> None:
    _orders()
    _accounts()
    _disputes()
    _beside()
    _decided()
    _fees()
    protect(
        "dispute_seats", "dispute_seeds", "dispute_evidence", "dispute_texts", "dispute_votes", "dispute_rulings",
        "dispute_outcomes",
    )  # fmt: skip


def _orders() -> None:
    with op.batch_alter_table("orders") as orders:
        orders.add_column(sa.Column("released_minor", sa.BigInteger(), nullable=False, server_default="0"))
        orders.create_check_constraint(
            "nothing_is_shared_out_twice", "released_minor BETWEEN 0 AND price_minor - refund_minor"
        )
    op.drop_index("orders_due", "orders")
    op.create_index("orders_due", "orders", ["deadline"], sqlite_where=OPEN_ORDER, postgresql_where=OPEN_ORDER)


def _accounts() -> None:
    with op.batch_alter_table("accounts") as accounts:
        accounts.drop_constraint("guarded_is_covered", type_="check")
        accounts.create_check_constraint(
            "guarded_is_covered",
            "kind NOT IN ('arbitration', 'claim', 'deposit', 'escrow', 'reserve', 'wallet') "
            "OR credits_posted - debits_posted - debits_pending >= 0",
        )


def _disputes() -> None:
    op.create_table(
        "arbiters",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("ties", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "disputes",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("contract_id", sa.String(), nullable=False),
        sa.Column("buyer_id", sa.String(), nullable=False),
        sa.Column("provider_id", sa.String(), nullable=False),
        sa.Column("claimant_id", sa.String(), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("disputed_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("remedies", sa.JSON(), nullable=False),
        sa.Column("rules", sa.JSON(), nullable=False),
        sa.Column("came_from", sa.String(), nullable=False),
        sa.Column("window_seconds", sa.BigInteger(), nullable=False),
        sa.Column("notice_fact_id", sa.String(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=True),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("course", sa.JSON(), nullable=False),
        sa.Column("reason_code", sa.String(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.CheckConstraint("disputed_minor BETWEEN 1 AND price_minor", name="no_more_than_the_price_is_disputed"),
        sa.CheckConstraint("claimant_id IN (buyer_id, provider_id)", name="only_a_party_claims"),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("one_dispute_per_side", "disputes", ["order_id", "claimant_id"], unique=True)
    op.create_index("disputes_by_buyer", "disputes", ["buyer_id", "id"])
    op.create_index("disputes_by_provider", "disputes", ["provider_id", "id"])
    op.create_index(
        "one_open_dispute_per_order", "disputes", ["order_id"], unique=True, sqlite_where=OPEN_DISPUTE,
        postgresql_where=OPEN_DISPUTE,
    )  # fmt: skip
    op.create_index(
        "disputes_due", "disputes", ["deadline"], sqlite_where=OPEN_DISPUTE, postgresql_where=OPEN_DISPUTE
    )  # fmt: skip
    op.create_index("notices_unproven", "disputes", ["id"], sqlite_where=UNPROVEN, postgresql_where=UNPROVEN)


def _beside() -> None:
    op.create_table(
        "dispute_seats",
        *_of_a_dispute(),
        sa.Column("arbiter_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("dispute_id", "arbiter_id"),
    )
    op.create_index("seats_by_arbiter", "dispute_seats", ["arbiter_id", "dispute_id"])
    op.create_table(
        "dispute_seeds",
        *_of_a_dispute(),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("seed", sa.String(), nullable=False),
        sa.Column("commitment", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("dispute_id", "round"),
    )
    op.create_table(
        "dispute_evidence",
        *_of_a_dispute(),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("content_hash", sa.String(), nullable=False),
        sa.Column("kept", sa.Boolean(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("dispute_id", "sequence"),
    )
    op.create_table(
        "dispute_texts",
        *_of_a_dispute(),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("dispute_id", "hash"),
    )


def _decided() -> None:
    op.create_table(
        "dispute_votes",
        *_of_a_dispute(),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("arbiter_id", sa.String(), nullable=False),
        sa.Column("vote", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("dispute_id", "round", "arbiter_id"),
    )
    op.create_table(
        "dispute_rulings",
        *_of_a_dispute(),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("claimant_basis_points", sa.Integer(), nullable=False),
        sa.Column("respondent_basis_points", sa.Integer(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("round IN (1, 2)", name="one_appeal"),
        sa.CheckConstraint(
            "claimant_basis_points >= 0 AND respondent_basis_points >= 0", name="no_negative_part"
        ),
        sa.CheckConstraint(
            "claimant_basis_points + respondent_basis_points = 10000", name="parts_make_the_whole"
        ),
        sa.PrimaryKeyConstraint("dispute_id", "round"),
    )  # fmt: skip
    op.create_table(
        "dispute_outcomes",
        *_of_a_dispute(),
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("basis", sa.String(), nullable=False),
        sa.Column("claimant_minor", sa.BigInteger(), nullable=False),
        sa.Column("respondent_minor", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("claimant_minor >= 0 AND respondent_minor >= 0", name="no_negative_share"),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"]),
        sa.PrimaryKeyConstraint("dispute_id"),
        sa.UniqueConstraint("order_id"),
    )


def _fees() -> None:
    op.create_table(
        "arbitration_fees",
        sa.Column("id", sa.String(), nullable=False),
        *_of_a_dispute(),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("side", sa.String(), nullable=False),
        sa.Column("participant_id", sa.String(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("state", sa.String(), server_default="held", nullable=False),
        sa.CheckConstraint("amount_minor BETWEEN 1 AND 1000000000000000", name="amount_in_range"),
        sa.ForeignKeyConstraint(["id"], ["transfers.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("one_fee_per_side_and_round", "arbitration_fees", ["dispute_id", "round", "side"], unique=True)


def _of_a_dispute() -> tuple[sa.Column[str], sa.ForeignKeyConstraint]:
    return sa.Column("dispute_id", sa.String(), nullable=False), sa.ForeignKeyConstraint(
        ["dispute_id"], ["disputes.id"]
    )

"""Who shares a provider's part of a price, what goes back of it after the settlement, and a reserve that keeps its sum"""

import sqlalchemy as sa
from alembic import op

from migrations.append_only import protect

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

GUARDED = "'claim', 'deposit', 'escrow', 'reserve', 'wallet'"
COVERED = f"kind NOT IN ({GUARDED}) OR credits_posted - debits_posted - debits_pending >= 0"
PENDING = "CASE WHEN phase = 'pending' THEN amount_minor ELSE -released_minor END"
POSTED = "CASE WHEN phase IN ('posted', 'post') THEN amount_minor ELSE 0 END"
FOLD = "SELECT coalesce(sum({what}), 0) FROM transfers WHERE transfers.{side} = accounts.id"


def upgrade() -> None:
    op.add_column("listings", sa.Column("ownership", sa.JSON(), nullable=True))
    with op.batch_alter_table("orders") as orders:
        orders.add_column(sa.Column("ownership", sa.JSON(), nullable=True))
        orders.add_column(sa.Column("tax", sa.JSON(), nullable=True))
        orders.add_column(sa.Column("returned_minor", sa.BigInteger(), nullable=False, server_default="0"))
        orders.create_check_constraint(
            "no_more_comes_back_than_was_paid", "returned_minor BETWEEN 0 AND price_minor - refund_minor"
        )
    _keep_the_reserves_sum()
    with op.batch_alter_table("accounts") as accounts:
        accounts.drop_constraint("guarded_is_covered", type_="check")
        accounts.create_check_constraint("guarded_is_covered", COVERED)
    _add_returns()
    _add_debts()
    protect("returns", "return_payments", "collections")


def _keep_the_reserves_sum() -> None:
    """Until now it was the sum of its transfers; from now on it is an account that cannot spend what it has not."""
    sums = ", ".join(
        f"{side}s_{name} = ({FOLD.format(what=what, side=side)})"
        for side in ("debit", "credit")
        for name, what in (("pending", PENDING), ("posted", POSTED))
    )
    op.execute(f"UPDATE accounts SET {sums} WHERE kind = 'reserve'")


def _add_returns() -> None:
    op.create_table(
        "returns",
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        *_money(),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("returned_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount_minor BETWEEN 1 AND 1000000000000000", name="amount_in_range"),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"]),
        sa.PrimaryKeyConstraint("order_id", "number"),
    )
    op.create_table(
        "return_payments",
        sa.Column("transfer_id", sa.String(), nullable=False),
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("bearer", sa.String(), nullable=False),
        sa.Column("payer", sa.String(), nullable=False),
        *_money(),
        sa.CheckConstraint("amount_minor BETWEEN 1 AND 1000000000000000", name="amount_in_range"),
        sa.ForeignKeyConstraint(["order_id", "number"], ["returns.order_id", "returns.number"]),
        sa.ForeignKeyConstraint(["transfer_id"], ["transfers.id"]),
        sa.PrimaryKeyConstraint("transfer_id"),
    )
    op.create_index(
        "one_payment_per_bearer_and_payer", "return_payments", ["order_id", "number", "bearer", "payer"], unique=True
    )


def _add_debts() -> None:
    op.create_table(
        "receivables",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("debtor_id", sa.String(), nullable=False),
        sa.Column("creditor", sa.String(), nullable=False),
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("collected_minor", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount_minor BETWEEN 1 AND 1000000000000000", name="amount_in_range"),
        sa.CheckConstraint("collected_minor BETWEEN 0 AND amount_minor", name="collected_once"),
        sa.CheckConstraint("debtor_id <> creditor", name="nobody_owes_themselves"),
        sa.ForeignKeyConstraint(["order_id", "number"], ["returns.order_id", "returns.number"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("one_debt_per_return", "receivables", ["order_id", "number", "debtor_id", "creditor"], unique=True)
    op.create_index("receivables_by_creditor", "receivables", ["creditor", "id"])
    op.create_index("receivables_by_debtor", "receivables", ["debtor_id", "id"])
    op.create_table(
        "collections",
        sa.Column("transfer_id", sa.String(), nullable=False),
        sa.Column("receivable_id", sa.String(), nullable=False),
        sa.Column("came_by", sa.String(), nullable=False),
        *_money(),
        sa.CheckConstraint("amount_minor BETWEEN 1 AND 1000000000000000", name="amount_in_range"),
        sa.ForeignKeyConstraint(["receivable_id"], ["receivables.id"]),
        sa.ForeignKeyConstraint(["transfer_id"], ["transfers.id"]),
        sa.PrimaryKeyConstraint("transfer_id"),
    )
    op.create_index("collected_once_of_what_came_in", "collections", ["receivable_id", "came_by"], unique=True)


def _money() -> tuple[sa.Column[int], sa.Column[str]]:
    amount = sa.Column("amount_minor", sa.BigInteger(), nullable=False)
    return amount, sa.Column("currency", sa.String(), nullable=False)

"""What follows a settlement: when it was, credits paid, claims without money; until when a complaint's words are kept"""

from datetime import timedelta

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
KEPT = timedelta(days=366 + 1_126)
OWED = sa.text("is_owed AND paid_at IS NULL")
OF_A_CREDIT = sa.text("cause = 'service_credit'")
# Until now only the ledger knew: an order is settled when the first of its escrow has been shared out.
SETTLED_AT = """
UPDATE orders SET settled_at = (
    SELECT min(transfers.created_at) FROM transfers
    WHERE transfers.debit = orders.currency || '/escrow:' || orders.id AND transfers.phase = 'post'
)
WHERE state = 'settled'
"""


def upgrade() -> None:
    op.add_column("orders", sa.Column("settled_at", MOMENT, nullable=True))
    op.execute(SETTLED_AT)
    with op.batch_alter_table("disputes") as disputes:
        disputes.drop_constraint("no_more_than_the_price_is_disputed", type_="check")
        disputes.create_check_constraint(
            "no_more_than_the_price_is_disputed", "disputed_minor BETWEEN 0 AND price_minor"
        )
    with op.batch_alter_table("service_credits") as credits:
        credits.add_column(sa.Column("paid_minor", sa.BigInteger(), nullable=True))
        credits.add_column(sa.Column("return_number", sa.Integer(), nullable=True))
        credits.add_column(sa.Column("paid_at", MOMENT, nullable=True))
        credits.create_check_constraint("no_more_is_paid_than_is_owed", "paid_minor BETWEEN 0 AND amount_minor")
        credits.create_check_constraint("a_payment_is_whole", "(paid_at IS NULL) = (paid_minor IS NULL)")
        credits.create_check_constraint("what_is_paid_is_a_return", "(return_number IS NOT NULL) = (paid_minor > 0)")
    op.create_index("one_credit_for_a_return", "service_credits", ["order_id", "return_number"], unique=True)
    op.create_index("credits_owed", "service_credits", ["id"], sqlite_where=OWED, postgresql_where=OWED)
    op.create_index(
        "one_return_of_a_credit", "returns", ["reason"], unique=True, sqlite_where=OF_A_CREDIT,
        postgresql_where=OF_A_CREDIT,
    )  # fmt: skip
    op.add_column("complaint_particulars", sa.Column("erased_from", MOMENT, nullable=True))
    op.create_index("particulars_due", "complaint_particulars", ["erased_from"])
    _let_what_ended_be_erased()


def _let_what_ended_be_erased() -> None:
    """When a complaint ended was not kept until now: its term is counted from a year after it was filed."""
    complaints = sa.table("complaints", sa.column("id"), sa.column("state"), sa.column("received_at", MOMENT))
    particulars = sa.table("complaint_particulars", sa.column("complaint_id"), sa.column("erased_from", MOMENT))
    ended = sa.select(complaints.c.id, complaints.c.received_at).where(complaints.c.state.in_(["rejected", "closed"]))
    for row in op.get_bind().execute(ended).all():
        of_it = particulars.c.complaint_id == row.id
        op.execute(particulars.update().where(of_it).values(erased_from=row.received_at + KEPT))

"""Keep what was announced: of a fact, only its place in the log is written later."""

from migrations.append_only import let_change, protect

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    protect("outbox_facts")
    let_change("outbox_facts", "log_index")

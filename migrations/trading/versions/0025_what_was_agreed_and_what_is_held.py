"""Contracts whose terms stay as they were written"""

from migrations.append_only import let_change, protect, write_once

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    protect("contracts")
    let_change(
        "contracts", "state", "deadline", "reason_code", "reason", "document_hash", "superseded_by", "revision"
    )  # fmt: skip
    write_once("contracts", "document_hash", "superseded_by")

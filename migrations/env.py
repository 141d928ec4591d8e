"""How Alembic runs a migration here: on one service's tables, on a connection that `migrations.schema` opened."""

from typing import Any, Literal

from alembic import context
from sqlalchemy import Connection, MetaData

from migrations.schema import compared
from shared.database import IdOf, Moment
from shared.faultpoint import faultpoint


def render(kind: str, item: Any, _: Any) -> str | Literal[False]:
    """Our column types as the plain types that they are kept as, so that a migration needs none of our code."""
    if kind == "type" and isinstance(item, IdOf):
        return "sa.String()"
    if kind == "type" and isinstance(item, Moment):
        return "sa.DateTime(timezone=True)"
    return False


connection: Connection = context.config.attributes["connection"]
metadata: MetaData = context.config.attributes["metadata"]


def step_applied(*_: object, **__: object) -> None:
    faultpoint("migration.step")


context.configure(
    connection=connection,
    target_metadata=metadata,
    render_item=render,
    compare_type=False,
    include_name=compared(metadata),
    transaction_per_migration=False,
    on_version_apply=step_applied,
)
with context.begin_transaction():
    context.run_migrations()

"""The tables of freeze orders. One of a scope stands for a thing, proposed or in force."""

from sqlalchemy import CheckConstraint, Column, Index, Integer, String, Table

from services.trading.rules.freeze import FREEZE
from services.trading.tables.base import metadata
from shared.database import IdOf, Moment
from shared.ids import FreezeId, ParticipantId

freezes = Table(
    "freezes",
    metadata,
    Column("id", IdOf(FreezeId), primary_key=True),
    Column("scope", String, nullable=False),
    Column("subject_id", String, nullable=False),
    Column("owner_id", IdOf(ParticipantId), nullable=False),
    Column("counterparty_id", IdOf(ParticipantId)),
    Column("ground", String, nullable=False),
    Column("legal_basis", String, nullable=False),
    Column("case_reference", String),
    Column("proposed_by", String, nullable=False),
    Column("proposed_at", Moment, nullable=False),
    Column("confirmed_by", String),
    Column("in_force_at", Moment),
    Column("expires_at", Moment, nullable=False),
    Column("lifting_official", String),
    Column("lifting_ground", String),
    Column("lifting_proposed_at", Moment),
    Column("ended_at", Moment),
    Column("state", String, nullable=False),
    Column("deadline", Moment),
    Column("reason_code", String),
    Column("revision", Integer, nullable=False),
    CheckConstraint("confirmed_by <> proposed_by", name="two_persons_freeze"),
    CheckConstraint("expires_at > proposed_at", name="a_freeze_has_its_end"),
    Index("freezes_by_owner", "owner_id", "id"),
)
_standing = freezes.c.state.in_(FREEZE.open_states())
Index(
    "one_freeze_of_a_scope", freezes.c.scope, freezes.c.subject_id, unique=True, sqlite_where=_standing,
    postgresql_where=_standing,
)  # fmt: skip
Index("freezes_due", freezes.c.deadline, sqlite_where=_standing, postgresql_where=_standing)

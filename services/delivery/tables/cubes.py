"""The tables of cubes: declarations with their releases, answers, draws of noise, and who has paid for which draw."""

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from services.delivery.rules.cube import STANDING
from services.delivery.tables.base import metadata
from shared.database import IdOf, Moment
from shared.ids import AssetId, CubeId, ParticipantId, VersionId

cubes = Table(
    "cubes",
    metadata,
    Column("id", IdOf(CubeId), primary_key=True),
    Column("version_id", IdOf(VersionId), nullable=False),
    Column("provider_id", IdOf(ParticipantId), nullable=False),
    Column("content_hash", String, nullable=False),
    Column("declaration", Text, nullable=False),
    Column("declaration_digest", String, nullable=False),
    Column("grade_declared", String, nullable=False),
    Column("cells", Integer, nullable=False),
    Column("rows_left_out", BigInteger, nullable=False),
    Column("state", String, nullable=False),
    Column("reason_code", String, nullable=False),
    Column("declared_at", Moment, nullable=False),
    Column("deadline", Moment),
    Column("approved_at", Moment),
    Column("spent_micro", BigInteger, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("asset_id", IdOf(AssetId)),
    Index("cubes_by_version", "version_id", "id"),
    Index("cubes_by_deadline", "deadline"),
)
stands = cubes.c.state.in_(STANDING)
Index("one_cube_for_a_version", cubes.c.version_id, unique=True, sqlite_where=stands, postgresql_where=stands)

cube_releases = Table(
    "cube_releases",
    metadata,
    Column("cube_id", IdOf(CubeId), primary_key=True),
    Column("level", String, primary_key=True),
    Column("release", Text, nullable=False),
)

cube_answers = Table(
    "cube_answers",
    metadata,
    Column("cube_id", IdOf(CubeId), primary_key=True),
    Column("level", String, primary_key=True),
    Column("question_digest", String, primary_key=True),
    Column("answer", Text, nullable=False),
    Column("certificate", Text, nullable=False),
    Column("answered_at", Moment, nullable=False),
)

cube_draws = Table(
    "cube_draws",
    metadata,
    Column("cube_id", IdOf(CubeId), primary_key=True),
    Column("family", String, primary_key=True),
    Column("draw", Text, nullable=False),
    Column("drawn_at", Moment, nullable=False),
)

cube_charges = Table(
    "cube_charges",
    metadata,
    Column("cube_id", IdOf(CubeId), primary_key=True),
    Column("participant_id", IdOf(ParticipantId), primary_key=True),
    Column("family", String, primary_key=True),
    Column("epsilon_micro", BigInteger, nullable=False),
    Column("charged_at", Moment, nullable=False),
)

APPEND_ONLY = (cube_releases, cube_answers, cube_draws, cube_charges)

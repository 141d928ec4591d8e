"""The part of the catalogue's news that trading reads."""

from pydantic import BaseModel

from shared.grades import Condition, Flag, Grade
from shared.ids import AssetId, VersionId


class NewGrade(BaseModel):
    """What we need of the facts that a version's grade was raised or lowered, or what is on record for it changed."""

    version_id: VersionId
    grade: Grade
    flags: frozenset[Flag]
    grade_revision: int
    on_record: frozenset[Condition] = frozenset()


class WithdrawnAsset(BaseModel):
    """What we need of the fact that an asset was withdrawn."""

    asset_id: AssetId

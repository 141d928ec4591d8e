"""The part of the catalogue's news that trading reads."""

from pydantic import BaseModel

from shared.grades import Flag, Grade
from shared.ids import AssetId, VersionId


class RaisedGrade(BaseModel):
    """What we need of the fact that a version's grade was raised."""

    version_id: VersionId
    grade: Grade
    flags: frozenset[Flag]
    grade_revision: int


class WithdrawnAsset(BaseModel):
    """What we need of the fact that an asset was withdrawn."""

    asset_id: AssetId

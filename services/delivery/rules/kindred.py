"""Kindred cubes: those that tell of the same rows, over the versions of an asset and over equal contents.

Owns: which cubes are kindred, and what that asks of another one.
Promises: kindred cubes are declared alike, are planned together (what all of them tell is one span, `disclosure`), and
spend one budget: so a new version can be subtracted from the last one without telling of the few rows that changed.
Does not: know contents that a provider gives out under several assets, unless they are the same bytes.
"""

from collections.abc import Iterable

from services.delivery.rules.cube import Cube
from shared.errors import Conflict
from shared.ids import AssetId, VersionId

KINDRED_MAX = 6  # beside the one that is declared: what n versions share is told apart in 2^n parts


class DeclaredOtherwise(Conflict):
    """Another version of this asset, or another with the same content, has a cube: declare the same one for this, for
    two that differ would tell of their difference."""


class TooManyKindred(Conflict):
    """So many versions of this asset have a cube that another cannot be compared with all of them."""


class NothingToCompare(Conflict):
    """The content of another version with a cube is gone, so that nobody can say what the difference would tell."""


def kindred(standing: Iterable[Cube], version_id: VersionId, asset_id: AssetId | None, content_hash: str) -> list[Cube]:
    """Those of a provider's standing cubes that tell of the same rows as a version, oldest first, its own left out."""
    left = [cube for cube in standing if cube.version_id != version_id]
    assets, contents, found = {asset_id}, {content_hash}, list[Cube]()
    while fresh := [cube for cube in left if _is_known(cube, assets, contents)]:
        found += fresh
        left = [cube for cube in left if cube not in fresh]
        assets |= {cube.asset_id for cube in fresh}
        contents |= {cube.content_hash for cube in fresh}
    return sorted(found, key=lambda cube: (cube.declared_at, cube.id))


def require_alike(declaration_digest: str, others: list[Cube]) -> None:
    """Raises DeclaredOtherwise or TooManyKindred unless a cube so declared may stand beside these."""
    for other in others:
        if other.declaration_digest != declaration_digest:
            raise DeclaredOtherwise(cube_id=other.id, version_id=other.version_id)
    if len(others) > KINDRED_MAX:
        raise TooManyKindred(cubes_max=KINDRED_MAX)


def _is_known(cube: Cube, assets: set[AssetId | None], contents: set[str]) -> bool:
    return cube.content_hash in contents or (cube.asset_id is not None and cube.asset_id in assets)

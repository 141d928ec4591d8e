"""The facts of lineage: what a version is made from, and on which terms it can be licensed."""

from dataclasses import dataclass
from typing import Self

from services.catalog.events.version import VersionFact, head
from services.catalog.rules.asset import Asset
from services.catalog.rules.lineage import LicenceTerms, Parent
from services.catalog.rules.version import Version


@dataclass(frozen=True, slots=True)
class LineageDeclared(VersionFact):
    """A provider declares what its version is made from; the parents stand as they were graded then."""

    parents: tuple[Parent, ...]
    licence_in_force: LicenceTerms

    @classmethod
    def of(cls, asset: Asset, version: Version, parents: tuple[Parent, ...], in_force: LicenceTerms) -> Self:
        return cls(*head(asset, version), parents, in_force)


@dataclass(frozen=True, slots=True)
class LicenceTermsDeclared(VersionFact):
    """A provider declares what may be granted of its version at most; in force is what its parents' terms leave."""

    declared: LicenceTerms
    in_force: LicenceTerms

    @classmethod
    def of(cls, asset: Asset, version: Version, declared: LicenceTerms, in_force: LicenceTerms) -> Self:
        return cls(*head(asset, version), declared, in_force)

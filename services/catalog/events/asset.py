"""The facts of an asset: drafted, described, its source declared, withdrawn.

Each is complete, so that an entry can be rebuilt from all facts of `catalog` without asking back.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from services.catalog.rules.asset import Asset, Description, Entry, Origin
from services.catalog.rules.rights import Right
from shared.facts import Category, Fact, Retention
from shared.ids import AssetId, ParticipantId, VersionId


@dataclass(frozen=True, slots=True)
class AssetFact(Fact):
    category: ClassVar[Category] = Category.ASSET
    retention: ClassVar[Retention] = Retention.REGISTRATION
    asset_id: AssetId
    provider_id: ParticipantId
    revision: int


@dataclass(frozen=True, slots=True)
class AssetDrafted(AssetFact):
    """A provider enters an asset, with its first version."""

    schema_version: ClassVar[int] = 2  # from the second on, `about` may tell a category
    version_id: VersionId
    about: Description
    deadline: datetime | None

    @classmethod
    def of(cls, entry: Entry) -> Self:
        asset = entry.asset
        return cls(asset.id, asset.provider_id, asset.revision, entry.versions[0].id, asset.about, asset.deadline)


@dataclass(frozen=True, slots=True)
class AssetDescribed(AssetFact):
    """A provider describes its asset anew."""

    schema_version: ClassVar[int] = 2
    about: Description

    @classmethod
    def of(cls, asset: Asset) -> Self:
        return cls(asset.id, asset.provider_id, asset.revision, asset.about)


@dataclass(frozen=True, slots=True)
class SourceDeclared(AssetFact):
    """A provider declares where its data come from, and by what rights it has them."""

    schema_version: ClassVar[int] = 2
    origin: Origin
    description: str
    legal_basis: str
    personal_information_basis: str | None
    evidence_hash: str | None
    rights: tuple[Right, ...]

    @classmethod
    def of(cls, asset: Asset) -> Self:
        source = asset.source
        assert source
        return cls(
            asset.id, asset.provider_id, asset.revision, source.origin, source.description, source.legal_basis,
            source.personal_information_basis, source.evidence_hash, source.rights,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class AssetWithdrawn(AssetFact):
    """By its provider, by revocation, or because its time is up. Trading takes off what it offers of it."""

    reason_code: str

    @classmethod
    def of(cls, asset: Asset) -> Self:
        assert asset.reason_code
        return cls(asset.id, asset.provider_id, asset.revision, asset.reason_code)

"""The facts of duties to grade again: opened, assessed, overdue, closed."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from services.catalog.events.grading import that_fit
from services.catalog.rules.grading import Impact
from services.catalog.rules.regrading import Regrading, Trigger
from shared.facts import Category, Fact, Retention
from shared.grades import Flag
from shared.ids import AssetId, ParticipantId, RegradingId, VersionId


@dataclass(frozen=True, slots=True)
class RegradingFact(Fact):
    """`revision` orders the facts of one duty."""

    category: ClassVar[Category] = Category.GRADE
    retention: ClassVar[Retention] = Retention.REGISTRATION
    regrading_id: RegradingId
    asset_id: AssetId
    version_id: VersionId
    provider_id: ParticipantId
    trigger: Trigger
    revision: int
    deadline: datetime | None


@dataclass(frozen=True, slots=True)
class RegradingOpened(RegradingFact):
    """Something changed, or a year has passed: the version's grade has to be looked at again."""

    note: str
    reported_by: str | None

    @classmethod
    def of(cls, regrading: Regrading) -> Self:
        return cls(*_head(regrading), regrading.note, regrading.reported_by)


@dataclass(frozen=True, slots=True)
class RegradingAssessed(RegradingFact):
    """Its provider assessed the version afresh and found no more harm, by these impacts, of which as many stand here as
    fit; an operator has to confirm that."""

    impacts: tuple[Impact, ...]
    impacts_count: int
    flags: frozenset[Flag]

    @classmethod
    def of(cls, regrading: Regrading) -> Self:
        said = regrading.said
        assert said
        return cls(*_head(regrading), that_fit(said.declared), len(said.declared), said.flags)


@dataclass(frozen=True, slots=True)
class RegradingOverdue(RegradingFact):
    """Nobody did it in time: the version is marked, and it is asked for again."""

    reason_code: str

    @classmethod
    def of(cls, regrading: Regrading) -> Self:
        assert regrading.reason_code
        return cls(*_head(regrading), regrading.reason_code)


@dataclass(frozen=True, slots=True)
class RegradingClosed(RegradingFact):
    """By a fresh grade, by an operator who confirms the present one, or because nothing is left to grade."""

    reason_code: str
    reason: str | None

    @classmethod
    def of(cls, regrading: Regrading, reason: str | None = None) -> Self:
        assert regrading.reason_code
        return cls(*_head(regrading), regrading.reason_code, reason)


def _head(
    regrading: Regrading,
) -> tuple[RegradingId, AssetId, VersionId, ParticipantId, Trigger, int, datetime | None]:
    return (
        regrading.id, regrading.asset_id, regrading.version_id, regrading.provider_id, regrading.trigger,
        regrading.revision, regrading.deadline,
    )  # fmt: skip

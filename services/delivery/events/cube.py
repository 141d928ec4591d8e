"""The facts of cubes: what may be computed, who asked, and by which rules it was told or not. None quotes a number."""

from dataclasses import dataclass
from typing import ClassVar, Self

from services.delivery.rules.cube import Cube, Level, Reason, State
from services.delivery.rules.cube_query import Certificate, Rule
from shared.facts import Category, Fact, Outcome
from shared.grades import Decision, Grade
from shared.ids import ContractId, CubeId, EntitlementId, ParticipantId, UseId, VersionId


@dataclass(frozen=True, slots=True)
class CubeDeclared(Fact):
    """A provider declared what may be computed from a version."""

    category: ClassVar[Category] = Category.CONTENT
    cube_id: CubeId
    version_id: VersionId
    provider_id: ParticipantId
    content_hash: str
    declaration_digest: str
    grade: Grade
    cells: int
    rows_left_out: int
    state: State

    @classmethod
    def of(cls, cube: Cube) -> Self:
        return cls(
            cube.id, cube.version_id, cube.provider_id, cube.content_hash, cube.declaration_digest,
            cube.grade_declared, cube.cells, cube.rows_left_out, cube.state,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class CubeMoved(Fact):
    category: ClassVar[Category] = Category.CONTENT
    cube_id: CubeId
    version_id: VersionId
    provider_id: ParticipantId
    declaration_digest: str
    reason_code: Reason
    reason: str | None

    @classmethod
    def of(cls, cube: Cube, reason: str | None = None) -> Self:
        parts = (cube.id, cube.version_id, cube.provider_id, cube.declaration_digest)
        return cls(*parts, cube.reason_code, reason)


class CubeApproved(CubeMoved):
    """An operator approved a cube over data of G4 or above."""

    __slots__ = ()


class CubeDisapproved(CubeMoved):
    """An operator refused a cube."""

    __slots__ = ()


class CubeLapsed(CubeMoved):
    """Nobody approved a cube in time."""

    __slots__ = ()


class CubeReplaced(CubeMoved):
    """A provider declared another cube for the version, before anybody had an answer."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class CubeAnswered(Fact):
    """A buyer was given an answer: the certificate by which it can be judged, and none of its numbers."""

    category: ClassVar[Category] = Category.DELIVERY
    cube_id: CubeId
    version_id: VersionId
    entitlement_id: EntitlementId
    contract_id: ContractId
    buyer_id: ParticipantId
    use_id: UseId
    grade: Grade
    grade_revision: int
    decision: Decision
    level: Level
    groups: int
    withheld: bool
    certificate: Certificate
    epsilon_micro_charged: int


@dataclass(frozen=True, slots=True)
class CubeRefused(Fact):
    """A buyer was refused an answer; which rule it was is told here only, and so in the platform's name, not theirs."""

    category: ClassVar[Category] = Category.DELIVERY
    outcome: ClassVar[Outcome] = "deny"
    cube_id: CubeId
    version_id: VersionId
    entitlement_id: EntitlementId  # whose buyer it was: named themselves, they would read this entry in the log
    grade: Grade
    question_digest: str
    declaration_digest: str
    reason_code: Rule

"""The facts of queries: what was decided, asked and answered, by digests. None quotes the query or the data."""

from dataclasses import dataclass
from typing import ClassVar, Self

from services.delivery.rules.answer import Answered
from shared.facts import Category, Fact, Outcome
from shared.grades import Decision, Grade, Mode
from shared.ids import ContractId, EntitlementId, ParticipantId, QueryId, UseId, VersionId


@dataclass(frozen=True, slots=True)
class AnswerFact(Fact):
    category: ClassVar[Category] = Category.DELIVERY
    query_id: QueryId
    entitlement_id: EntitlementId
    contract_id: ContractId
    version_id: VersionId
    buyer_id: ParticipantId
    mode: Mode
    grade: Grade
    grade_revision: int
    decision: Decision
    use_id: UseId
    query_digest: str
    content_hash: str
    result_digest: str
    row_count: int
    truncated: bool
    policy_version: str
    engine_version: str
    purpose: str | None

    @classmethod
    def of(cls, answered: Answered, decision: Decision, purpose: str | None = None) -> Self:
        return cls(
            answered.id, answered.entitlement_id, answered.contract_id, answered.version_id, answered.buyer_id,
            answered.mode, answered.grade, answered.grade_revision, decision, answered.use_id, answered.query_digest,
            answered.content_hash, answered.result_digest, answered.row_count, answered.truncated,
            answered.policy_version, answered.engine_version, purpose,
        )  # fmt: skip


class QueryAnswered(AnswerFact):
    """A buyer's statement was computed, and its result given out: the certificate of the computation."""

    __slots__ = ()


class RowsServed(AnswerFact):
    """Rows were given out by API, for a query of listed fields and filters."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class QueryRefused(Fact):
    """Somebody asked what they may not ask, or what cannot be answered within its limits."""

    category: ClassVar[Category] = Category.DELIVERY
    outcome: ClassVar[Outcome] = "deny"
    entitlement_id: EntitlementId
    version_id: VersionId
    buyer_id: ParticipantId
    mode: Mode
    grade: Grade
    grade_revision: int
    decision: Decision
    reason_code: str
    construct: str | None
    use_id: UseId | None

"""An answer to a query: who may ask freely, how often one use is answered, and what is certified of each.

Promises: a free statement is for a buyer who could have the rows themselves, of a version that its provider has listed
for that; an answer is certified with what was asked, of which content, with which result, under which policy.
Does not: claim a smallest group. Whoever may have the rows learns nothing from an answer that the rows do not say.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from shared.errors import Conflict, TooMany, Unavailable
from shared.grades import G2, Decision, Flag, Grade, Mode
from shared.ids import ContractId, EntitlementId, ParticipantId, QueryId, UseId, VersionId

FREE_QUERIES = "free_queries"  # the purpose under which a provider lists a version for free statements
PERSONAL = frozenset({Flag.PERSONAL, Flag.SENSITIVE_PERSONAL, Flag.MINOR})
ANSWERED_WITHIN = timedelta(hours=1)
ATTEMPTS_PER_USE_MAX = 5
ASKED_AT_A_TIME = 2  # by one buyer
ASKED_TOGETHER = 8  # by all, of one process
STATEMENT_ROWS_MAX = 10_000
ANSWER_BYTES_MAX = 4 * 2**20


class Kind(StrEnum):
    ROWS = "rows"
    STATEMENT = "statement"


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer, as it is kept and certified. `query_digest` is of the canonical query, `result_digest` of fields,
    types and rows; neither quotes the data."""

    id: QueryId
    kind: Kind
    entitlement_id: EntitlementId
    contract_id: ContractId
    use_id: UseId
    version_id: VersionId
    provider_id: ParticipantId
    buyer_id: ParticipantId
    mode: Mode
    grade: Grade
    grade_revision: int
    query_digest: str
    content_hash: str
    result_digest: str
    row_count: int
    truncated: bool
    policy_version: str
    engine_version: str
    answered_at: datetime


class UseAnswered(Conflict):
    """This request has been computed as often, or as long, as one use pays for; ask under a new key."""


class AskingAlready(TooMany):
    """Two questions of your organisation are being computed; wait for one of them."""


class AnswersBusy(Unavailable):
    """Too many questions are being computed here at the moment; ask again under the same key."""


class AnswerWithheld(Conflict):
    """What the answer rests on changed while it was computed; ask again under the same key."""


def may_ask_freely(compute: Decision, raw: Decision, grade: Grade, flags: Set[Flag]) -> Decision:
    """May this buyer write the statement? Requires the decision for computing, with the purpose of free queries, and
    the matrix's for having the rows as they are."""
    if not compute.allowed:
        return compute
    rules = [
        ("free_queries.grade", "free_queries_not_for_grade", grade > G2),
        ("free_queries.personal", "free_queries_not_for_personal", bool(flags & PERSONAL)),
        ("free_queries.rows", raw.reason_code or "", not raw.allowed),
    ]
    decision = compute
    for rule, reason, denies in rules:
        decision = replace(decision, rules=(*decision.rules, rule))
        if denies:
            return replace(decision, allowed=False, reason_code=reason)
    return decision


def check_attempts(earlier: Sequence[datetime], now: datetime) -> None:
    """Requires the moments at which this use was computed so far, oldest first, also those without an answer."""
    if earlier and (now - earlier[0] >= ANSWERED_WITHIN or len(earlier) >= ATTEMPTS_PER_USE_MAX):
        raise UseAnswered(attempts_max=ATTEMPTS_PER_USE_MAX)

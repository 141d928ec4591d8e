"""What every question to a version's content goes through, whether it asks for rows or for a computation.

The order: who may ask, what is asked, the content made ready, one use charged, the child's answer, the decision looked
at once more, and the answer recorded before it leaves. A charged use is answered again under the same key, for an hour
and a few times, since an answer may be lost on its way; what was answered is not kept, so it is computed anew.
"""

import hashlib
from collections.abc import Generator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, replace

import msgspec

from services.catalog.client import VersionView
from services.delivery.actions import rendition
from services.delivery.actions.decision import Decided, confirmed, decided, graded, requested_now
from services.delivery.actions.delivery import GradedMeanwhile
from services.delivery.actions.depot import Depot
from services.delivery.actions.staging import Kept, seed_of, staged_content
from services.delivery.events.query import QueryAnswered, QueryRefused, RowsServed
from services.delivery.rules import answer as answer_rules
from services.delivery.rules import permission
from services.delivery.rules.answer import (
    ANSWER_BYTES_MAX,
    ASKED_AT_A_TIME,
    ASKED_TOGETHER,
    Answered,
    AnswersBusy,
    AnswerWithheld,
    AskingAlready,
    Kind,
)
from services.delivery.rules.delivery import ContentMissing, Entitled, UseRunning
from services.delivery.rules.inspection import Inspection
from services.delivery.rules.permission import NotPermitted
from services.delivery.rules.query import QueryLimit
from services.delivery.rules.upload import Upload
from services.delivery.sandbox import ENGINE_VERSION, QueryRows, RunQuery, query
from services.delivery.store import queries as store
from services.delivery.store import uploads
from services.trading.client import UseView
from shared import tenancy
from shared.access import Member
from shared.errors import Conflict, Forbidden, Malformed, Unavailable
from shared.grades import Condition, Decision, Grade, Mode
from shared.idempotency import Once
from shared.ids import EntitlementId, QueryId, UseId


class ChargeUnconfirmed(Unavailable):
    """Whether your use was charged is not known; send the same again under the same key, which charges it once."""


@dataclass(frozen=True, slots=True)
class Asking:
    """Somebody's question to a version: who asks, what was decided of it, and what is in the content."""

    depot: Depot
    buyer: Member
    decided: Decided
    upload: Upload
    inspection: Inspection

    @property
    def entitled(self) -> Entitled:
        return self.decided.entitled

    @property
    def version(self) -> VersionView:
        return self.decided.version

    @property
    def grade(self) -> Grade:
        return self.decided.grade

    def fulfilling(self, conditions: Set[Condition]) -> "Asking":
        """The same, decided by what the question itself fulfils."""
        return replace(self, decided=self.decided.fulfilling(conditions))

    async def require(self, decision: Decision) -> None:
        """Raises NotPermitted, after it is recorded, unless the decision allows."""
        if not decision.allowed:
            assert decision.reason_code is not None
            await self.refuse(decision, decision.reason_code)
            raise NotPermitted(
                reason_code=decision.reason_code, rules=decision.rules, grade=self.grade, mode=self.entitled.mode
            )

    async def refuse(
        self, decision: Decision, reason_code: str, construct: str | None = None, use_id: UseId | None = None
    ) -> None:
        entitled, depot = self.entitled, self.depot
        refused = QueryRefused(
            entitled.entitlement_id, entitled.version_id, entitled.buyer_id, entitled.mode, self.grade,
            self.version.grade_revision, decision, reason_code, construct, use_id,
        )  # fmt: skip
        async with depot.database.transaction() as tx:
            await depot.outbox.record(tx, self.buyer.actor, await depot.database.now(tx), refused)


@dataclass(frozen=True, slots=True)
class Question:
    """What is run, of which the digest is certified. `purpose` is told where the decision rests on it."""

    kind: Kind
    sql: str
    columns: list[str]
    digest: str
    rows_max: int
    row_number: str | None = None
    purpose: str | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """What was found, without the number of its rows but for the last one's, and what is certified of it."""

    found: QueryRows
    last_row: int
    certified: Answered


async def ask(
    depot: Depot, buyer: Member, entitlement_id: EntitlementId, mode: Mode, purpose: str | None,
    fulfilled: frozenset[Condition] = frozenset(),
) -> Asking:  # fmt: skip
    """Requires the buyer's own, active entitlement in this mode, the decision that allows, and the content.

    `fulfilled` are the conditions that a question of this kind can fulfil.
    """
    found = await decided(depot, buyer, entitlement_id, {mode}, purpose, fulfilled=fulfilled)
    with tenancy.for_everyone():
        async with depot.database.read() as tx:
            content = await uploads.content_of(tx, found.entitled.version_id)
    if content is None:
        raise ContentMissing()
    return Asking(depot, buyer, found, *content)


async def answer(asking: Asking, question: Question, decision: Decision, once: Once) -> Given:
    """Charge one use, compute, record, and only then give out. Requires a decision that allows."""
    depot = asking.depot
    kept = await rendition.columnar(depot, asking.upload)
    if not await depot.content.has(kept.content_id):
        missing = ContentMissing()  # before a use is charged: nobody pays for what is not there
        await asking.refuse(decision, missing.told_code)
        raise missing
    with _few_at_a_time(asking):
        use = await _charged(asking, await _use_of(asking, once), question.columns)
        await _counted(asking, use.use_id)
        try:
            found = await _computed(asking, question, kept)
            await _look_again(asking)
        except (Conflict, Forbidden, Malformed) as refusal:
            await asking.refuse(decision, refusal.told_code, use_id=use.use_id)
            raise
        found, last_row = (found, 0) if question.row_number is None else _without_numbers(found)
        return Given(found, last_row, await _recorded(asking, question, decision, use, found))


@contextmanager
def _few_at_a_time(asking: Asking) -> Generator[None]:
    running, buyer_id = asking.depot.asking, asking.entitled.buyer_id
    if running[buyer_id] >= ASKED_AT_A_TIME:
        raise AskingAlready(retry_after_seconds=2)
    if running.total() >= ASKED_TOGETHER:
        raise AnswersBusy(retry_after_seconds=5)
    running[buyer_id] += 1
    try:
        yield
    finally:
        running[buyer_id] -= 1
        if not running[buyer_id]:
            del running[buyer_id]


async def _use_of(asking: Asking, once: Once) -> UseId:
    """The use of this request: drawn and kept before it is charged, so that the same request never charges two."""
    depot = asking.depot
    async with depot.database.transaction() as tx:
        if earlier := await once.recall(tx, UseId):
            return earlier
        use_id = UseId.new()
        await once.remember(tx, use_id)
    return use_id


async def _charged(asking: Asking, use_id: UseId, columns: Sequence[str]) -> UseView:
    entitled, revision = asking.entitled, asking.version.grade_revision
    try:
        return await asking.depot.trading.use(
            entitled.entitlement_id, use_id, revision, acting_for=asking.buyer, on_record=asking.decided.own_record,
            columns=columns,
        )  # fmt: skip
    except Unavailable as error:
        raise ChargeUnconfirmed(use_id=use_id, retry_after_seconds=1) from error


async def _counted(asking: Asking, use_id: UseId) -> None:
    """A use pays for a few computations, also for those that come to nothing: they cost the same."""
    depot = asking.depot
    async with depot.database.transaction() as tx:
        if not await depot.database.claim(tx, f"use {use_id}"):
            raise UseRunning(use_id=use_id, retry_after_seconds=1)
        now = await depot.database.now(tx)
        earlier = await store.attempts_at(tx, use_id)
        answer_rules.check_attempts(earlier, now)
        await store.add_attempt(tx, use_id, len(earlier) + 1, now)


async def _computed(asking: Asking, question: Question, kept: Kept) -> QueryRows:
    depot = asking.depot
    async with staged_content(depot, kept, seed_of(asking.upload)) as source:
        job = RunQuery(
            source, question.sql, question.columns, {}, question.rows_max, ANSWER_BYTES_MAX, question.row_number
        )
        found = await query(depot.inspector, job)
    if found.truncated and not found.rows:
        raise QueryLimit()  # a single row is larger than an answer may be
    # Text is exact everywhere; what a reader makes of a float in JSON is not.
    rows = [[repr(cell) if isinstance(cell, float) else cell for cell in row] for row in found.rows]
    return msgspec.structs.replace(found, rows=rows)


def _without_numbers(found: QueryRows) -> tuple[QueryRows, int]:
    last_row = found.rows[-1][0] if found.rows else 0
    assert isinstance(last_row, int)
    rows = [row[1:] for row in found.rows]
    return QueryRows(found.fields[1:], found.types[1:], rows, found.truncated), last_row


async def _look_again(asking: Asking) -> None:
    """What was true when it was asked may not be so any more: a computation takes its time."""
    depot, before = asking.depot, asking.decided
    version, grade = await graded(depot, before.entitled)
    if version.grade_revision != before.version.grade_revision:
        raise GradedMeanwhile()
    depot.standing.require_fresh(grade)
    now = requested_now(depot, before, version)
    if now.clearance != before.requested.clearance:
        raise AnswerWithheld()
    decision = permission.decide(now)
    if not decision.allowed:
        raise permission.refusal(now, decision)


async def _recorded(asking: Asking, question: Question, decision: Decision, use: UseView, found: QueryRows) -> Answered:
    depot, entitled = asking.depot, asking.entitled
    told = {"fields": found.fields, "types": found.types, "rows": found.rows}
    result_digest = hashlib.sha256(msgspec.json.encode(told, order="sorted")).hexdigest()
    async with depot.database.transaction() as tx:
        now = await depot.database.now(tx)
        again = await confirmed(depot, tx, asking.decided, now)
        if again.decision.allowed:
            answered = Answered(
                QueryId.new(), question.kind, entitled.entitlement_id, use.contract_id, use.use_id,
                entitled.version_id, asking.version.provider_id, entitled.buyer_id, entitled.mode, asking.grade,
                asking.version.grade_revision, question.digest, asking.upload.content_hash, result_digest,
                len(found.rows), found.truncated, decision.policy_version, ENGINE_VERSION, now,
            )  # fmt: skip
            await store.add_answer(tx, answered)
            fact = RowsServed if question.kind is Kind.ROWS else QueryAnswered
            await depot.outbox.record(tx, asking.buyer.actor, now, fact.of(answered, decision, question.purpose))
            return answered
        await depot.outbox.record(tx, asking.buyer.actor, now, again.refused())
    again.require()
    raise AnswerWithheld()

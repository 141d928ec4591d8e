"""What happens when a buyer computes with SQL of its own, and who may look at the certificates of such answers."""

import asyncio
from collections.abc import Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

from services.delivery.actions.asking import Question, answer, ask
from services.delivery.actions.depot import Depot
from services.delivery.rules.answer import FREE_QUERIES, STATEMENT_ROWS_MAX, Answered, Kind, may_ask_freely
from services.delivery.rules.query import QueryRejected
from services.delivery.schemas.queries import AnswerView, NewStatement
from services.delivery.store import queries as store
from shared.access import Caller, Member, Role
from shared.grades import Mode, decide
from shared.idempotency import Once
from shared.ids import EntitlementId, QueryId
from shared.web import Page

if TYPE_CHECKING:
    from services.delivery.dialect import Statement


async def compute(
    depot: Depot, buyer: Member, entitlement_id: EntitlementId, new: NewStatement, once: Once
) -> AnswerView:
    """Requires the buyer's own, active entitlement in mode compute, to a version that is listed for free queries.

    Charges one use, once for each key, for a statement that is taken: also for one that then exceeds its limits.
    """
    asking = await ask(depot, buyer, entitlement_id, Mode.COMPUTE, FREE_QUERIES)
    asked = asking.decided.requested
    raw = decide(asking.grade, Mode.RAW, asked.clearance, asked.flags, asked.on_record)
    decision = may_ask_freely(asking.decided.decision, raw, asking.grade, asked.flags)
    await asking.require(decision)
    names = [field.name for field in asking.inspection.fields]
    try:
        statement = await asyncio.to_thread(_checked, new.sql, names)  # takes a tenth of a second at its worst
    except QueryRejected as refusal:
        await asking.refuse(decision, refusal.code(), str(refusal.facts["construct"]))
        raise
    digest = sha256(statement.sql.encode()).hexdigest()
    # A statement that reads no column still counts rows, so there must be one.
    columns = list(statement.columns or names[:1])
    question = Question(Kind.STATEMENT, statement.sql, columns, digest, STATEMENT_ROWS_MAX)
    given = await answer(asking, question, decision, once)
    return AnswerView.of(statement.sql, given.found, given.certified)


async def listed(depot: Depot, caller: Caller, entitlement_id: EntitlementId | None, page: Page) -> list[Answered]:
    """The answers that the caller's organisation was given or provided for; all of them for a supervisor."""
    supervises = bool({Role.REGULATOR, Role.OPERATOR_AUDIT} & caller.roles)
    if not supervises and caller.participant_id is None:
        return []
    party = None if supervises else caller.participant_id
    after = page.after_id(QueryId)
    async with depot.database.read() as tx:
        return await store.listed_answers(tx, party, entitlement_id, after, page.limit + 1)


def _checked(text: str, columns: Sequence[str]) -> "Statement":
    from services.delivery.dialect import checked  # with the first statement: what parses it is large

    return checked(text, columns)

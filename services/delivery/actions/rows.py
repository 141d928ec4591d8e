"""What happens when a buyer fetches rows by API: a page of the content, limited in fields and rows, a use for each."""

from services.delivery.actions.asking import Question, answer, ask
from services.delivery.actions.depot import Depot
from services.delivery.rules import rows as rows_rules
from services.delivery.rules.answer import Kind
from services.delivery.schemas.queries import NewRows, RowsView
from shared.access import Member
from shared.grades import Mode
from shared.idempotency import Once
from shared.ids import EntitlementId


async def rows(depot: Depot, buyer: Member, entitlement_id: EntitlementId, new: NewRows, once: Once) -> RowsView:
    """Requires the buyer's own, active entitlement in mode api. Charges one use, once for each key."""
    # First whether it may be asked at all: which fields there are is not told to whom the grade shuts out.
    asking = await ask(depot, buyer, entitlement_id, Mode.API, new.purpose, rows_rules.LIMITED)
    found, purpose = asking.inspection, asking.decided.requested.purpose
    wanted = rows_rules.asked(found, new.fields, new.filters(), new.limit)
    digest = rows_rules.digest_of(wanted, entitlement_id)
    after = rows_rules.row_of(new.cursor, digest)
    asking = asking.fulfilling(rows_rules.fulfilled(wanted, found))
    decision = asking.decided.decision
    await asking.require(decision)
    row_number = rows_rules.row_number_for([field.name for field in found.fields])
    question = Question(
        Kind.ROWS, rows_rules.statement(wanted, found, row_number, after), rows_rules.columns_of(wanted), digest,
        wanted.limit, row_number, purpose,
    )  # fmt: skip
    given = await answer(asking, question, decision, once)
    next_cursor = rows_rules.cursor_of(given.last_row, digest) if given.found.truncated else None
    return RowsView.of(given.found, next_cursor, given.certified)

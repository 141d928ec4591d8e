"""What happens when an owner draws a cost sheet of its data, and exports it."""

from services.catalog.client import NoSuchVersion
from services.pricing.actions.pricing import Pricing
from services.pricing.events.results import CostSheetDrawn
from services.pricing.rules import cost_sheet as rules
from services.pricing.rules.cost_sheet import CostSheet, NoSuchCostSheet, Statement
from services.pricing.rules.document import sealed
from services.pricing.store import cost_sheet as store
from shared.access import Caller, Member, Role
from shared.idempotency import Once
from shared.ids import CostSheetId
from shared.spreadsheet import csv_text
from shared.web import Page


async def draw(pricing: Pricing, provider: Member, statement: Statement, once: Once) -> CostSheet:
    """Of a version of one's own. Another's is not there."""
    version = await pricing.catalog.version(statement.version_id)
    if version.provider_id != provider.participant_id:
        raise NoSuchVersion()
    async with pricing.database.transaction() as tx:
        if earlier := await once.recall(tx, CostSheet):
            return earlier
        now = await pricing.database.now(tx)
        treated = rules.treat(statement)
        text, digest = sealed(rules.document(statement, treated))
        sheet = CostSheet(CostSheetId.new(), provider.participant_id, statement, treated, text, digest, now)
        await store.add(tx, sheet)
        await once.remember(tx, sheet)
        await pricing.outbox.record(tx, provider.actor, now, CostSheetDrawn.of(sheet))
    return sheet


async def seen(pricing: Pricing, caller: Caller, sheet_id: CostSheetId) -> CostSheet:
    """For its owner and the regulator. Raises NoSuchCostSheet alike for all others."""
    async with pricing.database.read() as tx:
        sheet = await store.sheet(tx, sheet_id)
    if Role.REGULATOR not in caller.roles and caller.participant_id != sheet.provider_id:
        raise NoSuchCostSheet()
    return sheet


async def exported(pricing: Pricing, caller: Caller, sheet_id: CostSheetId) -> str:
    """As a table for spreadsheets."""
    return csv_text(rules.table(await seen(pricing, caller, sheet_id)))


async def listed(pricing: Pricing, provider: Member, page: Page) -> list[CostSheet]:
    """One's own, newest first. Looks for one more than the page takes, so that the end is known."""
    async with pricing.database.read() as tx:
        after = page.after_id(CostSheetId)
        return await store.of_provider(tx, provider.participant_id, after, page.limit + 1)

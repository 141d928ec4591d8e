"""What happens with an incident: entered by whoever saw it, graded, told of, and ended. What alerts open: `alarm`."""

import logging
from collections.abc import Callable
from datetime import datetime

from services.audit import supervision
from services.audit.actions.audit import Audit
from services.audit.events.incident import (
    IncidentContained,
    IncidentDismissed,
    IncidentFact,
    IncidentGraded,
    IncidentOpened,
    IncidentOverdue,
    IncidentTold,
)
from services.audit.rules import incident as rules
from services.audit.rules import incident_report
from services.audit.rules.incident import Graded, Incident, Kind, NoSuchIncident, Report, To, Told
from services.audit.rules.incident_report import Draft
from shared.access import Caller, Role
from shared.idempotency import Once
from shared.ids import IncidentId
from shared.web import Page

DUE_AT_ONCE = 100
KEEPERS = frozenset({Role.OPERATOR_SECURITY, Role.REGULATOR})
log = logging.getLogger(__name__)
Decide = Callable[[Incident, datetime], Incident]


async def open_incident(
    audit: Audit, caller: Caller, kind: Kind, summary: str, discovered_at: datetime, graded: Graded, once: Once
) -> Incident:
    async with audit.database.transaction() as tx:
        if earlier := await once.recall(tx, Incident):
            return earlier
        now = await audit.database.now(tx)
        opened = rules.open_incident(IncidentId.new(), kind, summary, caller.subject, discovered_at, graded, now)
        await supervision.add_matter(tx, opened, [caller.subject])
        await once.remember(tx, opened)
        await audit.outbox.record(tx, caller.actor, now, IncidentOpened.of(opened))
    return opened


async def grade(audit: Audit, operator: Caller, incident_id: IncidentId, graded: Graded, once: Once) -> Incident:
    def decide(incident: Incident, now: datetime) -> Incident:
        return rules.grade(incident, graded, now)

    return await _decided(audit, operator, incident_id, once, decide, IncidentGraded)


async def tell(audit: Audit, operator: Caller, incident_id: IncidentId, told: Told, once: Once) -> Incident:
    def decide(incident: Incident, now: datetime) -> Incident:
        return rules.tell(incident, told, now)

    return await _decided(audit, operator, incident_id, once, decide, IncidentTold)


async def contain(audit: Audit, operator: Caller, incident_id: IncidentId, once: Once) -> Incident:
    return await _decided(audit, operator, incident_id, once, rules.contain, IncidentContained)


async def dismiss(audit: Audit, operator: Caller, incident_id: IncidentId, reason_code: str, once: Once) -> Incident:
    def decide(incident: Incident, now: datetime) -> Incident:
        return rules.dismiss(incident, reason_code, now)

    return await _decided(audit, operator, incident_id, once, decide, IncidentDismissed)


async def seen(audit: Audit, caller: Caller, incident_id: IncidentId) -> Incident:
    """For who keeps the register, the regulator, and whoever entered it. Raises NoSuchIncident for others."""
    async with audit.database.read() as tx:
        incident = await supervision.matter(tx, Incident, incident_id)
    if not KEEPERS & caller.roles and incident.opened_by != caller.subject:
        raise NoSuchIncident()
    return incident


async def listed(audit: Audit, caller: Caller, page: Page) -> list[Incident]:
    """In order of age: all of them, or those that the caller entered; one more than the page holds."""
    after = page.after_id(IncidentId)
    reader = None if KEEPERS & caller.roles else caller.subject
    async with audit.database.read() as tx:
        return await supervision.matters_of(tx, Incident, after, page.limit + 1, reader=reader)


async def drafted(audit: Audit, caller: Caller, incident_id: IncidentId, report: Report, to: To) -> Draft:
    return incident_report.draft(await seen(audit, caller, incident_id), report, to)


async def pass_deadlines(audit: Audit) -> None:
    """Say of each term that passed that it did."""
    async with audit.database.read() as tx:
        due = await supervision.matters_under_way(tx, Incident, await audit.database.now(tx), DUE_AT_ONCE)
    for incident in due:
        try:
            await _pass_deadline(audit, incident.id)
        except Exception:
            log.exception("%s could not be said to be late; it is tried again", incident.id)


async def _pass_deadline(audit: Audit, incident_id: IncidentId) -> None:
    async with audit.database.transaction() as tx:
        before = await supervision.matter_for_update(tx, Incident, incident_id)
        now = await audit.database.now(tx)
        if before.deadline is None or now < before.deadline:
            return
        after = rules.pass_deadline(before, now)
        await supervision.save_matter(tx, before, after)
        await audit.outbox.record(tx, audit.outbox.itself, now, IncidentOverdue.of(after))
    log.critical("%s is overdue since %s", incident_id, before.deadline)


async def _decided(
    audit: Audit, operator: Caller, incident_id: IncidentId, once: Once, decide: Decide, fact: type[IncidentFact]
) -> Incident:
    async with audit.database.transaction() as tx:
        if earlier := await once.recall(tx, Incident):
            return earlier
        before = await supervision.matter_for_update(tx, Incident, incident_id)
        now = await audit.database.now(tx)
        after = decide(before, now)
        await supervision.save_matter(tx, before, after)
        await once.remember(tx, after)
        await audit.outbox.record(tx, operator.actor, now, fact.of(after))
    return after

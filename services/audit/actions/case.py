"""What happens when regulators open a case, agree to it, extend it, close it, or let its time pass."""

import logging
from collections.abc import Callable
from datetime import datetime

from services.audit import supervision
from services.audit.actions.audit import Audit
from services.audit.events.log import (
    CaseApproved,
    CaseClosed,
    CaseEnded,
    CaseExtended,
    CaseFact,
    CaseOpened,
    CaseRefused,
)
from services.audit.rules import case as rules
from services.audit.rules.case import Case, Form, NoSuchCase, Outcome
from shared.access import Caller
from shared.idempotency import Once
from shared.ids import CaseId
from shared.web import Page

DUE_AT_ONCE = 100
log = logging.getLogger(__name__)
Decide = Callable[[Case, datetime], Case]


async def open_case(audit: Audit, regulator: Caller, form: Form, once: Once) -> Case:
    async with audit.database.transaction() as tx:
        if earlier := await once.recall(tx, Case):
            return earlier
        now = await audit.database.now(tx)
        case = rules.open_case(CaseId.new(), regulator.subject, form, now)
        await supervision.add_matter(tx, case, rules.officers(case))
        await once.remember(tx, case)
        await audit.outbox.record(tx, regulator.actor, now, CaseOpened.of(case))
    return case


async def approve(audit: Audit, regulator: Caller, case_id: CaseId, reason: str, once: Once) -> Case:
    """Raises SamePerson for whoever opened the case."""

    def decide(case: Case, now: datetime) -> Case:
        return rules.approve(case, regulator.subject, reason, now)

    return await _decided(
        audit, regulator, case_id, once, decide, lambda case: CaseApproved(case.id, case.revision, reason)
    )


async def refuse(audit: Audit, regulator: Caller, case_id: CaseId, code: str, reason: str, once: Once) -> Case:
    def decide(case: Case, now: datetime) -> Case:
        return rules.refuse(case, regulator.subject, code, reason, now)

    return await _decided(
        audit, regulator, case_id, once, decide, lambda case: CaseRefused(case.id, case.revision, code, reason)
    )


async def extend(
    audit: Audit, regulator: Caller, case_id: CaseId, expires_at: datetime, reason: str, once: Once
) -> Case:
    def decide(case: Case, now: datetime) -> Case:
        return rules.extend(case, regulator.subject, expires_at, reason, now)

    return await _decided(
        audit, regulator, case_id, once, decide, lambda case: CaseExtended(case.id, case.revision, expires_at, reason)
    )


async def close(audit: Audit, regulator: Caller, case_id: CaseId, outcome: Outcome, finding: str, once: Once) -> Case:
    def decide(case: Case, now: datetime) -> Case:
        return rules.close(case, regulator.subject, outcome, finding, now)

    return await _decided(
        audit, regulator, case_id, once, decide, lambda case: CaseClosed(case.id, case.revision, outcome, finding)
    )


async def listed(audit: Audit, regulator: Caller, page: Page) -> list[Case]:
    """In order of age; one more than the page holds, if there is one."""
    async with audit.database.read() as tx:
        after = page.after_id(CaseId)
        return await supervision.matters_of(
            tx, Case, after, page.limit + 1, reader=regulator.subject, or_state=rules.State.AWAITING_SECOND
        )


async def seen(audit: Audit, regulator: Caller, case_id: CaseId) -> Case:
    """Raises NoSuchCase for a case of others that needs nobody's agreement."""
    async with audit.database.read() as tx:
        case = await supervision.matter(tx, Case, case_id)
    if not rules.shows_to(case, regulator.subject):
        raise NoSuchCase()
    return case


async def pass_deadlines(audit: Audit) -> None:
    async with audit.database.read() as tx:
        due = await supervision.matters_under_way(tx, Case, await audit.database.now(tx), DUE_AT_ONCE)
    for case in due:
        try:
            await _pass_deadline(audit, case.id)
        except Exception:
            log.exception("%s could not be ended; it is tried again", case.id)


async def _decided(
    audit: Audit, regulator: Caller, case_id: CaseId, once: Once, decide: Decide, fact_of: Callable[[Case], CaseFact]
) -> Case:
    async with audit.database.transaction() as tx:
        if earlier := await once.recall(tx, Case):
            return earlier
        before = await supervision.matter_for_update(tx, Case, case_id)
        if not rules.shows_to(before, regulator.subject):
            raise NoSuchCase()
        now = await audit.database.now(tx)
        after = decide(before, now)
        await supervision.save_matter(tx, before, after)
        await supervision.add_readers(tx, after, rules.officers(after))
        await once.remember(tx, after)
        await audit.outbox.record(tx, regulator.actor, now, fact_of(after))
    return after


async def _pass_deadline(audit: Audit, case_id: CaseId) -> None:
    async with audit.database.transaction() as tx:
        before = await supervision.matter_for_update(tx, Case, case_id)
        now = await audit.database.now(tx)
        if before.deadline is None or now < before.deadline:
            return
        after = rules.pass_deadline(before, audit.outbox.service, now)
        await supervision.save_matter(tx, before, after)
        ended = CaseEnded(after.id, after.revision, after.state, str(after.reason_code))
        await audit.outbox.record(tx, audit.outbox.itself, now, ended)

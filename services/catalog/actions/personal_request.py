"""What happens when a person asks for what the law gives them, and when that is answered, refused or left undone.

Their words are disclosed to the keeper of the log under the consent's id: there two persons restrict or erase them.
"""

import secrets
from collections.abc import Callable
from datetime import datetime

from services.catalog.actions import consent as consents
from services.catalog.actions.catalog import Catalog, move_on, viewer
from services.catalog.actions.consent import PERSON
from services.catalog.events import personal_request as events
from services.catalog.events.personal_request import (
    PersonalRequestEscalated,
    PersonalRequestGranted,
    PersonalRequestReceived,
    PersonalRequestRefused,
)
from services.catalog.rules import consent as consent_rules
from services.catalog.rules import personal_request as rules
from services.catalog.rules.personal_request import (
    ANSWERED_WITHIN_WORKING_DAYS,
    GRANTED,
    Due,
    Kind,
    NoSuchPersonalRequest,
    PersonalRequest,
    Words,
)
from services.catalog.rules.viewing import EVERYTHING
from services.catalog.store import consents as consent_store
from services.catalog.store import entries as store
from services.catalog.store import personal_requests as request_store
from shared import jobs
from shared.access import Caller, Member
from shared.disclosing import Disclosure
from shared.facts import SALT_BYTES, Fact, commit
from shared.idempotency import Once
from shared.ids import FactId, PersonalRequestId
from shared.web import Page
from shared.working_days import deadline_after

PURPOSE = "personal_request"
Decide = Callable[[PersonalRequest, datetime], PersonalRequest]


async def ask(catalog: Catalog, receipt: str, kind: Kind, details: str, once: Once) -> PersonalRequest:
    """By whoever shows the receipt of a consent, also of one that is over. Raises NoSuchConsent."""
    async with catalog.database.transaction() as tx:
        if earlier := await once.recall(tx, PersonalRequest):
            return earlier
        shown = await consent_store.consent_by_receipt(tx, consent_rules.receipt_hash(receipt))
        now = await catalog.database.now(tx)
        of = (shown.id, shown.asset_id, shown.version_id, shown.provider_id)
        request = rules.receive(PersonalRequestId.new(), kind, of, _due(now), now)
        await request_store.add_request(tx, request, details)
        fact_id, salt = FactId.new(), secrets.token_bytes(SALT_BYTES)
        await catalog.disclosures.keep(tx, Disclosure(fact_id, "details", details, salt, shown.id, PURPOSE))
        await once.remember(tx, request)
        received = PersonalRequestReceived(*events.head(request), fact_id, commit("details", details, salt))
        await catalog.outbox.record(tx, PERSON, now, received)
    return request


async def mine(catalog: Catalog, receipt: str, page: Page) -> list[tuple[PersonalRequest, Words]]:
    """What was asked under a receipt, and answered; oldest first, one more than the page's limit."""
    after = page.after_id(PersonalRequestId)
    async with catalog.database.read() as tx:
        shown = await consent_store.consent_by_receipt(tx, consent_rules.receipt_hash(receipt))
        return await request_store.under_consent(tx, shown.id, after, page.limit + 1)


async def grant(
    catalog: Catalog, who: Member | Caller, request_id: PersonalRequestId, answer: str, answer_hash: str | None,
    once: Once,
) -> PersonalRequest:  # fmt: skip
    """By its provider in time, by the operator for security after that. A deletion ends the consent as well."""
    by_operator = isinstance(who, Caller)

    def decide(request: PersonalRequest, now: datetime) -> PersonalRequest:
        return rules.grant(request, answer_hash, by_operator=by_operator, now=now)

    return await _answered(catalog, who, request_id, decide, answer, once)


async def refuse(
    catalog: Catalog, who: Member | Caller, request_id: PersonalRequestId, reason_code: str, reason: str, once: Once
) -> PersonalRequest:
    """`reason` is what the person reads (PIPL art. 50)."""
    by_operator = isinstance(who, Caller)

    def decide(request: PersonalRequest, now: datetime) -> PersonalRequest:
        return rules.refuse(request, reason_code, by_operator=by_operator, now=now)

    return await _answered(catalog, who, request_id, decide, reason, once)


async def request(
    catalog: Catalog, caller: Caller, request_id: PersonalRequestId
) -> tuple[PersonalRequest, Words]:  # fmt: skip
    """With its words, for its provider, the operators and the regulator. Raises NoSuchPersonalRequest for others."""
    async with catalog.database.read() as tx:
        found = await request_store.request(tx, request_id, viewer(catalog, caller))
        return found, await request_store.words(tx, request_id)


async def requests(catalog: Catalog, caller: Caller, page: Page) -> list[PersonalRequest]:
    """Newest first, without their words; one more than the page's limit."""
    looking, before = viewer(catalog, caller), page.after_id(PersonalRequestId)
    async with catalog.database.read() as tx:
        return await request_store.page_of_requests(tx, looking, before, page.limit + 1)


async def pass_request_deadlines(catalog: Catalog) -> None:
    """Hand on what nobody answered, and forget the words of what ended long ago."""
    due = await jobs.due(catalog.database, request_store.due_requests)

    async def escalate(request_id: PersonalRequestId) -> None:
        async with catalog.database.transaction() as tx:
            seen = await request_store.request(tx, request_id, EVERYTHING)
            await store.entry_for_update(tx, seen.asset_id)
            now = await catalog.database.now(tx)
            before = await request_store.request(tx, request_id, EVERYTHING)
            if before.deadline is None or now < before.deadline:
                return
            escalated = rules.pass_deadline(before, _due(now))
            await request_store.save_request(tx, escalated)
            await catalog.outbox.record(tx, catalog.outbox.itself, now, PersonalRequestEscalated.of(escalated))

    await move_on(due, escalate)
    async with catalog.database.transaction() as tx:
        await request_store.forget_words(tx, await catalog.database.now(tx))


async def tell_disclosures(catalog: Catalog) -> None:
    await catalog.disclosures.tell()


async def _answered(
    catalog: Catalog, who: Member | Caller, request_id: PersonalRequestId, decide: Decide, answer: str, once: Once
) -> PersonalRequest:
    async with catalog.database.transaction() as tx:
        if earlier := await once.recall(tx, PersonalRequest):
            return earlier
        seen = await request_store.request(tx, request_id, viewer(catalog, who))
        if isinstance(who, Member) and seen.provider_id != who.participant_id:
            raise NoSuchPersonalRequest()
        before = await store.entry_for_update(tx, seen.asset_id)
        now = await catalog.database.now(tx)
        after, answered = before, decide(await request_store.request(tx, request_id, EVERYTHING), now)
        facts = list[Fact]()
        facts.append(
            PersonalRequestGranted.of(answered) if answered.state is GRANTED else PersonalRequestRefused.of(answered)
        )
        consent = await consent_store.consent(tx, answered.consent_id)
        if rules.ends_consent(answered) and consent_rules.stands(consent, now):
            _, after, ended = await consents.end(tx, before, consent.id, consent_rules.ERASED, now)
            facts += ended
        await store.save_entry(tx, before, after)
        await request_store.save_request(tx, answered, answer)
        await once.remember(tx, answered)
        await catalog.outbox.record(tx, who.actor, now, *facts)
    return answered


def _due(now: datetime) -> Due:
    counted = deadline_after(now, ANSWERED_WITHIN_WORKING_DAYS)
    return Due(counted.at, counted.provisional)

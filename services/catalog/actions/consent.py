"""What happens when consents are entered, and when a person withdraws one: it counts in the commit that says so.

Promises: after a withdrawal every version that it concerns has a new grade revision in the same commit, so that whoever
delivers decides anew, within seconds and by law within a day; nothing that a person does here needs an account.
"""

from collections.abc import Sequence
from datetime import datetime

from services.catalog.actions.catalog import Catalog, move_on, viewer
from services.catalog.actions.on_file import on_record
from services.catalog.events.consent import ConsentExpired, ConsentFact, ConsentsGiven, ConsentWithdrawn
from services.catalog.events.records import ConditionsChanged
from services.catalog.rules import asset as asset_rules
from services.catalog.rules import consent as rules
from services.catalog.rules import version as version_rules
from services.catalog.rules.asset import Entry
from services.catalog.rules.consent import Consent, Signature, Text
from services.catalog.rules.version import LAPSED
from services.catalog.store import consents as consent_store
from services.catalog.store import entries as store
from shared import jobs
from shared.access import Caller, Member
from shared.database import Transaction
from shared.facts import Actor, Fact
from shared.idempotency import Once
from shared.ids import ConsentId, VersionId
from shared.web import Page

PERSON = Actor("anonymous", "person", authenticated_by="receipt")


async def give(
    catalog: Catalog, provider: Member, version_id: VersionId, text: Text, persons: Sequence[Signature], once: Once
) -> tuple[Consent, ...]:
    """Enter the consents of several persons to one text. Requires one's own version, and at least one person."""
    async with catalog.database.transaction() as tx:
        if earlier := await once.recall(tx, tuple[Consent, ...]):
            return earlier
        before = await store.entry_of_version_for_update(tx, version_id, provider.participant_id)
        now = await catalog.database.now(tx)
        asset_rules.require_not_withdrawn(before.asset)
        of = (before.asset.id, version_id)
        given = tuple(
            rules.give(ConsentId.new(), of, before.asset.provider_id, text, person, now) for person in persons
        )  # fmt: skip
        was = await on_record(tx, *of, now)
        await consent_store.add_consents(tx, given)
        after, changes = before, list[Fact]()
        if await on_record(tx, *of, now) != was:
            after, changes = await _looked_at_anew(tx, before, version_id, now)
        await store.save_entry(tx, before, after)
        await once.remember(tx, given)
        await catalog.outbox.record(tx, provider.actor, now, ConsentsGiven.of(given), *changes)
    return given


async def mine(catalog: Catalog, receipt: str) -> Consent:
    """For whoever shows the receipt. Raises NoSuchConsent."""
    async with catalog.database.read() as tx:
        return await consent_store.consent_by_receipt(tx, rules.receipt_hash(receipt))


async def withdraw(catalog: Catalog, receipt: str, once: Once) -> Consent:
    """By whoever shows the receipt: no reason is asked for. Raises NoSuchConsent."""
    async with catalog.database.transaction() as tx:
        if earlier := await once.recall(tx, Consent):
            return earlier
        seen = await consent_store.consent_by_receipt(tx, rules.receipt_hash(receipt))
        before = await store.entry_for_update(tx, seen.asset_id)
        now = await catalog.database.now(tx)
        withdrawn, after, facts = await end(tx, before, seen.id, rules.BY_PERSON, now)
        await store.save_entry(tx, before, after)
        await once.remember(tx, withdrawn)
        await catalog.outbox.record(tx, PERSON, now, *facts)
    return withdrawn


async def end(
    tx: Transaction, before: Entry, consent_id: ConsentId, reason_code: str, now: datetime
) -> tuple[Consent, Entry, list[Fact]]:
    """A consent withdrawn, with the entry as it is to be saved. Requires the locked entry of its asset."""
    withdrawn = rules.withdraw(await consent_store.consent(tx, consent_id), reason_code, now)
    await consent_store.save_consent(tx, withdrawn)
    after, changes = await _looked_at_anew(tx, before, withdrawn.version_id, now)
    return withdrawn, after, [ConsentWithdrawn.of(withdrawn), *changes]


async def consents(catalog: Catalog, caller: Caller, version_id: VersionId, page: Page) -> list[Consent]:
    """Those to a version, for its provider and the staff; newest first, one more than the page's limit."""
    looking, before = viewer(catalog, caller), page.after_id(ConsentId)
    async with catalog.database.read() as tx:
        return await consent_store.page_of_consents(tx, looking, version_id, before, page.limit + 1)


async def pass_consent_deadlines(catalog: Catalog) -> None:
    """Notice the consents whose time is up."""
    due = await jobs.due(catalog.database, consent_store.due_consents)

    async def expire(consent_id: ConsentId) -> None:
        async with catalog.database.transaction() as tx:
            seen = await consent_store.consent(tx, consent_id)
            before = await store.entry_for_update(tx, seen.asset_id)
            now = await catalog.database.now(tx)
            consent = await consent_store.consent(tx, consent_id)
            if consent.deadline is None or now < consent.deadline:
                return
            expired = rules.expire(consent)
            await consent_store.save_consent(tx, expired)
            after, changes = await _looked_at_anew(tx, before, expired.version_id, now)
            await store.save_entry(tx, before, after)
            facts: list[ConsentFact] = [ConsentExpired.of(expired)]
            await catalog.outbox.record(tx, catalog.outbox.itself, now, *facts, *changes)

    await move_on(due, expire)


async def _looked_at_anew(
    tx: Transaction, before: Entry, version_id: VersionId, now: datetime
) -> tuple[Entry, list[Fact]]:
    """The version under a new grade revision, whatever its conditions towards all are: towards one recipient they may
    be others than before."""
    version = before.version(version_id)
    if version.graded is None or version.state is LAPSED:
        return before, []
    kept = version_rules.keep_grade(version)
    after = before.replacing(kept)
    conditions = await on_record(tx, before.asset.id, version_id, now)
    return after, [ConditionsChanged.of(after.asset, kept, conditions)]

"""What happens when someone asks for access, decides on it, takes it back, or lets its time pass."""

import logging
from collections.abc import Callable
from datetime import datetime

from services.catalog.actions.catalog import Catalog, require_overseen, viewer
from services.catalog.events.access import (
    AccessAgreed,
    AccessApproved,
    AccessEnded,
    AccessFact,
    AccessLapsed,
    AccessRefused,
    AccessRequested,
    AccessWithdrawn,
)
from services.catalog.rules import access as access_rules
from services.catalog.rules import viewing
from services.catalog.rules.access import (
    APPROVED,
    AWAITING_OPERATOR,
    AWAITING_PROVIDER,
    ENDED,
    AccessRequest,
    Form,
    NoSuchAccessRequest,
    State,
)
from services.catalog.rules.version import Graded, NoSuchVersion
from services.catalog.store import access as store
from services.catalog.store import entries
from shared import jobs
from shared.access import Caller, Member
from shared.database import Transaction
from shared.facts import Actor
from shared.idempotency import Once
from shared.ids import AccessRequestId, ParticipantId, VersionId
from shared.web import Page

log = logging.getLogger(__name__)
Decide = Callable[[AccessRequest, Graded, datetime], AccessRequest]


async def request(catalog: Catalog, buyer: Member, version_id: VersionId, form: Form, once: Once) -> AccessRequest:
    """Requires a registered version whose entry shows to the buyer, or important data that its provider told of."""
    async with catalog.database.transaction() as tx:
        if earlier := await once.recall(tx, AccessRequest):
            return earlier
        now = await catalog.database.now(tx)
        entry = await entries.entry_of_version(tx, version_id)
        version = entry.version(version_id)
        looking = viewer(catalog, buyer)
        shows = viewing.shows_version(entry, version, looking) or viewing.may_be_told_of(entry, version, looking)
        if not shows or not version.is_registered:
            raise NoSuchVersion()
        assert version.graded
        asked = access_rules.request(
            AccessRequestId.new(), buyer.participant_id, buyer.subject, form, asset_id=entry.asset.id,
            version_id=version_id, provider_id=entry.asset.provider_id, grade=version.graded.grade,
            flags=version.graded.flags, earlier=await store.of_buyer(tx, version_id, buyer.participant_id), now=now,
        )  # fmt: skip
        await store.add(tx, asked)
        await once.remember(tx, asked)
        await catalog.outbox.record(tx, buyer.actor, now, AccessRequested.of(asked))
    return asked


async def approve_as_provider(
    catalog: Catalog, provider: Member, request_id: AccessRequestId, reason: str, once: Once
) -> AccessRequest:
    """Raises NoSuchAccessRequest unless the member's organisation provides the version."""

    def decide(asked: AccessRequest, graded: Graded, now: datetime) -> AccessRequest:
        _require(asked.provider_id == provider.participant_id)
        return access_rules.approve_as_provider(asked, provider.subject, reason, graded.grade, graded.flags, now)

    return await _decided(catalog, provider.actor, request_id, decide, once)


async def approve_as_operator(
    catalog: Catalog, operator: Caller, request_id: AccessRequestId, reason: str, once: Once
) -> AccessRequest:
    def decide(asked: AccessRequest, graded: Graded, now: datetime) -> AccessRequest:
        return access_rules.approve_as_operator(
            asked, operator.subject, reason, operator.participant_id, graded.grade, graded.flags, now
        )

    return await _decided(catalog, operator.actor, request_id, decide, once, officer=operator)


async def refuse_as_provider(
    catalog: Catalog, provider: Member, request_id: AccessRequestId, reason_code: str, reason: str, once: Once
) -> AccessRequest:
    def decide(asked: AccessRequest, _: Graded, now: datetime) -> AccessRequest:
        _require(asked.provider_id == provider.participant_id)
        return access_rules.refuse(asked, AWAITING_PROVIDER, provider.subject, reason_code, reason, now)

    return await _decided(catalog, provider.actor, request_id, decide, once)


async def refuse_as_operator(
    catalog: Catalog, operator: Caller, request_id: AccessRequestId, reason_code: str, reason: str, once: Once
) -> AccessRequest:
    def decide(asked: AccessRequest, _: Graded, now: datetime) -> AccessRequest:
        access_rules.require_impartial(asked, operator.participant_id)
        return access_rules.refuse(asked, AWAITING_OPERATOR, operator.subject, reason_code, reason, now)

    return await _decided(catalog, operator.actor, request_id, decide, once, officer=operator)


async def withdraw(catalog: Catalog, buyer: Member, request_id: AccessRequestId, once: Once) -> AccessRequest:
    def decide(asked: AccessRequest, _: Graded, now: datetime) -> AccessRequest:
        _require(asked.buyer_id == buyer.participant_id)
        return access_rules.withdraw(asked, buyer.subject, now)

    return await _decided(catalog, buyer.actor, request_id, decide, once)


async def revoke(
    catalog: Catalog, provider: Member, request_id: AccessRequestId, reason_code: str, reason: str, once: Once
) -> AccessRequest:
    def decide(asked: AccessRequest, _: Graded, now: datetime) -> AccessRequest:
        _require(asked.provider_id == provider.participant_id)
        return access_rules.revoke(asked, provider.subject, reason_code, reason, now)

    return await _decided(catalog, provider.actor, request_id, decide, once)


async def seen(catalog: Catalog, caller: Caller, request_id: AccessRequestId) -> AccessRequest:
    """For the two sides, the operators and the regulator. Raises NoSuchAccessRequest alike for all others."""
    async with catalog.database.read() as tx:
        asked = await store.request(tx, request_id)
        entry = await entries.entry(tx, asked.asset_id)
    _require(caller.participant_id == asked.buyer_id or viewer(catalog, caller).reads_files_of(entry))
    return asked


async def listed(catalog: Catalog, caller: Caller, state: State | None, page: Page) -> list[AccessRequest]:
    """Oldest first: what the caller's organisation asks for or is asked for; for the staff, what they oversee."""
    async with catalog.database.read() as tx:
        after = page.after_id(AccessRequestId)
        return await store.listed(tx, viewer(catalog, caller), state, after, page.limit + 1)


async def standing(catalog: Catalog, version_id: VersionId, buyer_id: ParticipantId) -> list[AccessRequest]:
    """The approvals that are worth something now. Raises NoSuchVersion."""
    async with catalog.database.read() as tx:
        graded = (await entries.entry_of_version(tx, version_id)).version(version_id).graded
        now = await catalog.database.now(tx)
        approved = await store.approved_of(tx, [version_id], buyer_id)
    return [one for one in approved if graded and access_rules.stands(one, graded.grade, now)]


async def pass_deadlines(catalog: Catalog) -> None:
    """Let requests lapse that nobody decided, and approvals end whose time is up."""
    due = await jobs.due(catalog.database, store.due)
    for request_id in due:
        async with catalog.database.transaction() as tx:
            asked = await store.request_for_update(tx, request_id)
            now = await catalog.database.now(tx)
            if asked.deadline is not None and asked.deadline <= now:
                asked = access_rules.pass_deadline(asked, catalog.outbox.itself.id, now)
                await store.save(tx, asked)
                await catalog.outbox.record(tx, catalog.outbox.itself, now, _told(asked))


async def _decided(
    catalog: Catalog, actor: Actor, request_id: AccessRequestId, decide: Decide, once: Once,
    officer: Caller | None = None,
) -> AccessRequest:  # fmt: skip
    async with catalog.database.transaction() as tx:
        if answered := await once.recall(tx, AccessRequest):
            return answered
        asked = await store.request_for_update(tx, request_id)
        entry = await entries.entry_of_version(tx, asked.version_id)
        if officer:
            require_overseen(catalog, officer, entry, NoSuchAccessRequest)
        graded = entry.version(asked.version_id).graded
        assert graded
        now = await catalog.database.now(tx)
        after = decide(asked, graded, now)
        facts: list[AccessFact] = [_told(after)]
        if after.state is APPROVED:
            facts = [*await _make_way(tx, after, actor.id, now), *facts]
        await store.save(tx, after)
        await once.remember(tx, after)
        await catalog.outbox.record(tx, actor, now, *facts)
    return after


async def _make_way(tx: Transaction, approved: AccessRequest, by: str, now: datetime) -> list[AccessFact]:
    """End the approval before this one: it is renewed by it, or its time was up and nobody has noticed yet."""
    facts: list[AccessFact] = []
    for one in await store.approved_of(tx, [approved.version_id], approved.buyer_id):
        if one.form.mode is approved.form.mode:
            earlier = await store.request_for_update(tx, one.id)
            ended = access_rules.give_way(earlier, by, now)
            await store.save(tx, ended)
            facts.append(AccessEnded.of(ended))
    return facts


def _told(asked: AccessRequest) -> AccessFact:
    match asked.state:
        case State.APPROVED:
            return AccessApproved.of(asked)
        case State.AWAITING_OPERATOR:
            return AccessAgreed.of(asked)
        case State.REFUSED:
            return AccessRefused.of(asked)
        case State.WITHDRAWN:
            return AccessWithdrawn.of(asked)
        case State.LAPSED:
            return AccessLapsed.of(asked)
        case _:
            assert asked.state is ENDED
            return AccessEnded.of(asked)


def _require(theirs: bool) -> None:
    if not theirs:
        raise NoSuchAccessRequest()

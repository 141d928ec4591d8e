"""What happens to a need: published, matched, turned into an inquiry in one act, or ended.

Promises: nobody is asked while a row is locked, and nobody at all to match: what the catalogue said of a version is
kept since its first listing; a match shows only what this buyer may see and may have now.
"""

import secrets
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime

from services.trading.actions import inquiry as inquiries
from services.trading.actions.permission import Sight, sight_of
from services.trading.actions.trading import Trading, fees_of_today
from services.trading.events.need import NeedEnded, NeedPublished
from services.trading.rules import matching
from services.trading.rules import need as rules
from services.trading.rules.inquiry import Inquiry
from services.trading.rules.inquiry_terms import Asked, misfit
from services.trading.rules.listing import Listing
from services.trading.rules.matching import Match
from services.trading.rules.need import OPEN, Need, NoSuchNeed, Wanted
from services.trading.rules.right import RightKind
from services.trading.rules.scoring import ScoringRule
from services.trading.store import need as store
from shared import tenancy
from shared.access import Caller, Member, Role
from shared.database import Transaction
from shared.facts import SALT_BYTES
from shared.grades import decide
from shared.idempotency import Once
from shared.ids import NeedId, ParticipantId
from shared.standing import Standing
from shared.web import Page


@dataclass(frozen=True, slots=True)
class ToInquiry:
    """What an inquiry says beyond the need that it is made of. `invited_max` of the best are asked."""

    right_kind: RightKind
    right_field: str
    territory: str
    period_days: int
    quota_uses: int
    scoring: ScoringRule
    offers_until: datetime
    invited_max: int


async def publish(trading: Trading, caller: Member, wanted: Wanted, valid_until: datetime, once: Once) -> Need:
    """Say what one looks for. A budget that is not open is sealed."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Need):
            return earlier
        now = await trading.database.now(tx)
        need = rules.publish(NeedId.new(), caller.participant_id, wanted, valid_until, now)
        salt = secrets.token_hex(SALT_BYTES) if wanted.budget and not wanted.budget_is_open else None
        await store.add_need(tx, need, salt)
        await once.remember(tx, need)
        await trading.outbox.record(tx, caller.actor, now, NeedPublished.of(need, salt))
    return need


async def close(trading: Trading, caller: Member, need_id: NeedId, once: Once) -> Need:
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Need):
            return earlier
        need = await _own(tx, caller, need_id, lock=True)
        now = await trading.database.now(tx)
        need = rules.close(need, now)
        await store.save_need(tx, need)
        await once.remember(tx, need)
        await trading.outbox.record(tx, caller.actor, now, NeedEnded.of(need))
    return need


async def become_inquiry(
    trading: Trading, caller: Member, need_id: NeedId, to: ToInquiry, once: Once
) -> Inquiry:  # fmt: skip
    """Ask the providers of the best listings that could be offered as what is asked for: at least three."""
    fees = await fees_of_today(trading)
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Inquiry):
            return earlier
        need = await _own(tx, caller, need_id, lock=True)
        now = await trading.database.now(tx)
        rules.require_open(need, now)
        wanted = need.wanted
        asked = Asked(
            wanted.purpose, wanted.mode, wanted.grade_ceiling, to.right_kind, to.right_field, to.territory,
            to.period_days, to.quota_uses,
        )  # fmt: skip
        matches = await _matches(trading, tx, caller, need, now)
        invited = _invited(trading, caller, [
            match for match in matches if misfit(asked, match.listing, match.listing.provider_id, now) is None
        ], to.invited_max)  # fmt: skip
        inquiry, facts = await inquiries.add(trading, tx, caller, inquiries.Wanted(
            wanted.title, wanted.description, asked, to.scoring, wanted.budget, wanted.budget_is_open,
            to.offers_until, invited,
        ), fees, need.id, now)  # fmt: skip
        need = rules.become_inquiry(need, inquiry.id, now)
        await store.save_need(tx, need)
        await once.remember(tx, inquiry)
        await trading.outbox.record(tx, caller.actor, now, *facts, NeedEnded.of(need))
    return inquiry


async def matches(
    trading: Trading, caller: Member, need_id: NeedId, place: tuple[int, str] | None, limit: int
) -> list[Match]:
    """The best listings for an open need of one's own, after a place in the ranking; one more than the limit."""
    async with trading.database.read() as tx:
        need = await _own(tx, caller, need_id)
        now = await trading.database.now(tx)
        rules.require_open(need, now)
        found = await _matches(trading, tx, caller, need, now)
    return list(matching.after(found, place))[: limit + 1]


async def pass_deadline(trading: Trading, need_id: NeedId) -> None:
    """End a need whose time is up, if nobody has yet."""
    async with trading.database.transaction() as tx:
        need = await store.need(tx, need_id, lock=True)
        now = await trading.database.now(tx)
        if not rules.is_due(need, now):
            return
        need = rules.expire(need)
        await store.save_need(tx, need)
        await trading.outbox.record(tx, trading.outbox.itself, now, NeedEnded.of(need))


async def need(trading: Trading, caller: Caller, party_id: ParticipantId | None, need_id: NeedId) -> Need:
    """One's own, or, for providers, an open one that goes up to a grade they may see. For supervisors (None) any."""
    grades = _seen_by_provider(trading, caller).grades if party_id else ()
    with tenancy.for_everyone() if grades else nullcontext():
        async with trading.database.read() as tx:
            found = await store.need(tx, need_id)
            now = await trading.database.now(tx)
    if party_id is None or found.buyer_id == party_id:
        return found
    if found.wanted.grade_ceiling not in grades or found.state is not OPEN or rules.is_due(found, now):
        raise NoSuchNeed()
    return found


async def own_needs(trading: Trading, party_id: ParticipantId | None, page: Page) -> list[Need]:
    async with trading.database.read() as tx:
        return await store.page_of_own_needs(tx, page, party_id)


async def open_needs(trading: Trading, provider: Member, page: Page) -> list[Need]:
    """What buyers look for, as far as the grade that it goes up to lets this provider see it."""
    grades = _seen_by_provider(trading, provider.caller).grades
    with tenancy.for_everyone():
        async with trading.database.read() as tx:
            return await store.page_of_open_needs(tx, page, grades, await trading.database.now(tx))


async def _matches(trading: Trading, tx: Transaction, caller: Member, need: Need, now: datetime) -> list[Match]:
    grades = sight_of(trading, caller.caller).grades
    found = await store.listings_to_match(tx, need.wanted, grades, caller.participant_id, now)
    return matching.rank(
        need.wanted, [each for each in found if _may_have(trading, caller.standing, each[0])]
    )  # fmt: skip


def _may_have(trading: Trading, buyer: Standing, listing: Listing) -> bool:
    """Whether this buyer could be sold the listing now, by a provider who may sell."""
    trading.standing.require_fresh(listing.grade)
    if buyer.is_related_to(listing.provider_id) or not inquiries.invitee(trading, listing.provider_id).is_provider:
        return False
    return decide(listing.grade, listing.mode, buyer.clearance, listing.flags, listing.conditions).allowed


def _invited(
    trading: Trading, caller: Member, offerable: list[Match], invited_max: int
) -> tuple[ParticipantId, ...]:  # fmt: skip
    known = {match.listing.provider_id: inquiries.invitee(trading, match.listing.provider_id) for match in offerable}
    buyer = inquiries.invitee(trading, caller.participant_id)
    chosen = matching.invited_by(offerable, buyer, known, invited_max)
    return tuple(each.participant_id for each in chosen)


def _seen_by_provider(trading: Trading, caller: Caller) -> Sight:
    """Nothing, for whoever is no admitted provider."""
    if caller.participant_id is None or Role.PROVIDER not in caller.roles:
        return Sight((), None)
    admitted = inquiries.invitee(trading, caller.participant_id).is_provider
    return sight_of(trading, caller) if admitted else Sight((), None)


async def _own(tx: Transaction, caller: Member, need_id: NeedId, *, lock: bool = False) -> Need:
    """The buyer's own need: another's is not there."""
    found = await store.need(tx, need_id, lock=lock)
    if found.buyer_id != caller.participant_id:
        raise NoSuchNeed()
    return found

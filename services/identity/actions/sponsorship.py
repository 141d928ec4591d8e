"""What happens when an organisation asks another to vouch for it, when that one signs, and when it vouches no longer.

Promises: whoever loses a sponsor that it takes is told by when it needs another, in the transaction that took the
sponsor away. Locks: the sponsor, then the sponsored by id, then what is between them.
"""

import base64
from collections.abc import Iterable
from datetime import datetime

from services.identity.actions.account import recall_for, require_administrator
from services.identity.actions.identity import Identity
from services.identity.events.participants import VerificationShortened
from services.identity.events.sponsorships import SponsorshipAsked, SponsorshipEnded, SponsorshipSigned
from services.identity.rules import participant as participant_rules
from services.identity.rules import sponsorship as rules
from services.identity.rules.document import Proofs
from services.identity.rules.merchant import takes_sponsor
from services.identity.rules.participant import (
    ADMITTED,
    APPLIED,
    PARTICIPANT,
    REFUSED,
    Affiliation,
    NoSuchParticipant,
    Participant,
)
from services.identity.rules.role import OPERATORS, Role
from services.identity.rules.signing_key import KeyRevoked
from services.identity.rules.sponsorship import (
    IN_FORCE,
    Ending,
    Signature,
    Sponsorship,
    SponsorshipSignatureInvalid,
    State,
)
from services.identity.store import account
from services.identity.store import document as document_store
from services.identity.store import participant as participant_store
from services.identity.store import sponsorship as store
from shared.access import Caller, Member
from shared.database import Transaction
from shared.facts import Fact
from shared.idempotency import Once
from shared.ids import KeyId, ParticipantId, SponsorshipId
from shared.signing import public_key_of, verifies
from shared.web import Page

NOT_IN_SIGHT = {APPLIED, REFUSED}


async def ask(
    identity: Identity, caller: Caller, sponsor_id: ParticipantId, ends_at: datetime, once: Once
) -> Sponsorship:  # fmt: skip
    """Ask another organisation to vouch for one's own. Requires an administrator."""
    async with identity.database.transaction() as tx:
        if earlier := await recall_for(tx, caller, once, Sponsorship):
            return earlier
        sponsored = await participant_store.participant(tx, await require_administrator(tx, caller))
        participant_rules.require_present(sponsored)
        sponsor = await participant_store.participant(tx, sponsor_id)
        if sponsor.status in NOT_IN_SIGHT and sponsor.id != sponsored.id:
            raise NoSuchParticipant()
        affiliates = frozenset(await participant_store.affiliates_of(tx, sponsored.id))
        now = await identity.database.now(tx)
        asked = rules.ask(
            SponsorshipId.new(), sponsor, sponsored, affiliates, identity.sponsored_classes, ends_at, now
        )  # fmt: skip
        await store.add(tx, asked)
        await once.remember(tx, asked)
        await identity.outbox.record(tx, caller.actor, now, SponsorshipAsked.of(asked))
    return asked


async def sign(
    identity: Identity, caller: Member, sponsorship_id: SponsorshipId, finding: str, key_id: KeyId, signature: str,
    once: Once,
) -> Sponsorship:  # fmt: skip
    """Vouch for whoever asked, by a signature with a key of one's own organisation. An earlier sponsor of theirs is
    released. Requires an administrator, and base64."""
    async with identity.database.transaction() as tx:
        if earlier := await recall_for(tx, caller.caller, once, Sponsorship):
            return earlier
        seen = await store.sponsorship(tx, sponsorship_id)
        rules.require_side(seen, caller.participant_id, seen.sponsor_id)
        await require_administrator(tx, caller.caller)
        sponsor = await participant_store.participant_for_update(tx, seen.sponsor_id)
        sponsored = await participant_store.participant_for_update(tx, seen.sponsored_id)
        asked = await store.sponsorship(tx, sponsorship_id, lock=True)
        now = await identity.database.now(tx)
        await _require_signed(tx, asked, key_id, signature)
        signed = rules.sign(
            asked, sponsor, sponsored, frozenset(await participant_store.affiliates_of(tx, sponsored.id)),
            identity.sponsored_classes, await store.count_by(tx, sponsor.id), Signature(key_id, signature, now),
        )  # fmt: skip
        facts: list[Fact] = []
        if former := await store.in_force_for(tx, sponsored.id):
            facts.append(await _end(tx, former, Ending.SUCCEEDED))
        await store.save(tx, signed)
        await once.remember(tx, signed)
        await identity.outbox.record(tx, caller.actor, now, *facts, SponsorshipSigned.of(signed, finding))
    return signed


async def decline(
    identity: Identity, caller: Caller, sponsorship_id: SponsorshipId, reason_code: str, once: Once
) -> Sponsorship:
    """Do not vouch for whoever asked. By an administrator of the sponsor."""
    async with identity.database.transaction() as tx:
        if earlier := await recall_for(tx, caller, once, Sponsorship):
            return earlier
        asked = await store.sponsorship(tx, sponsorship_id, lock=True)
        rules.require_side(asked, caller.participant_id, asked.sponsor_id)
        await require_administrator(tx, caller)
        declined = rules.decline(asked, reason_code)
        now = await identity.database.now(tx)
        await store.save(tx, declined)
        await once.remember(tx, declined)
        await identity.outbox.record(tx, caller.actor, now, SponsorshipEnded.of(declined))
    return declined


async def end(
    identity: Identity, caller: Caller, sponsorship_id: SponsorshipId, reason_code: str, reason: str, once: Once
) -> Sponsorship:
    """Vouch for an organisation no longer, or give up the sponsor one has or has asked. By an administrator of either
    side; what is only asked is the sponsor's to decline."""
    async with identity.database.transaction() as tx:
        if earlier := await recall_for(tx, caller, once, Sponsorship):
            return earlier
        seen = await store.sponsorship(tx, sponsorship_id)
        rules.require_side(seen, caller.participant_id)
        await require_administrator(tx, caller)
        sponsored = await participant_store.participant_for_update(tx, seen.sponsored_id)
        before = await store.sponsorship(tx, sponsorship_id, lock=True)
        by_sponsored = caller.participant_id == before.sponsored_id
        rule = rules.end if by_sponsored or before.state is IN_FORCE else rules.decline
        ended = rule(before, reason_code)
        now = await identity.database.now(tx)
        await store.save(tx, ended)
        facts: list[Fact] = [SponsorshipEnded.of(ended, reason)]
        if before.state is IN_FORCE:
            facts += await _lose(identity, tx, sponsored, now)
        await once.remember(tx, ended)
        await identity.outbox.record(tx, caller.actor, now, *facts)
    return ended


async def sponsorship(identity: Identity, caller: Caller, sponsorship_id: SponsorshipId) -> Sponsorship:
    async with identity.database.read() as tx:
        found = await store.sponsorship(tx, sponsorship_id)
    if not _sees_all(caller):
        rules.require_side(found, caller.participant_id)
    return found


async def sponsorships(identity: Identity, caller: Caller, state: State | None, page: Page) -> list[Sponsorship]:
    if caller.participant_id is None and not _sees_all(caller):
        return []
    own = None if _sees_all(caller) else caller.participant_id
    async with identity.database.read() as tx:
        return await store.sponsorships_of(tx, own, state, page.after_id(SponsorshipId), page.limit + 1)


async def proofs(identity: Identity, tx: Transaction, participant: Participant, now: datetime) -> Proofs:
    """What is proven of an organisation, and whether one vouches for it that must. Requires that it is locked."""
    proven = await document_store.proofs(tx, participant.id, now)
    if not takes_sponsor(participant.roles, participant.classes, identity.sponsored_classes):
        return proven
    found = await store.in_force_for(tx, participant.id)
    sponsor = await participant_store.participant(tx, found.sponsor_id) if found else None
    until = rules.vouches_until(found, sponsor, now)
    return Proofs(proven.until, proven.checked_by, takes_sponsor=True, sponsored_until=until)


async def follow_standing(
    identity: Identity, tx: Transaction, before: Participant, after: Participant, since: datetime
) -> list[Fact]:
    """What becomes of those for whom an organisation vouches that is admitted no longer, and of what it asked for
    itself once it has left. Requires that it is locked."""
    facts: list[Fact] = []
    if before.status is ADMITTED and after.status is not ADMITTED:
        facts += await take_away_all(identity, tx, after.id, since)
    if not PARTICIPANT.moves[after.status]:
        facts += [await _end(tx, each, Ending.SPONSORED_LEFT) for each in await store.open_for(tx, after.id)]
    return facts


async def take_away_all(
    identity: Identity, tx: Transaction, sponsor_id: ParticipantId, since: datetime
) -> list[Fact]:  # fmt: skip
    """What becomes of those for whom an organisation vouches that may not any more. Requires that it is locked."""
    given = await store.in_force_by(tx, sponsor_id)
    return await _take_away(identity, tx, given, Ending.SPONSOR_NOT_ADMITTED, since)


async def follow_affiliation(
    identity: Identity, tx: Transaction, affiliation: Affiliation, now: datetime
) -> list[Fact]:
    """Whoever vouches for what turns out to be its affiliate vouches for it no longer. Requires both to be locked."""
    both = {affiliation.one_id, affiliation.other_id}
    found = [each for sponsor in sorted(both) for each in await store.in_force_by(tx, sponsor)]
    between = [each for each in found if {each.sponsor_id, each.sponsored_id} == both]
    return await _take_away(identity, tx, between, Ending.AFFILIATED, now)


async def pass_deadlines(identity: Identity) -> None:
    """End every sponsorship that nobody signed in time, or whose period is over."""
    async with identity.database.transaction() as tx:
        now = await identity.database.now(tx)
        seen = await store.sponsorships_due(tx, now)
        organisations = await _locked(tx, seen)
        facts: list[Fact] = []
        for before in await store.locked(tx, [each.id for each in seen]):
            if before.deadline is None or before.deadline > now:
                continue
            passed = rules.pass_deadline(before)
            await store.save(tx, passed)
            facts.append(SponsorshipEnded.of(passed))
            if before.state is IN_FORCE:
                facts += await _lose(identity, tx, organisations[before.sponsored_id], before.deadline)
        await identity.outbox.record(tx, identity.outbox.itself, now, *facts)


async def _take_away(
    identity: Identity, tx: Transaction, given: Iterable[Sponsorship], why: Ending, since: datetime
) -> list[Fact]:
    organisations = await _locked(tx, given)
    facts: list[Fact] = []
    for each in await store.locked(tx, [each.id for each in given]):
        if each.state is IN_FORCE:
            facts.append(await _end(tx, each, why))
            facts += await _lose(identity, tx, organisations[each.sponsored_id], since)
    return facts


async def _locked(tx: Transaction, given: Iterable[Sponsorship]) -> dict[ParticipantId, Participant]:
    ids = sorted({each.sponsored_id for each in given})
    return {each: await participant_store.participant_for_update(tx, each) for each in ids}


async def _end(tx: Transaction, sponsorship: Sponsorship, why: Ending) -> Fact:
    ended = rules.end(sponsorship, why)
    await store.save(tx, ended)
    return SponsorshipEnded.of(ended)


async def _lose(identity: Identity, tx: Transaction, sponsored: Participant, since: datetime) -> list[Fact]:
    if not takes_sponsor(sponsored.roles, sponsored.classes, identity.sponsored_classes):
        return []
    after = participant_rules.lose_sponsor(sponsored, since)
    if after == sponsored:
        return []
    await participant_store.save_participant(tx, after, since=sponsored.revision)
    if after.deadline == sponsored.deadline or after.verified_until is None:
        return []
    return [VerificationShortened(after.id, after.revision, after.verified_until)]


async def _require_signed(tx: Transaction, asked: Sponsorship, key_id: KeyId, signature: str) -> None:
    """Raises NoSuchKey for what is not a key of the sponsor's, KeyRevoked, SponsorshipSignatureInvalid."""
    key = await account.signing_key_for_update(tx, key_id, asked.sponsor_id)
    if key.revoked_at is not None:
        raise KeyRevoked()
    if not verifies(public_key_of(key.public_key), rules.message(asked), base64.b64decode(signature)):
        raise SponsorshipSignatureInvalid()


def _sees_all(caller: Caller) -> bool:
    return bool(caller.roles & (OPERATORS | {Role.REGULATOR}))

"""What happens here on trading's news of sanctions: their subject is suspended everywhere, for as long as they stand.

Promises: each fact of trading is taken in once, and whatever follows from it is announced in the same commit; whatever
order facts come in, the same sanction binds in the end. Nothing but trading's word, or its end, lifts one.
"""

from datetime import datetime
from functools import partial

from services.identity.actions import sponsorship
from services.identity.actions.identity import Identity
from services.identity.events.sanctions import ParticipantSanctioned, ParticipantSanctionLifted
from services.identity.rules import participant as participant_rules
from services.identity.rules import sanction as rules
from services.identity.rules.participant import ADMITTED, NoSuchParticipant, Participant, status_at
from services.identity.rules.sanction import Sanction
from services.identity.schemas.followed import ToldSanction
from services.identity.store import participant as participant_store
from services.identity.store import sanction as store
from shared.changes import Change, Follower
from shared.database import Transaction
from shared.facts import Fact

IN_FORCE, OVER = "trading.sanction_imposed", frozenset({"trading.sanction_revoked", "trading.sanction_ended"})


def follower_of_trading(identity: Identity) -> Follower:
    """Takes in what trading announces, each fact once."""
    apply = partial(take_in, identity)
    return Follower(identity.database, identity.clock, "trading", identity.trading_feed, apply)


async def take_in(identity: Identity, tx: Transaction, change: Change) -> None:
    """Take in one fact, in the transaction that marks it as seen."""
    if change.act == IN_FORCE:
        await _follow(identity, tx, ToldSanction.model_validate(change.data).in_force())
    elif change.act in OVER:
        await _follow(identity, tx, ToldSanction.model_validate(change.data).over())


async def bind(tx: Transaction, participant: Participant) -> tuple[Participant, list[Fact]]:
    """A participant under whatever is in force against its organisation, and what to announce if that is news.
    Requires it locked; saves nothing."""
    against = rules.binding(await store.against(tx, participant.uscc))
    bound = participant_rules.bind(participant, against)
    if bound is participant:
        return participant, []
    if against is not None:
        return bound, [ParticipantSanctioned.of(bound, against)]
    return bound, [ParticipantSanctionLifted.of(bound, participant)]


async def _follow(identity: Identity, tx: Transaction, told: Sanction) -> None:
    try:
        subject = await participant_store.participant(tx, told.participant_id)
    except NoSuchParticipant:
        return  # of a register that this one was not
    before = await participant_store.living_for_update(tx, subject.uscc)
    known = await store.sanction_for_update(tx, told.id)
    if rules.last_told(known, told) is known:
        return
    await store.put(tx, told, subject.uscc)
    if before is None:
        return  # it has left; who comes back is bound when it is admitted
    now = await identity.database.now(tx)
    after, facts = await bind(tx, before)
    if not facts:
        return
    await participant_store.save_participant(tx, after)
    facts += await _no_longer_vouch(identity, tx, before, after, now)
    await identity.outbox.record(tx, identity.outbox.itself, now, *facts)


async def _no_longer_vouch(
    identity: Identity, tx: Transaction, before: Participant, after: Participant, now: datetime
) -> list[Fact]:  # fmt: skip
    """Whoever is suspended vouches for nobody, whatever it is suspended for."""
    if status_at(before, now) is not ADMITTED or status_at(after, now) is ADMITTED:
        return []
    return await sponsorship.take_away_all(identity, tx, after.id, now)

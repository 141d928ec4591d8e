"""How those who decide are drawn, by the rule of `rules/arbiter_draw`, and when what is due in a dispute.

Promises: a seed is drawn and committed to before the other side says its number, and told by the draw; who is eligible
is decided at the draw, by the register and the affiliations of that moment; who reviewed what is in dispute, and which
checkpoint stands for a side that said nothing, is asked before the transaction.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.trading.actions.evidence_log import NO_BEACON
from services.trading.actions.trading import Trading
from services.trading.actions.working_day import due_in
from services.trading.rules import arbiter_draw as rules
from services.trading.rules.dispute import APPEAL, EVIDENCE, OPEN, PANEL_SIZE, REVIEW, Dispute
from services.trading.rules.dispute_rules import DisputeRules, Step, Unit
from services.trading.rules.due_date import DueDate
from services.trading.rules.hearing import Next
from services.trading.rules.ruling import Panel
from services.trading.store import arbiter as arbiter_store
from services.trading.store import dispute as store
from shared.database import Transaction
from shared.errors import NotAdmitted
from shared.facts import SALT_BYTES
from shared.ids import DisputeId, FactId, ParticipantId

MOMENT = timedelta(microseconds=1)
BEACON_WAIT = timedelta(days=7)
DRAWN_AT_THE_END_OF = frozenset({OPEN, EVIDENCE, REVIEW, APPEAL})


def deadline(dispute_rules: DisputeRules, step: Step, now: datetime) -> DueDate:
    """When a step that begins now ends."""
    return after(dispute_rules, dispute_rules.length(step), now)


def after(dispute_rules: DisputeRules, length: int, moment: datetime) -> DueDate:
    """Requires a length of one at least."""
    if dispute_rules.unit is Unit.SECONDS:
        return DueDate(moment + timedelta(seconds=length))
    return due_in(length, moment)


def later(dispute: Dispute, length: int) -> DueDate:
    """The dispute's deadline, so much later: a deadline is the end of its day. Requires an open dispute."""
    assert dispute.deadline is not None
    exact = dispute.rules.unit is Unit.SECONDS
    return after(dispute.rules, max(length, 1), dispute.deadline if exact else dispute.deadline - MOMENT)


def new_seed() -> str:
    return secrets.token_hex(SALT_BYTES)


@dataclass(frozen=True, slots=True)
class Beforehand:
    """What the neighbours say before the draw of the round that a fact began; of none, if there is nothing to draw.
    `beacon`: None if it is not there yet."""

    began_by: FactId | None = None
    reviewers: frozenset[str] = frozenset()
    beacon: str | None = NO_BEACON


async def ask_beforehand(trading: Trading, dispute_id: DisputeId, *, both_said: bool) -> Beforehand:
    """`both_said`: no side's number will be missing. Nobody is asked where nobody will be drawn. Raises NoSuchDispute,
    Unavailable."""
    async with trading.database.read() as tx:
        dispute = await store.dispute(tx, dispute_id)
        version_id = await store.version_of(tx, dispute_id)
    if dispute.panel is not None or not (both_said or dispute.state in DRAWN_AT_THE_END_OF):
        return Beforehand()
    reviewers, began_by = frozenset(await trading.catalog.reviewers(version_id)), dispute.opened_by
    if both_said or not dispute.nonces[-1].is_one_sided:
        return Beforehand(began_by, reviewers)
    return Beforehand(began_by, reviewers, await trading.log.beacon(began_by))


def awaits_beacon(dispute: Dispute, beforehand: Beforehand, now: datetime) -> bool:
    """Whether an appeal that one side paid for waits for the log, rather than for nobody: for some days, no longer."""
    heard_alone = dispute.awaits_funds and not dispute.rules.lone_funder_wins
    if not heard_alone or dispute.deadline is None or now >= dispute.deadline + BEACON_WAIT:
        return False
    return beforehand.beacon is None or beforehand.began_by != dispute.opened_by


async def draw(
    trading: Trading, tx: Transaction, dispute: Dispute, beforehand: Beforehand, now: datetime
) -> Panel | None:  # fmt: skip
    """The panel of the dispute's round. None if it is drawn already, if nobody is eligible now, or if a side said
    nothing and the log has no checkpoint in its place yet."""
    nonces = dispute.nonces[-1]
    beacon = beforehand.beacon if nonces.is_one_sided else NO_BEACON
    if dispute.panel is not None or beforehand.began_by != dispute.opened_by or beacon is None:
        return None
    sat = {each for panel in dispute.panels for each in (*panel.seated, *(gone.arbiter_id for gone in panel.gone))}
    register = await arbiter_store.register(tx)
    disabled = {each.id for each in register if trading.standing.is_disabled(each.id)}
    eligible = rules.eligible(register, related(trading, dispute), sat | disabled | beforehand.reviewers)
    if not eligible:
        return None
    number = dispute.number
    seed = await store.seed_of(tx, dispute.id, number)
    order = rules.drawn(seed, dispute.commitments[number - 1], dispute.id, number, nonces, eligible, beacon or None)
    return Panel(number, PANEL_SIZE[number], seed, nonces, eligible, order, now, beacon=beacon or None)


def related(trading: Trading, dispute: Dispute) -> frozenset[ParticipantId]:
    """Both parties and whoever they are affiliated with."""
    found = {dispute.buyer_id, dispute.provider_id}
    for party_id in (dispute.buyer_id, dispute.provider_id):
        try:
            found |= trading.standing.of(party_id).affiliates
        except NotAdmitted:
            continue
    return frozenset(found)


async def seed_for_appeal(tx: Transaction, dispute: Dispute) -> str:
    """The commitment to the seed of an appeal's draw, kept from now on. One that was made before stays; of what is
    heard a second time there is no further appeal."""
    if dispute.appeal:
        return ""
    seed = new_seed()
    await store.add_seed(tx, dispute.id, dispute.number + 1, seed, rules.commitment(seed))
    return rules.commitment(await store.seed_of(tx, dispute.id, dispute.number + 1))


async def what_follows(
    trading: Trading, tx: Transaction, dispute: Dispute, beforehand: Beforehand, now: datetime
) -> Next:  # fmt: skip
    """All that a passing deadline may need."""
    given = dispute.rules
    return Next(
        evidence=deadline(given, Step.EVIDENCE, now), review=deadline(given, Step.REVIEW, now),
        appeal=deadline(given, Step.APPEAL, now), commitment=await seed_for_appeal(tx, dispute),
        panel=await draw(trading, tx, dispute, beforehand, now),
    )  # fmt: skip

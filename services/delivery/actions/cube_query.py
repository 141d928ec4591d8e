"""What happens when a buyer asks a cube: decided, charged and paid for in privacy before a number leaves.

The answer comes out of the release that was made when the cube was declared: neither content nor child is touched.
Checked first without a lock, so that nobody pays a use for what will be refused; then, with the cube locked, what is
spent, drawn and answered commits together. Who loses a race for the last of a budget has paid a use for nothing.
What is computed over important data waits, paid for, until a person has reviewed it; the same question then gets it.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from services.delivery.actions import noise
from services.delivery.actions.decision import Decided, confirmed, decided
from services.delivery.actions.delivery import UseUnconfirmed
from services.delivery.actions.depot import Depot
from services.delivery.events.cube import CubeAnswered, CubeRefused
from services.delivery.events.result_review import ResultReviewLapsed, ResultReviewRequested
from services.delivery.rules import cube as cube_rules
from services.delivery.rules import cube_query as rules
from services.delivery.rules import result_review as review_rules
from services.delivery.rules.answer import AnswerWithheld
from services.delivery.rules.cube import Level, NoSuchCube, Release
from services.delivery.rules.cube_query import (
    CUBE_EPSILON_MICRO_MAX,
    Answered,
    Certificate,
    Draw,
    Family,
    Privacy,
    Question,
    Rule,
)
from services.delivery.rules.kindred import kindred as kindred_of
from services.delivery.rules.result_review import ResultReview
from services.delivery.schemas.cubes import CubeAnswerView, NewCubeQuery
from services.delivery.store import cubes as store
from services.delivery.store import result_reviews as review_store
from services.trading.client import UseView
from shared import tenancy
from shared.access import Member
from shared.database import Transaction
from shared.errors import Unavailable
from shared.facts import Fact
from shared.grades import Grade, Mode
from shared.idempotency import Once
from shared.ids import CubeId, EntitlementId, ParticipantId, ResultReviewId, UseId
from shared.standing import StandingMirror


@dataclass(frozen=True, slots=True)
class Asking:
    """A question that may be put, with all that its answer is made of."""

    buyer: Member
    together: frozenset[ParticipantId]  # the buyer and all that it is affiliated with, however far
    decided: Decided
    level: Level
    cube: cube_rules.Cube
    release: Release
    question: Question
    families: tuple[Family, ...]
    kindred: frozenset[CubeId]  # other cubes that tell of the same rows, and spend the same budget

    @property
    def grade(self) -> Grade:
        return self.decided.grade

    @property
    def entitlement_id(self) -> EntitlementId:
        return self.decided.entitled.entitlement_id


async def ask(
    depot: Depot, buyer: Member, entitlement_id: EntitlementId, new: NewCubeQuery, once: Once
) -> CubeAnswerView:
    """Requires the buyer's own, active entitlement to compute. The same question is charged once per entitlement."""
    # The same question is charged once, so whether a use is left is for trading to say.
    found = await decided(depot, buyer, entitlement_id, {Mode.COMPUTE}, new.purpose, names_use=True)
    with tenancy.for_everyone():  # the cube is its provider's, and what was told of it counts whoever asked
        return await _asked(depot, await _asking(depot, buyer, found, new), once)


async def _asked(depot: Depot, asking: Asking, once: Once) -> CubeAnswerView:
    async with depot.database.transaction() as tx:
        if earlier := await once.recall(tx, CubeAnswerView):
            return earlier
    try:
        draws = await _prepared(depot, asking)
        use = await _use(depot, asking)
        return await _answer(depot, asking, use, draws, once)
    except Privacy as refusal:
        await _refused(depot, asking, refusal.rule)
        raise


async def _asking(depot: Depot, buyer: Member, found: Decided, new: NewCubeQuery) -> Asking:
    level = cube_rules.level_of(found.grade)
    async with depot.database.read() as tx:
        cube = await store.standing_cube(tx, found.version.id)
        if cube is None:
            raise NoSuchCube()
        cube_rules.require_usable(cube, found.grade)
        release = await store.release(tx, cube.id, level)
        standing = await store.standing_cubes_of(tx, cube.provider_id)
    kindred = frozenset(one.id for one in kindred_of(standing, cube.version_id, cube.asset_id, cube.content_hash))
    question = rules.canonical_question(cube.declaration, new.grouping, new.asked(), new.filter_list())
    families = rules.families_of(cube.declaration, question)
    together = together_with(depot.standing, buyer.participant_id)
    return Asking(buyer, together, found, level, cube, release, question, families, kindred)


async def _prepared(depot: Depot, asking: Asking) -> dict[Family, Draw]:
    """The draws that the answer needs, those that nobody has drawn drawn now; nothing is spent by that.

    Raises Privacy for what would be refused as things stand.
    """
    cube = asking.cube
    async with depot.database.read() as tx:
        drawn = await store.draws(tx, cube.id, asking.families)
        charged = await store.charged(tx, cube.id, asking.together)
        charged_elsewhere = await store.charged_by(tx, asking.kindred, asking.together)
        spent_elsewhere = await store.spent_by(tx, asking.kindred)
    rules.answer(cube.declaration, asking.release, asking.question, _truth(asking))
    if asking.level is Level.GROUPED:
        return {}
    rules.charge(charged, asking.families, cube.declaration.epsilon_micro, charged_elsewhere)
    missing = [family for family in asking.families if family not in drawn]
    fresh_micro = len(missing) * cube.declaration.epsilon_micro
    if cube.spent_micro + spent_elsewhere + fresh_micro > CUBE_EPSILON_MICRO_MAX:
        raise Privacy(Rule.CUBE_BUDGET)
    truth = _truth(asking)
    return drawn | {family: await noise.drawn(cube.declaration, family, truth[family]) for family in missing}


async def _use(depot: Depot, asking: Asking) -> UseView:
    use_id = use_of(asking.entitlement_id, asking.cube.id, asking.level, asking.question)
    revision, own_record = asking.decided.version.grade_revision, asking.decided.own_record
    try:
        return await depot.trading.use(
            asking.entitlement_id, use_id, revision, acting_for=asking.buyer, on_record=own_record
        )  # fmt: skip
    except Unavailable as error:
        raise UseUnconfirmed(use_id=use_id, retry_after_seconds=1) from error


async def _answer(
    depot: Depot, asking: Asking, use: UseView, draws: Mapping[Family, Draw], once: Once
) -> CubeAnswerView:
    async with depot.database.transaction() as tx:
        if earlier := await once.recall(tx, CubeAnswerView):
            return earlier
        now = await depot.database.now(tx)
        again, held = await confirmed(depot, tx, asking.decided, now), None
        if again.decision.allowed:
            told = await _told(depot, tx, asking, use, draws, once, now)
            if isinstance(told, CubeAnswerView):
                return told
            held = told
        else:
            await depot.outbox.record(tx, asking.buyer.actor, now, again.refused())
    if held is not None:
        review_rules.require_released(held)
    again.require()
    raise AnswerWithheld()


async def _told(
    depot: Depot, tx: Transaction, asking: Asking, use: UseView, draws: Mapping[Family, Draw], once: Once, now: datetime
) -> CubeAnswerView | ResultReview:
    """The answer, or the review that it waits for or did not pass, with the cube and its kindred locked: what is spent,
    drawn and answered commits together."""
    await store.lock_cubes(tx, asking.kindred | {asking.cube.id})
    cube = await store.cube_for_update(tx, asking.cube.id)
    cube_rules.require_usable(cube, asking.grade)
    fresh, kept, new = await _paid(tx, asking, draws)
    known = await store.answered(tx, cube.id, asking.level, asking.question.digest)
    answered = known[0] if known else _answered(asking, kept)
    in_order = [kept[family] for family in asking.families if family in kept]
    certificate = rules.certificate(cube, asking.level, asking.question, answered, in_order)
    epsilon_micro = cube.declaration.epsilon_micro
    if known is None:
        await store.add_answer(tx, cube.id, asking.level, answered, certificate, now)
    await store.add_draws(tx, cube.id, new, now)
    await store.add_charges(tx, cube.id, asking.buyer.participant_id, fresh, epsilon_micro, now)
    view = CubeAnswerView.of(
        cube, use.entitlement_id, use.use_id, asking.level, asking.question.grouping, asking.question.asked,
        answered, certificate, len(fresh) * epsilon_micro,
    )  # fmt: skip
    if review_rules.is_reviewed(asking.grade):
        review = await _reviewed(depot, tx, asking, use, certificate, len(fresh) * epsilon_micro, now)
        if review.state is not review_rules.RELEASED:
            return review
    await once.remember(tx, view)
    fact = CubeAnswered(
        cube.id, cube.version_id, use.entitlement_id, use.contract_id, asking.buyer.participant_id, use.use_id,
        asking.grade, asking.decided.version.grade_revision, asking.decided.decision, asking.level, len(answered.keys),
        answered.withheld, certificate, view.epsilon_micro_charged,
    )  # fmt: skip
    await depot.outbox.record(tx, asking.buyer.actor, now, fact)
    return view


async def _reviewed(
    depot: Depot, tx: Transaction, asking: Asking, use: UseView, certificate: Certificate, epsilon_micro: int,
    now: datetime,
) -> ResultReview:  # fmt: skip
    """The review of this result for this entitlement; asked for now, where there is none. Requires the cube locked."""
    cube, facts = asking.cube, list[Fact]()
    this = (use.entitlement_id, cube.id, asking.level, asking.question.digest)
    found = await review_store.standing(tx, *this)
    if found is not None and not review_rules.is_late(found, now):
        return found
    if found is not None:  # nobody has noticed yet
        found = review_rules.lapse(found)
        await review_store.save(tx, found)
        facts.append(ResultReviewLapsed.of(found))
    asked = ResultReview(
        ResultReviewId.new(), cube.id, cube.version_id, cube.provider_id, use.entitlement_id,
        asking.buyer.participant_id, use.use_id, asking.level, asking.question, certificate.answer_digest,
        epsilon_micro, review_rules.RESULT_REVIEW.start, review_rules.Reason.REVIEW_DUE, now,
        review_rules.deadline_of(now),
    )  # fmt: skip
    await review_store.add(tx, asked)
    await depot.outbox.record(
        tx, asking.buyer.actor, now, *facts, ResultReviewRequested.of(asked, asking.grade)
    )  # fmt: skip
    return asked


async def _paid(
    tx: Transaction, asking: Asking, prepared: Mapping[Family, Draw]
) -> tuple[tuple[Family, ...], dict[Family, Draw], list[Draw]]:
    """What the buyer's group pays for now, the draws that stand, and those of them that are new.

    Requires the cube locked. Raises Privacy where a budget does not suffice.
    """
    if asking.level is Level.GROUPED:
        return (), {}, []
    cube_id, epsilon_micro = asking.cube.id, asking.cube.declaration.epsilon_micro
    charged_elsewhere = await store.charged_by(tx, asking.kindred, asking.together)
    charged = await store.charged(tx, cube_id, asking.together)
    fresh = rules.charge(charged, asking.families, epsilon_micro, charged_elsewhere)
    kept = await store.draws(tx, cube_id, asking.families)
    new = [prepared[family] for family in asking.families if family not in kept]
    spent_elsewhere = await store.spent_by(tx, asking.kindred)
    if new and not await store.spend(tx, cube_id, len(new) * epsilon_micro, spent_elsewhere):
        raise Privacy(Rule.CUBE_BUDGET)
    return fresh, kept | {draw.family: draw for draw in new}, new


def _answered(asking: Asking, kept: Mapping[Family, Draw]) -> Answered:
    numbers = {family: draw.numbers for family, draw in kept.items()} if kept else _truth(asking)
    return rules.answer(asking.cube.declaration, asking.release, asking.question, numbers)


def _truth(asking: Asking) -> dict[Family, tuple[int, ...]]:
    return {family: rules.truth(asking.release, family) for family in asking.families}


def together_with(standing: StandingMirror, participant_id: ParticipantId) -> frozenset[ParticipantId]:
    """The organisation and all its affiliates, and theirs, for they may put their answers together."""
    together, frontier = {participant_id}, [participant_id]
    while frontier:
        fresh = standing.of(frontier.pop()).affiliates - together
        together |= fresh
        frontier += fresh
    return frozenset(together)


def use_of(entitlement_id: EntitlementId, cube_id: str, level: Level, question: Question) -> UseId:
    """The use that the question takes: the same whenever it is asked, so that the answer is paid for once."""
    told = "\n".join((entitlement_id, cube_id, level, question.digest))
    return UseId(f"use_{hashlib.sha256(told.encode()).hexdigest()[:32]}")


async def _refused(depot: Depot, asking: Asking, rule: Rule) -> None:
    async with depot.database.transaction() as tx:
        refused = CubeRefused(
            asking.cube.id, asking.cube.version_id, asking.entitlement_id, asking.grade,
            asking.question.digest, asking.cube.declaration_digest, rule,
        )  # fmt: skip
        await depot.outbox.record(tx, depot.outbox.itself, await depot.database.now(tx), refused)

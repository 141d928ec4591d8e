"""What happens when a person looks at a result over important data before it goes out, or nobody does in time.

Promises: whoever reviews sees what would go out, and is named for the data (docs/decisions/0056); neither side of the
deal sees a number of it before the release.
"""

from dataclasses import dataclass

from services.delivery.actions.depot import Depot
from services.delivery.actions.overseeing import oversees
from services.delivery.events.result_review import ResultReleased, ResultReviewLapsed, ResultWithheld
from services.delivery.rules import result_review as rules
from services.delivery.rules.cube import Cube
from services.delivery.rules.cube_query import Answered, Certificate
from services.delivery.rules.result_review import NoSuchResultReview, ResultReview
from services.delivery.store import cubes as cube_store
from services.delivery.store import result_reviews as store
from shared import tenancy
from shared.access import Caller
from shared.idempotency import Once
from shared.ids import ResultReviewId, VersionId
from shared.permission import OPERATORS, Role
from shared.web import Page

STAFF = OPERATORS | {Role.REGULATOR}


@dataclass(frozen=True, slots=True)
class Looked:
    """A review, and for whoever oversees the data what would go out."""

    review: ResultReview
    result: tuple[Cube, Answered, Certificate] | None = None


async def decide(
    depot: Depot, operator: Caller, review_id: ResultReviewId, reason: str, once: Once, *, releases: bool
) -> ResultReview:
    async with depot.database.read() as tx:
        seen = await store.review(tx, review_id)
    if not oversees(depot, operator, await depot.catalog.version(seen.version_id)):
        raise NoSuchResultReview()
    async with depot.database.transaction() as tx:
        if earlier := await once.recall(tx, ResultReview):
            return earlier
        before = await store.review(tx, review_id, lock=True)
        now = await depot.database.now(tx)
        by = operator.subject, operator.participant_id
        review = rules.decide(before, *by, reason, now, releases=releases)
        await store.save(tx, review)
        await once.remember(tx, review)
        fact = ResultReleased if releases else ResultWithheld
        await depot.outbox.record(tx, operator.actor, now, fact.of(review))
    return review


async def review(depot: Depot, caller: Caller, review_id: ResultReviewId) -> Looked:
    """For the two sides its state; for whoever oversees the data the result as well. Otherwise it is not there."""
    async with depot.database.read() as tx:
        found = await store.review(tx, review_id)
    if not STAFF & caller.roles:
        if caller.participant_id not in (found.buyer_id, found.provider_id):
            raise NoSuchResultReview()
        return Looked(found)
    if not oversees(depot, caller, await depot.catalog.version(found.version_id)):
        raise NoSuchResultReview()
    with tenancy.for_everyone():  # the cube is its provider's
        async with depot.database.read() as tx:
            known = await cube_store.answered(tx, found.cube_id, found.level, found.question.digest)
            assert known
            return Looked(found, (await cube_store.cube(tx, found.cube_id), *known))


async def listed(depot: Depot, caller: Caller, version_id: VersionId, page: Page) -> list[ResultReview]:
    """Of a version, oldest first: one's own organisation's; for whoever oversees the version, all."""
    if STAFF & caller.roles and not oversees(depot, caller, await depot.catalog.version(version_id)):
        return []
    party_id = None if STAFF & caller.roles else caller.participant_id
    async with depot.database.read() as tx:
        return await store.listed(tx, version_id, party_id, page.after_id(ResultReviewId), page.limit + 1)


async def pass_deadlines(depot: Depot) -> None:
    """Notice the results that nobody has reviewed in time."""
    async with depot.database.transaction() as tx:
        now = await depot.database.now(tx)
        over = [rules.lapse(late) for late in await store.past_deadline(tx, now)]
        for lapsed in over:
            await store.save(tx, lapsed)
        await depot.outbox.record(tx, depot.outbox.itself, now, *map(ResultReviewLapsed.of, over))

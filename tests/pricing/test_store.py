"""What the tables of pricing promise, whoever asks."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from services.pricing.rules.level import Fidelity, Freshness
from services.pricing.rules.plan import Discount, NoSuchPlan, Part, Plan, PlanKind, Terms, publish, revise
from services.pricing.rules.price import Ask, query
from services.pricing.rules.quote import Buys, NoSuchQuote, quote
from services.pricing.rules.tax import Category, Taxation
from services.pricing.store import plan as plan_store
from services.pricing.store import quote as quote_store
from services.pricing.store.plan import RevisedMeanwhile
from services.pricing.store.quote import RenewedMeanwhile
from services.pricing.tables.whole import metadata
from shared.database import Database
from shared.grades import Mode
from shared.ids import AssetId, ParticipantId, PlanId, QuoteId, VersionId
from shared.money import MINOR_MAX, Money
from tests.conftest import MakeDatabase
from tests.pricing.made import GOLDEN_TIERS, a_grid, terms, tiers

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
VERSION, PROVIDER = VersionId.new(), ParticipantId.new()
TERMS = Terms(PlanKind.ONE_OFF, Money(MINOR_MAX), (Discount("首单", 500),), NOON, NOON + timedelta(days=1))


def a_plan(version_id: VersionId = VERSION) -> Plan:
    return publish(PlanId.new(), ParticipantId.new(), version_id, Mode.RAW, TERMS, NOON)


@pytest.fixture
async def kept(database: MakeDatabase) -> Database:
    return await database("pricing", metadata)


async def test_a_plan_is_read_as_it_was_saved_with_all_its_revisions(kept: Database):
    first = a_plan()
    second = revise(first, replace(TERMS, valid_until=None, discounts=()), NOON)
    async with kept.transaction() as tx:
        await plan_store.add_plan(tx, first)
        await plan_store.add_plan(tx, second)
        assert await plan_store.revisions(tx, first.id) == (first, second)
        with pytest.raises(NoSuchPlan):
            await plan_store.revisions(tx, PlanId.new())


async def test_two_revisions_of_the_same_number_are_not_both_published(kept: Database):
    first = a_plan()
    async with kept.transaction() as tx:
        await plan_store.add_plan(tx, first)
    for outcome in ("published", "refused"):
        try:
            async with kept.transaction() as tx:
                await plan_store.add_plan(tx, revise(first, TERMS, NOON))
            assert outcome == "published"
        except RevisedMeanwhile:
            assert outcome == "refused"


async def test_a_quote_is_read_as_it_was_saved(kept: Database):
    plan = a_plan()
    given = quote(QuoteId.new(), plan, ParticipantId.new(), NOON)
    async with kept.transaction() as tx:
        await plan_store.add_plan(tx, plan)
        await quote_store.add_quote(tx, given)
        assert await quote_store.quote(tx, given.id) == given
        with pytest.raises(NoSuchQuote):
            await quote_store.quote(tx, QuoteId.new())


@pytest.mark.parametrize("count", [1, 5])
async def test_a_list_takes_two_statements_however_long_it_is(kept: Database, count: int):
    mine = [a_plan() for _ in range(count)]
    async with kept.transaction() as tx:
        for plan in [*mine, a_plan(VersionId.new())]:
            await plan_store.add_plan(tx, plan)
        asked = list[str]()
        connection = tx.sync_connection
        assert connection

        def note(*parts: Any) -> None:
            asked.append(parts[2])

        event.listen(connection, "before_cursor_execute", note)
        found = await plan_store.plans_of(tx, VERSION, 10, None)
    assert found == [(plan,) for plan in reversed(mine)]
    assert len(asked) == 2


async def test_what_each_kind_of_plan_needs_is_read_as_it_was_saved(kept: Database):
    grid = a_grid([[1, 2], [3, 4]])
    told = [
        terms(PlanKind.SUBSCRIPTION, 5, period_days=30, tax=Taxation(Category.SIMPLE, inclusive=False)),
        terms(PlanKind.TIERED, tiers=tiers(*GOLDEN_TIERS)),
        terms(PlanKind.BUNDLE, 5, parts=(Part(VERSION, Mode.RAW), Part(VersionId.new(), Mode.API))),
        terms(PlanKind.COVERAGE, grid=grid, fidelity=Fidelity.SAMPLE, freshness=Freshness.DELAYED),
    ]
    plans = [publish(PlanId.new(), PROVIDER, VERSION, Mode.RAW, one, NOON, AssetId.new()) for one in told]
    other = publish(PlanId.new(), ParticipantId.new(), VERSION, Mode.RAW, told[0], NOON)
    async with kept.transaction() as tx:
        for plan in (*plans, other):
            await plan_store.add_plan(tx, plan, grid if plan.kind is PlanKind.COVERAGE else None)
        second = revise(plans[0], told[0], NOON)
        await plan_store.add_plan(tx, second)
        found = await plan_store.price_list(tx, PROVIDER)
        assert {each[0].id: each for each in found} == {plans[0].id: (plans[0], second)} | {
            plan.id: (plan,) for plan in plans[1:]
        }
        assert await plan_store.grid(tx, plans[3]) == grid


async def test_a_quote_is_kept_in_its_versions_and_read_in_its_newest(kept: Database):
    grid, ask = a_grid([[1, 2], [3, 4]]), Ask(columns=("c0",), row_blocks=("b0",))
    plan = publish(PlanId.new(), PROVIDER, VERSION, Mode.RAW, terms(PlanKind.COVERAGE, grid=grid), NOON)
    first = quote(QuoteId.new(), plan, ParticipantId.new(), NOON, ask, query(grid, ask, frozenset()))
    second = replace(first, version=2, cells=frozenset(), buys=Buys(columns=("c0",)), total=Money(0))
    async with kept.transaction() as tx:
        await plan_store.add_plan(tx, plan, grid)
        await quote_store.add_quote(tx, first)
        assert await quote_store.quote(tx, first.id) == first
        await quote_store.add_quote(tx, second)
        assert await quote_store.quote(tx, first.id) == second
        assert await quote_store.quotes_by_coverage(tx, first.buyer_id, VERSION) == [first]
    with pytest.raises(RenewedMeanwhile):
        async with kept.transaction() as tx:
            await quote_store.add_quote(tx, second)

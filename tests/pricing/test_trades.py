"""What trading tells of its orders, as pricing keeps it: in whatever order its facts come."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, fields
from itertools import permutations
from typing import Any, ClassVar, cast

import pytest
from pydantic import BaseModel

from services.pricing import jobs
from services.pricing.actions.pricing import Pricing
from services.pricing.rules.trade import FAILED, Trade
from services.pricing.schemas.followed import ChangedOrder, GrantedRight, OpenedListing, PlacedOrder, SettledOrder
from services.pricing.store import trade as store
from services.trading.events import deals, settlement
from services.trading.rules import order as order_rules
from shared.facts import Category, Fact
from shared.grades import Mode
from shared.ids import AssetId, EntitlementId, ListingId, OrderId, ParticipantId, QuoteId, VersionId
from shared.money import Money
from tests.catalog.market import Market
from tests.support.bench import WrittenFeed


@dataclass(frozen=True, slots=True)
class ListingOpened(Fact):
    """As trading tells it."""

    category: ClassVar[Category] = Category.TRADE
    listing_id: ListingId
    asset_id: AssetId
    right: dict[str, Any] = field(default_factory=lambda: {"kind": "unlimited", "territory": "CN"})


@dataclass(frozen=True, slots=True)
class OrderPlaced(Fact):
    """As trading tells it."""

    category: ClassVar[Category] = Category.TRADE
    order_id: OrderId
    listing_id: ListingId
    version_id: VersionId
    mode: Mode
    exclusive: bool
    buyer_id: ParticipantId
    provider_id: ParticipantId
    amount: Money
    quote_id: QuoteId | None


@dataclass(frozen=True, slots=True)
class OrderPaid(Fact):
    category: ClassVar[Category] = Category.TRADE
    order_id: OrderId
    revision: int = 3
    state: str = "awaiting_delivery"


@dataclass(frozen=True, slots=True)
class OrderDelivered(Fact):
    category: ClassVar[Category] = Category.TRADE
    order_id: OrderId
    revision: int = 4
    state: str = "awaiting_acceptance"


@dataclass(frozen=True, slots=True)
class OrderEnded(Fact):
    category: ClassVar[Category] = Category.TRADE
    order_id: OrderId
    revision: int = 4
    state: str = "refunded"


@dataclass(frozen=True, slots=True)
class OrderSettled(Fact):
    category: ClassVar[Category] = Category.MONEY
    order_id: OrderId
    amount: Money = Money(100)
    revision: int = 6
    refund: Money = Money(0)


@dataclass(frozen=True, slots=True)
class EntitlementGranted(Fact):
    category: ClassVar[Category] = Category.DELIVERY
    order_id: OrderId
    entitlement_id: EntitlementId = field(default_factory=EntitlementId.new)


@dataclass(frozen=True, slots=True)
class ContractEnded(Fact):
    """One of those that pricing does not read."""

    category: ClassVar[Category] = Category.TRADE
    order_id: OrderId


class Counter:
    """Pricing whose trading is a test's word."""

    def __init__(self, market: Market) -> None:
        self.clock, self.trading = market.bench.clock, WrittenFeed("trading")
        self.pricing: Pricing = market.bench.apps["pricing"].state.service
        object.__setattr__(self.pricing, "trading_feed", self.trading)

    async def tell(self, *facts: Fact) -> None:
        """Each a second after the one before, so that moments can be told apart."""
        for fact in facts:
            self.clock.advance(seconds=1)
            self.trading.announce(self.clock, fact)
        await jobs.tick(self.pricing)

    async def kept(self, order_id: OrderId) -> Trade | None:
        async with self.pricing.database.read() as tx:
            return await store.trade(tx, order_id)


@pytest.fixture
async def counter(market: Market) -> AsyncGenerator[Counter]:
    yield Counter(market)


def an_order(listing_id: ListingId, price: int = 100) -> OrderPlaced:
    return OrderPlaced(
        OrderId.new(), listing_id, VersionId.new(), Mode.API, exclusive=False, buyer_id=ParticipantId.new(),
        provider_id=ParticipantId.new(), amount=Money(price), quote_id=QuoteId.new(),
    )  # fmt: skip


async def test_a_trade_is_kept_as_it_was_agreed_with_what_became_of_it(counter: Counter):
    listing, order = ListingOpened(ListingId.new(), AssetId.new()), an_order(ListingId.new())
    await counter.tell(order)
    placed_at, kept = counter.clock.now(), await counter.kept(order.order_id)
    assert kept == Trade(
        order.order_id, order.listing_id, order.version_id, Mode.API, exclusive=False, buyer_id=order.buyer_id,
        provider_id=order.provider_id, quote_id=order.quote_id, price=Money(100), placed_at=placed_at,
        state="awaiting_signatures",
    )  # fmt: skip
    assert kept and not kept.is_bought and (kept.asset_id, kept.right_kind) == (None, None)
    await counter.tell(ListingOpened(order.listing_id, listing.asset_id), OrderPaid(order.order_id))
    await counter.tell(EntitlementGranted(order.order_id))
    paid_at = counter.clock.now()
    await counter.tell(ContractEnded(order.order_id), OrderDelivered(order.order_id), OrderSettled(order.order_id))
    kept = await counter.kept(order.order_id)
    assert kept and kept.is_bought
    assert (kept.asset_id, kept.right_kind) == (listing.asset_id, "unlimited")
    assert (kept.state, kept.placed_at, kept.paid_at) == ("settled", placed_at, paid_at)
    assert kept.settled_at == counter.clock.now()


@pytest.mark.parametrize(("back", "settled"), [(0, True), (1, False)])
async def test_a_price_of_which_part_went_back_is_no_comparable(counter: Counter, back: int, settled: bool):
    order = an_order(ListingId.new())
    await counter.tell(order, OrderPaid(order.order_id), OrderSettled(order.order_id, refund=Money(back)))
    kept = await counter.kept(order.order_id)
    assert kept and kept.state == "settled" and (kept.settled_at is not None) == settled


async def test_in_whatever_order_its_facts_come_a_trade_ends_as_the_last_of_them_says(counter: Counter):
    for order_of_facts in permutations(range(4)):
        order = an_order(ListingId.new())
        facts = (order, OrderPaid(order.order_id), EntitlementGranted(order.order_id), OrderEnded(order.order_id))
        await counter.tell(*(facts[number] for number in order_of_facts))
        kept = await counter.kept(order.order_id)
        assert kept and (kept.state, kept.price, kept.is_bought) == ("refunded", Money(100), False), order_of_facts
        assert kept.paid_at is not None


async def test_before_its_terms_are_told_there_is_no_trade(counter: Counter):
    order_id = OrderId.new()
    await counter.tell(OrderPaid(order_id), EntitlementGranted(order_id), OrderSettled(order_id))
    assert await counter.kept(order_id) is None


async def test_a_right_that_cost_nothing_is_bought_when_it_is_granted(counter: Counter):
    order = an_order(ListingId.new(), price=0)
    await counter.tell(order, EntitlementGranted(order.order_id))
    kept = await counter.kept(order.order_id)
    assert kept and kept.is_bought and kept.paid_at == counter.clock.now()


async def test_news_that_is_not_understood_is_tried_again_before_any_later_news(counter: Counter):
    await counter.tell(OrderPaid(OrderId.new(), state=None))  # pyright: ignore[reportArgumentType]
    order = an_order(ListingId.new())
    await counter.tell(order)
    assert await counter.kept(order.order_id) is None


@pytest.mark.parametrize("read, told", [
    (OpenedListing, deals.ListingOpened), (PlacedOrder, deals.OrderPlaced), (ChangedOrder, deals.OrderPaid),
    (ChangedOrder, deals.OrderDelivered), (ChangedOrder, deals.OrderAccepted), (ChangedOrder, deals.OrderEnded),
    (SettledOrder, settlement.OrderSettled), (GrantedRight, deals.EntitlementGranted),
])  # fmt: skip
def test_what_is_read_of_a_fact_is_what_trading_tells(read: type[BaseModel], told: type[Fact]):
    assert set(read.model_fields) <= {one.name for one in fields(cast(Any, told))}


def test_the_states_that_count_as_failed_are_those_of_trading():
    assert frozenset(order_rules.FAILED) == FAILED

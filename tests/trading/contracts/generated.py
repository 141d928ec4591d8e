"""Deals of every kind, drawn at random; and one deal whose every id is known, for golden values."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from services.trading.rules.contract import Contract, draft
from services.trading.rules.contract_terms import Grounds, Identity
from services.trading.rules.listing import Listing
from services.trading.rules.order import Order
from services.trading.rules.right import Right, RightKind
from services.trading.rules.scope import Scope, narrowed
from shared.grades import C3, Condition, Flag, Grade, Mode, decide
from shared.ids import AssetId, ContractId, OrderId, ParticipantId, PlanId, QuoteId, VersionId
from tests.trading.made import NOON, a_listing, an_order, grounds_of

PURPOSES = ("route_planning", "research", "risk_control")
rights = st.builds(
    Right,
    kind=st.sampled_from(RightKind),
    field=st.sampled_from(["all", "air_travel", "research"]),
    territory=st.sampled_from(["CN", "CN-11", "US"]),
    period_days=st.integers(1, 3650),
    copies=st.none(),
    starts_at=st.none() | st.integers(-30, 30).map(lambda days: NOON + timedelta(days=days)),
).map(lambda right: replace(right, copies=7 if right.kind is RightKind.LIMITED else None))


@st.composite
def deals(draw: st.DrawFn) -> tuple[Order, Listing]:
    """An order, and what is listed as this deal has it."""
    listing = a_listing(
        right=draw(rights), mode=draw(st.sampled_from(Mode)), flags=draw(st.frozensets(st.sampled_from(Flag))),
        purposes=draw(purposes), quota_uses=draw(st.integers(1, 10_000)),
    )  # fmt: skip
    scope = draw(st.none() | st.builds(Scope, st.just(listing.right), purposes, st.integers(1, 10_000)))
    columns = draw(st.none() | st.sets(st.sampled_from("甲乙丙"), min_size=1).map(lambda names: tuple(sorted(names))))
    changes: dict[str, Any] = {"scope": scope, "columns": columns, "from_auction": draw(st.booleans())}
    return an_order(listing, price=draw(st.integers(0, 10**15)), **changes), narrowed(listing, scope)


purposes = st.lists(st.sampled_from(PURPOSES), min_size=1, unique=True).map(tuple)


def contract_of(order: Order, listing: Listing) -> Contract:
    return draft(order, listing, grounds_of(order, listing))


def known_deal() -> tuple[Order, Listing, Grounds]:
    """An exclusive deal over personal data at a quote, in which nothing is drawn."""
    right = Right(RightKind.EXCLUSIVE, "air_travel", "CN-31", 180, starts_at=NOON + timedelta(days=1))
    listing = a_listing(
        version_id=VersionId("version_" + "2" * 32), asset_id=AssetId("asset_" + "1" * 32), title="全国机场",
        provider_id=ParticipantId("participant_" + "b" * 32), plan_id=PlanId("plan_" + "6" * 32), grade=Grade.G2,
        right=right, flags=frozenset({Flag.PERSONAL, Flag.MINOR}), purposes=PURPOSES[:2], quota_uses=12,
    )  # fmt: skip
    order = an_order(
        listing, price=100_005, from_auction=False, id=OrderId("order_" + "3" * 32), columns=("名称", "代码"),
        contract_id=ContractId("contract_" + "4" * 32), buyer_id=ParticipantId("participant_" + "a" * 32),
        quote_id=QuoteId("quote_" + "5" * 32),
    )  # fmt: skip
    buyer = Identity(order.buyer_id, "阿尔法科技有限公司", "91310000MA1K00001A", frozenset({"buyer"}), C3)
    # Whatever the policy has come to say since, a deal that is known was decided under that of its day.
    decision = replace(
        decide(listing.grade, listing.mode, C3, listing.flags, frozenset(Condition)), policy_version="2026-11"
    )
    return order, listing, Grounds(C3, decision, buyer, Identity(order.provider_id), 2)

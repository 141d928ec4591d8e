"""The market's windows: how long things may take, how much must be deposited, and the law beside each number.

Promises: a set of rules is complete; what an auction or an order was opened under stays with it, whatever is set later.
`standard` is what production runs; `demo` shortens every window to seconds and is refused there by the settings.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from services.trading.rules.dispute_rules import DisputeRules, Unit
from services.trading.rules.payout import ALWAYS, Limit, PayoutRules

MINUTE, HOUR, DAY = 60, 3600, 86_400


@dataclass(frozen=True, slots=True)
class Windows:
    """How long each step of an order may take. Frozen in the contract."""

    signing_seconds: int
    payment_seconds: int
    delivery_seconds: int
    acceptance_seconds: int
    settling_seconds: int


@dataclass(frozen=True, slots=True)
class NegotiationRules:
    """`approval_from_minor`: from this price on, a deal that is directed to one buyer needs an operator's approval."""

    offer_seconds_min: int
    offer_seconds_max: int
    rounds_max: int
    approval_seconds: int
    approval_from_minor: int


@dataclass(frozen=True, slots=True)
class CallRules:
    """How long orders for a standard unit are gathered."""

    seconds_min: int
    seconds_max: int


@dataclass(frozen=True, slots=True)
class BlockRules:
    """Of how many listings and how much a block deal is, and how far a price may lie from its reference price before
    grounds are asked for."""

    parts_min: int
    parts_max: int
    total_minor_min: int
    band_basis_points: int


@dataclass(frozen=True, slots=True)
class MarketRules:
    name: str
    listing_seconds: int
    auction_seconds_min: int
    auction_seconds_max: int
    soft_close_seconds: int
    extension_seconds: int
    extensions_max: int
    overtime_seconds_max: int
    soft_close_seconds_max: int
    second_answer_seconds: int
    deposit_basis_points_min: int
    deposit_basis_points_max: int
    reveal_seconds_min: int
    reveal_seconds_max: int
    price_drop_seconds_min: int
    windows: Windows
    negotiation: NegotiationRules
    call: CallRules
    block: BlockRules
    dispute: DisputeRules
    payout: PayoutRules


STANDARD = MarketRules(
    name="standard",
    listing_seconds=365 * DAY,
    auction_seconds_min=24 * HOUR,   # bidding lasts at least 24 hours: 法释〔2016〕18号 art. 20
    auction_seconds_max=90 * DAY,
    soft_close_seconds=5 * MINUTE,   # a bid in the last 5 minutes moves the end: art. 20
    extension_seconds=5 * MINUTE,    # to 5 minutes after that bid: art. 20
    extensions_max=60,
    overtime_seconds_max=4 * HOUR,   # ours: the law sets no end, but a day's work must have one
    soft_close_seconds_max=1 * HOUR,
    second_answer_seconds=2 * DAY,   # ours: the second may decline, and nobody's deposit waits for longer
    deposit_basis_points_min=500,    # 5 % of the start price: art. 17
    deposit_basis_points_max=2_000,  # 20 %: art. 17
    reveal_seconds_min=1 * HOUR,     # ours: whoever sealed a bid must be able to open it, from any time zone
    reveal_seconds_max=7 * DAY,
    price_drop_seconds_min=1 * MINUTE,
    windows=Windows(
        signing_seconds=5 * DAY,     # at once, or as agreed: 电子商务法 art. 49, 50
        payment_seconds=5 * DAY,     # 32号令 art. 28: at once as a rule
        delivery_seconds=7 * DAY,
        acceptance_seconds=7 * DAY,  # 数据提供合同 (model text of 2025) § 7: silence in the inspection period accepts
        settling_seconds=3 * DAY,
    ),
    negotiation=NegotiationRules(
        offer_seconds_min=HOUR,
        offer_seconds_max=30 * DAY,
        rounds_max=20,
        approval_seconds=5 * DAY,
        approval_from_minor=0,       # every directed transfer is approved: 32号令 art. 31
    ),
    call=CallRules(seconds_min=HOUR, seconds_max=30 * DAY),
    block=BlockRules(
        parts_min=2,
        parts_max=20,                # ours: all of them are locked by one commit
        total_minor_min=1_000_000,   # ours: the carbon market's smallest 大宗协议 is 100,000 t, and data have no tonnes
        band_basis_points=3_000,     # 30 %: the carbon market's limit for 大宗协议, there about the day before
    ),
    dispute=DisputeRules(                # ours, in working days: the law leaves a platform's own procedure to its rules
        unit=Unit.WORKING_DAYS,
        notice=3,
        response=5,
        evidence=5,
        review=10,
        appeal=5,
        funding=3,
        extension_max=10,
        extensions_max=2,
        fee_basis_points=100,
        fee_minor_min=1_000,
        appeal_winner_basis_points=10_000,
        appeal_loser_basis_points=20_000,  # Kleros: whoever lost pays more to go on
        lone_funder_wins=False,          # Kleros: True; here who cannot pay twice is still heard
    ),
    payout=PayoutRules(
        limits=(Limit(ALWAYS, 5_000_000),),  # ours: 50,000 yuan, as 人民币银行结算账户管理办法 art. 40
        approval_seconds=3 * DAY,        # ours: over a weekend
    ),
)  # fmt: skip

DEMO = MarketRules(
    name="demo",
    listing_seconds=1 * DAY,
    auction_seconds_min=3,
    auction_seconds_max=1 * HOUR,
    soft_close_seconds=2,
    extension_seconds=2,
    extensions_max=10,
    overtime_seconds_max=10,
    soft_close_seconds_max=1 * MINUTE,
    second_answer_seconds=2 * MINUTE,
    deposit_basis_points_min=500,
    deposit_basis_points_max=2_000,
    reveal_seconds_min=2,
    reveal_seconds_max=1 * HOUR,
    price_drop_seconds_min=1,
    windows=Windows(
        signing_seconds=2 * MINUTE,
        payment_seconds=2 * MINUTE,
        delivery_seconds=2 * MINUTE,
        acceptance_seconds=2 * MINUTE,
        settling_seconds=2 * MINUTE,
    ),
    negotiation=NegotiationRules(
        offer_seconds_min=2,
        offer_seconds_max=1 * HOUR,
        rounds_max=20,
        approval_seconds=2 * MINUTE,
        approval_from_minor=0,
    ),
    call=CallRules(seconds_min=2, seconds_max=1 * HOUR),
    block=BlockRules(parts_min=2, parts_max=20, total_minor_min=1_000_000, band_basis_points=3_000),
    dispute=DisputeRules(
        unit=Unit.SECONDS,
        notice=1 * MINUTE,
        response=1 * MINUTE,
        evidence=1 * MINUTE,
        review=2 * MINUTE,
        appeal=1 * MINUTE,
        funding=1 * MINUTE,
        extension_max=2 * MINUTE,
        extensions_max=2,
        fee_basis_points=100,
        fee_minor_min=1_000,
        appeal_winner_basis_points=10_000,
        appeal_loser_basis_points=20_000,
        lone_funder_wins=False,
    ),
    payout=PayoutRules(limits=(Limit(ALWAYS, 5_000_000),), approval_seconds=2 * MINUTE),
)

RULES: Mapping[str, MarketRules] = {rules.name: rules for rules in (STANDARD, DEMO)}

"""Plans for tests of the rules, in as few words as they need."""

from datetime import UTC, datetime
from typing import Any

from services.pricing.rules.coverage import Atom, ColumnGroup, Grid
from services.pricing.rules.plan import Plan, PlanKind, Terms, Tier, publish
from shared.grades import Mode
from shared.ids import AssetId, ParticipantId, PlanId, VersionId
from shared.money import Money

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
GOLDEN_TIERS = ((100, 10), (200, 8), (None, 5))  # market-rules B3


def tiers(*told: tuple[int | None, int]) -> tuple[Tier, ...]:
    return tuple(Tier(up_to, unit) for up_to, unit in told)


def terms(kind: PlanKind, minor: int | None = None, **more: Any) -> Terms:
    return Terms(kind, None if minor is None else Money(minor), **more)


def a_plan(
    told: Terms, version_id: VersionId | None = None, mode: Mode = Mode.RAW, asset_id: AssetId | None = None
) -> Plan:
    return publish(PlanId.new(), ParticipantId.new(), version_id or VersionId.new(), mode, told, NOON, asset_id)


def a_grid(weights: list[list[int]], groups: list[tuple[str, ...]] | None = None) -> Grid:
    """Weights by block and group; groups of one column each, c0, c1, …, unless told."""
    columns = groups or [(f"c{number}",) for number in range(len(weights[0]))]
    named = tuple(ColumnGroup(f"g{number}", each) for number, each in enumerate(columns))
    return Grid(named, tuple(
        Atom(f"b{block}", group.name, weight)
        for block, row in enumerate(weights)
        for group, weight in zip(named, row, strict=True)
    ))  # fmt: skip

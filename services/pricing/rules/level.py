"""What a plan lets its buyer know: how fine (sample < aggregated < desensitised < raw) and how fresh (delayed < live).

Owns: the information order, which the arbitrage check asks. Does not: know any price.
Promises: the order is reflexive and transitive; what a mode gives by nature is the finest that a plan in it may claim.
Answers on request (API) follow from the raw file; no number of them is promised to make up a file, so they lie beside
the other forms. Source: market-rules B3, P4.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from shared.grades import Mode


class Fidelity(StrEnum):
    SAMPLE = "sample"  # 样例
    AGGREGATED = "aggregated"  # 聚合
    DESENSITISED = "desensitised"  # 脱敏
    ON_REQUEST = "on_request"  # 接口
    RAW = "raw"  # 原始


class Freshness(StrEnum):
    DELAYED = "delayed"  # 延时
    LIVE = "live"  # 实时


SAMPLE, AGGREGATED, DESENSITISED, ON_REQUEST, RAW = Fidelity
DELAYED, LIVE = Freshness

DETERMINED: Mapping[Fidelity, frozenset[Fidelity]] = {
    SAMPLE:       frozenset({SAMPLE}),
    AGGREGATED:   frozenset({SAMPLE, AGGREGATED}),
    DESENSITISED: frozenset({SAMPLE, AGGREGATED, DESENSITISED}),
    ON_REQUEST:   frozenset({SAMPLE, ON_REQUEST}),
    RAW:          frozenset(Fidelity),
}  # fmt: skip
BY_MODE: Mapping[Mode, Fidelity] = {
    Mode.RAW:          RAW,
    Mode.API:          ON_REQUEST,
    Mode.DESENSITISED: DESENSITISED,
    Mode.COMPUTE:      AGGREGATED,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Level:
    fidelity: Fidelity
    freshness: Freshness = LIVE

    def determines(self, other: "Level") -> bool:
        """Whether whoever has this could work out the other from it."""
        fresh = self.freshness is LIVE or other.freshness is DELAYED
        return fresh and other.fidelity in DETERMINED[self.fidelity]

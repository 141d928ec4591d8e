"""How a dispute is run: how long each step lasts and what it costs. Frozen in the dispute when it is opened.

The steps are in working days (工作日), or, in a demonstration, in seconds; actions make moments of them, once each.
"""

from dataclasses import dataclass
from enum import StrEnum


class Unit(StrEnum):
    WORKING_DAYS = "working_days"
    SECONDS = "seconds"


class Step(StrEnum):
    NOTICE = "notice"
    RESPONSE = "response"
    EVIDENCE = "evidence"
    REVIEW = "review"
    APPEAL = "appeal"
    FUNDING = "funding"


@dataclass(frozen=True, slots=True)
class DisputeRules:
    """`fee_basis_points` are of the disputed amount, each side's; an appeal costs a multiple of that fee, the loser of
    the first ruling more. `extension_max` is how much one extension may add."""

    unit: Unit
    notice: int
    response: int
    evidence: int
    review: int
    appeal: int
    funding: int
    extension_max: int
    extensions_max: int
    fee_basis_points: int
    fee_minor_min: int
    appeal_winner_basis_points: int
    appeal_loser_basis_points: int
    lone_funder_wins: bool

    def length(self, step: Step) -> int:
        lengths = {
            Step.NOTICE: self.notice, Step.RESPONSE: self.response, Step.EVIDENCE: self.evidence,
            Step.REVIEW: self.review, Step.APPEAL: self.appeal, Step.FUNDING: self.funding,
        }  # fmt: skip
        return lengths[step]

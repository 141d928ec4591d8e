"""The market's numbers for complaints, freeze orders, the credit record and sanctions, with the law beside each.

Days are working days (工作日) unless the name says otherwise. Where no law binds an exchange, the rule for market
supervision is taken over and said so.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SupervisionRules:
    """`complaints_max`: how many complaints one sender, or all without an account together, may file in an hour."""

    acceptance_days: int
    decision_days: int
    escalation_days: int
    closing_days: int
    complaints_by_member_max: int
    complaints_anonymous_max: int
    freeze_days_max: int
    freeze_confirmation_hours: int
    appeal_days: int
    appeal_decision_days: int
    hearing_days: int
    proposal_days: int
    sanction_days: int
    threshold_points: int
    particulars_days: int


SUPERVISION = SupervisionRules(
    acceptance_days=7,      # 市场监督管理投诉举报处理暂行办法 (2019) art. 14: taken up or not within 7 working days
    decision_days=60,       # ours, of the same, art. 21 and 31: 45 to settle a complaint, 15 to act on a report
    escalation_days=15,     # ours: what the operator left undone, the regulator decides in three weeks
    closing_days=5,         # the same, art. 31: the outcome is told within 5 working days
    complaints_by_member_max=20,    # ours
    complaints_anonymous_max=120,   # ours: a flood must not fill the books
    freeze_days_max=30,     # days of the calendar. 行政强制法 art. 25, 32: thirty days
    freeze_confirmation_hours=24,   # ours: as for calling an auction off
    appeal_days=30,         # ours
    appeal_decision_days=7,  # ours, within the 20 days of 征信业管理条例 art. 25
    hearing_days=5,         # 行政处罚法 (2021) art. 64, 85: a hearing is asked for within 5 working days of the notice
    proposal_days=10,       # ours
    sanction_days=180,      # days of the calendar; ours
    threshold_points=100,   # ours
    particulars_days=1_126,  # of the calendar, after its end: 3 years and 30 days, as the log keeps transactions
)  # fmt: skip

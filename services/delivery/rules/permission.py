"""The one decision behind every delivery: may this buyer have this content, in this mode, for this purpose, now?

Promises: deny unless every rule allows, and what is not known does not allow; the rules are consulted in a fixed order,
and the decision carries the ids of all that were, the policy's version, and why it denied; a higher grade, a lower
clearance or a further flag never turns a denial into an allowance. It is asked anew at each delivery, in all modes.
Composes `shared.grades.decide` (matrix, personal information, conditions on record) with what only delivery knows: the
entitlement, its quota and end, the purpose agreed (PIPL art. 21, Network Data Security Regulation art. 12), and whether
the content leaves the country (`export`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.delivery.rules import export as export_rules
from services.delivery.rules.export import Export, Ruling, is_abroad
from shared import grades
from shared.errors import Conflict, Failure, Forbidden
from shared.grades import Clearance, Condition, Decision, Flag, Grade, Mode

POLICY_VERSION = f"{grades.POLICY_VERSION}.2"  # the matrix's, and ours upon it


@dataclass(frozen=True, slots=True)
class Requested:
    """All that a decision rests on. None is what is not known; no clearance is a buyer who is not admitted.

    `names_use`: a use that may be charged already is tried again, so that the quota is for trading to say.
    """

    mode: Mode
    grade: Grade | None
    clearance: Clearance | None
    at: datetime
    flags: frozenset[Flag] = frozenset()
    on_record: frozenset[Condition] = frozenset()
    active: bool = False
    ends_at: datetime | None = None
    uses_left: int | None = None
    names_use: bool = False
    purposes: tuple[str, ...] = ()
    purpose: str | None = None
    territory: str | None = None
    export: Export = Export()


class NotPermitted(Forbidden):
    """You may not have this content in this form; the reason and the rules stand in the facts."""

    @property
    def told_code(self) -> str:
        return str(self.facts["reason_code"])


class ExportBlocked(Forbidden):
    """This content may not leave mainland China by this right; the reason and the rules stand in the facts."""


class EntitlementNotActive(Conflict):
    """This entitlement is suspended or over."""


class QuotaSpent(Conflict):
    """Every use that was bought has been made."""


def decide(requested: Requested) -> Decision:
    """May it be delivered now?"""
    rules: list[str] = []
    for rule, reason, denies in _of_the_right(requested):
        rules.append(rule)
        if denies:
            return Decision(False, tuple(rules), POLICY_VERSION, reason)
    if requested.grade is None:
        return Decision(False, (*rules, "grade.known"), POLICY_VERSION, "grade_unknown")
    graded = grades.decide(
        requested.grade, requested.mode, requested.clearance, requested.flags, requested.on_record
    )  # fmt: skip
    rules += graded.rules
    reason = graded.reason_code
    if graded.allowed and (ruling := ruling_abroad(requested)):
        rules += ruling.rules
        reason = ruling.reason_code
    return Decision(reason is None, tuple(rules), POLICY_VERSION, reason)


def ruling_abroad(requested: Requested) -> Ruling | None:
    """What is said of its leaving the country; None for what stays."""
    if not is_abroad(requested.territory):
        return None
    admitted = requested.clearance is not None
    parts = (requested.flags, requested.on_record, requested.export)
    return export_rules.rule(requested.grade, admitted, *parts, requested.at)


def agreed_purpose(purposes: Sequence[str], named: str | None) -> str | None:
    """The purpose that was named, or the contract's only one."""
    return purposes[0] if named is None and len(purposes) == 1 else named


def refusal(requested: Requested, decision: Decision) -> Failure:
    """What to tell who asked. Requires a decision that denies."""
    reason, last = decision.reason_code, decision.rules[-1]
    facts: dict[str, object] = {
        "reason_code": reason, "rules": list(decision.rules), "grade": requested.grade, "mode": requested.mode,
    }  # fmt: skip
    if last == "entitlement.quota":
        return QuotaSpent()
    if last.startswith("entitlement."):
        return EntitlementNotActive(reason_code=reason)
    if last.startswith("export."):
        ruling = ruling_abroad(requested)
        article = ruling.article if ruling else None
        return ExportBlocked(**facts, rule=last, article=article, territory=requested.territory)
    if last.startswith("purpose."):
        return NotPermitted(**facts, purposes=list(requested.purposes))
    return NotPermitted(**facts)


def _of_the_right(requested: Requested) -> Iterator[tuple[str, str, bool]]:
    """Each rule on the right itself: its id, the reason code if it denies, and whether it does."""
    over = requested.ends_at is not None and requested.at >= requested.ends_at
    spent = not requested.names_use and not requested.uses_left
    yield "entitlement.active", "entitlement_not_active", not requested.active
    yield "entitlement.period", "period_over", over
    yield "entitlement.quota", "quota_spent", spent
    yield "purpose.named", "purpose_missing", requested.purpose is None
    yield "purpose.agreed", "purpose_not_agreed", requested.purpose not in requested.purposes

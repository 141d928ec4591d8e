"""Changing a contract in force (合同变更): another contract, signed by both, that takes its place.

Promises: what is signed is never changed, only superseded; of the terms, purposes, uses, period and the time to inspect
can change, and never the price, the parties or the subject; what is granted stays within the listing, and at least what
was used stays granted; uses and days that have passed count on.
Source: 民法典 art. 543 (a contract is changed by agreement), 544 (what is not clear was not changed).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from services.trading.rules.contract import CONTRACT, Contract, Side, require_active, written
from services.trading.rules.contract_terms import TERMS_VERSION, Grounds, Terms, completed
from services.trading.rules.entitlement import ENDED, Entitlement, EntitlementEnded
from services.trading.rules.listing import Listing
from services.trading.rules.order import AWAITING_DELIVERY, AWAITING_PAYMENT, Order
from services.trading.rules.right import Right, RightKind
from services.trading.rules.scope import Scope, require_within
from shared import canonical
from shared.errors import Conflict, Malformed
from shared.facts import moment
from shared.ids import ContractId

DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be otherwise than in the contract; None leaves it."""

    purposes: tuple[str, ...] | None = None
    quota_uses: int | None = None
    period_days: int | None = None
    acceptance_days: int | None = None


class NothingChanges(Malformed):
    """An amendment changes something: what you propose is what stands."""


class UsesMade(Conflict):
    """So many uses have been made already that the quota cannot be this."""


class PeriodPassed(Conflict):
    """The right would have ended by now; propose to terminate the contract instead."""


class MeterBinds(Conflict):
    """What is measured keeps its period and the most units that it was priced for: order anew for more."""


class DeliveredAlready(Conflict):
    """The time to inspect runs from the first delivery, and cannot be changed after it."""


def propose(
    contract_id: ContractId, before: Contract, side: Side, change: Change, *, listing: Listing, order: Order,
    right: Entitlement | None, grounds: Grounds, now: datetime,
) -> Contract:  # fmt: skip
    """The amendment for both to sign, by the deadline that the contract gives for signing."""
    require_active(before)
    terms = _amended(contract_id, before, change, grounds, listing, now)
    scope = scope_of(terms)
    _require_possible(scope, terms, canonical.decode(before.terms), listing, order)
    if right is not None:
        amend_entitlement(right, contract_id, scope, now)
    return Contract(
        id=contract_id, order_id=before.order_id, buyer_id=before.buyer_id, provider_id=before.provider_id,
        state=CONTRACT.start, drafted_at=now, deadline=now + timedelta(seconds=terms["windows"]["signing_seconds"]),
        supersedes=before.id, proposed_by=side, **written(terms),
    )  # fmt: skip


def scope_of(terms: Terms) -> Scope:
    """What terms grant."""
    told = terms["right"]
    starts_at = moment(told["starts_at"]) if "starts_at" in told else None
    right = Right(
        RightKind(told["kind"]), told["field"], told["territory"], told["period_days"], told.get("copies"), starts_at
    )  # fmt: skip
    return Scope(right, tuple(terms["purposes"]), terms["quota_uses"])


def amend_order(order: Order, amendment: Contract) -> Order:
    """The order under the contract that both have signed. Raises DeliveredAlready."""
    terms = canonical.decode(amendment.terms)
    _require_inspection_ahead(order, terms)
    windows = replace(order.windows, acceptance_seconds=terms["windows"]["acceptance_seconds"])
    return replace(
        order, contract_id=amendment.id, scope=scope_of(terms), windows=windows, revision=order.revision + 1
    )  # fmt: skip


def amend_entitlement(right: Entitlement, contract_id: ContractId, scope: Scope, now: datetime) -> Entitlement:
    """The right under another contract: its period still runs from its grant, and its uses count on."""
    if right.state is ENDED:
        raise EntitlementEnded(reason_code=right.reason_code)
    if scope.quota_uses < right.uses_spent:
        raise UsesMade(uses_spent=right.uses_spent)
    deadline = (right.begins_at or right.granted_at) + timedelta(days=scope.right.period_days)
    if deadline <= now:
        raise PeriodPassed(deadline=deadline)
    return replace(
        right, contract_id=contract_id, purposes=scope.purposes, quota_uses=scope.quota_uses, deadline=deadline,
        revision=right.revision + 1,
    )  # fmt: skip


def _amended(
    contract_id: ContractId, before: Contract, change: Change, grounds: Grounds, listing: Listing, now: datetime
) -> Terms:
    """The terms of before but for what changes, with who the parties are, and by which grade it is allowed, now."""
    old: dict[str, Any] = canonical.decode(before.terms)
    seconds = None if change.acceptance_days is None else change.acceptance_days * DAY_SECONDS
    changed: dict[str, Any] = {
        "purposes": old["purposes"] if change.purposes is None else change.purposes,
        "quota_uses": change.quota_uses or old["quota_uses"],
        "right": old["right"] | {"period_days": change.period_days or old["right"]["period_days"]},
        "windows": old["windows"] | {"acceptance_seconds": seconds or old["windows"]["acceptance_seconds"]},
    }
    if _sorted(changed) == _sorted({name: old[name] for name in changed}):
        raise NothingChanges()
    return completed({
        **{name: value for name, value in old.items() if name not in {"odrl", "text"}},
        **changed,
        "terms_version": TERMS_VERSION,
        "contract_id": contract_id,
        "supersedes": {"contract_id": before.id, "terms_hash": before.terms_hash},
        "amended_at": now,
        "parties": {"buyer": grounds.buyer, "provider": grounds.provider},
        "grading": {
            "grade": listing.grade, "flags": listing.flags, "grade_revision": listing.grade_revision,
            "buyer_clearance": grounds.clearance, "decision": grounds.decision,
        },
    })  # fmt: skip


def _require_possible(scope: Scope, terms: Terms, before: Terms, listing: Listing, order: Order) -> None:
    """Raises BeyondListing for more than is listed, but for the uses of a deal that had more, as of several units;
    MeterBinds."""
    if order.meter and (scope.quota_uses, terms["right"]) != (before["quota_uses"], before["right"]):
        raise MeterBinds()
    uses = max(listing.quota_uses, before["quota_uses"])
    require_within(scope, replace(listing, quota_uses=uses))
    _require_inspection_ahead(order, terms)


def _require_inspection_ahead(order: Order, terms: Terms) -> None:
    changes = terms["windows"]["acceptance_seconds"] != order.windows.acceptance_seconds
    if changes and order.state not in {AWAITING_PAYMENT, AWAITING_DELIVERY}:
        raise DeliveredAlready(state=order.state)


def _sorted(told: Mapping[str, Any]) -> dict[str, Any]:
    """Purposes have no order."""
    return {**told, "purposes": sorted(told["purposes"])}

"""The terms of a contract: all that was agreed, and all that decided it, in one canonical JSON object.

Promises: the terms say who the parties were known to be at the award, by which grade, decision, policy, plan and fee
schedule the sale was made, and what is granted; they hold the machine-readable policy (`odrl`) and pin the version and
the hash of the legal text, so that one signature over their hash covers both; terms of an earlier version stay as they
are, and are read by their version.
Sources: 数据提供合同 (model text of 2025) § 1, 2, 5, 6, 7; Data Security Law art. 33 (who the parties are is verified
and kept); Network Data Security Regulation art. 12 (purpose, manner and scope stand in the contract).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, cast

from services.trading.rules import contract_text, odrl
from services.trading.rules.listing import Listing
from services.trading.rules.order import Order
from shared import canonical
from shared.facts import plain
from shared.grades import Clearance, Decision
from shared.ids import ParticipantId

TERMS_VERSION = 2
Terms = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Identity:
    """What was known of a party at the award. `uscc` is its 统一社会信用代码."""

    participant_id: ParticipantId
    name: str | None = None
    uscc: str | None = None
    roles: frozenset[str] = frozenset()
    clearance: Clearance | None = None


@dataclass(frozen=True, slots=True)
class Grounds:
    """What decided the sale. `clearance` is the one that the decision was made by."""

    clearance: Clearance | None
    decision: Decision
    buyer: Identity
    provider: Identity
    quote_version: int | None = None


def terms_of(order: Order, listing: Listing, grounds: Grounds) -> Terms:
    """The terms of a placed order. `listing` is what is sold, as this deal has it."""
    quote_id = order.quote_id or order.bundle_quote_id
    plan = {"plan_id": listing.plan_id, "quote_id": quote_id, "quote_version": grounds.quote_version}
    return completed({
        "terms_version": TERMS_VERSION,
        "contract_id": order.contract_id,
        "order_id": order.id,
        "buyer_id": order.buyer_id,
        "provider_id": order.provider_id,
        "parties": {"buyer": grounds.buyer, "provider": grounds.provider},
        "awarded_at": order.placed_at,
        "origin": {
            "quote_id": order.quote_id, "auction_id": order.auction_id, "inquiry_id": order.inquiry_id,
            "negotiation_id": order.negotiation_id, "call_auction_id": order.call_auction_id,
            "double_auction_id": order.double_auction_id, "block_deal_id": order.block_deal_id,
            "bundle_quote_id": order.bundle_quote_id,
        },
        "subject": {
            "asset_id": listing.asset_id, "version_id": listing.version_id, "title": listing.title,
            "content_hash": listing.content_hash,
        },
        "grading": {
            "grade": listing.grade, "flags": listing.flags, "grade_revision": listing.grade_revision,
            "buyer_clearance": grounds.clearance, "decision": grounds.decision,
        },
        "right": asdict(listing.right),
        "mode": listing.mode,
        "purposes": listing.purposes,
        "columns_digest": None if order.columns is None else canonical.digest(sorted(order.columns)),
        "quota_uses": listing.quota_uses,
        "price": order.price,
        "meter": order.meter,
        "plan": plan if quote_id else None,
        "renews": order.renews,
        "fees": order.fees,
        "windows": order.windows,
        "acceptance": order.acceptance,
        "co_owners": order.ownership,
    })  # fmt: skip


def completed(agreed: Mapping[str, object]) -> Terms:
    """What was agreed, with the policy that says it to machines and the hash of the text that says it to people."""
    base = cast(dict[str, Any], plain(agreed))
    structure = contract_text.structure_of(base)
    text = {
        "text_version": contract_text.TEXT_VERSION, "structure": structure,
        "text_hash": contract_text.hash_of(contract_text.clauses_of(base)),
    }  # fmt: skip
    return base | {"odrl": odrl.encoded(odrl.agreement(base)), "text": plain(text)}

"""What happens when the parties change a contract: proposed by one, signed by both, and then in the old one's place.

Promises: the commit of the second signature supersedes the old contract, and moves order and right under the new one,
or none of it happens; a longer right overlaps no exclusive one, for the database refuses its claim too.
Locks the asset before the order, and the order before its contracts and its right.
"""

from datetime import datetime

from services.trading.actions.award import identity_of
from services.trading.actions.negotiation import BuyerNotAdmitted
from services.trading.actions.permission import decide_for
from services.trading.actions.trading import Trading
from services.trading.events.contracts import (
    AmendmentProposed,
    AmendmentRefused,
    ContractSuperseded,
    EntitlementAmended,
    OrderAmended,
)
from services.trading.events.deals import ContractEnded
from services.trading.rules import amendment as rules
from services.trading.rules import contract as contract_rules
from services.trading.rules.amendment import Change
from services.trading.rules.contract import DRAFTED, Contract, Refusal
from services.trading.rules.contract_terms import Grounds
from services.trading.rules.listing import Listing
from services.trading.rules.order import Order
from services.trading.store import claim as claim_store
from services.trading.store import contract as store
from services.trading.store import entitlement as entitlement_store
from services.trading.store import listing as listing_store
from services.trading.store import order as order_store
from shared import canonical
from shared.access import Member
from shared.database import Transaction
from shared.facts import Fact
from shared.idempotency import Once
from shared.ids import ContractId, EntitlementId


async def propose(
    trading: Trading, caller: Member, contract_id: ContractId, change: Change, once: Once
) -> Contract:  # fmt: skip
    """Draft the contract that would replace this one. Requires that the buyer may still have what is granted."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Contract):
            return earlier
        seen = await store.contract(tx, contract_id, caller.participant_id)
        order = await order_store.order_for_update(tx, seen.order_id)
        before = await store.contract_for_update(tx, contract_id)
        contract_rules.require_active(before)
        right_id = order.entitlement_id
        right = await entitlement_store.entitlement_for_update(tx, right_id) if right_id else None
        listing = await listing_store.as_graded_now(tx, await listing_store.listing(tx, order.listing_id))
        now = await trading.database.now(tx)
        side, grounds = before.side_of(caller.participant_id), _grounds(trading, before, listing)
        amendment = rules.propose(
            ContractId.new(), before, side, change, listing=listing, order=order, right=right, grounds=grounds, now=now
        )  # fmt: skip
        await store.add_contract(tx, amendment)
        await once.remember(tx, amendment)
        await trading.outbox.record(tx, caller.actor, now, AmendmentProposed.of(amendment))
    return amendment


async def refuse(
    trading: Trading, caller: Member, contract_id: ContractId, reason_code: Refusal, reason: str, once: Once
) -> Contract:
    """Not sign an amendment, or take one's own back: the contract in force stays as it is."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Contract):
            return earlier
        seen = await store.contract(tx, contract_id, caller.participant_id)
        await order_store.order_for_update(tx, seen.order_id)
        amendment = await store.contract_for_update(tx, contract_id)
        now = await trading.database.now(tx)
        side = amendment.side_of(caller.participant_id)
        amendment = contract_rules.refuse(amendment, side, reason_code, reason, now)
        await store.save_contract(tx, amendment)
        await once.remember(tx, amendment)
        await trading.outbox.record(tx, caller.actor, now, AmendmentRefused.of(amendment))
    return amendment


async def pass_deadline(trading: Trading, contract_id: ContractId) -> None:
    """End an amendment that not both have signed in time, if nobody has yet."""
    async with trading.database.transaction() as tx:
        seen = await store.contract(tx, contract_id)
        await order_store.order_for_update(tx, seen.order_id)
        amendment = await store.contract_for_update(tx, contract_id)
        now = await trading.database.now(tx)
        if amendment.state is not DRAFTED or not contract_rules.deadline_has_passed(amendment, now):
            return
        amendment = contract_rules.pass_deadline(amendment)
        await store.save_contract(tx, amendment)
        await trading.outbox.record(tx, trading.outbox.itself, now, ContractEnded.of(amendment))


async def lock_asset_of(tx: Transaction, contract: Contract) -> None:
    """What an amendment may claim more of, locked before its order. The first contract of an award claims nothing."""
    if contract.supersedes is not None:
        await listing_store.lock_asset(tx, canonical.decode(contract.terms)["subject"]["asset_id"])


async def amended_contract(tx: Transaction, amendment: Contract) -> Contract | None:
    """The contract that an amendment would replace, locked; None if this is none. Raises ContractNotActive."""
    if amendment.supersedes is None:
        return None
    before = await store.contract_for_update(tx, amendment.supersedes)
    contract_rules.require_active(before)
    return before


async def take_effect(
    tx: Transaction, before: Contract, amendment: Contract, order: Order, now: datetime
) -> list[Fact]:  # fmt: skip
    """What the second signature brings about. Requires the locked asset and order, and an amendment not saved yet: of
    the contracts of an order no two are in force."""
    superseded, amended = contract_rules.supersede(before, amendment), rules.amend_order(order, amendment)
    await store.save_contract(tx, superseded)
    await order_store.save_amended(tx, amended)
    facts: list[Fact] = [ContractSuperseded.of(superseded), OrderAmended.of(amended)]
    if order.entitlement_id is None:
        return facts
    return [*facts, await _amend_right(tx, order, order.entitlement_id, amendment, now)]


async def _amend_right(
    tx: Transaction, order: Order, right_id: EntitlementId, amendment: Contract, now: datetime
) -> Fact:  # fmt: skip
    before = await entitlement_store.entitlement_for_update(tx, right_id)
    scope = rules.scope_of(canonical.decode(amendment.terms))
    right = rules.amend_entitlement(before, amendment.id, scope, now)
    await entitlement_store.save_entitlement(tx, right)
    if before.deadline and right.deadline and right.deadline > before.deadline:
        listing = await listing_store.listing(tx, order.listing_id)
        await claim_store.claim_anew(tx, listing.asset_id, listing.id)
    return EntitlementAmended.of(right)


def _grounds(trading: Trading, contract: Contract, listing: Listing) -> Grounds:
    """By which grade and standing the buyer may have it now. Raises as `decide_for` does, and BuyerNotAdmitted."""
    buyer = trading.standing.of(contract.buyer_id)
    if not buyer.is_admitted:
        raise BuyerNotAdmitted(standing=buyer.status)
    decision = decide_for(trading, buyer, listing)
    identities = [identity_of(trading.standing, each) for each in (contract.buyer_id, contract.provider_id)]
    return Grounds(buyer.clearance, decision, identities[0], identities[1])

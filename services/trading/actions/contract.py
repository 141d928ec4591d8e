"""What happens when a party signs."""

import base64
import binascii
from datetime import datetime

from services.trading.actions import amendment
from services.trading.actions.entitlement import grant
from services.trading.actions.negotiation import follow_contract
from services.trading.actions.trading import Trading
from services.trading.events.deals import ContractActivated, ContractSigned
from services.trading.rules import contract as rules
from services.trading.rules import order as order_rules
from services.trading.rules.contract import (
    ACTIVE,
    Contract,
    InPerson,
    NotAPerson,
    Person,
    Signature,
    SignatureInvalid,
    State,
    TermsDiffer,
    UnknownKey,
    WithKey,
)
from services.trading.store import contract as store
from services.trading.store import order as order_store
from shared.access import Member
from shared.database import Transaction
from shared.facts import Fact
from shared.idempotency import Once
from shared.ids import ContractId, OrderId, ParticipantId
from shared.permission import require_stepped_up
from shared.signing import public_key_of, verifies
from shared.web import Page


async def sign(
    trading: Trading, caller: Member, contract_id: ContractId, way: WithKey | InPerson, once: Once
) -> Contract:
    """Sign the terms as they stand, with a key that is the organisation's now, or in person after a fresh proof of who
    that is. The second signature binds both."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Contract):
            return earlier
        seen = await store.contract(tx, contract_id, caller.participant_id)
        await amendment.lock_asset_of(tx, seen)
        order = await order_store.order_for_update(tx, seen.order_id)
        amended = await amendment.amended_contract(tx, seen)
        contract = await store.contract_for_update(tx, contract_id)
        now = await trading.database.now(tx)
        order_rules.require_not_frozen(order, now)
        signed_by = _signed(caller, contract, way, now)
        contract = rules.sign(contract, signed_by, now)
        await store.add_signature(tx, contract_id, signed_by)
        facts: list[Fact] = [ContractSigned.of(contract, signed_by)]
        if contract.state is ACTIVE and amended:
            facts += [*await amendment.take_effect(tx, amended, contract, order, now), ContractActivated.of(contract)]
        elif contract.state is ACTIVE:
            facts += [ContractActivated.of(contract), *await _activate(tx, order, now)]
        await store.save_contract(tx, contract)
        await once.remember(tx, contract)
        await trading.outbox.record(tx, caller.actor, now, *facts)
    return contract


async def contracts(
    trading: Trading, party_id: ParticipantId | None, page: Page, state: State | None, order_id: OrderId | None
) -> list[Contract]:
    """A party's contracts, newest first, on either side."""
    async with trading.database.read() as tx:
        return await store.page_of_contracts(tx, page, party_id, state, order_id)


async def contract(trading: Trading, party_id: ParticipantId | None, contract_id: ContractId) -> Contract:
    async with trading.database.read() as tx:
        return await store.contract(tx, contract_id, party_id)


async def _activate(tx: Transaction, order: order_rules.Order, now: datetime) -> list[Fact]:
    """The order after both have signed. What costs nothing is granted at once."""
    order = order_rules.both_signed(order, now)
    facts: list[Fact] = []
    if order.is_free:
        order, granted = await grant(tx, order, now)
        facts.append(granted)
    await order_store.save_order(tx, order)
    return [*facts, *await follow_contract(tx, order, now)]


def _signed(caller: Member, contract: Contract, way: WithKey | InPerson, now: datetime) -> Signature:
    side = contract.side_of(caller.participant_id)
    if isinstance(way, WithKey):
        public_key = _verified(caller, contract, way)
        return Signature(side, caller.participant_id, way.key_id, public_key, way.signature, now)
    return Signature(side, caller.participant_id, None, None, None, now, _person(caller, contract, way, now))


def _person(caller: Member, contract: Contract, way: InPerson, now: datetime) -> Person:
    """Raises NotAPerson, InsufficientUserAuthentication, TermsDiffer."""
    person = caller.caller
    if person.kind != "user" or caller.delegation:
        raise NotAPerson()
    require_stepped_up(person, now)
    if way.terms_hash != contract.terms_hash:
        raise TermsDiffer(terms_hash=contract.terms_hash)
    assert person.acr and person.authenticated_at
    return Person(person.subject, person.acr, person.authenticated_at)


def _verified(caller: Member, contract: Contract, way: WithKey) -> str:
    """The key that it verifies with. Raises UnknownKey or SignatureInvalid unless one of the caller's present keys
    signed these terms."""
    public_key = caller.standing.signing_keys.get(way.key_id)
    if public_key is None:
        raise UnknownKey(key_id=way.key_id)
    try:
        raw = base64.b64decode(way.signature, validate=True)
    except (binascii.Error, ValueError) as error:
        raise SignatureInvalid() from error
    if not verifies(public_key_of(public_key), rules.message(contract), raw):
        raise SignatureInvalid()
    return public_key

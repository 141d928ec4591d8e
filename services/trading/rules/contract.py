"""A contract (合同): terms that never change, the hash that names them, and two signatures over that hash.

Promises: the same terms have the same bytes and the same hash for writer, parties and verifier; a signature is over the
terms as they stand; what decided the sale (grade, decision, policy version, fee schedule) is part of what is signed;
each party signs once, with a key that is theirs at that moment, and that key stays with the signature.
Sources: 电子签名法 art. 13; 数据提供合同 (model text of 2025) § 1, 2, 5, 6, 7; Data Security Law art. 33.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from services.trading.rules.listing import Listing
from services.trading.rules.order import Order
from shared import canonical
from shared.errors import Conflict, Malformed, NotFound
from shared.facts import plain
from shared.grades import Clearance, Decision
from shared.ids import ContractId, KeyId, OrderId, ParticipantId
from shared.lifecycle import Lifecycle

SIGNED_PREFIX = b"yaosu contract v1\n"
TERMS_VERSION = 1
Side = Literal["buyer", "provider"]


class State(StrEnum):
    DRAFTED = "drafted"
    ACTIVE = "active"
    FULFILLED = "fulfilled"
    LAPSED = "lapsed"
    TERMINATED = "terminated"


DRAFTED, ACTIVE, FULFILLED, LAPSED, TERMINATED = State

CONTRACT = Lifecycle(start=DRAFTED, moves={
    DRAFTED:    {ACTIVE, LAPSED},
    ACTIVE:     {FULFILLED, TERMINATED},
    FULFILLED:  set(),
    LAPSED:     set(),
    TERMINATED: set(),
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Signature:
    """`signature` is Ed25519 over the signed message, in base64, as is the `public_key` it verifies with."""

    side: Side
    participant_id: ParticipantId
    key_id: KeyId
    public_key: str
    signature: str
    signed_at: datetime


@dataclass(frozen=True, slots=True)
class Contract:
    """`terms` are canonical JSON. `deadline` is the one for signing; an active contract waits for its order."""

    id: ContractId
    order_id: OrderId
    buyer_id: ParticipantId
    provider_id: ParticipantId
    terms: str
    terms_hash: str
    state: State
    drafted_at: datetime
    deadline: datetime | None
    signatures: tuple[Signature, ...] = ()
    reason_code: str | None = None
    revision: int = 1

    @property
    def signed(self) -> frozenset[str]:
        return frozenset(signature.side for signature in self.signatures)

    @property
    def next_actor(self) -> str | None:
        if self.state is not DRAFTED:
            return None
        missing = [side for side in ("buyer", "provider") if side not in self.signed]
        return "_and_".join(missing)

    def side_of(self, participant_id: ParticipantId) -> Side:
        """Raises NoSuchContract for anyone but the two parties."""
        if participant_id == self.buyer_id:
            return "buyer"
        if participant_id == self.provider_id:
            return "provider"
        raise NoSuchContract()


class NoSuchContract(NotFound):
    """You have no such contract."""


class UnknownKey(Conflict):
    """Your organisation has no such signing key now."""


class SignatureInvalid(Malformed):
    """The signature is not this key's over the contract's terms."""


class AlreadySigned(Conflict):
    """You have signed this contract."""


class ContractNotOpen(Conflict):
    """This contract takes no signatures now."""


def draft(order: Order, listing: Listing, clearance: Clearance | None, decision: Decision) -> Contract:
    """The contract of a placed order, for both to sign."""
    terms = canonical.encode(plain(_terms(order, listing, clearance, decision)))
    return Contract(
        id=order.contract_id, order_id=order.id, buyer_id=order.buyer_id, provider_id=order.provider_id,
        terms=terms.decode(), terms_hash=hashlib.sha256(terms).hexdigest(), state=CONTRACT.start,
        drafted_at=order.placed_at, deadline=order.deadline,
    )  # fmt: skip


def message(contract: Contract) -> bytes:
    """What both parties sign: a prefix that fits nothing else, and the hash of the terms in hex."""
    return SIGNED_PREFIX + contract.terms_hash.encode("ascii")


def sign(contract: Contract, signature: Signature, now: datetime) -> Contract:
    """The contract with one more signature; active with the second. Requires that the signature verifies."""
    if contract.state is not DRAFTED:
        raise ContractNotOpen(state=contract.state, reason_code=contract.reason_code)
    if contract.deadline and now >= contract.deadline:
        raise ContractNotOpen(state=contract.state, deadline=contract.deadline)
    if signature.side in contract.signed:
        raise AlreadySigned(side=signature.side)
    signed = replace(contract, signatures=(*contract.signatures, signature))
    return _move(signed, ACTIVE, deadline=None) if len(signed.signatures) == 2 else _change(signed)


def end(contract: Contract, reason_code: str, *, fulfilled: bool = False) -> Contract:
    """The contract once its order has failed, or its right has run out. An ended one stays as it is."""
    if contract.state is DRAFTED:
        return _move(contract, LAPSED, reason_code=reason_code, deadline=None)
    if contract.state is ACTIVE:
        return _move(contract, FULFILLED if fulfilled else TERMINATED, reason_code=reason_code)
    return contract


def _terms(order: Order, listing: Listing, clearance: Clearance | None, decision: Decision) -> Mapping[str, object]:
    return {
        "terms_version": TERMS_VERSION,
        "contract_id": order.contract_id,
        "order_id": order.id,
        "buyer_id": order.buyer_id,
        "provider_id": order.provider_id,
        "awarded_at": order.placed_at,
        "origin": {
            "quote_id": order.quote_id, "auction_id": order.auction_id, "inquiry_id": order.inquiry_id,
            "negotiation_id": order.negotiation_id, "call_auction_id": order.call_auction_id,
        },
        "subject": {
            "asset_id": listing.asset_id, "version_id": listing.version_id, "title": listing.title,
            "content_hash": listing.content_hash,
        },
        "grading": {
            "grade": listing.grade, "flags": listing.flags, "grade_revision": listing.grade_revision,
            "buyer_clearance": clearance,
            "decision": decision,
        },
        "right": asdict(listing.right),
        "mode": listing.mode,
        "purposes": listing.purposes,
        **({} if order.columns is None else {"columns_digest": canonical.digest(sorted(order.columns))}),
        "quota_uses": listing.quota_uses,
        "price": order.price,
        "fees": order.fees,
        **({} if order.ownership is None else {"co_owners": order.ownership}),
        "windows": order.windows,
    }  # fmt: skip


def _move(contract: Contract, to: State, **changes: Any) -> Contract:
    return _change(contract, state=CONTRACT.move(contract.state, to), **changes)


def _change(contract: Contract, **changes: Any) -> Contract:
    return replace(contract, revision=contract.revision + 1, **changes)

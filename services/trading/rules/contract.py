"""A contract (合同): terms that never change, the hash that names them, and two signatures over that hash.

Promises: the same terms have the same bytes and the same hash for writer, parties and verifier; a signature is over the
terms as they stand; what decided the sale (grade, decision, policy version, fee schedule) is part of what is signed;
each party signs once, with a key that is theirs at that moment, which stays with the signature, or by a person of
theirs who has just proved who they are, which stays with it too.
Sources: 电子签名法 art. 13; 数据提供合同 (model text of 2025) § 1, 2, 5, 6, 7; Data Security Law art. 33.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from services.trading.rules.contract_terms import Grounds, Terms, terms_of
from services.trading.rules.listing import Listing
from services.trading.rules.order import Order
from shared import canonical
from shared.errors import Conflict, Forbidden, Malformed, NotFound
from shared.ids import ContractId, KeyId, OrderId, ParticipantId
from shared.lifecycle import Lifecycle

SIGNED_PREFIX = b"yaosu contract v1\n"
Side = Literal["buyer", "provider"]


class State(StrEnum):
    DRAFTED = "drafted"
    ACTIVE = "active"
    FULFILLED = "fulfilled"
    LAPSED = "lapsed"
    TERMINATED = "terminated"
    SUPERSEDED = "superseded"


DRAFTED, ACTIVE, FULFILLED, LAPSED, TERMINATED, SUPERSEDED = State

CONTRACT = Lifecycle(start=DRAFTED, moves={
    DRAFTED:    {ACTIVE, LAPSED},
    ACTIVE:     {FULFILLED, TERMINATED, SUPERSEDED},
    FULFILLED:  set(),
    LAPSED:     set(),
    TERMINATED: set(),
    SUPERSEDED: set(),
})  # fmt: skip
BOUND = (ACTIVE, FULFILLED, TERMINATED, SUPERSEDED)  # the states of what both have signed


class Reason(StrEnum):
    NOT_SIGNED = "not_signed"
    AMENDED = "amended"


class Refusal(StrEnum):
    """Why a side does not sign an amendment, or takes its own back."""

    TERMS_NOT_AGREED = "terms_not_agreed"
    NO_LONGER_WANTED = "no_longer_wanted"


@dataclass(frozen=True, slots=True)
class Person:
    """Who signed without a key, how strong their log-in was, and when it was."""

    user_id: str
    authenticated_by: str
    authenticated_at: datetime


@dataclass(frozen=True, slots=True)
class Signature:
    """`signature` is Ed25519 over the signed message, in base64, as is the `public_key` it verifies with; or a `person`
    named the hash of the terms."""

    side: Side
    participant_id: ParticipantId
    key_id: KeyId | None
    public_key: str | None
    signature: str | None
    signed_at: datetime
    person: Person | None = None


@dataclass(frozen=True, slots=True)
class WithKey:
    """By a key of the organisation, whoever sends it."""

    key_id: KeyId
    signature: str


@dataclass(frozen=True, slots=True)
class InPerson:
    """By the caller, who names the hash of the terms that they read."""

    terms_hash: str


@dataclass(frozen=True, slots=True)
class Contract:
    """`terms` are canonical JSON. `deadline` is the one for signing; an active contract waits for its order.

    An amendment `supersedes` the contract that it changes, and was `proposed_by` one side. `text_hash` is the one that
    the terms pin, `document_hash` that of the signed document's bytes, once there is one.
    """

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
    text_hash: str | None = None
    document_hash: str | None = None
    supersedes: ContractId | None = None
    superseded_by: ContractId | None = None
    proposed_by: Side | None = None
    reason: str | None = None  # in the words of whoever refused

    @property
    def signed(self) -> frozenset[str]:
        return frozenset(signature.side for signature in self.signatures)

    @property
    def next_actor(self) -> str | None:
        if self.state is not DRAFTED:
            return None
        missing = [side for side in ("buyer", "provider") if side not in self.signed]
        return "_and_".join(missing)

    @property
    def lacks_document(self) -> bool:
        """Whether it binds, has a text, and the document of both is not kept yet."""
        return self.state in BOUND and self.text_hash is not None and self.document_hash is None

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


class NotAPerson(Forbidden):
    """In person only a member of the organisation itself signs; a program signs with a key."""


class TermsDiffer(Conflict):
    """The contract's terms have another hash than the one that you sign; read them again."""


class AlreadySigned(Conflict):
    """You have signed this contract."""


class ContractNotOpen(Conflict):
    """This contract takes no signatures now."""


class AmendmentOpen(Conflict):
    """Another amendment of this contract is open: sign it, refuse it, or let its deadline pass."""


class ContractNotActive(Conflict):
    """Only a contract in force can be changed, renewed or ended; the facts say what this one is and what follows it."""


class NotAnAmendment(Conflict):
    """What follows from an award is not refused: left unsigned, it lapses at its deadline."""


def draft(order: Order, listing: Listing, grounds: Grounds) -> Contract:
    """The contract of a placed order, for both to sign."""
    return Contract(
        id=order.contract_id, order_id=order.id, buyer_id=order.buyer_id, provider_id=order.provider_id,
        state=CONTRACT.start, drafted_at=order.placed_at, deadline=order.deadline,
        **written(terms_of(order, listing, grounds)),
    )  # fmt: skip


def message(contract: Contract) -> bytes:
    """What both parties sign: a prefix that fits nothing else, and the hash of the terms in hex."""
    return SIGNED_PREFIX + contract.terms_hash.encode("ascii")


def sign(contract: Contract, signature: Signature, now: datetime) -> Contract:
    """The contract with one more signature; active with the second. Requires that the signature verifies."""
    if contract.state is not DRAFTED:
        raise ContractNotOpen(state=contract.state, reason_code=contract.reason_code)
    if deadline_has_passed(contract, now):
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


def require_active(contract: Contract) -> None:
    """Raises ContractNotActive unless it is in force."""
    if contract.state is not ACTIVE:
        raise ContractNotActive(
            state=contract.state, reason_code=contract.reason_code, superseded_by=contract.superseded_by
        )  # fmt: skip


def require_renewable(contract: Contract) -> None:
    """Raises ContractNotActive unless it is in force, or was until its right had run out."""
    if contract.state is not FULFILLED:
        require_active(contract)


def supersede(contract: Contract, by: Contract) -> Contract:
    """The contract once both have signed what replaces it."""
    require_active(contract)
    return _move(contract, SUPERSEDED, reason_code=Reason.AMENDED, superseded_by=by.id)


def refuse(contract: Contract, side: Side, reason_code: Refusal, reason: str, now: datetime) -> Contract:
    """An amendment that one side will not have, be it its own."""
    if contract.supersedes is None:
        raise NotAnAmendment()
    if contract.state is not DRAFTED or deadline_has_passed(contract, now):
        raise ContractNotOpen(state=contract.state, reason_code=contract.reason_code)
    code = f"{reason_code}_by_{side}"
    return _move(contract, LAPSED, reason_code=code, reason=reason, deadline=None)


def deadline_has_passed(contract: Contract, now: datetime) -> bool:
    return contract.deadline is not None and now >= contract.deadline


def pass_deadline(contract: Contract) -> Contract:
    """An amendment that not both have signed in time. Requires that the deadline has passed."""
    return end(contract, Reason.NOT_SIGNED)


def keep_document(contract: Contract, document_hash: str) -> Contract:
    """Requires a contract that lacks its document."""
    return _change(contract, document_hash=document_hash)


def written(terms: Terms) -> dict[str, Any]:
    """The members of a contract that are made of its terms."""
    text = canonical.encode(terms)
    text_hash = terms["text"]["text_hash"]
    return {"terms": text.decode(), "terms_hash": hashlib.sha256(text).hexdigest(), "text_hash": text_hash}


def _move(contract: Contract, to: State, **changes: Any) -> Contract:
    return _change(contract, state=CONTRACT.move(contract.state, to), **changes)


def _change(contract: Contract, **changes: Any) -> Contract:
    return replace(contract, revision=contract.revision + 1, **changes)

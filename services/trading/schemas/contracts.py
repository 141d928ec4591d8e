"""What crosses the wire about contracts, their amendments, terminations and renewals."""

import json
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import Field as Limits
from pydantic import StringConstraints

from services.trading.rules.amendment import Change
from services.trading.rules.award import Acceptance
from services.trading.rules.contract import Contract, InPerson, Refusal, Side, WithKey
from services.trading.rules.contract import State as ContractState
from services.trading.rules.termination import Ground, Objection, Termination
from services.trading.rules.termination import State as TerminationState
from services.trading.schemas.money import Reason
from services.trading.schemas.words import TotalAmount, Word
from shared.ids import ContractId, KeyId, OrderId, ParticipantId, QuoteId, TerminationId
from shared.web import Request, View


class NewSignature(Request):
    """Ed25519, in base64, over `yaosu contract v1`, a newline, and the terms' hash in hex."""

    key_id: KeyId
    signature: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]{86}==$")]

    def way(self) -> WithKey:
        return WithKey(self.key_id, self.signature)


class NewSignatureInPerson(Request):
    """The hash of the terms that were read."""

    terms_hash: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]

    def way(self) -> InPerson:
        return InPerson(self.terms_hash)


class PersonView(View):
    user_id: str
    authenticated_by: str
    authenticated_at: datetime


class SignatureView(View):
    """With a key, which verifies it; or by a `person`, who had just proved who they are."""

    side: Side
    participant_id: ParticipantId
    key_id: KeyId | None
    public_key: str | None
    signature: str | None
    signed_at: datetime
    person: PersonView | None = None


class ContractView(View):
    """`terms_hash` is the SHA-256 of `terms_text`, the canonical JSON (RFC 8785) of `terms`.

    `policy` is the ODRL Agreement that the terms hold as text, `text_hash` the hash of the legal text that they pin,
    `document_hash` that of the signed PDF, once it is kept. An amendment `supersedes` the contract that it changes.
    """

    id: ContractId
    order_id: OrderId
    buyer_id: ParticipantId
    provider_id: ParticipantId
    terms: dict[str, Any]
    terms_text: str
    terms_hash: str
    policy: dict[str, Any] | None
    text_hash: str | None
    document_hash: str | None
    supersedes: ContractId | None
    superseded_by: ContractId | None
    proposed_by: Side | None
    signatures: list[SignatureView]
    state: ContractState
    next_actor: str | None
    deadline: datetime | None
    reason_code: str | None
    reason: str | None
    drafted_at: datetime

    @classmethod
    def of(cls, contract: Contract) -> Self:
        terms = json.loads(contract.terms)
        return cls(
            id=contract.id, order_id=contract.order_id, buyer_id=contract.buyer_id, provider_id=contract.provider_id,
            terms=terms, terms_text=contract.terms, terms_hash=contract.terms_hash,
            policy=json.loads(terms["odrl"]) if "odrl" in terms else None, text_hash=contract.text_hash,
            document_hash=contract.document_hash, supersedes=contract.supersedes,
            superseded_by=contract.superseded_by, proposed_by=contract.proposed_by,
            signatures=[SignatureView.model_validate(signature) for signature in contract.signatures],
            state=contract.state, next_actor=contract.next_actor, deadline=contract.deadline,
            reason_code=contract.reason_code, reason=contract.reason, drafted_at=contract.drafted_at,
        )  # fmt: skip


class NewAmendment(Request):
    """What is to be otherwise; what is left out stays. Price, parties and subject cannot change."""

    purposes: Annotated[list[Word], Limits(min_length=1, max_length=20)] | None = None
    quota_uses: Annotated[int, Limits(ge=1, le=1_000_000)] | None = None
    period_days: Annotated[int, Limits(ge=1, le=3650)] | None = None
    acceptance_days: Annotated[int, Limits(ge=1, le=30)] | None = None

    def change(self) -> Change:
        purposes = None if self.purposes is None else tuple(dict.fromkeys(self.purposes))
        return Change(purposes, self.quota_uses, self.period_days, self.acceptance_days)


class RefusedAmendment(Request):
    reason_code: Annotated[Refusal, Limits(strict=False)]
    reason: Reason


class ProposedTermination(Request):
    reason_code: Annotated[Ground, Limits(strict=False)]
    reason: Reason


class ContestedTermination(Request):
    reason_code: Annotated[Objection, Limits(strict=False)]
    reason: Reason


class TerminationView(View):
    """`ground` and `reason` are those of the side that proposed it, `reason_code` and `answer` the other side's."""

    id: TerminationId
    contract_id: ContractId
    proposed_by: Side
    ground: Ground
    reason: str
    proposed_at: datetime
    state: TerminationState
    next_actor: str | None
    deadline: datetime | None
    reason_code: str | None
    answer: str | None
    answered_at: datetime | None

    @classmethod
    def of(cls, proposed: Termination) -> Self:
        return cls.model_validate(proposed)


class NewRenewal(Request):
    """Your yes to a fresh quote for what the contract granted."""

    quote_id: QuoteId
    quote_version: Annotated[int, Limits(ge=1, le=2**31 - 1)]
    total: TotalAmount

    def acceptance(self) -> Acceptance:
        return Acceptance(self.quote_id, self.quote_version, self.total.money())

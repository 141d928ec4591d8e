"""What crosses the wire about disputes. Texts go by their hashes, and are read one by one by whoever may.

Promises: a vote shows to nobody before all are in; a supervisor sees what was decided, not what was said.
"""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field as Limits
from pydantic import StringConstraints, model_validator

from services.trading.rules.arbiter_draw import Arbiter, ArbiterState
from services.trading.rules.demand import Category, Demand, Remedy, Side, Split
from services.trading.rules.dispute import Dispute, NoticeBy, State
from services.trading.rules.dispute_outcome import Basis
from services.trading.rules.evidence import EvidenceKind
from services.trading.rules.ruling import Grounds, Panel, Why
from services.trading.schemas.words import TotalAmount
from shared.ids import ContractId, DisputeId, OrderId, ParticipantId, UserId
from shared.money import Money
from shared.web import Request, View

ChosenCategory = Annotated[Category, Limits(strict=False)]
ChosenRemedy = Annotated[Remedy, Limits(strict=False)]
Remedies = Annotated[list[ChosenRemedy], Limits(max_length=len(Remedy))]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=8_000)]
ShortText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Hex = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
BasisPoints = Annotated[int, Limits(ge=0, le=10_000)]
Length = Annotated[int, Limits(ge=1, le=10_000)]


class NewArbiter(Request):
    """`ties` are the organisations that the arbiter works or has worked for, or has a stake in."""

    arbiter_id: UserId
    ties: Annotated[list[ParticipantId], Limits(max_length=50)] = []


class NewDispute(Request):
    """`nonce`: 32 random bytes of yours in hex, which go into the draw of the arbiter. `amount`: nothing, where the
    order cost nothing or you have its price; then remedies are what you claim."""

    order_id: OrderId
    category: ChosenCategory
    amount: TotalAmount
    remedies: Remedies = []
    statement: Text
    nonce: Hex

    def demand(self) -> Demand:
        return Demand(self.category, self.amount.money(), tuple(self.remedies))


class NewResponse(Request):
    """`admitted` of what is disputed is the claimant's, whatever is ruled."""

    admitted: TotalAmount
    statement: Text
    nonce: Hex


class NewEvidence(Request):
    """The content itself, as text, or the SHA-256 of what you keep."""

    kind: Literal["statement", "document", "correspondence", "test_result", "data_sample"]
    content: Text | None = None
    content_hash: Hex | None = None

    @property
    def of_kind(self) -> EvidenceKind:
        return EvidenceKind(self.kind)

    @model_validator(mode="after")
    def either(self) -> Self:
        if (self.content is None) == (self.content_hash is None):
            raise ValueError("say the content or its hash")
        return self


class NewSplit(Request):
    """In basis points: they add up to 10 000."""

    claimant: BasisPoints
    respondent: BasisPoints

    def split(self) -> Split:
        return Split(self.claimant, self.respondent)


class NewSettlement(Request):
    split: NewSplit
    remedies: Remedies = []


class NewRuling(Request):
    """`split` divides what is disputed, `fees` says who bears the arbitration fee."""

    split: NewSplit
    fees: NewSplit
    remedies: Remedies = []
    reasons: Text


class NewReason(Request):
    reason: ShortText


class NewChallenge(Request):
    arbiter_id: UserId
    reason: ShortText


class NewExtension(Request):
    """`length` is in the dispute's unit: working days, or seconds in a demonstration."""

    length: Length
    reason: ShortText


class NewAppeal(Request):
    nonce: Hex


class ArbiterView(View):
    id: UserId
    ties: list[ParticipantId]
    state: ArbiterState
    registered_at: datetime

    @classmethod
    def of(cls, arbiter: Arbiter) -> Self:
        return cls(id=arbiter.id, ties=list(arbiter.ties), state=arbiter.state, registered_at=arbiter.registered_at)


class SplitView(View):
    claimant: int
    respondent: int


class EvidenceView(View):
    sequence: int
    by: str
    kind: EvidenceKind
    content_hash: str
    kept: bool
    added_at: datetime


class GoneView(View):
    arbiter_id: UserId
    why: Why
    by: str
    reason_hash: str | None
    gone_at: datetime


class VoteView(View):
    arbiter_id: UserId
    split: SplitView
    fees: SplitView
    remedies: list[Remedy]
    reasons_hash: str
    voted_at: datetime


class NoncesView(View):
    claimant: str
    respondent: str


class PanelView(View):
    """`seed`, `nonces` and `eligible` are what the draw can be made again from; and, where a side had said nothing,
    `beacon`: the root of the log's first checkpoint over the notice, or the appeal."""

    round: int
    seated: list[UserId]
    seed: str
    nonces: NoncesView
    eligible: list[UserId]
    beacon: str | None
    drawn_at: datetime
    gone: list[GoneView]
    votes: list[VoteView]

    @classmethod
    def of(cls, panel: Panel) -> Self:
        return cls(
            round=panel.number, seated=list(panel.seated), seed=panel.seed,
            nonces=NoncesView.model_validate(panel.nonces), eligible=list(panel.eligible), beacon=panel.beacon,
            drawn_at=panel.drawn_at,
            gone=[GoneView.model_validate(each) for each in panel.gone],
            votes=[VoteView.model_validate(each) for each in panel.votes],
        )  # fmt: skip


class RulingView(View):
    round: int
    split: SplitView
    fees: SplitView | None
    remedies: list[Remedy]
    grounds: Grounds
    given_at: datetime


class OfferView(View):
    side: Side
    split: SplitView
    remedies: list[Remedy]
    offered_at: datetime


class OutcomeView(View):
    """Of what was disputed; `fees` null: everyone got theirs back."""

    basis: Basis
    claimant: Money
    respondent: Money
    fees: SplitView | None
    remedies: list[Remedy]


class AppealView(View):
    side: Side
    appealed_at: datetime
    is_funded: bool


class DisputeView(View):
    """`deadline` is the first moment that is too late; `provisional` while the calendar of its year is not announced.
    `evidence` and `offers` are null for those who see what was decided, not what was said."""

    id: DisputeId
    order_id: OrderId
    contract_id: ContractId
    buyer_id: ParticipantId
    provider_id: ParticipantId
    claimant_id: ParticipantId
    category: Category
    price: Money
    disputed: Money
    admitted: Money
    remedies: list[Remedy]
    state: State
    next_actor: str | None
    deadline: datetime | None
    provisional: bool
    reason_code: str | None
    notice_by: NoticeBy | None
    commitments: list[str]
    evidence: list[EvidenceView] | None
    offers: list[OfferView] | None
    panels: list[PanelView]
    rulings: list[RulingView]
    appeal: AppealView | None
    outcome: OutcomeView | None
    opened_at: datetime

    @classmethod
    def of(cls, dispute: Dispute, *, whole: bool = True) -> Self:
        told = dispute.as_told
        return cls(
            id=told.id, order_id=told.order_id, contract_id=told.contract_id, buyer_id=told.buyer_id,
            provider_id=told.provider_id, claimant_id=told.claimant_id, category=told.demand.category,
            price=told.price, disputed=told.demand.amount, admitted=told.admitted,
            remedies=list(told.demand.remedies), state=told.state, next_actor=told.next_actor,
            deadline=told.deadline, provisional=told.provisional, reason_code=told.reason_code,
            notice_by=told.notice and told.notice.by, commitments=list(told.commitments),
            evidence=[EvidenceView.model_validate(each) for each in told.evidence] if whole else None,
            offers=[OfferView.model_validate(each) for each in told.offers] if whole else None,
            panels=[PanelView.of(each) for each in told.panels],
            rulings=[
                RulingView(
                    round=each.number, split=SplitView.model_validate(each.split),
                    fees=each.fees and SplitView.model_validate(each.fees), remedies=list(each.remedies),
                    grounds=each.grounds, given_at=each.given_at,
                )
                for each in told.rulings
            ],
            appeal=told.appeal and AppealView.model_validate(told.appeal),
            outcome=told.outcome and OutcomeView.model_validate(told.outcome), opened_at=told.opened_at,
        )  # fmt: skip

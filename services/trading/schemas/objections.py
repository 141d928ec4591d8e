"""What crosses the wire about objections to what was delivered."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field as Limits
from pydantic import Strict

from services.trading.rules.objection import Ground, GroundCode, GroundUnclear, Kind, Objection, Said
from services.trading.schemas.acceptance import BOUND_MAX, Digest
from services.trading.schemas.money import Amount, Reason
from services.trading.schemas.words import TotalAmount, Word
from shared.ids import OrderId
from shared.money import Money
from shared.web import Request, View

GROUNDS_MAX = 20
Observed = Annotated[int, Strict(), Limits(ge=0, le=BOUND_MAX)]


class NewGround(Request):
    """A clause that is broken, with the number or the digest that was observed of it; or another ground by itself."""

    code: Annotated[GroundCode, Limits(strict=False)]
    clause_id: Word | None = None
    observed: Observed | None = None
    observed_digest: Digest | None = None

    def ground(self) -> Ground:
        """Raises GroundUnclear."""
        if self.observed is not None and self.observed_digest is not None:
            raise GroundUnclear(code=self.code)
        return Ground(self.code, self.clause_id, self.observed_digest if self.observed is None else self.observed)


class NewObjection(Request):
    """`claim`: what of the price you ask back, all of it if you want nothing of what was delivered."""

    grounds: Annotated[list[NewGround], Limits(min_length=1, max_length=GROUNDS_MAX)]
    claim: TotalAmount
    reason: Reason

    def said(self) -> Said:
        return Said(tuple(each.ground() for each in self.grounds), self.claim.money(), self.reason)


class NewCure(Request):
    reason: Reason


class NewConcession(Request):
    """`refund`: a part of the claim, for the buyer to take or to decline. Without it, all that is claimed goes back."""

    refund: Amount | None = None
    reason: Reason


class NewRejection(Request):
    reason: Reason


class GroundView(View):
    code: GroundCode
    clause_id: str | None
    observed: int | str | None


class AnswerView(View):
    """`refund` is what goes back by it."""

    kind: Kind
    refund: Money
    reason: str
    answered_at: datetime


class ObjectionView(View):
    """Whoever is `next_actor` and says nothing until `deadline` has agreed to what the other side said last."""

    order_id: OrderId
    number: int
    grounds: list[GroundView]
    claim: Money
    reason: str
    answer: AnswerView | None
    next_actor: str | None
    deadline: datetime | None
    outcome: str | None
    raised_at: datetime
    declined_at: datetime | None
    ended_at: datetime | None

    @classmethod
    def of(cls, objection: Objection) -> Self:
        said, answer = objection.said, objection.answer
        return cls(
            order_id=objection.order_id, number=objection.number,
            grounds=[GroundView.model_validate(ground) for ground in said.grounds], claim=said.claim,
            reason=said.reason, answer=answer and AnswerView.model_validate(answer), next_actor=objection.next_actor,
            deadline=objection.deadline, outcome=objection.outcome, raised_at=objection.raised_at,
            declined_at=objection.declined_at, ended_at=objection.ended_at,
        )  # fmt: skip

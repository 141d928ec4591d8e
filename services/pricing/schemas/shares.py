"""What crosses the wire of shares of a combined product."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field as Limits
from pydantic import model_validator

from services.pricing.rules.shares import (
    ATOMS_MAX,
    FEES_MAX,
    PARTIES_MAX,
    SHAPLEY_PARTIES_MAX,
    Atom,
    Coverage,
    Fee,
    Game,
    Method,
    RevenueShares,
    Utility,
)
from services.pricing.schemas.words import Amount, Sentence
from shared.ids import ParticipantId, RevenueShareId
from shared.money import MINOR_MAX, Money
from shared.web import Request, View

Worth = Annotated[int, Limits(ge=-MINOR_MAX, le=MINOR_MAX)]
Place = Annotated[int, Limits(ge=0, le=PARTIES_MAX - 1)]


class NewAtom(Request):
    """A part of the product (rows × columns): its weight, and who holds it, by their places in `parties`."""

    weight: Annotated[int, Limits(ge=0, le=MINOR_MAX)]
    holders: Annotated[list[Place], Limits(min_length=1, max_length=PARTIES_MAX)]


class NewFee(Request):
    description: Sentence
    amount: Amount


class NewRevenueShares(Request):
    """How a price is shared: by `coverage`, or by the exact Shapley value of any game of at most twelve parties.

    `worths[mask]` is what those parties are worth together whose places in `parties` are the bits of `mask`: for three,
    nobody, A, B, AB, C, AC, BC, ABC. Without `fees`, those of the schedule in force are taken off first.
    """

    price: Amount
    parties: Annotated[list[ParticipantId], Limits(min_length=1, max_length=PARTIES_MAX)]
    fees: Annotated[list[NewFee], Limits(max_length=FEES_MAX)] | None = None
    coverage: Annotated[list[NewAtom], Limits(min_length=1, max_length=ATOMS_MAX)] | None = None
    worths: Annotated[list[Worth], Limits(min_length=2, max_length=2 ** (SHAPLEY_PARTIES_MAX + 1))] | None = None

    @model_validator(mode="after")
    def _one_method(self) -> Self:
        if (self.coverage is None) is (self.worths is None):
            raise ValueError("shares follow from coverage or from worths, one of the two")
        return self

    def utility(self) -> Utility:
        """As it was told; nobody is anybody's affiliate yet."""
        if self.worths is not None:
            return Game(tuple(self.worths))
        atoms = tuple(Atom(atom.weight, tuple(atom.holders)) for atom in self.coverage or ())
        return Coverage(atoms, tuple(range(len(self.parties))))

    def lines(self) -> tuple[Fee, ...] | None:
        if self.fees is None:
            return None
        return tuple(Fee(fee.description, fee.amount.money()) for fee in self.fees)


class FeeView(View):
    description: str
    amount: Money


class ShareView(View):
    """`value` is exact: a fraction as text, `70/3`. `clamped`: it was below nothing, and counts as nothing."""

    participant_id: ParticipantId
    value: str
    clamped: bool
    amount: Money


class RevenueSharesView(View):
    """Never changes. Fees and shares add up to the price. `document` is the canonical JSON that `document_hash`, its
    SHA-256, is of: the same for the same question, whoever asks and when."""

    id: RevenueShareId
    method: Method
    method_version: str
    asked_by: ParticipantId
    price: Money
    fees: list[FeeView]
    fee_schedule_id: str | None
    shares: list[ShareView]
    document: str
    document_hash: str
    computed_at: datetime

    @classmethod
    def of(cls, found: RevenueShares) -> Self:
        return cls.model_validate(found)

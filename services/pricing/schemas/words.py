"""What the bodies of `pricing` are made of."""

from typing import Annotated, Literal

from pydantic import Field as Limits

from shared.grades import Mode
from shared.money import MINOR_MAX, Money
from shared.web import Request

# A body arrives as text and numbers; what is text by nature is read as what it says, and nothing else is.
ChosenMode = Annotated[Mode, Limits(strict=False)]
Sentence = Annotated[str, Limits(min_length=1, max_length=200, pattern=r"\S")]


Name = Annotated[str, Limits(min_length=1, max_length=100, pattern=r"\S")]


class Amount(Request):
    """Whole minor units (分)."""

    minor: Annotated[int, Limits(ge=0, le=MINOR_MAX)]
    currency: Literal["CNY"]

    def money(self) -> Money:
        return Money(self.minor, self.currency)

"""The kinds of text and number that several requests share."""

from typing import Annotated, Literal

from pydantic import Field as Limits
from pydantic import StringConstraints

from services.trading.rules.mechanism import Mechanism, Pricing
from services.trading.rules.right import RightKind
from shared.grades import Mode
from shared.money import MINOR_MAX, Money
from shared.web import Request

# A body arrives as text and numbers; what is text by nature is read as what it says, and nothing else is.
ChosenMode = Annotated[Mode, Limits(strict=False)]
ChosenRight = Annotated[RightKind, Limits(strict=False)]
ChosenPricing = Annotated[Pricing, Limits(strict=False)]
ChosenMechanism = Annotated[Mechanism, Limits(strict=False)]
Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Territory = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$")]  # ISO 3166
Minor = Annotated[int, Limits(ge=0, le=MINOR_MAX)]


class TotalAmount(Request):
    """What a quote may come to: nothing, or more."""

    minor: Minor
    currency: Literal["CNY"]

    def money(self) -> Money:
        return Money(self.minor, self.currency)

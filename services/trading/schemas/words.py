"""The kinds of text and number that several requests share."""

import re
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, StringConstraints
from pydantic import Field as Limits

from services.trading.rules.listing import Pricing, RightKind
from shared.grades import Mode
from shared.money import MINOR_MAX, Money
from shared.web import Request

RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)


def _text(value: object) -> object:
    if isinstance(value, datetime) or (isinstance(value, str) and RFC_3339.fullmatch(value)):
        return value
    raise ValueError("a moment is text as in RFC 3339")


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("a moment lies in the years 1 to 9999 of UTC") from error


# A body arrives as text and numbers; what is text by nature is read as what it says, and nothing else is.
ChosenMode = Annotated[Mode, Limits(strict=False)]
ChosenRight = Annotated[RightKind, Limits(strict=False)]
ChosenPricing = Annotated[Pricing, Limits(strict=False)]
Moment = Annotated[AwareDatetime, Limits(strict=False), BeforeValidator(_text), AfterValidator(_in_utc)]
Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Territory = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$")]  # ISO 3166
Minor = Annotated[int, Limits(ge=0, le=MINOR_MAX)]


class TotalAmount(Request):
    """What a quote may come to: nothing, or more."""

    minor: Minor
    currency: Literal["CNY"]

    def money(self) -> Money:
        return Money(self.minor, self.currency)

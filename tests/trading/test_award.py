"""What the acceptance of a quote must name, and until when."""

from dataclasses import replace

import pytest

from services.trading.rules.award import Acceptance, FromQuote, Quoted, QuoteDiffers, QuoteExpired, accept_quote
from services.trading.rules.mechanism import Pricing
from services.trading.rules.right import RightKind
from shared.grades import Mode
from shared.ids import ParticipantId, PlanId, QuoteId, VersionId
from tests.trading.made import FEES, MICROSECOND, NOON, a_listing, yuan

PLAN = PlanId.new()
LISTING = a_listing(RightKind.UNLIMITED, Pricing.FIXED, plan_id=PLAN)
QUOTE = Quoted(
    QuoteId.new(), 1, PLAN, LISTING.version_id, LISTING.mode, ParticipantId.new(), yuan(85), expires_at=NOON
)  # fmt: skip
YES = Acceptance(QUOTE.id, 1, yuan(85))


def test_until_the_last_microsecond_a_quote_is_held():
    award = accept_quote(QUOTE, YES, LISTING, FEES, NOON - MICROSECOND)
    assert (award.buyer_id, award.price, award.origin) == (QUOTE.buyer_id, yuan(85), FromQuote(QUOTE.id, 1))
    with pytest.raises(QuoteExpired):
        accept_quote(QUOTE, YES, LISTING, FEES, NOON)


@pytest.mark.parametrize("quote, said", [
    (QUOTE,                                         replace(YES, quote_version=2)),
    (QUOTE,                                         replace(YES, total=yuan(84))),
    (QUOTE,                                         replace(YES, total=yuan(86))),
    (replace(QUOTE, plan_id=PlanId.new()),          YES),
    (replace(QUOTE, version_id=VersionId.new()),    YES),
    (replace(QUOTE, mode=Mode.COMPUTE),             YES),
])  # fmt: skip
def test_another_quote_than_the_one_accepted_is_not_taken(quote: Quoted, said: Acceptance):
    with pytest.raises(QuoteDiffers):
        accept_quote(quote, said, LISTING, FEES, NOON - MICROSECOND)

"""Open outcry by agents: who leads, up to which maximum and at which price, as maxima come in one after the other.

Promises: the price never falls, never exceeds the leader's maximum, and is never more than one step above the highest
maximum of anyone else, unless the reserve asks for it; of equal maxima the earlier leads, but for a priority buyer
(优先购买权人), who may say the same as anyone without one, at any time: nobody without one can answer that by the same.
Of two priority buyers the earlier leads. The same bids in the same order give the same lead, for ever.
Sources: 法释〔2016〕18号 art. 11, 20, and art. 21 (a priority buyer takes it at the price that nobody exceeds).
Does not: refuse a bid, or know of time.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from services.trading.rules.auction_terms import Terms
from shared.ids import ParticipantId
from shared.money import Money


@dataclass(frozen=True, slots=True)
class Lead:
    bidder_id: ParticipantId
    maximum: Money
    price: Money


def floor(terms: Terms, lead: Lead | None, bidder_id: ParticipantId | None) -> Money:
    """The least that this challenger must offer now. None is anyone without a priority."""
    return terms.start_price if lead is None else _answer(terms, bidder_id, lead.bidder_id, lead.price)


def bid(terms: Terms, lead: Lead | None, bidder_id: ParticipantId, maximum: Money) -> Lead:
    """The lead after this bid. Requires that it is at least the start price, and a leader's own a higher one."""
    if lead is None:
        return _reserved(terms, Lead(bidder_id, maximum, terms.start_price))
    if bidder_id == lead.bidder_id:
        return _reserved(terms, replace(lead, maximum=maximum))
    if maximum > lead.maximum or (maximum == lead.maximum and _precedes(terms, bidder_id, lead.bidder_id)):
        price = min(maximum, _answer(terms, bidder_id, lead.bidder_id, lead.maximum))
        return _reserved(terms, Lead(bidder_id, maximum, price))
    price = min(lead.maximum, _answer(terms, lead.bidder_id, bidder_id, maximum))
    return replace(lead, price=max(lead.price, price))


def lead_of(terms: Terms, bids: Iterable[tuple[ParticipantId, Money]], *, without: ParticipantId) -> Lead | None:
    """Who would lead, and at which price, had this bidder never bid. The bids are the accepted ones, in their order."""
    lead = None
    for bidder_id, maximum in bids:
        if bidder_id != without:
            lead = bid(terms, lead, bidder_id, maximum)
    return lead


def _answer(terms: Terms, bidder_id: ParticipantId | None, other_id: ParticipantId, price: Money) -> Money:
    """The least that a bidder must say to lead where the other has said this price."""
    return price if _precedes(terms, bidder_id, other_id) else terms.step_above(price)


def _precedes(terms: Terms, bidder_id: ParticipantId | None, other_id: ParticipantId) -> bool:
    return bidder_id in terms.priority_ids and other_id not in terms.priority_ids


def _reserved(terms: Terms, lead: Lead) -> Lead:
    """The lead with its price raised to the reserve, as soon as its maximum meets it."""
    reserve = terms.reserve_price
    return replace(lead, price=max(lead.price, reserve)) if reserve and lead.maximum >= reserve else lead

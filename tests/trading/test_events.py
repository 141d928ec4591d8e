"""Facts that must fit into the log, however much there is to tell."""

from dataclasses import replace

from services.trading.events.auction import facts_of_close
from services.trading.events.contracts import AmendmentProposed
from services.trading.events.deals import ContractDrafted, ListingOpened, OrderPlaced
from services.trading.events.objection import OrderObjected
from services.trading.rules import auction as rules
from services.trading.rules.acceptance_terms import CLAUSES_MAX, AcceptanceTerms, Clause, Measure
from services.trading.rules.amendment import Change, propose
from services.trading.rules.bid import Opening
from services.trading.rules.contract import ACTIVE, draft
from services.trading.rules.objection import Ground, GroundCode
from services.trading.rules.order import State
from services.trading.rules.right import Right, RightKind
from services.trading.rules.service_level import BANDS_MAX, Band, ServiceLevel
from services.trading.schemas.objections import GROUNDS_MAX
from shared.facts import EVENT_BYTES_MAX, Actor, Fact, event_line, read_event
from shared.grades import C5, Flag, Grade, Mode
from shared.ids import ContractId, FactId, ParticipantId
from shared.money import MINOR_MAX, Money
from tests.trading.made import NOON, a_listing, an_auction, an_order, grounds_of
from tests.trading.objecting import an_objected

LONGEST = tuple(f"purpose_{number:02}".ljust(40, "x") for number in range(20))


def line_of(fact: Fact) -> bytes:
    actor = Actor("service", "trading")
    line = event_line(fact, service="trading", fact_id=FactId.new(), actor=actor, at=NOON, request_id=None)
    assert len(line) <= EVENT_BYTES_MAX
    return line


def test_every_maximum_is_opened_at_the_close_however_many_there_are():
    openings = [Opening(sequence, MINOR_MAX, "ab" * 32) for sequence in range(1, 251)]
    auction = rules.place_bid(an_auction(), ParticipantId.new(), Money(MINOR_MAX), NOON)
    closed = rules.close(auction, auction.closes_at)
    told = [read_event(line_of(fact)) for fact in facts_of_close(closed, openings, "cd" * 32)]
    assert [event.act for event in told] == ["trading.auction_closed", "trading.bids_opened", "trading.bids_opened"]
    assert [each["sequence"] for event in told for each in event.data["openings"]] == list(range(1, 251))


def test_the_longest_listing_and_its_contract_and_its_amendment_fit():
    clauses = tuple(Clause(f"{number:040}", Measure.FORMAT_COMPLIANT, 10_000) for number in range(CLAUSES_MAX))
    bands = tuple(Band(9_999 - number, 9_000 + number) for number in range(BANDS_MAX))
    terms = AcceptanceTerms(clauses=clauses, service_level=ServiceLevel(366, 10_000, bands, 10_000, 3_600_000, 10_000))
    right = Right(RightKind.EXCLUSIVE, "f" * 40, "CN-XXX", 3650, starts_at=NOON)
    listing = a_listing(
        title="数" * 200, purposes=LONGEST, flags=frozenset(Flag), right=right, mode=Mode.COMPUTE, quota_uses=1_000_000,
        grade=Grade.G5, acceptance=terms,
    )  # fmt: skip
    line_of(ListingOpened.of(listing))
    order = an_order(listing, price=MINOR_MAX, from_auction=False, columns=("a",), state=State.AWAITING_DELIVERY)
    line_of(OrderPlaced.of(order))
    known = grounds_of(order, listing, C5)
    named = [
        replace(each, name="名" * 200, roles=frozenset({"buyer", "provider"})) for each in (known.buyer, known.provider)
    ]  # fmt: skip
    grounds = replace(known, buyer=named[0], provider=named[1])
    contract = replace(draft(order, listing, grounds), state=ACTIVE)
    line_of(ContractDrafted.of(contract))
    change = Change(LONGEST[:-1], 999_999, 3649, 30)
    amendment = propose(
        ContractId.new(), contract, "provider", change, listing=listing, order=order, right=None, grounds=grounds,
        now=NOON,
    )  # fmt: skip
    line_of(AmendmentProposed.of(amendment))


def test_the_longest_objection_fits():
    broken = Ground(GroundCode.CLAUSE_BROKEN, "x" * 40, "ab" * 32)
    order, objection = an_objected()
    said = replace(objection.said, grounds=(broken,) * GROUNDS_MAX, reason="数" * 500)
    line_of(OrderObjected.of(order, replace(objection, said=said)))

"""The log's lines alone, read by a stranger: they give the award of an inquiry, and fit into the log."""

from dataclasses import replace

from pydantic import TypeAdapter

from services.trading.events.inquiry import InquiryPublished, facts_of_close
from services.trading.events.need import NeedPublished
from services.trading.rules import inquiry as rules
from services.trading.rules.inquiry import Inquiry
from services.trading.rules.inquiry_terms import Asked, Terms
from services.trading.rules.need import Need, Wanted
from services.trading.rules.need import State as NeedState
from services.trading.rules.scoring import (
    VALUE_MAX,
    Answer,
    AwardBy,
    Band,
    ByBand,
    FewOffers,
    PerUnit,
    Proposal,
    Requirement,
    ScoringRule,
    Verdict,
)
from services.trading.store import inquiry as store
from shared.facts import EVENT_BYTES_MAX, moment
from shared.grades import G3, Grade, Mode
from shared.ids import InquiryId, ListingId, NeedId, ParticipantId
from shared.money import MINOR_MAX, Money
from tests.trading.inquiries import OFFERS_UNTIL, OPENED_UNTIL, PROVIDERS, RULE, SALT, an_inquiry, inquiry_terms
from tests.trading.inquiring import OPENING_DAYS, a_ring, a_rule
from tests.trading.made import NOON
from tests.trading.market import Market, yuan
from tests.trading.test_events import line_of
from tests.trading.test_replay import Line, commitment, lines


def replayed(log: list[Line]) -> Inquiry:
    """The inquiry, from its publication to its close, by the lines and the rules."""
    closing = next(line["data"] for line in log if line["act"] == "trading.inquiry_closed")
    told = [line["data"]["openings"] for line in log if line["act"] in OPENINGS]
    offers = {offer["provider_id"]: offer for openings in told for offer in openings}
    again: Inquiry | None = None
    for line in log:
        data, at = line["data"], moment(line["ts"])
        match line["act"]:
            case "trading.inquiry_published":
                again = _published(data, closing.get("budget"))
            case "trading.offer_sealed":
                assert again
                again = rules.seal(again, data["provider_id"], line["pd"]["offer"], at)
            case "trading.offers_ended":
                assert again
                again = rules.end_offers(again, at)
            case "trading.seal_opened":
                assert again
                offer = offers[data["provider_id"]]
                proposal = TypeAdapter(Proposal).validate_python(offer["proposal"])
                again = rules.open_offer(again, data["provider_id"], proposal, offer["salt"], at)
            case "trading.inquiry_closed":
                assert again
                denied = {ParticipantId(who): offer["reason_code"] for who, offer in offers.items()}
                denied = {who: reason for who, reason in denied.items() if reason not in set(Verdict)}
                again = rules.close(again, at, denied)
            case _:
                pass
    assert again
    return again


OPENINGS = {"trading.inquiry_closed", "trading.offers_opened"}


def _published(data: Line, budget: Line | None) -> Inquiry:
    opened = data.get("open_budget")
    same = ("title", "description", "asked", "scoring", "fees", "windows", "rules_name")
    terms = TypeAdapter(Terms).validate_python({name: data[name] for name in same} | {
        "budget": opened or budget, "budget_is_open": opened is not None,
        "offers_until": moment(data["offers_until"]), "opened_until": moment(data["opened_until"]),
    })  # fmt: skip
    invited = tuple(ParticipantId(each) for each in data["invited"])
    ids = InquiryId(data["inquiry_id"]), ParticipantId(data["buyer_id"])
    return rules.publish(*ids, None, terms, invited, moment(data["published_at"]))


async def test_the_lines_give_the_inquiry_that_is_kept_to_the_last_field(market: Market):
    ring = await a_ring(market, providers=7)
    bands = [{"attribute": "rows", "bands": [{"from_value": 10, "points_minor": 500}]}]
    offers = [
        ring.offer(number, 4_000 + number, answers=[
            {"attribute": "rows", "value": 9 + number}, {"attribute": "quality", "value": 100},
        ])
        for number in range(7)
    ]  # fmt: skip
    inquiry_id = await ring.sealed(*offers, scoring=a_rule(by_band=bands), budget=yuan(4_004))
    for number in (6, 0, 3, 2, 4, 1):
        market.bench.clock.advance(seconds=20)
        await ring.open(inquiry_id, number, offers[number])
    market.neighbours.raise_grade(ring.version_of(1), Grade.G4)
    await market.advance(days=OPENING_DAYS)
    async with market.trading.database.read() as tx:
        kept = await store.inquiry(tx, InquiryId(inquiry_id))
    log = await lines(market)
    again = replayed(log)
    assert again.judgement == kept.judgement
    in_order = tuple(sorted(again.opened, key=lambda each: each.provider_id))
    assert replace(again, opened=in_order) == kept
    assert [str(each.reason_code) for each in kept.judgement.judged] == [  # pyright: ignore
        "outscored", "listing_not_open", "won", "outscored", "outscored", "above_budget",
    ]  # fmt: skip
    closed = next(line["data"] for line in log if line["act"] == "trading.inquiry_closed")
    published = next(line for line in log if line["act"] == "trading.inquiry_published")
    assert published["pd"] == {"budget": commitment("budget", 4_004, closed["budget_salt"])}
    assert closed["unopened"] == [ring.providers[5].participant_id]
    assert len(closed["openings"]) == 5 and sum(line["act"] == "trading.offers_opened" for line in log) == 1
    assert kept.won and kept.won.price == Money(4_003)


def test_the_longest_inquiry_and_its_close_fit():
    names = [f"attribute_{number:02}".ljust(40, "x") for number in range(16)]
    bands = tuple(Band(VALUE_MAX - 9 + number, MINOR_MAX // 8) for number in range(10))
    rule = ScoringRule(
        AwardBy.SECOND_SCORE, tuple(ByBand(name, bands) for name in names[:4]),
        tuple(PerUnit(name, MINOR_MAX // 8, VALUE_MAX - 1, VALUE_MAX) for name in names[4:8]),
        tuple(Requirement(name, 0, VALUE_MAX) for name in names[8:]), 0, FewOffers.PROCEEDS,
    )  # fmt: skip
    asked = Asked("p" * 40, Mode.DESENSITISED, G3, inquiry_terms().asked.right_kind, "f" * 40, "CN-310", 3650, 10**6)
    terms = replace(
        inquiry_terms(rule, budget=MINOR_MAX), asked=asked, title="数" * 120, description="据" * 500
    )  # fmt: skip
    everyone = tuple(ParticipantId(f"participant_{number:032x}") for number in range(30))
    inquiry = rules.publish(InquiryId.new(), ParticipantId.new(), NeedId.new(), terms, everyone, NOON)
    assert len(line_of(InquiryPublished.of(inquiry, SALT))) < EVENT_BYTES_MAX
    answers = tuple(Answer(name, VALUE_MAX) for name in names)
    for provider_id in everyone:
        proposal = Proposal(ListingId(f"listing_{1:032x}"), Money(MINOR_MAX), answers)
        sealed = rules.commitment_to(inquiry.id, provider_id, proposal, SALT)
        inquiry = rules.seal(inquiry, provider_id, sealed.hex, NOON)
    inquiry = rules.end_offers(inquiry, OFFERS_UNTIL)
    unopened = rules.close(inquiry, OPENED_UNTIL, {})
    assert [len(line_of(fact)) < EVENT_BYTES_MAX for fact in facts_of_close(unopened, SALT)] == [True]
    for each in inquiry.sealed:
        proposal = Proposal(ListingId(f"listing_{1:032x}"), Money(MINOR_MAX), answers)
        inquiry = rules.open_offer(inquiry, each.provider_id, proposal, SALT, OFFERS_UNTIL)
    facts = list(facts_of_close(rules.close(inquiry, OPENED_UNTIL, {}), SALT))
    assert [len(line_of(fact)) < EVENT_BYTES_MAX for fact in facts] == [True] * 6
    told = [fact.openings for fact in facts]  # pyright: ignore
    assert [offer.sequence for openings in told for offer in openings] == list(range(1, 31))  # pyright: ignore


def test_the_longest_need_fits():
    wanted = Wanted(
        "数" * 120, "据" * 500, "p" * 40, Mode.DESENSITISED, G3, ("字" * 60,) * 20, ("t" * 40,) * 5, "CN-310", 10**12,
        3650, Money(MINOR_MAX), True,
    )  # fmt: skip
    need = Need(NeedId.new(), ParticipantId.new(), wanted, NeedState.OPEN, NOON, OPENED_UNTIL)
    line_of(NeedPublished.of(need, None))


def test_what_failed_for_want_of_offers_stays_sealed():
    inquiry = an_inquiry(inquiry_terms(RULE, budget=5))
    commitment_to = rules.commitment_to(inquiry.id, PROVIDERS["A"], Proposal(ListingId.new(), Money(1), ()), SALT)
    failed = rules.end_offers(rules.seal(inquiry, PROVIDERS["A"], commitment_to.hex, NOON), OFFERS_UNTIL)
    [closed] = facts_of_close(failed, SALT)
    assert (closed.budget, closed.budget_salt, closed.openings) == (None, None, ())  # pyright: ignore

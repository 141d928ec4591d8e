"""What happens in trading when a grade is lowered, and when what is on record for a version changes."""

from dataclasses import fields

import pytest

from services.catalog.events.grading import GradeLowered, GradeRaised
from services.catalog.events.records import ConditionsChanged
from services.catalog.rules.lowering import NamedImpact, Strike
from services.catalog.rules.petition import submit
from services.catalog.rules.rule_tables import Degree, Object
from services.trading.rules import listing as rules
from services.trading.rules.listing import LISTED, SUSPENDED, Reason, SuspendedByGrade
from services.trading.schemas.followed import NewGrade
from shared.facts import plain
from shared.grades import G2, G3, G4, Condition, Flag, Grade
from shared.ids import PetitionId
from tests.catalog.made import NOON, a_registered
from tests.trading.made import a_listing
from tests.trading.market import Market, code

CONSENT = Condition.SEPARATE_CONSENT
NOBODY = frozenset[Flag]()


def test_an_offer_that_the_grade_suspended_is_its_providers_to_resume_once_the_grade_allows_it():
    suspended = rules.regrade(a_listing(), G4, NOBODY, 2)
    lowered = rules.regrade(suspended, G3, NOBODY, 3)
    assert (lowered.state, lowered.reason_code, lowered.grade) == (SUSPENDED, Reason.ALLOWED_AGAIN, G3)
    assert rules.resume(lowered).state is LISTED
    again = rules.regrade(lowered, G4, NOBODY, 4)
    with pytest.raises(SuspendedByGrade):
        rules.resume(again)


def test_what_its_provider_suspended_stays_so_through_every_grade_that_allows_it():
    lowered = rules.regrade(rules.suspend(a_listing()), G2, NOBODY, 2)
    assert (lowered.state, lowered.reason_code) == (SUSPENDED, Reason.BY_PROVIDER)


def test_what_the_catalogue_tells_is_what_trading_reads():
    entry = a_registered(G3, Flag.PERSONAL)
    asset, version, proven = entry.asset, entry.versions[0], frozenset({CONSENT})
    strike = Strike((NamedImpact(Object.ECONOMY, Degree.SERIOUS),), (), ())
    petition = submit(PetitionId.new(), version, asset.provider_id, strike, "高估", "ab" * 32, NOON)
    for fact in (
        GradeRaised.of(asset, version, (), proven, "投诉"),
        GradeLowered.of(asset, version, (), proven, petition, "已复核"),
        ConditionsChanged.of(asset, version, proven),
    ):
        told = {field.name: plain(getattr(fact, field.name)) for field in fields(fact)}
        read = NewGrade.model_validate(told)
        assert read == NewGrade(
            version_id=version.id, grade=G3, flags=frozenset({Flag.PERSONAL}), grade_revision=1, on_record=proven
        )


async def test_a_lowered_grade_frees_rights_at_once_and_offers_by_their_provider(market: Market):
    buyer, order = await market.paid()
    offered = await market.listing()
    sold = await market.read(market.provider, f"/listings/{order['listing_id']}")
    for version_id in (sold["version_id"], offered["version_id"]):
        market.neighbours.raise_grade(version_id, Grade.G4)
    await market.tick()
    entitlement = f"/entitlements/{order['entitlement_id']}"
    assert (await market.read(buyer, entitlement))["state"] == "suspended"
    assert code(await market.use(buyer, order, revision=2)) == (409, "entitlement_suspended")
    for version_id in (sold["version_id"], offered["version_id"]):
        market.neighbours.lower_grade(version_id, Grade.G2)
    await market.tick()
    assert (await market.read(buyer, entitlement))["state"] == "active"
    assert (await market.use(buyer, order, revision=3)).status_code == 201
    path = f"/listings/{offered['id']}"
    waiting = await market.read(market.provider, path)
    assert (waiting["state"], waiting["reason_code"]) == ("suspended", "allowed_again")
    assert (await market.do(market.provider, f"{path}/resume"))["state"] == "listed"
    assert len(await market.facts("listing_resumed")) == 1


async def test_persons_are_sold_as_they_are_only_while_their_consent_is_on_record(market: Market):
    assert market.provider.participant_id
    version_id = market.neighbours.version(market.provider.participant_id, flags=[Flag.PERSONAL])
    auction_id = await market.auction(await market.listing(version_id))
    early = await market.buyer(100_000)
    refused = await market.post(early, f"/auctions/{auction_id}/registrations")
    assert code(refused) == (403, "separate_consent_missing")
    market.neighbours.record(version_id, CONSENT)
    await market.tick()
    winner = await market.bidder(auction_id)
    assert (await market.bid(winner, auction_id, 50_000)).status_code == 201
    market.neighbours.record(version_id)
    await market.tick()
    assert code(await market.bid(winner, auction_id, 60_000)) == (403, "separate_consent_missing")
    market.neighbours.record(version_id, CONSENT)
    await market.tick()
    await market.advance(days=2)
    order = (await market.read(winner, "/orders"))["items"][0]
    await market.signed(winner, order)
    order = await market.do(winner, f"/orders/{order['id']}/payment")
    assert (await market.use(winner, order, revision=4)).status_code == 201
    market.neighbours.record(version_id)
    await market.tick()
    entitlement = await market.read(winner, f"/entitlements/{order['entitlement_id']}")
    assert (entitlement["state"], entitlement["reason_code"]) == ("suspended", "separate_consent_missing")
    assert code(await market.use(winner, order, revision=5)) == (409, "entitlement_suspended")


async def test_without_their_consent_at_the_close_nobody_wins_persons(market: Market):
    assert market.provider.participant_id
    owner = market.provider.participant_id
    version_id = market.neighbours.version(owner, flags=[Flag.PERSONAL], on_record=[CONSENT])
    auction_id = await market.auction(await market.listing(version_id))
    leader = await market.bidder(auction_id)
    await market.bid(leader, auction_id, 50_000)
    market.neighbours.record(version_id)
    await market.advance(days=2)
    closed = await market.read(market.provider, f"/auctions/{auction_id}")
    assert (closed["state"], closed["reason_code"]) == ("unsold", "separate_consent_missing")
    assert await market.wallet(leader) == (100_000, 0)

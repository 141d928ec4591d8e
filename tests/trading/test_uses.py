"""The quota, under those who ask many times, at once, again, or for someone else."""

import asyncio
from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass

import pytest

from services.trading.client import GradeChanged, TradingClient, UseNotPermitted
from shared.errors import NotAdmitted
from shared.grades import C1, C3, Condition, Flag, Grade
from shared.ids import EntitlementId, ParticipantId, UseId
from shared.rest import Peer
from tests.support.bench import BenchTokens, ParticipantSuspended, Person
from tests.trading.market import Market, code


@dataclass(frozen=True)
class Behind:
    """Whoever delivery acts for."""

    market: Market
    person: Person

    @property
    def token(self) -> str:
        return self.market.bench.token(self.person)


async def test_uses_at_once_never_exceed_the_quota(market: Market):
    buyer, order = await market.paid()
    answers = await asyncio.gather(*(market.use(buyer, order) for _ in range(12)))
    told = Counter(code(answer) for answer in answers)
    assert told[201, None] <= 3 and told.keys() <= {(201, None), (409, "quota_spent"), (503, "database_busy")}
    while (answer := await market.use(buyer, order)).status_code == 201:
        told[201, None] += 1
    assert (told[201, None], code(answer)) == (3, (409, "quota_spent"))
    assert len(await market.facts("entitlement_used")) == 3


async def test_the_same_use_is_charged_once_whatever_its_key(market: Market):
    buyer, order = await market.paid()
    use_id = UseId.new()
    first, again = [(await market.use(buyer, order, use_id)).json() for _ in range(2)]
    assert first == again and first["uses_left"] == 2


async def test_a_use_that_was_charged_is_decided_anew_when_it_is_asked_for_again(market: Market):
    buyer, order = await market.paid()
    use_id, key = UseId.new(), UseId.new()
    for _ in range(2):
        assert (await market.use(buyer, order, use_id, key=key)).status_code == 201
    await market.change_clearance(buyer, C1)
    for again in (key, UseId.new()):
        assert code(await market.use(buyer, order, use_id, key=again)) == (403, "use_not_permitted")
    await market.change_clearance(buyer, C3)
    await market.advance(days=365)
    for again in (key, UseId.new()):
        assert code(await market.use(buyer, order, use_id, key=again)) == (409, "entitlement_ended")
    assert len(await market.facts("entitlement_used")) == 1


async def test_delivery_tries_again_by_another_grade(market: Market):
    buyer, order = await market.paid()
    delivery = TradingClient(Peer(market.bench.directory, "trading", BenchTokens("delivery", market.bench.clock)))
    entitlement_id, use_id, acting_for = EntitlementId(order["entitlement_id"]), UseId.new(), Behind(market, buyer)
    assert (await delivery.use(entitlement_id, use_id, 1, acting_for)).uses_left == 2
    version_id = (await market.read(market.provider, f"/listings/{order['listing_id']}"))["version_id"]
    market.neighbours.raise_grade(version_id, Grade.G3)
    with pytest.raises(GradeChanged):
        await delivery.use(entitlement_id, use_id, 1, acting_for)
    assert (await delivery.use(entitlement_id, use_id, 2, acting_for)).uses_left == 2, "charged once"
    await market.bench.announce(ParticipantSuspended(ParticipantId(order["buyer_id"]), "review"))
    with pytest.raises(NotAdmitted):
        await delivery.use(entitlement_id, use_id, 2, acting_for)


async def test_a_use_of_one_right_is_no_use_of_another(market: Market):
    use_id = UseId.new()
    (ana, one), (ben, other) = await market.paid(), await market.paid()
    assert (await market.use(ana, one, use_id)).status_code == 201
    assert code(await market.use(ben, other, use_id)) == (409, "use_of_another")


async def test_only_delivery_charges_and_only_for_whoever_receives(market: Market):
    buyer, order = await market.paid()
    stranger, path = await market.buyer(), f"/trading/v1/entitlements/{order['entitlement_id']}/uses"
    body = {"use_id": UseId.new(), "grade_revision": 1}
    assert (await market.bench.post(buyer, path, body)).status_code == 401
    headers = {"Idempotency-Key": UseId.new()}
    for service, acting_for in (("pricing", buyer), ("delivery", None)):
        answer = await market.bench.ask_as_service(
            service, "POST", path, acting_for=acting_for, json=body, headers=headers
        )
        assert code(answer) == (403, "not_delivery")
    assert code(await market.use(stranger, order)) == (404, "no_such_entitlement")
    assert code(await market.use(market.provider, order)) == (404, "no_such_entitlement")


async def test_a_use_is_decided_by_the_clearance_of_this_moment(market: Market):
    buyer, order = await market.paid()
    await market.change_clearance(buyer, C1)
    refused = await market.use(buyer, order)
    assert (code(refused), refused.json()["reason_code"]) == ((403, "use_not_permitted"), "clearance_too_low")


async def test_a_grade_that_delivery_has_not_heard_of_is_told(market: Market):
    buyer, order = await market.paid()
    version_id = (await market.read(market.provider, f"/listings/{order['listing_id']}"))["version_id"]
    market.neighbours.raise_grade(version_id, Grade.G3, tell=False)
    refused = await market.use(buyer, order, revision=1)
    assert (code(refused), refused.json()["grade_revision"]) == ((409, "grade_changed"), 2)


async def test_a_right_tells_where_it_is_for(market: Market):
    await market.paid()
    [granted] = await market.facts("entitlement_granted")
    assert (granted["territory"], granted["purposes"]) == ("CN", ["route_planning"])


@pytest.mark.parametrize("in_catalogue, with_use", [(True, False), (False, True)])
async def test_a_use_is_decided_by_what_is_on_record_here_or_at_delivery(
    market: Market, in_catalogue: bool, with_use: bool
):
    buyer, order = await market.paid()
    versions, consent = market.neighbours.versions, [Condition.SEPARATE_CONSENT]
    [version_id] = versions
    versions[version_id] = versions[version_id].model_copy(update={"flags": [Flag.PERSONAL]})
    refused = await market.use(buyer, order)
    assert refused.json()["reason_code"] == "separate_consent_missing"
    if in_catalogue:
        versions[version_id] = versions[version_id].model_copy(update={"on_record": consent})
    delivery = TradingClient(Peer(market.bench.directory, "trading", BenchTokens("delivery", market.bench.clock)))
    parts = (EntitlementId(order["entitlement_id"]), UseId.new(), 1, Behind(market, buyer))
    with pytest.raises(UseNotPermitted) if not in_catalogue else nullcontext():
        await delivery.use(*parts)
    told = frozenset(consent) if with_use else frozenset[Condition]()
    assert (await delivery.use(*parts, on_record=told)).uses_left == 2  # the same use, by another record

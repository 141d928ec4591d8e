"""Contents in parts, over HTTP: what is sent for a range, what it costs, and what a look costs."""

import base64
from hashlib import sha256

import pytest

from services.catalog.client import ApprovedAccess
from services.delivery.actions.decision import confirmed, decided
from services.delivery.rules.delivery import ModeNotServed
from services.delivery.rules.permission import NotPermitted
from shared import rest
from shared.grades import C1, C4, C5, G1, G3, G4, G5, Condition, Mode
from shared.ids import AccessRequestId, UseId
from tests.delivery.desk import ONE_DATABASE, Desk, EntitlementUsed, deal
from tests.delivery.made_files import LARGE, PLACES

pytestmark = ONE_DATABASE
SIZE = len(PLACES)
DIGEST = sha256(PLACES)
ETAG = f'"{DIGEST.hexdigest()}"'
REPR_DIGEST = f"sha-256=:{base64.b64encode(DIGEST.digest()).decode()}:"


async def test_a_part_is_the_bytes_that_were_asked_for_and_says_of_what(desk: Desk):
    buyer, entitlement_id, _ = await deal(desk)
    answer = await desk.fetch(buyer, entitlement_id, Range="bytes=100-199")
    assert (answer.status_code, answer.content) == (206, PLACES[100:200])
    told = {name: answer.headers[name] for name in ("Content-Range", "Content-Length", "ETag", "Repr-Digest")}
    assert told == {
        "Content-Range": f"bytes 100-199/{SIZE}", "Content-Length": "100", "ETag": ETAG, "Repr-Digest": REPR_DIGEST,
    }  # fmt: skip
    [started], [ended] = await desk.facts("delivery_started"), await desk.facts("delivery_ended")
    assert (started["first_byte"], started["last_byte"], started["bytes"]) == (100, 199, SIZE)
    assert (ended["bytes"], ended["reason_code"]) == (100, "completed")


async def test_a_part_that_there_is_not_says_how_much_there_is(desk: Desk):
    buyer, entitlement_id, _ = await deal(desk)
    for text in (f"bytes={SIZE}-", "bytes=0-1,2-3", "bytes=５-", "bytes=-0"):
        path = f"/delivery/v1/entitlements/{entitlement_id}/content"
        answer = await desk.bench.ask("GET", buyer, path, headers={"Range": text.encode()})  # pyright: ignore[reportArgumentType]
        assert (answer.status_code, answer.json()["code"]) == (416, "range_not_satisfiable")
        assert answer.headers["Content-Range"] == f"bytes */{SIZE}"
    assert not desk.counter.used


async def test_two_ranges_in_two_headers_are_ambiguous(desk: Desk):
    buyer, entitlement_id, _ = await deal(desk)
    twice = [("Authorization", f"Bearer {desk.bench.token(buyer)}"), ("Range", "bytes=0-1"), ("Range", "bytes=2-3")]
    path = f"/delivery/v1/entitlements/{entitlement_id}/content"
    async with rest.connect(desk.app) as connection:
        answer = await connection.request("GET", path, headers=twice)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_header") and not desk.counter.used


async def test_a_broken_download_goes_on_where_it_broke_and_is_charged_once(desk: Desk):
    buyer, entitlement_id, _ = await deal(desk, LARGE)
    first = await desk.fetch(buyer, entitlement_id, Range="bytes=0-999999")
    use_id, etag = first.headers["Use-Id"], first.headers["ETag"]
    rest = await desk.fetch(buyer, entitlement_id, use_id, Range="bytes=1000000-", If_Range=etag)
    assert first.content + rest.content == LARGE and rest.headers["Use-Id"] == use_id
    assert {used for _, used, _ in desk.counter.used} == {use_id}


async def test_what_is_another_content_by_now_is_sent_whole(desk: Desk):
    buyer, entitlement_id, _ = await deal(desk)
    answer = await desk.fetch(buyer, entitlement_id, Range="bytes=100-", If_Range='"of before"')
    assert (answer.status_code, answer.content) == (200, PLACES) and "Content-Range" not in answer.headers


async def test_each_part_is_decided_anew(desk: Desk):
    buyer, entitlement_id, version_id = await deal(desk)
    first = await desk.fetch(buyer, entitlement_id, Range="bytes=0-99")
    desk.shelf.grade(version_id, G4)
    rest = await desk.fetch(buyer, entitlement_id, first.headers["Use-Id"], Range="bytes=100-")
    assert (rest.status_code, rest.json()["code"]) == (403, "mode_not_allowed_for_grade")


async def test_a_use_is_spent_by_what_it_sends_however_it_is_parted(desk: Desk):
    buyer, entitlement_id, _ = await deal(desk)
    use_id = UseId.new()
    for first in range(5):
        assert (await desk.fetch(buyer, entitlement_id, use_id, Range=f"bytes={first}-{first}")).status_code == 206
    spent = await desk.fetch(buyer, entitlement_id, use_id, Range="bytes=5-5")
    assert (spent.status_code, spent.json()["code"], spent.json()["bytes_max"]) == (409, "use_spent", 5 * SIZE)


async def test_a_look_says_what_would_come_and_costs_nothing(desk: Desk):
    buyer, entitlement_id, _ = await deal(desk)
    answer = await desk.fetch(buyer, entitlement_id, method="HEAD", Range="bytes=0-9")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Length"] == str(SIZE) and answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["ETag"] == ETAG and answer.headers["Repr-Digest"] == REPR_DIGEST
    assert not desk.counter.used and not await desk.facts("delivery_started")


async def test_a_look_at_what_one_may_not_have_is_refused_and_written_down(desk: Desk):
    buyer, entitlement_id, _ = await deal(desk, PLACES, G3, clearance=C1)
    assert (await desk.fetch(buyer, entitlement_id, method="HEAD")).status_code == 403
    [refused] = await desk.facts("delivery_refused")
    assert refused["reason_code"] == "clearance_too_low"


async def test_a_purpose_is_named_where_the_contract_has_several(desk: Desk):
    buyer, _, version_id = await deal(desk)
    entitlement_id = await desk.grant(buyer, version_id, purposes=("research", "training"))
    named = [{}, {"Purpose": "marketing"}, {"Purpose": "training"}, {"Purpose": "A b"}]
    answers = [await desk.fetch(buyer, entitlement_id, **purpose) for purpose in named]
    told = [(each.status_code, each.json()["code"] if each.status_code != 200 else None) for each in answers]
    assert told == [(403, "purpose_missing"), (403, "purpose_not_agreed"), (200, None), (422, "malformed")]
    assert answers[0].json()["purposes"] == ["research", "training"]
    [started] = await desk.facts("delivery_started")
    assert started["purpose"] == "training"
    listed = (await desk.bench.get(buyer, "/delivery/v1/deliveries")).json()["items"]
    assert [each["purpose"] for each in listed] == ["training"]


async def test_what_is_known_to_be_spent_or_over_is_refused_before_trading_is_asked(desk: Desk):
    buyer, spent, version_id = await deal(desk)
    over = await desk.grant(buyer, version_id, deadline=desk.bench.clock.now())
    desk.news.announce(desk.bench.clock, EntitlementUsed(spent, 0))
    while (known := desk.depot.watch.entitled(spent)) is None or known.uses_left:
        await desk.depot.watch.news()
    codes = [(await desk.fetch(buyer, one)).json()["code"] for one in (spent, over)]
    assert codes == ["quota_spent", "entitlement_not_active"] and not desk.counter.used
    refused = await desk.facts("delivery_refused")
    assert [each["reason_code"] for each in refused] == ["quota_spent", "period_over"]
    for method in ("GET", "HEAD"):  # trading has the last word on a use
        assert (await desk.fetch(buyer, spent, UseId.new(), method=method)).status_code == 200


async def test_the_decision_is_told_with_all_that_it_rests_on(desk: Desk):
    buyer, entitlement_id, _ = await deal(desk, PLACES, G1, mode=Mode.DESENSITISED)
    await desk.fetch(buyer, entitlement_id)
    [started] = await desk.facts("delivery_started")
    inputs, decision = started["inputs"], started["decision"]
    assert isinstance(inputs, dict) and isinstance(decision, dict)
    told: dict[str, object] = {
        name: inputs[name] for name in ("mode", "grade", "clearance", "flags", "purpose", "territory", "active")
    }
    assert told == {
        "mode": "desensitised", "grade": "G1", "clearance": "C3", "flags": [], "purpose": "research",
        "territory": "CN", "active": True,
    }  # fmt: skip
    assert decision["policy_version"] and "purpose.agreed" in decision["rules"]


async def test_the_other_modes_go_by_the_same_decision(desk: Desk):
    provider, buyer = await desk.bench.member("provider"), await desk.bench.member("buyer", clearance=C4)
    version_id = await desk.stocked(provider, PLACES, G4)
    acting = desk.acting(buyer)
    rows, computed = await desk.grant(buyer, version_id, Mode.API), await desk.grant(buyer, version_id, Mode.COMPUTE)
    with pytest.raises(NotPermitted) as refused:
        await decided(desk.depot, acting, rows, {Mode.API}, None)
    assert refused.value.told_code == "limited_queries_missing"
    found = await decided(desk.depot, acting, computed, {Mode.COMPUTE}, None)
    assert found.decision.allowed and found.own_record == {Condition.SMALLEST_GROUP}
    assert found.requested.purpose == "research"
    async with desk.depot.database.transaction() as tx:
        again = await confirmed(desk.depot, tx, found, await desk.depot.database.now(tx))
    assert again.decision == found.decision
    with pytest.raises(ModeNotServed):
        await decided(desk.depot, acting, computed, {Mode.RAW}, None)


async def test_an_approved_request_for_access_is_the_approval_that_g5_asks_for(desk: Desk):
    provider, buyer = await desk.bench.member("provider"), await desk.bench.member("buyer", clearance=C5)
    version_id, acting = await desk.stocked(provider, PLACES, G5), desk.acting(buyer)
    right = await desk.grant(buyer, version_id, Mode.COMPUTE)
    desk.shelf.change(version_id, on_record=[Condition.RISK_ASSESSMENT])

    async def missing() -> str:
        with pytest.raises(NotPermitted) as refused:
            await decided(desk.depot, acting, right, {Mode.COMPUTE}, None)
        return refused.value.told_code

    assert buyer.participant_id and await missing() == "order_approval_missing"
    until = desk.bench.clock.now()
    for mode, purpose, code in (
        (Mode.RAW, "research", "order_approval_missing"),
        (Mode.COMPUTE, "another", "order_approval_missing"),
        (Mode.COMPUTE, "research", None),
    ):
        told = ApprovedAccess(request_id=AccessRequestId.new(), mode=mode, purpose=purpose, until=until)
        desk.shelf.approved[version_id, buyer.participant_id] = [told]
        if code is not None:
            assert await missing() == code
    found = await decided(desk.depot, acting, right, {Mode.COMPUTE}, None)
    assert found.own_record >= {Condition.ORDER_APPROVAL, Condition.RESULT_REVIEW}  # which is kept at each answer

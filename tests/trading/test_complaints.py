"""Complaints, credit records and sanctions over HTTP, on both kinds of database."""

from dataclasses import replace
from typing import Any

import pytest
from httpx2 import Response
from sqlalchemy import func, select

from services.trading.actions import complaint as actions
from services.trading.rules.supervision import SUPERVISION
from services.trading.tables.supervision import complaint_particulars, complaints
from shared.facts import commit
from shared.ids import ComplaintId, ListingId, ParticipantId
from tests.support.bench import Person
from tests.trading.market import AUCTION_DAYS, Market, code

on_sqlite = pytest.mark.parametrize("server", ["sqlite"], indirect=True)
NARRATIVE, CONTACT = "张三 13800138000 在群里兜售本所的数据", "li.si@example.com"


def a_complaint(**changes: Any) -> dict[str, Any]:
    return {"kind": "trade", "narrative": NARRATIVE, "contact": CONTACT, "evidence": ["ab" * 32]} | changes


async def filed(market: Market, who: Person | None = None, **changes: Any) -> dict[str, Any]:
    answer = await market.bench.post(who, "/trading/v1/complaints", a_complaint(**changes))
    assert answer.status_code == 201, answer.text
    assert answer.headers["Location"] == f"/trading/v1/complaint-receipts/{answer.json()['id']}"
    return answer.json()


async def receipt(market: Market, complaint_id: str, told: str | None) -> Response:
    headers = {} if told is None else {"Complaint-Code": told}
    path = f"/trading/v1/complaint-receipts/{complaint_id}"
    return await market.bench.ask("GET", None, path, headers=headers)


async def upheld(market: Market, against: Person, **changes: Any) -> dict[str, Any]:
    """Filed by anyone, handled by an operator of the business, and upheld against somebody."""
    made, business = await filed(market, **changes), market.bench.staff("operator_business")
    path = f"/complaints/{made['id']}"
    await market.do(business, f"{path}/acceptance")
    await market.do(business, f"{path}/investigation")
    told = {"upheld": True, "reason": "查实", "respondent_id": against.participant_id}
    await market.do(business, f"{path}/decision", told)
    return made


async def test_anyone_complains_and_it_becomes_an_entry_a_notice_a_hearing_and_a_sanction(market: Market):
    listing = await market.listing(kind="unlimited", mechanism=None, pricing="negotiation")
    made = await upheld(market, market.provider, kind="illegal_listing", listing_id=listing["id"])
    seen = (await receipt(market, made["id"], made["code"])).json()
    assert (seen["state"], seen["reason"]) == ("upheld", "查实")
    own = await market.read(market.provider, "/credit-record")
    assert (own["band"], own["points"], own["threshold_points"]) == ("D", 100, 100)
    public = await market.read(None, f"/credit-records/{market.provider.participant_id}")
    assert public == {
        "participant_id": market.provider.participant_id, "band": "D", "counts": {"illegal_trade": 1}
    }  # fmt: skip
    sanction = (await market.read(market.provider, "/sanctions"))["items"][0]
    assert (sanction["state"], sanction["next_actor"]) == ("notified", "subject")
    security, path = market.bench.staff("operator_security"), f"/sanctions/{sanction['id']}"
    told = {"reason": "累计失信"}
    assert code(await market.post(security, f"{path}/imposition", told)) == (409, "subject_not_heard")
    await market.do(market.provider, f"{path}/statement", {"statement": "已整改"})
    assert code(await market.post(market.bench.staff("operator_business"), f"{path}/imposition", told))[0] == 403
    imposed = await market.do(security, f"{path}/imposition", told)
    assert (imposed["state"], imposed["statement"]) == ("imposed", "已整改")
    assert code(await market.list_it()) == (409, "sanctioned")
    await market.advance(days=SUPERVISION.sanction_days)
    assert (await market.read(market.provider, path))["state"] == "ended"
    assert (await market.list_it()).status_code == 201
    assert (await receipt(market, made["id"], made["code"])).json()["state"] == "closed"


async def test_whoever_is_sanctioned_neither_registers_nor_bids_and_a_bid_from_before_stands(market: Market):
    auction_id = await market.auction()
    bidder = await market.bidder(auction_id)
    assert (await market.bid(bidder, auction_id, 50_000)).status_code == 201
    await upheld(market, bidder, kind="black_market")
    await market.advance(days=1)
    sanction = (await market.read(bidder, "/sanctions"))["items"][0]
    await market.do(bidder, f"/sanctions/{sanction['id']}/statement", {"statement": "不实"})
    await market.do(market.bench.staff("operator_security"), f"/sanctions/{sanction['id']}/imposition", {"reason": "x"})
    assert code(await market.bid(bidder, auction_id, 60_000)) == (409, "sanctioned")
    second = await market.auction(await market.listing())
    assert code(await market.post(bidder, f"/auctions/{second}/registrations")) == (409, "sanctioned")
    await market.advance(days=AUCTION_DAYS)
    assert (await market.read(None, f"/auctions/{auction_id}"))["winner"] == bidder.participant_id


async def test_an_appeal_that_is_upheld_takes_the_entry_out_and_the_sanction_with_it(market: Market):
    buyer = await market.buyer()
    await upheld(market, buyer, kind="counterfeit_rights")
    entry = (await market.read(buyer, "/credit-entries"))["items"][0]
    path, told = f"/credit-entries/{entry['id']}/appeal", {"reason": "张冠李戴", "evidence": ["cd" * 32]}
    stranger = await market.buyer()
    assert code(await market.post(stranger, path, told)) == (404, "no_such_entry")
    appeal = await market.do(buyer, path, told)
    assert code(await market.post(buyer, path, told)) == (409, "appealed_already")
    decision, regulator = f"/credit-appeals/{appeal['id']}/decision", market.bench.staff("regulator")
    assert code(await market.post(regulator, decision, {"upheld": True, "reason": "x"})) == (403, "not_yours_to_decide")
    inside = Person(market.bench.staff().subject, frozenset({"operator_business"}), buyer.participant_id)
    assert code(await market.post(inside, decision, {"upheld": True, "reason": "x"})) == (403, "not_independent")
    other = market.bench.staff("operator_business")
    await market.do(other, decision, {"upheld": True, "reason": "查明"})
    own = await market.read(buyer, "/credit-record")
    assert (own["band"], own["points"], own["counts"]) == ("A", 0, {})
    kinds = [each["kind"] for each in (await market.read(buyer, "/credit-entries"))["items"]]
    assert kinds == ["correction", "illegal_trade"], "nothing is taken away"
    sanction = (await market.read(buyer, "/sanctions"))["items"][0]
    assert (sanction["state"], sanction["reason_code"]) == ("dropped", "record_cleared")
    assert (await market.read(stranger, "/credit-entries"))["items"] == []


@on_sqlite
async def test_whoever_entered_it_does_not_decide_on_the_appeal(market: Market):
    buyer, business = await market.buyer(), market.bench.staff("operator_business")
    made = await filed(market)
    for step in ("acceptance", "investigation"):
        await market.do(business, f"/complaints/{made['id']}/{step}")
    told = {"upheld": True, "reason": "查实", "respondent_id": buyer.participant_id}
    await market.do(business, f"/complaints/{made['id']}/decision", told)
    entry = (await market.read(buyer, "/credit-entries"))["items"][0]
    appeal = await market.do(buyer, f"/credit-entries/{entry['id']}/appeal", {"reason": "不实"})
    decision = f"/credit-appeals/{appeal['id']}/decision"
    assert code(await market.post(business, decision, {"upheld": False, "reason": "x"})) == (409, "another_must_decide")
    await market.advance(days=20)
    late = (await market.read(buyer, "/credit-appeals"))["items"][0]
    assert late["next_actor"] == "regulator"
    await market.do(market.bench.staff("regulator"), decision, {"upheld": False, "reason": "查实"})
    assert (await market.read(buyer, "/credit-record"))["points"] == 30


async def test_a_default_at_payment_stands_on_the_record_in_the_commit_that_ends_the_order(market: Market):
    buyer, order = await market.won()
    await market.signed(buyer, order)
    await market.advance(days=6)
    entry = (await market.read(buyer, "/credit-entries"))["items"][0]
    assert (entry["kind"], entry["points"], entry["source_id"]) == ("payment_default", 40, order["id"])
    told = (await market.facts("credit_entered"))[0]
    assert (told["participant_id"], told["source_id"]) == (buyer.participant_id, order["id"])
    assert (await market.read(None, f"/credit-records/{buyer.participant_id}"))["counts"] == {"payment_default": 1}
    unknown = ParticipantId.new()
    assert (await market.read(None, f"/credit-records/{unknown}"))["band"] == "A", "no oracle of who there is"


@on_sqlite
async def test_a_provider_who_does_not_sign_what_was_awarded_fails_too(market: Market):
    buyer, order = await market.won()
    assert (await market.sign(buyer, order["contract_id"])).status_code == 201
    await market.advance(days=6)
    assert (await market.read(market.provider, "/credit-record"))["counts"] == {"unsigned_award": 1}
    assert (await market.read(buyer, "/credit-record"))["counts"] == {}


async def test_a_complaint_that_nobody_handles_becomes_the_regulators_and_stays_so(market: Market):
    made = await filed(market)
    business, regulator = market.bench.staff("operator_business"), market.bench.staff("regulator")
    path = f"/complaints/{made['id']}"
    assert code(await market.post(regulator, f"{path}/acceptance")) == (409, "not_yours_to_handle")
    for turn in (1, 2):
        await market.advance(days=40)
        seen = await market.read(regulator, path)
        assert (seen["complaint"]["next_actor"], seen["complaint"]["escalations"]) == ("regulator", turn)
    assert code(await market.post(business, f"{path}/acceptance")) == (409, "not_yours_to_handle")
    assert (await receipt(market, made["id"], made["code"])).json()["next_actor"] == "regulator"
    await market.do(regulator, f"{path}/rejection", {"ground": "no_facts", "reason": "查无实据"})
    seen = (await receipt(market, made["id"], made["code"])).json()
    assert (seen["state"], seen["reason_code"], seen["deadline"]) == ("rejected", "no_facts", None)
    assert [fact["escalations"] for fact in await market.facts("complaint_escalated")] == [1, 2]


@on_sqlite
async def test_who_handles_and_reads_complaints(market: Market):
    made = await filed(market)
    inside = Person(market.provider.subject, frozenset({"operator_business"}), market.provider.participant_id)
    assert code(await market.post(inside, f"/complaints/{made['id']}/acceptance")) == (403, "not_independent")
    for path in ("", f"/{made['id']}"):
        answer = await market.bench.get(inside, f"/trading/v1/complaints{path}")
        assert code(answer) == (403, "not_independent"), "who reads of themselves would know who complains"
    for who, status in ((None, 401), (market.provider, 403), (market.bench.staff("operator_security"), 403)):
        assert (await market.bench.get(who, "/trading/v1/complaints")).status_code == status
    for role in ("operator_business", "regulator"):
        listed = (await market.read(market.bench.staff(role), "/complaints"))["items"]
        assert [each["id"] for each in listed] == [made["id"]] and "narrative" not in listed[0]
    whole = await market.read(market.bench.staff("regulator"), f"/complaints/{made['id']}")
    assert (whole["narrative"], whole["contact"]) == (NARRATIVE, CONTACT)


# --- what nobody may learn


async def test_no_fact_names_who_complains_or_of_whom_and_what_it_says_can_be_opened(market: Market):
    await filed(market, market.provider, participant_id=market.provider.participant_id)
    feed = market.bench.cores["trading"].feed
    lines = [change.line for change in await feed.after({}) if change.act == "trading.complaint_received"]
    assert len(lines) == 1
    for secret in (NARRATIVE, "13800138000", CONTACT, str(market.provider.participant_id), market.provider.subject):
        assert secret not in lines[0]
    async with market.trading.database.read() as tx:
        salt = bytes.fromhex((await tx.scalars(select(complaint_particulars.c.salt))).one())
    for name, value in (("narrative", NARRATIVE), ("complainant", str(market.provider.participant_id))):
        assert commit(name, value, salt).hex in lines[0]


@on_sqlite
async def test_a_wrong_code_and_a_wrong_number_are_the_same_nothing(market: Market):
    made, other = await filed(market), await filed(market)
    assert made["code"] != other["code"]
    assert (await receipt(market, made["id"], made["code"])).status_code == 200
    answers = [
        await receipt(market, made["id"], other["code"]), await receipt(market, ComplaintId.new(), made["code"]),
        await receipt(market, made["id"], None), await receipt(market, ComplaintId.new(), ""),
    ]  # fmt: skip
    bodies = [{**answer.json(), "request_id": None} for answer in answers]
    assert all(code(answer) == (404, "no_such_complaint") for answer in answers)
    assert bodies == [bodies[0]] * 4


@on_sqlite
async def test_filing_tells_nobody_whether_there_is_what_it_names(market: Market):
    listing = await market.listing()
    known = await market.bench.post(None, "/trading/v1/complaints", a_complaint(listing_id=listing["id"]))
    unknown = await market.bench.post(None, "/trading/v1/complaints", a_complaint(listing_id=ListingId.new()))
    assert known.status_code == unknown.status_code == 201
    assert known.json().keys() == unknown.json().keys()
    assert (known.json()["state"], known.json()["deadline"]) == (unknown.json()["state"], unknown.json()["deadline"])


async def test_the_same_filing_under_the_same_key_is_one_complaint_with_one_code(market: Market):
    key = "0123456789abcdef"
    first, again = [await market.bench.post(None, "/trading/v1/complaints", a_complaint(), key) for _ in range(2)]
    assert first.json() == again.json()
    other = await market.bench.post(None, "/trading/v1/complaints", a_complaint(contact=None), key)
    assert code(other) == (422, "key_reused")
    assert await how_many(market) == 1
    async with market.trading.database.read() as tx:
        await tx.scalars(select(complaint_particulars.c.code_salt))
        kept = str((await tx.execute(select(complaint_particulars))).all())
    assert first.json()["code"] not in kept, "the code itself is never kept"


# --- bad input of those who need no account


@on_sqlite
@pytest.mark.parametrize("changes, fault", [
    ({"narrative": "很短"}, 422), ({"narrative": "长" * 4001}, 422), ({"narrative": "一\u0000二三四五六七八九十"}, 422),
    ({"narrative": "右\u202e到左的文字在这里了没有"}, 422), ({"narrative": "e\u0301" * 12}, 422),
    ({"contact": "联" * 201}, 422), ({"evidence": ["ab" * 32] * 21}, 422), ({"evidence": ["AB" * 32]}, 422),
    ({"kind": "other"}, 422), ({"listing_id": "listing_1"}, 422), ({"order_id": "listing_" + "0" * 32}, 422),
    ({"complainant_id": "participant_" + "0" * 32}, 422), ({"state": "upheld"}, 422),
], ids=lambda value: str(value)[:40])  # fmt: skip
async def test_what_is_no_complaint_is_refused_and_changes_nothing(market: Market, changes: dict[str, Any], fault: int):
    answer = await market.bench.post(None, "/trading/v1/complaints", a_complaint(**changes))
    assert answer.status_code == fault and await how_many(market) == 0
    assert not any(str(value)[:30] in answer.text for value in changes.values() if isinstance(value, str))


@on_sqlite
async def test_bodies_that_are_no_json_too_large_or_in_another_charset_are_refused(market: Market):
    text, path = '{"kind":"trade","narrative":"场外兜售本所挂牌的数据"}', "/trading/v1/complaints"
    for content, kind, status in (
        (text.encode("gbk"), "application/json", 400), (text.encode("utf-16"), "application/json", 400),
        (text.encode(), "application/json; charset=gbk", 415), (text.encode(), "text/plain", 415),
        (text.encode()[:-1], "application/json", 400), (b"[" * 100_000, "application/json", 400),
        (b'{"narrative":"' + b"x" * 1_100_000 + b'"}', "application/json", 413),
    ):  # fmt: skip
        headers = {"Content-Type": kind, "Idempotency-Key": "0123456789"}
        answer = await market.bench.ask("POST", None, path, headers=headers, content=content)
        assert answer.status_code == status, (kind, content[:20], answer.text)
    keyless = await market.bench.ask("POST", None, path, json=a_complaint())
    assert code(keyless) == (400, "idempotency_key")
    assert await how_many(market) == 0


@on_sqlite
async def test_a_flood_is_told_to_wait_and_whoever_has_an_account_is_not_kept_out_by_it(
    market: Market, monkeypatch: pytest.MonkeyPatch
):
    few = replace(SUPERVISION, complaints_anonymous_max=3, complaints_by_member_max=2)
    monkeypatch.setattr(actions, "SUPERVISION", few)
    for _ in range(3):
        await filed(market)
    refused = await market.bench.post(None, "/trading/v1/complaints", a_complaint())
    assert code(refused) == (429, "too_many_complaints") and int(refused.headers["Retry-After"]) == 3600
    for _ in range(2):
        await filed(market, market.provider)
    assert code(await market.post(market.provider, "/complaints", a_complaint())) == (429, "too_many_complaints")
    assert await how_many(market) == 5
    market.bench.clock.advance(hours=1)
    await market.bench.refresh()
    await filed(market)


async def how_many(market: Market) -> int:
    async with market.trading.database.read() as tx:
        return await tx.scalar(select(func.count()).select_from(complaints)) or 0


async def test_what_somebody_wrote_is_erased_three_years_after_the_end_and_the_rest_stays(market: Market):
    made, other, open_one = [await filed(market) for _ in range(3)]
    business = market.bench.staff("operator_business")
    rejection = {"ground": "no_facts", "reason": "查无实据"}
    await market.do(business, f"/complaints/{made['id']}/rejection", rejection)
    await market.advance(days=1)
    await market.do(business, f"/complaints/{other['id']}/rejection", rejection)
    await market.advance(days=SUPERVISION.particulars_days - 1, seconds=-1)
    assert (await receipt(market, made["id"], made["code"])).status_code == 200
    await market.advance(seconds=1)
    assert (await receipt(market, made["id"], made["code"])).status_code == 404
    for kept in (other, open_one):
        assert (await receipt(market, kept["id"], kept["code"])).status_code == 200
    seen = await market.read(market.bench.staff("regulator"), f"/complaints/{made['id']}")
    assert (seen["complaint"]["state"], seen["narrative"], seen["contact"]) == ("rejected", None, None)
    await actions.erase(market.trading, ComplaintId(made["id"]))
    assert await market.facts("complaint_particulars_erased") == [{"complaint_id": made["id"]}]
    async with market.trading.database.read() as tx:
        assert NARRATIVE in str((await tx.execute(select(complaint_particulars))).all()), "of the two others"
        assert await tx.scalar(select(func.count()).select_from(complaint_particulars)) == 2

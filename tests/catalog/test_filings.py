"""Filings as they are asked for, on both databases: what each leaves on the register."""

import json
from datetime import timedelta
from typing import Any

from services import certificate_check
from services.catalog import jobs
from shared.ids import FilingId, ObjectionId, ParticipantId
from tests.catalog.market import Market, refusal
from tests.catalog.register import DAYS, KEYS, OBJECTION, agreed, filed, get, noticed_asset, pass_days, post, refused
from tests.support.bench import Person


async def test_a_transfer_needs_the_new_holders_consent_and_changes_the_certificate(noticed: Market):
    provider, heir = await noticed.provider(), await noticed.bench.member("buyer")
    stranger = await noticed.bench.member("buyer")
    asset = await noticed_asset(noticed, provider)
    await pass_days(noticed, DAYS)
    asset = await get(noticed, provider, f"/assets/{asset['id']}")
    unknown = {"new_holder_id": ParticipantId.new()}
    assert await refused(noticed, provider, f"/assets/{asset['id']}/filings/transfer", unknown) == (
        409, "party_not_admitted",
    )  # fmt: skip
    filing = await filed(noticed, provider, asset, "transfer", {"new_holder_id": heir.participant_id})
    assert (filing["state"], filing["next_actor"]) == ("submitted", "counterparty")
    assert await refused(noticed, stranger, f"/filings/{filing['id']}/consent") == (404, "no_such_filing")
    assert await refused(noticed, provider, f"/filings/{filing['id']}/consent") == (403, "not_your_consent")
    await post(noticed, heir, f"/filings/{filing['id']}/consent")
    assert (await agreed(noticed, filing))["state"] == "under_notice"
    await pass_days(noticed, DAYS)

    seen = await get(noticed, provider, f"/assets/{asset['id']}")
    assert (seen["rights_holder_id"], seen["provider_id"]) == (heir.participant_id, provider.participant_id)
    before = await get(noticed, None, f"/certificates/{asset['certificate_id']}")
    after = await get(noticed, None, f"/certificates/{seen['certificate_id']}")
    assert (before["state"], after["state"], after["type"]) == ("superseded", "valid", "transfer")
    assert (after["supersedes"], after["rights_holder_id"]) == (before["id"], heir.participant_id)
    assert await refused(
        noticed, provider, f"/assets/{asset['id']}/filings/transfer", {"new_holder_id": stranger.participant_id}
    ) == (403, "not_the_holder")


async def test_a_licence_stands_on_the_certificate_until_it_ends(market: Market):
    provider, licensee = await market.provider(), await market.bench.member("buyer")
    asset = await market.registered(provider)
    until = (market.bench.clock.now() + timedelta(days=30)).isoformat().replace("+00:00", "Z")
    licence = {"licensee_id": licensee.participant_id, "scope": "科研", "valid_until": until}
    filing = await filed(market, provider, asset, "licence", licence)
    await post(market, licensee, f"/filings/{filing['id']}/consent")
    await agreed(market, filing)
    assert [one["scope"] for one in (await document(market, provider, asset))["licences"]] == ["科研"]
    market.bench.clock.advance(days=31)
    await market.bench.refresh()
    await agreed(market, await filed(market, provider, asset, "change", {"about": {"title": "改名"}}))
    told = await document(market, provider, asset)
    assert (told["title"], told["licences"]) == ("改名", [])
    assert (await get(market, None, f"/assets/{asset['id']}"))["title"] == "改名"


async def document(market: Market, person: Person | None, asset: dict[str, Any]) -> dict[str, Any]:
    """The document of the present certificate's file, which is verified on the way."""
    certificate_id = (await get(market, person, f"/assets/{asset['id']}"))["certificate_id"]
    file = await market.bench.get(person, f"/catalog/v1/certificates/{certificate_id}/certificate.json")
    assert certificate_check.check(file.content, KEYS, market.bench.clock.now()).code == certificate_check.GOOD
    return json.loads(file.content)["document"]


async def test_a_declined_and_a_withdrawn_filing_leave_the_register_as_it_was(market: Market):
    provider, heir = await market.provider(), await market.bench.member("buyer")
    asset = await market.registered(provider)
    transfer = {"new_holder_id": heir.participant_id}
    filing = await filed(market, provider, asset, "transfer", transfer)
    assert await refused(market, provider, f"/assets/{asset['id']}/filings/transfer", transfer) == (409, "filing_open")
    declined = await post(market, heir, f"/filings/{filing['id']}/decline", {"reason": "条件未谈妥"})
    assert (declined["state"], declined["reason_code"]) == ("refused", "declined")
    filing = await filed(market, provider, asset, "transfer", transfer)
    assert (await post(market, provider, f"/filings/{filing['id']}/withdraw"))["state"] == "withdrawn"
    filing = await filed(market, provider, asset, "transfer", transfer)
    await pass_days(market, 15)
    assert (await get(market, heir, f"/filings/{filing['id']}"))["reason_code"] == "consent_overdue"
    assert (await get(market, provider, f"/assets/{asset['id']}"))["certificate_id"] == asset["certificate_id"]


async def test_a_registration_is_renewed_before_it_ends_or_expires_by_itself(market: Market):
    provider = await market.provider()
    kept, left = await market.registered(provider), await market.registered(provider, title="另一")
    assert await refused(market, provider, f"/assets/{kept['id']}/filings/renewal") == (409, "renewal_too_early")
    market.bench.clock.advance(days=3 * 365 - 10)
    await market.bench.refresh()
    filing = await filed(market, provider, kept, "renewal")
    await pass_days(market, 10)
    assert (await get(market, provider, f"/assets/{kept['id']}"))["state"] == "registered", "a renewal is open"
    await agreed(market, filing)
    await jobs.tick(market.catalog)
    seen, gone = [await get(market, provider, f"/assets/{asset['id']}") for asset in (kept, left)]
    assert seen["state"] == "registered" and seen["valid_until"] > kept["valid_until"]
    assert (gone["state"], gone["reason_code"]) == ("withdrawn", "registration_expired")
    assert (await get(market, None, f"/certificates/{left['certificate_id']}"))["state"] == "expired"
    assert (await get(market, None, f"/certificates/{seen['certificate_id']}"))["state"] == "valid"


async def test_a_registration_ends_with_the_first_right_that_lapses(market: Market):
    provider = await market.provider()
    asset = await market.drafted(provider)
    await market.inspected(asset["versions"][0]["id"])
    await market.graded(provider, asset["versions"][0]["id"])
    end = (market.bench.clock.now() + timedelta(days=20)).isoformat().replace("+00:00", "Z")
    path, right = f"/assets/{asset['id']}", {"kind": "use", "evidence_hash": "ef" * 32}
    await market.declared(provider, asset["id"], rights=[])
    assert await refused(market, provider, f"{path}/submit") == (409, "rights_missing")
    await market.declared(provider, asset["id"], rights=[right | {"valid_until": end}])
    market.bench.clock.advance(days=20)
    await market.bench.refresh()
    assert await refused(market, provider, f"{path}/submit") == (409, "right_lapsed")
    later = (market.bench.clock.now() + timedelta(days=20)).isoformat().replace("+00:00", "Z")
    await market.declared(provider, asset["id"], rights=[right | {"valid_until": later}])
    await post(market, provider, f"{path}/submit")
    operator = market.bench.staff("operator_business")
    registered = await post(market, operator, f"{path}/register", {"grade": "G1", "note": "已复核"})
    assert registered["valid_until"] == later
    twice = await market.bench.post(provider, f"/catalog/v1{path}/source-declaration",
                                    {"origin": "purchase", "description": "购入", "legal_basis": "合同",
                                     "rights": [right, right]})  # fmt: skip
    assert refusal(twice) == (422, "malformed")


async def test_a_withdrawn_asset_has_a_certificate_that_says_so_and_its_open_filing_ends(market: Market):
    provider, objector, heir = [await market.bench.member("buyer", "provider") for _ in range(3)]
    asset = await market.registered(provider)
    filing = await filed(market, provider, asset, "transfer", {"new_holder_id": heir.participant_id})
    raised = await post(market, objector, f"/assets/{asset['id']}/objections", OBJECTION, 201)
    await post(market, provider, f"/assets/{asset['id']}/withdraw")
    assert (await get(market, heir, f"/filings/{filing['id']}"))["reason_code"] == "asset_withdrawn"
    assert (await get(market, objector, f"/objections/{raised['id']}"))["state"] == "lapsed"
    issued = [change.data for change in await market.facts() if change.act == "catalog.certificate_issued"][-1]
    said = await get(market, None, f"/certificates/{issued['certificate_id']}")
    assert (said["type"], said["state"], said["supersedes"]) == ("deregistration", "valid", asset["certificate_id"])
    assert (await get(market, None, f"/certificates/{asset['certificate_id']}"))["state"] == "withdrawn"


async def test_filings_and_objections_are_there_for_who_they_concern(market: Market):
    provider, stranger = await market.provider(), await market.provider()
    asset = await market.registered(provider)
    own = (await get(market, provider, "/filings"))["items"]
    assert [(one["type"], one["state"], one["asset_id"]) for one in own] == [("first", "registered", asset["id"])]
    assert (await get(market, stranger, "/filings"))["items"] == []
    assert (await get(market, market.bench.staff("regulator"), "/filings"))["items"] == own
    for path in (f"/filings/{own[0]['id']}", f"/filings/{FilingId.new()}"):
        assert refusal(await market.bench.get(stranger, f"/catalog/v1{path}")) == (404, "no_such_filing")
    raised = await post(market, stranger, f"/assets/{asset['id']}/objections", OBJECTION, 201)
    other = await market.provider()
    for path in (f"/objections/{raised['id']}", f"/objections/{ObjectionId.new()}"):
        assert refusal(await market.bench.get(other, f"/catalog/v1{path}")) == (404, "no_such_objection")
    assert (await get(market, other, f"/assets/{asset['id']}/objections"))["items"] == []

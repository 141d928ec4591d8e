"""What does not pass the gates of the register: disputed data, and copies of what another has registered."""

import asyncio
from typing import Any

from tests.catalog.market import Market, a_report, harm, refusal
from tests.catalog.register import (
    DAYS,
    get,
    noticed_asset,
    pass_days,
    post,
)
from tests.support.bench import ParticipantSuspended, Person


async def test_what_another_has_registered_is_not_registered_again(market: Market):
    owner, copier = await market.provider(), await market.provider()
    sketch = [f"{number * 7919:016x}" for number in range(1, 257)]

    async def tried(provider: Person, **content: Any) -> tuple[int, str]:
        asset = await market.drafted(provider)
        version_id = asset["versions"][0]["id"]
        market.done(await market.report(version_id, a_report() | content))
        await market.graded(provider, version_id)
        await market.declared(provider, asset["id"])
        answer = await market.bench.post(provider, f"/catalog/v1/assets/{asset['id']}/submit")
        if answer.status_code != 200:
            assert asset["id"] not in answer.text and set(answer.json()) <= {
                "type", "title", "status", "detail", "code", "request_id",
            }  # fmt: skip
            assert (await market.acts())[-1] == "registration_denied"
            return refusal(answer)
        operator = market.bench.staff("operator_business")
        return (await market.bench.post(
            operator, f"/catalog/v1/assets/{asset['id']}/register", {"grade": "G1", "note": "已复核"})
        ).status_code, "registered"  # fmt: skip

    assert await tried(owner, content_hash="aa" * 32, fingerprint=sketch) == (200, "registered")
    assert await tried(copier, content_hash="aa" * 32) == (409, "ownership_conflict")
    assert await tried(copier, fingerprint=sketch[:250] + ["ff" * 8]) == (409, "near_duplicate")
    assert await tried(copier, fingerprint=sketch[:60]) == (409, "near_duplicate")
    unlike = [f"{number * 7919 + 1:016x}" for number in range(1, 257)]
    assert await tried(copier, fingerprint=unlike) == (200, "registered")
    assert await tried(owner, content_hash="aa" * 32, fingerprint=sketch) == (200, "registered"), "their own"


async def test_of_two_copies_under_review_at_once_only_one_is_registered(market: Market):
    content = {"content_hash": "bb" * 32}
    copies = list[dict[str, Any]]()
    for provider in (await market.provider(), await market.provider()):
        asset = await market.drafted(provider)
        version_id = asset["versions"][0]["id"]
        market.done(await market.report(version_id, a_report() | content))
        await market.graded(provider, version_id)
        await market.declared(provider, asset["id"])
        copies.append(await post(market, provider, f"/assets/{asset['id']}/submit"))
    operator, yes = market.bench.staff("operator_business"), {"grade": "G1", "note": "已复核"}
    answers = await asyncio.gather(
        *(market.bench.post(operator, f"/catalog/v1/assets/{copy['id']}/register", yes) for copy in copies)
    )
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses in ([200, 409], [200, 503]), [answer.text for answer in answers]
    again = [await market.bench.post(operator, f"/catalog/v1/assets/{copy['id']}/register", yes) for copy in copies]
    assert {answer.json()["code"] for answer in again} == {"not_under_review", "ownership_conflict"}


async def test_what_another_registers_during_the_notice_is_refused_at_its_end(noticed: Market):
    first, second = await noticed.provider(), await noticed.provider()
    content, assets = {"content_hash": "cc" * 32}, list[dict[str, Any]]()
    operator, yes = noticed.bench.staff("operator_business"), {"grade": "G1", "note": "已复核"}
    for provider in (first, second):
        asset = await noticed.drafted(provider)
        version_id = asset["versions"][0]["id"]
        noticed.done(await noticed.report(version_id, a_report() | content))
        await noticed.graded(provider, version_id)
        await noticed.declared(provider, asset["id"])
        await post(noticed, provider, f"/assets/{asset['id']}/submit")
        assets.append(await post(noticed, operator, f"/assets/{asset['id']}/register", yes))
        noticed.bench.clock.advance(hours=1)
    await pass_days(noticed, DAYS)
    assert (await get(noticed, first, f"/assets/{assets[0]['id']}"))["state"] == "registered"
    seen = await get(noticed, second, f"/assets/{assets[1]['id']}")
    assert (seen["state"], seen["reason_code"]) == ("refused", "ownership_conflict")


async def test_who_is_suspended_during_the_notice_is_not_registered_at_its_end(noticed: Market):
    provider = await noticed.provider()
    asset = await noticed_asset(noticed, provider)
    assert provider.participant_id
    await noticed.bench.announce(ParticipantSuspended(provider.participant_id, "fraud"))
    await pass_days(noticed, DAYS)
    seen = await get(noticed, noticed.bench.staff("regulator"), f"/assets/{asset['id']}")
    assert (seen["state"], seen["reason_code"]) == ("refused", "identity_unverified")


async def test_a_grade_that_rises_during_the_notice_is_reviewed_again_or_shuts_the_gate(noticed: Market):
    provider, operator = await noticed.provider(), noticed.bench.staff("operator_business")
    outcomes = list[tuple[str, str | None]]()
    for impacts in (harm("organisation", "serious"), harm("national_security", "ordinary")):
        asset = await noticed_asset(noticed, provider)
        raise_grade = {"impacts": impacts, "reason": "汇聚"}
        await post(noticed, operator, f"/versions/{asset['versions'][0]['id']}/raise-grade", raise_grade)
        await pass_days(noticed, DAYS)
        seen = await get(noticed, provider, f"/assets/{asset['id']}")
        outcomes.append((seen["state"], seen["reason_code"]))
    assert outcomes == [("submitted", None), ("refused", "important_data_not_assessed")]
    assert "registration_reopened" in await noticed.acts()

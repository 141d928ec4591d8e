"""From a failed log-in to the regulator's desk: what the log only commits to is opened in a case, and then erased."""

from datetime import timedelta

import pytest

from services.demo import shelves
from tests.support.whole import WholeMarket

REDACTION = {"purpose": "security", "legal_basis": "个人信息保护法第四十七条", "reason": "当事人申请"}


@pytest.mark.parametrize("market", ["sqlite"], indirect=True)
async def test_the_name_of_a_failed_log_in_is_opened_in_a_case_and_erased_by_two(market: WholeMarket):
    await shelves.open_market(market)
    form = {"grant_type": "password", "username": "business", "password": "a pass phrase that was mistyped"}
    assert (await market.client.post("/identity/v1/token", data=form)).status_code in (400, 401)
    await market.advance(seconds=11)
    regulator = market.people["regulator"]
    found = await regulator.get("/audit/v1/entries", limit=100)
    [index] = [each["index"] for each in found["items"] if "identity.log_in_refused" in each["event"]]
    case = await opened(market)
    [field] = await regulator.get(f"/audit/v1/cases/{case}/entries/{index}/fields")
    assert (field["name"], field["state"], field["value"]) == ("login", "disclosed", "business")
    await regulator.post(f"/audit/v1/cases/{case}/closing", {"outcome": "no_violation", "finding": "本人误输"})
    await redacted(market, "restricted", index)
    await market.advance(days=184)
    await shelves.open_market(market)
    await redacted(market, "erased", index)
    case = await opened(market)
    [field] = await market.people["regulator"].get(f"/audit/v1/cases/{case}/entries/{index}/fields")
    assert (field["state"], field["value"]) == ("erased", None)


async def opened(market: WholeMarket) -> str:
    now, year = market.clock.now(), timedelta(days=365)
    times = {"since": (now - year).isoformat(), "until": (now + year).isoformat()}
    body = {
        "purpose": "核查异常登录", "legal_basis": "网络安全法第二十三条",
        "expires_at": (now + timedelta(days=30)).isoformat(),
        "scope": {"highest_grade": "G3", "is_whole_log": True, **times},
    }  # fmt: skip
    return (await market.people["regulator"].post("/audit/v1/cases", body))["id"]


async def redacted(market: WholeMarket, to: str, index: int) -> None:
    entry = (await market.people["log"].get(f"/audit/v1/entries/{index}"))["event"]
    subject = entry[entry.index('"user_id":"') + 11 :][:37]
    proposed = await market.people["security"].post("/audit/v1/redactions", REDACTION | {"subject": subject, "to": to})
    done = await market.people["log"].post(f"/audit/v1/redactions/{proposed['id']}/approval")
    assert (done["state"], done["to"], done["field_count"]) == ("done", to, 1)

"""Sponsorships over HTTP: an admission that takes a sponsor, and what follows when it is gone."""

import asyncio
import base64
from collections import Counter
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from httpx2 import Response

from services.identity import jobs
from services.identity.rules.document import Kind
from services.identity.rules.merchant import CATALOGUES, MerchantClass, required
from shared.grades import C2
from shared.ids import ParticipantId
from shared.signing import SigningKey
from shared.standing import StandingMirror
from tests.identity.conftest import ON_ONE_DATABASE, REASON, Desk

FOR_C2 = required(CATALOGUES[-1], frozenset({MerchantClass.PARTY}), C2)
FINDING = "营业执照、数据来源说明与安全制度已核对"


@pytest.fixture
async def desk(desk: Desk) -> AsyncGenerator[Desk]:
    """Where those who sell and are of no other class take a sponsor."""
    desk.app.state.service = replace(desk.identity, sponsored_classes=frozenset({MerchantClass.PARTY}))
    yield desk


@dataclass
class Sponsors:
    """Organisations that vouch, and their keys; by the log-in of whoever administers them."""

    desk: Desk
    ids: dict[str, str] = field(default_factory=dict[str, str])
    keys: dict[str, tuple[str, SigningKey]] = field(default_factory=dict[str, tuple[str, SigningKey]])

    async def add(self, login: str, *classes: str, roles: tuple[str, ...] = ("buyer", "provider")) -> str:
        applied = await self.desk.apply(login, *roles, classes=classes or ["intermediary"])
        participant_id = self.ids[login] = applied.json()["id"]
        await self.desk.prove(participant_id, login, *FOR_C2, Kind.SECURITY_CAPABILITY, Kind.PROFESSIONAL_QUALIFICATION)
        await self.desk.admit("security", participant_id, "C2")
        await self.desk.hear()
        key = SigningKey.new()
        body = {"public_key": base64.b64encode(key.public).decode()}
        registered = await self.desk.post(login, "/signing-keys", {"algorithm": "ed25519"} | body)
        assert registered.status_code == 201, registered.text
        self.keys[login] = (registered.json()["id"], key)
        return participant_id

    async def applied(self, login: str, *roles: str) -> str:
        """An organisation that has applied, and has proven all that it can by itself."""
        participant_id = (await self.desk.apply(login, *roles)).json()["id"]
        await self.desk.prove(participant_id, login, *FOR_C2)
        return participant_id

    async def ask(self, who: str, sponsor: str, days: float = 100) -> Response:
        ends_at = (self.desk.clock.now() + timedelta(days=days)).isoformat()
        body = {"sponsor_id": self.ids.get(sponsor, sponsor), "ends_at": ends_at}
        return await self.desk.post(who, "/sponsorships", body)

    async def sign(self, sponsor: str, asked: Any, **changes: str) -> Response:
        key_id, key = self.keys[sponsor]
        signature = key.sign(b"yaosu sponsorship v1\n" + asked["terms_hash"].encode())
        body = {"finding": FINDING, "key_id": key_id, "signature": base64.b64encode(signature).decode()}
        return await self.desk.post(sponsor, f"/sponsorships/{asked['id']}/signature", body | changes)

    async def vouch(self, who: str, sponsor: str, days: float = 100) -> dict[str, Any]:
        signed = await self.sign(sponsor, (await self.ask(who, sponsor, days)).json())
        assert signed.status_code == 200, signed.text
        return signed.json()

    async def sponsored(self, login: str, sponsor: str, days: float = 100) -> str:
        """An organisation that is admitted because this one vouches for it."""
        participant_id = await self.applied(login, "provider")
        await self.vouch(login, sponsor, days)
        admitted = await self.desk.admit("security", participant_id, "C2")
        assert admitted.status_code == 200, admitted.text
        await self.desk.hear()
        return participant_id

    async def verified_until(self, participant_id: str) -> datetime | None:
        told = (await self.desk.get("security", f"/participants/{participant_id}")).json()["verified_until"]
        return datetime.fromisoformat(told) if told else None

    async def standing(self, participant_id: str) -> tuple[str, datetime | None]:
        """As a service knows it that has followed all there is."""
        mirror = StandingMirror(self.desk.clock, self.desk.core.feed)
        await mirror.tick()
        known = mirror.of(ParticipantId(participant_id))
        return known.status, known.verified_until


@pytest.fixture
async def sponsors(desk: Desk) -> Sponsors:
    sponsors = Sponsors(desk)
    await sponsors.add("spo")
    return sponsors


async def test_whoever_sells_comes_in_once_a_merchant_has_vouched_for_it(desk: Desk, sponsors: Sponsors):
    participant_id = await sponsors.applied("ana", "provider")
    refused = await desk.admit("security", participant_id, "C2")
    assert (refused.status_code, refused.json()["code"], refused.json()["classes"]) == (
        409, "sponsor_missing", ["party"],
    )  # fmt: skip
    assert "GET /identity/v1/sponsors" in refused.json()["detail"]

    [found] = (await desk.get("ana", "/sponsors")).json()["items"]
    assert (found["id"], found["classes"]) == (sponsors.ids["spo"], ["intermediary"])
    asked = await sponsors.ask("ana", found["id"])
    assert (asked.status_code, asked.json()["state"], asked.json()["next_actor"]) == (201, "asked", "sponsor")
    assert (await desk.admit("security", participant_id, "C2")).json()["code"] == "sponsor_missing"

    path = asked.headers["Location"]
    seen = (await desk.get("spo", path)).json()
    assert (seen["sponsored_id"], seen["sponsored_name"]) == (participant_id, asked.json()["sponsored_name"])
    signed = await sponsors.sign("spo", seen)
    assert (signed.status_code, signed.json()["state"], signed.json()["next_actor"]) == (200, "in_force", "sponsored")
    admitted = await desk.admit("security", participant_id, "C2")
    assert (admitted.status_code, admitted.json()["status"]) == (200, "admitted")
    until = await sponsors.verified_until(participant_id)
    assert until == datetime.fromisoformat(seen["ends_at"]) + timedelta(days=30)
    for who in ("spo", "ana", "business", "regulator"):
        listed = (await desk.get(who, "/sponsorships", state="in_force")).json()["items"]
        assert [each["sponsored_id"] for each in listed] == [participant_id], who
    assert [act for act in await desk.told() if "sponsor" in act] == ["sponsorship_asked", "sponsorship_signed"]


@ON_ONE_DATABASE
async def test_a_sponsor_that_withdraws_says_why_and_leaves_thirty_days(desk: Desk, sponsors: Sponsors):
    participant_id = await sponsors.sponsored("ana", "spo")
    [held] = (await desk.get("spo", "/sponsorships")).json()["items"]
    desk.clock.advance(days=1)
    withdrawn = await desk.post("spo", f"/sponsorships/{held['id']}/end", REASON)
    assert (withdrawn.json()["state"], withdrawn.json()["reason_code"]) == ("ended", "checked_by_hand")
    by_then = desk.clock.now() + timedelta(days=30)
    assert await sponsors.verified_until(participant_id) == by_then
    assert await sponsors.standing(participant_id) == ("admitted", by_then)
    assert [fact.data.get("reason") for fact in await desk.facts() if fact.act == "identity.sponsorship_ended"] == [
        REASON["reason"]
    ]
    assert [act for act in await desk.told() if act != "token_issued"][-2:] == [
        "sponsorship_ended", "verification_shortened",
    ]  # fmt: skip

    await desk.pass_time(days=1)
    assert (await desk.told())[-1] == "verification_due"
    await desk.pass_time(days=29)
    assert (await sponsors.standing(participant_id))[0] == "suspended"
    assert (await desk.decide("security", participant_id, "reinstate")).json()["code"] == "sponsor_missing"
    await sponsors.vouch("ana", "spo")
    assert (await desk.decide("security", participant_id, "reinstate")).json()["status"] == "admitted"


@ON_ONE_DATABASE
async def test_whoever_finds_another_in_time_is_verified_anew_and_stays(desk: Desk, sponsors: Sponsors):
    await sponsors.add("second", "consulting")
    participant_id = await sponsors.sponsored("ana", "spo")
    first = (await desk.get("ana", "/sponsorships")).json()["items"][0]
    await desk.post("ana", f"/sponsorships/{first['id']}/end", REASON)
    await sponsors.vouch("ana", "second")
    desk.clock.advance(days=29)
    anew = await desk.admit("security", participant_id, "C2", "clearance")
    assert (anew.status_code, anew.json()["reason_code"]) == (200, "verified_anew")
    await desk.pass_time(days=2)
    assert (await sponsors.standing(participant_id))[0] == "admitted"


@ON_ONE_DATABASE
async def test_a_new_sponsor_releases_the_former_and_takes_no_time_away(desk: Desk, sponsors: Sponsors):
    await sponsors.add("second", "delivery")
    participant_id = await sponsors.sponsored("ana", "spo")
    before = await sponsors.verified_until(participant_id)
    await sponsors.vouch("ana", "second")
    states = [(each["state"], each["reason_code"]) for each in (await desk.get("ana", "/sponsorships")).json()["items"]]
    assert states == [("ended", "succeeded_by_another"), ("in_force", None)]
    assert await sponsors.verified_until(participant_id) == before
    await desk.decide("security", sponsors.ids["spo"], "suspend")
    assert await sponsors.verified_until(participant_id) == before


@ON_ONE_DATABASE
@pytest.mark.parametrize("cause", ["suspended", "let_go", "document_rejected", "not_verified_anew", "affiliated"])
async def test_whose_sponsor_is_gone_has_thirty_days_from_that_moment(desk: Desk, sponsors: Sponsors, cause: str):
    # Of the two one runs out with the sponsor's own verification: half a year after it was admitted.
    desk.clock.advance(days=100)
    participant_id = await sponsors.sponsored("ana", "spo", days=300)
    free = await desk.admitted("ben", "buyer")
    await sponsors.vouch("ben", "spo")
    before = await sponsors.verified_until(free)
    sponsor_id, why, since = sponsors.ids["spo"], "sponsor_not_admitted", desk.clock.now()
    match cause:
        case "suspended":
            await desk.decide("security", sponsor_id, "suspend")
        case "let_go":
            await desk.decide("security", sponsor_id, "exit")
        case "document_rejected":
            documents = (await desk.get("spo", f"/participants/{sponsor_id}/documents")).json()["items"]
            [licence] = [each for each in documents if each["kind"] == "business_licence"]
            await desk.check("checker", sponsor_id, licence["id"], passed=False, reason_code="forged")
        case "not_verified_anew":
            since = await sponsors.verified_until(sponsor_id) or since
            await desk.pass_time(days=90)  # the job is late; the thirty days count from when it was over
        case _:
            body = {"affiliate_id": participant_id}
            await desk.post("security", f"/participants/{sponsor_id}/affiliations", body)
            why = "affiliated"
    [ended] = [
        each for each in (await desk.get("ana", "/sponsorships", state="ended")).json()["items"]
        if each["sponsored_id"] == participant_id
    ]  # fmt: skip
    assert ended["reason_code"] == why
    assert (await sponsors.standing(participant_id))[1] == since + timedelta(days=30)
    assert await sponsors.verified_until(free) == before  # whoever takes no sponsor loses nothing with one


@ON_ONE_DATABASE
async def test_a_sponsor_that_has_lapsed_vouches_for_nobody_before_the_job_has_noticed(desk: Desk, sponsors: Sponsors):
    desk.clock.advance(days=160)
    participant_id = await sponsors.applied("ana", "provider")
    await sponsors.vouch("ana", "spo", days=300)
    desk.clock.advance(days=23)
    late = await desk.admit("security", participant_id, "C2")
    assert (late.status_code, late.json()["code"]) == (409, "sponsor_missing")


@ON_ONE_DATABASE
async def test_a_sponsorship_that_is_over_has_given_its_thirty_days_beforehand(desk: Desk, sponsors: Sponsors):
    participant_id = await sponsors.sponsored("ana", "spo", days=40)
    until = await sponsors.verified_until(participant_id)
    assert until == desk.clock.now() + timedelta(days=70)
    await desk.pass_time(days=40)
    [over] = (await desk.get("ana", "/sponsorships")).json()["items"]
    assert (over["state"], over["reason_code"], over["deadline"]) == ("ended", "period_over", None)
    assert await sponsors.verified_until(participant_id) == until
    await desk.pass_time(days=30)
    assert (await sponsors.standing(participant_id))[0] == "suspended"


@ON_ONE_DATABASE
async def test_an_asked_one_that_does_not_answer_lets_it_lapse(desk: Desk, sponsors: Sponsors):
    await sponsors.applied("ana", "provider")
    asked = (await sponsors.ask("ana", "spo")).json()
    again = await sponsors.ask("ana", "spo")
    assert (again.status_code, again.json()["code"]) == (409, "asked_already")
    await desk.pass_time(days=14)
    late = await sponsors.sign("spo", asked)
    assert (late.status_code, late.json()["code"]) == (409, "illegal_move")
    assert (await sponsors.ask("ana", "spo")).status_code == 201


@ON_ONE_DATABASE
async def test_who_is_refused_or_leaves_lets_go_of_its_sponsor(desk: Desk, sponsors: Sponsors):
    first = await sponsors.sponsored("ana", "spo")
    await desk.decide("security", first, "exit")
    second = await sponsors.applied("ben", "provider")
    await sponsors.ask("ben", "spo")
    await desk.decide("security", second, "refuse")
    found = (await desk.get("spo", "/sponsorships")).json()["items"]
    assert [(each["state"], each["reason_code"]) for each in found] == [("ended", "sponsored_left")] * 2


@ON_ONE_DATABASE
@pytest.mark.parametrize("changes, status, code", [
    ({"signature": "A" * 86 + "=="},   422, "sponsorship_signature_invalid"),
    ({"key_id": f"key_{'0' * 32}"},    404, "no_such_key"),
    ({"signature": "AAAA"},            422, "malformed"),
    ({"finding": " "},                 422, "malformed"),
    ({"sponsor_id": "x"},              422, "malformed"),
])  # fmt: skip
async def test_a_signature_that_binds_nobody_vouches_for_nobody(
    desk: Desk, sponsors: Sponsors, changes: dict[str, str], status: int, code: str
):
    await sponsors.applied("ana", "provider")
    asked = (await sponsors.ask("ana", "spo")).json()
    answer = await sponsors.sign("spo", asked, **changes)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert (await desk.get("spo", f"/sponsorships/{asked['id']}")).json()["state"] == "asked"


@ON_ONE_DATABASE
async def test_neither_a_strangers_key_nor_a_revoked_one_nor_the_signature_of_another_signs(
    desk: Desk, sponsors: Sponsors
):
    await sponsors.add("second")
    for login in ("ana", "ben"):
        await sponsors.applied(login, "provider")
    asked, other = [(await sponsors.ask(login, "spo")).json() for login in ("ana", "ben")]
    foreign = await sponsors.sign("spo", asked, key_id=sponsors.keys["second"][0])
    assert (foreign.status_code, foreign.json()["code"]) == (404, "no_such_key")
    moved = await sponsors.sign("spo", {"id": asked["id"], "terms_hash": other["terms_hash"]})
    assert (moved.status_code, moved.json()["code"]) == (422, "sponsorship_signature_invalid")
    await desk.post("spo", f"/signing-keys/{sponsors.keys['spo'][0]}/revoke")
    revoked = await sponsors.sign("spo", asked)
    assert (revoked.status_code, revoked.json()["code"]) == (409, "key_revoked")


@ON_ONE_DATABASE
async def test_who_is_on_neither_side_finds_nothing(desk: Desk, sponsors: Sponsors):
    await sponsors.add("eve")
    participant_id = await sponsors.sponsored("ana", "spo")
    [held] = (await desk.get("spo", "/sponsorships")).json()["items"]
    absent = await desk.get("eve", f"/sponsorships/sponsorship_{'0' * 32}")
    assert (await desk.get("eve", "/sponsorships")).json()["items"] == []
    for answer in (
        await desk.get("eve", f"/sponsorships/{held['id']}"), await sponsors.sign("eve", held),
        await desk.post("eve", f"/sponsorships/{held['id']}/end", REASON),
        await desk.post("eve", f"/sponsorships/{held['id']}/refusal", {"reason_code": "mine"}),
        await desk.post("ana", f"/sponsorships/{held['id']}/refusal", {"reason_code": "mine"}),
        await desk.get("arbiter", f"/sponsorships/{held['id']}"),
    ):  # fmt: skip
        told = {name: answer.json()[name] for name in ("type", "title", "status", "detail", "code")}
        assert told == {name: absent.json()[name] for name in told}
    assert (await desk.get("arbiter", "/sponsorships")).json()["items"] == []
    await desk.colleague("dora", of="ana", roles=("provider",))
    mere = await desk.post("dora", f"/sponsorships/{held['id']}/end", REASON)
    assert (mere.status_code, mere.json()["code"]) == (403, "not_administrator")
    assert (await sponsors.standing(participant_id))[0] == "admitted"


@ON_ONE_DATABASE
async def test_whom_one_may_ask(desk: Desk, sponsors: Sponsors):
    ana = await sponsors.applied("ana", "provider")
    party, applied = await desk.admitted("ben", "buyer"), await sponsors.applied("cai", "buyer")
    assert [
        (answer.status_code, answer.json()["code"])
        for answer in [await sponsors.ask("ana", each) for each in (ana, party, applied, f"participant_{'0' * 32}")]
    ] == [(409, "own_sponsor"), (409, "not_a_sponsor"), (404, "no_such_participant"), (404, "no_such_participant")]
    await desk.post("security", f"/participants/{ana}/affiliations", {"affiliate_id": sponsors.ids["spo"]})
    assert (await sponsors.ask("ana", "spo")).json()["code"] == "sponsor_is_affiliate"
    await desk.decide("security", sponsors.ids["spo"], "suspend")
    assert (await desk.get("ana", "/sponsors")).json()["items"] == []
    assert (await sponsors.ask("ana", "spo")).json()["code"] == "not_a_sponsor"


@ON_ONE_DATABASE
async def test_who_vouches_is_listed_page_by_page_and_only_who_stands_by_itself(desk: Desk, sponsors: Sponsors):
    both = frozenset({MerchantClass.PARTY, MerchantClass.CONSULTING})
    await sponsors.add("second", "delivery", "party")
    await sponsors.add("buys", "consulting", roles=("buyer",))
    desk.app.state.service = replace(desk.identity, sponsored_classes=both)
    await desk.admitted("ben", "buyer")
    first = (await desk.get("ben", "/sponsors", limit=2)).json()
    rest = (await desk.get("ben", "/sponsors", limit=2, cursor=first["next_cursor"])).json()
    found = [each["id"] for each in first["items"] + rest["items"]]
    assert (found, rest["next_cursor"]) == ([sponsors.ids[each] for each in ("spo", "second", "buys")], None)
    classes = (await desk.get(None, "/merchant-classes")).json()
    assert (classes["sponsored"], classes["sponsors"]) == (
        ["consulting", "party"], ["consulting", "delivery", "intermediary"],
    )  # fmt: skip


async def test_of_two_sponsors_that_sign_at_once_one_is_left(desk: Desk, sponsors: Sponsors):
    await sponsors.add("second")
    participant_id = await sponsors.applied("ana", "provider")
    asked = [(await sponsors.ask("ana", each)).json() for each in ("spo", "second")]
    answers = await asyncio.gather(
        *(sponsors.sign(who, each) for who, each in zip(("spo", "second"), asked, strict=True))
    )
    assert [answer.status_code for answer in answers] == [200, 200]
    found = (await desk.get("ana", "/sponsorships")).json()["items"]
    assert Counter(each["state"] for each in found) == {"in_force": 1, "ended": 1}
    assert (await desk.admit("security", participant_id, "C2")).status_code == 200


async def test_an_admission_and_the_suspension_of_its_sponsor_at_once_leave_nobody_in_for_longer(
    desk: Desk, sponsors: Sponsors
):
    participant_id = await sponsors.applied("ana", "provider")
    await sponsors.vouch("ana", "spo")
    for who in ("security", "security2"):
        await desk.get(who, "/me")
    admitted, suspended = await asyncio.gather(
        desk.admit("security", participant_id, "C2"),
        desk.post("security2", f"/participants/{sponsors.ids['spo']}/suspend", REASON),
    )
    assert suspended.status_code == 200
    if admitted.status_code == 200:
        assert await sponsors.verified_until(participant_id) == desk.clock.now() + timedelta(days=30)
    else:
        assert admitted.json()["code"] == "sponsor_missing"
    [held] = (await desk.get("ana", "/sponsorships")).json()["items"]
    assert held["state"] == "ended"


@ON_ONE_DATABASE
async def test_where_the_market_asks_for_no_sponsor_nobody_needs_one(desk: Desk):
    desk.app.state.service = replace(desk.identity, sponsored_classes=frozenset())
    await desk.admitted("ana", "provider")
    await jobs.tick(desk.identity)
    assert (await desk.get("ana", "/me")).json()["participant"]["status"] == "admitted"

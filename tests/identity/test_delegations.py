"""Delegations over HTTP: two sides agree, either ends it, and every mirror knows."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

from httpx2 import Response

from shared.delegation import Act
from shared.ids import DelegationId, ParticipantId
from shared.money import Money
from shared.standing import StandingMirror
from tests.identity.conftest import ON_ONE_DATABASE, Desk


def asked(desk: Desk, agent_id: str, **changes: Any) -> dict[str, Any]:
    now = desk.clock.now()
    return {
        "agent_id": agent_id, "acts": ["place_bids"], "begins_at": now.isoformat(),
        "ends_at": (now + timedelta(days=30)).isoformat(), "amount_max": {"minor": 500, "currency": "CNY"},
    } | changes  # fmt: skip


async def two_sides(desk: Desk) -> tuple[str, str]:
    return await desk.admitted("ana"), await desk.admitted("ben")


async def propose(desk: Desk, agent_id: str, **changes: Any) -> Response:
    return await desk.post("ana", "/delegations", asked(desk, agent_id, **changes))


async def mirror_of(desk: Desk) -> StandingMirror:
    mirror = StandingMirror(desk.clock, desk.core.feed)
    await mirror.tick()
    return mirror


async def test_two_sides_agree_and_every_mirror_knows_until_one_of_them_ends_it(desk: Desk):
    principal, agent = await two_sides(desk)
    named = {"asset_ids": [f"asset_{'1' * 32}"], "listing_ids": [f"listing_{'2' * 32}"], "acts": ["place_bids", "list"]}
    proposed = await propose(desk, agent, **named)
    assert (proposed.status_code, proposed.json()["state"], proposed.json()["next_actor"]) == (
        201, "proposed", "agent",
    )  # fmt: skip
    path = proposed.headers["Location"]
    delegation_id = DelegationId(proposed.json()["id"])
    assert (await mirror_of(desk)).delegation(delegation_id) is None
    alone = await desk.post("ana", f"{path}/acceptance")
    assert (alone.status_code, alone.json()["code"]) == (404, "no_such_delegation")

    accepted = await desk.post("ben", f"{path}/acceptance")
    assert (accepted.status_code, accepted.json()["state"]) == (200, "in_force")
    mirror = await mirror_of(desk)
    known = mirror.delegation(delegation_id)
    assert known and (known.principal_id, known.agent_id) == (principal, agent)
    limits = known.limits
    assert (limits.acts, limits.amount_max) == ({Act.PLACE_BIDS, Act.LIST}, Money(500))
    assert (limits.asset_ids, limits.listing_ids) == ({f"asset_{'1' * 32}"}, {f"listing_{'2' * 32}"})
    assert (limits.begins_at, limits.ends_at) == (desk.clock.now(), desk.clock.now() + timedelta(days=30))
    assert mirror.principals_of(ParticipantId(agent), Act.LIST) == {principal}

    ended = await desk.post("ana", f"{path}/end")
    assert (ended.json()["state"], ended.json()["reason_code"]) == ("ended", "revoked_by_principal")
    await mirror.tick()
    assert mirror.delegation(delegation_id) is None
    assert not mirror.principals_of(ParticipantId(agent), Act.LIST)
    late = await desk.post("ben", f"{path}/acceptance")
    assert (late.status_code, late.json()["code"]) == (409, "illegal_move")
    assert (await desk.told())[-3:] == ["delegation_proposed", "delegation_accepted", "delegation_ended"]


@ON_ONE_DATABASE
async def test_an_agent_declines_or_gives_up_and_says_why(desk: Desk):
    _, agent = await two_sides(desk)
    first = (await propose(desk, agent)).headers["Location"]
    declined = await desk.post("ben", f"{first}/refusal", {"reason_code": "too_little_time"})
    assert (declined.json()["state"], declined.json()["reason_code"]) == ("declined", "too_little_time")
    second = (await propose(desk, agent)).headers["Location"]
    assert (await desk.post("ana", f"{second}/refusal", {"reason_code": "mine"})).status_code == 404
    await desk.post("ben", f"{second}/acceptance")
    given_up = await desk.post("ben", f"{second}/end")
    assert (given_up.json()["state"], given_up.json()["reason_code"]) == ("ended", "given_up_by_agent")
    third = (await propose(desk, agent)).headers["Location"]
    assert (await desk.post("ben", f"{third}/end")).json()["state"] == "declined"
    fourth = (await propose(desk, agent)).headers["Location"]
    assert (await desk.post("ana", f"{fourth}/end")).json()["state"] == "ended"


@ON_ONE_DATABASE
async def test_only_the_two_sides_and_the_staff_see_a_delegation_and_only_administrators_change_it(desk: Desk):
    _, agent = await two_sides(desk)
    await desk.admitted("cai")
    await desk.colleague("dan", of="ana")
    await desk.colleague("eve", of="ben")
    path = (await propose(desk, agent)).headers["Location"]
    absent = f"/delegations/delegation_{'0' * 32}"
    seen = {login: (await desk.get(login, path)).status_code for login in ("ana", "ben", "dan", "cai", "regulator")}
    assert seen == {"ana": 200, "ben": 200, "dan": 200, "cai": 404, "regulator": 200}
    foreign, nothing = (await desk.get("cai", path)).json(), (await desk.get("cai", absent)).json()
    assert foreign | {"request_id": ""} == nothing | {"request_id": ""}
    listed = {login: len((await desk.get(login, "/delegations")).json()["items"]) for login in ("ana", "ben", "cai")}
    assert listed == {"ana": 1, "ben": 1, "cai": 0}
    assert (await desk.get("arbiter", "/delegations")).json()["items"] == []
    assert len((await desk.get("security", "/delegations")).json()["items"]) == 1
    for login, act in (("dan", "end"), ("eve", "acceptance"), ("eve", "end")):
        refused = await desk.post(login, f"{path}/{act}")
        assert (refused.status_code, refused.json()["code"]) == (403, "not_administrator")
    for act in ("end", "acceptance"):
        assert (await desk.post("cai", f"{path}/{act}")).json()["code"] == "no_such_delegation"


@ON_ONE_DATABASE
async def test_what_cannot_be_delegated_is_refused_with_a_reason(desk: Desk):
    principal, agent = await two_sides(desk)
    buyer = await desk.admitted("cai", "buyer")
    applied = await desk.applied("dan")
    suspended = await desk.admitted("eve")
    await desk.decide("security", suspended, "suspend")
    now = desk.clock.now()
    answers = [
        await propose(desk, principal), await propose(desk, buyer, acts=["list"]), await propose(desk, applied),
        await propose(desk, f"participant_{'0' * 32}"), await propose(desk, suspended),
        await propose(desk, agent, amount_max=None), await propose(desk, agent, ends_at=now.isoformat()),
        await propose(desk, agent, acts=[]), await propose(desk, agent, acts=["sign"]),
        await propose(desk, agent, asset_ids=[]),
    ]  # fmt: skip
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [
        (409, "own_agent"), (409, "role_of_act_missing"), (404, "no_such_participant"),
        (404, "no_such_participant"), (409, "agent_not_admitted"), (422, "ceiling_required"),
        (422, "period_not_possible"), (422, "malformed"), (422, "malformed"), (422, "malformed"),
    ]  # fmt: skip


@ON_ONE_DATABASE
async def test_what_nobody_answers_lapses_and_what_is_in_force_ends_with_its_period(desk: Desk):
    _, agent = await two_sides(desk)
    unanswered = (await propose(desk, agent)).headers["Location"]
    agreed = (await propose(desk, agent)).headers["Location"]
    await desk.post("ben", f"{agreed}/acceptance")
    await desk.pass_time(days=7)
    view = (await desk.get("ana", unanswered)).json()
    assert (view["state"], view["reason_code"]) == ("lapsed", "not_answered_in_time")
    await desk.pass_time(days=23)
    view = (await desk.get("ana", agreed)).json()
    assert (view["state"], view["reason_code"], view["deadline"]) == ("ended", "period_over", None)


async def test_of_an_answer_and_an_end_at_once_both_sides_see_the_same(desk: Desk):
    _, agent = await two_sides(desk)
    path = (await propose(desk, agent)).headers["Location"]
    await desk.get("ben", "/me")
    both = [("ben", "acceptance"), ("ana", "end")] * 5
    answers = await asyncio.gather(*(desk.post(login, f"{path}/{act}") for login, act in both))
    outcomes = Counter(answer.status_code for answer in answers)
    view = (await desk.get("ben", path)).json()
    assert (view["state"], set(outcomes) <= {200, 409}) == ("ended", True)
    assert outcomes[200] == len(
        [act for act in await desk.told() if act in {"delegation_accepted", "delegation_ended"}]
    )

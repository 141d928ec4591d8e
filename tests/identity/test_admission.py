"""An organisation's way in, and out, over HTTP on both databases."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta

import pytest

from shared.ids import ParticipantId
from shared.standing import StandingMirror
from tests.identity.conftest import ON_ONE_DATABASE, PASSWORD, Desk, credit_code


async def test_an_organisation_applies_is_admitted_suspended_reinstated_and_leaves(desk: Desk):
    applied = await desk.apply("ana", "buyer")
    assert applied.status_code == 201
    path = applied.headers["Location"]
    assert {name: applied.json()[name] for name in ("status", "clearance", "reason_code", "next_actor", "roles")} == {
        "status": "applied", "clearance": None, "reason_code": None, "next_actor": "operator_security",
        "roles": ["buyer"],
    }  # fmt: skip
    assert datetime.fromisoformat(applied.json()["deadline"]) == desk.clock.now() + timedelta(days=30)

    seen: list[tuple[str, str, str]] = []
    participant_id = applied.json()["id"]
    await desk.prove(participant_id, "ana")
    await desk.admit("security", participant_id, "C2")
    for decision in ("suspend", "reinstate", "exit"):
        await desk.decide("security", participant_id, decision)
        view = (await desk.get("ana", path)).json()
        seen.append((view["status"], view["clearance"], view["reason_code"]))
    assert seen == [
        ("suspended", "C2", "checked_by_hand"),
        ("admitted", "C2", "checked_by_hand"),
        ("exited", "C2", "checked_by_hand"),
    ]
    assert [act for act in await desk.told() if act.startswith("participant")] == [
        "participant_applied", "participant_admitted", "participant_suspended", "participant_reinstated",
        "participant_exited",
    ]  # fmt: skip


async def test_of_twenty_applications_with_one_credit_code_one_is_taken(desk: Desk):
    code = credit_code(10_000)
    answers = await asyncio.gather(*(desk.apply(f"ana{number}", uscc=code) for number in range(20)))
    outcomes = Counter((answer.status_code, answer.json().get("code")) for answer in answers)
    assert outcomes == {(201, None): 1, (409, "already_applied"): 19}
    assert (await desk.told()).count("user_created") == 1


@ON_ONE_DATABASE
async def test_a_refused_organisation_may_apply_again(desk: Desk):
    code = credit_code(10_000)
    first = (await desk.apply("ana", uscc=code)).json()["id"]
    refused = await desk.decide("security", first, "refuse")
    assert (refused.json()["status"], refused.json()["deadline"]) == ("refused", None)
    assert (await desk.apply("ben", uscc=code)).status_code == 201


async def test_a_log_in_name_is_taken_once_in_all_its_variants(desk: Desk):
    await desk.applied("li.na")
    again = await desk.apply("ＬＩ.ＮＡ")
    assert (again.status_code, again.json()["code"]) == (409, "login_taken")
    assert (await desk.apply()).status_code == 201  # nothing of the refused application was left behind


async def test_c4_takes_two_different_operators_who_agree(desk: Desk):
    participant_id = await desk.applied("ana")
    first = await desk.admit("security", participant_id, "C4")
    assert (first.status_code, first.json()["status"], first.json()["proposed_clearance"]) == (200, "applied", "C4")
    same = await desk.admit("security", participant_id, "C4")
    assert (same.status_code, same.json()["code"]) == (409, "second_person_required")
    second = await desk.admit("security2", participant_id, "C4")
    assert (second.json()["status"], second.json()["clearance"]) == ("admitted", "C4")

    raised = [await desk.admit(who, participant_id, "C5", "clearance") for who in ("security2", "security")]
    assert [answer.json()["clearance"] for answer in raised] == ["C4", "C5"]
    lowered = await desk.admit("security", participant_id, "C1", "clearance")
    assert (lowered.json()["clearance"], lowered.json()["reason_code"]) == ("C1", "lowered")
    assert [act for act in await desk.told() if "clearance" in act or "admitted" in act] == [
        "clearance_proposed", "participant_admitted", "clearance_proposed", "clearance_changed", "clearance_changed",
    ]  # fmt: skip


async def test_two_operators_at_once_admit_once(desk: Desk):
    participant_id = await desk.applied("ana")
    for who in ("security", "security2"):
        await desk.get(who, "/me")
    answers = await asyncio.gather(
        *(desk.admit(f"security{2 * (n % 2) or ''}", participant_id, "C2") for n in range(10))
    )
    outcomes = Counter((answer.status_code, answer.json().get("code")) for answer in answers)
    assert outcomes == {(200, None): 1, (409, "illegal_move"): 9}
    assert (await desk.told()).count("participant_admitted") == 1


async def test_the_same_decision_sent_twice_is_one_decision(desk: Desk):
    participant_id = await desk.applied("ana")
    body, path = {"clearance": "C2", "reason": "核验"}, f"/participants/{participant_id}/admit"
    first, again = [await desk.post("security", path, body, "one-and-the-same") for _ in range(2)]
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    other = await desk.post("security", path, body | {"clearance": "C3"}, "one-and-the-same")
    assert (other.status_code, other.json()["code"]) == (422, "key_reused")


async def test_who_is_suspended_stays_so_for_a_mirror_that_starts_later_whichever_process_said_what(desk: Desk):
    participant_id = await desk.applied("ana")
    async with desk.replica() as second:
        await second.admit("security", participant_id, "C2")
        await desk.decide("security", participant_id, "suspend")
    mirror = StandingMirror(desk.clock, desk.core.feed)
    await mirror.tick()
    assert mirror.of(ParticipantId(participant_id)).status == "suspended"


@ON_ONE_DATABASE
@pytest.mark.parametrize("days, status, reason_code", [
    (29,  "applied", None),
    (30,  "refused", "not_decided_in_time"),
])  # fmt: skip
async def test_an_application_that_nobody_decides_lapses(desk: Desk, days: int, status: str, reason_code: str | None):
    participant_id = await desk.applied("ana")
    await desk.pass_time(days=days)
    view = (await desk.get("ana", f"/participants/{participant_id}")).json()
    assert (view["status"], view["reason_code"]) == (status, reason_code)


@ON_ONE_DATABASE
async def test_a_deadline_counts_before_the_job_has_noticed_it(desk: Desk):
    participant_id = await desk.applied("ana")
    desk.clock.advance(days=30)
    late = await desk.admit("security", participant_id, "C2")
    assert (late.status_code, late.json()["code"]) == (409, "application_lapsed")


async def test_a_participant_that_is_not_verified_for_half_a_year_is_suspended_and_in_the_end_let_go(desk: Desk):
    kept, forgotten = await desk.admitted("ana"), await desk.admitted("ben")
    await desk.pass_time(days=182)
    await desk.prove(kept, "ana")
    await desk.admit("security", kept, "C2", "clearance")
    await desk.pass_time(days=1)
    paths = [f"/participants/{each}" for each in (kept, forgotten)]
    assert [(await desk.get("security", path)).json()["status"] for path in paths] == ["admitted", "suspended"]
    await desk.pass_time(days=183)
    view = (await desk.get("ben", paths[1])).json()
    assert (view["status"], view["reason_code"]) == ("exited", "not_reinstated_in_time")


async def test_affiliates_are_each_others_and_known_to_the_mirror(desk: Desk):
    one, other = await desk.admitted("ana"), await desk.admitted("ben")
    path = f"/participants/{one}/affiliations"
    assert (await desk.post("security", path, {"affiliate_id": other})).status_code == 201
    backwards = await desk.post("security", f"/participants/{other}/affiliations", {"affiliate_id": one})
    assert (backwards.status_code, backwards.json()["code"]) == (409, "already_affiliated")
    itself = await desk.post("security", path, {"affiliate_id": one})
    assert (itself.status_code, itself.json()["code"]) == (409, "own_affiliate")
    told = (await desk.get("ben", f"/participants/{other}/affiliations")).json()
    assert told == [{"participant_id": other, "affiliate_id": one}]
    await desk.hear()
    views = [(await desk.get(login, "/me")).json()["participant"]["id"] for login in ("ana", "ben")]
    standings = [desk.core.standing.of(view) for view in views]
    assert [standing.affiliates for standing in standings] == [{other}, {one}]


async def test_the_list_is_paged_in_a_stable_order_and_by_status(desk: Desk):
    ids = [await desk.applied(f"ana{number}") for number in range(5)]
    await desk.decide("security", ids[2], "refuse")
    seen, cursor = list[str](), None
    while True:
        query: dict[str, str | int] = {"limit": 2, "status": "applied"} | ({"cursor": cursor} if cursor else {})
        page = (await desk.get("regulator", "/participants", **query)).json()
        seen += [view["id"] for view in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert seen == [ids[0], ids[1], ids[3], ids[4]]


@ON_ONE_DATABASE
async def test_a_list_is_not_asked_for_like_this(desk: Desk):
    queries: list[dict[str, str | int]] = [
        {"limit": 0}, {"limit": 101}, {"limit": -1}, {"cursor": "%%%"}, {"cursor": "J09SIDE9MS0t"},
        {"status": "unknown"},
    ]  # fmt: skip
    for query in queries:
        assert (await desk.get("regulator", "/participants", **query)).status_code == 422


@ON_ONE_DATABASE
async def test_nothing_of_a_password_is_told_or_kept(desk: Desk):
    await desk.admitted("ana")
    lines = [change.line for change in await desk.core.feed.after({})]
    assert not [line for line in lines if PASSWORD in line or "ana" in line or "argon2" in line]

"""Administrators and invitations: what the rules promise, and what comes of it over HTTP."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from httpx2 import Response
from sqlalchemy import select

from services.identity.rules import administration as rules
from services.identity.rules.administration import (
    ACCEPTED,
    INVITATION,
    LAPSED,
    OPEN,
    OPEN_MAX,
    REVOKED,
    TAKEN_UP_WITHIN,
    AdministratorAlready,
    Invitation,
    LastAdministrator,
    LockedOutByExchange,
    NoSuchInvitation,
    NotDisabled,
    State,
    TooManyInvitations,
)
from services.identity.rules.role import Role, RoleNotHeld
from services.identity.rules.user import User
from services.identity.tables import invitations
from shared.ids import InvitationId, ParticipantId, UserId
from shared.lifecycle import IllegalMove
from tests.identity.conftest import ON_ONE_DATABASE, PASSWORD, Desk, a_public_key

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
A_MOMENT = timedelta(microseconds=1)
INVITED = {"roles": ["buyer"], "is_administrator": False}
BOTH = frozenset({Role.BUYER, Role.PROVIDER})
ORGANISATION = ParticipantId.new()
ANA = User(UserId.new(), "ana", BOTH, ORGANISATION, is_administrator=True)
BEN = User(UserId.new(), "ben", BOTH, ORGANISATION)


def invited(roles: frozenset[Role] = BOTH, already_open: int = 0, organisation: frozenset[Role] = BOTH) -> Invitation:
    return rules.invite(
        InvitationId.new(), ORGANISATION, organisation, roles, ANA.id, already_open, NOON, is_administrator=False
    )


def test_an_invitation_is_open_for_a_week_and_offers_no_more_than_the_organisation_has():
    invitation = invited()
    assert (invitation.state, invitation.deadline, invitation.next_actor) == (OPEN, NOON + TAKEN_UP_WITHIN, "invited")
    with pytest.raises(RoleNotHeld):
        invited(organisation=frozenset({Role.BUYER}))
    assert invited(already_open=OPEN_MAX - 1).state is OPEN
    with pytest.raises(TooManyInvitations) as refused:
        invited(already_open=OPEN_MAX)
    assert refused.value.facts == {"open_max": OPEN_MAX}


@pytest.mark.parametrize("state", State)
def test_an_invitation_is_good_once_and_in_time(state: State):
    invitation, end = replace(invited(), state=state), NOON + TAKEN_UP_WITHIN
    if state is OPEN:
        taken = rules.take_up(invitation, BEN.id, end - A_MOMENT)
        assert (taken.state, taken.user_id, taken.deadline, taken.next_actor) == (ACCEPTED, BEN.id, None, None)
        assert (rules.revoke(invitation).state, rules.revoke(invitation).reason_code) == (REVOKED, None)
        lapsed = rules.pass_deadline(invitation)
        assert (lapsed.state, lapsed.reason_code, lapsed.deadline) == (LAPSED, "not_taken_up_in_time", None)
        with pytest.raises(NoSuchInvitation):
            rules.take_up(invitation, BEN.id, end)
    else:
        assert not INVITATION.moves[state]
        with pytest.raises(NoSuchInvitation):
            rules.take_up(invitation, BEN.id, NOON)
        with pytest.raises(IllegalMove):
            rules.revoke(invitation)


def test_the_last_administrator_stays():
    assert rules.change_administrator(BEN, {ANA.id}, to=True).is_administrator
    assert not rules.change_administrator(ANA, {ANA.id, BEN.id}, to=False).is_administrator
    with pytest.raises(LastAdministrator):
        rules.change_administrator(ANA, {ANA.id}, to=False)
    for user, to in ((ANA, True), (BEN, False)):
        with pytest.raises(AdministratorAlready) as refused:
            rules.change_administrator(user, {ANA.id}, to=to)
        assert refused.value.facts == {"is_administrator": to}


def test_whoever_locked_someone_out_lets_them_in_again():
    out = replace(BEN, disabled_at=NOON, disabled_by=ANA.id)
    assert rules.enable(out, locked_out_by_own=True, by_exchange=False) == BEN
    assert rules.enable(out, locked_out_by_own=False, by_exchange=True) == BEN
    with pytest.raises(LockedOutByExchange):
        rules.enable(out, locked_out_by_own=False, by_exchange=False)
    with pytest.raises(NotDisabled):
        rules.enable(BEN, locked_out_by_own=True, by_exchange=True)


async def invite(desk: Desk, by: str = "ana", **changes: object) -> Response:
    return await desk.post(by, "/invitations", INVITED | changes)


async def take_up(desk: Desk, token: str, login: str = "ben") -> Response:
    return await desk.post(None, "/invitations/acceptance", {"token": token, "login": login, "password": PASSWORD})


async def test_a_person_is_let_in_by_a_token_that_is_good_once(desk: Desk):
    participant_id = await desk.admitted("ana")
    made = await invite(desk, is_administrator=True)
    token = made.json()["token"]
    assert (made.status_code, len(token) >= 43) == (201, True)
    taken = await take_up(desk, token)
    assert (taken.status_code, taken.json()["participant_id"], taken.json()["is_administrator"]) == (
        201, participant_id, True,
    )  # fmt: skip
    assert (await desk.get("ben", "/me")).json()["participant"]["id"] == participant_id
    for again in (await take_up(desk, token, "cai"), await take_up(desk, "x" * 43, "cai")):
        assert (again.status_code, again.json()["code"]) == (404, "no_such_invitation")
    [listed] = (await desk.get("ben", "/invitations")).json()["items"]
    assert (listed["state"], listed["user_id"], "token" in listed) == ("accepted", taken.json()["id"], False)
    lines = [change.line for change in await desk.core.feed.after({})]
    assert not [line for line in lines if token in line or "ben" in line]
    async with desk.core.database.read() as tx:
        [digest] = (await tx.execute(select(invitations.c.token_digest))).scalars()
    assert token.encode() not in digest and len(digest) == 32


async def test_of_ten_who_bring_one_token_one_comes_in(desk: Desk):
    await desk.admitted("ana")
    token = (await invite(desk)).json()["token"]
    answers = await asyncio.gather(*(take_up(desk, token, f"ben{number}") for number in range(10)))
    assert sorted(answer.status_code for answer in answers) == [201] + [404] * 9
    assert (await desk.told()).count("invitation_ended") == 1


@ON_ONE_DATABASE
async def test_the_token_is_told_once_and_a_taken_name_leaves_it_good(desk: Desk):
    await desk.admitted("ana")
    first, again = [await desk.post("ana", "/invitations", INVITED, "one-and-the-same") for _ in range(2)]
    assert again.json() == first.json() | {"token": None}
    taken = await take_up(desk, first.json()["token"], "ANA")
    assert (taken.status_code, taken.json()["code"]) == (409, "login_taken")
    weak = await desk.post(
        None, "/invitations/acceptance", {"token": first.json()["token"], "login": "ben", "password": "a" * 15}
    )
    assert (weak.status_code, weak.json()["code"]) == (422, "password_too_weak")
    assert (await take_up(desk, first.json()["token"])).status_code == 201


@ON_ONE_DATABASE
async def test_what_is_revoked_or_late_or_of_an_organisation_that_left_lets_nobody_in(desk: Desk):
    participant_id = await desk.admitted("ana")
    await desk.admitted("cai")
    revoked, late, left = [(await invite(desk)).json() for _ in range(3)]
    foreign = await desk.post("cai", f"/invitations/{revoked['id']}/revoke")
    assert (foreign.status_code, foreign.json()["code"]) == (404, "no_such_invitation")
    assert (await desk.post("ana", f"/invitations/{revoked['id']}/revoke")).json()["state"] == "revoked"
    assert (await take_up(desk, revoked["token"])).status_code == 404
    await desk.decide("security", participant_id, "exit")
    gone = await take_up(desk, left["token"])
    assert (gone.status_code, gone.json()["code"]) == (409, "no_longer_present")
    desk.clock.advance(days=7)
    assert (await take_up(desk, late["token"])).status_code == 404
    await desk.pass_time(days=0)
    states = [each["state"] for each in (await desk.get("ana", "/invitations")).json()["items"]]
    assert states == ["revoked", "lapsed", "lapsed"]


@ON_ONE_DATABASE
async def test_only_administrators_invite_and_no_more_than_their_organisation_has(desk: Desk):
    await desk.admitted("ana", "buyer")
    await desk.colleague("ben", of="ana")
    assert (await invite(desk, by="ben")).json()["code"] == "not_administrator"
    assert (await invite(desk, roles=["provider"])).json()["code"] == "role_not_held"


async def test_administration_is_handed_over_and_the_last_one_stays(desk: Desk):
    await desk.admitted("ana")
    ben = await desk.colleague("ben", of="ana")
    ana = (await desk.get("ana", "/me")).json()["subject"]
    alone = await desk.post("ana", f"/users/{ana}/administrator", {"is_administrator": False})
    assert (alone.status_code, alone.json()["code"]) == (409, "last_administrator")
    assert (await invite(desk, by="ben")).status_code == 403
    made = await desk.post("ana", f"/users/{ben}/administrator", {"is_administrator": True})
    assert made.json()["is_administrator"]
    handed_over = await desk.post("ana", f"/users/{ana}/administrator", {"is_administrator": False})
    assert not handed_over.json()["is_administrator"]
    assert ((await invite(desk, by="ana")).status_code, (await invite(desk, by="ben")).status_code) == (403, 201)
    assert (await desk.told()).count("administrator_changed") == 2


@ON_ONE_DATABASE
async def test_whoever_administers_no_more_is_not_answered_again_either(desk: Desk):
    """I-31: what was answered once is told again to whoever may ask for it now."""
    await desk.admitted("ana")
    ben = await desk.colleague("ben", of="ana")
    asked = [("/clients", {"name": "bot", "roles": ["buyer"]}), ("/signing-keys", {"algorithm": "ed25519"})]
    asked[1][1]["public_key"] = a_public_key()
    codes: list[list[object]] = []
    for is_administrator in (True, False):
        await desk.post("ana", f"/users/{ben}/administrator", {"is_administrator": is_administrator})
        answers = [await desk.post("ben", path, body, f"once of ben{path}".replace(" ", "-")) for path, body in asked]
        codes.append([(answer.status_code, answer.json().get("code")) for answer in answers])
    assert codes == [[(201, None)] * 2, [(403, "not_administrator")] * 2]


async def test_of_two_administrators_who_put_each_other_out_at_once_one_stays(desk: Desk):
    await desk.admitted("ana")
    ids = {"ana": (await desk.get("ana", "/me")).json()["subject"], "ben": await desk.colleague("ben", of="ana")}
    await desk.post("ana", f"/users/{ids['ben']}/administrator", {"is_administrator": True})
    await desk.get("ben", "/me")
    for act, body in (("administrator", {"is_administrator": False}), ("disable", None)):
        answers = await asyncio.gather(
            desk.post("ana", f"/users/{ids['ben']}/{act}", body), desk.post("ben", f"/users/{ids['ana']}/{act}", body)
        )
        assert sorted(answer.status_code for answer in answers) in ([200, 403], [200, 409])
        [left] = [login for login in ids if await _administers(desk, login)]
        other = "ben" if left == "ana" else "ana"
        if act == "administrator":
            await desk.post(left, f"/users/{ids[other]}/administrator", {"is_administrator": True})


async def _administers(desk: Desk, login: str) -> bool:
    return (await desk.log_in(login)).status_code == 200 and (await invite(desk, by=login)).status_code == 201


async def test_whoever_was_locked_out_comes_back_by_their_own_side_and_every_mirror_knows(desk: Desk):
    await desk.admitted("ana")
    ben = await desk.colleague("ben", of="ana")
    token = (await desk.log_in("ben")).json()["access_token"]
    await desk.post("ana", f"/users/{ben}/disable")
    await desk.hear()
    assert (await desk.get_with(token, "/me")).status_code == 401
    back = await desk.post("ana", f"/users/{ben}/enable")
    assert (back.status_code, back.json()["disabled_at"]) == (200, None)
    twice = await desk.post("ana", f"/users/{ben}/enable")
    assert (twice.status_code, twice.json()["code"]) == (409, "not_disabled")
    desk.clock.advance(seconds=1)
    await desk.hear()
    assert (await desk.log_in("ben")).status_code == 200


@ON_ONE_DATABASE
async def test_whom_the_exchange_locked_out_the_exchange_lets_in(desk: Desk):
    await desk.admitted("ana")
    await desk.admitted("cai")
    ben = await desk.colleague("ben", of="ana")
    await desk.post("security", f"/users/{ben}/disable")
    own = await desk.post("ana", f"/users/{ben}/enable")
    assert (own.status_code, own.json()["code"]) == (403, "locked_out_by_exchange")
    assert (await desk.post("cai", f"/users/{ben}/enable")).json()["code"] == "no_such_user"
    assert (await desk.post("security2", f"/users/{ben}/enable")).status_code == 200


@ON_ONE_DATABASE
async def test_members_see_who_takes_part_and_no_more_than_that(desk: Desk):
    one = await desk.admitted("ana")
    assessor = (await desk.apply("ben", classes=["assessment", "party"])).json()["id"]
    await desk.prove(assessor, "ben")
    await desk.admit("security", assessor, "C2")
    await desk.applied("cai")
    await desk.decide("security", one, "suspend")
    told = (await desk.get("ben", "/directory")).json()["items"]
    assert [(each["id"], each["status"], each["classes"]) for each in told] == [
        (one, "suspended", ["party"]), (assessor, "admitted", ["assessment", "party"]),
    ]  # fmt: skip
    assert all(set(each) == {"id", "name", "uscc", "classes", "roles", "status"} for each in told)
    found = {
        name: [each["id"] for each in (await desk.get("ben", "/directory", merchant_class=name)).json()["items"]]
        for name in ("assessment", "party", "other")
    }  # fmt: skip
    assert found == {"assessment": [assessor], "party": [one, assessor], "other": []}
    page = (await desk.get("ben", "/directory", limit=1)).json()
    more = (await desk.get("ben", "/directory", limit=1, cursor=page["next_cursor"])).json()
    assert [each["id"] for each in (*page["items"], *more["items"])] == [one, assessor]
    desk.clock.advance(days=183)  # no job has run
    await desk.admitted("dan")
    statuses = [each["status"] for each in (await desk.get("dan", "/directory")).json()["items"]]
    assert statuses == ["exited", "suspended", "admitted"]

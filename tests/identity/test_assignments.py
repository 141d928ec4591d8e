"""Who answers by name for what: the rules of an assignment, how it is made and ends, and what a mirror hears of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.identity.rules import assignment as rules
from services.identity.rules.assignment import (
    EXPIRED,
    REVOKED,
    Assignment,
    AssignmentPeriodNotPossible,
    AssignsToThemselves,
    Matter,
    MatterUnclear,
    NotAnOfficer,
    NotAssignable,
    OfficersUnfit,
)
from services.identity.rules.role import Role
from services.identity.rules.user import User
from shared.errors import Failure
from shared.grades import G3, G4, G5, G6, Grade
from shared.ids import AssetId, AssignmentId, ParticipantId, UserId
from shared.lifecycle import IllegalMove
from shared.oversight import Charge
from shared.standing import StandingMirror
from tests.identity.conftest import V1, Desk

NOON, TICK = datetime(2030, 1, 1, 12, tzinfo=UTC), timedelta(microseconds=1)
LAST = NOON + timedelta(days=90)
ASSET, PROVIDER = AssetId.new(), ParticipantId.new()
BUSINESS = User(UserId.new(), "business", frozenset({Role.OPERATOR_BUSINESS}), None)
SECURITY = User(UserId.new(), "security", frozenset({Role.OPERATOR_SECURITY}), None)
BOTH = User(UserId.new(), "both", frozenset({Role.OPERATOR_BUSINESS, Role.OPERATOR_SECURITY}), None)
KEEPER = UserId.new()


def assigned(
    highest: Grade = G4, business: User = BUSINESS, security: User | None = None, *, by: str = KEEPER,
    ends_at: datetime = LAST, asset_id: AssetId | None = ASSET, provider_id: ParticipantId | None = None,
) -> Assignment:  # fmt: skip
    matter = Matter(highest, business.id, security and security.id, asset_id, provider_id)
    return rules.assign(AssignmentId.new(), matter, business, security, by, "复核", ends_at, NOON)


@pytest.mark.parametrize("changes, refusal, facts", [
    ({},                                                  None, {}),
    ({"asset_id": None, "provider_id": PROVIDER},         None, {}),
    ({"highest": G5, "security": SECURITY},               None, {}),
    ({"highest": G5, "security": BOTH},                   None, {}),
    ({"ends_at": NOON + TICK},                            None, {}),
    ({"provider_id": PROVIDER},                           MatterUnclear, {}),
    ({"asset_id": None},                                  MatterUnclear, {}),
    ({"highest": G3},                                     NotAssignable, {"grades": [G4, G5]}),
    ({"highest": G6, "security": SECURITY},               NotAssignable, {"grades": [G4, G5]}),
    ({"highest": G5},                                     OfficersUnfit, {"highest": G5}),
    ({"security": SECURITY},                              OfficersUnfit, {"highest": G4}),
    ({"highest": G5, "business": BOTH, "security": BOTH}, OfficersUnfit, {"highest": G5}),
    ({"ends_at": NOON},                                   AssignmentPeriodNotPossible, {"days_max": 90}),
    ({"ends_at": LAST + TICK},                            AssignmentPeriodNotPossible, {"days_max": 90}),
    ({"by": BUSINESS.id},                                 AssignsToThemselves, {}),
    ({"highest": G5, "security": SECURITY, "by": SECURITY.id}, AssignsToThemselves, {}),
    ({"business": SECURITY},                              NotAnOfficer,
     {"user_id": SECURITY.id, "office": Role.OPERATOR_BUSINESS}),
    ({"highest": G5, "security": BUSINESS, "business": BOTH}, NotAnOfficer,
     {"user_id": BUSINESS.id, "office": Role.OPERATOR_SECURITY}),
    ({"business": replace(BUSINESS, disabled_at=NOON)},   NotAnOfficer,
     {"user_id": BUSINESS.id, "office": Role.OPERATOR_BUSINESS}),
])  # fmt: skip
def test_who_may_be_assigned_what_by_whom_for_how_long(
    changes: dict[str, Any], refusal: type[Failure] | None, facts: dict[str, Any]
):
    if refusal is None:
        made = assigned(**changes)
        assert (made.state, made.deadline, made.next_actor) == ("in_force", made.ends_at, "operator_security")
        return
    with pytest.raises(refusal) as refused:
        assigned(**changes)
    assert refused.value.facts == facts


def test_an_assignment_ends_once():
    made = assigned()
    for ended, state, code in (
        (rules.revoke(made, "case_over"), REVOKED, "case_over"),
        (rules.pass_deadline(made), EXPIRED, "assignment_expired"),
    ):
        assert (ended.state, ended.reason_code, ended.deadline, ended.next_actor) == (state, code, None, None)
        assert ended.revision == made.revision + 1
        with pytest.raises(IllegalMove):
            rules.revoke(ended, "again")
        with pytest.raises(IllegalMove):
            rules.pass_deadline(ended)
    assert made.matter.officers == {BUSINESS.id}
    assert assigned(G5, security=SECURITY).matter.officers == {BUSINESS.id, SECURITY.id}


async def id_of(desk: Desk, login: str) -> str:
    return (await desk.get(login, "/me")).json()["subject"]


async def test_an_assignment_reaches_every_mirror_and_ends_with_its_time_or_before(desk: Desk):
    officer, keeper = await id_of(desk, "business"), await id_of(desk, "security2")
    mirror = StandingMirror(desk.clock, desk.core.feed)
    ends_at = desk.clock.now() + timedelta(days=9)
    asked = {
        "highest": "G4", "business_officer_id": officer, "asset_id": ASSET, "reason": "登记审查",
        "ends_at": ends_at.isoformat(),
    }  # fmt: skip
    first = await desk.post("security", "/assignments", asked)
    assert (first.status_code, first.json()["state"]) == (201, "in_force"), first.text
    await mirror.tick()
    charge = Charge("operator_business", G4, frozenset({ASSET}))
    assert (mirror.charges_of(officer), mirror.charges_of(keeper), mirror.assigned()) == ((charge,), (), (charge,))
    revoked = await desk.post(
        "security", f"{first.headers['location'].removeprefix(V1)}/revoke", {"reason_code": "case_over"}
    )
    assert revoked.json()["state"] == "revoked"
    await mirror.tick()
    assert mirror.charges_of(officer) == mirror.assigned() == ()

    provider_id = await desk.admitted("anyone")
    of_all = asked | {"highest": "G5", "security_officer_id": keeper, "asset_id": None, "provider_id": provider_id}
    second = await desk.post("security", "/assignments", of_all)
    assert second.status_code == 201, second.text
    await mirror.tick()
    [charge] = mirror.charges_of(keeper)
    assert (charge.office, charge.highest, charge.providers) == ("operator_security", G5, {provider_id})
    desk.clock.advance(days=9, microseconds=-1)
    await mirror.tick()
    assert mirror.charges_of(keeper)
    desk.clock.advance(microseconds=1)
    await mirror.tick()
    assert mirror.charges_of(keeper) == ()
    await desk.pass_time()
    listed = (await desk.get("log", "/assignments")).json()["items"]
    assert [each["state"] for each in listed] == ["revoked", "expired"]


async def test_only_security_assigns_and_only_the_named_and_the_watchers_see_it(desk: Desk):
    officer, itself = await id_of(desk, "business"), await id_of(desk, "security")
    ends_at = (desk.clock.now() + timedelta(days=9)).isoformat()
    asked = {"highest": "G4", "business_officer_id": officer, "asset_id": ASSET, "reason": "审查", "ends_at": ends_at}
    for login in ("business", "system", "log", "regulator", "arbiter"):
        assert (await desk.post(login, "/assignments", asked)).status_code == 403, login
    pair = asked | {"highest": "G5", "security_officer_id": itself}
    assert (await desk.post("security", "/assignments", pair)).json()["code"] == "assigns_to_themselves"
    unknown = asked | {"business_officer_id": UserId.new()}
    assert (await desk.post("security", "/assignments", unknown)).json()["code"] == "no_such_user"
    nobodys = asked | {"asset_id": None, "provider_id": ParticipantId.new()}
    assert (await desk.post("security", "/assignments", nobodys)).json()["code"] == "no_such_participant"
    path = (await desk.post("security", "/assignments", asked)).headers["location"].removeprefix(V1)
    for login, sees in (
        ("business", True), ("security2", True), ("log", True), ("regulator", True), ("system", False),
    ):  # fmt: skip
        assert (await desk.get(login, path)).status_code == (200 if sees else 404), login
        listed = (await desk.get(login, "/assignments")).json()["items"]
        assert len(listed) == sees, login
    never = await desk.get("system", f"/assignments/{AssignmentId.new()}")
    told, absent = (await desk.get("system", path)).json(), never.json()
    assert {**told, "request_id": 0} == {**absent, "request_id": 0}

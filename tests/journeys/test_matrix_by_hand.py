"""The table by hand against the rules, and what the routes' signatures say beyond it: who proves more, and who is asked
after whom. A route without a line fails."""

from collections.abc import Callable, Iterable
from typing import Annotated, Any

import pytest
from fastapi import Header
from fastapi.routing import APIRoute
from pydantic import BaseModel

from shared.permission import Buyer
from shared.routing import Router, permission_of
from shared.web import routes_of
from tests.journeys.matrix_by_hand import BY_HAND
from tests.journeys.matrix_of_the_rules import BEYOND, COLUMNS, RULES
from tests.support.doors import READS, Door, doors
from tests.support.walk import CALLERS

# What takes a fresh second factor: the cells of the rules with an S, route by route (decision 21).
STEP_UP = {
    "POST /identity/v1/users", "POST /identity/v1/users/{user_id}/disable", "POST /identity/v1/clients",
    "POST /identity/v1/clients/{client_id}/disable", "POST /identity/v1/signing-keys",
    "POST /identity/v1/signing-keys/{key_id}/revoke", "POST /identity/v1/clients/{client_id}/keys",
    "POST /identity/v1/clients/{client_id}/keys/{client_key_id}/revoke", "POST /identity/v1/invitations",
    "POST /identity/v1/invitations/{invitation_id}/revoke", "POST /identity/v1/users/{user_id}/administrator",
    "POST /identity/v1/users/{user_id}/enable", "POST /identity/v1/users/{user_id}/second-factor/reset",
    "POST /trading/v1/listings", "POST /trading/v1/auctions",
    "POST /trading/v1/auctions/{auction_id}/registrations", "POST /trading/v1/contracts/{contract_id}/signatures",
    "POST /trading/v1/contracts/{contract_id}/signatures/in-person",
    "POST /trading/v1/wallet/payouts", "POST /trading/v1/disputes/{dispute_id}/ruling",
    "POST /trading/v1/wallet/payout-proposals",
    "POST /trading/v1/wallet/payout-proposals/{payout_proposal_id}/approval",
}  # fmt: skip
# What a second person agrees to, and nobody else than they.
SECOND = {
    "POST /catalog/v1/access-requests/{access_request_id}/second-approval",
    "POST /catalog/v1/access-requests/{access_request_id}/second-refusal",
    "POST /trading/v1/auctions/{auction_id}/cancellation/confirmation",
    "POST /trading/v1/freezes/{freeze_id}/confirmation", "POST /trading/v1/freezes/{freeze_id}/lifting/confirmation",
    "POST /trading/v1/wallet/payout-proposals/{payout_proposal_id}/approval",
    "POST /audit/v1/cases/{case_id}/approval", "POST /audit/v1/cases/{case_id}/refusal",
    "POST /audit/v1/redactions/{redaction_id}/approval", "POST /audit/v1/redactions/{redaction_id}/refusal",
}  # fmt: skip


def test_every_route_has_its_line_by_hand_and_every_line_its_route():
    assert sorted(BY_HAND) == sorted(door.name for door in doors())


def test_no_line_by_hand_allows_what_the_rules_deny():
    """What anyone at all may see, everyone may; else what its row of the rules allows, or what is said beside them."""
    for line in BY_HAND.values():
        row, allowed = RULES[line.row], {caller for caller in CALLERS if line.answers[caller] == "."}
        if row["anonymous"] == "-":
            beyond = {caller for caller in allowed if row[COLUMNS[caller]] == "-"}
            assert beyond == set(BEYOND.get(line.route, "").split()), line.route


def test_nobody_without_a_token_gets_beyond_what_the_rules_give_to_anyone():
    for line in BY_HAND.values():
        if line.answers["anonymous"] != "u":
            assert RULES[line.row]["anonymous"] != "-" or "anonymous" in BEYOND[line.route], line.route


def marked(mark: str) -> set[str]:
    return {door.name for door in doors() if any(mark in str(cell) for cell in _row(door))}


def _row(door: Door) -> list[object]:
    permission = permission_of(door.route.dependant)
    assert permission
    return list(permission.row.values())


@pytest.mark.parametrize("mark, by_hand", [("+S", STEP_UP), ("+2", SECOND)])
def test_what_takes_more_than_a_role_is_what_is_written_here(mark: str, by_hand: set[str]):
    assert marked(mark) == by_hand


# What the decision rests on. Nobody who asks says it of themselves: who says it, and of whom, stands here by hand.
DECIDED_BY_US = {"grade", "clearance", "state", "status", "roles", "provider_id", "buyer_id", "owner_id", "on_record"}
SAID = {
    "POST /identity/v1/assignments": {"provider_id"},  # whose entries are assigned; it decides nothing of the assigner
    "POST /identity/v1/applications": {"roles"},  # asked for, and granted with the admission
    # At most the organisation's own.
    "POST /identity/v1/invitations": {"roles"}, "POST /identity/v1/users": {"roles"},
    "POST /identity/v1/clients": {"roles"},
    "POST /identity/v1/participants/{participant_id}/admit": {"clearance"},
    "POST /identity/v1/participants/{participant_id}/clearance": {"clearance"},
    "POST /catalog/v1/assets/{asset_id}/register": {"grade"},  # by the reviewer, and refused if it is another
    "POST /trading/v1/directed-negotiations": {"buyer_id"},  # whom the provider wants to talk to
    "POST /trading/v1/block-deals": {"buyer_id"},
    "POST /trading/v1/entitlements/{entitlement_id}/uses": {"on_record"},  # by delivery alone
}  # fmt: skip


def said_by_whoever_asks(asked: Iterable[Door]) -> dict[str, set[str]]:
    """What of it stands in a request's body, or, of a write, in its query or its headers."""
    found: dict[str, set[str]] = {}
    for door in asked:
        dependant, body = door.route.dependant, door.route.body_field
        named = {each.alias.lower() for each in (*dependant.query_params, *dependant.header_params)}
        if body is not None:
            named |= set(door.schema().get("properties", {}))
        if door.method not in READS and named & DECIDED_BY_US:
            found[door.name] = named & DECIDED_BY_US
    return found


class Boast(BaseModel):
    grade: str
    sql: str


async def asks_at_a_grade_of_its_own(boast: Boast, caller: Buyer) -> None: ...


async def asks_with_a_header(caller: Buyer, grade: Annotated[str, Header()] = "G1") -> None: ...


def test_p_17_no_request_says_what_its_own_decision_rests_on():
    assert said_by_whoever_asks(doors()) == SAID


@pytest.mark.parametrize("planted", [asks_at_a_grade_of_its_own, asks_with_a_header])
def test_p_17_planted_a_grade_that_is_read_from_the_request(planted: Callable[..., Any]):
    router = Router()
    router.add_api_route("/rows", planted, methods=["POST"])
    [route] = routes_of(router)
    assert isinstance(route, APIRoute)
    assert said_by_whoever_asks([Door("delivery", "POST", route)]) == {"POST /rows": {"grade"}}

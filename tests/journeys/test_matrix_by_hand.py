"""The table by hand against the rules, and what the routes' signatures say beyond it: who proves more, and who is asked
after whom. A route without a line fails."""

import pytest

from shared.web import permission_of
from tests.journeys.matrix_by_hand import BY_HAND
from tests.journeys.matrix_of_the_rules import BEYOND, COLUMNS, RULES
from tests.support.doors import Door, doors
from tests.support.walk import CALLERS

# What takes a fresh second factor: the cells of the rules with an S, route by route (decision 21).
STEP_UP = {
    "POST /identity/v1/users", "POST /identity/v1/users/{user_id}/disable", "POST /identity/v1/clients",
    "POST /identity/v1/clients/{client_id}/disable", "POST /identity/v1/signing-keys",
    "POST /identity/v1/signing-keys/{key_id}/revoke", "POST /trading/v1/listings", "POST /trading/v1/auctions",
    "POST /trading/v1/auctions/{auction_id}/registrations", "POST /trading/v1/contracts/{contract_id}/signatures",
    "POST /trading/v1/wallet/payouts", "POST /trading/v1/disputes/{dispute_id}/ruling",
}  # fmt: skip
# What a second person agrees to, and nobody else than they.
SECOND = {
    "POST /catalog/v1/access-requests/{access_request_id}/second-approval",
    "POST /catalog/v1/access-requests/{access_request_id}/second-refusal",
    "POST /trading/v1/auctions/{auction_id}/cancellation/confirmation",
    "POST /trading/v1/freezes/{freeze_id}/confirmation", "POST /trading/v1/freezes/{freeze_id}/lifting/confirmation",
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

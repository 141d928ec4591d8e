"""What the rules of tokens promise: once each, and a second time is the end of all."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.identity.rules import token as rules
from services.identity.rules.token import (
    ACCESS_LIFETIME,
    FAMILY_LIFETIME,
    REFRESH_LIFETIME,
    SERVICE_LIFETIME,
    Family,
    InvalidGrant,
    Redemption,
    RefreshToken,
)
from shared import problems
from shared.ids import TokenFamilyId, UserId

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
A_MOMENT = timedelta(microseconds=1)
ROTATED, REUSED, REFUSED = Redemption


def a_family() -> Family:
    return rules.begin(TokenFamilyId.new(), UserId.new(), "password", NOON)


def a_token(family: Family, at: datetime = NOON) -> RefreshToken:
    return rules.next_token(family, "secret", at)


def test_no_token_lives_longer_than_it_may():
    assert (ACCESS_LIFETIME, SERVICE_LIFETIME) == (timedelta(minutes=10), timedelta(minutes=5))


@pytest.mark.parametrize("revoked, consumed, late, outcome", [
    (False, False, False, ROTATED),
    (False, False, True,  REFUSED),
    (False, True,  False, REUSED),
    (False, True,  True,  REUSED),
    (True,  False, False, REFUSED),
    (True,  False, True,  REFUSED),
    (True,  True,  False, REFUSED),
    (True,  True,  True,  REFUSED),
])  # fmt: skip
def test_what_comes_of_a_refresh_token(revoked: bool, consumed: bool, late: bool, outcome: Redemption):
    family = replace(a_family(), revoked_at=NOON if revoked else None)
    token = replace(a_token(family), consumed_at=NOON if consumed else None)
    assert rules.redeem(family, token, NOON + REFRESH_LIFETIME - (timedelta(0) if late else A_MOMENT)) is outcome


def test_use_keeps_a_family_alive_but_not_for_ever():
    family, now, uses = a_family(), NOON, 0
    token = a_token(family)
    while rules.redeem(family, token, now) is ROTATED:
        token, now, uses = a_token(family, now), now + REFRESH_LIFETIME - A_MOMENT, uses + 1
    assert FAMILY_LIFETIME - timedelta(hours=13) < now - NOON <= FAMILY_LIFETIME + REFRESH_LIFETIME
    assert uses > 10
    assert rules.redeem(family, a_token(family, NOON + FAMILY_LIFETIME), NOON + FAMILY_LIFETIME) is REFUSED


@given(st.lists(st.integers(0, 5), max_size=20))
def test_however_tokens_are_presented_each_is_good_once_and_a_second_time_ends_all(presented: list[int]):
    family = a_family()
    tokens, outcomes = [a_token(family)], list[tuple[int, Redemption]]()
    for number in presented:
        number = min(number, len(tokens) - 1)
        outcome = rules.redeem(family, tokens[number], NOON)
        outcomes.append((number, outcome))
        if outcome is ROTATED:
            tokens[number] = replace(tokens[number], consumed_at=NOON)
            tokens.append(a_token(family))
        if outcome is REUSED:
            family = replace(family, revoked_at=NOON)
    good = [number for number, outcome in outcomes if outcome is ROTATED]
    assert len(good) == len(set(good))
    kinds = [outcome for _, outcome in outcomes]
    if REUSED in kinds:
        assert set(kinds[kinds.index(REUSED) + 1 :]) <= {REFUSED}


def test_a_refusal_tells_an_oauth_client_what_it_looks_for_and_nothing_else():
    refused = problems.document(InvalidGrant())
    assert (refused["status"], refused["code"], refused["error"]) == (401, "invalid_grant", "invalid_grant")
    assert refused.keys() == {"type", "title", "status", "detail", "code", "error"}


def test_a_secret_is_kept_as_a_digest_alone():
    assert b"secret" not in a_token(a_family()).digest

"""What the rules of signing keys promise; the curve is computed here, slowly and from its definition."""

from datetime import UTC, datetime

import pytest

from services.identity.rules import signing_key as rules
from services.identity.rules.signing_key import ACTIVE_KEYS_MAX, SMALL_ORDER, KeyRevoked, TooManyKeys, WeakKey
from shared.ids import KeyId, ParticipantId
from shared.signing import SigningKey

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
P = 2**255 - 19
D = -121665 * pow(121666, P - 2, P) % P
Point = tuple[int, int]
NEUTRAL: Point = (0, 1)


def registered(raw: bytes, active_keys: int = 0):
    return rules.register(KeyId.new(), ParticipantId.new(), raw, "in base64", active_keys, NOON)


def added(one: Point, other: Point) -> Point:
    """RFC 8032 5.1: the addition law of -x² + y² = 1 + dx²y²."""
    (x1, y1), (x2, y2) = one, other
    product = D * x1 * x2 * y1 * y2
    return (
        (x1 * y2 + x2 * y1) * pow(1 + product, P - 2, P) % P,
        (y1 * y2 + x1 * x2) * pow(1 - product, P - 2, P) % P,
    )


def root(square: int) -> int | None:
    """RFC 8032 5.1.3: a square root modulo p, if there is one."""
    candidate = pow(square, (P + 3) // 8, P)
    for each in (candidate, candidate * pow(2, (P - 1) // 4, P) % P):
        if each * each % P == square % P:
            return each
    return None


def point(y: int) -> Point | None:
    x = root((y * y - 1) * pow(D * y * y + 1, P - 2, P))
    return None if x is None else (x, y % P)


def has_small_order(found: Point) -> bool:
    for _ in range(3):
        found = added(found, found)
    return found == NEUTRAL


def test_every_refused_key_has_an_order_of_at_most_eight():
    for encoded in SMALL_ORDER:
        found = point(int.from_bytes(encoded, "little"))
        assert found is not None and has_small_order(found)


def test_all_eight_points_of_small_order_are_refused():
    """Eight points: y is 0 (twice), 1, -1, and the two coordinates of order eight (twice each)."""
    distinct = {int.from_bytes(encoded, "little") % P for encoded in SMALL_ORDER}
    points = {found for y in distinct if (found := point(y))}
    points |= {(-x % P, y) for x, y in points}
    assert len(points) == 8


@pytest.mark.parametrize("sign", [0x00, 0x80])
@pytest.mark.parametrize("encoded", sorted(SMALL_ORDER), ids=lambda encoded: encoded.hex()[:8])
def test_a_key_under_which_anyone_could_sign_is_not_taken(encoded: bytes, sign: int):
    with pytest.raises(WeakKey):
        registered(encoded[:-1] + bytes([encoded[-1] | sign]))


def test_a_key_like_any_other_is_taken():
    assert registered(SigningKey.new().public).revoked_at is None


def test_an_organisation_has_so_many_keys_and_no_more():
    registered(SigningKey.new().public, ACTIVE_KEYS_MAX - 1)
    with pytest.raises(TooManyKeys):
        registered(SigningKey.new().public, ACTIVE_KEYS_MAX)


def test_a_key_is_revoked_once():
    revoked = rules.revoke(registered(SigningKey.new().public), NOON)
    with pytest.raises(KeyRevoked):
        rules.revoke(revoked, NOON)

"""When a use may be tried again, and when a running delivery must stop."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.delivery.rules import delivery as rules
from services.delivery.rules.byte_range import Span, Wanted
from services.delivery.rules.delivery import (
    LASTS_AT_MOST,
    RETRIED_WITHIN,
    STARTED,
    Cut,
    Delivery,
    Reason,
    UseExpired,
    UseSoFar,
    UseSpent,
    UseTaken,
)
from services.delivery.rules.permission import Requested, decide
from shared.grades import C2, C3, G2, G3, G4, Clearance, Flag, Grade, Mode
from shared.ids import ContractId, DeliveryId, EntitlementId, ParticipantId, UseId, VersionId
from shared.lifecycle import IllegalMove

NOW = datetime(2030, 1, 1, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
MEBIBYTE, GIBIBYTE = 2**20, 2**30
WHOLE = Span(0, 1000, 1000, partial=False)


def a_delivery(grade: Grade = G3, mode: Mode = Mode.RAW, started_at: datetime = NOW) -> Delivery:
    ids = (DeliveryId.new(), EntitlementId.new(), ContractId.new(), UseId.new(), VersionId.new())
    parties, content = (ParticipantId.new(), ParticipantId.new()), ("0" * 64, 1000)
    return Delivery(*ids, *parties, mode, grade, 1, *content, STARTED, started_at, started_at + LASTS_AT_MOST)


def so(delivery: Delivery, **changes: Any) -> Requested:
    """As things are while the delivery runs: nothing forbids it, but for what is changed."""
    told: dict[str, Any] = {
        "mode": delivery.mode, "grade": delivery.grade, "at": NOW, "territory": "CN", "active": True, "clearance": C3,
        "names_use": True, "purposes": ("research",), "purpose": "research",
    }  # fmt: skip
    return Requested(**(told | changes))


def cut(delivery: Delivery, revision: int = 1, **changes: Any) -> Cut | None:
    return rules.reason_to_cut(delivery, so(delivery, **changes), revision)


def test_nothing_having_changed_it_goes_on():
    assert cut(a_delivery()) is None


def test_each_change_that_matters_cuts():
    delivery = a_delivery()
    assert cut(delivery, active=False) is Cut.ENTITLEMENT_STOPPED
    assert cut(delivery, clearance=None) is Cut.BUYER_NOT_ADMITTED
    assert cut(delivery, clearance=C2) is Cut.NOT_PERMITTED
    assert cut(delivery, flags=frozenset({Flag.PERSONAL})) is Cut.NOT_PERMITTED
    assert cut(delivery, 2, grade=G4) is Cut.REGRADED
    assert cut(delivery, 2, grade=G2) is Cut.REGRADED  # whatever changed, it is decided from the start again
    assert cut(delivery, at=NOW + LASTS_AT_MOST - MOMENT) is None
    assert cut(delivery, at=NOW + LASTS_AT_MOST) is Cut.TOO_SLOW
    assert cut(delivery, ends_at=NOW) is Cut.ENTITLEMENT_STOPPED
    assert cut(delivery, purpose="marketing") is Cut.NOT_PERMITTED


@pytest.mark.parametrize("grade", list(Grade))
@pytest.mark.parametrize("mode", sorted(rules.SERVED))
def test_a_delivery_goes_on_exactly_where_it_could_start(grade: Grade, mode: Mode):
    for clearance in Clearance:
        for flags in (frozenset[Flag](), *(frozenset({flag}) for flag in Flag)):
            delivery = a_delivery(grade, mode)
            goes_on = cut(delivery, flags=flags, clearance=clearance) is None
            assert goes_on == decide(so(delivery, flags=flags, clearance=clearance)).allowed


def test_a_first_use_is_free_to_be_made():
    rules.check_use(EntitlementId.new(), None, WHOLE, NOW)


def test_a_use_is_tried_again_within_the_hour_by_its_own_entitlement():
    own = EntitlementId.new()
    so_far = UseSoFar(own, NOW, bytes_counted=0)
    rules.check_use(own, so_far, WHOLE, NOW + RETRIED_WITHIN - MOMENT)
    with pytest.raises(UseExpired):
        rules.check_use(own, so_far, WHOLE, NOW + RETRIED_WITHIN)
    with pytest.raises(UseTaken):
        rules.check_use(EntitlementId.new(), so_far, WHOLE, NOW)


def fetched(size: int, part: int) -> int:
    """How many parts of this many bytes one use sends of a content, one after the other, until it is spent."""
    own, bytes_counted = EntitlementId.new(), 0
    for count in range(10**6):
        span = Span(0, min(part, size), size, partial=True)
        try:
            rules.check_use(own, UseSoFar(own, NOW, bytes_counted) if count else None, span, NOW)
        except UseSpent:
            return count
        bytes_counted += rules.counted(span.bytes, size)
    raise AssertionError


@pytest.mark.parametrize("size, part, parts", [
    (1000,             1000,     5),     # a small content, whole: five times
    (1000,             1,        5),     # and its parts are no cheaper than the whole
    (1 * GIBIBYTE,     64 * MEBIBYTE, 5 * 16),
    (1 * GIBIBYTE,     MEBIBYTE, 5 * 1024),
    (1 * GIBIBYTE,     1,        5 * 1024),  # a byte at a time is counted as a mebibyte at a time
    (1 * GIBIBYTE,     GIBIBYTE, 5),
    (3 * MEBIBYTE // 2, MEBIBYTE, 7),
])  # fmt: skip
def test_a_use_sends_the_content_five_times_over_in_parts_of_any_size(size: int, part: int, parts: int):
    assert fetched(size, part) == parts


def test_what_did_not_leave_does_not_count():
    whole = replace(a_delivery(), bytes=GIBIBYTE, bytes_counted=GIBIBYTE)
    assert rules.end(whole, Reason.ABORTED, 100 * MEBIBYTE, NOW).bytes_counted == 100 * MEBIBYTE
    assert rules.end(whole, Reason.ABORTED, 0, NOW).bytes_counted == MEBIBYTE


@pytest.mark.parametrize("grade, wanted, span_bytes, handed_over", [
    (G2, Wanted(),                                64 * MEBIBYTE,     True),
    (G2, Wanted(),                                64 * MEBIBYTE + 1, False),
    (G3, Wanted(),                                1,                 False),
    (G2, Wanted(conditional=True),                1,                 False),
    (G2, Wanted(range="bytes=0-0"),               1,                 True),
    (G2, Wanted(range=f"bytes=0-{'9' * 19}"),     1,                 False),
])  # fmt: skip
def test_the_door_sends_little_at_a_time_and_only_of_little_harm(
    grade: Grade, wanted: Wanted, span_bytes: int, handed_over: bool
):
    span = Span(0, span_bytes, GIBIBYTE, partial=wanted.range is not None)
    assert rules.is_handed_over(grade, wanted, span) is handed_over


def test_a_delivery_ends_once():
    ended = rules.end(a_delivery(), Reason.CUT, 10, NOW, Cut.REGRADED)
    assert (ended.reason_code, ended.cut, ended.bytes_sent, ended.deadline, ended.next_actor) == (
        Reason.CUT, Cut.REGRADED, 10, None, None,
    )  # fmt: skip
    with pytest.raises(IllegalMove):
        rules.end(ended, Reason.COMPLETED, 20, NOW)

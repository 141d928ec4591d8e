"""When a use may be tried again, and when a running delivery must stop."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.delivery.rules import delivery as rules
from services.delivery.rules.delivery import (
    DELIVERIES_PER_USE_MAX,
    LASTS_AT_MOST,
    RETRIED_WITHIN,
    STARTED,
    Cut,
    Delivery,
    Reason,
    UseExpired,
    UseSpent,
    UseTaken,
)
from shared.grades import C1, C2, C3, G2, G3, G4, Clearance, Flag, Grade, Mode, decide
from shared.ids import ContractId, DeliveryId, EntitlementId, ParticipantId, UseId, VersionId
from shared.lifecycle import IllegalMove

NOW = datetime(2030, 1, 1, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)


def a_delivery(grade: Grade = G3, mode: Mode = Mode.RAW, started_at: datetime = NOW) -> Delivery:
    ids = (DeliveryId.new(), EntitlementId.new(), ContractId.new(), UseId.new(), VersionId.new())
    parties, content = (ParticipantId.new(), ParticipantId.new()), ("0" * 64, 1000)
    return Delivery(*ids, *parties, mode, grade, 1, *content, STARTED, started_at, started_at + LASTS_AT_MOST)


def cut(
    delivery: Delivery, *, grade: Grade | None = None, revision: int = 1, flags: frozenset[Flag] = frozenset(),
    clearance: Clearance | None = C3, active: bool = True, now: datetime = NOW,
) -> Cut | None:  # fmt: skip
    return rules.reason_to_cut(
        delivery, grade=grade or delivery.grade, grade_revision=revision, flags=flags, clearance=clearance,
        entitlement_active=active, now=now,
    )  # fmt: skip


def test_nothing_having_changed_it_goes_on():
    assert cut(a_delivery()) is None


def test_each_change_that_matters_cuts():
    delivery = a_delivery()
    assert cut(delivery, active=False) is Cut.ENTITLEMENT_STOPPED
    assert cut(delivery, clearance=None) is Cut.BUYER_NOT_ADMITTED
    assert cut(delivery, clearance=C2) is Cut.NOT_PERMITTED
    assert cut(delivery, flags=frozenset({Flag.PERSONAL})) is Cut.NOT_PERMITTED
    assert cut(delivery, grade=G4, revision=2) is Cut.REGRADED
    assert cut(delivery, grade=G2, revision=2) is Cut.REGRADED  # whatever changed, it is decided from the start again
    assert cut(delivery, now=NOW + LASTS_AT_MOST - MOMENT) is None
    assert cut(delivery, now=NOW + LASTS_AT_MOST) is Cut.TOO_SLOW


@pytest.mark.parametrize("grade", list(Grade))
@pytest.mark.parametrize("mode", sorted(rules.SERVED))
def test_a_delivery_goes_on_exactly_where_it_could_start(grade: Grade, mode: Mode):
    for clearance in Clearance:
        for flags in (frozenset[Flag](), *(frozenset({flag}) for flag in Flag)):
            goes_on = cut(a_delivery(grade, mode), flags=flags, clearance=clearance) is None
            assert goes_on == decide(grade, mode, clearance, flags).allowed


def test_a_first_use_is_free_to_be_made():
    rules.check_use(EntitlementId.new(), [], NOW)


def test_a_use_is_tried_again_within_the_hour_by_its_own_entitlement():
    first = a_delivery()
    rules.check_use(first.entitlement_id, [first], NOW + RETRIED_WITHIN - MOMENT)
    with pytest.raises(UseExpired):
        rules.check_use(first.entitlement_id, [first], NOW + RETRIED_WITHIN)
    with pytest.raises(UseTaken):
        rules.check_use(EntitlementId.new(), [first], NOW)


def test_trying_again_and_again_does_not_lengthen_the_hour_or_go_on_for_ever():
    first = a_delivery()
    late = replace(first, id=DeliveryId.new(), started_at=NOW + RETRIED_WITHIN - MOMENT)
    with pytest.raises(UseExpired):
        rules.check_use(first.entitlement_id, [first, late], NOW + RETRIED_WITHIN)
    with pytest.raises(UseSpent):
        rules.check_use(first.entitlement_id, [first] * DELIVERIES_PER_USE_MAX, NOW)


def test_a_delivery_ends_once():
    ended = rules.end(a_delivery(), Reason.CUT, 10, NOW, Cut.REGRADED)
    assert (ended.reason_code, ended.cut, ended.bytes_sent, ended.deadline, ended.next_actor) == (
        Reason.CUT, Cut.REGRADED, 10, None, None,
    )  # fmt: skip
    with pytest.raises(IllegalMove):
        rules.end(ended, Reason.COMPLETED, 20, NOW)


@pytest.mark.parametrize("clearance, allowed", [(None, False), (C1, False), (C2, True)])
def test_what_needs_a_condition_on_record_is_denied_while_none_is(clearance: Clearance | None, allowed: bool):
    assert rules.permission(G2, Mode.RAW, clearance, frozenset()).allowed is allowed
    assert not rules.permission(G2, Mode.RAW, clearance, frozenset({Flag.PERSONAL})).allowed

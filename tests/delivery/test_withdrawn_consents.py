"""A consent that a person withdraws: the next delivery to whom it was for does not begin, and a running one ends."""

from shared.grades import G2, Condition, Flag, Mode
from tests.delivery.desk import ONE_DATABASE, Desk, sending
from tests.delivery.made_files import PLACES
from tests.delivery.test_running_deliveries import sent_until_cut

pytestmark = ONE_DATABASE
SEPARATE = Condition.SEPARATE_CONSENT


async def test_the_next_delivery_to_whom_it_was_for_does_not_begin_and_others_go_on(desk: Desk):
    provider, one, other = [await desk.bench.member(role) for role in ("provider", "buyer", "buyer")]
    version_id = await desk.stocked(provider, PLACES, G2, Flag.PERSONAL)
    desk.shelf.change(version_id, on_record=[SEPARATE])
    rights = [await desk.grant(buyer, version_id, Mode.RAW) for buyer in (one, other)]
    assert [(await desk.fetch(*each)).status_code for each in zip((one, other), rights, strict=True)] == [200, 200]
    assert one.participant_id
    desk.shelf.lost[version_id, one.participant_id] = {SEPARATE}
    answers = [await desk.fetch(*each) for each in zip((one, other), rights, strict=True)]
    assert [answer.status_code for answer in answers] == [403, 200]
    assert answers[0].json()["code"] == "separate_consent_missing"
    [refused] = await desk.facts("delivery_refused")
    assert refused["reason_code"] == "separate_consent_missing"


async def test_a_running_delivery_ends_within_the_next_look(desk: Desk):
    under_way, _, version_id = await sending(desk)
    desk.shelf.change(version_id, flags=[Flag.PERSONAL], on_record=[SEPARATE])

    def withdrawn() -> None:
        desk.shelf.lost[version_id, under_way.delivery.buyer_id] = {SEPARATE}

    assert await sent_until_cut(desk, under_way, withdrawn) == (1, "not_permitted")

"""While the bytes flow: a sending chunk by chunk, with a told clock, and what happens meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from starlette.types import Message

from services.delivery.actions.sending import Sending
from services.delivery.api.contents import ContentResponse
from services.delivery.rules.delivery import LASTS_AT_MOST, DeliveryCut
from services.delivery.rules.permission import EntitlementNotActive
from services.delivery.store.content import CHUNK_BYTES
from services.trading.client import UseView
from shared.errors import Unavailable
from shared.grades import G2, G3, G4, Flag, Grade
from shared.ids import EntitlementId
from tests.delivery.desk import ONE_DATABASE, Desk, sending, suspend
from tests.delivery.made_files import LARGE
from tests.support.bench import ParticipantSuspended

pytestmark = ONE_DATABASE


async def sent_until_cut(
    desk: Desk, under_way: Sending, meanwhile: Callable[[], Awaitable[object] | None]
) -> tuple[int, str | None]:
    """How many chunks left, and why no more did."""
    count, cut = 0, None
    try:
        async for _ in under_way:
            count += 1
            if count == 1:
                if (happening := meanwhile()) is not None:
                    await happening
                desk.bench.clock.advance(seconds=4)
                await desk.bench.refresh()
    except DeliveryCut as error:
        cut = str(error.facts["cut"])
    await under_way.close()
    return count, cut


async def test_nothing_happening_the_whole_of_it_leaves(desk: Desk):
    under_way, _, _ = await sending(desk, G3)
    assert await sent_until_cut(desk, under_way, lambda: None) == (-(-len(LARGE) // CHUNK_BYTES), None)


async def test_a_regrade_cuts_a_running_delivery(desk: Desk):
    under_way, _, version_id = await sending(desk)
    assert await sent_until_cut(desk, under_way, lambda: desk.shelf.grade(version_id, G4)) == (1, "regraded")
    [ended] = await desk.facts("delivery_ended")
    assert (ended["reason_code"], ended["cut"], ended["bytes"]) == ("cut", "regraded", CHUNK_BYTES)


async def test_a_suspended_entitlement_cuts_a_running_delivery(desk: Desk):
    under_way, _, _ = await sending(desk)
    gone = under_way.delivery.entitlement_id
    assert await sent_until_cut(desk, under_way, lambda: suspend(desk, gone)) == (1, "entitlement_stopped")


async def test_a_suspended_buyer_cuts_a_running_delivery(desk: Desk):
    under_way, buyer, _ = await sending(desk)
    assert buyer.participant_id
    suspended = ParticipantSuspended(buyer.participant_id, "complaint")
    assert await sent_until_cut(desk, under_way, lambda: desk.bench.announce(suspended)) == (1, "buyer_not_admitted")


async def test_a_right_that_ends_cuts_a_running_delivery(desk: Desk):
    under_way, _, _ = await sending(desk, deadline=desk.bench.clock.now() + timedelta(seconds=4))
    assert await sent_until_cut(desk, under_way, lambda: None) == (1, "entitlement_stopped")


async def test_a_flag_that_is_found_meanwhile_cuts_a_running_delivery(desk: Desk):
    under_way, _, version_id = await sending(desk)

    def found() -> None:
        desk.shelf.change(version_id, flags=[Flag.PERSONAL])  # and, by an oversight, no new revision

    assert await sent_until_cut(desk, under_way, found) == (1, "not_permitted")


@pytest.mark.parametrize("grade, chunks, cut", [(G2, 5, None), (G3, 1, "unconfirmed")])
async def test_what_cannot_be_confirmed_is_not_assumed_from_g3_on(
    desk: Desk, grade: Grade, chunks: int, cut: str | None
):
    under_way, _, _ = await sending(desk, grade)

    def away() -> None:
        desk.shelf.failure = Unavailable(service="catalog")

    assert await sent_until_cut(desk, under_way, away) == (chunks, cut)


async def test_a_delivery_does_not_last_for_ever(desk: Desk):
    under_way, _, _ = await sending(desk)
    last = LASTS_AT_MOST.total_seconds()
    assert await sent_until_cut(desk, under_way, lambda: desk.bench.clock.advance(seconds=last)) == (1, "too_slow")


async def test_a_buyer_who_goes_away_leaves_an_aborted_delivery(desk: Desk):
    under_way, _, _ = await sending(desk)
    chunks = aiter(under_way)
    await anext(chunks)
    await chunks.aclose()
    await under_way.close()
    await under_way.close()  # and once is enough
    [ended] = await desk.facts("delivery_ended")
    assert ended["reason_code"] == "aborted"


async def test_a_receiver_who_takes_nothing_more_is_cut_all_the_same(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    under_way, _, _ = await sending(desk)
    stalled, suspended = asyncio.Event(), asyncio.Event()

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            stalled.set()
            await asyncio.Event().wait()

    async def sleep(_: float) -> None:
        await suspended.wait()

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(desk.bench.clock, "sleep", sleep)
    scope = {"type": "http", "asgi": {"spec_version": "2.4"}, "extensions": {}}
    leaving = asyncio.create_task(ContentResponse(under_way)(scope, receive, send))
    await stalled.wait()
    await suspend(desk, under_way.delivery.entitlement_id)
    suspended.set()
    with pytest.raises(DeliveryCut):
        await leaving
    [ended] = await desk.facts("delivery_ended")
    assert (ended["reason_code"], ended["cut"], ended["bytes"]) == ("cut", "entitlement_stopped", CHUNK_BYTES)


async def test_a_regrade_while_the_use_is_charged_lets_nothing_out(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    charge = desk.counter.use

    async def slowly(entitlement_id: EntitlementId, *parts: Any, **others: Any) -> UseView:
        desk.shelf.grade(desk.counter.granted[entitlement_id].version_id, G4)
        desk.bench.clock.advance(seconds=4)
        return await charge(entitlement_id, *parts, **others)

    monkeypatch.setattr(desk.counter, "use", slowly)
    under_way, _, _ = await sending(desk)
    assert await sent_until_cut(desk, under_way, lambda: None) == (0, "regraded")


async def test_a_right_that_is_stopped_while_its_use_is_charged_lets_nothing_out(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    charge = desk.counter.use

    async def slowly(entitlement_id: EntitlementId, *parts: Any, **others: Any) -> UseView:
        await suspend(desk, entitlement_id)
        return await charge(entitlement_id, *parts, **others)

    monkeypatch.setattr(desk.counter, "use", slowly)
    with pytest.raises(EntitlementNotActive):
        await sending(desk)
    [refused] = await desk.facts("delivery_refused")
    assert refused["reason_code"] == "entitlement_not_active" and not await desk.facts("delivery_started")

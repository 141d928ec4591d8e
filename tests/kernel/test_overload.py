"""More than can be answered: told so at once, while those inside are answered, and the market goes on."""

import asyncio
import json
from dataclasses import dataclass, field

import pytest
from starlette.types import Message, Receive, Scope, Send

from shared.guard import Doors, Guard
from shared.overload import Overloaded, Place, Room, Seats, TooManyStreams
from shared.rates import Rates
from shared.settings import Settings
from tests.support.clock import ToldClock
from tests.support.raw import JSON, Answer, ask

DOORS = Doors(("localhost",), streams=("/uploads/1",))
PLACES = 4


@dataclass
class Gated:
    """An app that answers when it is let: what each asks for is worked on until its gate opens."""

    waiting: list[asyncio.Event] = field(default_factory=list[asyncio.Event])
    seen: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.seen += 1
        if scope["path"].startswith("/held"):
            gate = asyncio.Event()
            self.waiting.append(gate)
            await gate.wait()
        if scope["path"] == "/breaks":
            raise ZeroDivisionError
        await send({"type": "http.response.start", "status": 200, "headers": []})
        if scope["path"] == "/stream":
            await asyncio.Event().wait()
        await send({"type": "http.response.body", "body": b"{}"})

    def open(self) -> None:
        for gate in self.waiting:
            gate.set()
        self.waiting.clear()


def guarded(inside: Gated, places: int = PLACES) -> Guard:
    return Guard(inside, DOORS, Rates(Settings().rates, ToldClock()), places)


async def soon() -> None:
    """Let everyone get as far as they can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def held(door: Guard, count: int) -> list[asyncio.Task[Answer]]:
    tasks = [asyncio.create_task(ask(door, "GET", "/held")) for _ in range(count)]
    await soon()
    return tasks


async def test_the_one_too_many_is_told_at_once_to_come_back_and_the_others_are_answered():
    inside = Gated()
    door = guarded(inside)
    tasks = await held(door, PLACES + 3)
    shed = [task.result() for task in tasks if task.done()]
    assert [(answer.status, answer.document["code"], answer.header(b"retry-after")) for answer in shed] == [
        (503, "overloaded", b"1")
    ] * 3
    assert shed[0].header(b"content-type") == b"application/problem+json" and inside.seen == PLACES
    inside.open()
    assert [(await task).status for task in tasks] == [200] * PLACES + [503] * 3
    assert (await ask(door, "GET", "/quick")).status == 200


async def test_health_answers_though_all_places_are_taken():
    inside = Gated()
    door = guarded(inside)
    tasks = await held(door, PLACES)
    assert [(await ask(door, "GET", path)).status for path in ("/health/live", "/health/ready", "/healthy",
    "/quick")] == [
        200, 200, 503, 503,
    ]  # fmt: skip
    inside.open()
    await asyncio.gather(*tasks)


@pytest.mark.parametrize("path", ["/breaks", "/quick", "/held"])
async def test_a_place_is_free_again_however_its_request_ended(path: str):
    inside = Gated()
    door = guarded(inside)
    for _ in range(3 * PLACES):
        task = asyncio.create_task(ask(door, "GET", path))
        await soon()
        if path == "/held":
            task.cancel()
            inside.waiting.clear()
        await asyncio.wait([task])
    assert (await ask(door, "GET", "/quick")).status == 200


async def test_whoever_reads_a_stream_takes_nobodys_place():
    door = guarded(Gated())
    streams = [asyncio.create_task(ask(door, "GET", "/stream")) for _ in range(2 * PLACES)]
    await soon()
    assert (await ask(door, "GET", "/quick")).status == 200
    for task in streams:
        task.cancel()
    await asyncio.wait(streams)


async def test_whoever_sends_slowly_takes_nobodys_place():
    door, sent = guarded(Gated()), list[Message]()

    async def never() -> Message:
        return await asyncio.Event().wait()  # pyright: ignore[reportReturnType]

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "POST", "path": "/quick", "raw_path": b"/quick", "query_string": b"",
        "headers": [(b"host", b"localhost"), JSON], "client": ("127.0.0.1", 1),
    }  # fmt: skip
    slow = [asyncio.create_task(door(dict(scope), never, send)) for _ in range(2 * PLACES)]
    await soon()
    assert (await ask(door, "GET", "/quick")).status == 200
    for task in slow:
        task.cancel()
    await asyncio.wait(slow)
    assert not sent


async def test_a_shed_request_is_not_even_read():
    inside = Gated()
    door = guarded(inside)
    tasks = await held(door, PLACES)
    answer = await ask(door, "POST", "/quick", [JSON], b"{ this is no JSON")
    assert (answer.status, answer.document["code"]) == (503, "overloaded")
    inside.open()
    await asyncio.gather(*tasks)


@dataclass
class Worked:
    """A server that shares its work among all that are inside, by ticks; whoever waits too long for it goes away.

    Work for somebody who has gone away is done nevertheless: that is what makes overload so costly.
    """

    work_per_tick: int
    patience_ticks: int
    tick: int = 0
    good: int = 0
    inside: dict[asyncio.Event, list[int]] = field(default_factory=dict[asyncio.Event, list[int]])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        done, came_at = asyncio.Event(), self.tick
        self.inside[done] = [WORK_OF_ONE]
        await done.wait()
        if self.tick - came_at < self.patience_ticks:
            self.good += 1
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    async def pass_tick(self) -> None:
        work = self.work_per_tick
        while work and self.inside:
            for done, left in list(self.inside.items()):
                if work:
                    left[0], work = left[0] - 1, work - 1
                    if not left[0]:
                        del self.inside[done]
                        done.set()
        self.tick += 1
        await soon()


WORK_OF_ONE, TICKS, PER_TICK = 12, 30, 5  # so many units of work; so many ticks; so many requests a tick can be done


async def goodput(load: float, places: int) -> float:
    """How many are answered in time, of what the server can do at most."""
    server = Worked(work_per_tick=WORK_OF_ONE * PER_TICK, patience_ticks=4)
    door, tasks = guarded(server, places), list[asyncio.Task[Answer]]()  # pyright: ignore[reportArgumentType]
    for _ in range(TICKS):
        tasks += [asyncio.create_task(ask(door, "GET", "/work")) for _ in range(int(load * PER_TICK))]
        await soon()
        await server.pass_tick()
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    return server.good / (TICKS * PER_TICK)


async def test_at_three_times_what_it_can_do_it_does_nearly_as_much_as_ever():
    unloaded = await goodput(1, places=10)
    assert unloaded >= 0.95
    assert await goodput(3, places=10) >= 0.8 * unloaded
    assert await goodput(3, places=100_000) < 0.5 * unloaded, "without a limit hardly anybody is answered in time"


def test_a_place_may_be_left_twice_and_without_having_been_taken():
    room = Room(1)
    first, second = Place(room), Place(room)
    second.leave()
    first.take()
    with pytest.raises(Overloaded) as refused:
        second.take()
    assert refused.value.facts == {"retry_after_seconds": 1}
    first.leave()
    first.leave()
    assert room.in_flight == 0
    second.take()
    assert room.in_flight == 1


def test_how_many_are_worked_on_at_once_is_a_setting():
    assert Settings().requests_in_flight_max == 1000
    assert json.loads(Settings(requests_in_flight_max=7).model_dump_json())["requests_in_flight_max"] == 7


def test_a_seat_is_for_whoever_holds_it_and_there_are_no_more_than_there_are():
    seats = Seats(seats=3, of_one=2)
    with seats.seat("ana"), seats.seat("ben"):
        with seats.seat("ana"), pytest.raises(TooManyStreams), seats.seat("ana"):
            pass
        with seats.seat("cai"), pytest.raises(Overloaded), seats.seat("dan"):
            pass
        with seats.seat("ana"):
            assert seats.taken == 3
    assert seats.taken == 0

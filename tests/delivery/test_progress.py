"""How far an inspection is: told by the child, kept at most once a second, shown to who waits."""

import asyncio
from contextvars import ContextVar
from pathlib import Path

import pytest

from services.delivery.actions.inspection import RENEWED_EVERY
from services.delivery.inspector.messages import Inspect, Profile, Progress, Refused
from services.delivery.inspector.progress import steps
from services.delivery.rules.upload import MediaType, Phase, Reason
from services.delivery.sandbox import Answer, Hear, Sandbox
from services.delivery.store import uploads
from tests.delivery.desk import ONE_DATABASE, Desk
from tests.delivery.made_files import inspection_of, persons, source
from tests.delivery.test_sandbox import child

GOOD = b"icao,lat\nZBAA,40.08\nZSPD,31.14\n"
TABLE = persons()
begun_after = ContextVar("begun_after", default=False)


def test_a_step_is_told_once_and_never_backwards():
    told: list[Progress] = []
    tell = steps(told.append)
    for phase, percent in [(Phase.READING, 0), (Phase.READING, 0), (Phase.READING, 40), (Phase.READING, 12),
                           (Phase.READING, 140), (Phase.PROFILING, 0), (Phase.PROFILING, 50)]:  # fmt: skip
        tell(phase, percent)
    assert [(one.phase, one.percent) for one in told] == [
        ("reading", 0), ("reading", 40), ("reading", 100), ("profiling", 0), ("profiling", 50),
    ]  # fmt: skip


@pytest.mark.parametrize("media_type, content", [
    (MediaType.CSV,        b"a,b\n" + b"1,2\n" * 20_000),
    (MediaType.JSON_LINES, b'{"a": 1}\n' * 20_000),
])  # fmt: skip
async def test_the_child_tells_each_phase_from_its_beginning(tmp_path: Path, media_type: MediaType, content: bytes):
    heard: list[Progress] = []
    assert isinstance(await Sandbox().run(inspection_of(source(tmp_path, content, media_type)), heard.append), Profile)
    told = [(one.phase, one.percent) for one in heard]
    assert told == sorted(told, key=lambda one: (one[0] == "profiling", one[1])) and len(told) > 3
    assert {phase for phase, _ in told} == {"reading", "profiling"} and told[0][1] < 20


async def test_a_child_that_tells_nonsense_is_refused(tmp_path: Path):
    nonsense = '{"type": "progress", "phase": "reading", "percent": 101}'
    answer = '{"type": "refused", "reason": "empty"}'
    heard: list[Progress] = []
    job = inspection_of(source(tmp_path, GOOD))
    assert await child(f"print('{nonsense}'); print('{answer}')").run(job, heard.append) == Refused(
        Reason.INSPECTION_LIMIT
    )
    told = nonsense.replace("101", "7")
    assert await child(f"print('{told}'); print('{answer}')").run(job, heard.append) == Refused(Reason.EMPTY)
    assert heard == [Progress(Phase.READING, 7)]


class Seconds:
    """A clock's sleep: who sleeps by it wakes when a second is let pass, and is waited for until it sleeps again. That
    is whoever begins after it was made; a service's own loops, which may fall asleep meanwhile, sleep on."""

    def __init__(self) -> None:
        self._asleep, self._passed = asyncio.Semaphore(0), asyncio.Semaphore(0)
        begun_after.set(True)

    async def sleep(self, _: float) -> None:
        if not begun_after.get():
            await asyncio.Event().wait()
        self._asleep.release()
        await self._passed.acquire()

    async def fallen_asleep(self) -> None:
        await self._asleep.acquire()

    async def pass_by(self, seconds: int) -> None:
        for _ in range(seconds):
            self._passed.release()
            await self.fallen_asleep()


@ONE_DATABASE
async def test_who_waits_sees_how_far_it_is_and_the_database_hears_it_once_a_second(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    provider, _, upload_id = await desk.declared(TABLE)
    await desk.send(provider, upload_id, TABLE)
    perform, keep, kept, seen = desk.depot.inspector.run, uploads.keep_claim, list[object](), list[object]()
    seconds = Seconds()

    async def counted(*parts: object) -> None:
        kept.append(parts[-1])
        await keep(*parts)  # pyright: ignore[reportArgumentType]

    async def view() -> tuple[object, object]:
        told = (await desk.bench.get(provider, f"/delivery/v1/uploads/{upload_id}")).json()
        return told["phase"], told["percent"]

    async def slow(job: Inspect, hear: Hear) -> Answer:
        await seconds.fallen_asleep()
        for percent in range(30):
            hear(Progress(Phase.READING, percent))
        await seconds.pass_by(1)
        seen.append(await view())
        await seconds.pass_by(int(RENEWED_EVERY.total_seconds()) - 1)  # nothing new in them
        hear(Progress(Phase.PROFILING, 5))
        await seconds.pass_by(1)
        seen.append(await view())
        return await perform(job)

    seen.append(await view())
    monkeypatch.setattr(desk.bench.clock, "sleep", seconds.sleep)
    monkeypatch.setattr(desk.depot.inspector, "run", slow)
    monkeypatch.setattr(uploads, "keep_claim", counted)
    await desk.tick()
    seen.append(await view())
    assert seen == [("waiting", 0), ("reading", 29), ("profiling", 5), (None, None)]
    assert len(kept) == 3  # the claim, and twice something new

"""A cube that takes longer to make than a request may wait."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from services.delivery.actions import lasting
from services.delivery.inspector.messages import Answer, Job, QueryFailed, RunQuery
from services.delivery.rules.query import QueryReason
from services.delivery.sandbox import Hear, Inline
from shared.grades import G3
from tests.delivery.desk import ONE_DATABASE, Desk
from tests.delivery.desk import desk as desk_with
from tests.delivery.test_cubes import declare, table
from tests.support.bench import Bench

pytestmark = ONE_DATABASE


class Slow(Inline):
    """Counts only when it is told to, and what it is told."""

    def __init__(self) -> None:
        self.go, self.counted, self.failure = asyncio.Event(), 0, False

    async def run(self, job: Job, hear: Hear = lambda _: None) -> Answer:
        if not isinstance(job, RunQuery):
            return await super().run(job, hear)
        self.counted += 1
        await self.go.wait()
        return QueryFailed(QueryReason.LIMIT) if self.failure else await super().run(job, hear)


@pytest.fixture
async def slow() -> Slow:
    return Slow()


@pytest.fixture(name="desk")
async def desk_of_the_slow(bench: Bench, tmp_path: Path, slow: Slow) -> AsyncGenerator[Desk]:
    async with desk_with(bench, tmp_path, slow) as one:
        yield one


async def test_a_long_declaration_goes_on_and_the_same_request_fetches_it(
    desk: Desk, slow: Slow, monkeypatch: pytest.MonkeyPatch
):
    provider = await desk.bench.member("provider")
    version_id = await desk.stocked(provider, table(), G3)
    with monkeypatch.context() as patched:
        patched.setattr(lasting, "WAIT_SECONDS", 0)
        begun = [await declare(desk, provider, version_id, "the-long-one") for _ in range(2)]
        other = await declare(desk, provider, version_id, "the-long-one", groupings=[["region"]])
    assert [(one.status_code, one.json()["code"]) for one in begun] == [(409, "still_in_the_making")] * 2
    assert begun[0].headers["Retry-After"] == "1" and begun[0].json()["step"] in set(lasting.Step)
    assert (other.status_code, other.json()["code"]) == (422, "key_reused")
    slow.go.set()
    made = await declare(desk, provider, version_id, "the-long-one")
    again = await declare(desk, provider, version_id, "the-long-one")
    assert (made.status_code, again.status_code) == (201, 201) and made.json() == again.json()
    assert slow.counted == 1 and len(await desk.facts("cube_declared")) == 1 and not desk.depot.cubes


async def test_a_refusal_waits_to_be_fetched_too(desk: Desk, slow: Slow, monkeypatch: pytest.MonkeyPatch):
    provider = await desk.bench.member("provider")
    version_id = await desk.stocked(provider, table(), G3)
    with monkeypatch.context() as patched:
        patched.setattr(lasting, "WAIT_SECONDS", 0)
        await declare(desk, provider, version_id, "too-long-a-one")
    slow.failure = True
    slow.go.set()
    refused = await declare(desk, provider, version_id, "too-long-a-one")
    assert (refused.status_code, refused.json()["reason_code"]) == (422, "takes_too_long") and slow.counted == 1

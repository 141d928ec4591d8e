"""How long the log is, how far it is signed and witnessed, and since when not, in numbers."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from services.audit.actions.telling import LogNumbers
from shared.metrics import Metrics
from tests.audit.watched import Watched, watched
from tests.support.bench import Bench


@pytest.fixture
async def watch(bench: Bench, tmp_path: Path) -> AsyncGenerator[Watched]:
    async with watched(bench, tmp_path) as made:
        yield made


async def told(watch: Watched, metrics: Metrics, numbers: LogNumbers) -> dict[str, float | None]:
    await numbers.tell()
    names = ("entries", "signed_entries", "witnessed_entries", "unsigned_age_seconds", "unwitnessed_age_seconds")
    return {name: metrics.registry.get_sample_value(f"yaosu_log_{name}") for name in names}


async def test_what_is_not_signed_and_not_witnessed_grows_old(watch: Watched):
    metrics, clock = Metrics("audit"), watch.log.bench.clock
    numbers = LogNumbers(watch.log.audit, metrics)
    assert list((await told(watch, metrics, numbers)).values()) == [0, 0, 0, 0, 0]
    await watch.grow(3)
    clock.advance(seconds=50)
    assert list((await told(watch, metrics, numbers)).values()) == [3, 3, 3, 0, 0], "an idle log is not late"
    await watch.log.source("trading", stripe=7).tell(2).send()
    clock.advance(seconds=10)
    assert list((await told(watch, metrics, numbers)).values()) == [5, 3, 3, 60, 0]
    await watch.log.audit.signer.sign()
    clock.advance(seconds=20)
    assert list((await told(watch, metrics, numbers)).values()) == [5, 5, 3, 0, 20]
    await watch.log.audit.witnessing.ask()
    assert list((await told(watch, metrics, numbers)).values()) == [5, 5, 5, 0, 0]


async def test_a_frozen_log_says_so_and_another_writer_is_another_epoch(watch: Watched):
    metrics = Metrics("audit")
    numbers = LogNumbers(watch.log.audit, metrics)
    await watch.grow(1)
    await numbers.tell()
    assert metrics.registry.get_sample_value("yaosu_log_frozen") == 0
    epoch = metrics.registry.get_sample_value("yaosu_log_sequencer_epoch") or 0
    watch.log.audit.sequencer.frozen_because = "a test says so"
    assert metrics.registry.get_sample_value("yaosu_log_frozen") == 1
    watch.restarted()
    await watch.grow(1)
    await numbers.tell()
    assert metrics.registry.get_sample_value("yaosu_log_sequencer_epoch") == epoch + 1

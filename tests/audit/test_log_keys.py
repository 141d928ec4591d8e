"""The log's key is followed by another without a day on which anybody is left with the wrong one."""

from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from services.audit import app as audit_app
from services.audit import jobs
from services.audit.actions.audit import Audit, compose
from services.audit.actions.monitor import Monitor
from services.audit.actions.rereading import LogContradictsItself
from services.audit.rules import checkpoint
from services.audit.rules.checkpoint import Note, VerifierKey
from services.audit.rules.handover import TooYoung
from services.audit.tables import metadata
from shared.database import Database
from shared.settings import Settings
from shared.signing import SigningKey
from tests.audit.conftest import KEY, AuditBench
from tests.audit.test_bundle import exported
from tests.support.bench import Bench
from verifier import yaosu_verify
from verifier.yaosu_verify import VERIFIED

NEXT = SigningKey.from_seed(b"next".ljust(32))


def verifier_key(key: SigningKey) -> VerifierKey:
    return VerifierKey("yaosu.example/log", key.public)


def restarted(log: AuditBench, key: SigningKey, following: SigningKey | None = None) -> Audit:
    """A fresh process with other settings, once the lease of the last one is over."""
    log.bench.clock.advance(seconds=16)
    parts = log.audit
    log.app.state.service = compose(
        parts.database, parts.outbox, parts.clock, parts.origin, key, following=following
    )  # fmt: skip
    return log.audit


async def grow(log: AuditBench, stripe: int) -> None:
    await log.source("trading", stripe).tell(3).send()
    await log.sign()


async def newest(log: AuditBench) -> Note:
    return checkpoint.parse_note((await log.get("/log/checkpoint")).text)


async def signers(log: AuditBench) -> list[SigningKey]:
    """Who signed the newest checkpoint."""
    return [key for key in (KEY, NEXT) if (await newest(log)).signatures_by(verifier_key(key))]


async def verdicts(log: AuditBench, folder: Path) -> list[int]:
    """The verifier's word for who trusts the key of before, the next one, and none."""
    bundle = str(await exported(log, folder))
    told = [verifier_key(KEY).text(), verifier_key(NEXT).text(), None]
    return [yaosu_verify.verify(bundle, key).exit_code() for key in told]


async def announced(log: AuditBench) -> int:
    await log.bench.cores["audit"].relay.tick()
    found = await log.read("/entries?limit=100")
    return sum('"act":"audit.log_key_announced"' in each["event"] for each in found["items"])


async def test_a_key_is_followed_after_both_have_signed_for_a_month(log: AuditBench, tmp_path: Path):
    await grow(log, 0)
    assert await signers(log) == [KEY]

    for _ in range(2):  # a second start says nothing anew
        restarted(log, KEY, NEXT)
        await log.sign()
    await grow(log, 1)
    assert await signers(log) == [KEY, NEXT]
    assert await verdicts(log, tmp_path) == [VERIFIED] * 3
    assert await announced(log) == 1

    log.bench.clock.advance(days=31)
    restarted(log, NEXT)
    await grow(log, 2)
    assert await signers(log) == [NEXT]
    assert await verdicts(log, tmp_path) == [VERIFIED] * 3

    parts = log.audit
    eyes = Database(parts.database.url, schema=parts.database.schema, clock=parts.clock)
    monitor = Monitor(parts, eyes)
    await monitor.tick()
    await eyes.close()
    assert monitor.size == checkpoint.parse_checkpoint((await newest(log)).text).size


@pytest.mark.parametrize("seconds, is_due", [(-1, False), (0, True), (1, True)])
async def test_a_key_that_did_not_sign_beside_the_other_for_long_enough_signs_nothing_alone(
    log: AuditBench, seconds: int, is_due: bool, caplog: pytest.LogCaptureFixture
):
    await grow(log, 0)
    start = log.bench.clock.now() + timedelta(seconds=16)
    restarted(log, KEY, NEXT)
    await log.sign()
    until = start + timedelta(days=30, seconds=seconds)
    log.bench.clock.advance(seconds=(until - log.bench.clock.now()).total_seconds() - 16)
    audit = restarted(log, NEXT)
    assert log.bench.clock.now() == until
    await log.source("trading", 1).tell(3).send()
    if is_due:
        assert await audit.witnessing.sign()
        return
    with pytest.raises(TooYoung) as refused:
        await audit.witnessing.sign()
    assert refused.value.facts["until"] == (start + timedelta(days=30)).isoformat()
    assert audit.sequencer.frozen_because is None
    caplog.clear()
    for _ in range(3):
        await jobs.tick(audit)
    [said] = [each for each in caplog.records if each.levelname == "ERROR"]
    assert said.exc_info is None and (start + timedelta(days=30)).isoformat() in said.getMessage()
    audit = restarted(log, KEY, NEXT)  # the way out
    assert await audit.witnessing.sign()


async def test_with_the_old_key_beside_it_the_next_one_may_come_first_at_once(log: AuditBench, tmp_path: Path):
    await grow(log, 0)
    restarted(log, KEY, NEXT)
    await log.sign()
    restarted(log, NEXT, KEY)
    await grow(log, 1)
    assert await signers(log) == [KEY, NEXT]
    assert await verdicts(log, tmp_path) == [VERIFIED] * 3
    assert await announced(log) == 1, "the old key does not follow the new one"


async def test_a_key_that_nobody_announced_signs_nothing(log: AuditBench):
    await grow(log, 0)
    audit = restarted(log, NEXT)
    await log.source("trading", 1).tell(1).send()
    with pytest.raises(LogContradictsItself):
        await audit.witnessing.sign()
    assert audit.sequencer.frozen_because


async def test_the_keys_come_from_the_settings(bench: Bench):
    secrets = {"log_key": SecretStr(KEY.pem()), "log_key_next": SecretStr(NEXT.pem()), "log_key_overlap_days": 90}
    bench.settings = bench.settings.model_copy(update=secrets)
    app = audit_app.build(await bench.core("audit", metadata))
    async with bench.serve(audit=app):
        keys = app.state.service.keys
        assert (keys.key, keys.following) == (verifier_key(KEY), verifier_key(NEXT))
    assert Settings().log_key_overlap_days == 30

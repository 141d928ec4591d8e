"""A receipt binds the log: whoever holds it shows what the log had taken, whatever the log says later."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services import __main__ as command_line
from shared.recovery import receipts
from tests.audit.conftest import AuditBench
from verifier import yaosu_verify
from verifier.yaosu_verify import INCOMPLETE, TAMPERED, UNDECIDED, VERIFIED, Report


async def bundle(log: AuditBench, folder: Path) -> Path:
    await log.sign()
    path = folder / "bundle.tar"
    path.write_bytes((await log.get("/bundle", log.regulator)).content)
    return path


def verified(path: Path, log: AuditBench, *receipts: bytes) -> Report:
    return yaosu_verify.verify(str(path), log.verifier_key.text(), receipts=receipts)


async def test_a_log_that_holds_what_it_promised_is_verified_with_its_receipts(log: AuditBench, tmp_path: Path):
    source, other = log.source().tell(5), log.source("catalog").tell(2)
    receipts = [(await source.send(1, 3)).content, (await other.send()).content, (await source.send(4)).content]
    report = verified(await bundle(log, tmp_path), log, *receipts, receipts[0])
    assert (report.exit_code(), report.counts["receipts"], report.status("receipts")) == (VERIFIED, 4, "ok")
    assert "receipts" not in verified(tmp_path / "bundle.tar", log).as_json()["checks"]
    (tmp_path / "receipt.json").write_bytes(receipts[2])
    options = ["--key", log.verifier_key.text(), "--receipt", str(tmp_path / "receipt.json")]
    assert CliRunner().invoke(command_line.app, ["verify", str(tmp_path / "bundle.tar"), *options]).exit_code == 0


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
async def test_a_batch_that_was_taken_and_dropped_convicts_the_log(log: AuditBench, tmp_path: Path):
    """The log forgets what it took, before it signed it, and takes other facts in its place."""
    held = (await log.source().tell(3).send()).content
    async with log.as_owner() as tx:
        for table in ("entries", "links", "tiles", "source_heads", "key_heads", "log"):
            await tx.exec_driver_sql(f"DELETE FROM {table}")
    forgetful = type(log.audit.sequencer)(log.audit.database)
    log.audit.signer._sequencer = forgetful  # pyright: ignore[reportPrivateUsage]
    object.__setattr__(log.audit, "sequencer", forgetful)
    await log.source().tell(4).send()
    report = verified(await bundle(log, tmp_path), log, held)
    first = report.first()
    assert first and (report.exit_code(), first.check, first.index) == (TAMPERED, "receipts", 2)
    assert verified(tmp_path / "bundle.tar", log).exit_code() == VERIFIED, "nothing else shows it"


async def test_what_a_source_kept_of_the_logs_promises_is_what_convicts_it(log: AuditBench, tmp_path: Path):
    core = log.bench.cores["audit"]
    for _ in range(3):  # each reading is an entry of the log's own, that its outbox sends like every other
        await log.read("/entries?limit=1")
        await core.relay.tick()
    kept = tmp_path / "receipts.jsonl"
    kept.write_text("".join([f"{each}\n" async for each in receipts(core.database)]))
    options = ["--key", log.verifier_key.text(), "--receipt", str(kept), "--json"]
    told = CliRunner().invoke(command_line.app, ["verify", str(await bundle(log, tmp_path)), *options])
    report = json.loads(told.stdout)
    assert (report["exit_code"], report["receipts"], report["checks"]["receipts"]) == (VERIFIED, 3, "ok")
    (tmp_path / "empty").touch()
    options = ["--key", log.verifier_key.text(), "--receipt", str(tmp_path / "empty")]
    told = CliRunner().invoke(command_line.app, ["verify", str(tmp_path / "bundle.tar"), *options])
    assert told.exit_code == UNDECIDED


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
async def test_a_bundle_that_ends_before_the_promise_is_incomplete(log: AuditBench, tmp_path: Path):
    path = await bundle(log, tmp_path)
    held = (await log.source().tell(3).send()).content
    report = verified(path, log, held)
    first = report.first()
    assert first and (report.exit_code(), first.check, first.expected) == (INCOMPLETE, "receipts", "entry 2")


SPOILT: dict[str, Callable[[dict[str, object]], object]] = {
    "another place": lambda told: told | {"last_index": 1}, "another hash": lambda told: told | {"last_hash": "0" * 64},
    "another time": lambda told: told | {"issued_at": "2030-01-01T00:00:01Z"}, "no signature": lambda told: {},
    "a list": lambda told: [], "no time": lambda told: told | {"issued_at": "noon"},
    "a member more": lambda told: told | {"more": 1},
}  # fmt: skip


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
async def test_what_the_log_did_not_sign_is_no_receipt_and_decides_nothing(
    log: AuditBench, tmp_path: Path, spoil: Callable[[dict[str, object]], object]
):
    held = (await log.source().tell(3).send()).json()
    report = verified(await bundle(log, tmp_path), log, json.dumps(spoil(held)).encode())
    assert (report.exit_code(), "no receipt of the log" in report.reason) == (UNDECIDED, True)

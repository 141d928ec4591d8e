"""What the verifier says of a made log, and what tests do to logs."""

from collections.abc import Callable
from pathlib import Path

from services.audit.rules import checkpoint
from tests.verifier.made_logs import LOG, MadeLog
from verifier import yaosu_verify
from verifier.yaosu_verify import CHECKS, Report

KEY = LOG.key.text()


def verified(log: MadeLog, folder: Path, key: str | None = KEY) -> Report:
    return yaosu_verify.verify(str(log.write(folder)), key)


def found(log: MadeLog, folder: Path, key: str | None = KEY) -> tuple[int, str, int | None]:
    """Exit code, and check and entry of the first divergence."""
    report = verified(log, folder, key)
    first = report.first()
    assert first
    return report.exit_code(), first.check, first.index if first.until is None else first.until


def failed(report: Report) -> set[str]:
    return {check for check in CHECKS if report.status(check) == "failed"}


def edited(leaves: list[bytes], index: int) -> list[bytes]:
    assert b"ok" in leaves[index]
    return [*leaves[:index], leaves[index].replace(b'"ok"', b'"deny"'), *leaves[index + 1 :]]


def checkpoint_root(log: MadeLog) -> bytes:
    note = checkpoint.parse_note(log.members["checkpoint"].decode())
    return checkpoint.parse_checkpoint(note.text).root


CUTS: dict[str, tuple[Callable[[list[bytes]], list[bytes]], int]] = {
    "an entry deleted from the middle": (lambda leaves: leaves[:4] + leaves[5:], 4),
    "two entries swapped":              (lambda leaves: [*leaves[:3], leaves[5], leaves[4], leaves[3], *leaves[6:]], 3),
    "an entry sent twice":              (lambda leaves: [*leaves[:5], leaves[4], *leaves[5:]], 5),
    "an entry replaced by its copy":    (lambda leaves: [*leaves[:5], leaves[4], *leaves[6:]], 5),
    "an entry added at the front":      (lambda leaves: [leaves[8], *leaves], 0),
}  # fmt: skip

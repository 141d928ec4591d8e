"""A market that was restored and not yet compared with its log is not opened: a file beside its tables says so."""

from pathlib import Path

NAME = "restored"


class NotCompared(RuntimeError):
    """This market was restored from a backup, and has not been compared with its log and witnesses yet."""


def put(var: Path) -> None:
    var.mkdir(parents=True, exist_ok=True)
    (var / NAME).touch()


def take_away(var: Path) -> None:
    (var / NAME).unlink(missing_ok=True)


def require_none(var: Path) -> None:
    """Raises NotCompared."""
    if (var / NAME).exists():
        raise NotCompared(
            "this market was restored from a backup and is not open: run `yaosu restored`, which says what is missing "
            "and what to do (docs/recovery.md)"
        )

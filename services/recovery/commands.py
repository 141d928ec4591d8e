"""The commands for a bad day: `yaosu backup`, `restore`, `restored`, `receipts` and `drill`."""

import asyncio
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console

from shared.clock import SystemClock
from shared.settings import SERVICES, Settings, with_development_secrets

if TYPE_CHECKING:
    from services.recovery.beginning import Found

SHOWN_MAX = 20
AcceptLoss = Annotated[bool, typer.Option("--accept-loss", help="Go on without what the log has and services lost.")]
AcceptSilence = Annotated[bool, typer.Option("--accept-silence", help="Go on though a witness does not answer.")]


Fail = Callable[[str], NoReturn]


def add_to(app: typer.Typer, out: Console, settings_of: Callable[[], Settings], fail: Fail) -> None:
    """Give the command line these commands."""

    def with_secrets() -> Settings:
        settings = settings_of()
        return with_development_secrets(settings) if settings.environment == "development" else settings

    @app.command(epilog="Example: `yaosu backup /backups/monday`")
    def backup(folder: Annotated[Path, typer.Argument(help="A new or empty folder.")]) -> None:  # pyright: ignore[reportUnusedFunction]
        """Copy all tables and contents as they are at one moment, while the market is open (SQLite).

        Keys are no part of it: the manifest names those that the market needs.
        """
        _back_up(with_secrets(), folder, out)

    @app.command(epilog="Example: `yaosu restore /backups/monday`")
    def restore(  # pyright: ignore[reportUnusedFunction]
        folder: Annotated[Path, typer.Argument(help="What `yaosu backup` made.")],
        replace: Annotated[bool, typer.Option("--replace", help="Put aside the market that is there.")] = False,
        accept_loss: AcceptLoss = False,
        accept_silence: AcceptSilence = False,
    ) -> None:
        """Put a backup in the place of the market, and do what `yaosu restored` does. The market must be closed."""
        settings = with_secrets()
        _restore(settings, folder, out, replace)
        _begin(settings, out, fail, accept_loss, accept_silence)

    @app.command(epilog="Example: `yaosu restored`")
    def restored(accept_loss: AcceptLoss = False, accept_silence: AcceptSilence = False) -> None:  # pyright: ignore[reportUnusedFunction]
        """After any restore, by whichever tool, and before the market is opened: void what is of before, and compare.

        Tokens, sessions and leases of before are void; the log is compared with its witnesses, services with the log.
        """
        _begin(with_secrets(), out, fail, accept_loss, accept_silence)

    @app.command(epilog="Example: `yaosu receipts trading > receipts.jsonl`")
    def receipts(  # pyright: ignore[reportUnusedFunction]
        service: Annotated[str, typer.Argument(help="Whose.")],
    ) -> None:
        """Print what the log promised a service of its facts, a line each, as the log's key signed it.

        For the day on which the log says otherwise: `yaosu verify BUNDLE --receipt receipts.jsonl` says whether it kept
        its word.
        """
        asyncio.run(_print_receipts(service, settings_of(), fail))

    @app.command(epilog="Example: `yaosu drill`")
    def drill(  # pyright: ignore[reportUnusedFunction]
        keep: Annotated[bool, typer.Option("--keep", help="Leave the market's files in var/drill afterwards.")] = False,
    ) -> None:
        """Lose a market of its own and get it back: a sale, a backup, a loss, a restore, and another sale."""
        from services.recovery import drill as drilling

        raise typer.Exit(asyncio.run(drilling.run(settings_of().var / "drill", keep=keep, out=out)))


async def _print_receipts(service: str, settings: Settings, fail: Fail) -> None:
    from services import market
    from shared.recovery import receipts

    if service not in SERVICES:
        fail(f"{service} is no service: {', '.join(SERVICES)}")
    database = market.database_of(service, settings, SystemClock())
    try:
        async for receipt in receipts(database):
            typer.echo(receipt)
    finally:
        await database.close()


def _back_up(settings: Settings, folder: Path, out: Console) -> None:
    from services.recovery.backup import back_up

    told = asyncio.run(back_up(settings, folder, SystemClock()))
    where = f" (they stay in {told.contents.place})" if told.contents.place else ""
    contents = f"{len(told.contents.files)} contents{where}"
    out.print(f"{folder}: six services at {told.made_at.isoformat()}, the log at {told.log.size}, {contents}")
    out.print(f"needed with it: {', '.join(told.needs)}")


def _restore(settings: Settings, folder: Path, out: Console, replace: bool) -> None:
    from services.recovery import restore as restoring

    told = asyncio.run(restoring.restore(settings, folder, SystemClock(), replace=replace))
    out.print(f"{settings.var}: as it was at {told.made_at.isoformat()}")


def _begin(settings: Settings, out: Console, fail: Fail, accept_loss: bool, accept_silence: bool) -> None:
    from services.recovery import beginning

    begun = beginning.begin(settings, SystemClock(), accept_loss=accept_loss, accept_silence=accept_silence)
    found = asyncio.run(begun)
    _print(out, found)
    if not found.may_open:
        fail("the market stays closed: " + "; ".join(found.reasons))
    out.print("the market may be opened")


def _print(out: Console, found: "Found") -> None:
    out.print(
        f"epoch {found.epoch}: no token of before is good, {found.sessions_ended} sessions ended, leases are void"
    )
    for each in found.witnesses:
        out.print(f"log at {found.log_size}: the witness {each.witness} {each.word} {each.detail}".rstrip())
    if not found.witnesses:
        out.print(f"log at {found.log_size}: no witness is known, so nobody can say whether it was longer")
    for stripe in found.stripes:
        if stripe.seq or stripe.log_seq:
            place = f"{stripe.service}, stripe {stripe.stripe}: {stripe.verdict}"
            out.print(f"{place} (it has {stripe.seq}, the log {stripe.log_seq})")
        for act, count in sorted(Counter(each.act for each in stripe.lost).items()):
            out.print(f"    lost: {count} × {act}")
        for each in stripe.lost[:SHOWN_MAX]:
            out.print(f"    number {each.seq}, entry {each.log_index}: {each.act}")
    if found.put_back or found.sent_again:
        out.print(f"{found.put_back} facts were put back from the log, {found.sent_again} are sent to it again")

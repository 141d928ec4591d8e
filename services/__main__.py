"""The command line `yaosu`: every command is a few lines over the parts, and nothing else stands here."""

import asyncio
import gc
import json
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from services.recovery import commands as recovery
from services.recovery import marker
from shared import log, tenancy
from shared.clock import SystemClock
from shared.database import Database, InUse
from shared.settings import SERVICES, Settings, with_development_secrets

app = typer.Typer(
    name="yaosu", no_args_is_help=True, add_completion=False, rich_markup_mode="markdown",
    help="Yaosu 要素: an exchange for data elements, with grades that bind and a log that anyone can verify.",
)  # fmt: skip
out = Console()
complaints = Console(stderr=True)


@app.command(epilog="Example: `yaosu serve` or, with PostgreSQL, `yaosu serve trading`")
def serve(
    service: Annotated[
        str | None, typer.Argument(help="One service, or `gateway`; without it, all in one process.")
    ] = None,
    port: Annotated[int | None, typer.Option(help="Where to listen; 0 takes any free port.")] = None,
) -> None:
    """Open the market: all services in one process on SQLite, or one service by itself.

    In development, log-ins for the platform's staff are made at the first start and printed.
    """
    if service not in (None, "gateway", *SERVICES):
        _fail(f"there is no service '{service}'; choose from {', '.join(SERVICES)}, gateway")
    settings = _settings()  # first: what is refused is refused before anything is loaded

    from services import opening, serving
    from shared import observing

    gc.disable()  # until all is built: nothing of it is garbage, and walking it again and again is a third of the time
    log.configure(settings.log_level, names=observing.names)
    clock = SystemClock()
    marker.require_none(settings.var)
    if service is None and settings.environment == "development":
        settings = with_development_secrets(settings)
    if service in SERVICES:
        asyncio.run(opening.require_good(service, settings, clock))
    found = opening.opened(service, settings, clock)
    if service is None and settings.environment == "development":
        _print_log_ins(settings)
    where = settings.host, settings.port if port is None else port, settings.log_level
    serving.run(found.door, *where, numbers=found.numbers, at_the_end=found.at_the_end)


@app.command(epilog="Example: `yaosu migrate` or `yaosu migrate trading`")
def migrate(
    service: Annotated[str | None, typer.Argument(help="One service; without it, all of them.")] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; fail if the tables are not the code's.")
    ] = False,
    statement_seconds: Annotated[
        float, typer.Option(min=1, help="On PostgreSQL, the longest that one statement may take.")
    ] = 60,
) -> None:
    """Bring the tables of the services to the newest revision. Safe to repeat, and with the old code still running.

    On PostgreSQL it waits for no lock longer than two seconds at a time, and says in the end who was in its way.
    """
    from services import market

    settings, clock = _settings(), SystemClock()
    names = [service] if service else list(SERVICES)
    if unknown := set(names) - set(SERVICES):
        _fail(f"there is no service '{unknown.pop()}'; choose from {', '.join(SERVICES)}")
    for name in names:
        asyncio.run(_migrate(market.database_of(name, settings, clock), check, statement_seconds))
        out.print(f"{name}: ok")


@app.command(epilog="Example: `yaosu roles`")
def roles() -> None:
    """Make the log-ins of PostgreSQL: one for each service, two that only read, and an owner that nobody logs in as.

    Asks for an administrator in `YAOSU_DATABASE_URL`, and for the log-ins' passwords in `YAOSU_DATABASE_PASSWORDS`.
    What each may do is given by `yaosu migrate`, which comes next. Safe to repeat; new passwords hold from then on.
    """
    from migrations.roles import LOG_INS, UnknownLogIn, ensure

    settings = _settings()
    if settings.database_url is None or not settings.database_url.get_secret_value().startswith("postgresql"):
        _fail("roles are PostgreSQL's: set YAOSU_DATABASE_URL to an administrator of it")
    url, told = settings.database_url.get_secret_value(), settings.database_passwords
    passwords = {name: password.get_secret_value() for name, password in told.items()}

    async def run() -> None:
        database = Database(url, schema="public", clock=SystemClock())
        try:
            async with database.transaction() as tx:
                await tx.run_sync(ensure, passwords)
        finally:
            await database.close()

    try:
        asyncio.run(run())
    except UnknownLogIn as unknown:
        _fail(str(unknown))
    out.print(f"{', '.join(LOG_INS)}: ok")


@app.command(epilog="Example: `yaosu reindex`")
def reindex() -> None:
    """Bring the catalogue's search index up to this code's tokeniser, with progress. Safe to repeat and to break off.

    The catalogue does the same by itself once it runs; until then, what it has not reached yet is found as before.
    """
    from services import market
    from services.catalog.actions import search

    async def run() -> int:
        database = market.database_of("catalog", _settings(), SystemClock())
        database.open()
        tenancy.work_for_everyone()
        try:
            return await search.reindex(database, lambda done, total: out.print(f"catalog: {done} of {total}"))
        finally:
            await database.close()

    out.print(f"catalog: {asyncio.run(run())} indexed")


@app.command(epilog="Example: `yaosu demo --keep`")
def demo(
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave the server's files in var/demo/market afterwards.")
    ] = False,
) -> None:
    """Watch one whole sale: a real server, real data, real HTTP, told step by step; under a minute.

    The report is left in var/demo/report.json; the exit code is 0 only if every step held.
    """
    try:
        from services.demo import story
    except ModuleNotFoundError as missing:
        _fail(f"{missing.name} is not installed: `make setup` brings what the demo needs, the extra 'demo'")
    raise typer.Exit(asyncio.run(story.tell(_settings().var / "demo", keep=keep, out=out)))


@app.command(epilog="Example: `yaosu verify var/demo/bundle.tar --key 'yaosu.example/log+…'`")
def verify(
    bundle: Annotated[Path, typer.Argument(help="The tar that a regulator exported.")],
    key: Annotated[str | None, typer.Option(help="The log's verifier key, from elsewhere than the bundle.")] = None,
    policy: Annotated[
        Path | None, typer.Option(help="Instead of a key: the policy with the log's key, its witnesses and the quorum.")
    ] = None,
    receipt: Annotated[
        list[Path] | None,
        typer.Option(help="What the log answered a source (`yaosu receipts`), a line each; may stand several times."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Check a bundle of the log, offline, from its bytes alone.

    Exit code 0: what was checked holds; 1: tampered; 2: incomplete; 3: this cannot be decided.
    """
    from verifier import yaosu_verify

    arguments = [str(bundle), *(["--key", key] if key else []), *(["--json"] if as_json else [])]
    arguments += ["--policy", str(policy)] if policy else []
    arguments += [part for path in receipt or () for part in ("--receipt", str(path))]
    raise typer.Exit(yaosu_verify.main(arguments))


@app.command(epilog="Example: `yaosu verify-certificate certificate.json --url http://127.0.0.1:8000`")
def verify_certificate(
    file: Annotated[Path, typer.Argument(help="The certificate.json that the register gave out.")],
    key: Annotated[
        Path | None,
        typer.Option(help="A file of the register's public keys in base64, one a line, or its list of keys as JSON."),
    ] = None,
    url: Annotated[
        str | None, typer.Option(help="The market, for its keys (unless --key) and for what is so now.")
    ] = None,
) -> None:
    """Check a registration certificate: by its signature alone with --key, also by the register's word with --url.

    Exit code 0: genuine, and it holds; 1: forged; 2: genuine, but expired, replaced, disputed, withdrawn or revoked;
    3: this cannot be decided.
    """
    from services import certificate_check

    verdict = certificate_check.check_file(file, key, url, SystemClock().now())
    for words in verdict.words:
        typer.echo(words)
    raise typer.Exit(verdict.code)


@app.command(epilog="Example: `yaosu replay bundle.tar` or `yaosu replay auction_… --url http://127.0.0.1:8000`")
def replay(
    source: Annotated[
        str, typer.Argument(metavar="AUCTION_ID|FILE", help="An auction, or a double auction, of a running market "
                            "(needs --url and a token); or a regulator's bundle; or a file of the log's lines, as a "
                            "change feed gives them.")
    ],
    auction: Annotated[str | None, typer.Option(help="Of a FILE, this auction alone; without it, all in it.")] = None,
    url: Annotated[str | None, typer.Option(help="The market, for an AUCTION_ID.")] = None,
    token: Annotated[
        str | None, typer.Option(envvar="YAOSU_TOKEN", help="A regulator's access token: who may read the log there.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:  # fmt: skip
    """Make an auction again from the log's facts and the opened commitments, and compare it with what was stored.

    Exit code 0: the same; 1: it differs; 2: incomplete, or not closed yet; 3: this cannot be decided.
    """
    from services import replay_check

    report = replay_check.check(source, auction, url, token)
    typer.echo(json.dumps(report.as_json(), ensure_ascii=False, indent=2) if as_json else report.as_text())
    raise typer.Exit(int(report.code))


@app.command(epilog="Example: `yaosu witness --name regulator.example/w1 --log 'yaosu.example/log+…'`")
def witness(
    name: Annotated[str, typer.Option(envvar="YAOSU_WITNESS_NAME", help="The name that it signs with, for ever.")],
    log_key: Annotated[
        list[str],
        typer.Option("--log", envvar="YAOSU_WITNESS_LOGS", help="A log's verifier key; may stand several times."),
    ],
    folder: Annotated[
        Path, typer.Option(envvar="YAOSU_WITNESS_FOLDER", help="Its key and its memory. Never set it back to a backup.")
    ] = Path("var/witness"),
    key: Annotated[
        str | None,
        typer.Option(
            envvar="YAOSU_WITNESS_KEY", help="Its Ed25519 key as PEM; without it, one is made and kept in the folder."
        ),
    ] = None,
    host: Annotated[str, typer.Option(envvar="YAOSU_HOST", help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(envvar="YAOSU_PORT", help="Where to listen; 0 takes any free port.")] = 8010,
) -> None:
    """Watch over logs that others keep: cosign each checkpoint that contains all that was cosigned before (C2SP).

    Whoever runs it needs nothing else of the market: one folder, one port. Its verifier key is printed at the start,
    for the policy of whoever asks for its word.
    """
    from services import serving
    from services import witness as program
    from services.audit.rules.checkpoint import parse_verifier_key

    log.configure("info")
    watching = program.open_witness(name, [parse_verifier_key(text) for text in log_key], folder, SystemClock(), key)
    typer.echo(watching.key.text())
    serving.run(program.build(watching), host, port, "info")


@app.command(epilog="Example: `yaosu custodian --platform-key O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik=`")
def custodian(
    platform_key: Annotated[
        str, typer.Option(envvar="YAOSU_CUSTODIAN_PLATFORM_KEY", help="Whose instructions it carries out: base64.")
    ],
    key: Annotated[
        str | None,
        typer.Option(
            envvar="YAOSU_SANDBOX_KEY", help="What its callbacks are signed with, Ed25519 as PEM; or a new one."
        ),
    ] = None,
    trading: Annotated[
        str, typer.Option(envvar="YAOSU_SANDBOX_CALLS", help="Where the callbacks go.")
    ] = "http://trading:8000",
    folder: Annotated[
        Path, typer.Option(envvar="YAOSU_VAR", help="Where its book is kept, for wallets outlive it.")
    ] = Path("var"),
    host: Annotated[str, typer.Option(envvar="YAOSU_HOST", help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(envvar="YAOSU_PORT", help="Where to listen; 0 takes any free port.")] = 8020,
) -> None:
    """Play a custodian with pretend money, for a trial: a market has a licensed institution in its place.

    It pays in whatever anybody asks for. `GET /health/ready` tells its public key.
    """
    from services import custodian_sandbox, serving
    from shared.rest import Directory
    from shared.signing import SigningKey, public_key_of

    log.configure("info")
    own = SigningKey.from_pem(key) if key else SigningKey.new()
    folder.mkdir(parents=True, exist_ok=True)
    door = custodian_sandbox.build(
        Directory({"trading": trading}), SystemClock(), public_key_of(platform_key), own, folder / "custodian.jsonl"
    )
    serving.run(door, host, port, "info")


@app.command(epilog="Example: `yaosu log-key --next`")
def log_key(
    following: Annotated[bool, typer.Option("--next", help="That of the key which will follow it.")] = False,
) -> None:
    """Print the log's verifier key: what a regulator verifies with, and a witness and a policy must know."""
    from services.audit.rules.checkpoint import VerifierKey
    from shared.signing import SigningKey

    settings = _settings()
    settings = with_development_secrets(settings) if settings.environment == "development" else settings
    if following and settings.log_key_next is None:
        raise typer.BadParameter("no key follows: set YAOSU_LOG_KEY_NEXT", param_hint="--next")
    secret = settings.log_key_next if following else settings.log_key
    key = SigningKey.from_pem(secret.get_secret_value() if secret else settings.require_secret("log_key"))
    typer.echo(VerifierKey(settings.log_origin, key.public).text())


@app.command(epilog="Example: `yaosu openapi > openapi.json`")
def openapi() -> None:
    """Print the API of all services as one OpenAPI document."""
    from services import gateway

    typer.echo(json.dumps(gateway.document(), ensure_ascii=False, indent=2))


@app.command(epilog="Example: `yaosu operator li.na operator_business`")
def operator(
    login: Annotated[str, typer.Argument(help="The name to log in with.")],
    role: Annotated[str, typer.Argument(help="operator_business, operator_system, operator_security, operator_audit, "
                                             "regulator or arbiter")],
    password: Annotated[str, typer.Option(
        prompt=True, hide_input=True, confirmation_prompt=True, envvar="YAOSU_PASSWORD", help="15 characters or more")],
) -> None:  # fmt: skip
    """Give a person of the platform's staff, or the regulator, their first log-in. Asks for the password."""
    from services import staff

    asyncio.run(staff.add(_settings(), staff.LogIn(login, password, role)))
    out.print(f"{login}: {role}")


recovery.add_to(app, out, lambda: _settings(), lambda said: _fail(said))


def main() -> None:
    try:
        app()
    except (InUse, RuntimeError, ValueError) as error:
        _fail(str(error))


def _settings() -> Settings:
    try:
        return Settings()
    except ValidationError as error:
        for found in error.errors():
            place = ".".join(str(part) for part in found["loc"])
            complaints.print(f"[red]settings:[/red] {place} {found['msg']}".replace("Value error, ", ""))
        raise typer.Exit(2) from error


async def _migrate(database: Database, check: bool, statement_seconds: float) -> None:
    from migrations import newest, schema
    from migrations.patience import Patience

    database.open()
    try:
        if not check:
            await schema.upgrade(database, patience=Patience(statement_seconds=statement_seconds))
        await newest.require(database)
        if differences := await schema.drift(database):
            _fail(f"{database.schema}: the migrations leave other tables than the code has: {'; '.join(differences)}")
    finally:
        await database.close()


def _print_log_ins(settings: Settings) -> None:
    from services import staff

    table = Table(
        "log-in", "password", "role", title=f"Yaosu 要素 · development · http://{settings.host}:{settings.port}"
    )
    for member in staff.development_log_ins(settings):
        table.add_row(member.login, member.password, member.role)
    out.print(table)
    out.print(f"API: http://{settings.host}:{settings.port}/docs")


def _fail(message: str) -> NoReturn:
    complaints.print(f"[red]yaosu:[/red] {escape(message)}", soft_wrap=True)
    raise SystemExit(2)


if __name__ == "__main__":
    main()

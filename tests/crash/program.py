"""The product's own servers, each of which may be ended at any named point: `python -m tests.crash.program`.

Told on its input, one JSON object a line: what to run, and in which environment. Everything is loaded once and each
server is a fork, so that a kill costs a second and not an import. Says who began and who ended, one JSON object a line.
Leases are short here: what a dead process held is free again within seconds, and not within a minute.
"""

import asyncio
import base64
import ctypes
import json
import os
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import uvicorn

from migrations import roles, schema
from services import __main__ as command_line
from services import custodian_sandbox, gateway, market, staff
from services.audit.actions import sequencer
from services.demo.shelves import NAMES
from shared import faultpoint, outbox, relay
from shared.clock import SystemClock
from shared.database import Database
from shared.rest import Directory
from shared.settings import SERVICES, Settings, with_development_secrets
from shared.signing import SigningKey

DIES_WITH_PARENT = 1  # PR_SET_PDEATHSIG
LEASE_SECONDS = 6
_ = NAMES  # the people of the workload are the demo's: loaded here, so that nothing is left to load


def main() -> None:
    outbox.LEASE = sequencer.LEASE = timedelta(seconds=LEASE_SECONDS)
    relay.RENEW_SECONDS = LEASE_SECONDS / 3
    _load()
    threads = threading.active_count()
    assert threads == 1, f"{threads} threads, of which a fork would keep one"
    signal.signal(signal.SIGCHLD, _tell_of_ends)
    for line in sys.stdin:
        told = json.loads(line)
        child = os.fork()
        if child == 0:
            _be(told["what"], told["environment"], told["log"])
        _say(began=told["name"], pid=child)


def serve(settings: dict[str, str], name: str) -> None:
    port = int(settings["YAOSU_PORT"])
    command_line.serve(None if name == "market" else name, port)


def prepare(settings: dict[str, str]) -> None:
    """The log-ins of PostgreSQL, its tables, and the platform's people."""
    told = Settings()
    passwords = json.loads(settings["CRASH_PASSWORDS"])

    async def run() -> None:
        database = Database(settings["YAOSU_DATABASE_URL"], schema="public", clock=SystemClock())
        async with database.transaction() as tx:
            await tx.run_sync(roles.ensure, passwords)
        await database.close()
        for service in SERVICES:
            own = market.database_of(service, told, SystemClock())
            await schema.upgrade(own)
            await own.close()
        for log_in in staff.development_log_ins(told):
            await staff.add(told, log_in)

    asyncio.run(run())


def custodian(settings: dict[str, str]) -> None:
    """The custodian to play with, in a process of its own."""
    directory = Directory({"trading": settings["CRASH_TRADING_URL"]})
    key, platform = (SigningKey.from_pem(settings[name]) for name in ("CRASH_CUSTODIAN_KEY", "CRASH_PLATFORM_KEY"))
    file = Path(settings["YAOSU_VAR"]) / "custodian.jsonl"
    app = custodian_sandbox.build(directory, SystemClock(), platform.public, key, file)
    assert app.state.public_key == base64.b64encode(key.public).decode()
    uvicorn.run(app, port=int(settings["YAOSU_PORT"]), log_config=None)


OTHERS: dict[str, Callable[[dict[str, str]], None]] = {"prepare": prepare, "custodian": custodian}


class Strike:
    """Ends the process at the point that the file names, once it has been passed so many times."""

    def __init__(self, file: Path) -> None:
        self._file, self._wanted, self._passed = file, "", 0

    def __call__(self, name: str) -> None:
        try:
            wanted = self._file.read_text()
        except FileNotFoundError:
            return
        if wanted != self._wanted:
            self._wanted, self._passed = wanted, 0
        point, _, times = wanted.partition(" ")
        if name == point:
            self._passed += 1
            if self._passed >= int(times):
                self._file.unlink()
                os.kill(os.getpid(), signal.SIGKILL)


def _be(what: str, settings: dict[str, str], log: str) -> None:
    """The life of a server, to its end."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    ctypes.CDLL(None).prctl(DIES_WITH_PARENT, signal.SIGKILL)
    said = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(said, stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ.update(settings)
    faultpoint.arm(Strike(Path(settings["CRASH_STRIKE"])))
    code = 1
    try:
        OTHERS.get(what, lambda settings: serve(settings, what))(settings)
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    except BaseException as error:
        traceback.print_exception(error)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _load() -> None:
    """Build a market once, so that what is kept for each route is kept before the first fork."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["YAOSU_VAR"] = folder
        settings = with_development_secrets(Settings())
        market.build_market(settings, SystemClock())
        gateway.document()


def _tell_of_ends(_: int, __: object) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        _say(ended=pid, code=os.waitstatus_to_exitcode(status))


def _say(**told: Any) -> None:
    os.write(1, (json.dumps(told) + "\n").encode())


if __name__ == "__main__":
    main()

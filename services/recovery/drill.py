"""`yaosu drill`: a market of its own is lost and got back, with nothing but the commands that an operator has.

The disaster: a backup was made, trade went on, then every table but the log's was lost. What must be seen: a log that
was set back too is caught by its witness and the market stays closed; with the log's later copy, what the services lost
is named fact by fact; accepted, the market opens, no token of before is good, and another sale ends as the first did.
"""

import asyncio
import os
import shutil
import signal
import socket
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from httpx2 import AsyncClient, HTTPError, Timeout
from rich.console import Console
from rich.markup import escape

from services.audit.rules.checkpoint import COSIGNATURE, VerifierKey
from services.audit.rules.policy import KnownLog, Policy, Witness
from services.demo import bidding, deals, shelves
from services.demo.market import Market
from services.demo.people import Person, Refused, StepFailed, expect
from services.demo.server import READY_SECONDS_MAX, free_ports, gets_ready
from shared.clock import Stopwatch
from shared.settings import SERVICES, Settings, with_development_secrets
from shared.signing import SigningKey

WITNESS = "drill.example/w1"
SET_BY_OTHERS = ("YAOSU_", "DATABASE_URL")


@dataclass(frozen=True, slots=True)
class Ended:
    code: int
    said: str


class Scene:
    """The drill's market and its witness, as processes on files of their own."""

    def __init__(self, folder: Path, out: Console) -> None:
        self.folder, self.var, self.out = folder, folder / "market", out
        self.port, self.witness_port = free_ports(2)
        self.base_url = f"http://127.0.0.1:{self.port}"
        self._witness_key = SigningKey.new()
        kept = {name: value for name, value in os.environ.items() if not name.startswith(SET_BY_OTHERS)}
        self._environment = kept | {
            "YAOSU_VAR": str(self.var), "YAOSU_MARKET_RULES": "demo", "YAOSU_LOG_LEVEL": "error",
            "YAOSU_ISSUER": f"{self.base_url}/identity", "YAOSU_LOG_POLICY": str(folder / "policy"),
            "YAOSU_WITNESS_KEY": self._witness_key.pem(),
        }  # fmt: skip

    def write_policy(self) -> str:
        """Returns the log's verifier key, which its witness has to know."""
        settings = with_development_secrets(Settings(var=self.var))
        log = VerifierKey(settings.log_origin, SigningKey.from_pem(settings.require_secret("log_key")).public)
        witness = VerifierKey(WITNESS, self._witness_key.public, COSIGNATURE)
        policy = Policy(
            (KnownLog(log),), (Witness("w1", witness, f"http://127.0.0.1:{self.witness_port}/"),), quorum="w1"
        )
        (self.folder / "policy").write_text(policy.text())
        return log.text()

    async def command(self, *arguments: str) -> Ended:
        """What an operator types, and what it says."""
        self.out.print(f"  [bold]$ yaosu {' '.join(arguments)}[/bold]", highlight=False, soft_wrap=True)
        process = await self._start(*arguments, to=asyncio.subprocess.PIPE)
        said = (await process.communicate())[0].decode()
        for line in said.splitlines():
            self.out.print(f"    {escape(line)}", highlight=False, soft_wrap=True)
        return Ended(await process.wait(), said)

    @asynccontextmanager
    async def witness(self, log: str) -> AsyncGenerator[None]:
        told = ("witness", "--name", WITNESS, "--log", log, "--folder", str(self.folder / "witness"))
        async with self._running(*told, "--port", str(self.witness_port)) as process:
            await _until_open(self.witness_port, process)
            yield

    @asynccontextmanager
    async def market(self) -> AsyncGenerator[AsyncClient]:
        """The market, open. It is killed at the end: a disaster asks nobody."""
        async with (
            self._running("serve", "--port", str(self.port)) as process,
            AsyncClient(base_url=self.base_url, timeout=Timeout(30)) as client,
        ):
            if not await gets_ready(client, process):
                raise StepFailed("the market did not open")
            yield client

    def lose(self, later: Path) -> None:
        """Everything is gone but the log's tables, which are elsewhere."""
        later.mkdir()
        for path in self.var.glob("audit.db*"):
            shutil.copyfile(path, later / path.name)
        for service in SERVICES:
            for path in self.var.glob(f"{service}.db*"):
                path.unlink()
        shutil.rmtree(self.var / "delivery" / "content")

    def bring(self, later: Path) -> None:
        """The later copy of the log's tables, in the place of what the backup had of them."""
        for path in self.var.glob("audit.db*"):
            path.unlink()
        for path in later.iterdir():
            shutil.copyfile(path, self.var / path.name)

    async def _start(self, *arguments: str, to: int) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services", *arguments, env=self._environment, stdout=to,
            stderr=asyncio.subprocess.STDOUT if to == asyncio.subprocess.PIPE else to,
        )  # fmt: skip

    @asynccontextmanager
    async def _running(self, *arguments: str) -> AsyncGenerator[asyncio.subprocess.Process]:
        with (self.folder / f"{arguments[0]}.log").open("ab") as log:
            process = await self._start(*arguments, to=log.fileno())
        try:
            yield process
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGKILL)
            await process.wait()


async def run(folder: Path, *, keep: bool, out: Console) -> int:
    """Returns 0 if everything was seen that must be."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    watch, scene, failed = Stopwatch(), Scene(folder.absolute(), out), ""
    try:
        async with scene.witness(scene.write_policy()):
            await _play(scene)
    except (StepFailed, Refused, HTTPError) as error:
        failed = str(error)
        out.print(f"[red]{escape(failed)}[/red]", soft_wrap=True)
    if not keep and not failed:
        shutil.rmtree(folder, ignore_errors=True)
    out.print(f"{'[red]failed[/red]' if failed else '[green]ok[/green]'} · {watch.seconds():.1f} s", soft_wrap=True)
    return 1 if failed else 0


async def _play(scene: Scene) -> None:
    backup, later, out = str(scene.folder / "backup"), scene.folder / "later", scene.out
    async with scene.market() as client:
        market = Market(client, scene.folder, out)
        await _open(market)
        await deals.sell_desensitised_persons(market)
        expect((await scene.command("backup", backup)).code == 0, "a market that is open can be backed up")
        out.print("[bold]trade goes on[/bold]")
        await deals.sell_desensitised_persons(market)
        lost = market.settled[-1]
        await _until_logged(market)
        of_before = market.people[shelves.ALPHA].at(client)
    out.print("[bold red]the market is killed, and every table but the log's is lost[/bold red]")
    scene.lose(later)
    await _get_back(scene, backup, later)
    async with scene.market() as client:
        await _go_on(market, client, of_before, lost)
    again = await scene.command("restored")
    expect(again.code == 0 and "lost" not in again.said, "log, witness and services agree")


async def _open(market: Market) -> None:
    await shelves.open_market(market)
    await shelves.admit_participants(market)
    await shelves.bring_persons(market)
    await shelves.grade(market, shelves.PERSONS)
    await shelves.register(market, shelves.PERSONS)
    await bidding.pay_in(market)


async def _get_back(scene: Scene, backup: str, later: Path) -> None:
    set_back = await scene.command("restore", backup)
    expect(set_back.code != 0 and "was set back" in set_back.said, "a log that was set back is caught by its witness")
    closed = await scene.command("serve")
    expect(closed.code != 0 and "yaosu restored" in closed.said, "a market that contradicts its witness stays closed")
    scene.out.print("[bold]the log's tables come from a later copy[/bold]")
    scene.bring(later)
    behind = await scene.command("restored")
    expect(behind.code != 0 and "lost: 1 × trading.order_settled" in behind.said, "what was lost is named")
    expect((await scene.command("restored", "--accept-loss")).code == 0, "accepted, the market may be opened")


async def _go_on(market: Market, client: AsyncClient, of_before: Person, lost: str) -> None:
    market.client = client
    market.people = {name: person.at(client) for name, person in market.people.items()}
    answer = await client.get("/trading/v1/wallet", headers=of_before.headers())
    expect((answer.status_code, answer.json()["code"]) == (401, "invalid_token"), "no token of before is good")
    market.note("旧令牌 a token of before: 401 invalid_token")
    await shelves.log_in_again(market)
    gone = await client.get(f"/trading/v1/orders/{lost}", headers=market.people[shelves.ALPHA].headers())
    expect(gone.status_code == 404, "what was lost is not there")
    await deals.sell_desensitised_persons(market)
    await _until_logged(market)


async def _until_logged(market: Market) -> None:
    """Until the log has the last sale's settlement, and its witness has confirmed it."""
    regulator, order = market.people["regulator"], market.settled[-1]

    def is_witnessed(seen: Any) -> bool:
        return any("order_settled" in entry["event"] and entry["state"] == "witnessed" for entry in seen["items"])

    await market.until(
        lambda: regulator.get("/audit/v1/entries", object=order, limit=100), is_witnessed, "the witness's word"
    )


async def _until_open(port: int, process: asyncio.subprocess.Process) -> None:
    for _ in range(READY_SECONDS_MAX * 10):
        with socket.socket() as probe:
            if process.returncode is not None or probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        await asyncio.sleep(0.1)

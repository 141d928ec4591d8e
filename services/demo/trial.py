"""The whole sale at a market of containers, through its door: `make trial`, after `docker compose up --wait`.

Everyone acts over HTTP alone, with TLS as the market's own certificate says and a second factor as production asks for
one; what only an operator of the machine can do, the first log-ins of the staff, is done by `yaosu operator` inside a
container. Once for each market: what is told twice would be offered twice, and a copy is refused.
"""

import argparse
import asyncio
import json
import re
import secrets
import ssl
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from httpx2 import AsyncBaseTransport, AsyncClient, AsyncHTTPTransport, Request, Response, Timeout, TransportError
from rich.console import Console

from services.demo import bidding, deals, proof, shelves
from services.demo.market import Market
from services.demo.people import Person, StepFailed, expect
from services.demo.story import STEPS, Act, Step, tell_at
from shared.clock import SystemClock

STAFF = {"security": "operator_security", "business": "operator_business", "regulator": "regulator"}
AUCTION_SECONDS = 25
KILLED_AFTER_SECONDS = 0.5
TRIES = 10
WAIT_SECONDS = 1.0
TIMEOUT_SECONDS = 30
LOOKS_MAX = 1200  # for two minutes and more
WITNESS = "regulator"  # as the policy of docker-compose.yml calls it


class Patient(AsyncBaseTransport):
    """Asks again, and with the same key, where an answer did not come or said that it could not be had now."""

    def __init__(self, verify: ssl.SSLContext | bool) -> None:
        self._asked = AsyncHTTPTransport(verify=verify)

    async def handle_async_request(self, request: Request) -> Response:
        for left in reversed(range(TRIES)):
            try:
                response = await self._asked.handle_async_request(request)
                if response.status_code != 503 or not left or not _may_be_sent_again(request):
                    return response
                await response.aclose()
            except TransportError:
                if not left or not _may_be_sent_again(request):
                    raise
            await asyncio.sleep(WAIT_SECONDS)
        raise AssertionError("the last try returns or raises")

    async def aclose(self) -> None:
        await self._asked.aclose()


def _may_be_sent_again(request: Request) -> bool:
    return request.method in {"GET", "PUT"} or "Idempotency-Key" in request.headers


def steps_with(killed: str | None) -> list[Step]:
    """The story's own, but for what a market of containers has otherwise, and has beside it."""
    otherwise: dict[Act, Act] = {
        shelves.open_market: open_market,
        bidding.list_airports: list_airports,
        deals.receive: receive_by_the_door,
        proof.verify_bundle: verify_with_its_witness,
    }
    if killed:
        otherwise[bidding.bid] = _bidding_while_one_dies(killed)
    return [(name, chinese, otherwise.get(step, step)) for name, chinese, step in STEPS]


async def open_market(market: Market) -> None:
    """Make log-ins for the platform's people, who then enrol their second factor."""
    await asyncio.gather(*(_employ(market, who) for who in STAFF))
    market.note(f"{market.client.base_url} · {len(STAFF)} 名平台与监管人员 staff logged in, by a second factor each")


async def _employ(market: Market, who: str) -> None:
    password = secrets.token_hex(32)  # of the letters a to f: no name happens to be within it
    made = ("identity", "yaosu", "operator", who, STAFF[who])
    await _compose("exec", "-T", "-e", f"YAOSU_PASSWORD={password}", *made)
    person = market.people[who] = Person(who, market.client)
    await market.first_log_in(person, who, password)


async def list_airports(market: Market) -> None:
    await bidding.open_auction(market, SystemClock().now() + timedelta(seconds=AUCTION_SECONDS))


async def receive_by_the_door(market: Market) -> None:
    """What delivery decided, charged and recorded was sent by nginx, from the volume that both of them see."""
    await deals.receive(market)
    order = await market.people[shelves.BETA].get(f"/trading/v1/orders/{market.things['order']}")
    regulator = market.people["regulator"]

    async def look() -> list[str]:
        entries = (await regulator.get("/audit/v1/entries", object=order["entitlement_id"], limit=100))["items"]
        events = [json.loads(entry["event"]) for entry in entries]
        return [event["data"]["reason_code"] for event in events if event["act"] == "delivery.delivery_ended"]

    reasons = await market.until(look, bool, "the delivery in the log")
    expect(reasons == ["handed_over"], f"the door sends the content, not {reasons}")
    market.note("nginx 直送 sent by the door (X-Accel-Redirect)")


async def verify_with_its_witness(market: Market) -> None:
    """Verify the bundle offline, by a policy that asks for the witness's word on the same log."""
    told = market.things["settings"]
    policy = market.folder / "policy"
    policy.write_text(
        f"log {told['YAOSU_LOG_VERIFIER_KEY']}\nwitness {WITNESS} {told['YAOSU_WITNESS_VERIFIER_KEY']}\n"
        f"quorum {WITNESS}\n"
    )
    await proof.verify_bundle(market, "--policy", str(policy))
    expect(market.report["log"]["witnesses"] != {}, "the witness cosigned what was exported")
    market.note(f"见证 witnessed by {', '.join(market.report['log']['witnesses'])}")


def _bidding_while_one_dies(service: str) -> Act:
    """The bidding, with a replica killed when its war is on, so that the late bid finds another."""

    async def bid(market: Market) -> None:
        await asyncio.gather(bidding.bid(market), _kill_one(market, service))

    return bid


async def _kill_one(market: Market, service: str) -> None:
    replicas = (await _compose("ps", "-q", service)).split()
    expect(len(replicas) > 1, f"there is another replica of {service} beside the one to kill")
    await asyncio.sleep(KILLED_AFTER_SECONDS)
    await _run("docker", "kill", replicas[0])
    market.note(f"{service} 副本 replica {replicas[0][:12]} [red]killed[/red], {len(replicas) - 1} left")


async def _compose(*arguments: str) -> str:
    return await _run("docker", "compose", *arguments)


async def _run(*command: str) -> str:
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StepFailed(f"{' '.join(command[:4])} …: {done.stderr.strip()}")
    return done.stdout


def settings_in(file: Path) -> dict[str, str]:
    """What `make compose-env` wrote."""
    return dict(re.findall(r"^(\w+)='(.*?)'$", file.read_text(), re.MULTILINE | re.DOTALL))


@asynccontextmanager
async def _market(url: str, settings: dict[str, str], folder: Path, out: Console) -> AsyncGenerator[Market]:
    verify = ssl.create_default_context(cadata=settings["YAOSU_TLS_CERTIFICATE"])
    async with AsyncClient(base_url=url, transport=Patient(verify), timeout=Timeout(TIMEOUT_SECONDS)) as client:
        things = {"settings": settings}
        yield Market(client, folder, out, things=things, in_production=True, looks_max=LOOKS_MAX)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m services.demo.trial", description=__doc__)
    parser.add_argument("--settings", type=Path, default=Path(".env"), help="what `make compose-env` wrote")
    parser.add_argument("--url", help="the market's address (default: its public one, in the settings)")
    parser.add_argument("--kill", metavar="SERVICE", help="kill a replica of it in the middle of the auction")
    asked = parser.parse_args()
    if not asked.settings.exists():
        parser.error(f"there is no {asked.settings}: make compose-env && docker compose up --wait")
    settings, folder, out = settings_in(asked.settings), Path("var/trial"), Console()
    opening = _market(asked.url or settings["YAOSU_PUBLIC_URL"], settings, folder, out)
    return asyncio.run(tell_at(opening, steps_with(asked.kill), folder, out))


if __name__ == "__main__":
    sys.exit(main())

"""Lets schemathesis ask a market of its own whatever its OpenAPI document offers, as two organisations by turns.

python -m supply.fuzz .venv-fuzz/bin [what `schemathesis run` takes, e.g. --max-examples 300 --seed 7]

Promises: no answer is a 5xx, and none is of another status, type or shape than the document tells. What one
organisation made is asked for by the other too, where schemathesis can tell whose it is: it takes for public whatever
visitors may ask for, and for shared whatever both can list, so the project's own tests remain the proof of that. The
market is a process with files of its own, both gone afterwards. What is refused though its shape is good, and the other
way about, is no fault here: rules know more than schemas.
"""

import asyncio
import json
import secrets
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from urllib.parse import urlencode

from httpx2 import AsyncClient

from services.demo import shelves
from services.demo.people import Person
from services.demo.server import running

CODES = {"first": "91310000147774850J", "second": "91310000519946222K"}  # of two organisations
PASSWORD = secrets.token_urlsafe(24)
LEFT_OUT = "positive_data_acceptance,negative_data_rejection"
DEFAULTS = ("--phases", "coverage,fuzzing,stateful", "--max-examples", "10")
# Guesses at one's own password, after ten of which a name waits and the rest would be asked by nobody: last, and apart.
GUESSES = "/me/(password|second-factor)"
APART = (("--exclude-path-regex", GUESSES), ("--include-path-regex", GUESSES))
CLEARANCE = "C2"
MAKING_SECONDS_MAX = 120
SECONDS_OF_A_LOG_IN = 300  # half of a token's life
# A hundred log-ins that chance tries in vain would otherwise keep the two out, and the rest be asked by nobody.
UNHINDERED = MappingProxyType({"YAOSU_LOG_INS_PER_NETWORK_MAX": "1000000"})


async def admit(client: AsyncClient, folder: Path) -> None:
    """Two organisations that may provide and buy, each with an administrator who goes by its name."""
    log_ins = json.loads((folder / "keys" / "development-log-ins.json").read_text())
    passwords = {each["login"]: each["password"] for each in log_ins}
    anyone, security = Person("anyone", client), Person("security", client)
    await security.log_in("security", passwords["security"])
    for name, code in CODES.items():
        administrator = {"login": name, "password": PASSWORD}
        wanted = {"name": f"{name} 有限公司", "uscc": code, "roles": ["provider", "buyer"]}
        wanted |= {"administrator": administrator, "documents": await shelves.documents_for(anyone, CLEARANCE)}
        applied = await anyone.post("/identity/v1/applications", wanted)
        participant = f"/identity/v1/participants/{applied['id']}"
        await shelves.check_documents(security, participant)
        await security.post(f"{participant}/admit", {"clearance": CLEARANCE, "reason": "to be asked by chance"})


def write_configuration(folder: Path) -> None:
    """Who asks, in the form of the Web Fuzzing Commons; and that neither may see what is the other's."""
    token = {
        "extractFrom": "body", "extractSelector": "/access_token", "sendIn": "header", "sendName": "Authorization",
        "sendTemplate": "Bearer {token}",
    }  # fmt: skip
    users = [
        {
            "name": name,
            "loginEndpointAuth": {
                "endpoint": "/identity/v1/token", "verb": "POST", "contentType": "application/x-www-form-urlencoded",
                "payloadRaw": urlencode({"grant_type": "password", "username": name, "password": PASSWORD}),
                "token": token,
            },
        }
        for name in CODES
    ]  # fmt: skip
    (folder / "auth.json").write_text(json.dumps({"auth": users}))
    settings = f'path = "auth.json"\npeers = {json.dumps(list(CODES))}\nrefresh_interval = {SECONDS_OF_A_LOG_IN}\n'
    (folder / "schemathesis.toml").write_text(f"[auth.wfc]\n{settings}")


async def fuzz(tools: Path, options: list[str]) -> int:
    with TemporaryDirectory() as name:
        folder = Path(name)
        async with running(folder / "market", UNHINDERED) as base_url, AsyncClient(base_url=base_url) as client:
            await admit(client, folder / "market")
            await client.get("/openapi.json", timeout=MAKING_SECONDS_MAX)  # made now, and then at hand
            write_configuration(folder)
            told = ["run", f"{base_url}/openapi.json", "--exclude-checks", LEFT_OUT, "--continue-on-failure"]
            command = [tools / "schemathesis", *told, *(options or DEFAULTS)]
            runs = [
                await asyncio.to_thread(subprocess.run, [*command, *part], cwd=folder, check=False) for part in APART
            ]
            return max(run.returncode for run in runs)


if __name__ == "__main__":
    sys.exit(asyncio.run(fuzz(Path(sys.argv[1]).absolute(), sys.argv[2:])))

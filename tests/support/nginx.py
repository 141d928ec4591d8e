"""A real nginx on the project's own configuration, where there is one on the machine.

Only what names the container is changed: ports, addresses of services, folders. Every service is the one at `port`.
"""

import asyncio
import os
import re
import shutil
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from httpx2 import AsyncClient, HTTPError

from tests.support.ports import free_port

ROOT = Path(__file__).parent.parent.parent
PROGRAM = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
NO_NGINX = "no nginx on this machine (Debian: apt-get install nginx-light): what only it can show is not tested"
READY_SECONDS_MAX = 10


@asynccontextmanager
async def nginx(
    folder: Path, service_port: int, contents: Path, *, more: str = "", tls: tuple[int, Mapping[str, str]] | None = None
) -> AsyncGenerator[str]:
    """Its address. Requires `PROGRAM`, and a folder of its own; `contents` are those of delivery, `more` locations;
    `tls` a port, and the settings of a trial with their certificate."""
    assert PROGRAM
    port, conf = free_port(), folder / "nginx.conf"
    folder.mkdir(parents=True, exist_ok=True)
    text = _conf(folder, port, service_port, contents, tls[0] if tls else None)
    for name, part in (("tls.crt", "CERTIFICATE"), ("tls.key", "KEY")):
        (folder / name).write_text(tls[1][f"YAOSU_TLS_{part}"] + "\n" if tls else "")
    conf.write_text(text.replace("        location / {", f"        {more}\n        location / {{"))
    process = await asyncio.create_subprocess_exec(PROGRAM, "-c", conf, "-g", "daemon off;")
    try:
        await _until_it_answers(process, f"http://127.0.0.1:{port}", folder)
        yield f"http://127.0.0.1:{port}"
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def _conf(folder: Path, port: int, service_port: int, contents: Path, tls_port: int | None) -> str:
    text = (ROOT / "deploy/nginx.conf").read_text()
    text = re.sub(r"server \w+:8000", f"server 127.0.0.1:{service_port}", text)
    text = text.replace("listen 8000;", f"listen 127.0.0.1:{port};").replace("/tmp/", f"{folder}/")
    text = text.replace("listen 8443 ssl;", f"listen 127.0.0.1:{tls_port} ssl;" if tls_port else "")
    if tls_port is None:
        text = re.sub(r"ssl_certificate(_key)? \S+;", "", text)
    text = text.replace("/dev/stderr", f"{folder}/error.log")
    text = text.replace("/var/lib/yaosu/delivery/content/content/", f"{contents}/")
    mine = "user root;\n" if os.geteuid() == 0 else ""  # its workers must be able to read what the test wrote
    return mine + text.replace("worker_processes auto;", "worker_processes 1;")


async def _until_it_answers(process: asyncio.subprocess.Process, url: str, folder: Path) -> None:
    async with AsyncClient(base_url=url) as client:
        for _ in range(READY_SECONDS_MAX * 50):
            if process.returncode is not None:
                break
            try:
                await client.get("/health/live")
                return
            except HTTPError:
                await asyncio.sleep(0.02)
    log = folder / "error.log"
    raise AssertionError("nginx did not answer: " + (log.read_text()[-2000:] if log.exists() else "no log"))

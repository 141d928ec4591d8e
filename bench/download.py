"""Downloads of 200 MB over one connection: through the application, and by X-Accel-Redirect, beside nginx's own file.

The application is a whole delivery service under uvicorn: it decides, charges and commits before the first byte, and
checks while the bytes flow; its neighbours answer at once, and the file is in the page cache. The part by X-Accel comes
in ranges of 64 MiB, each decided anew. Skipped, and said so, where the machine has no nginx.
"""

import asyncio
import json
import logging
import socket
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import uvicorn
from sqlalchemy import MetaData

from bench.measure import SHORT, Figure, in_turns
from bench.serving.beside import beside
from shared.database import Database
from shared.grades import G1
from shared.ids import UseId
from tests.delivery.desk import Desk, desk
from tests.support.bench import Bench
from tests.support.clock import ToldClock
from tests.support.nginx import NO_NGINX, PROGRAM, nginx

LINE = b"1," + b"x" * (64 * 1024 - 3) + b"\n"
LINES = (20 if SHORT else 200) * 1_000_000 // len(LINE)
RANGE_BYTES = 64 * 2**20
BUFFER_BYTES = 2**20
APP_GOAL, ACCEL_GOAL = 0.6, 0.8


def measure(folder: Path) -> Iterator[Figure]:
    if PROGRAM is None:
        print(f"download: skipped: {NO_NGINX}", flush=True)
        return
    with beside("bench.download", str(folder)) as told:
        sides = {
            "nginx": lambda: _fetch(told["door"], f"/static/{told['content_id']}", told),
            "app": lambda: _fetch(told["service"], told["path"], told),
            "xaccel": lambda: _fetch_in_ranges(told["door"], told["path"], told),
        }
        turns = in_turns(sides)
    speeds = {name: told["size"] / 1e6 / turns.median(name) for name in sides}
    note = "MB/s: " + ", ".join(f"{name} {speed:.0f}" for name, speed in speeds.items())
    for side, goal in (("app", APP_GOAL), ("xaccel", ACCEL_GOAL)):
        seconds = {each: turns.seconds[each] for each in ("nginx", side)}
        ratio = turns.ratio("nginx", side)
        yield Figure(f"download_{side}_per_nginx", ratio, goal, "at_least", seconds, note=note)


def _fetch(port: int, path: str, told: dict[str, Any], *more: str, connection: socket.socket | None = None) -> None:
    """Ask, and read the whole answer into one buffer. Raises AssertionError unless all of it came."""
    own = connection or socket.create_connection(("127.0.0.1", port))
    lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {told['token']}", *more, "", ""]
    own.sendall("\r\n".join(lines).encode())
    buffer, head = memoryview(bytearray(BUFFER_BYTES)), b""
    while b"\r\n\r\n" not in head:
        head += own.recv(65_536)
    head, _, body = head.partition(b"\r\n\r\n")
    assert head.split(b" ", 2)[1] in {b"200", b"206"}, head
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    left = int(fields[b"content-length"]) - len(body)
    while left:
        received = own.recv_into(buffer, min(left, BUFFER_BYTES))
        assert received, "the connection ended before the content did"
        left -= received
    if connection is None:
        own.close()


def _fetch_in_ranges(port: int, path: str, told: dict[str, Any]) -> None:
    use_id = UseId.new()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        for first in range(0, told["size"], RANGE_BYTES):
            last = min(first + RANGE_BYTES, told["size"]) - 1
            part = (f"Range: bytes={first}-{last}", f"Use-Id: {use_id}")
            _fetch(port, path, told, *part, connection=connection)


async def _serve(folder: Path) -> None:
    """Serve until our input ends."""

    async def database(service: str, metadata: MetaData) -> Database:
        made = Database(f"sqlite+aiosqlite:///{folder}/{service}.db", schema=service, clock=clock, told_time=True)
        await made.create(metadata)
        return made

    clock = ToldClock()
    bench = Bench(database, clock=clock)
    bench.settings = bench.settings.model_copy(update={"accel": True})
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(desk(bench, folder / "delivery-service"))
        told = await _stocked(one)
        port = await _listen(stack, one)
        contents = folder / "delivery-service/delivery/content/content"
        static = f"location /static/ {{ alias {contents}/; sendfile on; tcp_nopush on; }}"
        door = await stack.enter_async_context(nginx(folder / "nginx", port, contents, more=static))
        content_id = next(contents.iterdir()).name
        told |= {"service": port, "door": int(door.rpartition(":")[2]), "content_id": content_id}
        print(json.dumps(told), flush=True)
        await asyncio.to_thread(sys.stdin.read)


async def _stocked(one: Desk) -> dict[str, Any]:
    content = b"n,text\n" + LINE * LINES
    provider, buyer = await one.bench.member("provider"), await one.bench.member("buyer")
    version_id = one.shelf.add(provider)
    right = await one.grant(buyer, version_id)
    assert await one.depot.watch.heard_of(right, buyer.participant_id)  # before its feed has waited for too long
    upload = (await one.declare(provider, version_id, content)).json()
    await one.send(provider, upload["id"], content)
    await one.tick()
    one.shelf.grade(version_id, G1)
    path = f"/delivery/v1/entitlements/{right}/content"
    return {"path": path, "token": one.bench.token(buyer), "size": len(content)}


async def _listen(stack: AsyncExitStack, one: Desk) -> int:
    server = uvicorn.Server(uvicorn.Config(one.app, port=0, lifespan="off", log_level="critical"))
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    await server.startup()
    stack.push_async_callback(server.shutdown)
    return server.servers[0].sockets[0].getsockname()[1]


if __name__ == "__main__":
    logging.disable()
    if sys.platform == "linux":
        import uvloop

        uvloop.run(_serve(Path(sys.argv[1])))

"""One market behind three doors: `python -m bench.serving.door <folder>`.

The catalogue of a market in one process, asked by itself, through the mount of all six services, and through nginx on
the project's own configuration. All three are in one process, so that each carries the same jobs. Prints the three
ports, serves until its input ends.
"""

import asyncio
import gc
import json
import logging
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import uvicorn
import uvloop
from starlette.types import ASGIApp

from services.market import build_market
from shared.clock import SystemClock
from shared.settings import Settings, with_development_secrets
from tests.support.nginx import PROGRAM, nginx


async def serve(folder: Path) -> None:
    market = build_market(with_development_secrets(Settings(var=folder / "market")), SystemClock())
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(market.front.router.lifespan_context(market.front))
        direct = await _listen(stack, market.apps["catalog"])
        told = {"direct": direct, "mounted": await _listen(stack, market.door)}
        if PROGRAM is not None:
            url = await stack.enter_async_context(nginx(folder / "nginx", direct, folder))
            told["nginx"] = int(url.rpartition(":")[2])
        gc.collect()
        gc.freeze()  # as `yaosu serve` does
        print(json.dumps(told), flush=True)
        await asyncio.to_thread(sys.stdin.read)


async def _listen(stack: AsyncExitStack, app: ASGIApp) -> int:
    server = uvicorn.Server(uvicorn.Config(app, port=0, lifespan="off", log_level="critical", access_log=False))
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    await server.startup()
    stack.push_async_callback(server.shutdown)
    return server.servers[0].sockets[0].getsockname()[1]


if __name__ == "__main__":
    logging.disable()
    uvloop.run(serve(Path(sys.argv[1])))

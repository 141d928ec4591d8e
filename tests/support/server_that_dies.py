"""The product's server, that kills itself between the commit of a bid and its answer, when a file says so.

Run as a program. The file `die-before-answering` in the market's folder is taken away before it dies.
"""

import os
import signal

import uvicorn
from starlette.types import Message, Receive, Scope, Send

from services import market, staff
from shared.clock import SystemClock
from shared.settings import Settings, with_development_secrets

settings = with_development_secrets(Settings())
door = market.build_market(settings, SystemClock(), staff=staff.development_log_ins(settings)).door
trigger = settings.var / "die-before-answering"


async def dying_door(scope: Scope, receive: Receive, send: Send) -> None:
    async def send_or_die(message: Message) -> None:
        is_a_bid = scope.get("method") == "POST" and scope["path"].endswith("/bids")
        if is_a_bid and message["type"] == "http.response.start" and message["status"] == 201 and trigger.exists():
            trigger.unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        await send(message)

    await door(scope, receive, send_or_die)


uvicorn.run(dying_door, host="127.0.0.1", port=settings.port, log_config=None, lifespan="on")

"""How the head of a request is taken: small, soon and readable in one way, or not at all.

Promises: before the guard is asked, a head is of bounded size and has come in time, and its target is a path here and
no other server's address; what is refused here is told like any other refusal, and ends its connection. nginx does the
same where it stands before us. Bodies are the guard's.
"""

import asyncio
import json
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from shared import problems
from shared.errors import Failure, HeadersTooLarge, TooSlow, Unreadable
from shared.guard import SAFE_HEADERS
from shared.ids import RequestId

HEAD_BYTES_MAX = 64 * 1024  # and what comes with the last of it: the guard has limits of its own, for each header
HEAD_SECONDS_MAX = 15.0
EVERYTHING = b"*"  # what OPTIONS may ask about, beside paths


class HeadTooSlow(TooSlow):
    """The head of the request did not come within the time allowed."""


class NotHttp(Unreadable):
    """This is no request that all who pass it on read alike."""


class BoundedHeads(HttpToolsProtocol):
    """uvicorn's protocol, which by itself keeps as much of a head as comes, and waits for it without end."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._is_in_head, self._head_bytes, self._has_ended = True, 0, False
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        was_in_head, self._has_ended = self._is_in_head, False
        super().data_received(data)
        if self.transport.is_closing() or not self._is_in_head or self._has_ended:
            return
        self._head_bytes += len(data) if was_in_head else 0
        if self._head_bytes > HEAD_BYTES_MAX:
            self._refuse(HeadersTooLarge())
        elif self._patience is None:
            self._wait()

    def on_headers_complete(self) -> None:
        self._stop_waiting()
        self._is_in_head, self._head_bytes = False, 0
        if not self.url.startswith(b"/") and self.url != EVERYTHING:
            raise ValueError("a target that names another server")  # which the parser makes a refusal of
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        # What follows in the same bytes is looked at when more comes; until then, uvicorn waits but a moment.
        self._is_in_head = self._has_ended = True

    def send_400_response(self, msg: str) -> None:
        self._refuse(NotHttp())

    @property
    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete  # pyright: ignore[reportUnnecessaryComparison]

    def _wait(self) -> None:
        self._patience = self.loop.call_later(HEAD_SECONDS_MAX, self._give_up)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _give_up(self) -> None:
        if self._is_answering:  # somebody who asks for the next thing meanwhile may take as long as the answer does
            self._wait()
        else:
            self._refuse(HeadTooSlow())

    def _refuse(self, failure: Failure) -> None:
        """The refusal, unless it would stand in the middle of an answer; nothing more is read in either case."""
        self._stop_waiting()
        if not self._is_answering:
            self.transport.write(_answer(failure))
        self.transport.close()


def _answer(failure: Failure) -> bytes:
    request_id = RequestId.new()
    body = json.dumps(problems.document(failure, request_id)).encode()
    headers = {
        b"content-type": problems.MEDIA_TYPE.encode(), b"content-length": str(len(body)).encode(),
        b"connection": b"close", b"x-request-id": request_id.encode(), **SAFE_HEADERS,
    }  # fmt: skip
    lines = [name + b": " + value + b"\r\n" for name, value in headers.items()]
    return b"".join([STATUS_LINE[problems.status_of(failure)], *lines, b"\r\n", body])

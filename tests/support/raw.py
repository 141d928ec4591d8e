"""A request as exactly the bytes that a server would hand over, to an app of this process."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from starlette.types import ASGIApp, Message

HOST = (b"host", b"localhost")
JSON = (b"content-type", b"application/json")
Header = tuple[bytes, bytes]


@dataclass(frozen=True)
class Answer:
    status: int
    headers: list[Header]
    body: bytes

    @property
    def document(self) -> dict[str, Any]:
        return json.loads(self.body)

    def header(self, name: bytes) -> bytes | None:
        """Requires that it stands there once at most."""
        found = [value for present, value in self.headers if present.lower() == name]
        assert len(found) <= 1, f"{name!r} stands {len(found)} times"
        return found[0] if found else None


async def ask(
    app: ASGIApp, method: str, path: str, headers: Iterable[Header] = (), body: bytes = b"", query: bytes = b"",
    client: str = "127.0.0.1",
) -> Answer:  # fmt: skip
    """`path` stands as in the request's first line; `host` is ours unless the headers name one."""
    given = list(headers)
    if not any(name.lower() == b"host" for name, _ in given):
        given.append(HOST)
    raw_path, sent = path.encode(), list[Message]()
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return messages.pop() if messages else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
        "path": unquote(path), "raw_path": raw_path, "root_path": "", "query_string": query, "headers": given,
        "client": (client, 50_000), "server": ("127.0.0.1", 8000),
    }  # fmt: skip
    await app(scope, receive, send)
    start, *rest = sent
    return Answer(start["status"], list(start["headers"]), b"".join(message.get("body", b"") for message in rest))

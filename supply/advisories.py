"""Known vulnerabilities of what is locked: our dated copy, in the form in which pip-audit asks for it (OSV).

The copy is for machines that reach no advisory service, and for the trial that pip-audit can fail at all. It holds what
somebody entered, not all that is known: only the service itself says that nothing else is.
"""

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

COPY = Path(__file__).parent / "advisories.json"


@dataclass(frozen=True)
class Advisory:
    id: str
    aliases: tuple[str, ...]
    package: str
    introduced: str
    fixed: str | None
    summary: str

    def concerns(self, package: str, version: str) -> bool:
        """Whether that release has the fault. A version that is no row of whole numbers is taken to have it."""
        if package != self.package:
            return False
        try:
            release = _numbers(version)
            return _numbers(self.introduced) <= release and (self.fixed is None or release < _numbers(self.fixed))
        except ValueError:
            return True

    def as_osv(self) -> dict[str, Any]:
        events = [{"introduced": self.introduced}, *([{"fixed": self.fixed}] if self.fixed else [])]
        package = {"name": self.package, "ecosystem": "PyPI"}
        return {
            "id": self.id, "aliases": list(self.aliases), "summary": self.summary,
            "affected": [{"package": package, "ranges": [{"type": "ECOSYSTEM", "events": events}]}],
        }  # fmt: skip


def read() -> tuple[str, list[Advisory]]:
    """Of which day the copy is, and what is in it."""
    told: dict[str, Any] = json.loads(COPY.read_text())
    return told["as_of"], [_advisory(**each) for each in told["advisories"]]


def answer(question: dict[str, Any], known: list[Advisory]) -> dict[str, Any]:
    """What the service would say to a query for one release: nothing at all, or its vulnerabilities."""
    package, version = question["package"]["name"], question["version"]
    found = [each.as_osv() for each in known if each.concerns(package, version)]
    return {"vulns": found} if found else {}


@contextmanager
def served() -> Generator[str]:
    """The copy as a service of this machine, for as long as it is asked."""
    known = read()[1]

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            body = json.dumps(answer(question, known)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1/query"
        finally:
            server.shutdown()
            thread.join()


def _advisory(aliases: list[str], **members: Any) -> Advisory:
    return Advisory(aliases=tuple(aliases), **members)


def _numbers(version: str) -> tuple[int, ...]:
    numbers = [int(part) for part in version.split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)

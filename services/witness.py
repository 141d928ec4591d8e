"""A witness 见证: a small program that somebody else runs, so that no log can show two faces.

    yaosu witness --name regulator.example/w1 --log 'yaosu.example/log+…' --folder var/witness

It keeps of each log the largest checkpoint that it cosigned, and cosigns only what contains that one.
Promises: what it cosigned is on the disk before the answer leaves, so that a kill at any moment forgets nothing; two
checkpoints that contradict each other are never both cosigned, today or in ten years; of a checkpoint that a log signed
and that contradicts another, a copy is kept as evidence; its own time never runs backwards.
Requires: a folder of its own, that is never set back to a backup; a key that nobody else holds.
Source: C2SP tlog-witness (`add-checkpoint`), with `GET /<sha256 of the origin>/checkpoint` for monitors.
"""

import fcntl
import hashlib
import os
import sqlite3
import threading
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from services.audit.rules import checkpoint, cosignature, submission, tree
from services.audit.rules.checkpoint import COSIGNATURE, Checkpoint, NotANote, VerifierKey
from services.audit.rules.cosignature import Cosignature
from services.audit.rules.submission import Submission
from shared.clock import Clock
from shared.database import InUse
from shared.signing import SigningKey, read_or_make, verifies

BODY_BYTES_MAX = 64 * 1024
EVIDENCE_MAX = 1_000  # of each log: whoever has a log's key cannot fill the disk with contradictions
SIZE_TYPE = "text/x.tlog.size"
TABLES = """
CREATE TABLE IF NOT EXISTS heads (
    origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL, note TEXT NOT NULL, time INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS evidence (
    digest BLOB PRIMARY KEY, origin TEXT NOT NULL, size INTEGER NOT NULL, root BLOB NOT NULL, submission TEXT NOT NULL,
    time INTEGER NOT NULL
) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Head:
    """The largest checkpoint of a log that was cosigned, as it was signed, and when."""

    size: int = 0
    root: bytes = tree.EMPTY_ROOT
    note: str = ""
    time: int = 0


@dataclass
class Refused(Exception):
    """Not cosigned: with which status, and what is said of it."""

    status: int
    words: str
    kind: str = field(default="text/plain")


class State:
    """What the witness remembers, in an SQLite file that is its own."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock, self._file = threading.Lock(), _only_one(folder)
        self._database = sqlite3.connect(folder / "witness.db", isolation_level=None, check_same_thread=False)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=2000"):
            self._database.execute(f"PRAGMA {pragma}")
        self._database.executescript(TABLES)

    @contextmanager
    def writing(self) -> Generator[None]:
        """One after the other: what was read cannot change before it is written, and is on the disk at the end."""
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")

    def head(self, origin: str) -> Head:
        query = "SELECT size, root, note, time FROM heads WHERE origin = ?"
        row = self._database.execute(query, (origin,)).fetchone()
        return Head(*row) if row else Head()

    def save(self, origin: str, head: Head) -> None:
        row = (origin, head.size, head.root, head.note, head.time)
        self._database.execute("REPLACE INTO heads (origin, size, root, note, time) VALUES (?, ?, ?, ?, ?)", row)

    def keep_evidence(self, origin: str, point: Checkpoint, sent: str, time: int) -> None:
        query = "SELECT count(*) FROM evidence WHERE origin = ?"
        if self._database.execute(query, (origin,)).fetchone()[0] < EVIDENCE_MAX:
            row = (hashlib.sha256(sent.encode()).digest(), origin, point.size, point.root, sent, time)
            self._database.execute("INSERT OR IGNORE INTO evidence VALUES (?, ?, ?, ?, ?, ?)", row)

    def evidence(self, origin: str) -> list[str]:
        query = "SELECT submission FROM evidence WHERE origin = ? ORDER BY time, digest"
        return [row[0] for row in self._database.execute(query, (origin,))]

    def close(self) -> None:
        self._database.close()
        self._file.close()


class Witness:
    def __init__(self, name: str, private: SigningKey, logs: Sequence[VerifierKey], state: State, clock: Clock) -> None:
        self.key = VerifierKey(name, private.public, COSIGNATURE)
        self.state, self._private, self._logs, self._clock = state, private, logs, clock

    def add_checkpoint(self, body: bytes) -> str:
        """The cosignature's line. Raises Refused with the status that the protocol gives to the reason."""
        sent, point, note = self._authentic(body)
        with self.state.writing():
            known = self.state.head(point.origin)
            if sent.old_size != known.size:
                raise Refused(409, f"{known.size}\n", SIZE_TYPE)
            time = max(int(self._clock.now().timestamp()), known.time)
            refusal = _contradiction(known, point, sent.proof)
            line = "" if refusal else self._cosign(point, time)
            if refusal:
                self.state.keep_evidence(point.origin, point, body.decode(), time)
            else:
                self.state.save(point.origin, Head(point.size, point.root, note + line, time))
        if refusal:
            raise refusal
        return line

    def newest(self, digest: str) -> str:
        """The note last cosigned of the log whose origin has this SHA-256."""
        for origin in {log.name for log in self._logs}:
            if hashlib.sha256(origin.encode()).hexdigest() == digest and (note := self.state.head(origin).note):
                return note
        raise Refused(404, "nothing was cosigned of such a log\n")

    def _cosign(self, point: Checkpoint, time: int) -> str:
        signature = self._private.sign(cosignature.signed_bytes(time, point.body()))
        return Cosignature(self.key, time, signature).line()

    def _authentic(self, body: bytes) -> tuple[Submission, Checkpoint, str]:
        """What was sent, once it is known to be signed by a log that is known here; and the note with that alone."""
        try:
            sent = submission.parse(body.decode())
            note = checkpoint.parse_note(sent.note)
            point = checkpoint.parse_checkpoint(note.text)
        except (NotANote, UnicodeDecodeError) as error:
            raise Refused(400, f"{error}\n") from error
        keys = [key for key in self._logs if key.name == point.origin]
        if not keys:
            raise Refused(404, "a log of this origin is not known here\n")
        signatures = [(key, each) for key in keys for each in note.signatures_by(key)]
        if not signatures or not all(verifies(key.public, note.text.encode(), each) for key, each in signatures):
            raise Refused(403, "not signed by the log's key\n")
        if sent.old_size > point.size:
            raise Refused(400, "the old size is beyond the checkpoint's\n")
        return sent, point, checkpoint.note_text(note.text, signatures)


def _contradiction(known: Head, point: Checkpoint, proof: Sequence[bytes]) -> Refused | None:
    """Why the checkpoint does not contain the one that is known, of the size that the proof begins at."""
    if point.size == 0 and point.root != tree.EMPTY_ROOT:
        return Refused(422, "this is not the root of an empty log\n")
    if point.size == known.size and point.root != known.root:
        return Refused(409, "another root of the same size is known here\n")
    if known.size == 0 or point.size == known.size:
        return Refused(422, "there is nothing to prove\n") if proof else None
    if not tree.verify_consistency(known.size, point.size, known.root, point.root, proof):
        return Refused(422, "the proof does not lead from the known checkpoint to this one\n")
    return None


def build(witness: Witness) -> FastAPI:
    """The witness's own door. It needs no other guard: what is not signed by a known log changes nothing."""

    async def add_checkpoint(request: Request) -> Response:
        content = bytearray()
        async for chunk in request.stream():
            content += chunk
            if len(content) > BODY_BYTES_MAX:
                raise Refused(413, f"more than {BODY_BYTES_MAX} bytes\n")
        return PlainTextResponse(await run_in_threadpool(witness.add_checkpoint, bytes(content)))

    async def newest(request: Request) -> Response:
        return PlainTextResponse(witness.newest(request.path_params["digest"]))

    async def key(request: Request) -> Response:
        return PlainTextResponse(f"{witness.key.text()}\n")

    return FastAPI(
        openapi_url=None, docs_url=None, redoc_url=None,
        routes=[
            Route("/add-checkpoint", _answering(add_checkpoint), methods=["POST"]),
            Route("/{digest:str}/checkpoint", _answering(newest)),
            Route("/key", _answering(key)),
            Route("/health/ready", _answering(key)),
        ],
    )  # fmt: skip


def open_witness(
    name: str, logs: Sequence[VerifierKey], folder: Path, clock: Clock, pem: str | None = None
) -> Witness:  # fmt: skip
    """The witness of a folder, with its key; or with the one that lies in the folder, made at the first time.

    Raises InUse.
    """
    private = SigningKey.from_pem(pem or read_or_make(folder / "witness.pem", SigningKey))
    return Witness(name, private, logs, State(folder), clock)


def _answering(endpoint: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except Refused as refused:
            return Response(refused.words, refused.status, headers={"Content-Type": refused.kind})
        except ClientDisconnect:
            return Response(status_code=400)

    return answer


def _only_one(folder: Path) -> IO[str]:
    """Held for as long as the witness runs: two on one folder could cosign two faces."""
    lock_file = (folder / "witness.lock").open("w")
    try:
        fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock_file.close()
        raise InUse(f"{folder} is in use by another witness") from error
    lock_file.write(str(os.getpid()))
    lock_file.flush()
    return lock_file

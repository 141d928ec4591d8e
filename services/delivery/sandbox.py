"""Where files of unknown origin are opened: in a child that may die, never in the service.

Promises: every job is answered within its time; a child that crashes, runs out of memory or time, or answers with
anything but an answer makes a refusal, never an exception; nothing of the service's environment reaches the child.
Does not: read the file, or believe the answer beyond its shape.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

import msgspec

from services.delivery.inspector.messages import (
    INSPECTOR_VERSION,
    Answer,
    Care,
    Desensitise,
    Inspect,
    Job,
    Measure,
    Measured,
    Order,
    Profile,
    Progress,
    QueryFailed,
    QueryRows,
    Refused,
    Rendition,
    RunQuery,
    SampleRows,
    Secret,
    Source,
    TakeSample,
    WriteColumns,
)
from services.delivery.rules.query import QueryLimit, QueryReason, QueryRejected
from services.delivery.rules.upload import Reason

__all__ = [
    "ENGINE_VERSION", "INSPECTOR_VERSION", "Answer", "Care", "Desensitise", "Inline", "Inspect", "Inspector", "Measure",
    "Measured", "Profile", "Progress", "QueryRows", "Refused", "Rendition", "RunQuery", "SampleRows", "Sandbox",
    "Secret", "Source", "TakeSample", "WriteColumns", "query",
]  # fmt: skip

ENGINE_VERSION = f"duckdb {version('duckdb')}"  # told of every answer: another engine may compute another result
ROOT = Path(__file__).parent.parent.parent
COMMAND = (sys.executable, "-m", "services.delivery.inspector")
# Arrow and glibc reserve address space for each thread and arena, which the child's limit would count.
ENVIRONMENT = {
    "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1", "LC_ALL": "C.UTF-8",
    "MALLOC_ARENA_MAX": "2", "ARROW_DEFAULT_MEMORY_POOL": "system", "OMP_NUM_THREADS": "1",
}  # fmt: skip
CHUNK_BYTES = 64 * 1024
ANSWER_BYTES_MAX = 8 * 2**20
PROCESSOR_SECONDS_BASE = 60  # a thousand columns take a third of it, however short
QUERY_PROCESSOR_SECONDS = 10
SECONDS_MIN = 20
BYTES_PER_PROCESSOR_SECOND = 2**20  # short numbers in many rows take a second for some 2.5 MiB
FILE_BYTES_BASE = 64 * 2**20
FILE_BYTES_RATIO = 4


Hear = Callable[[Progress], None]


def _deaf(progress: Progress) -> None:
    """For who does not wait to hear how far a job is."""


class Inspector(Protocol):
    async def run(self, job: Job, hear: Hear = ...) -> Answer: ...


class Sandbox:
    """Runs each job in a child of its own, so many at a time, and as many queries beside them."""

    def __init__(
        self, *, children_max: int = 2, command: tuple[str, ...] = COMMAND, seconds_max: float | None = None,
        query_processor_seconds: int = QUERY_PROCESSOR_SECONDS,
    ):  # fmt: skip
        self._slots = asyncio.Semaphore(children_max)
        self._query_slots = asyncio.Semaphore(children_max)
        self._command = command
        self._seconds_max = seconds_max
        self._query_processor_seconds = query_processor_seconds

    async def run(self, job: Job, hear: Hear = _deaf) -> Answer:
        """The child's answer; its progress is heard meanwhile. What the child could not do is `inspection_limit`."""
        base = self._query_processor_seconds if isinstance(job, RunQuery) else PROCESSOR_SECONDS_BASE
        bytes_read = job.bytes_read if isinstance(job, RunQuery) else job.source.bytes
        processor_seconds = base + bytes_read // BYTES_PER_PROCESSOR_SECOND
        order = Order(job, processor_seconds, written_bytes_max(job.source.bytes))
        # A buyer who waits for an answer does not wait behind inspections, which take minutes.
        async with self._query_slots if isinstance(job, RunQuery | WriteColumns) else self._slots:
            # A busy machine gives a child less than a whole processor.
            seconds_max = self._seconds_max or max(processor_seconds * 3, SECONDS_MIN)
            told = await self._told(job.source.folder, msgspec.json.encode(order), seconds_max, hear)
        return told or Refused(Reason.INSPECTION_LIMIT)

    async def _told(self, folder: str, order: bytes, seconds_max: float, hear: Hear) -> Answer | None:
        child = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,  # a parser's complaint may quote the data
            cwd=folder,
            env=ENVIRONMENT,
            start_new_session=True,
        )
        assert child.stdin and child.stdout
        try:
            async with asyncio.timeout(seconds_max):
                with contextlib.suppress(ConnectionError):
                    child.stdin.write(order)
                    await child.stdin.drain()
                child.stdin.close()
                told = await _read(child.stdout, hear)
                return told if told and await child.wait() == 0 else None
        except (TimeoutError, msgspec.MsgspecError):
            return None
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            while await child.stdout.read(CHUNK_BYTES):
                pass  # what it still had to say keeps the pipe open
            await child.wait()


class Inline:
    """Runs a job in this process and at once. For files of our own making only: tests and the simulator."""

    async def run(self, job: Job, hear: Hear = _deaf) -> Answer:
        from services.delivery.inspector import work
        from services.delivery.inspector.progress import steps

        return work.perform(job, steps(hear))


async def query(inspector: Inspector, job: RunQuery) -> QueryRows:
    """What the query found. Raises QueryRejected for what cannot be answered, QueryLimit for what takes too much."""
    match await inspector.run(job):
        case QueryRows() as found:
            return found
        case QueryFailed(QueryReason.REJECTED):
            raise QueryRejected(hint="this cannot be computed over these columns")
        case _:
            raise QueryLimit()


def written_bytes_max(source_bytes: int) -> int:
    """The largest file that a child may write for a source of this size."""
    return FILE_BYTES_BASE + source_bytes * FILE_BYTES_RATIO


async def _read(stream: asyncio.StreamReader, hear: Hear) -> Answer | None:
    """The answer among the lines that are said; None where it is too much. Raises MsgspecError for any other word."""
    answer: Answer | None = None
    unread, said_bytes = b"", 0
    while chunk := await stream.read(CHUNK_BYTES):
        said_bytes += len(chunk)
        if said_bytes > ANSWER_BYTES_MAX:
            return None
        *lines, unread = (unread + chunk).split(b"\n")
        for line in lines:
            answer = _understood(line, hear) or answer
    return (_understood(unread, hear) if unread else None) or answer


def _understood(line: bytes, hear: Hear) -> Answer | None:
    word = msgspec.json.decode(line, type=Answer | Progress)
    if not isinstance(word, Progress):
        return word
    hear(word)
    return None

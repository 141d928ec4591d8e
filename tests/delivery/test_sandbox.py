"""The child that opens strangers' files: what it may do, and what becomes of it when it misbehaves."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from services.delivery.inspector.messages import Job, Profile, Refused, SampleRows, Source, TakeSample
from services.delivery.inspector.work import perform
from services.delivery.rules.upload import MediaType, Reason
from services.delivery.sandbox import Inline, Sandbox
from tests.delivery.made_files import airports, inspection_of, parquet_of, persons, pyarrow, source

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits and system call filters are those of Linux")
ANSWER = '{"type": "refused", "reason": "%s"}'
GAVE_UP = Refused(Reason.INSPECTION_LIMIT)


def child(script: str, seconds_max: float | None = None) -> Sandbox:
    return Sandbox(command=(sys.executable, "-c", script), seconds_max=seconds_max)


CONFINED = """
import ctypes, os, socket, subprocess, sys, threading
from services.delivery.inspector import limits, work
limits.take(processor_seconds=10, file_bytes=1000)
permitted = 0
for number, attempt in enumerate({attempts!r}):
    try:
        exec(attempt)
        permitted |= 1 << number
    except (OSError, MemoryError):
        pass
print('{{"type": "refused", "reason": "bomb", "line": %d}}' % permitted)
"""


LOADING = """
import sys, msgspec
from services.delivery.inspector import work
from services.delivery.inspector.messages import Order, SampleRows
from services.delivery.inspector.progress import silent
perform = work.prepared(msgspec.json.decode(sys.stdin.buffer.read(), type=Order).job)
before = set(sys.modules)
perform(silent)
late = [name for name in set(sys.modules) - before if str(getattr(sys.modules[name], "__file__", "")).endswith(".so")]
libraries = {"phonenumbers", "pyarrow", "stdnum"} & before
sys.stdout.buffer.write(msgspec.json.encode(SampleRows(sorted(libraries), [sorted(late)])))
"""


async def permitted(folder: Path, *attempts: str) -> list[str]:
    """Which of the attempts succeed in a child under the real limits."""
    answer = await child(CONFINED.format(attempts=attempts)).run(inspection_of(source(folder, persons())))
    assert isinstance(answer, Refused) and answer.line is not None, answer
    return [attempt for number, attempt in enumerate(attempts) if answer.line >> number & 1]


async def test_the_child_answers_as_the_same_code_does_here(tmp_path: Path):
    for job in (inspection_of(source(tmp_path, persons())), TakeSample(source(tmp_path, persons()), 3, {})):
        assert await Sandbox().run(job) == await Inline().run(job) == perform(job)


def three_rows_of(one: Source) -> TakeSample:
    return TakeSample(one, 3, {})


@pytest.mark.parametrize("job, media_type, inspected, libraries", [
    (inspection_of, MediaType.CSV,     False, ["phonenumbers", "pyarrow", "stdnum"]),
    (inspection_of, MediaType.PARQUET, False, ["phonenumbers", "pyarrow", "stdnum"]),
    (three_rows_of, MediaType.CSV,     True,  ["pyarrow"]),
    (three_rows_of, MediaType.PARQUET, False, ["pyarrow"]),
    (three_rows_of, MediaType.PARQUET, True,  []),
])  # fmt: skip
async def test_a_job_loads_what_it_takes_and_no_library_later(
    tmp_path: Path, job: Callable[[Source], Job], media_type: MediaType, inspected: bool, libraries: list[str]
):
    content = persons() if media_type is MediaType.CSV else parquet_of({"a": pyarrow.array(["x"])})
    taken = msgspec.structs.replace(source(tmp_path, content, media_type), inspected=inspected)
    answer = await child(LOADING).run(job(taken))
    assert isinstance(answer, SampleRows)
    assert (answer.fields, answer.rows) == (libraries, [[]])


async def test_the_largest_real_file_fits_the_limits(tmp_path: Path):
    found = await Sandbox().run(inspection_of(source(tmp_path, airports())))
    assert isinstance(found, Profile) and found.rows > 28_000


async def test_several_jobs_at_a_time_share_the_children(tmp_path: Path):
    sandbox, job = Sandbox(children_max=1), TakeSample(source(tmp_path, persons()), 1, {})
    assert isinstance(await sandbox.run(job), SampleRows) and isinstance(await sandbox.run(job), SampleRows)


@pytest.mark.parametrize("story, script", [
    ("an answer that is none",        "print('hello')"),
    ("nothing at all",                "pass"),
    ("a good answer, then a failure", f"print('{ANSWER % 'empty'}'); raise SystemExit(1)"),
    ("a reason that is none",         f"print('{ANSWER % 'because'}')"),
    ("a flood",                       "import sys; [sys.stdout.write('x' * 65536) for _ in range(1000)]"),
    ("death by a signal",             "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"),
    ("deafness",                      "import os; os.close(0); os._exit(3)"),
])  # fmt: skip
async def test_a_child_that_misbehaves_makes_a_refusal(tmp_path: Path, story: str, script: str):
    assert await child(script).run(inspection_of(source(tmp_path, persons()))) == GAVE_UP, story


async def test_a_child_that_hangs_is_ended_and_gone(tmp_path: Path):
    script = "import os, sys; open('pid', 'w').write(str(os.getpid())); sys.stdin.read(); __import__('time').sleep(600)"
    assert await child(script, seconds_max=1).run(inspection_of(source(tmp_path, persons()))) == GAVE_UP
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


async def test_what_the_child_may_not_do(tmp_path: Path):
    assert not await permitted(
        tmp_path,
        "socket.socket()",
        "socket.socket(socket.AF_UNIX)",
        "socket.socketpair()",
        "os.fork()",
        "os.execv('/bin/true', ['true'])",
        "subprocess.run(['/bin/true'])",
        "os.kill(os.getppid(), 0)",
        "bytearray(2 * 2**30)",
        "open('big', 'wb', buffering=0).writelines([b'x' * 1000, b'y'])",
        "[open('/dev/null') for _ in range(100)]",
    )


async def test_what_it_may(tmp_path: Path):
    attempts = ("bytearray(2**29)", "threading.Thread(target=int).start()", "open('small', 'w').write('x')")
    assert await permitted(tmp_path, *attempts) == list(attempts)


async def test_nothing_of_the_services_environment_reaches_the_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("YAOSU_TOKEN_KEY", "secret")
    script = f"import os; print('{ANSWER % 'empty'}' if 'YAOSU_TOKEN_KEY' in os.environ else '{ANSWER % 'ragged'}')"
    assert await child(script).run(inspection_of(source(tmp_path, persons()))) == Refused(Reason.RAGGED)


async def test_a_parquet_bomb_is_the_childs_trouble_alone(tmp_path: Path):
    bomb = parquet_of({"a": pyarrow.array(["A" * 1_000] * 400_000)}, compression="zstd")
    assert len(bomb) < 1_000_000  # and four hundred million bytes once it is open
    answer = await Sandbox().run(inspection_of(source(tmp_path, bomb, MediaType.PARQUET)))
    assert answer == Refused(Reason.BOMB)

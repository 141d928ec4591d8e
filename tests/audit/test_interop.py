"""Programs that others wrote read this log over plain HTTP: `aics-tlog` (its command line) and `metamorphic-log`.

They are no dependency: they live in an environment of their own, which YAOSU_INTEROP_PYTHON names. To make one:

    python3 -m venv /tmp/interop && /tmp/interop/bin/pip install --ignore-requires-python aics-tlog metamorphic-log
"""

import asyncio
import json
import os
import sys
import tarfile
from base64 import b64encode
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from httpx2 import AsyncClient, HTTPError

from services.audit.rules import checkpoint, tlog_proof
from services.audit.rules.checkpoint import NotANote
from services.audit.rules.tlog_proof import Proof
from services.audit.rules.tree import leaf_hash, verify_inclusion
from tests.audit.watched import LOG_KEY, Watched, watched
from tests.support.bench import Bench
from tests.support.ports import free_port

PYTHON = os.environ.get("YAOSU_INTEROP_PYTHON", "")
needs_others = pytest.mark.skipif(
    not PYTHON,
    reason="aics-tlog and metamorphic-log are not here: set YAOSU_INTEROP_PYTHON (see this file's beginning)",
)
on_sqlite = pytest.mark.parametrize("server", ["sqlite"], indirect=True)
SIZES = (5, 300)


@pytest.fixture
async def watch(bench: Bench, tmp_path: Path) -> AsyncGenerator[Watched]:
    """A log that was signed and cosigned at 5 and at 300 entries."""
    async with watched(bench, tmp_path) as made:
        await made.grow(SIZES[0])
        (tmp_path / "first").write_text((await made.log.get("/log/checkpoint")).text)
        await made.grow(SIZES[1] - SIZES[0])
        yield made


@asynccontextmanager
async def on_a_socket(watch: Watched) -> AsyncGenerator[str]:
    """The service behind a real port, as anyone would reach it."""
    port = free_port()
    config = uvicorn.Config(watch.log.app, port=port, log_config=None, lifespan="off", server_header=False)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    async with AsyncClient() as client:
        await until_it_answers(client, f"http://127.0.0.1:{port}/audit/v1/log/checkpoint")
    yield f"http://127.0.0.1:{port}/audit/v1/log"
    server.should_exit = True
    await serving


async def until_it_answers(client: AsyncClient, url: str) -> None:
    for _ in range(400):
        try:
            assert (await client.get(url)).is_success
            return
        except HTTPError:
            await asyncio.sleep(0.05)
    raise AssertionError(f"nobody answers at {url}")


async def run(*arguments: str) -> tuple[int, Any]:
    process = await asyncio.create_subprocess_exec(
        PYTHON, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()
    try:
        return process.returncode or 0, json.loads(output)
    except ValueError:
        return process.returncode or 0, output.decode()


def keys(watch: Watched, quorum: int = 3) -> list[str]:
    witnesses = [part for each in watch.policy.witnesses for part in ("--witness-key", each.key.text())]
    return ["--log-key", LOG_KEY.text(), *witnesses, "--quorum", str(quorum)]


async def leaf_of(watch: Watched, index: int) -> bytes:
    read = await watch.log.read(f"/entries/{index}")
    return "".join(f"{read[line]}\n" for line in ("source", "event", "seal")).encode()


@needs_others
@on_sqlite
async def test_aics_tlog_verifies_checkpoint_inclusion_and_consistency_over_http(watch: Watched, tmp_path: Path):
    (tmp_path / "leaf").write_bytes(await leaf_of(watch, 257))
    async with on_a_socket(watch) as url:
        tiles = ["--tiles", url, *keys(watch)]
        for command in (
            ["verify-checkpoint"],
            ["verify-inclusion", "--index", "257", "--leaf", str(tmp_path / "leaf")],
            ["verify-inclusion", "--index", "0", "--leaf-hash", leaf_hash(await leaf_of(watch, 0)).hex()],
            ["verify-consistency", "--old-checkpoint", str(tmp_path / "first")],
        ):
            code, report = await run("-m", "aics_tlog", *command, *tiles)
            assert code == 0, report
        wrong = leaf_hash(await leaf_of(watch, 1)).hex()
        code, report = await run("-m", "aics_tlog", "verify-inclusion", "--index", "0", "--leaf-hash", wrong, *tiles)
        assert code == 1, report
        code, report = await run("-m", "aics_tlog", "verify-checkpoint", "--tiles", url, *keys(watch, 4))
        assert code == 1, "there are only three witnesses"


@needs_others
@on_sqlite
async def test_aics_tlog_reads_a_bundle_that_any_server_of_files_serves(watch: Watched, tmp_path: Path):
    (tmp_path / "bundle.tar").write_bytes((await watch.log.get("/bundle", watch.log.regulator)).content)
    with tarfile.open(tmp_path / "bundle.tar") as bundle:
        bundle.extractall(tmp_path / "files", filter="data")
    port = str(free_port())
    arguments = ("-m", "http.server", port, "--bind", "127.0.0.1", "--directory", str(tmp_path / "files"))
    server = await asyncio.create_subprocess_exec(sys.executable, *arguments, stderr=asyncio.subprocess.DEVNULL)
    try:
        async with AsyncClient() as client:
            await until_it_answers(client, f"http://127.0.0.1:{port}/checkpoint")
        # With no leaf to compare, it takes the entry itself from the entry bundle, and proves it.
        out = ["--entry-out", str(tmp_path / "entry")]
        tiles = ["--tiles", f"http://127.0.0.1:{port}", *keys(watch)]
        code, report = await run("-m", "aics_tlog", "verify-inclusion", "--index", "299", *tiles, *out)
        assert code == 0, report
        assert (tmp_path / "entry").read_bytes() == await leaf_of(watch, 299)
    finally:
        server.terminate()
        await server.wait()


METAMORPHIC = """
import json, sys, metamorphic_log as other
told = json.load(sys.stdin)
vkeys, by = told["vkeys"], bytes.fromhex
head = other.checkpoint_verify(told["note"], vkeys)
inclusion = [by(each) for each in told["inclusion"]["hashes"]]
other.checkpoint_verify_inclusion(told["note"], vkeys, told["inclusion"]["index"], by(told["leaf_hash"]), inclusion)
consistency = [by(each) for each in told["consistency"]["hashes"]]
other.checkpoint_verify_consistency(told["first"], told["note"], vkeys, consistency)
refused = 0
for proof in (inclusion[:-1], [*inclusion, bytes(32)], inclusion[::-1]):
    try:
        index = told["inclusion"]["index"]
        other.checkpoint_verify_inclusion(told["note"], vkeys, index, by(told["leaf_hash"]), proof)
    except other.VerifyError:
        refused += 1
print(json.dumps({"origin": head.origin, "size": head.size, "root": bytes(head.root).hex(), "refused": refused}))
"""


@needs_others
@on_sqlite
async def test_metamorphic_log_verifies_checkpoint_and_proofs(watch: Watched, tmp_path: Path):
    async with on_a_socket(watch) as url, AsyncClient(base_url=url.removesuffix("/log")) as client:
        told: dict[str, Any] = {
            "vkeys": [LOG_KEY.text()], "note": (await client.get("/log/checkpoint")).text,
            "first": (tmp_path / "first").read_text(), "leaf_hash": leaf_hash(await leaf_of(watch, 200)).hex(),
            "inclusion": (await client.get("/proofs/inclusion", params={"index": 200})).json(),
            "consistency": (await client.get("/proofs/consistency", params={"first": SIZES[0]})).json(),
        }  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        PYTHON, "-c", METAMORPHIC, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await process.communicate(json.dumps(told).encode())
    assert process.returncode == 0, output.decode()
    root = told["inclusion"]["root"]
    assert json.loads(output) == {"origin": LOG_KEY.name, "size": SIZES[1], "root": root, "refused": 3}


# --- the proof that stands alone


@on_sqlite
@pytest.mark.parametrize("query, size", [("", 300), ("&size=5", 5)])
async def test_a_proof_that_stands_alone_leads_to_a_cosigned_root(watch: Watched, query: str, size: int):
    answer = await watch.log.get(f"/proofs/inclusion.tlog-proof?index=3{query}")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
    read = tlog_proof.parse(answer.text)
    note = checkpoint.parse_note(read.note)
    point = checkpoint.parse_checkpoint(note.text)
    assert (read.index, point.size) == (3, size)
    assert verify_inclusion(3, size, leaf_hash(await leaf_of(watch, 3)), read.hashes, point.root)
    assert all(note.signatures_by(each.key) for each in watch.policy.witnesses)
    assert read.text() == answer.text


@on_sqlite
@pytest.mark.parametrize("query, status, code", [
    ("index=300", 422, "outside_of_the_tree"), ("index=3&size=7", 404, "no_checkpoint"), ("index=-1", 422, None),
    ("index=5&size=5", 422, "outside_of_the_tree"), ("index=3&size=301", 404, "no_checkpoint"),
])  # fmt: skip
async def test_of_what_is_not_there_there_is_no_proof(watch: Watched, query: str, status: int, code: str | None):
    answer = await watch.log.get(f"/proofs/inclusion.tlog-proof?{query}")
    assert answer.status_code == status
    assert code is None or answer.json()["code"] == code


EXAMPLE = f"c2sp.org/tlog-proof@v1\nindex 7\n{b64encode(bytes(32)).decode()}\n\nlog\n8\nroot\n\n— log signature\n"


def test_a_proof_is_read_as_it_was_written():
    assert tlog_proof.parse(EXAMPLE) == Proof(7, [bytes(32)], "log\n8\nroot\n\n— log signature\n")
    alone = Proof(0, [], "note")
    assert tlog_proof.parse(alone.text()) == alone


@pytest.mark.parametrize("text", [
    "", EXAMPLE.replace("v1", "v2"), EXAMPLE.replace("index 7", "index 07"), EXAMPLE.replace("index 7\n", ""),
    EXAMPLE.replace("A", "", 4), EXAMPLE.replace("=\n", "=\nAAAA\n"), EXAMPLE.replace("index", "extra AA==\nindex"),
    "c2sp.org/tlog-proof@v1\n\nnote", "c2sp.org/tlog-proof@v1\nindex 7\n", EXAMPLE.replace("index 7", "index -7"),
])  # fmt: skip
def test_what_only_resembles_a_proof_is_refused(text: str):
    with pytest.raises(NotANote):
        tlog_proof.parse(text)

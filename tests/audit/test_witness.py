"""The witness: what it cosigns contains what it cosigned, for ever, over real HTTP and through kills."""

import hashlib
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from itertools import combinations
from pathlib import Path

import pytest
from httpx2 import AsyncClient, HTTPError, Response
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from services import __main__ as command_line
from services import witness as program
from services.audit.rules import checkpoint, cosignature
from services.audit.rules.checkpoint import Checkpoint, VerifierKey
from services.audit.rules.cosignature import Cosignature
from services.audit.rules.submission import Submission
from services.witness import EVIDENCE_MAX, Refused, Witness
from shared import rest
from shared.database import InUse
from shared.signing import SigningKey, verifies
from tests.audit.made_views import FORKED, LOG, LOG_KEY, ORIGIN, TRUE, View, a_witness
from tests.audit.test_tree import mth
from tests.support.clock import ToldClock
from tests.support.process import ServerProcess

DIGEST = hashlib.sha256(ORIGIN.encode()).hexdigest()
FIFTEEN_FOREIGN = [(VerifierKey(f"foreign.example/{n}", bytes(31) + bytes([n])), bytes(64)) for n in range(15)]


@pytest.fixture
def witness(tmp_path: Path, clock: ToldClock) -> Generator[Witness]:
    made = a_witness(tmp_path, clock)
    yield made
    made.state.close()


@asynccontextmanager
async def asked(witness: Witness) -> AsyncGenerator[AsyncClient]:
    async with rest.connect(program.build(witness)) as client:
        yield client


async def add(witness: Witness, body: bytes) -> Response:
    async with asked(witness) as client:
        return await client.post("/add-checkpoint", content=body)


def opened(witness: Witness, view: View, size: int, line: str) -> Cosignature:
    """The cosignature in an answer, once it is known to be the witness's over this checkpoint."""
    note = checkpoint.parse_note(view.note(size) + line)
    [found] = cosignature.cosignatures(note, witness.key)
    assert verifies(witness.key.public, cosignature.signed_bytes(found.time, note.text), found.signature)
    return found


async def test_a_log_that_grows_is_cosigned_step_by_step(witness: Witness, clock: ToldClock):
    for old, size in [(0, 0), (0, 7), (7, 7), (7, 8), (8, 40)]:
        clock.advance(seconds=10)
        answer = await add(witness, TRUE.submission(old, size))
        assert (answer.status_code, answer.text.count("\n")) == (200, 1), answer.text
        assert opened(witness, TRUE, size, answer.text).time == int(clock.now().timestamp())


async def test_whoever_monitors_is_shown_what_was_cosigned_last(witness: Witness):
    async with asked(witness) as client:
        assert (await client.get(f"/{DIGEST}/checkpoint")).status_code == 404
        line = (await client.post("/add-checkpoint", content=TRUE.submission(0, 7))).text
        shown = await client.get(f"/{DIGEST}/checkpoint")
        assert (shown.status_code, shown.text) == (200, TRUE.note(7) + line)
        assert (await client.get(f"/{'0' * 64}/checkpoint")).status_code == 404
        assert (await client.get("/key")).text == f"{witness.key.text()}\n"


@pytest.mark.parametrize("known", [0, 10], ids=["knows nothing", "knows ten"])
async def test_who_believes_the_witness_elsewhere_is_told_where_it_is(witness: Witness, known: int):
    if known:
        await add(witness, TRUE.submission(0, known))
    answer = await add(witness, TRUE.submission(5, 12))
    told = (answer.status_code, answer.headers["Content-Type"], answer.text)
    assert told == (409, "text/x.tlog.size", f"{known}\n")


STRANGER = SigningKey.from_seed(bytes(32))


def signed_by(*keys: tuple[VerifierKey, SigningKey]) -> bytes:
    body = TRUE.point(7).body()
    note = checkpoint.note_text(body, [(key, private.sign(body.encode())) for key, private in keys])
    return Submission(0, [], note).body().encode()


NOT_SIGNED = {
    "nothing": (b"", 400), "no checkpoint": (b"old 0\n\n", 400), "not UTF-8": (b"\xff", 400),
    "cut short": (TRUE.submission(0, 7)[:-1], 400), "CRLF": (TRUE.submission(0, 7).replace(b"\n", b"\r\n"), 400),
    "old beyond new": (TRUE.submission(8, 7), 400), "too long": (b"x" * (64 * 1024 + 1), 413),
    "another log": (View(TRUE.leaves, "another.example/log").submission(0, 7), 404),
    "a false signature": (signed_by((LOG_KEY, STRANGER)), 403),
    "another key": (signed_by((VerifierKey(ORIGIN, STRANGER.public), STRANGER)), 403),
    "one true, one false": (signed_by((LOG_KEY, LOG), (LOG_KEY, STRANGER)), 403),
    "signed as a witness": (signed_by((VerifierKey(ORIGIN, LOG.public, b"\4"), LOG)), 403),
    "another text": (View(()).submission(0, 0).replace(b"\n0\n47DE", b"\n0\n47DF"), 403),
    "seventeen signatures": (signed_by(*[(LOG_KEY, LOG)] * 17), 400),
}  # fmt: skip


@pytest.mark.parametrize("body, status", NOT_SIGNED.values(), ids=NOT_SIGNED)
async def test_what_is_no_signed_checkpoint_of_a_known_log_is_refused(witness: Witness, body: bytes, status: int):
    assert (await add(witness, body)).status_code == status
    assert witness.state.head(ORIGIN).size == 0
    assert witness.state.evidence(ORIGIN) == []


async def test_other_keys_signatures_are_nobodys_business_and_are_not_shown(witness: Witness):
    body = TRUE.point(7).body()
    note = checkpoint.note_text(body, [(LOG_KEY, LOG.sign(body.encode())), *FIFTEEN_FOREIGN])
    answer = await add(witness, Submission(0, [], note).body().encode())
    assert answer.status_code == 200
    assert witness.newest(DIGEST) == TRUE.note(7) + answer.text


def empty_log_of_another_root() -> bytes:
    body = Checkpoint(ORIGIN, 0, bytes(32)).body()
    return Submission(0, [], checkpoint.note_text(body, [(LOG_KEY, LOG.sign(body.encode()))])).body().encode()


FORKS = [
    ("the same size", FORKED.submission(20, 20), 409), ("a larger one", FORKED.submission(20, 30), 422),
    ("no proof", Submission(20, [], TRUE.note(30)).body().encode(), 422),
    ("too long a proof", Submission(20, [*TRUE.proof(20, 30), bytes(32)], TRUE.note(30)).body().encode(), 422),
    ("a proof of nothing", Submission(20, [bytes(32)], TRUE.note(20)).body().encode(), 422),
]  # fmt: skip


@pytest.mark.parametrize("body, status", [case[1:] for case in FORKS], ids=[case[0] for case in FORKS])
async def test_what_contradicts_is_refused_for_ever_and_kept(
    witness: Witness, tmp_path: Path, clock: ToldClock, body: bytes, status: int
):
    await add(witness, TRUE.submission(0, 20))
    answer = await add(witness, body)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "text/plain")
    assert witness.state.evidence(ORIGIN) == [body.decode()]
    witness.state.close()
    again = a_witness(tmp_path, clock)
    assert (await add(again, body)).status_code == status
    assert again.state.evidence(ORIGIN) == [body.decode()]
    assert (await add(again, TRUE.submission(20, 30))).status_code == 200
    again.state.close()


async def test_of_nothing_only_the_empty_root_is_cosigned_and_nothing_is_to_be_proved(witness: Witness):
    assert (await add(witness, empty_log_of_another_root())).status_code == 422
    assert (await add(witness, Submission(0, [bytes(32)], TRUE.note(7)).body().encode())).status_code == 422
    assert (await add(witness, TRUE.submission(0, 7))).status_code == 200


def test_evidence_has_an_end(witness: Witness, monkeypatch: pytest.MonkeyPatch):
    assert EVIDENCE_MAX == 1_000
    monkeypatch.setattr(program, "EVIDENCE_MAX", 2)
    witness.add_checkpoint(TRUE.submission(0, 11))
    for size in (12, 13, 14):
        with pytest.raises(Refused):
            witness.add_checkpoint(FORKED.submission(11, size))
    assert len(witness.state.evidence(ORIGIN)) == 2


def test_the_time_of_its_word_never_runs_backwards(witness: Witness, clock: ToldClock):
    first = opened(witness, TRUE, 7, witness.add_checkpoint(TRUE.submission(0, 7)))
    clock.advance(days=-1)
    assert opened(witness, TRUE, 8, witness.add_checkpoint(TRUE.submission(7, 8))).time == first.time
    clock.advance(days=2)
    assert opened(witness, TRUE, 9, witness.add_checkpoint(TRUE.submission(8, 9))).time == first.time + 86_400


def test_logs_are_kept_apart(tmp_path: Path, clock: ToldClock):
    other = View(FORKED.leaves, "another.example/log", STRANGER)
    made = a_witness(tmp_path, clock, logs=[LOG_KEY, VerifierKey(other.origin, STRANGER.public)])
    made.add_checkpoint(TRUE.submission(0, 20))
    made.add_checkpoint(other.submission(0, 30))
    assert [made.state.head(origin).size for origin in (ORIGIN, other.origin)] == [20, 30]
    made.state.close()


def test_a_log_may_have_two_keys_while_one_follows_the_other(tmp_path: Path, clock: ToldClock):
    made = a_witness(tmp_path, clock, logs=[LOG_KEY, VerifierKey(ORIGIN, STRANGER.public)])
    made.add_checkpoint(TRUE.submission(0, 20))
    made.add_checkpoint(View(TRUE.leaves, ORIGIN, STRANGER).submission(20, 30))
    with pytest.raises(Refused) as refused:
        made.add_checkpoint(View(FORKED.leaves, ORIGIN, STRANGER).submission(30, 40))
    assert refused.value.status == 422
    made.state.close()


def test_two_witnesses_on_one_folder_are_refused(witness: Witness, tmp_path: Path, clock: ToldClock):
    with pytest.raises(InUse, match="another witness"):
        a_witness(tmp_path, clock)
    opened_again = program.open_witness("w", [LOG_KEY], tmp_path / "own", clock)
    opened_again.state.close()
    once_more = program.open_witness("w", [LOG_KEY], tmp_path / "own", clock)
    once_more.state.close()
    assert opened_again.key == once_more.key != witness.key


async def test_of_a_fork_shown_to_two_witnesses_no_two_agree_on_both_faces(tmp_path: Path, clock: ToldClock):
    first, second = a_witness(tmp_path / "1", clock, "w/1"), a_witness(tmp_path / "2", clock, "w/2")
    first.add_checkpoint(TRUE.submission(0, 20))
    second.add_checkpoint(FORKED.submission(0, 20))
    assert (await add(first, FORKED.submission(20, 30))).status_code == 422
    assert (await add(second, TRUE.submission(20, 30))).status_code == 422
    assert (await add(first, FORKED.submission(20, 20))).status_code == 409
    shown = [checkpoint.parse_note(each.newest(DIGEST)).text for each in (first, second)]
    assert shown[0] != shown[1], "two signed checkpoints of one size: whoever compares them has the proof of the fork"
    first.state.close()
    second.state.close()


steps = st.tuples(st.sampled_from([TRUE, FORKED]), st.integers(0, 40), st.integers(0, 40))


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(tried=st.lists(steps, max_size=12))
def test_whatever_is_tried_all_that_is_cosigned_is_one_log(
    tmp_path_factory: pytest.TempPathFactory, tried: list[tuple[View, int, int]]
):
    made = a_witness(tmp_path_factory.mktemp("any"), ToldClock())
    cosigned: list[tuple[View, int]] = []
    for view, old, size in tried:
        before = made.state.head(ORIGIN).size
        try:
            opened(made, view, size, made.add_checkpoint(view.submission(old, size)))
        except Refused:
            assert made.state.head(ORIGIN).size == before
        else:
            assert old == before <= size == made.state.head(ORIGIN).size
            cosigned.append((view, size))
    for (one, small), (other, large) in combinations(cosigned, 2):
        assert mth(list(one.leaves[:small])) == mth(list(other.leaves[:small])) and small <= large
    made.state.close()


@pytest.mark.process
async def test_a_witness_killed_between_commit_and_answer_has_forgotten_nothing(tmp_path: Path):
    """The program itself: `yaosu witness`, SIGKILLed by a stand-in for the power cut."""
    arguments = ("--name", "witness.example/w1", "--log", LOG_KEY.text(), "--folder", str(tmp_path / "state"))
    server = ServerProcess(tmp_path, ("-m", "tests.support.witness_that_dies", *arguments))
    await server.start()
    async with AsyncClient(base_url=server.base_url) as client:
        assert (await client.post("/add-checkpoint", content=TRUE.submission(0, 7))).status_code == 200
        (tmp_path / "state" / "die-before-answering").touch()
        with pytest.raises(HTTPError):
            await client.post("/add-checkpoint", content=TRUE.submission(7, 20))
        await server.ended()
        await server.start()
        lost = await client.post("/add-checkpoint", content=TRUE.submission(7, 20))
        assert (lost.status_code, lost.text) == (409, "20\n"), "what was not answered was committed"
        assert (await client.post("/add-checkpoint", content=FORKED.submission(20, 20))).status_code == 409
        assert (await client.post("/add-checkpoint", content=TRUE.submission(20, 20))).status_code == 200
    await server.stop()


def test_the_command_line_prints_the_key_that_a_witness_must_know(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("YAOSU_VAR", str(tmp_path))
    first, second = (CliRunner().invoke(command_line.app, ["log-key"]).stdout for _ in range(2))
    assert first == second and checkpoint.parse_verifier_key(first.strip()).name == "yaosu.example/log"

"""Logs are lines of JSON, and no secret reaches one."""

import io
import json
import logging
import sys
from collections.abc import Generator

import pytest
from pwdlib.hashers.argon2 import Argon2Hasher

from shared import log
from shared.log import SCRUBBED, scrub
from shared.signing import SigningKey, new_token_key
from tests.support.bench import BenchTokens
from tests.support.clock import ToldClock

RESIDENT = "11010519491231002X"


@pytest.mark.parametrize("name", [
    "Authorization", "acting-for", "password", "new_password", "client_secret", "token", "refresh_token", "private_key",
    "signature", "salt", "Cookie", "api_key", "apikey",
])  # fmt: skip
def test_what_is_named_like_a_secret_is_scrubbed(name: str):
    assert scrub({name: "plain", "kept": "plain"}) == {name: SCRUBBED, "kept": "plain"}
    assert scrub({"deep": [{name: {"a": 1}}]}) == {"deep": [{name: SCRUBBED}]}


SECRETS = {
    "token key": new_token_key(), "signing key": SigningKey.new().pem(), "cut key": SigningKey.new().pem()[:60],
    "resident": RESIDENT, "mobile": "13800138000",
    "token": "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbmEifQ.c2lnbmF0dXJl",
    "hash": Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1).hash("a long pass phrase"),
    "unsigned": "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbmEifQ.",
}  # fmt: skip


@pytest.mark.parametrize("kind", SECRETS)
def test_what_looks_like_a_secret_is_scrubbed_wherever_it_stands(kind: str):
    secret = SECRETS[kind]
    for said in (secret, f"failed for {secret}.", [f"<{secret}>"], {"detail": (secret,)}, ValueError(secret)):
        assert secret not in str(scrub(said))


async def test_a_token_of_ours_is_scrubbed():
    token = await BenchTokens("trading", ToldClock()).token("catalog")
    assert scrub(f"GET /x with {token}") == f"GET /x with {SCRUBBED}"


def test_the_password_in_an_address_is_scrubbed_and_the_rest_of_it_stays():
    assert scrub("postgresql+asyncpg://yaosu:hunter2@host/yaosu") == f"postgresql+asyncpg://{SCRUBBED}@host/yaosu"


@pytest.mark.parametrize("said", [
    "an ordinary line", "12345678901", "asset_01a20bed2387718aaa20d19029682b74", "2030-01-01T00:00:00Z", 7, None, True,
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "http://127.0.0.1:8000/identity",
])  # fmt: skip
def test_what_is_no_secret_stays(said: object):
    assert scrub(said) == said


@pytest.fixture
def errors(monkeypatch: pytest.MonkeyPatch) -> Generator[io.StringIO]:
    """Standard error of a process whose logs are set up."""
    root, stream = logging.getLogger(), io.StringIO()
    handlers, level = root.handlers[:], root.level
    monkeypatch.setattr(sys, "stderr", stream)
    log.configure("info", "trading")
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_line_says_when_where_how_bad_and_in_which_request(errors: io.StringIO):
    log.set_request_id("request_1")
    logging.getLogger("shared.relay").warning("the relay of %s waits", "要素")
    log.set_request_id(None)
    line = json.loads(errors.getvalue())
    assert (line["event"], line["level"], line["logger"]) == ("the relay of 要素 waits", "warning", "shared.relay")
    assert (line["service"], line["request_id"]) == ("trading", "request_1")
    assert line["timestamp"].endswith("Z")


def test_no_secret_reaches_a_line_by_argument_extra_or_error(errors: io.StringIO):
    try:
        raise ValueError(f"no such person: {RESIDENT}")
    except ValueError:
        logging.getLogger("anyone").exception("log-in of %s failed", RESIDENT, extra={"password": "hunter2"})
    assert "ValueError" in errors.getvalue() and "log-in of" in errors.getvalue()
    assert RESIDENT not in errors.getvalue() and "hunter2" not in errors.getvalue()


def test_what_is_less_than_the_level_is_not_said(errors: io.StringIO):
    logging.getLogger("anyone").debug("whisper")
    assert errors.getvalue() == ""

"""Ports of the tests: none is given twice, whoever asks, and none to who would lose it."""

import socket
import subprocess
import sys

import pytest

from tests.support.ports import FIRST, LAST, free_port

ASK = (
    "from tests.support.ports import free_port; import sys; print(*(free_port() for _ in range(200))); sys.stdin.read()"
)


def test_no_port_is_given_twice_to_one_process_or_to_two():
    others = [
        subprocess.Popen([sys.executable, "-c", ASK], stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(2)
    ]
    given = [free_port() for _ in range(200)]
    for other in others:
        assert other.stdout
        given += map(int, other.stdout.readline().split())
    for other in others:
        other.communicate(b"")
    assert len(given) == len(set(given)) == 600
    assert all(FIRST <= port < LAST for port in given)


def test_a_port_on_which_something_listens_is_passed_over(monkeypatch: pytest.MonkeyPatch):
    with socket.socket() as listens:
        listens.bind(("127.0.0.1", 0))
        monkeypatch.setattr("tests.support.ports._untried", iter([listens.getsockname()[1]]))
        with pytest.raises(RuntimeError, match="every port is taken"):
            free_port()

"""`yaosu custodian`: the sandbox as a server of its own, for a trial of containers."""

import base64
from pathlib import Path

import pytest
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient
from typer.testing import CliRunner

from services import serving
from services.__main__ import app as commands
from shared.signing import SigningKey

PLATFORM, OWN = SigningKey.new(), SigningKey.new()


def in_base64(key: SigningKey) -> str:
    return base64.b64encode(key.public).decode()


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[tuple[FastAPI, str, int]]:
    """What would be served, and where."""
    told: list[tuple[FastAPI, str, int]] = []
    monkeypatch.setattr(serving, "run", lambda door, host, port, _: told.append((door, host, port)))  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
    return told


async def test_it_says_what_its_callbacks_are_verified_with_and_keeps_its_book(
    served: list[tuple[FastAPI, str, int]], tmp_path: Path
):
    folder = tmp_path / "custodian"
    settings = {
        "YAOSU_CUSTODIAN_PLATFORM_KEY": in_base64(PLATFORM), "YAOSU_SANDBOX_KEY": OWN.pem(), "YAOSU_PORT": "8021",
        "YAOSU_VAR": str(folder),
    }  # fmt: skip
    ran = CliRunner().invoke(commands, ["custodian"], env=settings)
    assert ran.exit_code == 0, ran.output
    [(door, host, port)] = served
    custodian = door.state.custodian
    assert (host, port) == ("127.0.0.1", 8021)
    assert (custodian.platform_key, custodian.file) == (PLATFORM.public, folder / "custodian.jsonl")
    async with AsyncClient(transport=ASGITransport(door), base_url="http://custodian") as client:  # pyright: ignore[reportArgumentType]
        assert (await client.get("/health/ready")).json() == {"public_key": in_base64(OWN)}
        assert (await client.post("/custodian/v1/instructions", json={})).status_code == 401


def test_without_the_platforms_key_it_does_not_start(served: list[tuple[FastAPI, str, int]], tmp_path: Path):
    settings = {"YAOSU_CUSTODIAN_PLATFORM_KEY": "no key", "YAOSU_VAR": str(tmp_path)}
    ran = CliRunner().invoke(commands, ["custodian"], env=settings)
    assert ran.exit_code != 0 and not served

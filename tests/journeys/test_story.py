"""The demo's story when something goes wrong: it ends, says at which step, and leaves a report of this run."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from services.demo import server, story
from services.demo.market import Market
from services.demo.people import StepFailed


async def step_that_holds(_: Market) -> None: ...


async def step_that_fails(_: Market) -> None:
    raise StepFailed("the price is [/not] what it must be")


@asynccontextmanager
async def nobody_home(_: Path) -> AsyncGenerator[str]:
    yield "http://127.0.0.1:9"


@asynccontextmanager
async def market_that_dies(_: Path) -> AsyncGenerator[str]:
    raise server.ServerDied("the server did not get ready: port taken")
    yield


STEPS = [("first", "一", step_that_holds), ("second", "二", step_that_fails), ("third", "三", step_that_holds)]


async def test_a_step_that_fails_ends_the_story_and_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(server, "running", nobody_home)
    monkeypatch.setattr(story, "STEPS", STEPS)
    (tmp_path / "report.json").write_text("of an earlier run")
    said = StringIO()
    assert await story.tell(tmp_path, keep=False, out=Console(file=said)) == 1
    report = json.loads((tmp_path / "report.json").read_text())
    assert [(step["name"], step["ok"]) for step in report["steps"]] == [("first", True), ("second", False)]
    assert "step 2, second, failed: the price is [/not] what it must be" == report["failed"]
    assert report["failed"] in said.getvalue()


async def test_a_market_that_does_not_open_is_told_with_what_it_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(server, "running", market_that_dies)
    said = StringIO()
    assert await story.tell(tmp_path, keep=False, out=Console(file=said)) == 1
    report = json.loads((tmp_path / "report.json").read_text())
    assert report == {"steps": [], "refusals": [], "failed": "the server did not get ready: port taken"}
    assert "port taken" in said.getvalue()


async def test_a_story_that_holds_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(server, "running", nobody_home)
    monkeypatch.setattr(story, "STEPS", STEPS[::2])
    assert await story.tell(tmp_path, keep=False, out=Console(file=StringIO())) == 0
    report = json.loads((tmp_path / "report.json").read_text())
    assert "failed" not in report and all(step["ok"] for step in report["steps"])

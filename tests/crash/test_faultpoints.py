"""Places where a process may end do nothing unless a test's own program arms them; and no setting can."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from shared import faultpoint
from shared.settings import Settings
from tests.crash.kills import HAPPENS_IN, ONLY_AT_A_START, points

ROOT = Path(__file__).parents[2]


def test_a_point_does_nothing_unless_it_is_armed():
    faultpoint.faultpoint("anywhere")


def test_an_armed_point_tells_its_name(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(faultpoint, "_strike", None)
    passed: list[str] = []
    faultpoint.arm(passed.append)
    faultpoint.faultpoint("here")
    faultpoint.arm(None)
    faultpoint.faultpoint("there")
    assert passed == ["here"]


def test_nothing_of_the_product_arms_a_point():
    arming = [
        str(path)
        for folder in ("shared", "services", "migrations")
        for path in (ROOT / folder).rglob("*.py")
        if path.name != "faultpoint.py" and ("faultpoint.arm" in (code := path.read_text()) or "_strike" in code)
    ]
    assert arming == []


def test_no_setting_arms_a_point():
    assert not [name for name in Settings.model_fields if "fault" in name or "strike" in name or "crash" in name]
    names = ("FAULTPOINT", "FAULT", "STRIKE", "CRASH_STRIKE", "YAOSU_FAULTPOINT", "YAOSU_CRASH_STRIKE")
    loaded = "from services import market; from shared import faultpoint; print(faultpoint._strike)"
    environment = os.environ | dict.fromkeys(names, "database.before_commit 1")
    said = subprocess.run([sys.executable, "-c", loaded], env=environment, cwd=ROOT, capture_output=True, check=True)
    assert said.stdout.strip() == b"None"


def test_every_point_is_named_in_the_code_as_it_is_and_somebody_is_known_to_pass_it():
    for folder in ("shared", "services", "migrations"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "faultpoint":
                    assert isinstance(node.args[0], ast.Constant), path
    assert {point.partition(".")[0] for point in points()} == {*HAPPENS_IN, ONLY_AT_A_START.partition(".")[0]}
    assert len(points()) >= 20

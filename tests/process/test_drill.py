"""The whole drill, as `yaosu drill` plays it: minutes, so only where it is asked for (`make drill`)."""

import os
from pathlib import Path

import pytest
from rich.console import Console

from services.recovery import drill

pytestmark = [
    pytest.mark.process, pytest.mark.xdist_group("process"), pytest.mark.timeout(600),
    pytest.mark.skipif("YAOSU_DRILL" not in os.environ, reason="takes minutes: `make drill` runs it"),
]  # fmt: skip


async def test_a_market_that_was_lost_is_got_back(tmp_path: Path):
    out = Console(record=True, width=200)
    assert await drill.run(tmp_path / "drill", keep=True, out=out) == 0
    said = out.export_text()
    assert "the log was set back" in said and "401 invalid_token" in said and "facts were put back" in said

"""A market at rest holds what it needs to be ready, and no library that only some of its work takes."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.process, pytest.mark.xdist_group("process"), pytest.mark.timeout(120)]
# Each is loaded with the first work that takes it, in the process that does it.
LATE = {
    "alembic", "asyncpg", "chinese_calendar", "cn2an", "duckdb", "holidays", "opendp", "opentelemetry.sdk",
    "phonenumbers", "pyarrow", "pydoc", "rjieba", "sqlglot", "stdnum", "typst",
}  # fmt: skip
MARKET = """
import asyncio, json, sys
from pathlib import Path
import services.__main__
from services import market, opening, serving, staff
from shared.clock import SystemClock
from shared.rest import connect
from shared.settings import Settings, with_development_secrets

async def rest():
    settings = with_development_secrets(Settings(var=Path(sys.argv[1])))
    whole = market.build_market(settings, SystemClock(), staff=staff.development_log_ins(settings))
    async with whole.front.router.lifespan_context(whole.front), connect(whole.door) as asking:
        while (await asking.get("/health/ready")).status_code != 200:
            await asyncio.sleep(0.05)
    print(json.dumps(sorted(sys.modules)))

asyncio.run(rest())
"""


def test_a_market_at_rest_has_not_loaded_what_only_some_of_its_work_takes(files: dict[str, Path], tmp_path: Path):
    for service, file in files.items():
        shutil.copyfile(file, tmp_path / f"{service}.db")
    ended = subprocess.run([sys.executable, "-c", MARKET, str(tmp_path)], capture_output=True, text=True, check=True)
    loaded = set(json.loads(ended.stdout.splitlines()[-1]))
    assert {"services.trading.app", "services.serving", "uvicorn"} <= loaded, "it is the market that was looked at"
    assert not LATE & loaded

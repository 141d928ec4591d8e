"""The commands for a bad day, as an operator types them."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import insert
from typer.testing import CliRunner, Result

from services import __main__
from services.recovery import marker
from services.recovery.backup import NotBackedUp
from services.recovery.marker import NotCompared
from services.recovery.restore import NotRestored
from shared.outbox import receipts_table
from tests.recovery.market import SmallMarket

pytestmark = pytest.mark.parametrize("server", ["sqlite"], indirect=True)


async def typed(*arguments: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, __main__.app, list(arguments))


@pytest.fixture
def shell(market: SmallMarket, monkeypatch: pytest.MonkeyPatch) -> SmallMarket:
    told = market.settings
    assert told.log_policy and told.log_key
    monkeypatch.setenv("YAOSU_VAR", str(told.var))
    monkeypatch.setenv("YAOSU_LOG_POLICY", str(told.log_policy))
    monkeypatch.setenv("YAOSU_LOG_KEY", told.log_key.get_secret_value())
    monkeypatch.delenv("DATABASE_URL", raising=False)
    return market


async def test_a_market_is_backed_up_lost_restored_compared_and_only_then_opened(shell: SmallMarket, tmp_path: Path):
    await shell.record("trading", 1, 2)
    await shell.report("trading")
    made = await typed("backup", str(tmp_path / "backup"))
    assert made.exit_code == 0 and "the log at 2" in made.output and "YAOSU_TOKEN_KEY" in made.output
    for path in shell.settings.var.glob("*.db*"):
        path.unlink()
    # Nothing answers where the policy says that the witness is.
    restored = await typed("restore", str(tmp_path / "backup"))
    assert restored.exit_code != 0 and "the witness w1 says nothing" in restored.output
    assert isinstance((await typed("serve")).exception, NotCompared)
    begun = await typed("restored", "--accept-silence")
    assert begun.exit_code == 0 and "trading, stripe 0: agrees (it has 2, the log 2)" in begun.output
    marker.require_none(shell.settings.var)


async def test_what_the_log_promised_is_printed_a_line_each(shell: SmallMarket):
    promises = [{"stripe": 0, "last_seq": seq, "last_index": 9 + seq, "receipt": f'{{"seq":{seq}}}'} for seq in (1, 2)]
    async with shell.database("trading") as database, database.transaction() as tx:
        await tx.execute(insert(receipts_table), promises)
    told = await typed("receipts", "trading")
    assert (told.exit_code, told.output) == (0, '{"seq":1}\n{"seq":2}\n')
    assert (await typed("receipts", "pricing")).output == ""
    unknown = await typed("receipts", "trade")
    assert unknown.exit_code != 0 and "trade is no service: identity, catalog" in unknown.output


async def test_what_cannot_be_done_says_why(shell: SmallMarket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert (await typed("backup", str(tmp_path / "backup"))).exit_code == 0
    assert isinstance((await typed("restore", str(tmp_path / "backup"))).exception, NotRestored)
    monkeypatch.setenv("YAOSU_DATABASE_URL", "postgresql+asyncpg://yaosu@nowhere.example/yaosu")
    on_postgresql = (await typed("backup", str(tmp_path / "other"))).exception
    assert isinstance(on_postgresql, NotBackedUp) and "yaosu restored" in str(on_postgresql)
    assert isinstance((await typed("restore", str(tmp_path / "backup"))).exception, NotRestored)

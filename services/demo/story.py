"""One whole sale, told step by step: from an empty folder to a settlement that a stranger can verify.

Promises: every step goes through the public API of a real server; a step that does not end as it must ends the story
with its name and a non-zero code; the report says what was seen, not what was expected.
"""

import json
import shutil
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from httpx2 import AsyncClient, Timeout
from rich.console import Console
from rich.markup import escape

from services.demo import bidding, deals, proof, server, shelves
from services.demo.market import Market
from services.demo.people import StepFailed
from shared.clock import Stopwatch, SystemClock

Act = Callable[[Market], Awaitable[None]]
Step = tuple[str, str, Act]
STEPS: list[Step] = [
    ("market opened", "开市", shelves.open_market),
    ("participants admitted", "主体准入", shelves.admit_participants),
    ("content uploaded and inspected", "上传与检验", shelves.upload_content),
    ("versions graded", "分类分级", shelves.grade_versions),
    ("assets registered", "资产登记", shelves.register_assets),
    ("raw sale of persons refused", "按级拒绝", deals.refuse_raw_persons),
    ("listed", "挂牌", bidding.list_airports),
    ("money paid in", "入金", bidding.pay_in),
    ("deposits held", "冻结保证金", bidding.register_bidders),
    ("bidding", "竞价", bidding.bid),
    ("auction closed, deposits voided", "成交，解冻保证金", bidding.close),
    ("contract signed by both", "双方签约", deals.sign_contract),
    ("paid into escrow", "付款", deals.pay),
    ("delivered", "交付", deals.receive),
    ("accepted", "验收", deals.accept),
    ("settled to the fen", "结算", deals.settle),
    ("desensitised persons sold at a fixed price", "脱敏挂牌成交", deals.sell_desensitised_persons),
    ("log exported by the regulator", "监管导出日志", proof.export_bundle),
    ("bundle verified offline", "离线验证", proof.verify_bundle),
    ("auction replayed from the log", "竞价复算", proof.replay),
    ("tampering named", "篡改即现", proof.tamper),
]


async def tell(folder: Path, *, keep: bool, out: Console) -> int:
    """Run the story in `folder`. Returns 0 if every step held, else 1. The report is `report.json` there."""
    try:
        return await tell_at(_market(folder, out), STEPS, folder, out)
    finally:
        if not keep:
            shutil.rmtree(folder / "market", ignore_errors=True)


async def tell_at(
    opening: AbstractAsyncContextManager[Market], steps: Sequence[Step], folder: Path, out: Console
) -> int:
    """Run these steps at the market that is being opened. Returns and leaves what `tell` does."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").unlink(missing_ok=True)
    watch = Stopwatch()
    out.print("[bold]Yaosu 要素[/bold] · 首笔交易 · the first sale")
    report: dict[str, Any] = {"steps": [], "refusals": []}
    try:
        async with opening as market:
            report = market.report
            for number, step in enumerate(steps, 1):
                await _take_step(market, number, step)
    except (StepFailed, server.ServerDied) as error:
        report["failed"] = str(error)
        out.print(f"[red]{escape(str(error))}[/red]", soft_wrap=True)
    (folder / "report.json").write_text(json.dumps(report, ensure_ascii=False, indent=2) + "\n")
    verdict = "[red]failed[/red]" if "failed" in report else "[green]ok[/green]"
    out.print(f"{verdict} · {watch.seconds():.1f} s · {folder / 'report.json'}", soft_wrap=True)
    return 1 if "failed" in report else 0


@asynccontextmanager
async def _market(folder: Path, out: Console) -> AsyncGenerator[Market]:
    async with (
        server.running(folder / "market") as base_url,
        AsyncClient(base_url=base_url, timeout=Timeout(30)) as client,
    ):
        yield Market(client, folder, out)


async def _take_step(market: Market, number: int, taken: Step) -> None:
    """Raises StepFailed, naming the step, whatever it was that went wrong."""
    name, chinese, step = taken
    watch, at = Stopwatch(), SystemClock().now().astimezone()
    entry: dict[str, Any] = {"name": name, "ok": False, "seconds": 0}
    market.report["steps"].append(entry)
    market.out.print(f"[bold]{number:>3}[/bold] [dim]{at:%H:%M:%S}[/dim] {chinese} · {name}", highlight=False)
    try:
        await step(market)
        entry["ok"] = True
    except Exception as error:
        raise StepFailed(f"step {number}, {name}, failed: {error}") from error
    finally:
        entry["seconds"] = round(watch.seconds(), 3)
    market.note(f"[dim]{entry['seconds']:.1f} s[/dim]")

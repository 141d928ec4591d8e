"""The end of the story: what a regulator takes home, and what becomes of it when one byte is changed."""

import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

from services.demo.market import Market
from services.demo.people import expect

EXIT_OK, EXIT_TAMPERED = 0, 1
SETTLED = "trading.order_settled"
WITNESSED = {"witnessed"}
SIGNED = {"checkpointed"} | WITNESSED
ENTRIES_IN_TILE = 256


async def export_bundle(market: Market) -> None:
    """Take the log home, once every settlement is in it and signed for."""
    for order_id in market.settled:
        index = await _index_of_settlement(market, order_id)
        market.things.setdefault("settlement_index", index)
    bundle = market.folder / "bundle.tar"
    bundle.write_bytes(await market.people["regulator"].download("/audit/v1/bundle"))
    market.report["bundle"] = str(bundle)
    market.note(f"{bundle} · {bundle.stat().st_size:,} 字节 bytes")


async def verify_bundle(market: Market, *options: str) -> None:
    code, report = _verify(Path(market.report["bundle"]), *options)
    expect(code == EXIT_OK, f"the verifier found: {report}")
    market.report["log"] = {"size": report["size"], "root_hex": report["root"], "witnesses": report["witnesses"]}
    market.note(f"[green]ok[/green] · {report['size']} 条 entries · root {report['root']}")


async def replay(market: Market) -> None:
    """Make the auction again out of the bundle, as its regulator would, and compare it with what the market showed."""
    code, report = _replay(Path(market.report["bundle"]))
    expect(code == EXIT_OK, f"the replay found: {report}")
    (replayed,) = report["auctions"]
    shown, price = market.report["auction"], replayed["price"]["minor"]
    expect((replayed["winner_id"], price) == (shown["winner"], shown["price_minor"]), "the same winner, the same price")
    market.note(f"[green]ok[/green] · {replayed['bids']} 次出价 bids · {price / 100:,.2f} CNY")


async def tamper(market: Market) -> None:
    """Change one byte of the settlement in a copy of the bundle, and let the verifier say which entry it was."""
    changed, index = market.folder / "bundle-changed.tar", market.things["settlement_index"]
    _change_a_byte(Path(market.report["bundle"]), changed, index)
    code, report = _verify(changed)
    changed.unlink()
    found: dict[str, Any] = report["first_diverging"] or {}
    expect(code == EXIT_TAMPERED, "a changed byte is no longer verified")
    expect(found.get("index") == index, f"the verifier names entry {index}, not {found}")
    market.note(f"结算条目改动一字节 one byte of the settlement changed → 条目 entry {index} [red]tampered[/red]")


async def _index_of_settlement(market: Market, order_id: str) -> int:
    """The entry that says so, once a checkpoint covers it; in production, one that was witnessed."""
    regulator, wanted = market.people["regulator"], WITNESSED if market.in_production else SIGNED

    async def look() -> int | None:
        entries = (await regulator.get("/audit/v1/entries", object=order_id, limit=100))["items"]
        signed = (entry for entry in entries if entry["state"] in wanted)
        return next((each["index"] for each in signed if json.loads(each["event"])["act"] == SETTLED), None)

    index = await market.until(look, lambda index: index is not None, "the settlement in a signed checkpoint")
    assert index is not None
    return index


def _verify(bundle: Path, *options: str) -> tuple[int, dict[str, Any]]:
    """Run the verifier as a stranger would: its one file, by itself."""
    verifier = Path(__file__).parents[2] / "verifier" / "yaosu_verify.py"
    command = [sys.executable, "-I", str(verifier), "--json", *options, str(bundle)]
    run = subprocess.run(command, capture_output=True, check=False)
    return run.returncode, json.loads(run.stdout)


def _replay(bundle: Path) -> tuple[int, dict[str, Any]]:
    command = [sys.executable, "-m", "services", "replay", "--json", str(bundle)]
    run = subprocess.run(command, capture_output=True, check=False)
    return run.returncode, json.loads(run.stdout or b"{}")


def _change_a_byte(original: Path, changed: Path, index: int) -> None:
    """Make a copy in which one bit in the middle of one entry's line is another."""
    content = bytearray(original.read_bytes())
    with tarfile.open(original) as tar:
        name = f"tile/entries/{index // ENTRIES_IN_TILE:03}"
        place = next(member.offset_data for member in tar if member.name.partition(".p/")[0] == name)
    for _ in range(index % ENTRIES_IN_TILE):
        place += 2 + int.from_bytes(content[place : place + 2], "big")
    length = int.from_bytes(content[place : place + 2], "big")
    content[place + 2 + length // 2] ^= 0x01
    changed.write_bytes(content)

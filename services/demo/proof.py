"""The end of the story: what a regulator takes home, and what becomes of it when one byte is changed."""

import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.demo.people import expect

if TYPE_CHECKING:
    from services.demo.story import Market

EXIT_OK, EXIT_TAMPERED = 0, 1


async def export_bundle(market: "Market") -> None:
    regulator = market.people["regulator"]
    order_id = market.things["order"]

    async def settled_is_logged() -> bool:
        entries = (await regulator.get("/audit/v1/entries", object=order_id, limit=100))["items"]
        acts = {json.loads(entry["event"])["act"] for entry in entries if entry["state"] == "checkpointed"}
        return "trading.order_settled" in acts

    await market.until(settled_is_logged, bool, "the settlement in a signed checkpoint")
    bundle = market.folder / "bundle.tar"
    bundle.write_bytes(await regulator.download("/audit/v1/bundle"))
    market.report["bundle"] = str(bundle)
    market.note(f"{bundle} · {bundle.stat().st_size:,} 字节 bytes")


async def verify_bundle(market: "Market") -> None:
    code, report = _verify(Path(market.report["bundle"]))
    expect(code == EXIT_OK, f"the verifier found: {report}")
    market.report["log"] = {"size": report["size"], "root_hex": report["root"]}
    market.note(f"[green]ok[/green] · {report['size']} 条 entries · root {report['root'][:16]}…")


async def tamper(market: "Market") -> None:
    """Change one byte of one entry in a copy of the bundle, and let the verifier say which."""
    changed = market.folder / "bundle-changed.tar"
    _change_a_byte(Path(market.report["bundle"]), changed)
    code, report = _verify(changed)
    changed.unlink()
    found: dict[str, Any] = report["first_diverging"] or {}
    expect(code == EXIT_TAMPERED and found.get("index") is not None, "the verifier names the entry")
    market.note(f"改动一字节 one byte changed → 条目 entry {found['index']} [red]tampered[/red]")


def _verify(bundle: Path) -> tuple[int, dict[str, Any]]:
    """Run the verifier as a stranger would: its one file, by itself."""
    verifier = Path(__file__).parents[2] / "verifier" / "yaosu_verify.py"
    run = subprocess.run([sys.executable, "-I", str(verifier), "--json", str(bundle)], capture_output=True, check=False)
    return run.returncode, json.loads(run.stdout)


def _change_a_byte(original: Path, changed: Path) -> None:
    content = bytearray(original.read_bytes())
    with tarfile.open(original) as tar:
        entries = next(member for member in tar if member.name.startswith("tile/entries/"))
        place = entries.offset_data + entries.size // 2
    content[place] ^= 0x01
    changed.write_bytes(content)

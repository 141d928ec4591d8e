"""`python -m bench [NAME…]`: measure, print, and write bench/results.json. Without names, everything.

A part is a module of this folder with a function `measure(folder) -> Iterator[Figure]`. Its figures replace those of
the same names in the results; the others stay, each with the moment and the machine that it was measured on.
"""

import argparse
import importlib
import json
import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from bench.measure import Figure, fsync_microseconds

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
FRAME = {"__main__", "measure"}


def main() -> int:
    parts = sorted(path.stem for path in HERE.glob("*.py") if path.stem not in FRAME)
    about = "Measure, beside what a user would otherwise pick."
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=about, epilog="example: python -m bench search"
    )
    parser.add_argument("part", nargs="*", help=f"one of: {', '.join(parts)} (default: all)")
    wanted = parser.parse_args().part
    if unknown := sorted(set(wanted) - set(parts)):
        parser.error(f"there is no part {', '.join(unknown)}; there is: {', '.join(parts)}")
    with tempfile.TemporaryDirectory(prefix="yaosu-bench-") as folder:
        missed = [figure.name for figure in _measured(wanted or parts, Path(folder)) if not figure.holds]
    if missed:
        print(f"missed on this machine: {', '.join(missed)}", file=sys.stderr)
    return 0


def _measured(parts: list[str], folder: Path) -> Iterator[Figure]:
    for part in parts:
        print(f"── {part}: the disk takes {fsync_microseconds(folder):.0f} µs for a durable write of 8 KiB", flush=True)
        for figure in importlib.import_module(f"bench.{part}").measure(folder):
            sign = "≤" if figure.better == "at_most" else "≥"
            word = "holds" if figure.holds else "MISSED"
            print(f"{figure.name}: {figure.value:.4g} (goal {sign} {figure.goal:g}) {word} {figure.note}", flush=True)
            _keep(figure, part, folder)
            yield figure


def _keep(figure: Figure, part: str, folder: Path) -> None:
    known: dict[str, object] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    told = {
        "part": part,
        "holds": figure.holds,
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"cores": os.cpu_count(), "system": platform.system(), "python": platform.python_version(),
                    "load": round(os.getloadavg()[0], 1), "fsync_microseconds": round(fsync_microseconds(folder))},
    }  # fmt: skip
    known[figure.name] = {key: value for key, value in asdict(figure).items() if key != "name"} | told
    RESULTS.write_text(json.dumps(known, indent=2, sort_keys=True, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    sys.exit(main())

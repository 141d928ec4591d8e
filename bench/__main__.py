"""`python -m bench [PART…]`: measure, print, and keep in bench/results.json. Without names, everything.

A part is a module of this folder with a function `measure(folder) -> Iterator[Figure]`. Its figures replace those of
the same names in the results; the others stay, each with the moment and the machine that it was measured on. At the end
stands a table; all results are drawn anew as docs/benchmarks.svg, and docs/scaling.md is computed from them. `--short`
only tries whether the parts run, each in less than a minute, and keeps nothing.
"""

import argparse
import importlib
import os
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
FRAME = {"__main__", "measure", "results", "drawing", "capacity", "counterpart"}


def main() -> int:
    parts = sorted(path.stem for path in HERE.glob("*.py") if path.stem not in FRAME)
    about = "Measure, beside what a user would otherwise pick."
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=about, epilog="example: python -m bench search"
    )
    parser.add_argument("part", nargs="*", help=f"one of: {', '.join(parts)} (default: all)")
    parser.add_argument("--short", action="store_true", help="only try whether it runs, and keep nothing")
    parser.add_argument("--draw", action="store_true", help="measure nothing, draw what was kept")
    asked = parser.parse_args()
    if unknown := sorted(set(asked.part) - set(parts)):
        parser.error(f"there is no part {', '.join(unknown)}; there is: {', '.join(parts)}")
    if asked.short:
        os.environ["BENCH_SHORT"] = "1"  # before any part is loaded
    if not asked.draw:
        with tempfile.TemporaryDirectory(prefix="yaosu-bench-") as folder:
            _measure(asked.part or parts, Path(folder), kept=not asked.short)
    if not asked.short:
        _draw()
    return 0


def _measure(parts: list[str], folder: Path, *, kept: bool) -> None:
    from bench import results
    from bench.measure import fsync_microseconds

    known, names = results.read(), list[str]()
    for part in parts:
        began, disk = time.perf_counter(), fsync_microseconds(folder)
        print(f"── {part}: the disk takes {disk:.0f} µs for a durable write of 8 KiB", flush=True)
        for figure in importlib.import_module(f"bench.{part}").measure(folder):
            known.keep(figure, part, disk)
            names.append(figure.name)
            print(f"{figure.name}: {figure.value:.4g} {figure.note}", flush=True)
            if kept:
                known.write()
        print(f"── {part}: {time.perf_counter() - began:.0f} s", flush=True)
    if names:
        print(results.table(known, names))
    if missed := [name for name in names if not known.ratios[name]["holds"]]:
        print(f"missed on this machine: {', '.join(missed)}", file=sys.stderr)


def _draw() -> None:
    from bench import capacity, drawing, results

    drawing.PICTURE.write_text(drawing.drawn(results.read()))
    document = capacity.DOCUMENT.read_text()
    capacity.DOCUMENT.write_text(capacity.written(document, capacity.tables()))


if __name__ == "__main__":
    sys.exit(main())

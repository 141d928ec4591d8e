"""Draws every lifecycle of the rules into ARCHITECTURE.md, between its two markers.

`python docs/diagrams.py` writes; `--check` only tells whether what stands there is what the tables say.
"""

import importlib
import sys
from pathlib import Path
from typing import Any, cast

from shared.lifecycle import Lifecycle

ROOT = Path(__file__).parent.parent
DOCUMENT = ROOT / "ARCHITECTURE.md"
START, END = "<!-- lifecycles -->", "<!-- /lifecycles -->"


def lifecycles() -> dict[str, Lifecycle[Any]]:
    """Every lifecycle that a rules file defines, under `service: noun`."""
    found: dict[str, Lifecycle[Any]] = {}
    for path in sorted(ROOT.glob("services/*/rules/*.py")):
        module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
        for name, value in vars(module).items():
            if isinstance(value, Lifecycle) and name.isupper():
                title = f"{path.parts[-3]}: {name.lower().replace('_', ' ')}"
                found.setdefault(title, cast(Lifecycle[Any], value))
    return found


def drawn(document: str) -> str:
    """The document with the diagrams as they are now."""
    before, _, rest = document.partition(START)
    _, _, after = rest.partition(END)
    parts = [f"### {name}\n\n```mermaid\n{each.mermaid()}\n```\n" for name, each in lifecycles().items()]
    return before + START + "\n\n" + "\n".join(parts) + "\n" + END + after


if __name__ == "__main__":
    text = DOCUMENT.read_text()
    if "--check" in sys.argv:
        sys.exit(0 if drawn(text) == text else "ARCHITECTURE.md differs from the lifecycle tables: run `make diagrams`")
    DOCUMENT.write_text(drawn(text))

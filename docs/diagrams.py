"""Draws every lifecycle of the rules into ARCHITECTURE.md, between its two markers.

`python docs/diagrams.py` writes; `--check` only tells whether what stands there is what the tables say.
"""

import importlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from shared.lifecycle import Lifecycle

ROOT = Path(__file__).parent.parent
DOCUMENT = ROOT / "ARCHITECTURE.md"


def lifecycles() -> dict[str, Lifecycle[Any]]:
    """Every lifecycle that a rules file defines, under `service: noun`."""
    found: dict[str, Lifecycle[Any]] = {}
    for module in modules("services/*/rules/*.py"):
        for name, value in vars(module).items():
            if isinstance(value, Lifecycle) and name.isupper():
                title = f"{module.__name__.split('.')[1]}: {name.lower().replace('_', ' ')}"
                found.setdefault(title, cast(Lifecycle[Any], value))
    return found


def drawn(document: str) -> str:
    """The document with the diagrams as they are now."""
    parts = [f"### {name}\n\n```mermaid\n{each.mermaid()}\n```\n" for name, each in lifecycles().items()]
    return between(document, "lifecycles", parts)


def modules(*patterns: str) -> Iterator[ModuleType]:
    """The modules at these places of the repository, in the order of their names."""
    for path in sorted(path for pattern in patterns for path in ROOT.glob(pattern)):
        yield importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))


def between(document: str, name: str, parts: Sequence[str]) -> str:
    """The document with these parts between the two markers of that name."""
    start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, _, rest = document.partition(start)
    _, _, after = rest.partition(end)
    return before + start + "\n\n" + "\n".join(parts) + "\n" + end + after


def keep(document: Path, text: str) -> None:
    """Write the document; with `--check`, end in failure instead if it says anything else."""
    if "--check" not in sys.argv:
        document.write_text(text)
    elif document.read_text() != text:
        sys.exit(f"{document.name} differs from the code: run `make diagrams`")


if __name__ == "__main__":
    keep(DOCUMENT, drawn(DOCUMENT.read_text()))

"""Reads what documents say of tests and files, so that it can be held to what there is."""

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def rows_of(text: str, columns: int) -> list[list[str]]:
    """The cells of each row of every table with so many columns, headings and rules too."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    return [row for row in rows if len(row) == columns]


def in_code(text: str) -> list[str]:
    """Whatever stands between backticks."""
    return re.findall(r"`([^`]+)`", text)


def has_test(name: str) -> bool:
    """Whether `tests/….py::test_…` names a test, or `tests/….py` a file with tests."""
    path, _, function = name.partition("::")
    names = _tests(path)
    return function in names if function else bool(names)


@cache
def _tests(path: str) -> frozenset[str]:
    if not path.startswith("tests/") or not (ROOT / path).is_file():
        return frozenset()
    tree = ast.parse((ROOT / path).read_text())
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(node.name for node in functions if node.name.startswith("test_"))

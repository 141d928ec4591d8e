"""Reads what documents say of tests and files, so that it can be held to what there is."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


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

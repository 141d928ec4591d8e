"""What is named in capitals is the same for everyone in a process, whoever ran before: no function changes it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("services", "shared", "tests", "bench", "migrations", "supply", "verifier")
CHANGING = {"append", "add", "clear", "discard", "extend", "insert", "pop", "remove", "setdefault", "sort", "update"}


def changed_constants(source: str) -> Iterator[str]:
    """Each statement within a function that changes a constant's content."""
    for outer in ast.parse(source).body:
        if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for node in ast.walk(outer):
                if (table := _changed_by(node)) and _name(table).isupper():
                    yield f"line {table.lineno} changes {_name(table)}: let it have a value of its own"


def _changed_by(node: ast.AST) -> ast.Name | ast.Attribute | None:
    match node:
        case ast.Subscript(value=ast.Name() | ast.Attribute() as table, ctx=ast.Store() | ast.Del()):
            return table
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name() | ast.Attribute() as table, attr=way))) if (
            way in CHANGING
        ):
            return table
        case _:
            return None


def _name(table: ast.Name | ast.Attribute) -> str:
    return table.id if isinstance(table, ast.Name) else table.attr


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_function_changes_a_constant(folder: str):
    files = sorted((ROOT / folder).rglob("*.py"))
    assert files
    assert not [f"{path}: {fault}" for path in files for fault in changed_constants(path.read_text())]


@pytest.mark.parametrize("planted", [
    "OWNERS[what] = who", "shelves.OWNERS[what], found = who, 1", "del OWNERS[what]", "OWNERS[what] += 1",
    "shelves.OWNERS.update(more)", "SEEN.append(1)",
])  # fmt: skip
def test_a_planted_change_is_found(planted: str):
    assert list(changed_constants(f"def act():\n    {planted}\n"))


@pytest.mark.parametrize("allowed", ["total = EXACT.add(total, 1)", "owners = OWNERS | {what: who}", "seen.append(1)"])
def test_what_changes_nothing_is_not_complained_of(allowed: str):
    assert not list(changed_constants(f"def act():\n    {allowed}\n"))

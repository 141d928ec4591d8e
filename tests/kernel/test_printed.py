"""Whatever is printed, in the text of an error or a line of a log, shows no secret that it holds."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SECRET = re.compile("(^|_)(password|password_hash|secret|token)$")


def held(source: str) -> Iterator[tuple[str, bool]]:
    """Each field of a dataclass that is named like a secret and holds it in clear, and whether it is shown."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef) and any("dataclass" in ast.unparse(each) for each in node.decorator_list):
            for field in node.body:
                if not isinstance(field, ast.AnnAssign) or not SECRET.search(ast.unparse(field.target)):
                    continue
                if re.search("\\b(str|bytes)\\b", ast.unparse(field.annotation)):
                    is_hidden = field.value is not None and "repr=False" in ast.unparse(field.value)
                    yield f"{node.name}.{ast.unparse(field.target)}", not is_hidden


def test_no_secret_is_shown_by_what_holds_it():
    found = [
        each
        for path in sorted([*ROOT.glob("services/**/*.py"), *ROOT.glob("shared/*.py")])
        for each in held(path.read_text())
    ]
    assert len(found) >= 8
    assert [name for name, is_shown in found if is_shown] == [], "say `field(repr=False)`, or hold a SecretStr"


def test_a_secret_that_is_shown_is_found():
    source = "@dataclass\nclass Tried:\n    password: str\n    name: str\n    old_token: str = field(repr=False)\n"
    assert list(held(source)) == [("Tried.password", True), ("Tried.old_token", False)]

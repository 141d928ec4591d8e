"""A server to measure, in a process of its own beside whoever measures, so that neither waits for the other's turn."""

import json
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any


@contextmanager
def beside(module: str, *arguments: str) -> Generator[dict[str, Any]]:
    """What `python -m module` tells of itself in its first line, as JSON. It ends when its input does."""
    command = [sys.executable, "-m", module, *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True)
    assert process.stdout and process.stdin
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.stdin.close()
        process.wait()

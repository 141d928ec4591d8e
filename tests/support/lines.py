"""What a process would write to standard error, at a level, while a test runs."""

import io
import json
import logging
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import pytest

from shared import log, observing


class Lines(io.StringIO):
    @property
    def told(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]


@contextmanager
def lines_of_the_log(level: str = "info") -> Generator[Lines]:
    root, lines = logging.getLogger(), Lines()
    handlers, before = root.handlers[:], root.level
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stderr", lines)
        log.configure(level, names=observing.names)
        try:
            yield lines
        finally:
            root.handlers[:], log.requests.handlers[:], log.requests.propagate = handlers, [], True
            root.setLevel(before)
            logging.getLogger("httpx2").setLevel(logging.NOTSET)

"""A result as a document: canonical JSON of what it follows from, and the hash that says it is unchanged."""

import hashlib
from collections.abc import Mapping

from shared import canonical

IN_FACT_BYTES_MAX = 8 * 1024


def sealed(told: Mapping[str, object]) -> tuple[str, str]:
    """The document's text and its SHA-256."""
    text = canonical.encode(told)
    return text.decode(), hashlib.sha256(text).hexdigest()


def in_fact(text: str) -> str | None:
    """The document, if a fact has room for it; otherwise its hash stands for it, and the document beside the log."""
    return text if len(text.encode()) <= IN_FACT_BYTES_MAX else None

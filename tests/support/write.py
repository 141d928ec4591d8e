"""What a good request for a write is made of: who may send it, and what it says."""

from dataclasses import dataclass
from typing import Any

HEX = "0" * 32
HASH = "0" * 64
BUSINESS, SECURITY, ARBITER = "business", "security", "arbiter"
ANYONE, CUSTODIAN, NEIGHBOUR = "", "custodian", "neighbour"
YUAN = {"minor": 100, "currency": "CNY"}


@dataclass(frozen=True, slots=True)
class Write:
    """`others`: good bodies that name what the first must leave out."""

    sender: str
    body: Any = None
    others: tuple[Any, ...] = ()


def id_of(kind: str) -> str:
    return f"{kind}_{HEX}"


SIGNED = {"key_id": id_of("key"), "signature": "A" * 86 + "=="}

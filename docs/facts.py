"""Writes every act that can stand in the log into docs/facts.md, between its two markers, with what is told in it.

`python docs/facts.py` writes; `--check` only tells whether what stands there is what the services' `events` say.
An act is a class of facts that no other derives from; what others derive from is a base, and is never recorded.
"""

from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from textwrap import indent
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from docs.diagrams import ROOT, between, keep, modules
from shared.facts import Commitment, Fact
from shared.ids import Id
from shared.settings import SERVICES

DOCUMENT = ROOT / "docs" / "facts.md"
LINE_MAX = 100
PLAIN = {str: "text", int: "integer", bool: "boolean", datetime: "moment", Commitment: "salted commitment"}


def facts(service: str) -> list[type[Fact]]:
    """Every class of facts that a service's events define, bases too."""
    return facts_in(f"services/{service}/events.py", f"services/{service}/events/*.py")


def facts_in(*patterns: str) -> list[type[Fact]]:
    return [
        value
        for module in modules(*patterns)
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Fact) and value.__module__ == module.__name__
    ]


def is_act(fact: type[Fact]) -> bool:
    return not fact.__subclasses__()


def sentence(fact: type[Fact]) -> str:
    """What the class says of itself; nothing where only `dataclass` wrote its docstring."""
    text = fact.__doc__ or ""
    return "" if text.startswith(f"{fact.__name__}(") else " ".join(text.split())


def members(owner: Any) -> list[str]:
    """Each member of a dataclass, as it stands in the log."""
    names = [field.name for field in fields(owner) if not (issubclass(owner, Fact) and field.name == "fact_id")]
    kinds = get_type_hints(owner)
    return [_member(name, kinds[name]) for name in names]


def form(kind: Any) -> str:
    """How a value of a type stands in the log. Raises TypeError for a type that leaves open what may stand there."""
    origin, parts, bases = get_origin(kind), get_args(kind), getattr(kind, "__mro__", ())
    if kind in PLAIN:
        return PLAIN[kind]
    if origin in {tuple, frozenset} and parts[1:] in {(), (...,)}:
        return f"[{form(parts[0])}]"
    if origin is Literal or StrEnum in bases:
        return " | ".join(f'"{value}"' for value in parts or kind)
    if Id in bases:
        return f"{kind.kind} id"
    if not is_dataclass(kind):
        raise TypeError(f"{kind} leaves open what stands in the log")
    line = "{" + ", ".join(members(kind)) + "}"
    return line if len(line) <= LINE_MAX else "{\n" + indent("\n".join(members(kind)), "  ") + "\n}"


def drawn(document: str) -> str:
    """The document with the acts as they are now."""
    parts = list[str]()
    for service in SERVICES:
        parts += [f"## {service}\n", *(_act(service, fact) for fact in facts(service) if is_act(fact))]
    shared = (_act("SERVICE", fact) for fact in facts_in("shared/heartbeats.py"))
    parts += ["## every service, of its own outbox\n", *shared]
    return between(document, "facts", parts)


def _act(service: str, fact: type[Fact]) -> str:
    kept = f"`v` {fact.schema_version} · `cat` {fact.category} · `ret` {fact.retention} · `out` {fact.outcome}"
    data = "\n".join(members(fact))
    return f"### `{fact.act(service)}`\n\n{sentence(fact)}\n\n{kept}\n\n```\n{data}\n```\n"


def _member(name: str, kind: Any) -> str:
    kinds = get_args(kind) if get_origin(kind) in {Union, UnionType} else (kind,)
    left_out = "?" if NoneType in kinds else ""
    return f"{name}{left_out}: " + " | ".join(form(each) for each in kinds if each is not NoneType)


if __name__ == "__main__":
    keep(DOCUMENT, drawn(DOCUMENT.read_text()))

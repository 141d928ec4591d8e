"""The bug that row-level security is there for: an application that never asks whose a thing is.

Within it every condition of a query that compares an organisation is true, and any two organisations are the same to
the code: what is left of the application is a search for everyone's. Requires PostgreSQL, by the services' own log-ins.
"""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, cast

import pytest
from sqlalchemy import BinaryExpression, BindParameter, Column, Engine, Select, event, true
from sqlalchemy.sql import operators, visitors

from shared.database import IdOf
from shared.ids import ParticipantId

COMPARES = {operators.eq, operators.in_op}


@contextmanager
def unfiltered() -> Generator[None]:
    event.listen(Engine, "before_execute", _forget_whose, retval=True)
    with pytest.MonkeyPatch.context() as code:
        code.setattr(ParticipantId, "__eq__", _is_the_same, raising=False)
        code.setattr(ParticipantId, "__ne__", _is_another, raising=False)
        code.setattr(ParticipantId, "__hash__", str.__hash__, raising=False)
        try:
            yield
        finally:
            event.remove(Engine, "before_execute", _forget_whose)


def _forget_whose(_: Any, statement: Any, parameters: Any, options: Any, __: Any) -> tuple[Any, Any, Any]:
    if not isinstance(statement, Select):
        return statement, parameters, options
    return cast(Any, visitors).replacement_traverse(statement, {}, _without_organisation), parameters, options


def _without_organisation(element: Any, **_: Any) -> Any:
    if not isinstance(element, BinaryExpression) or element.operator not in COMPARES:
        return None
    sides = (element.left, element.right)
    names = any(isinstance(each, Column) and _is_of_organisations(each) for each in sides)
    return true() if names and any(isinstance(each, BindParameter) for each in sides) else None


def _is_of_organisations(column: Any) -> bool:
    """Whose a row is, not which organisation it is about."""
    kept_as = column.type
    return isinstance(kept_as, IdOf) and cast(Any, kept_as).kind is ParticipantId and not column.primary_key


def _is_the_same(one: ParticipantId, other: object) -> bool:
    return isinstance(other, ParticipantId) or str.__eq__(one, other) is True


def _is_another(one: ParticipantId, other: object) -> bool:
    return not _is_the_same(one, other)

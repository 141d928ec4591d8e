"""A query over a version's content: what it may take, and why it is not answered.

Promises: a refusal names the kind of thing that is refused and what to do instead, never the data.
"""

from enum import StrEnum

from shared.errors import Malformed


class QueryReason(StrEnum):
    REJECTED = "query_rejected"
    LIMIT = "query_limit"


class QueryRejected(Malformed):
    """This query is not one that is answered here; the hint says what it may not have."""


class QueryLimit(Malformed):
    """This query takes more time, memory or room than it may; ask for less."""

"""PostgreSQL's driver with the tenant of every transaction told in the statement that begins it.

Promises: no transaction runs under the tenant of another one, however connections are pooled, for the setting is the
transaction's own and ends with it. It costs no trip to the server: it travels with BEGIN.
"""

from typing import Any

import asyncpg

from shared import tenancy


class Connection(asyncpg.Connection):  # pyright: ignore[reportMissingTypeArgument]
    async def execute(self, query: str, *arguments: Any, **options: Any) -> str:
        if query.startswith("BEGIN") and not arguments:
            query += f" SET LOCAL app.tenant = {_quoted(tenancy.current())}"
        return await super().execute(query, *arguments, **options)  # pyright: ignore[reportUnknownMemberType]


def _quoted(text: str) -> str:
    doubled = text.replace("'", "''")
    return f"'{doubled}'"

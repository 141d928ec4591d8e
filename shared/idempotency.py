"""A write that is sent twice happens once.

Promises: the same key and body get the same answer, for the key row commits with the effect; the same key with another
body is refused; a twin that arrives while the first still runs is told to come back, in whichever process it arrives.
"""

import hmac
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, TypeVar

from fastapi import Depends, Request
from pydantic import TypeAdapter
from pydantic_core import to_json
from sqlalchemy import Column, MetaData, String, Table, insert, select

from shared.access import InvalidToken
from shared.core import Core
from shared.database import Database, Moment, Transaction
from shared.errors import Conflict, Malformed, Unreadable
from shared.permission import bearer

Answer = TypeVar("Answer")
KEY_LENGTH_MAX = 64

answers_table = Table(
    "idempotency_answers",
    MetaData(),
    Column("caller", String, primary_key=True),
    Column("route", String, primary_key=True),
    Column("key_digest", String, primary_key=True),
    Column("request_digest", String, nullable=False),
    Column("answer", String, nullable=False),
    Column("answered_at", Moment, nullable=False),
)


class IdempotencyKey(Unreadable):
    """Send one Idempotency-Key header of 8 to 64 visible ASCII characters with every write."""


class KeyReused(Malformed):
    """This idempotency key was used for another request."""


class StillRunning(Conflict):
    """A request with this idempotency key is still running."""


def tables(metadata: MetaData) -> None:
    answers_table.to_metadata(metadata)


@dataclass(frozen=True, slots=True)
class Once:
    """Whose write, on which route, under which key. Neither key nor body is kept. A body that identity takes may hold a
    password, and a key may be guessed: there only who has identity's secret could try passwords on the digest."""

    caller: str
    route: str
    key_digest: str
    request_digest: str
    database: Database

    async def recall(self, tx: Transaction, kind: type[Answer]) -> Answer | None:
        """What this request was answered when it was first sent. Requires the transaction that would take effect."""
        if not await self.database.claim(tx, f"{self.caller}\n{self.route}\n{self.key_digest}"):
            raise StillRunning(retry_after_seconds=1)
        columns = (answers_table.c.request_digest, answers_table.c.answer)
        this_key = (
            answers_table.c.caller == self.caller, answers_table.c.route == self.route,
            answers_table.c.key_digest == self.key_digest,
        )  # fmt: skip
        row = (await tx.execute(select(*columns).where(*this_key))).one_or_none()
        if row is None:
            return None
        if row.request_digest != self.request_digest:
            raise KeyReused()
        return TypeAdapter(kind).validate_json(row.answer)

    async def remember(self, tx: Transaction, answer: object) -> None:
        """Keep the answer. Requires that `recall` found none in this transaction."""
        row = {
            "caller": self.caller, "route": self.route, "key_digest": self.key_digest,
            "request_digest": self.request_digest,
            "answer": to_json(answer).decode(), "answered_at": await self.database.now(tx),
        }  # fmt: skip
        await tx.execute(insert(answers_table).values(row))


async def once(request: Request) -> AsyncGenerator[Once]:
    """Once per caller and key. Nobody's key on an open route: there the act needs a natural key of its own."""
    core: Core = request.app.state.core
    key = request.headers.get("Idempotency-Key", "")
    if not 8 <= len(key) <= KEY_LENGTH_MAX or not key.isascii() or not key.isprintable() or " " in key:
        raise IdempotencyKey()
    running: set[tuple[str, str, str]] = request.app.state.running_keys
    route = f"{request.method} {request.scope['path']}"
    place = (await _subject(request, core), route, sha256(key.encode()).hexdigest())
    if place in running:
        raise StillRunning(retry_after_seconds=1)
    running.add(place)
    try:
        secret = core.issuer.derived(b"digests of requests") if core.issuer else b""
        request_digest = hmac.new(secret + key.encode(), await request.body(), sha256).hexdigest()
        yield Once(*place, request_digest, core.database)
    finally:
        running.remove(place)


async def _subject(request: Request, core: Core) -> str:
    """Whose key this is: by who the tokens speak for, since tokens themselves are renewed between two tries."""
    if "Authorization" not in request.headers:
        return "anonymous"
    token = bearer(request, "Authorization")
    try:
        return (await core.verifier.caller(token)).subject
    except InvalidToken:
        service = (await core.verifier.caller(token, audience=core.name)).subject
    if "Acting-For" not in request.headers:
        return service
    return f"{service} for {(await core.verifier.caller(bearer(request, 'Acting-For'))).subject}"


Keyed = Annotated[Once, Depends(once, scope="function")]

"""A write that is sent twice happens once.

Promises: the same key and body get the same answer, for the key row commits with the effect; the same key with another
body is refused; a twin that arrives while the first still runs is told to come back, in whichever process it arrives.
An answer is kept for `Settings.answers_kept_days` at least, and then forgotten: whoever sends a write again after that
does it anew, within what else forbids it twice.
"""

import hmac
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from hashlib import sha256
from typing import Annotated, TypeVar

from fastapi import Depends, Request
from pydantic import TypeAdapter
from pydantic_core import to_json
from sqlalchemy import Column, MetaData, String, Table, bindparam, select

from shared.access import InvalidToken
from shared.core import Core
from shared.database import Database, Moment, Transaction
from shared.errors import Conflict, Failure, Malformed, Unreadable
from shared.faultpoint import faultpoint
from shared.permission import UNDER_DELEGATION, bearer
from shared.turn import Added, write_all

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


_PLACE = ("caller", "route", "key_digest")
_answer = select(answers_table.c.request_digest, answers_table.c.answer).where(
    *(answers_table.c[name] == bindparam(name) for name in _PLACE)
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
        faultpoint("key.before_claim")
        is_claimed = await self.database.claim(tx, self.name)
        faultpoint("key.claimed")
        row = (await tx.execute(_answer, dict(zip(_PLACE, self.place, strict=True)))).one_or_none()
        recalled = self.judged(kind, is_claimed, *(row or (None, None)))
        if isinstance(recalled, Failure):
            raise recalled
        return recalled

    async def remember(self, tx: Transaction, answer: object) -> None:
        """Keep the answer. Requires that `recall` found none in this transaction."""
        await write_all(tx, kept([(self, to_json(answer))], await self.database.now(tx)))
        faultpoint("key.remembered")

    def judged(
        self, kind: type[Answer], is_claimed: bool, request_digest: str | None, answer: str | None
    ) -> Answer | Failure | None:
        """What this request gets for an answer, or why none, if it was sent before: by what is kept under its key."""
        if not is_claimed:
            return StillRunning(retry_after_seconds=1)
        if request_digest is None or answer is None:
            return None
        if request_digest != self.request_digest:
            return KeyReused()
        return _reader(kind).validate_json(answer)

    @property
    def place(self) -> tuple[str, str, str]:
        return self.caller, self.route, self.key_digest

    @property
    def name(self) -> str:
        """What a transaction claims that works for this request. Other places have other names: a path may hold any
        sign, so that no sign could stand between the parts."""
        return str(self.place)


@cache
def _reader(kind: type[Answer]) -> TypeAdapter[Answer]:
    """Kept, for one takes a hundred times as long to make as to use."""
    return TypeAdapter(kind)


def kept(answers: Sequence[tuple[Once, bytes]], now: datetime) -> Added:
    """What is to be written of at least one answer, as JSON, by a caller that writes more at once."""
    rows = [(*request.place, request.request_digest, answer.decode(), now) for request, answer in answers]
    return Added(answers_table, rows)


async def once(request: Request) -> AsyncGenerator[Once]:
    """Once per caller and key. Nobody's key on an open route: there the act needs a natural key of its own."""
    key = key_of(request)
    with Running(request, await asked_once(request, key, await _subject(request, request.app.state.core))) as asked:
        yield asked


def key_of(request: Request) -> str:
    """Raises IdempotencyKey."""
    key = request.headers.get("Idempotency-Key", "")
    if not 8 <= len(key) <= KEY_LENGTH_MAX or not key.isascii() or not key.isprintable() or " " in key:
        raise IdempotencyKey()
    return key


async def asked_once(request: Request, key: str, subject: str) -> Once:
    """Of a request whose key counts for this subject."""
    core: Core = request.app.state.core
    route, key_digest = f"{request.method} {request.scope['path']}", sha256(key.encode()).hexdigest()
    secret = core.issuer.derived(b"digests of requests") if core.issuer else b""
    request_digest = hmac.digest(secret + key.encode(), await request.body(), "sha256").hex()
    return Once(subject, route, key_digest, request_digest, core.database)


class Running:
    """Around the work for a request: a twin of it that arrives meanwhile is told to come back."""

    def __init__(self, request: Request, asked: Once) -> None:
        self._running: set[tuple[str, str, str]] = request.app.state.running_keys
        self._asked = asked

    def __enter__(self) -> Once:
        if self._asked.place in self._running:
            raise StillRunning(retry_after_seconds=1)
        self._running.add(self._asked.place)
        return self._asked

    def __exit__(self, *_: object) -> None:
        self._running.remove(self._asked.place)


def under_delegation(request: Request, subject: str) -> str:
    """Whose key it is where they act for themselves, or under a delegation that they name."""
    if UNDER_DELEGATION not in request.headers:
        return subject
    return f"{subject} under {request.headers[UNDER_DELEGATION]:.64}"


async def _subject(request: Request, core: Core) -> str:
    """Whose key this is: by who the tokens speak for, since tokens themselves are renewed between two tries."""
    if "Authorization" not in request.headers:
        return "anonymous"
    token = bearer(request, "Authorization")
    try:
        return under_delegation(request, (await core.verifier.caller(token)).subject)
    except InvalidToken:
        service = (await core.verifier.caller(token, audience=core.name)).subject
    if "Acting-For" not in request.headers:
        return service
    return f"{service} for {(await core.verifier.caller(bearer(request, 'Acting-For'))).subject}"


Keyed = Annotated[Once, Depends(once, scope="function")]

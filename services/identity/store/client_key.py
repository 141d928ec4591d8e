"""How the keys of API clients are kept, and which assertions have been used.

Promises: a key has one client; an assertion is used by one statement that succeeds once, in whichever process it comes,
and is remembered for as long as it could come again.
"""

from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from services.identity.rules.client_key import Assertion, ClientKey, ClientKeyTaken, NoSuchClientKey
from services.identity.tables import client_assertions, client_keys
from shared.database import Transaction, for_update, insert_into
from shared.ids import ApiClientId, ClientKeyId

KEY: tuple[ColumnElement[Any], ...] = (
    client_keys.c.id, client_keys.c.client_id, client_keys.c.algorithm, client_keys.c.public_key,
    client_keys.c.registered_at, client_keys.c.revoked_at,
)  # fmt: skip


async def active_key(tx: Transaction, client_id: ApiClientId, thumbprint: str) -> ClientKey | None:
    """The client's own key of that name, unless it was revoked."""
    own = (client_keys.c.client_id == client_id, client_keys.c.thumbprint == thumbprint)
    row = (await tx.execute(select(*KEY).where(*own, client_keys.c.revoked_at.is_(None)))).one_or_none()
    return _key(row) if row else None


async def key_for_update(tx: Transaction, key_id: ClientKeyId, client_id: ApiClientId) -> ClientKey:
    own = (client_keys.c.id == key_id, client_keys.c.client_id == client_id)
    row = (await tx.execute(for_update(select(*KEY).where(*own), tx))).one_or_none()
    if row is None:
        raise NoSuchClientKey()
    return _key(row)


async def keys_of(tx: Transaction, client_id: ApiClientId, after: str | None, limit: int) -> list[ClientKey]:
    own = [client_keys.c.client_id == client_id]
    if after is not None:
        own.append(client_keys.c.id > after)
    query = select(*KEY).where(*own).order_by(client_keys.c.id).limit(limit)
    return [_key(row) for row in await tx.execute(query)]


async def active_key_count(tx: Transaction, client_id: ApiClientId) -> int:
    """Requires that the client is locked, if a key is to be added by this count."""
    active = (client_keys.c.client_id == client_id, client_keys.c.revoked_at.is_(None))
    return (await tx.execute(select(func.count()).select_from(client_keys).where(*active))).scalar_one()


async def add_key(tx: Transaction, key: ClientKey) -> None:
    row = {
        "id": key.id, "client_id": key.client_id, "algorithm": key.algorithm, "public_key": key.public_key,
        "thumbprint": key.thumbprint, "registered_at": key.registered_at, "revoked_at": key.revoked_at,
    }  # fmt: skip
    try:
        await tx.execute(insert(client_keys).values(row))
    except IntegrityError as error:
        raise ClientKeyTaken() from error


async def save_revoked_key(tx: Transaction, key: ClientKey) -> None:
    await tx.execute(update(client_keys).where(client_keys.c.id == key.id).values(revoked_at=key.revoked_at))


async def spend_assertion(tx: Transaction, assertion: Assertion) -> bool:
    """Whether it was this call that used it."""
    row = {
        "client_id": assertion.client_id, "jti_digest": sha256(assertion.jti.encode()).digest(),
        "expires_at": assertion.expires_at,
    }  # fmt: skip
    return (await tx.execute(insert_into(tx, client_assertions).values(row).on_conflict_do_nothing())).rowcount == 1


async def forget_expired(tx: Transaction, now: datetime) -> None:
    await tx.execute(delete(client_assertions).where(client_assertions.c.expires_at <= now))


def _key(row: Row[Any]) -> ClientKey:
    return ClientKey(row.id, row.client_id, row.algorithm, row.public_key, row.registered_at, row.revoked_at)

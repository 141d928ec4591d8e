"""The vault: what is kept, sealed, of values that the log only commits to; the one part of `audit` that can be emptied.

Promises: a salt opens one field and no other, even after it was erased; what is destroyed leaves its place and nothing
else. It stands apart from the store of the log, which only grows, so that it can be kept, backed up and lost apart.
Does not: reach into copies that were made of the database. Whoever makes them keeps them as short as the law says.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sqlalchemy import ColumnElement, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from services.audit.rules.redaction import DataKey, Field, KeyState, SaltReused
from services.audit.tables import data_keys, disclosures
from shared.database import Transaction, for_update
from shared.ids import DataKeyId


@dataclass(frozen=True, slots=True)
class Kept:
    """A field that a service disclosed to the log's keeper; without salt and value once it is erased."""

    field: Field
    data_key_id: DataKeyId
    salt: bytes | None
    nonce: bytes | None
    ciphertext: bytes | None


async def living_key_for_update(tx: Transaction, subject: str, purpose: str) -> DataKey | None:
    """The key of what is kept of a subject for a purpose, if anything is."""
    its = (data_keys.c.subject == subject, data_keys.c.purpose == purpose, data_keys.c.state != KeyState.ERASED)
    return _key((await tx.execute(for_update(select(*data_keys.c).where(*its), tx))).one_or_none())


async def key_for_update(tx: Transaction, data_key_id: DataKeyId) -> DataKey:
    found = _key((await tx.execute(for_update(select(*data_keys.c).where(data_keys.c.id == data_key_id), tx))).one())
    assert found
    return found


async def keys_of(tx: Transaction, ids: Iterable[DataKeyId]) -> dict[DataKeyId, DataKey]:
    rows = await tx.execute(select(*data_keys.c).where(data_keys.c.id.in_(sorted(set(ids)))))
    return {key.id: key for key in map(_key, rows) if key}


async def add_key(tx: Transaction, key: DataKey) -> None:
    await tx.execute(insert(data_keys), [{column.name: getattr(key, column.name) for column in data_keys.c}])


async def save_key(tx: Transaction, after: DataKey) -> None:
    """With the key of a field gone, its salt and its ciphertext go too."""
    values = {"state": after.state, "wrapped": after.wrapped}
    await tx.execute(update(data_keys).where(data_keys.c.id == after.id).values(values))
    if after.state is KeyState.ERASED:
        emptied = {"salt": None, "nonce": None, "ciphertext": None}
        await tx.execute(update(disclosures).where(disclosures.c.data_key_id == after.id).values(emptied))


async def add(tx: Transaction, kept: Kept) -> None:
    """Raises SaltReused if the salt opened a field before. Requires salt, nonce and ciphertext."""
    assert kept.salt
    row = {
        "log_index": kept.field.index, "name": kept.field.name, "data_key_id": kept.data_key_id, "salt": kept.salt,
        "salt_hash": sha256(kept.salt).digest(), "nonce": kept.nonce, "ciphertext": kept.ciphertext,
    }  # fmt: skip
    try:
        async with tx.begin_nested():
            await tx.execute(insert(disclosures), [row])
    except IntegrityError as error:
        raise SaltReused() from error


async def at(tx: Transaction, indexes: Iterable[int]) -> list[Kept]:
    """What is kept of the fields of these entries, in order."""
    return await _kept(tx, disclosures.c.log_index.in_(sorted(set(indexes))))


async def under(tx: Transaction, data_key_id: DataKeyId) -> list[Kept]:
    return await _kept(tx, disclosures.c.data_key_id == data_key_id)


async def forget(tx: Transaction, minimum_index: int) -> None:
    """Take away what is kept of entries that the log itself no longer keeps."""
    await tx.execute(delete(disclosures).where(disclosures.c.log_index < minimum_index))


async def _kept(tx: Transaction, which: ColumnElement[bool]) -> list[Kept]:
    its = disclosures.c
    query = select(its.log_index, its.name, its.data_key_id, its.salt, its.nonce, its.ciphertext).where(which)
    rows = await tx.execute(query.order_by(its.log_index, its.name))
    return [Kept(Field(row[0], row[1]), *row[2:]) for row in rows]


def _key(row: Any) -> DataKey | None:
    return row and DataKey(row.id, row.subject, row.purpose, KeyState(row.state), row.wrapped)

"""How users, API clients and signing keys are kept.

Promises: a log-in name has one user, a signing key one organisation; what another organisation has is not there; a
password's hash and a secret's digest leave this file only to be compared.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, func, insert, literal, select, update
from sqlalchemy.exc import IntegrityError

from services.identity.rules.role import Role
from services.identity.rules.signing_key import KeyTaken, NoSuchKey, SigningKey
from services.identity.rules.user import ApiClient, LoginTaken, NoSuchClient, NoSuchUser, User
from services.identity.store import use
from services.identity.tables import api_clients, signing_keys, users
from shared.database import Transaction, for_update
from shared.ids import ApiClientId, KeyId, ParticipantId, UserId

USER: tuple[ColumnElement[Any], ...] = (
    users.c.id, users.c.login, users.c.roles, users.c.participant_id, users.c.is_administrator, users.c.disabled_at,
    users.c.disabled_by,
)  # fmt: skip
CLIENT: tuple[ColumnElement[Any], ...] = (
    api_clients.c.id, api_clients.c.participant_id, api_clients.c.name, api_clients.c.roles, api_clients.c.disabled_at
)  # fmt: skip


# --- users


async def user_of_subject(tx: Transaction, subject: str) -> User | None:
    """The user that a token's subject names; None if it names a client."""
    row = await _one_or_none(tx, select(*USER).where(users.c.id == subject))
    return _user(row) if row else None


async def user_of_login(tx: Transaction, login: str) -> User | None:
    row = await _one_or_none(tx, select(*USER).where(users.c.login == login))
    return _user(row) if row else None


async def user_for_update(tx: Transaction, user_id: UserId) -> User:
    row = await _one_or_none(tx, for_update(select(*USER).where(users.c.id == user_id), tx))
    if row is None:
        raise NoSuchUser()
    return _user(row)


async def password_hash_of(tx: Transaction, user_id: UserId) -> str:
    return (await tx.execute(select(users.c.password_hash).where(users.c.id == user_id))).scalar_one()


async def users_of(tx: Transaction, participant_id: ParticipantId, after: str | None, limit: int) -> list[User]:
    query = select(*USER).where(users.c.participant_id == participant_id, *_after(users.c.id, after))
    return [_user(row) for row in await tx.execute(query.order_by(users.c.id).limit(limit))]


async def add_user(tx: Transaction, user: User, password_hash: str, now: datetime) -> None:
    row = {
        "id": user.id, "login": user.login, "password_hash": password_hash, "roles": _text(user.roles),
        "participant_id": user.participant_id, "is_administrator": user.is_administrator,
        "disabled_at": user.disabled_at, "disabled_by": user.disabled_by, "password_set_at": now,
    }  # fmt: skip
    try:
        await tx.execute(insert(users).values(row))
    except IntegrityError as error:
        raise LoginTaken() from error
    await use.add(tx, user.id, user.participant_id, now)


async def save_disabled_user(tx: Transaction, user: User, now: datetime) -> None:
    """Disabled, or let in again, which counts as a use."""
    values = {"disabled_at": user.disabled_at, "disabled_by": user.disabled_by}
    await tx.execute(update(users).where(users.c.id == user.id).values(values))
    await use.forget(tx, user.id)
    if user.disabled_at is None:
        await use.add(tx, user.id, user.participant_id, now)


async def save_administrator(tx: Transaction, user: User) -> None:
    await tx.execute(update(users).where(users.c.id == user.id).values(is_administrator=user.is_administrator))


async def administrators_of(tx: Transaction, participant_id: ParticipantId) -> set[UserId]:
    """Those who can log in. Requires that the participant is locked, if anything is decided on that."""
    able = (users.c.participant_id == participant_id, users.c.is_administrator, users.c.disabled_at.is_(None))
    return set((await tx.execute(select(users.c.id).where(*able))).scalars())


async def keepers_of_the_exchange(tx: Transaction) -> set[UserId]:
    """The operators for security who can log in, locked: who alone let anyone in again whom the exchange locked out."""
    has_the_role = (literal(" ") + users.c.roles + " ").contains(f" {Role.OPERATOR_SECURITY} ")
    able = (users.c.participant_id.is_(None), users.c.disabled_at.is_(None), has_the_role)
    query = select(users.c.id).where(*able).order_by(users.c.id)
    return set((await tx.execute(for_update(query, tx))).scalars())


async def replace_password_hash(tx: Transaction, user_id: UserId, old: str, new: str) -> None:
    """The same password under newer parameters. Does nothing if the password was changed meanwhile."""
    as_read = (users.c.id == user_id, users.c.password_hash == old)
    await tx.execute(update(users).where(*as_read).values(password_hash=new))


async def save_password(tx: Transaction, user_id: UserId, password_hash: str, now: datetime) -> None:
    values = {"password_hash": password_hash, "password_set_at": now}
    await tx.execute(update(users).where(users.c.id == user_id).values(values))


async def password_set_at(tx: Transaction, user_id: UserId) -> datetime | None:
    """None where that was before it was kept."""
    return await tx.scalar(select(users.c.password_set_at).where(users.c.id == user_id))


# --- API clients


async def client_for_update(tx: Transaction, client_id: ApiClientId) -> ApiClient:
    row = await _one_or_none(tx, for_update(select(*CLIENT).where(api_clients.c.id == client_id), tx))
    if row is None:
        raise NoSuchClient()
    return _client(row)


async def client_and_digest(tx: Transaction, client_id: ApiClientId) -> tuple[ApiClient, bytes] | None:
    """The client, and the digest that its secret must have."""
    row = await _one_or_none(tx, select(*CLIENT, api_clients.c.secret_digest).where(api_clients.c.id == client_id))
    return (_client(row), row.secret_digest) if row else None


async def clients_of(tx: Transaction, participant_id: ParticipantId, after: str | None, limit: int) -> list[ApiClient]:
    own = api_clients.c.participant_id == participant_id
    query = select(*CLIENT).where(own, *_after(api_clients.c.id, after))
    return [_client(row) for row in await tx.execute(query.order_by(api_clients.c.id).limit(limit))]


async def add_client(tx: Transaction, client: ApiClient, secret_digest: bytes, now: datetime) -> None:
    row = {
        "id": client.id, "participant_id": client.participant_id, "name": client.name, "secret_digest": secret_digest,
        "roles": _text(client.roles), "disabled_at": client.disabled_at,
    }  # fmt: skip
    await tx.execute(insert(api_clients).values(row))
    await use.add(tx, client.id, client.participant_id, now)


async def save_disabled_client(tx: Transaction, client: ApiClient) -> None:
    await tx.execute(update(api_clients).where(api_clients.c.id == client.id).values(disabled_at=client.disabled_at))
    await use.forget(tx, client.id)


# --- signing keys


async def signing_key_for_update(tx: Transaction, key_id: KeyId, participant_id: ParticipantId) -> SigningKey:
    own = (signing_keys.c.id == key_id, signing_keys.c.participant_id == participant_id)
    row = await _one_or_none(tx, for_update(select(*signing_keys.c).where(*own), tx))
    if row is None:
        raise NoSuchKey()
    return _signing_key(row)


async def signing_keys_of(
    tx: Transaction, participant_id: ParticipantId, after: str | None, limit: int
) -> list[SigningKey]:
    own = signing_keys.c.participant_id == participant_id
    query = select(*signing_keys.c).where(own, *_after(signing_keys.c.id, after))
    return [_signing_key(row) for row in await tx.execute(query.order_by(signing_keys.c.id).limit(limit))]


async def active_key_count(tx: Transaction, participant_id: ParticipantId) -> int:
    """Requires that the participant is locked, if a key is to be added by this count."""
    active = (signing_keys.c.participant_id == participant_id, signing_keys.c.revoked_at.is_(None))
    return (await tx.execute(select(func.count()).select_from(signing_keys).where(*active))).scalar_one()


async def add_signing_key(tx: Transaction, key: SigningKey) -> None:
    row = {
        "id": key.id, "participant_id": key.participant_id, "algorithm": key.algorithm, "public_key": key.public_key,
        "registered_at": key.registered_at, "revoked_at": key.revoked_at,
    }  # fmt: skip
    try:
        await tx.execute(insert(signing_keys).values(row))
    except IntegrityError as error:
        raise KeyTaken() from error


async def save_revoked_key(tx: Transaction, key: SigningKey) -> None:
    await tx.execute(update(signing_keys).where(signing_keys.c.id == key.id).values(revoked_at=key.revoked_at))


async def _one_or_none(tx: Transaction, query: Select[Any]) -> Row[Any] | None:
    return (await tx.execute(query)).one_or_none()


def _after(column: ColumnElement[Any], after: str | None) -> Sequence[ColumnElement[bool]]:
    return () if after is None else (column > after,)


def _user(row: Row[Any]) -> User:
    return User(
        row.id, row.login, _roles(row.roles), row.participant_id, row.is_administrator, row.disabled_at,
        row.disabled_by,
    )  # fmt: skip


def _client(row: Row[Any]) -> ApiClient:
    return ApiClient(row.id, row.participant_id, row.name, _roles(row.roles), row.disabled_at)


def _signing_key(row: Row[Any]) -> SigningKey:
    return SigningKey(row.id, row.participant_id, row.algorithm, row.public_key, row.registered_at, row.revoked_at)


def _roles(text: str) -> frozenset[Role]:
    return frozenset(map(Role, text.split()))


def _text(roles: frozenset[Role]) -> str:
    return " ".join(sorted(roles))

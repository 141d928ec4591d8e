"""How refresh tokens are kept, and how often each name was tried.

Promises: a refresh token is consumed by one statement that succeeds once; the attempts on a name are counted one after
the other, in whichever process they arrive.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Select, delete, insert, select, update

from services.identity.rules.throttle import Throttle
from services.identity.rules.token import Family, RefreshToken
from services.identity.tables import log_in_throttles, refresh_tokens, token_families
from shared.database import Transaction, for_update, insert_into
from shared.ids import TokenFamilyId, UserId

FORGOTTEN_MAX = 500


async def add_family(tx: Transaction, family: Family) -> None:
    row = {
        "id": family.id, "user_id": family.user_id, "authenticated_by": family.authenticated_by,
        "expires_at": family.expires_at, "revoked_at": family.revoked_at, "authenticated_at": family.authenticated_at,
    }  # fmt: skip
    await tx.execute(insert(token_families).values(row))


async def save_stepped_up(tx: Transaction, family: Family) -> None:
    values = {"authenticated_by": family.authenticated_by, "authenticated_at": family.authenticated_at}
    await tx.execute(update(token_families).where(token_families.c.id == family.id).values(values))


async def family(tx: Transaction, family_id: TokenFamilyId) -> Family | None:
    found = await _families(tx, select(*token_families.c).where(token_families.c.id == family_id))
    return found[0] if found else None


async def family_for_update(tx: Transaction, family_id: TokenFamilyId) -> Family | None:
    """None if it was forgotten meanwhile."""
    found = await _families(tx, for_update(select(*token_families.c).where(token_families.c.id == family_id), tx))
    return found[0] if found else None


async def living_families_of(tx: Transaction, user_id: UserId) -> list[Family]:
    """Those of a user's families that were not revoked, locked, by id."""
    living = (token_families.c.user_id == user_id, token_families.c.revoked_at.is_(None))
    return await _families(
        tx, for_update(select(*token_families.c).where(*living).order_by(token_families.c.id), tx)
    )  # fmt: skip


async def sessions_of(
    tx: Transaction, user_id: UserId, now: datetime, after: str | None, limit: int
) -> list[Family]:  # fmt: skip
    """The next of a user's families that live, by id, which is by age."""
    conditions = [
        token_families.c.user_id == user_id, token_families.c.revoked_at.is_(None), token_families.c.expires_at > now,
    ]  # fmt: skip
    if after is not None:
        conditions.append(token_families.c.id > after)
    return await _families(
        tx, select(*token_families.c).where(*conditions).order_by(token_families.c.id).limit(limit)
    )  # fmt: skip


async def session_for_update(tx: Transaction, family_id: TokenFamilyId, user_id: UserId) -> Family | None:
    own = (token_families.c.id == family_id, token_families.c.user_id == user_id)
    found = await _families(tx, for_update(select(*token_families.c).where(*own), tx))
    return found[0] if found else None


async def revoke_family(tx: Transaction, family_id: TokenFamilyId, now: datetime) -> bool:
    """False if it was revoked before."""
    living = (token_families.c.id == family_id, token_families.c.revoked_at.is_(None))
    return (await tx.execute(update(token_families).where(*living).values(revoked_at=now))).rowcount == 1


async def add_refresh_token(tx: Transaction, token: RefreshToken) -> None:
    row = {
        "digest": token.digest, "family_id": token.family_id, "expires_at": token.expires_at,
        "consumed_at": token.consumed_at,
    }  # fmt: skip
    await tx.execute(insert(refresh_tokens).values(row))


async def refresh_token(tx: Transaction, digest: bytes) -> RefreshToken | None:
    row = (await tx.execute(select(*refresh_tokens.c).where(refresh_tokens.c.digest == digest))).one_or_none()
    return RefreshToken(row.digest, row.family_id, row.expires_at, row.consumed_at) if row else None


async def consume_refresh_token(tx: Transaction, digest: bytes, now: datetime) -> bool:
    """Whether it was this call that consumed it."""
    fresh = (refresh_tokens.c.digest == digest, refresh_tokens.c.consumed_at.is_(None))
    return (await tx.execute(update(refresh_tokens).where(*fresh).values(consumed_at=now))).rowcount == 1


async def throttle_for_update(tx: Transaction, name_digest: bytes, now: datetime) -> Throttle | None:
    """The count of attempts on a name, locked; None before the first."""
    empty = {"name_digest": name_digest, "attempts": 0, "window_ends_at": now}
    await tx.execute(insert_into(tx, log_in_throttles).values(empty).on_conflict_do_nothing())
    this_name = log_in_throttles.c.name_digest == name_digest
    columns = (log_in_throttles.c.attempts, log_in_throttles.c.window_ends_at)
    row = (await tx.execute(for_update(select(*columns).where(this_name), tx))).one_or_none()
    return Throttle(row.attempts, row.window_ends_at) if row else None


async def save_throttle(tx: Transaction, name_digest: bytes, throttle: Throttle) -> None:
    values = {"attempts": throttle.attempts, "window_ends_at": throttle.window_ends_at}
    statement = insert_into(tx, log_in_throttles).values(name_digest=name_digest, **values)
    await tx.execute(statement.on_conflict_do_update(index_elements=["name_digest"], set_=values))


async def give_back_attempt(tx: Transaction, name_digest: bytes) -> None:
    """Of a network's attempts only those count that failed: it has many people."""
    counted = (log_in_throttles.c.name_digest == name_digest, log_in_throttles.c.attempts > 0)
    await tx.execute(update(log_in_throttles).where(*counted).values(attempts=log_in_throttles.c.attempts - 1))


async def clear_throttle(tx: Transaction, name_digest: bytes) -> None:
    await tx.execute(delete(log_in_throttles).where(log_in_throttles.c.name_digest == name_digest))


async def forget_expired(tx: Transaction, now: datetime) -> None:
    """Delete families whose time is over, with their tokens, and the counts whose window is over; some at a time."""
    over = select(token_families.c.id).where(token_families.c.expires_at <= now).limit(FORGOTTEN_MAX)
    families = list(await tx.scalars(for_update(over, tx, skip_locked=True)))
    await tx.execute(delete(refresh_tokens).where(refresh_tokens.c.family_id.in_(families)))
    await tx.execute(delete(token_families).where(token_families.c.id.in_(families)))
    await tx.execute(delete(log_in_throttles).where(log_in_throttles.c.window_ends_at <= now))


async def _families(tx: Transaction, query: Select[Any]) -> list[Family]:
    rows = await tx.execute(query)
    return [
        Family(row.id, row.user_id, row.authenticated_by, row.expires_at, row.revoked_at, row.authenticated_at)
        for row in rows
    ]

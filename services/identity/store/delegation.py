"""How delegations are kept. What an organisation has no part in is not there."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, insert, or_, select, update

from services.identity.rules.delegation import DELEGATION, Mandate, NoSuchDelegation, State
from services.identity.tables import delegations
from shared.database import Transaction, for_update
from shared.delegation import Act, Delegation, Limits
from shared.errors import Conflict
from shared.ids import AssetId, DelegationId, ListingId, ParticipantId
from shared.money import Money

DUE_MAX = 100


class DelegationChanged(Conflict):
    """Someone else changed this delegation; look again."""


async def mandate(tx: Transaction, delegation_id: DelegationId, *, lock: bool = False) -> Mandate:
    query = _query(delegations.c.id == delegation_id)
    found = [_mandate(row) for row in await tx.execute(for_update(query, tx) if lock else query)]
    if not found:
        raise NoSuchDelegation()
    return found[0]


async def mandates_of(
    tx: Transaction, participant_id: ParticipantId | None, after: str | None, limit: int
) -> list[Mandate]:
    """Those that an organisation has a side in; everyone's for None."""
    query = _query()
    if participant_id is not None:
        its = delegations.c
        query = query.where(or_(its.principal_id == participant_id, its.agent_id == participant_id))
    if after is not None:
        query = query.where(delegations.c.id > after)
    return [_mandate(row) for row in await tx.execute(query.order_by(delegations.c.id).limit(limit))]


async def mandates_due(tx: Transaction, now: datetime) -> list[Mandate]:
    due = _query(delegations.c.state.in_(DELEGATION.open_states()), delegations.c.deadline <= now)
    rows = await tx.execute(for_update(due.order_by(delegations.c.id).limit(DUE_MAX), tx, skip_locked=True))
    return [_mandate(row) for row in rows]


async def add(tx: Transaction, added: Mandate) -> None:
    await tx.execute(insert(delegations).values(_row(added)))


async def save(tx: Transaction, changed: Mandate) -> None:
    as_read = (delegations.c.id == changed.id, delegations.c.revision == changed.revision - 1)
    if (await tx.execute(update(delegations).where(*as_read).values(_row(changed)))).rowcount != 1:
        raise DelegationChanged()


def _query(*conditions: Any) -> Select[Any]:
    return select(*delegations.c).where(*conditions)


def _mandate(row: Row[Any]) -> Mandate:
    limits = Limits(
        frozenset(map(Act, row.acts)), row.begins_at, row.ends_at,
        None if row.asset_ids is None else frozenset(map(AssetId, row.asset_ids)),
        None if row.listing_ids is None else frozenset(map(ListingId, row.listing_ids)),
        None if row.amount_max_minor is None else Money(row.amount_max_minor, row.amount_max_currency),
    )  # fmt: skip
    terms = Delegation(row.id, row.principal_id, row.agent_id, limits)
    return Mandate(terms, State(row.state), row.deadline, row.reason_code, row.revision)


def _row(mandate: Mandate) -> dict[str, object]:
    limits = mandate.terms.limits
    return {
        "id": mandate.id,
        "principal_id": mandate.terms.principal_id,
        "agent_id": mandate.terms.agent_id,
        "acts": sorted(limits.acts),
        "begins_at": limits.begins_at,
        "ends_at": limits.ends_at,
        "asset_ids": None if limits.asset_ids is None else sorted(limits.asset_ids),
        "listing_ids": None if limits.listing_ids is None else sorted(limits.listing_ids),
        "amount_max_minor": limits.amount_max and limits.amount_max.minor,
        "amount_max_currency": limits.amount_max and limits.amount_max.currency,
        "state": mandate.state,
        "deadline": mandate.deadline,
        "reason_code": mandate.reason_code,
        "revision": mandate.revision,
    }

"""How entitlements and their uses are kept. A use is added once per id; the quota is a constraint as well."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.exc import IntegrityError

from services.trading.rules.entitlement import ENTITLEMENT, Entitlement, NoSuchEntitlement, State, Use, UseOfAnother
from services.trading.store import rows
from services.trading.tables.deals import entitlements, uses
from shared.database import Transaction, for_update
from shared.grades import Mode
from shared.ids import EntitlementId, ParticipantId, UseId, VersionId
from shared.web import Page

DUE_MAX = 100


async def add_entitlement(tx: Transaction, entitlement: Entitlement) -> None:
    await rows.add(tx, entitlements, _row(entitlement))


async def save_entitlement(tx: Transaction, entitlement: Entitlement) -> None:
    await rows.save(tx, entitlements, entitlement, _row(entitlement))


async def add_use(tx: Transaction, use: Use) -> None:
    """Requires that `find_use` found none with its id."""
    row = {
        "use_id": use.use_id, "entitlement_id": use.entitlement_id, "uses_left": use.uses_left, "used_at": use.used_at
    }  # fmt: skip
    try:
        await rows.add(tx, uses, row)
    except IntegrityError as error:
        raise UseOfAnother() from error


async def find_use(tx: Transaction, use_id: UseId, of: Entitlement) -> Use | None:
    """The use with this id, if this entitlement was charged for it."""
    here = (uses.c.use_id == use_id, uses.c.entitlement_id == of.id)
    row = (await tx.execute(select(uses.c.uses_left, uses.c.used_at).where(*here))).one_or_none()
    if row is None:
        return None
    parts = (of.contract_id, of.order_id, of.buyer_id, of.version_id, of.mode, of.purposes)
    return Use(use_id, of.id, *parts, row.uses_left, row.used_at)


async def uses_since(tx: Transaction, entitlement_id: EntitlementId, since: datetime) -> int:
    """How many uses were made from a moment on. Requires the locked entitlement."""
    here = (uses.c.entitlement_id == entitlement_id, uses.c.used_at >= since)
    return await tx.scalar(select(func.count()).select_from(uses).where(*here)) or 0


async def uses_of(tx: Transaction, entitlement_id: EntitlementId, limit: int) -> list[tuple[UseId, int, datetime]]:
    """The newest uses of a right: which, what it left of the quota, and when."""
    query = select(uses.c.use_id, uses.c.uses_left, uses.c.used_at).where(uses.c.entitlement_id == entitlement_id)
    newest = query.order_by(uses.c.used_at.desc(), uses.c.use_id.desc()).limit(limit)
    return [(row.use_id, row.uses_left, row.used_at) for row in await tx.execute(newest)]


async def entitlement(tx: Transaction, entitlement_id: EntitlementId, party_id: ParticipantId | None) -> Entitlement:
    """One of the party's own: another's is not there. For None, anyone's."""
    own = rows.whose(entitlements.c.buyer_id, entitlements.c.provider_id, party_id)
    row = (await tx.execute(select(*entitlements.c).where(entitlements.c.id == entitlement_id, *own))).one_or_none()
    if row is None:
        raise NoSuchEntitlement()
    return entitlement_of(row)


async def entitlement_for_update(tx: Transaction, entitlement_id: EntitlementId) -> Entitlement:
    query = select(*entitlements.c).where(entitlements.c.id == entitlement_id)
    row = (await tx.execute(for_update(query, tx))).one_or_none()
    if row is None:
        raise NoSuchEntitlement()
    return entitlement_of(row)


async def entitlements_in_force(tx: Transaction, version_id: VersionId) -> list[Entitlement]:
    """Locked, in the order of their ids."""
    where = (entitlements.c.version_id == version_id, entitlements.c.state.in_(ENTITLEMENT.open_states()))
    query = select(*entitlements.c).where(*where).order_by(entitlements.c.id)
    return [entitlement_of(row) for row in await tx.execute(for_update(query, tx))]


async def entitlements_due(tx: Transaction, now: datetime) -> list[EntitlementId]:
    """Those whose period is over, at most a hundred."""
    where = (entitlements.c.state.in_(ENTITLEMENT.open_states()), entitlements.c.deadline <= now)
    query = select(entitlements.c.id).where(*where).order_by(entitlements.c.deadline)
    return list(await tx.scalars(query.limit(DUE_MAX)))


async def page_of_entitlements(tx: Transaction, page: Page, party_id: ParticipantId | None) -> list[Entitlement]:
    query = select(*entitlements.c).where(*rows.whose(entitlements.c.buyer_id, entitlements.c.provider_id, party_id))
    found = await tx.execute(rows.newest_first(query, entitlements.c.id, EntitlementId, page))
    return [entitlement_of(row) for row in found]


def entitlement_of(row: Row[Any]) -> Entitlement:
    return Entitlement(
        id=row.id, order_id=row.order_id, contract_id=row.contract_id, version_id=row.version_id,
        buyer_id=row.buyer_id, provider_id=row.provider_id, mode=Mode(row.mode), exclusive=row.exclusive,
        purposes=tuple(row.purposes), quota_uses=row.quota_uses, uses_spent=row.uses_spent,
        grade_revision=row.grade_revision, state=State(row.state), granted_at=row.granted_at, deadline=row.deadline,
        reason_code=row.reason_code, revision=row.revision, begins_at=row.begins_at,
        columns=rows.names(row.columns),
    )  # fmt: skip


def _row(entitlement: Entitlement) -> dict[str, object]:
    return {
        "id": entitlement.id, "order_id": entitlement.order_id, "contract_id": entitlement.contract_id,
        "version_id": entitlement.version_id, "buyer_id": entitlement.buyer_id,
        "provider_id": entitlement.provider_id, "mode": entitlement.mode, "exclusive": entitlement.exclusive,
        "columns": None if entitlement.columns is None else list(entitlement.columns),
        "purposes": list(entitlement.purposes), "quota_uses": entitlement.quota_uses,
        "uses_spent": entitlement.uses_spent, "grade_revision": entitlement.grade_revision,
        "state": entitlement.state, "granted_at": entitlement.granted_at,
        "begins_at": entitlement.begins_at, "deadline": entitlement.deadline,
        "reason_code": entitlement.reason_code, "revision": entitlement.revision,
    }  # fmt: skip

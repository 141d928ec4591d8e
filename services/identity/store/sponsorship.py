"""How sponsorships are kept. What an organisation has no part in is not there.

Promises: one organisation has one sponsor, and asks each sponsor once at a time; a sponsorship that changed since it
was read cannot be saved.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from services.identity.rules.sponsorship import (
    IN_FORCE,
    SPONSORSHIP,
    NoSuchSponsorship,
    Signature,
    Sponsorship,
    State,
)
from services.identity.tables import sponsorships
from shared.database import Transaction, for_update
from shared.errors import Conflict
from shared.ids import ParticipantId, SponsorshipId

DUE_MAX = 100


class SponsorshipChanged(Conflict):
    """Someone else changed this sponsorship; look again."""


class AskedAlready(Conflict):
    """Your organisation has asked this one already, and it has not answered yet."""


async def sponsorship(tx: Transaction, sponsorship_id: SponsorshipId, *, lock: bool = False) -> Sponsorship:
    query = _query(sponsorships.c.id == sponsorship_id)
    found = await _found(tx, for_update(query, tx) if lock else query)
    if not found:
        raise NoSuchSponsorship()
    return found[0]


async def sponsorships_of(
    tx: Transaction, participant_id: ParticipantId | None, state: State | None, after: str | None, limit: int
) -> list[Sponsorship]:
    """Those that an organisation has a side in; everyone's for None."""
    conditions: list[ColumnElement[bool]] = []
    if participant_id is not None:
        conditions.append(_side(participant_id))
    if state is not None:
        conditions.append(sponsorships.c.state == state)
    if after is not None:
        conditions.append(sponsorships.c.id > after)
    return await _found(tx, _query(*conditions).order_by(sponsorships.c.id).limit(limit))


async def in_force_for(tx: Transaction, participant_id: ParticipantId) -> Sponsorship | None:
    """The one that vouches for an organisation, locked. Requires that the organisation is locked."""
    own = (sponsorships.c.sponsored_id == participant_id, sponsorships.c.state == IN_FORCE)
    return next(iter(await _found(tx, for_update(_query(*own), tx))), None)


async def in_force_by(tx: Transaction, participant_id: ParticipantId) -> list[Sponsorship]:
    """Those by which an organisation vouches for others. Requires that it is locked: then there will be no more."""
    own = (sponsorships.c.sponsor_id == participant_id, sponsorships.c.state == IN_FORCE)
    return await _found(tx, _query(*own).order_by(sponsorships.c.sponsored_id))


async def open_for(tx: Transaction, participant_id: ParticipantId) -> list[Sponsorship]:
    """Those that an organisation asked for, or has. Requires that it is locked."""
    own = (sponsorships.c.sponsored_id == participant_id, sponsorships.c.state.in_(SPONSORSHIP.open_states()))
    return await _found(tx, for_update(_query(*own).order_by(sponsorships.c.id), tx))


async def count_by(tx: Transaction, participant_id: ParticipantId) -> int:
    """For how many an organisation vouches. Requires that it is locked, if one is to be added by this count."""
    own = (sponsorships.c.sponsor_id == participant_id, sponsorships.c.state == IN_FORCE)
    return (await tx.execute(select(func.count()).select_from(sponsorships).where(*own))).scalar_one()


async def sponsorships_due(tx: Transaction, now: datetime) -> list[Sponsorship]:
    due = _query(sponsorships.c.state.in_(SPONSORSHIP.open_states()), sponsorships.c.deadline <= now)
    return await _found(tx, due.order_by(sponsorships.c.sponsored_id, sponsorships.c.id).limit(DUE_MAX))


async def locked(tx: Transaction, ids: Iterable[SponsorshipId]) -> list[Sponsorship]:
    """These, as they are now. Requires that whoever they are for is locked."""
    return await _found(tx, for_update(_query(sponsorships.c.id.in_(list(ids))).order_by(sponsorships.c.id), tx))


async def add(tx: Transaction, added: Sponsorship) -> None:
    try:
        await tx.execute(insert(sponsorships).values(_row(added)))
    except IntegrityError as error:
        raise AskedAlready() from error


async def save(tx: Transaction, changed: Sponsorship) -> None:
    as_read = (sponsorships.c.id == changed.id, sponsorships.c.revision == changed.revision - 1)
    if (await tx.execute(update(sponsorships).where(*as_read).values(_row(changed)))).rowcount != 1:
        raise SponsorshipChanged()


def _side(participant_id: ParticipantId) -> ColumnElement[bool]:
    return or_(sponsorships.c.sponsor_id == participant_id, sponsorships.c.sponsored_id == participant_id)


def _query(*conditions: ColumnElement[bool]) -> Select[Any]:
    return select(*sponsorships.c).where(*conditions)


async def _found(tx: Transaction, query: Select[Any]) -> list[Sponsorship]:
    return [_sponsorship(row) for row in await tx.execute(query)]


def _sponsorship(row: Row[Any]) -> Sponsorship:
    signature = Signature(row.key_id, row.signature, row.signed_at) if row.key_id else None
    return Sponsorship(
        row.id, row.sponsor_id, row.sponsored_id, row.sponsored_name, row.sponsored_uscc, row.ends_at,
        State(row.state), row.deadline, signature, row.reason_code, row.revision,
    )  # fmt: skip


def _row(sponsorship: Sponsorship) -> dict[str, object]:
    signature = sponsorship.signature
    return {
        "id": sponsorship.id,
        "sponsor_id": sponsorship.sponsor_id,
        "sponsored_id": sponsorship.sponsored_id,
        "sponsored_name": sponsorship.sponsored_name,
        "sponsored_uscc": sponsorship.sponsored_uscc,
        "ends_at": sponsorship.ends_at,
        "state": sponsorship.state,
        "deadline": sponsorship.deadline,
        "key_id": signature and signature.key_id,
        "signature": signature and signature.signature,
        "signed_at": signature and signature.signed_at,
        "reason_code": sponsorship.reason_code,
        "revision": sponsorship.revision,
    }

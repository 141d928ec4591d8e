"""How negotiations and their offers are kept.

Promises: a buyer's second negotiation of a listing is not added while the first is under way; one that changed since it
was read is not saved; offers are added, each under its own number, and never changed.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, Row, insert, select
from sqlalchemy.exc import IntegrityError

from services.trading.rules.negotiation import (
    WAITING,
    Approval,
    Ending,
    Negotiation,
    NegotiationUnderWay,
    NoSuchNegotiation,
    State,
    Yes,
)
from services.trading.rules.negotiation_terms import Manner, Offer, Side, Terms
from services.trading.store import rows
from services.trading.tables.negotiations import negotiations, offers
from shared.database import Transaction, for_update
from shared.ids import NegotiationId, ParticipantId
from shared.web import Page

DUE_MAX = 100
_manner = TypeAdapter(Manner)
_terms = TypeAdapter(Terms)
_yes = TypeAdapter(Yes)
_approval = TypeAdapter(Approval)
_ending = TypeAdapter(Ending)


async def add_negotiation(tx: Transaction, negotiation: Negotiation) -> None:
    """With its first offer. Raises NegotiationUnderWay."""
    row = {
        "id": negotiation.id, "listing_id": negotiation.listing_id, "provider_id": negotiation.provider_id,
        "buyer_id": negotiation.buyer_id, "directed": negotiation.manner.directed,
        "manner": rows.told(negotiation.manner),
    }  # fmt: skip
    try:
        await tx.execute(insert(negotiations).values(row | _changing(negotiation)))
    except IntegrityError as error:
        raise NegotiationUnderWay() from error
    await add_offer(tx, negotiation)


async def save_negotiation(tx: Transaction, negotiation: Negotiation) -> None:
    await rows.save(tx, negotiations, negotiation, _changing(negotiation))


async def add_offer(tx: Transaction, negotiation: Negotiation) -> None:
    """The one that is open now."""
    offer = negotiation.offer
    row = {
        "negotiation_id": negotiation.id, "number": offer.number, "id": offer.id, "side": offer.side,
        "price_minor": offer.terms.price.minor, "terms": rows.told(offer.terms), "terms_hash": offer.terms_hash,
        "made_at": offer.made_at, "expires_at": offer.expires_at,
    }  # fmt: skip
    await rows.add(tx, offers, row)


async def negotiation(
    tx: Transaction, negotiation_id: NegotiationId, party_id: ParticipantId | None, *, directed_only: bool = False
) -> Negotiation:
    """One of the party's own: another's is not there. For None, anyone's, or only the directed ones."""
    seen = _seen(party_id, directed_only)
    query = select(*negotiations.c).where(negotiations.c.id == negotiation_id, *seen)
    return await _one(tx, (await tx.execute(query)).one_or_none())


async def negotiation_for_update(tx: Transaction, negotiation_id: NegotiationId) -> Negotiation:
    query = select(*negotiations.c).where(negotiations.c.id == negotiation_id)
    return await _one(tx, (await tx.execute(for_update(query, tx))).one_or_none())


async def negotiations_due(tx: Transaction, now: datetime) -> list[NegotiationId]:
    """Those that time has ended and nobody has yet noticed, at most a hundred, the longest overdue first."""
    where = (negotiations.c.state.in_(WAITING), negotiations.c.deadline <= now)
    query = select(negotiations.c.id).where(*where).order_by(negotiations.c.deadline)
    return list(await tx.scalars(query.limit(DUE_MAX)))


async def page_of_negotiations(
    tx: Transaction, page: Page, party_id: ParticipantId | None, state: State | None, *, directed_only: bool
) -> list[Negotiation]:
    query = select(*negotiations.c).where(*_seen(party_id, directed_only))
    if state is not None:
        query = query.where(negotiations.c.state == state)
    found = await tx.execute(rows.newest_first(query, negotiations.c.id, NegotiationId, page))
    return await _with_offers(tx, found.all())


def _seen(party_id: ParticipantId | None, directed_only: bool) -> list[ColumnElement[bool]]:
    whose = rows.whose(negotiations.c.buyer_id, negotiations.c.provider_id, party_id)
    return [*whose, negotiations.c.directed] if directed_only else whose


async def _one(tx: Transaction, row: Row[Any] | None) -> Negotiation:
    if row is None:
        raise NoSuchNegotiation()
    return (await _with_offers(tx, [row]))[0]


async def _with_offers(tx: Transaction, found: Sequence[Row[Any]]) -> list[Negotiation]:
    """However many, two statements for all."""
    query = select(*offers.c).where(offers.c.negotiation_id.in_([row.id for row in found])).order_by(offers.c.number)
    made = defaultdict[NegotiationId, list[Offer]](list)
    for each in await tx.execute(query):
        made[each.negotiation_id].append(
            Offer(
                each.id, each.number, Side(each.side), _terms.validate_python(each.terms), each.terms_hash,
                each.made_at, each.expires_at,
            )
        )  # fmt: skip
    return [_negotiation(row, tuple(made[row.id])) for row in found]


def _negotiation(row: Row[Any], made: tuple[Offer, ...]) -> Negotiation:
    return Negotiation(
        id=row.id, listing_id=row.listing_id, provider_id=row.provider_id, buyer_id=row.buyer_id,
        manner=_manner.validate_python(row.manner), state=State(row.state), offers=made, last_at=row.last_at,
        deadline=row.deadline, yes=row.yes and _yes.validate_python(row.yes),
        approval=row.approval and _approval.validate_python(row.approval), order_id=row.order_id,
        contract_id=row.contract_id, ending=row.ending and _ending.validate_python(row.ending),
        revision=row.revision,
    )  # fmt: skip


def _changing(negotiation: Negotiation) -> dict[str, object]:
    return {
        "state": negotiation.state, "last_at": negotiation.last_at, "deadline": negotiation.deadline,
        "yes": negotiation.yes and rows.told(negotiation.yes),
        "approval": negotiation.approval and rows.told(negotiation.approval), "order_id": negotiation.order_id,
        "contract_id": negotiation.contract_id, "ending": negotiation.ending and rows.told(negotiation.ending),
        "revision": negotiation.revision,
    }  # fmt: skip

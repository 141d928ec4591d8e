"""How inquiries are kept, with their sealed and opened offers beside them.

Promises: an offer is sealed once and opened once, whoever asks at the same time, and never changed after; an inquiry
that changed since it was read is not saved. What is kept of a sealed offer is its commitment alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Row, Table, insert, select, update

from services.trading.rules.inquiry import INQUIRY, Inquiry, NoSuchInquiry, Opened, Sealed, State
from services.trading.rules.inquiry_terms import Terms
from services.trading.rules.scoring import Judgement, Proposal
from services.trading.store import rows
from services.trading.tables.inquiries import inquiries, invitations, opened_offers, sealed_offers
from shared.database import Transaction, for_update
from shared.ids import InquiryId, ParticipantId
from shared.web import Page

DUE_MAX = 100
_terms = TypeAdapter(Terms)
_judgement = TypeAdapter(Judgement)
_proposal = TypeAdapter(Proposal)


async def add_inquiry(tx: Transaction, inquiry: Inquiry, budget_salt: str | None) -> None:
    row = {
        "id": inquiry.id, "buyer_id": inquiry.buyer_id, "need_id": inquiry.need_id, "terms": rows.told(inquiry.terms),
        "invited": list(inquiry.invited), "budget_salt": budget_salt, "published_at": inquiry.published_at,
        **_row(inquiry),
    }  # fmt: skip
    await rows.add(tx, inquiries, row)
    invited = [{"inquiry_id": inquiry.id, "provider_id": provider_id} for provider_id in inquiry.invited]
    await tx.execute(insert(invitations), invited)


async def name_invited(tx: Transaction) -> None:
    """Write whom it invited into each inquiry of before that stood in it, at most a hundred of them: until then nobody
    but its buyer is shown it by PostgreSQL."""
    unnamed = inquiries.c.invited.is_(None)
    query = for_update(select(inquiries.c.id).where(unnamed).order_by(inquiries.c.id).limit(DUE_MAX), tx)
    ids = list(await tx.scalars(query))
    if not ids:
        return
    invited = await _beside(tx, invitations, ids, invitations.c.provider_id)
    for inquiry_id in ids:
        told = [row.provider_id for row in invited.get(inquiry_id, ())]
        await tx.execute(update(inquiries).where(inquiries.c.id == inquiry_id).values(invited=told))


async def save_inquiry(tx: Transaction, inquiry: Inquiry) -> None:
    await rows.save(tx, inquiries, inquiry, _row(inquiry))


async def add_sealed(tx: Transaction, inquiry_id: InquiryId, sealed: Sealed) -> None:
    """Requires the locked inquiry."""
    row = {
        "inquiry_id": inquiry_id, "provider_id": sealed.provider_id, "sequence": sealed.sequence,
        "commitment": sealed.commitment, "sealed_at": sealed.sealed_at,
    }  # fmt: skip
    await rows.add(tx, sealed_offers, row)


async def add_opened(tx: Transaction, inquiry_id: InquiryId, opened: Opened) -> None:
    """Requires the locked inquiry."""
    row = {
        "inquiry_id": inquiry_id, "provider_id": opened.provider_id, "proposal": rows.told(opened.proposal),
        "salt": opened.salt, "opened_at": opened.opened_at,
    }  # fmt: skip
    await rows.add(tx, opened_offers, row)


async def inquiry_for_update(tx: Transaction, inquiry_id: InquiryId) -> Inquiry:
    query = select(*inquiries.c).where(inquiries.c.id == inquiry_id)
    row = (await tx.execute(for_update(query, tx))).one_or_none()
    if row is None:
        raise NoSuchInquiry()
    return (await _inquiries(tx, [row]))[0]


async def inquiry(tx: Transaction, inquiry_id: InquiryId) -> Inquiry:
    row = (await tx.execute(select(*inquiries.c).where(inquiries.c.id == inquiry_id))).one_or_none()
    if row is None:
        raise NoSuchInquiry()
    return (await _inquiries(tx, [row]))[0]


async def budget_salt(tx: Transaction, inquiry_id: InquiryId) -> str | None:
    return await tx.scalar(select(inquiries.c.budget_salt).where(inquiries.c.id == inquiry_id))


async def inquiries_due(tx: Transaction, now: datetime) -> list[InquiryId]:
    """Those whose deadline has passed, at most a hundred, the longest overdue first."""
    where = (inquiries.c.state.in_(INQUIRY.open_states()), inquiries.c.deadline <= now)
    return list(await tx.scalars(select(inquiries.c.id).where(*where).order_by(inquiries.c.deadline).limit(DUE_MAX)))


async def page_of_inquiries(
    tx: Transaction, page: Page, party_id: ParticipantId | None, state: State | None
) -> list[Inquiry]:
    """Those that a party published or was invited to. For None, everyone's."""
    query = select(*inquiries.c)
    if party_id is not None:
        invited_to = select(invitations.c.inquiry_id).where(invitations.c.provider_id == party_id)
        query = query.where((inquiries.c.buyer_id == party_id) | inquiries.c.id.in_(invited_to))
    if state is not None:
        query = query.where(inquiries.c.state == state)
    found = await tx.execute(rows.newest_first(query, inquiries.c.id, InquiryId, page))
    return await _inquiries(tx, found.all())


async def _inquiries(tx: Transaction, found: Sequence[Row[Any]]) -> list[Inquiry]:
    """With what belongs to them, by one query for each kind of it."""
    ids = [row.id for row in found]
    invited = await _beside(tx, invitations, ids, invitations.c.provider_id)
    sealed = await _beside(tx, sealed_offers, ids, sealed_offers.c.sequence)
    opened = await _beside(tx, opened_offers, ids, opened_offers.c.provider_id)
    return [_inquiry(row, invited.get(row.id, ()), sealed.get(row.id, ()), opened.get(row.id, ())) for row in found]


async def _beside(
    tx: Transaction, table: Table, ids: Iterable[InquiryId], order: Any
) -> Mapping[InquiryId, Sequence[Row[Any]]]:
    query = select(*table.c).where(table.c.inquiry_id.in_(list(ids))).order_by(table.c.inquiry_id, order)
    found = dict[InquiryId, list[Row[Any]]]()
    for row in await tx.execute(query):
        found.setdefault(row.inquiry_id, []).append(row)
    return found


def _inquiry(
    row: Row[Any], invited: Sequence[Row[Any]], sealed: Sequence[Row[Any]], opened: Sequence[Row[Any]]
) -> Inquiry:  # fmt: skip
    return Inquiry(
        id=row.id, buyer_id=row.buyer_id, need_id=row.need_id, terms=_terms.validate_python(row.terms),
        invited=tuple(each.provider_id for each in invited), state=State(row.state), published_at=row.published_at,
        last_at=row.last_at,
        sealed=tuple(Sealed(each.provider_id, each.sequence, each.commitment, each.sealed_at) for each in sealed),
        opened=tuple(
            Opened(each.provider_id, _proposal.validate_python(each.proposal), each.salt, each.opened_at)
            for each in opened
        ),
        judgement=None if row.judgement is None else _judgement.validate_python(row.judgement),
        reason_code=row.reason_code, revision=row.revision,
    )  # fmt: skip


def _row(inquiry: Inquiry) -> dict[str, object]:
    """What may change: the terms and those who are invited are written once."""
    return {
        "state": inquiry.state, "last_at": inquiry.last_at, "deadline": inquiry.deadline,
        "judgement": None if inquiry.judgement is None else rows.told(inquiry.judgement),
        "reason_code": inquiry.reason_code, "revision": inquiry.revision,
    }  # fmt: skip

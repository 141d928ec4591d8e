"""How auctions, their bidders and the bids of English ones are kept.

Promises: the sequence of an auction's bids has no twin; a bidder registers once; an auction that changed since it was
read is not saved. Bids and registrations are added and never changed.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Row, Select, bindparam, func, insert, select, tuple_
from sqlalchemy.exc import IntegrityError

from services.trading.rules.any_auction import AnyAuction
from services.trading.rules.auction import (
    AUCTION,
    AWARDED,
    OPEN,
    SECOND_ASKED,
    Auction,
    NoSuchAuction,
    NotRegistered,
    State,
)
from services.trading.rules.auction_terms import Terms
from services.trading.rules.bid import AlreadyRegistered, Bid, Registration
from services.trading.rules.dutch import DutchAuction
from services.trading.rules.listing import ListingNotOpen
from services.trading.rules.mechanism import Mechanism
from services.trading.rules.sealed import SealedAuction
from services.trading.rules.sight import Sight
from services.trading.store import dutch, rows, sealed
from services.trading.store.sight import seen
from services.trading.tables.deals import auctions, bids, listings, registrations
from shared.database import Transaction, for_update
from shared.grades import Clearance, Decision, Grade
from shared.ids import AssetId, AuctionId, ListingId, ParticipantId, VersionId
from shared.money import Money
from shared.turn import Added, Changed, write_all
from shared.web import Page

DUE_MAX = 100
Bidder = tuple[AuctionId, ParticipantId]
_decided_at = func.coalesce(auctions.c.reveal_closes_at, auctions.c.closes_at)
_terms = TypeAdapter(Terms)
_decision = TypeAdapter(Decision)
_bidder = tuple_(registrations.c.auction_id, registrations.c.participant_id)
_registrations_of = select(*registrations.c).where(_bidder.in_(bindparam("bidders", expanding=True)))


@dataclass(frozen=True, slots=True)
class ShownAuction:
    """An auction with the number of whoever leads, what is sold, its grade, and the moment of the look at it."""

    auction: AnyAuction
    leader_number: int | None
    grade: Grade
    asset_id: AssetId
    seen_at: datetime


async def add_auction(tx: Transaction, auction: AnyAuction, reserve_salt: str | None) -> None:
    """Raises ListingNotOpen if the listing is being auctioned already."""
    row = {"id": auction.id, **_told(auction), "terms": rows.told(auction.terms), "reserve_salt": reserve_salt}
    try:
        await tx.execute(insert(auctions).values(row))
    except IntegrityError as error:
        raise ListingNotOpen(state="auctioned") from error


async def save_auction(tx: Transaction, auction: AnyAuction) -> None:
    await rows.save(tx, auctions, auction, _told(auction))


async def auction_for_update(tx: Transaction, auction_id: AuctionId) -> AnyAuction:
    """Whichever its mechanism: an act that knows one asks by `of_kind`."""
    found = await auctions_for_update(tx, [auction_id])
    if not found:
        raise NoSuchAuction()
    return found[auction_id]


async def auctions_for_update(tx: Transaction, auction_ids: Iterable[AuctionId]) -> dict[AuctionId, AnyAuction]:
    """Those that there are, locked in the order of their ids."""
    query = select(*auctions.c).where(auctions.c.id.in_(sorted(auction_ids))).order_by(auctions.c.id)
    return {row.id: auction_of(row) for row in await tx.execute(for_update(query, tx))}


async def mechanism_of(tx: Transaction, auction_id: AuctionId) -> Mechanism:
    """It never changes, so nothing is locked."""
    told = await tx.scalar(select(auctions.c.mechanism).where(auctions.c.id == auction_id))
    if told is None:
        raise NoSuchAuction()
    return Mechanism(told)


async def open_auctions(tx: Transaction, listing_ids: Iterable[ListingId]) -> list[AnyAuction]:
    """Locked, in the order of their ids."""
    where = (auctions.c.listing_id.in_(sorted(listing_ids)), auctions.c.state.in_(AUCTION.open_states()))
    query = select(*auctions.c).where(*where).order_by(auctions.c.id)
    return [auction_of(row) for row in await tx.execute(for_update(query, tx))]


async def is_under_way(tx: Transaction, listing_id: ListingId) -> bool:
    where = (auctions.c.listing_id == listing_id, auctions.c.state.in_(AUCTION.open_states()))
    return await tx.scalar(select(auctions.c.id).where(*where)) is not None


async def auctions_due(tx: Transaction, now: datetime, but: Iterable[AuctionId] = ()) -> list[AuctionId]:
    """Those whose time is up and which nobody has yet closed, at most a hundred, the longest overdue first."""
    where = (auctions.c.state == OPEN, _decided_at <= now, auctions.c.id.not_in(list(but)))
    return list(await tx.scalars(select(auctions.c.id).where(*where).order_by(_decided_at).limit(DUE_MAX)))


async def next_close(tx: Transaction, after: datetime) -> datetime | None:
    """When the next one's time is up, of those whose time was not up at a moment."""
    where = (auctions.c.state == OPEN, _decided_at > after)
    return await tx.scalar(select(func.min(_decided_at)).where(*where))


async def answers_due(tx: Transaction, now: datetime) -> list[AuctionId]:
    """Those whose second bidder has not answered in time, at most a hundred, the longest overdue first."""
    where = (auctions.c.state == SECOND_ASKED, auctions.c.award_deadline <= now)
    query = select(auctions.c.id).where(*where).order_by(auctions.c.award_deadline).limit(DUE_MAX)
    return list(await tx.scalars(query))


async def lock_awarded(tx: Transaction, version_id: VersionId) -> None:
    """Lock the auctions of a version that wait for their winner or second, in the order of their ids."""
    of_version = select(listings.c.id).where(listings.c.version_id == version_id)
    where = (auctions.c.listing_id.in_(of_version), auctions.c.state.in_({AWARDED, SECOND_ASKED}))
    await tx.execute(for_update(select(auctions.c.id).where(*where).order_by(auctions.c.id), tx))


async def reserve_salt(tx: Transaction, auction_id: AuctionId) -> str | None:
    return await tx.scalar(select(auctions.c.reserve_salt).where(auctions.c.id == auction_id))


async def shown_auction(tx: Transaction, auction_id: AuctionId, now: datetime) -> ShownAuction:
    row = (await tx.execute(_shown().where(auctions.c.id == auction_id))).one_or_none()
    if row is None:
        raise NoSuchAuction()
    return _shown_auction(row, now)


async def page_of_auctions(
    tx: Transaction, page: Page, sight: Sight, state: State | None, now: datetime
) -> list[ShownAuction]:
    """Auctions of what is in sight."""
    query = _shown().where(seen(sight))
    if state is not None:
        query = query.where(auctions.c.state == state)
    found = await tx.execute(rows.newest_first(query, auctions.c.id, AuctionId, page))
    return [_shown_auction(row, now) for row in found]


async def next_bidder_number(tx: Transaction, auction_id: AuctionId) -> int:
    """Requires the locked auction."""
    last = await tx.scalar(
        select(func.max(registrations.c.bidder_number)).where(registrations.c.auction_id == auction_id)
    )
    return (last or 0) + 1


async def registered_among(
    tx: Transaction, auction_id: AuctionId, participants: Iterable[ParticipantId]
) -> set[ParticipantId]:
    """Those of them who are bidders in an auction."""
    its = registrations.c
    query = select(its.participant_id).where(its.auction_id == auction_id, its.participant_id.in_(sorted(participants)))
    return set((await tx.execute(query)).scalars())


async def registrations_on(tx: Transaction, auction_id: AuctionId) -> list[Registration]:
    """Everyone's, in the order of their numbers."""
    query = select(*registrations.c).where(registrations.c.auction_id == auction_id)
    return [_registration(row) for row in await tx.execute(query.order_by(registrations.c.bidder_number))]


async def add_registration(tx: Transaction, registration: Registration) -> None:
    row = {
        "id": registration.id, "auction_id": registration.auction_id, "participant_id": registration.participant_id,
        "bidder_number": registration.bidder_number, "deposit_minor": registration.deposit.minor,
        "currency": registration.deposit.currency, "clearance": registration.clearance,
        "decision": rows.told(registration.decision), "registered_at": registration.registered_at,
    }  # fmt: skip
    try:
        await tx.execute(insert(registrations).values(row))
    except IntegrityError as error:
        raise AlreadyRegistered() from error


async def registration(tx: Transaction, auction_id: AuctionId, participant_id: ParticipantId) -> Registration:
    """Raises NotRegistered."""
    bidder = (auction_id, participant_id)
    found = await registrations_of(tx, [bidder])
    if not found:
        raise NotRegistered()
    return found[bidder]


async def registrations_of(tx: Transaction, bidders: Iterable[Bidder]) -> dict[Bidder, Registration]:
    """Those that there are."""
    found = await tx.execute(_registrations_of, {"bidders": list(bidders)})
    return {(row.auction_id, row.participant_id): _registration(row) for row in found}


async def is_registered(tx: Transaction, auction_id: AuctionId, participant_id: ParticipantId) -> bool:
    own = (registrations.c.auction_id == auction_id, registrations.c.participant_id == participant_id)
    return await tx.scalar(select(registrations.c.id).where(*own)) is not None


async def bids_on(tx: Transaction, auction_id: AuctionId) -> list[Bid]:
    """Every bid, in its sequence."""
    return await _bids(tx, _bids_of(auction_id))


async def bids_from(tx: Transaction, auction_id: AuctionId, sequence: int) -> list[Bid]:
    """The bid with this sequence, if there is one, and those after it, at most a hundred of them."""
    return await _bids(tx, _bids_of(auction_id).where(bids.c.sequence >= sequence).limit(DUE_MAX + 1))


async def page_of_bids(tx: Transaction, auction_id: AuctionId, page: Page) -> list[Bid]:
    query = _bids_of(auction_id)
    if (after := rows.sequence_after(page)) is not None:
        query = query.where(bids.c.sequence > after)
    return await _bids(tx, query.limit(page.limit + 1))


async def add_bids(tx: Transaction, placed: Iterable[Bid]) -> None:
    """Requires at least one."""
    await write_all(tx, adding(placed))


def adding(placed: Iterable[Bid]) -> Added:
    """What is to be written of at least one bid."""
    return Added(bids, [_bid_row(bid) for bid in placed])


def saving(auction: AnyAuction, acts: int) -> Changed:
    """What is to be written of an auction after so many acts. Requires that it reaches one row."""
    return Changed(auctions, _told(auction), {"id": auction.id, "revision": auction.revision - acts})


def _registration(row: Row[Any]) -> Registration:
    return Registration(
        row.id, row.auction_id, row.participant_id, row.bidder_number, Money(row.deposit_minor, row.currency),
        row.clearance and Clearance(row.clearance), _decision.validate_python(row.decision), row.registered_at,
    )  # fmt: skip


def _bid_row(bid: Bid) -> tuple[object, ...]:
    """In the order of the table's columns."""
    return (
        bid.auction_id, bid.sequence, bid.id, bid.participant_id, bid.bidder_number, bid.maximum.minor,
        bid.maximum.currency, bid.salt, bid.price_after.minor, bid.leading, bid.closes_at, bid.placed_at,
    )  # fmt: skip


def _bids_of(auction_id: AuctionId) -> Select[Any]:
    return select(*bids.c).where(bids.c.auction_id == auction_id).order_by(bids.c.sequence)


async def _bids(tx: Transaction, query: Select[Any]) -> list[Bid]:
    return [
        Bid(
            row.id, row.auction_id, row.sequence, row.participant_id, row.bidder_number,
            Money(row.maximum_minor, row.currency), row.salt, Money(row.price_after_minor, row.currency), row.leading,
            row.closes_at, row.placed_at,
        )
        for row in await tx.execute(query)
    ]  # fmt: skip


def _shown() -> Select[Any]:
    leads = (registrations.c.auction_id == auctions.c.id) & (registrations.c.participant_id == auctions.c.leader_id)
    return (
        select(*auctions.c, registrations.c.bidder_number.label("leader_number"), listings.c.grade, listings.c.asset_id)
        .join(listings, listings.c.id == auctions.c.listing_id)
        .join(registrations, leads, isouter=True)
    )


def _shown_auction(row: Row[Any], now: datetime) -> ShownAuction:
    return ShownAuction(auction_of(row), row.leader_number, Grade(row.grade), row.asset_id, now)


def auction_of(row: Row[Any]) -> AnyAuction:
    """Whichever its mechanism."""
    match Mechanism(row.mechanism):
        case Mechanism.ENGLISH:
            return _auction(row)
        case Mechanism.DUTCH:
            return dutch.dutch_of(row)
        case _:
            return sealed.sealed_of(row)


def _told(auction: AnyAuction) -> dict[str, object]:
    match auction:
        case Auction():
            return _row(auction)
        case DutchAuction():
            return dutch.row_of(auction)
        case SealedAuction():
            return sealed.row_of(auction)


def _auction(row: Row[Any]) -> Auction:
    return Auction(
        id=row.id, listing_id=row.listing_id, provider_id=row.provider_id, terms=_terms.validate_python(row.terms),
        state=State(row.state), closes_at=row.closes_at, last_at=row.last_at, extensions=row.extensions,
        bid_count=row.bid_count, price=rows.money(row.price_minor, row.currency), leader_id=row.leader_id,
        leader_maximum=rows.money(row.leader_maximum_minor, row.currency), reason_code=row.reason_code,
        revision=row.revision, award_deadline=row.award_deadline, second_id=row.second_id,
        defaulter_ids=tuple(map(ParticipantId, row.defaulter_ids)), failed_at=row.failed_at,
        reoffer_of=row.reoffer_of, barred_ids=tuple(map(ParticipantId, row.barred_ids)),
    )  # fmt: skip


def _row(auction: Auction) -> dict[str, object]:
    """What may change, and what never does but for the terms: those are written once."""
    return {
        "listing_id": auction.listing_id, "provider_id": auction.provider_id,
        "currency": auction.terms.start_price.currency, "state": auction.state, "closes_at": auction.closes_at,
        "last_at": auction.last_at, "extensions": auction.extensions, "bid_count": auction.bid_count,
        "price_minor": auction.price and auction.price.minor, "leader_id": auction.leader_id,
        "leader_maximum_minor": auction.leader_maximum and auction.leader_maximum.minor,
        "reason_code": auction.reason_code, "revision": auction.revision,
        "award_deadline": auction.award_deadline, "second_id": auction.second_id,
        "defaulter_ids": list(auction.defaulter_ids), "failed_at": auction.failed_at,
        "reoffer_of": auction.reoffer_of, "barred_ids": list(auction.barred_ids),
    }  # fmt: skip

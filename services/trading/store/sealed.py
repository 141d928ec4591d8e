"""How auctions by sealed bids are kept, in the table of all auctions, and their bids in one of their own.

Promises: a bidder has one sealed bid in an auction, and its commitment never changes; a bid is revealed once, and
judged once.
"""

from collections.abc import Iterable
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Row, Select, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from services.trading.rules.auction import State
from services.trading.rules.sealed import RevealedAlready, SealedAlready, SealedAuction, SealedBid
from services.trading.rules.sealed_terms import SealedTerms
from services.trading.store import rows
from services.trading.tables.sealed import sealed_bids
from shared.database import Transaction
from shared.ids import AuctionId, ParticipantId
from shared.web import Page

_terms = TypeAdapter(SealedTerms)


async def add_sealed_bid(tx: Transaction, bid: SealedBid, currency: str) -> None:
    """Raises SealedAlready for a bidder's second."""
    row = {
        "auction_id": bid.auction_id, "sequence": bid.sequence, "id": bid.id, "participant_id": bid.participant_id,
        "bidder_number": bid.bidder_number, "commitment": bid.commitment, "committed_at": bid.committed_at,
        "currency": currency,
    }  # fmt: skip
    try:
        await tx.execute(insert(sealed_bids).values(row))
    except IntegrityError as error:
        raise SealedAlready() from error


async def sealed_bid(tx: Transaction, auction_id: AuctionId, participant_id: ParticipantId) -> SealedBid | None:
    own = (sealed_bids.c.auction_id == auction_id, sealed_bids.c.participant_id == participant_id)
    row = (await tx.execute(select(*sealed_bids.c).where(*own))).one_or_none()
    return None if row is None else _bid(row)


async def save_reveal(tx: Transaction, bid: SealedBid) -> None:
    """Requires the locked auction, and a bid that was revealed just now."""
    as_sealed = (
        sealed_bids.c.auction_id == bid.auction_id, sealed_bids.c.sequence == bid.sequence,
        sealed_bids.c.revealed_at.is_(None),
    )  # fmt: skip
    amount_minor = bid.amount and bid.amount.minor
    revealed = update(sealed_bids).where(*as_sealed)
    revealed = revealed.values(amount_minor=amount_minor, nonce=bid.nonce, revealed_at=bid.revealed_at)
    if (await tx.execute(revealed)).rowcount != 1:
        raise RevealedAlready(revealed_at=bid.revealed_at)


async def save_judged(tx: Transaction, bids: Iterable[SealedBid]) -> None:
    """What came of each bid. Requires the locked auction."""
    told = [
        {
            "in_auction": bid.auction_id, "numbered": bid.sequence, "paid": bid.price and bid.price.minor,
            "reason": bid.reason_code,
        }
        for bid in bids
    ]  # fmt: skip
    here = (
        sealed_bids.c.auction_id == bindparam("in_auction"), sealed_bids.c.sequence == bindparam("numbered"),
    )  # fmt: skip
    judged = update(sealed_bids).where(*here)
    if told:
        await tx.execute(judged.values(price_minor=bindparam("paid"), reason_code=bindparam("reason")), told)


async def sealed_bids_on(tx: Transaction, auction_id: AuctionId) -> list[SealedBid]:
    """Every sealed bid, in its sequence."""
    return [_bid(row) for row in await tx.execute(_bids_of(auction_id))]


async def page_of_sealed_bids(tx: Transaction, auction_id: AuctionId, page: Page) -> list[SealedBid]:
    query = _bids_of(auction_id)
    if (after := rows.sequence_after(page)) is not None:
        query = query.where(sealed_bids.c.sequence > after)
    return [_bid(row) for row in await tx.execute(query.limit(page.limit + 1))]


def sealed_of(row: Row[Any]) -> SealedAuction:
    return SealedAuction(
        id=row.id, listing_id=row.listing_id, provider_id=row.provider_id, terms=_terms.validate_python(row.terms),
        state=State(row.state), last_at=row.last_at, bid_count=row.bid_count, reveal_count=row.reveal_count,
        award_count=row.award_count, leader_id=row.leader_id,
        leader_maximum=rows.money(row.leader_maximum_minor, row.currency),
        price=rows.money(row.price_minor, row.currency), reason_code=row.reason_code, revision=row.revision,
        award_deadline=row.award_deadline, second_id=row.second_id,
        defaulter_ids=tuple(map(ParticipantId, row.defaulter_ids)), failed_at=row.failed_at,
    )  # fmt: skip


def row_of(auction: SealedAuction) -> dict[str, object]:
    return {
        "listing_id": auction.listing_id, "provider_id": auction.provider_id, "mechanism": auction.mechanism,
        "currency": auction.terms.start_price.currency, "state": auction.state, "closes_at": auction.closes_at,
        "reveal_closes_at": auction.terms.reveal_closes_at, "last_at": auction.last_at, "extensions": 0,
        "bid_count": auction.bid_count, "reveal_count": auction.reveal_count, "award_count": auction.award_count,
        "price_minor": auction.price and auction.price.minor, "leader_id": auction.leader_id,
        "leader_maximum_minor": auction.leader_maximum and auction.leader_maximum.minor,
        "reason_code": auction.reason_code, "revision": auction.revision, "award_deadline": auction.award_deadline,
        "second_id": auction.second_id, "defaulter_ids": list(auction.defaulter_ids), "failed_at": auction.failed_at,
    }  # fmt: skip


def _bids_of(auction_id: AuctionId) -> Select[Any]:
    return select(*sealed_bids.c).where(sealed_bids.c.auction_id == auction_id).order_by(sealed_bids.c.sequence)


def _bid(row: Row[Any]) -> SealedBid:
    return SealedBid(
        row.id, row.auction_id, row.sequence, row.participant_id, row.bidder_number, row.commitment, row.committed_at,
        rows.money(row.amount_minor, row.currency), row.nonce, row.revealed_at,
        rows.money(row.price_minor, row.currency), row.reason_code,
    )  # fmt: skip

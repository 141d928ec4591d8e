"""What bids need of the database, for all that arrived together.

Each turn to the database is paid by everyone who bids at that moment. So there are two: one that locks the auctions and
brings what is sold in them, one for all registrations and all answers given before; what follows is written in a third
(`shared.turn`).
Promises: of two requests under one key, in whichever processes, one finds the other's answer, or the key taken.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Boolean, Integer, String, Table, TextualSelect, bindparam, select, text

from services.trading.rules.any_auction import AnyAuction
from services.trading.rules.listing import Listing
from services.trading.store.auction import auction_of
from services.trading.store.listing import listing_of
from services.trading.tables.deals import auctions, listings
from shared.database import Database, Transaction
from shared.idempotency import Once
from shared.ids import AuctionId, ParticipantId

_offers = (
    select(*auctions.c, *listings.c)
    .join(listings, listings.c.id == auctions.c.listing_id)
    .where(auctions.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(auctions.c.id)
)
_locked_offers = _offers.with_for_update(of=auctions)
Asked = tuple[AuctionId, ParticipantId, Once]
Offers = dict[AuctionId, tuple[AnyAuction, Listing]]
_LOOK = """
    SELECT registrations.bidder_number, {claimed} AS is_claimed, answers.request_digest, answers.answer FROM {asked}
    LEFT JOIN registrations ON registrations.auction_id = {0} AND registrations.participant_id = {1}
    LEFT JOIN idempotency_answers AS answers
        ON answers.caller = {2} AND answers.route = {3} AND answers.key_digest = {4}
    ORDER BY asked.position
"""


@dataclass(frozen=True, slots=True)
class Found:
    """The bidder's number, if registered, and what is kept under the request's key."""

    bidder_number: int | None
    is_claimed: bool
    request_digest: str | None
    answer: str | None


async def offers(tx: Transaction, auction_ids: Iterable[AuctionId]) -> Offers:
    """Those auctions that there are, locked in the order of their ids, and the listing of each."""
    query = _offers if tx.dialect.name == "sqlite" else _locked_offers
    found = await tx.execute(query, {"ids": sorted(auction_ids)})
    width = len(auctions.c)
    return {
        row[0]: (auction_of(_part(auctions, row[:width])), listing_of(_part(listings, row[width:]))) for row in found
    }  # fmt: skip


async def look(tx: Transaction, database: Database, asked: Sequence[Asked]) -> list[Found]:
    """What there is for each, in their order. On PostgreSQL every key is claimed until the transaction ends."""
    told = [(*bidder, *once.place, database.number_of(once.name)) for *bidder, once in asked]
    query = _ON_SQLITE if database.is_sqlite else _ON_POSTGRESQL
    return [Found(*row) for row in await tx.execute(query, {"asked": json.dumps(told)})]


def _part(table: Table, values: Iterable[Any]) -> Any:
    return SimpleNamespace(**dict(zip(table.c.keys(), values, strict=True)))


def _look(asked: str, claimed: str, value: str) -> TextualSelect:
    query = _LOOK.format(*(value.format(place) for place in range(5)), asked=asked, claimed=claimed)
    return text(query).columns(bidder_number=Integer, is_claimed=Boolean, request_digest=String, answer=String)


_ON_SQLITE = _look(
    "(SELECT key AS position, value FROM json_each(:asked)) AS asked", "TRUE", "json_extract(asked.value, '$[{}]')"
)
_ON_POSTGRESQL = _look(
    "json_array_elements(CAST(:asked AS json)) WITH ORDINALITY AS asked (value, position)",
    "pg_try_advisory_xact_lock((asked.value ->> 5)::bigint)",
    "asked.value ->> {}",
)

"""What bids need of the database, for all that arrived together.

Each turn to the database is paid by everyone who bids at that moment. So there are two: one that locks the auctions and
brings what is sold in them, one for the bidders and for all answers given before; what follows is written in a third
(`shared.turn`).
Promises: of two requests under one key, in whichever processes, one finds the other's answer, or the key taken.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Boolean, Integer, Select, String, Table, select, text
from sqlalchemy.dialects import postgresql, sqlite

from services.trading.rules.any_auction import AnyAuction
from services.trading.rules.listing import Listing
from services.trading.store.auction import auction_of
from services.trading.store.listing import listing_of
from services.trading.tables.deals import auctions, listings
from shared.database import Database, Moment, Transaction
from shared.idempotency import Once
from shared.ids import AuctionId, ParticipantId
from shared.turn import Question, ask

Asked = tuple[AuctionId, ParticipantId, Once]
Offers = dict[AuctionId, tuple[AnyAuction, Listing]]
_LOOK = """
    SELECT registrations.bidder_number, {claimed} AS is_claimed, answers.request_digest, answers.answer,
        freezes.expires_at AS frozen_until, sanctions.deadline AS sanctioned_until
    FROM {asked}
    LEFT JOIN registrations ON registrations.auction_id = {0} AND registrations.participant_id = {1}
    LEFT JOIN idempotency_answers AS answers
        ON answers.caller = {2} AND answers.route = {3} AND answers.key_digest = {4}
    LEFT JOIN freezes ON freezes.subject_id = {1} AND freezes.scope = 'participant' AND freezes.state = 'in_force'
    LEFT JOIN sanctions ON sanctions.participant_id = {1} AND sanctions.state = 'imposed'
    ORDER BY asked.position
"""


@dataclass(frozen=True, slots=True)
class Found:
    """The bidder's number, if registered, what is kept under the request's key, and until when the bidder is held as
    such by a freeze order or a sanction: one of each stands at most."""

    bidder_number: int | None
    is_claimed: bool
    request_digest: str | None
    answer: str | None
    frozen_until: datetime | None
    sanctioned_until: datetime | None


async def offers(tx: Transaction, auction_ids: Iterable[AuctionId]) -> Offers:
    """Those auctions that there are, locked in the order of their ids, and the listing of each."""
    ids = sorted(auction_ids)
    if tx.dialect.name == "sqlite":
        found = await ask(tx, _OFFERS_ON_SQLITE, json.dumps(ids))
    else:
        found = await ask(tx, _OFFERS_ON_POSTGRESQL, ids)
    width = len(auctions.c)
    return {
        row[0]: (auction_of(_part(auctions, row[:width])), listing_of(_part(listings, row[width:]))) for row in found
    }  # fmt: skip


async def look(tx: Transaction, database: Database, asked: Sequence[Asked]) -> list[Found]:
    """What there is for each, in their order. On PostgreSQL every key is claimed until the transaction ends."""
    if database.is_sqlite:
        told = [(*bidder, *once.place) for *bidder, once in asked]
        return [Found(*row) for row in await ask(tx, _LOOK_ON_SQLITE, json.dumps(told))]
    told = [(*bidder, *once.place, database.number_of(once.name)) for *bidder, once in asked]
    return [Found(*row) for row in await ask(tx, _LOOK_ON_POSTGRESQL, json.dumps(told))]


def _part(table: Table, values: Iterable[Any]) -> Any:
    return SimpleNamespace(**dict(zip(table.c.keys(), values, strict=True)))


def _offers(ids: str) -> Select[Any]:
    return (
        select(*auctions.c, *listings.c)
        .join(listings, listings.c.id == auctions.c.listing_id)
        .where(text(f"auctions.id {ids}"))
        .order_by(auctions.c.id)
    )


def _look(asked: str, claimed: str, value: str) -> Question:
    query = _LOOK.format(*(value.format(place) for place in range(5)), asked=asked, claimed=claimed)
    return Question(query, (Integer(), Boolean(), String(), String(), Moment(), Moment()))


_OFFER = tuple(column.type for column in (*auctions.c, *listings.c))
_OFFERS_ON_SQLITE = Question(
    str(_offers("IN (SELECT value FROM json_each(?))").compile(dialect=sqlite.dialect())), _OFFER
)
_OFFERS_ON_POSTGRESQL = Question(
    str(_offers("= ANY($1)").with_for_update(of=auctions).compile(dialect=postgresql.asyncpg.dialect())), _OFFER
)
_LOOK_ON_SQLITE = _look(
    "(SELECT key AS position, value FROM json_each(?)) AS asked", "TRUE", "json_extract(asked.value, '$[{}]')"
)
_LOOK_ON_POSTGRESQL = _look(
    "json_array_elements($1::json) WITH ORDINALITY AS asked (value, position)",
    "pg_try_advisory_xact_lock((asked.value ->> 5)::bigint)",
    "asked.value ->> {}",
)

"""Disclosures: what a service's own commitments stand for, told to the keeper of the log, and to nobody else.

Promises: a disclosure commits with its fact, is told once the log has that fact, and is then forgotten here; what the
keeper will never take is forgotten too, so that no salt lies about. A service that keeps none needs no table for them.
"""

import logging
from dataclasses import dataclass, field

from sqlalchemy import Column, LargeBinary, MetaData, String, Table, and_, delete, insert, select

from shared.database import Database, IdOf, Transaction
from shared.errors import Conflict, Failure, Unavailable
from shared.ids import FactId
from shared.outbox import facts_table
from shared.rest import Peer, RestClient

AT_ONCE = 100
log = logging.getLogger(__name__)

disclosures_table = Table(
    "outbox_disclosures",
    MetaData(),
    Column("fact_id", IdOf(FactId), primary_key=True),
    Column("name", String, primary_key=True),
    Column("value", String, nullable=False),
    Column("salt", LargeBinary, nullable=False),
    Column("subject", String, nullable=False),
    Column("purpose", String, nullable=False),
)


def tables(metadata: MetaData) -> None:
    disclosures_table.to_metadata(metadata)


class NotInTheLogYet(Conflict):
    """The log does not have this fact yet; send its batch first."""


@dataclass(frozen=True, slots=True)
class Disclosure:
    """The value behind a committed field of a fact; whom it is about, and for which purpose it is kept."""

    fact_id: FactId
    name: str
    value: str = field(repr=False)
    salt: bytes = field(repr=False)
    subject: str
    purpose: str


class KeeperClient(RestClient):
    errors = (NotInTheLogYet,)

    async def disclose(self, told: Disclosure) -> None:
        body = {
            "fact_id": told.fact_id, "name": told.name, "value": told.value, "salt": told.salt.hex(),
            "subject": told.subject, "purpose": told.purpose,
        }  # fmt: skip
        await self.post("/audit/v1/disclosures", body, dict[str, object], repeatable=True)


class Disclosures:
    def __init__(self, database: Database, keeper: Peer) -> None:
        self._database, self._client = database, KeeperClient(keeper)

    async def keep(self, tx: Transaction, told: Disclosure) -> None:
        """Until the log has its fact. Requires the transaction that records the fact."""
        row = {column.name: getattr(told, column.name) for column in disclosures_table.c}
        await tx.execute(insert(disclosures_table), [row])

    async def tell(self) -> None:
        """Tell what the log has by now. What could not be told is tried again."""
        for told in await self._due():
            try:
                await self._client.disclose(told)
            except (Unavailable, NotInTheLogYet):
                return
            except Failure as refusal:
                log.error("the keeper of the log takes no disclosure of %s: %s", told.fact_id, refusal.told_code)
            await self._forget(told)

    async def _due(self) -> list[Disclosure]:
        its = disclosures_table.c
        in_the_log = and_(facts_table.c.id == its.fact_id, facts_table.c.log_index.is_not(None))
        query = select(*its).join(facts_table, in_the_log).order_by(its.fact_id, its.name).limit(AT_ONCE)
        async with self._database.read() as tx:
            return [Disclosure(*row) for row in await tx.execute(query)]

    async def _forget(self, told: Disclosure) -> None:
        its = (disclosures_table.c.fact_id == told.fact_id, disclosures_table.c.name == told.name)
        async with self._database.transaction() as tx:
            await tx.execute(delete(disclosures_table).where(*its))

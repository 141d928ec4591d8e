"""What was agreed stays as it was written: the database itself refuses to change it, whoever asks by accident."""

import pytest
from sqlalchemy import Executable, delete, select, text, update
from sqlalchemy.exc import DBAPIError

from migrations.rights import CHANGING
from services.trading.tables.deals import contracts
from shared.ids import ContractId
from tests.support.migrated import by_administrator
from tests.trading.contracts.dealing import amend, both_sign, signed_deal
from tests.trading.market import Market

LIFE = CHANGING["contracts"]
AGREED = tuple(column for column in contracts.c if column.name not in LIFE)


def test_what_may_change_of_a_contract_is_where_it_is_in_its_life_and_no_more():
    assert {column.name for column in AGREED} == {
        "id", "order_id", "buyer_id", "provider_id", "terms", "terms_hash", "text_hash", "drafted_at", "supersedes",
        "proposed_by",
    }  # fmt: skip


async def test_nobody_changes_what_both_have_signed_nor_takes_it_away(market: Market):
    await signed_deal(market)
    database = market.trading.database
    attempts: list[Executable] = [update(contracts).values({column.name: column}) for column in AGREED]
    attempts += [update(contracts).values(terms="{}", revision=contracts.c.revision + 1), delete(contracts)]
    if not database.is_sqlite:
        attempts.append(text("TRUNCATE contracts CASCADE"))
    async with database.read() as tx:
        before = (await tx.execute(select(*contracts.c))).all()
    for attempt in attempts:
        with pytest.raises(DBAPIError, match="contracts is append-only"):
            async with by_administrator(database) as tx:
                await tx.execute(attempt)
    async with database.read() as tx:
        assert (await tx.execute(select(*contracts.c))).all() == before


async def test_what_followed_a_contract_and_what_it_was_printed_as_are_written_once(market: Market):
    buyer, order = await signed_deal(market)
    await market.advance(seconds=1)
    await both_sign(market, buyer, (await amend(market, buyer, order["contract_id"], quota_uses=9)).json()["id"])
    await market.advance(seconds=1)
    for column, other in ((contracts.c.document_hash, "0" * 64), (contracts.c.superseded_by, ContractId.new())):
        for value in (other, None):
            with pytest.raises(DBAPIError, match="contracts is append-only"):
                async with by_administrator(market.trading.database) as tx:
                    changed = update(contracts).where(column.is_not(None)).values({column.name: value})
                    await tx.execute(changed)
        async with by_administrator(market.trading.database) as tx:
            await tx.execute(update(contracts).values({column.name: column}))

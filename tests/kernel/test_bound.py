"""Production does not serve by a log-in that nothing holds."""

from collections.abc import AsyncGenerator

import pytest
from sqlalchemy import text

from migrations.roles import OWNER, VERIFIER, login_of
from shared.database import Database, Unbound
from tests.support.clock import ToldClock
from tests.support.migrated import as_log_in
from tests.support.postgres import fresh_database


@pytest.fixture
async def dsn(postgres: str, template: str) -> AsyncGenerator[str]:
    async with fresh_database(postgres, template) as dsn:
        yield dsn


async def is_bound(url: str) -> bool:
    database = Database(url, schema="trading", clock=ToldClock())
    try:
        await database.require_bound()
    except Unbound as unbound:
        assert "yaosu roles" in str(unbound) and "@" not in str(unbound)
        return False
    finally:
        await database.close()
    return True


async def test_a_services_own_log_in_is_bound_and_the_administrator_is_not(dsn: str):
    assert await is_bound(as_log_in(dsn, login_of("trading")))
    assert await is_bound(as_log_in(dsn, VERIFIER))
    assert not await is_bound(dsn)


@pytest.mark.parametrize(
    "raise_it",
    [f"GRANT {OWNER} TO {{log_in}}", "ALTER TABLE trading.bids OWNER TO {log_in}"],
    ids=["member_of_the_owner", "owner_of_one_table"],
)
async def test_a_log_in_that_owns_what_it_uses_is_not_bound(dsn: str, raise_it: str):
    administrator = Database(dsn, schema="trading", clock=ToldClock())
    async with administrator.transaction() as tx:
        await tx.execute(text("CREATE ROLE yaosu_trying LOGIN"))
        await tx.execute(text(raise_it.format(log_in="yaosu_trying")))
    try:
        assert not await is_bound(as_log_in(dsn, "yaosu_trying"))
    finally:
        async with administrator.transaction() as tx:
            await tx.execute(text("REASSIGN OWNED BY yaosu_trying TO yaosu_owner"))
            await tx.execute(text("DROP OWNED BY yaosu_trying"))
            await tx.execute(text("DROP ROLE yaosu_trying"))
        await administrator.close()


async def test_sqlite_has_no_log_ins(tmp_path: object):
    assert await is_bound(f"sqlite+aiosqlite:///{tmp_path}/trading.db")

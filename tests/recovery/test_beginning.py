"""After a restore: what is of before is void, and log, witness and services are compared before anyone is let in."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import select

from services.audit.store import log as log_store
from services.identity.actions import recovery as identity_recovery
from services.identity.store import epoch as epoch_store
from services.identity.tables import token_families
from services.recovery import marker
from services.recovery.comparison import Verdict, Word
from services.recovery.marker import NotCompared
from shared.access import LIFETIME_MAX, Claims, InvalidToken, Role, TokenIssuer, Verifier
from shared.mirrored import Keeper
from shared.outbox import Outbox, StripeLost, facts_table
from shared.recovery import FENCE_STEP
from shared.signing import new_token_key
from tests.conftest import Server
from tests.recovery.market import SmallMarket, StepTaken
from tests.support.postgres import fresh_database

ON_FILES = pytest.mark.parametrize("server", ["sqlite"], indirect=True)
ON_POSTGRESQL = pytest.mark.parametrize("server", ["postgresql"], indirect=True)


async def test_where_everything_agrees_nothing_is_changed_but_what_is_of_before(market: SmallMarket):
    await market.record("trading", 1, 2, 3)
    await market.report("trading")
    family_id = await market.log_in()
    found = await market.begin()
    assert (found.may_open, found.sessions_ended, found.lost, found.put_back, found.sent_again) == (True, 1, 0, 0, 0)
    assert [(each.witness, each.word) for each in found.witnesses] == [("w1", Word.CONFIRMS)]
    assert {each.verdict for each in found.stripes} == {Verdict.AGREES}
    async with market.database("identity") as database, database.read() as tx:
        ended = select(token_families.c.revoked_at).where(token_families.c.id == family_id)
        assert await tx.scalar(ended) is not None and await epoch_store.present(tx) == found.epoch


async def test_a_process_of_before_records_nothing_more_and_a_new_one_goes_on(market: SmallMarket):
    async with market.database("trading") as database:
        old = Outbox("trading", database)
        await old.lease()
        async with market.database("audit") as audit, audit.transaction() as tx:
            await log_store.ensure_log(tx, b"secret")
            before = await log_store.head(tx)
        await database.close()  # as far as the file's lock goes
        await market.begin()
        with pytest.raises(StripeLost):
            async with database.transaction() as tx:
                await old.record(tx, old.itself, await database.now(tx), StepTaken(1))
    await market.record("trading", 1)
    async with market.database("audit") as audit, audit.read() as tx:
        log = await log_store.head(tx)
        assert (log.epoch, log.holder, log.leased_until) == (before.epoch + FENCE_STEP, None, None)


async def test_what_was_mirrored_before_is_read_anew(market: SmallMarket):
    async with market.database("delivery") as database:
        keeper = Keeper(database, "standing", "form")
        assert await keeper.keep({"participant": "as it was"}, since={}, ends={0: (7, b"seven")})
        await database.close()  # as far as the file's lock goes
        await market.begin()
        assert await keeper.kept() is None


async def test_a_log_that_was_behind_is_sent_the_rest(market: SmallMarket):
    await market.record("trading", 1, 2, 3)
    await market.report("trading", upto=1)
    async with market.database("trading") as database, database.transaction() as tx:
        await tx.execute(facts_table.update().values(log_index=7))  # it was told that the log has them
    found = await market.begin()
    [stripe] = [each for each in found.stripes if each.verdict is not Verdict.AGREES]
    assert (stripe.verdict, stripe.seq, stripe.log_seq) == (Verdict.LOG_IS_BEHIND, 3, 1)
    assert (found.may_open, found.sent_again) == (True, 2)
    async with market.database("trading") as database, database.read() as tx:
        waiting = select(facts_table.c.seq).where(facts_table.c.log_index.is_(None)).order_by(facts_table.c.seq)
        assert list(await tx.scalars(waiting)) == [2, 3]


@ON_POSTGRESQL
async def test_a_database_that_was_set_back_with_its_log_is_caught_by_the_witness(market: SmallMarket, server: Server):
    await market.record("trading", 1, 2)
    await market.report("trading")
    url = market.settings.database_url
    assert url
    async with fresh_database(server.dsn, url.get_secret_value().rpartition("/")[2]) as copy:
        await market.record("trading", 3)
        await market.report("trading")
        market.settings = market.settings.model_copy(update={"database_url": SecretStr(copy)})
        found = await market.begin(accept_loss=True, accept_silence=True)
    assert not found.may_open and "it has seen 3 entries, and here are 2 signed" in found.reasons[0]


@ON_FILES
async def test_files_that_were_set_back_with_their_log_are_caught_by_the_witness(market: SmallMarket, tmp_path: Path):
    await _set_back(market, tmp_path, ("trading", "audit"))
    marker.put(market.settings.var)
    found = await market.begin(accept_loss=True, accept_silence=True)
    assert not found.may_open and "it has seen 5 entries, and here are 2 signed" in found.reasons[0]
    with pytest.raises(NotCompared, match="yaosu restored"):
        marker.require_none(market.settings.var)


@ON_FILES
async def test_what_a_service_lost_is_named_and_put_back_once_it_is_accepted(market: SmallMarket, tmp_path: Path):
    await _set_back(market, tmp_path, ("trading",))
    marker.put(market.settings.var)
    refused = await market.begin()
    [behind] = [each for each in refused.stripes if each.verdict is Verdict.SERVICE_IS_BEHIND]
    assert [(each.seq, each.act, each.log_index) for each in behind.lost] == [
        (number, "trading.step_taken", number - 1) for number in (3, 4, 5)
    ]
    assert (refused.may_open, refused.put_back, (market.settings.var / marker.NAME).exists()) == (False, 0, True)
    accepted = await market.begin(accept_loss=True)
    assert (accepted.may_open, accepted.put_back) == (True, 3) and accepted.epoch > refused.epoch
    marker.require_none(market.settings.var)
    await market.record("trading", 6)
    await market.report("trading")  # as one chain, or the log would not take it
    assert {each.verdict for each in (await market.begin()).stripes} == {Verdict.AGREES}


@ON_FILES
async def test_a_service_that_went_on_from_a_backup_contradicts_its_log(market: SmallMarket, tmp_path: Path):
    await _set_back(market, tmp_path, ("trading",))
    await market.record("trading", 30)
    found = await market.begin(accept_loss=True)
    assert not found.may_open and "not the same facts" in found.reasons[0]
    await market.record("trading", 40, 50, 60)  # longer than the log by now
    assert not (await market.begin(accept_loss=True)).may_open


@ON_FILES
async def test_a_witness_that_says_nothing_has_to_be_accepted(market: SmallMarket):
    await market.record("trading", 1)
    await market.report("trading")
    market.witnesses.register("w1", FastAPI())
    await market.witnesses.close()
    silent = await market.begin()
    assert [each.word for each in silent.witnesses] == [Word.SAYS_NOTHING] and not silent.may_open
    assert (await market.begin(accept_silence=True)).may_open


async def test_no_token_of_before_is_good_in_the_next_epoch_whatever_the_clocks_say(market: SmallMarket):
    issuer, clock = TokenIssuer(new_token_key(), "https://market.example/identity"), market.clock
    claims = Claims("user_1", "user_1", frozenset({Role.BUYER}))

    async def published():
        return issuer.published(clock.now())

    of_before, _ = issuer.issue(claims, "yaosu", clock.now(), LIFETIME_MAX)
    assert await Verifier(published, "https://market.example/identity", clock).caller(of_before)
    async with market.database("identity") as database:
        for _ in range(2):  # also if the same backup is restored twice
            async with database.transaction() as tx:
                number, _ = await identity_recovery.begin_again(tx, clock.now())
            issuer.begin(number)
            clock.advance(seconds=-1)
            verifier = Verifier(published, "https://market.example/identity", clock)
            with pytest.raises(InvalidToken):
                await verifier.caller(of_before)
            of_before, _ = issuer.issue(claims, "yaosu", clock.now(), LIFETIME_MAX)
            assert await verifier.caller(of_before)
            clock.advance(seconds=2)
    assert timedelta(minutes=5) < LIFETIME_MAX


async def _set_back(market: SmallMarket, tmp_path: Path, services: tuple[str, ...]) -> None:
    """Five facts, of which these services have two."""
    await market.record("trading", 1, 2)
    await market.report("trading")
    for service in services:
        shutil.copyfile(market.settings.var / f"{service}.db", tmp_path / f"{service}.db")
    await market.record("trading", 3, 4, 5)
    await market.report("trading")
    for service in services:
        shutil.copyfile(tmp_path / f"{service}.db", market.settings.var / f"{service}.db")

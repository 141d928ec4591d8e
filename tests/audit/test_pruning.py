"""Eleven years of a log: what is dropped, what stays provable, and what keeps it from being dropped."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import SecretStr
from sqlalchemy import func, select

from services.audit import app as audit_app
from services.audit.actions import pruning
from services.audit.rules import tree
from services.audit.rules.retention import RetentionTooShort
from services.audit.tables import entries, links, metadata
from shared.facts import Category, Fact, Retention
from shared.ids import AuctionId
from tests.audit.cases import later, opened, post, say, told
from tests.audit.conftest import KEY, AuditBench
from tests.support.bench import Bench
from verifier import yaosu_verify
from verifier.yaosu_verify import INCOMPLETE, VERIFIED, Report


@dataclass(frozen=True, slots=True)
class TokenIssued(Fact):
    category: ClassVar[Category] = Category.ACCESS
    retention: ClassVar[Retention] = Retention.SECURITY
    auction_id: AuctionId


@dataclass(frozen=True, slots=True)
class AuctionClosed(Fact):
    category: ClassVar[Category] = Category.TRADE
    retention: ClassVar[Retention] = Retention.AUCTION
    auction_id: AuctionId


async def filled(log: AuditBench, security: int, auctions: int) -> None:
    source = log.source()
    say(source, *[TokenIssued(AuctionId.new()) for _ in range(security)])
    await say(source, *[AuctionClosed(AuctionId.new()) for _ in range(auctions)]).send()
    await log.sign()


async def grown(log: AuditBench) -> None:
    """Let the audit service's own facts into the log, and sign them."""
    await log.bench.cores["audit"].relay.tick()
    await log.sign()


async def verified(log: AuditBench, folder: Path, size: int | None = None) -> Report:
    path = "/bundle" + (f"?size={size}" if size is not None else "")
    (folder / "bundle.tar").write_bytes((await log.get(path, log.regulator)).content)
    return yaosu_verify.verify(str(folder / "bundle.tar"), log.verifier_key.text())


async def proof(log: AuditBench, index: int, size: int) -> dict[str, Any]:
    return (await log.get(f"/proofs/inclusion?index={index}&size={size}")).json()


async def test_over_eleven_years_entries_go_and_their_proofs_stay(log: AuditBench, tmp_path: Path):
    await filled(log, 300, 300)
    before = [await proof(log, index, 600) for index in (0, 255, 511, 599)]
    log.bench.clock.advance(days=183)
    assert await pruning.prune(log.audit) == 0
    log.bench.clock.advance(days=1)
    assert await pruning.prune(log.audit) == 256, "300 are over, and only whole bundles go"
    log.bench.clock.advance(days=3_653 - 185)
    assert await pruning.prune(log.audit) == 256
    log.bench.clock.advance(days=365)  # eleven years
    assert await pruning.prune(log.audit) == 512
    assert [data["minimum_index"] for act, data in await told(log) if act == "log_pruned"] == [256, 512]
    async with log.audit.database.read() as tx:
        assert await tx.scalar(select(func.min(entries.c.log_index))) == 512
        assert await tx.scalar(select(func.min(links.c.log_index))) == 0, "the maps of keys are made from links"
    assert [await proof(log, index, 600) for index in (0, 255, 511, 599)] == before
    for index, each in zip((0, 255, 511, 599), before, strict=True):
        hashes = [bytes.fromhex(one) for one in each["hashes"]]
        leaf, root = bytes.fromhex(each["leaf_hash"]), bytes.fromhex(each["root"])
        assert tree.verify_inclusion(index, 600, leaf, hashes, root)
    await grown(log)
    consistent = (await log.get("/proofs/consistency?first=600")).json()
    assert (consistent["first_root"], consistent["second"]) == (before[0]["root"], 602)
    report = await verified(log, tmp_path)
    assert (report.exit_code(), report.findings, report.pruned, report.pruned_by) == (INCOMPLETE, [], 512, "2026-11")


async def test_what_was_pruned_is_not_served_and_says_so(log: AuditBench):
    await filled(log, 256, 1)
    log.bench.clock.advance(days=184)
    assert await pruning.prune(log.audit) == 256
    gone = await log.get("/log/tile/entries/000", log.regulator)
    assert (gone.status_code, gone.json()["code"], gone.json()["minimum_index"]) == (404, "entries_pruned", 256)
    assert (await log.get("/log/tile/0/000")).status_code == 200
    assert (await log.get("/entries/255", log.regulator)).status_code == 404
    assert [each["index"] for each in (await log.read("/entries"))["items"]] == [256]
    terms = (await log.get("/retention")).json()
    assert (terms["policy_id"], terms["minimum_index"], terms["days"]["hold"]) == ("2026-11", 256, None)
    await grown(log)
    assert (await log.read("/entries?after_index=256"))["items"], "the log goes on"


@pytest.mark.parametrize(("first", "last"), [(1, 256), (200, 257), (256, 260), (1, 300)])
async def test_what_was_pruned_and_comes_again_gets_no_places(log: AuditBench, first: int, last: int):
    """A service that was brought back from long ago sends what the log dropped: no place may be made up for it."""
    source = log.source()
    say(source, *[TokenIssued(AuctionId.new()) for _ in range(300)])
    await source.send()
    await log.sign()
    log.bench.clock.advance(days=184)
    assert await pruning.prune(log.audit) == 256
    again = await source.send(first, last)
    told = again.json()
    assert (again.status_code, told["code"], told["head_seq"]) == (409, "facts_pruned", 300)
    assert told["head_hash"] == source.hash_at(300).hex()
    kept = (await source.send(257, 300)).json()
    assert (kept["first_index"], kept["last_index"]) == (256, 299)
    say(source, TokenIssued(AuctionId.new()))
    assert (await source.send(301)).json()["first_index"] == 300, "the log goes on"


async def test_an_open_case_that_looks_back_keeps_everything_from_there(log: AuditBench):
    await filled(log, 256, 1)
    log.bench.clock.advance(days=184)
    case = await opened(log, since=later(log, days=-200), until=later(log, days=1), is_whole_log=True)
    assert await pruning.prune(log.audit) == 0
    await post(log, f"/cases/{case}/closing", {"outcome": "no_violation", "finding": "未见"})
    assert await pruning.prune(log.audit) == 256


async def test_what_is_not_signed_yet_is_not_pruned(log: AuditBench):
    say(source := log.source(), *[TokenIssued(AuctionId.new()) for _ in range(256)])
    await source.send()
    log.bench.clock.advance(days=184)
    assert await pruning.prune(log.audit) == 0
    await log.sign()
    assert await pruning.prune(log.audit) == 256


async def test_by_default_nothing_is_dropped_and_the_job_does_it_where_it_is_wanted(log: AuditBench):
    await filled(log, 256, 1)
    log.bench.clock.advance(days=184)
    await log.sign()
    assert (await log.get("/retention")).json()["minimum_index"] == 0


async def test_a_service_told_to_prune_does(bench: Bench):
    secrets = {"log_key": SecretStr(KEY.pem()), "log_pruning": True}
    bench.settings = bench.settings.model_copy(update=secrets)
    app = audit_app.build(await bench.core("audit", metadata))
    async with bench.serve(audit=app):
        log = AuditBench(bench, app, bench.staff("regulator"))
        await filled(log, 256, 1)
        bench.clock.advance(days=184)
        await log.sign()
        assert (await log.get("/retention")).json()["minimum_index"] == 256


async def test_a_log_kept_too_short_does_not_start(bench: Bench):
    short = {"log_key": SecretStr(KEY.pem()), "retention_days": {"sec": 180}}
    bench.settings = bench.settings.model_copy(update=short)
    core = await bench.core("audit", metadata)
    with pytest.raises(RetentionTooShort, match="sec is 180 days, must be 184"):
        audit_app.build(core)


async def test_a_bundle_from_before_the_pruning_is_still_whole(log: AuditBench, tmp_path: Path):
    await filled(log, 256, 1)
    assert (await verified(log, tmp_path)).exit_code() == VERIFIED
    kept = (tmp_path / "bundle.tar").read_bytes()
    log.bench.clock.advance(days=184)
    await pruning.prune(log.audit)
    await grown(log)
    now = await verified(log, tmp_path, 257)
    assert (now.exit_code(), now.pruned) == (INCOMPLETE, 256)
    (tmp_path / "kept.tar").write_bytes(kept)
    assert yaosu_verify.verify(str(tmp_path / "kept.tar"), log.verifier_key.text()).root == now.root

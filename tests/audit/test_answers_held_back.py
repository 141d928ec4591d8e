"""Answers to regulators hold back what is read under a case only, and say so; what was pruned is said too."""

from pathlib import Path

from services.audit.actions import indexing, pruning
from services.audit.actions.monitor import Monitor
from shared.database import Database
from shared.grades import G2, G4
from shared.ids import AuctionId
from tests.audit.cases import Deal, dealt, say
from tests.audit.conftest import AuditBench
from tests.audit.test_answering import asked
from tests.audit.test_pruning import TokenIssued, filled, grown
from verifier import yaosu_verify
from verifier.yaosu_verify import INCOMPLETE, Report


async def verified(log: AuditBench, query: str, folder: Path) -> Report:
    answer = await log.get(f"/queries/bundle?{query}", log.regulator)
    assert answer.status_code == 200, answer.text
    (folder / "evidence.tar").write_bytes(answer.content)
    return yaosu_verify.verify(str(folder / "evidence.tar"), log.verifier_key.text())


async def test_an_answer_counts_what_it_holds_back_and_names_the_places(log: AuditBench):
    _, deal = await dealt(log, G2, G4)
    await log.sign()
    held = (await asked(log, f"object={deal.listing}")).first
    assert (held["items"], held["withheld"], held["count"]) == ([], [4, 5], 2)
    auditor = log.bench.staff("operator_audit")
    assert (await asked(log, f"object={deal.listing}", auditor)).indexes == [4, 5]


async def test_a_neighbour_in_time_is_held_back_too(log: AuditBench):
    await dealt(log, G4)
    log.bench.clock.advance(seconds=10)
    begin = log.bench.clock.now().isoformat().replace("+00:00", "Z")
    await say(log.source(stripe=7), *Deal.new().facts(G2)).send()
    await log.sign()
    proof = (await asked(log, f"ingested_from={begin}")).first["proof"]
    assert (proof["scan"], proof["before"]) == ({"first": 3, "end": 6}, None)
    auditor = log.bench.staff("operator_audit")
    assert (await asked(log, f"ingested_from={begin}", auditor)).first["proof"]["before"]["index"] == 2


async def test_evidence_of_what_is_held_back_is_refused(log: AuditBench):
    _, deal = await dealt(log, G2, G4)
    await log.sign()
    answer = await log.get(f"/queries/bundle?object={deal.listing}", log.regulator)
    assert (answer.status_code, answer.json()["code"], answer.json()["indexes"]) == (403, "case_needed", [4, 5])


async def test_evidence_goes_without_a_tail_that_is_held_back(log: AuditBench, tmp_path: Path):
    deal, _ = await dealt(log, G2, G4)
    await log.sign()
    report = await verified(log, f"object={deal.listing}", tmp_path)
    assert (report.exit_code(), report.counts["whole"], report.status("tail")) == (INCOMPLETE, 2, "not checked")


async def test_members_are_not_answered_what_supervision_did(log: AuditBench):
    member = await log.bench.member()
    await dealt(log, G2, organisation=member.participant_id)
    await log.read(f"/entries?organisation={member.participant_id}")
    await grown(log)
    answer = await asked(log, f"organisation={member.participant_id}", member)
    assert (answer.indexes, answer.first["count"], answer.first["withheld"]) == ([0, 1, 2], 3, [])


async def test_a_pruned_log_is_still_mapped_watched_and_asked(log: AuditBench, tmp_path: Path):
    auction = AuctionId.new()
    await say(log.source(stripe=7), TokenIssued(auction)).send()
    await filled(log, 299, 1)
    log.bench.clock.advance(days=184)
    assert await pruning.prune(log.audit) == 256
    await say(log.source(stripe=8), TokenIssued(auction)).send()
    await log.sign()
    mapped = await indexing.take_snapshot(log.audit)
    assert mapped and mapped.size == 302
    await grown(log)
    answer = (await asked(log, f"object={auction}")).first
    assert (answer["count"], [each["index"] for each in answer["items"]], answer["minimum_index"]) == (2, [301], 256)
    report = await verified(log, f"object={auction}", tmp_path)
    assert (report.exit_code(), {each.verdict for each in report.findings}) == (INCOMPLETE, {INCOMPLETE})
    eyes = Database(log.audit.database.url, schema=log.audit.database.schema, clock=log.bench.clock)
    try:
        monitor = Monitor(log.audit, eyes)
        await monitor.tick()
        assert monitor.size >= 302
    finally:
        await eyes.close()

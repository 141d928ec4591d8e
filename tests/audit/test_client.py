"""The log as a neighbour asks it: its client, over the real app, with the proofs checked by the verifier's rules."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from services.audit.actions import duty, indexing
from services.audit.client import AuditClient, Evidence, EvidenceTooLarge, NotADocument, NotYourDuty
from services.audit.rules import checkpoint, tree
from services.audit.schemas.answers import FactPlaceView
from shared.errors import Unavailable
from shared.facts import read_event
from shared.ids import AssetId, FactId
from shared.rest import OnBehalf, Peer
from tests.audit.conftest import AuditBench
from tests.audit.test_answering import Story
from tests.support.bench import BenchTokens, Person
from verifier import yaosu_verify
from verifier.yaosu_verify import INCOMPLETE


@dataclass(frozen=True)
class Token:
    """What came with a member's request."""

    token: str | None


def client(log: AuditBench, name: str = "trading") -> AuditClient:
    return AuditClient(Peer(log.bench.directory, "audit", BenchTokens(name, log.bench.clock)))


def on_behalf(log: AuditBench, person: Person) -> OnBehalf:
    return Token(log.bench.token(person))


def proven(told: Evidence) -> list[int]:
    """The indexes whose leaf, by its own proof, leads to the root of the one checkpoint."""
    assert told.checkpoint is not None
    point = checkpoint.parse_checkpoint(checkpoint.parse_note(told.checkpoint).text)
    for each in told.entries:
        if each.index in told.proofs:
            hashes = yaosu_verify.read_proof(told.proofs[each.index].encode(), each.index, told.checkpoint.encode())
            leaf = tree.leaf_hash(each.leaf.encode())
            assert tree.verify_inclusion(each.index, point.size, leaf, hashes, point.root)
            assert [value.hex() for value in hashes] == list(each.hashes)
    return sorted(told.proofs)


async def test_all_entries_of_some_objects_come_with_their_proofs(log: AuditBench):
    story = await Story(log, await log.bench.member()).told()
    other = read_event((await log.read("/entries/5"))["event"].encode()).obj[0].id
    told = await client(log).entries_of([story.asset, other])
    assert [each.index for each in told.entries] == [0, 3, 5, 6, 9, 13, 16, 19, 22, 25] == proven(told)
    assert (told.pending, {each.state for each in told.entries}) == ((), {"checkpointed"})
    assert all(story.asset in each.leaf or other in each.leaf for each in told.entries)
    assert told.completeness and [thread.count for thread in told.completeness.threads] == [9, 1]


async def test_what_no_checkpoint_signs_yet_is_pending_and_not_dropped(log: AuditBench):
    asset, source = AssetId.new(), log.source()
    await source.tell(3, asset=asset).send()
    told = await client(log).entries_of([asset])
    assert ([each.index for each in told.entries], told.pending, told.checkpoint) == ([0, 1, 2], (0, 1, 2), None)
    assert (told.proofs, {each.state for each in told.entries}) == ({}, {"sequenced"})
    await log.sign()
    await source.tell(2, asset=asset).send(4)
    told = await client(log).entries_of([asset])
    assert ([each.index for each in told.entries], told.pending, proven(told)) == ([0, 1, 2, 3, 4], (3, 4), [0, 1, 2])
    assert [each.state for each in told.entries] == ["checkpointed"] * 3 + ["sequenced"] * 2
    assert [len(each.hashes) > 0 for each in told.entries] == [True] * 3 + [False] * 2


async def test_the_leaves_of_one_object_are_told_unless_they_are_too_many(log: AuditBench):
    asset, source = AssetId.new(), log.source()
    await source.tell(105, asset=asset).send()
    leaves = await client(log).leaves_of(asset, 105)
    assert leaves and [leaf.split("\n")[0].split('"seq":')[1].split(",")[0] for leaf in leaves] == [
        str(number) for number in range(1, 106)
    ]
    assert await client(log).leaves_of(asset, 104) is None
    assert await client(log).leaves_of(AssetId.new(), 0) == []


@pytest.mark.parametrize("is_signed", [False, True])
async def test_what_comes_and_is_signed_between_two_pages_stays_under_the_first_pages_checkpoint(
    log: AuditBench, monkeypatch: pytest.MonkeyPatch, is_signed: bool
):
    asset, source = AssetId.new(), log.source()
    await source.tell(4, asset=asset).send()
    if is_signed:
        await log.sign()
    page = duty.entries_of

    async def raced(audit: object, caller: object, ids: object, size: object, after: object, limit: int) -> object:
        told = await page(log.audit, caller, ids, size, after, 2)  # pyright: ignore[reportArgumentType]
        if size is None:
            await source.tell(2, asset=asset).send(5)
            await log.sign()
        return told

    monkeypatch.setattr(duty, "entries_of", raced)
    told = await client(log).entries_of([asset])
    assert [each.index for each in told.entries] == [0, 1, 2, 3, 4, 5]
    assert told.pending == ((4, 5) if is_signed else (0, 1, 2, 3, 4, 5))
    assert (proven(told) if is_signed else told.checkpoint) == ([0, 1, 2, 3] if is_signed else None)


async def test_acting_for_a_member_only_what_concerns_it_too_is_told(log: AuditBench):
    story = await Story(log, await log.bench.member()).told()
    told = await client(log).entries_of([story.asset], on_behalf(log, story.ours))
    assert [each.index for each in told.entries] == [0, 13, 25] == proven(told)
    assert told.completeness is None
    stranger = await log.bench.member()
    assert (await client(log).entries_of([story.asset], on_behalf(log, stranger))).entries == ()


async def test_only_trading_has_this_duty_and_a_person_none(log: AuditBench):
    asset = AssetId.new()
    await log.source().tell(asset=asset).send()
    for refused in (client(log, "pricing").entries_of([asset]), client(log, "delivery").bundle_of([asset])):
        with pytest.raises(NotYourDuty):
            await refused
    for person in (log.regulator, await log.bench.member()):
        assert (await log.get(f"/evidence?objects={asset}", person)).status_code == 401
    member = log.bench.token(await log.bench.member())
    headers = {"Acting-For": f"Bearer {member}"}
    answer = await log.bench.ask_as_service(
        "trading", "GET", f"/audit/v1/evidence/bundle?objects={asset}", headers=headers
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "not_your_duty")


async def test_each_page_is_itself_in_the_log(log: AuditBench):
    asset = AssetId.new()
    await log.source().tell(2, asset=asset).send()
    await log.sign()
    await client(log).entries_of([asset])
    [told] = await log.bench.cores["audit"].feed.after({})
    event = read_event(told.line.encode())
    assert (event.actor.id, told.act) == ("trading", "audit.query_answered")
    assert told.data == {"sought": asset, "size": 2, "shown": 2, "first_index": 0, "last_index": 1}


async def test_a_bundle_for_outside_arbitration_names_from_where_on_nobody_has_looked(log: AuditBench, tmp_path: Path):
    """The entries behind the map are others' business: without them the answer is whole as far as the map reaches."""
    story = await Story(log, await log.bench.member()).told()
    path = tmp_path / "evidence.tar"
    path.write_bytes(await client(log).bundle_of([story.asset], {"ruling.pdf": b"%PDF"}))
    report = yaosu_verify.verify(str(path), log.verifier_key.text())
    assert report.exit_code() == INCOMPLETE
    assert {(each.check, each.index) for each in report.findings} == {("tail", 12), ("documents", None)}
    assert {report.status(check) for check in ("inclusion", "whole", "map", "canonical")} == {"ok"}
    assert report.counts["whole"] == 9
    with pytest.raises(NotADocument):
        await client(log).bundle_of([story.asset], {"../ruling.pdf": b""})


async def test_too_much_for_one_answer_is_said_so(log: AuditBench, monkeypatch: pytest.MonkeyPatch):
    await log.source().tell().send()
    with pytest.raises(Unavailable):
        await client(log).bundle_of([AssetId.new()])  # which no checkpoint signs yet
    await log.sign()
    assert await client(log).bundle_of([AssetId.new()])
    monkeypatch.setattr(duty, "FILE_BYTES_MAX", 1_000)
    with pytest.raises(EvidenceTooLarge) as wrong:
        await client(log).bundle_of([AssetId.new()])
    assert wrong.value.facts["bytes_max"] == 1_000


async def test_a_source_learns_where_its_own_fact_stands(log: AuditBench):
    source = log.source().tell(2)
    fact_id = FactId(read_event(source.lines[1]).id)
    assert not await client(log).has(fact_id)
    await source.send()
    assert await client(log).has(fact_id)
    assert not await client(log, "pricing").has(fact_id)
    answer = await log.bench.ask_as_service("trading", "GET", f"/audit/v1/facts/{fact_id}")
    assert answer.json() == {"index": 1, "state": "sequenced"}
    await log.sign()
    answer = await log.bench.ask_as_service("trading", "GET", f"/audit/v1/facts/{fact_id}")
    assert FactPlaceView.model_validate(answer.json()).state == "checkpointed"


async def test_the_first_checkpoint_over_a_fact_stays_the_first(log: AuditBench):
    source = log.source().tell(2)
    fact_id = FactId(read_event(source.lines[1]).id)
    assert await client(log).beacon(fact_id) is None, "the log does not have it"
    await source.send()
    assert await client(log).beacon(fact_id) is None, "nothing signs it"
    await log.sign()
    first = checkpoint.parse_checkpoint(checkpoint.parse_note((await log.get("/log/checkpoint")).text).text)
    await log.source("pricing").tell(3).send()
    await log.sign()
    newest = checkpoint.parse_checkpoint(checkpoint.parse_note((await log.get("/log/checkpoint")).text).text)
    assert newest.size > first.size and await client(log).beacon(fact_id) == first.root.hex() != newest.root.hex()
    assert await client(log, "pricing").beacon(fact_id) is None, "another's fact"


async def test_a_size_that_was_never_signed_and_ids_that_are_none_are_refused(log: AuditBench):
    await log.source().tell(3).send()
    await log.sign()
    assert await indexing.take_snapshot(log.audit)
    asset = AssetId.new()
    for query, status in [
        (f"objects={asset}&size=2", 404), ("objects=", 422), ("objects=asset_1", 422), ("", 422),
        (f"objects={asset},", 422), ("objects=" + ",".join([asset] * 33), 422), (f"objects={asset}&size=3", 200),
    ]:  # fmt: skip
        answer = await log.bench.ask_as_service("trading", "GET", f"/audit/v1/evidence?{query}")
        assert answer.status_code == status, query


async def test_an_audit_that_is_away_is_said_to_be(log: AuditBench):
    nobody = AuditClient(Peer(type(log.bench.directory)(), "audit", BenchTokens("trading", log.bench.clock)))
    with pytest.raises(Unavailable):
        await nobody.entries_of([AssetId.new()])

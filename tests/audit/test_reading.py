"""What can be read of the log, by whom, and that supervisors' readings are themselves in it."""

import pytest

from services.audit.rules import tile, tree
from services.audit.rules.tile import Tile
from shared.facts import read_event
from shared.ids import AssetId
from tests.audit.conftest import AuditBench


async def filled(log: AuditBench, count: int) -> None:
    await log.source().tell(count).send()
    await log.sign()


@pytest.mark.parametrize("size", [1, 300])
async def test_every_entry_has_a_proof_under_every_signed_size(log: AuditBench, size: int):
    source = log.source().tell(size + 5)
    await source.send(1, size)
    await log.sign()
    await source.send(size + 1)
    await log.sign()
    for index in {0, size // 2, size - 1}:
        proof = (await log.get(f"/proofs/inclusion?index={index}&size={size}")).json()
        leaf, root = bytes.fromhex(proof["leaf_hash"]), bytes.fromhex(proof["root"])
        hashes = [bytes.fromhex(each) for each in proof["hashes"]]
        assert tree.verify_inclusion(index, size, leaf, hashes, root)
        assert (await log.read(f"/entries/{index}"))["leaf_hash"] == proof["leaf_hash"]


NOT_SIGNED = [
    "/proofs/inclusion?index=3&size=3", "/proofs/inclusion?index=0&size=4", "/proofs/inclusion?index=7",
    "/proofs/consistency?first=4", "/proofs/consistency?first=3&second=2", "/proofs/consistency?first=1&second=4",
    "/proofs/consistency?first=0", "/proofs/inclusion?index=-1", "/proofs/inclusion?index=99999999999999999999",
]  # fmt: skip


async def test_there_is_no_proof_of_what_is_not_signed(log: AuditBench):
    await filled(log, 3)
    await log.source("catalog").tell().send()
    assert [(await log.get(path)).status_code for path in NOT_SIGNED] == [422] * len(NOT_SIGNED)


async def test_tiles_are_served_as_c2sp_lays_them_out(log: AuditBench):
    await filled(log, 300)
    hashes = [tree.leaf_hash(leaf) for leaf in await leaves_of(log, 300)]
    _, tiles = tile.grow(tile.Unfinished(), hashes)
    for each, content in tiles.items():
        answer = await log.get(f"/log/tile/{each.level}/{each.path()}")
        assert (answer.content, answer.headers["Content-Type"]) == (content, "application/octet-stream")
    narrower = await log.get("/log/tile/0/001.p/7")
    assert narrower.content == tiles[Tile(0, 1, 44)][: 7 * 32]
    assert "immutable" in (await log.get("/log/tile/0/000")).headers["Cache-Control"]
    assert narrower.headers["Cache-Control"] == "no-store"


async def leaves_of(log: AuditBench, size: int) -> list[bytes]:
    leaves: list[bytes] = []
    for index in range(-(-size // 256)):
        path = tile.tile_at(0, index, size).path()
        leaves += tile.leaves_of((await log.get(f"/log/tile/entries/{path}", log.regulator)).content)
    return leaves


async def test_there_is_no_tile_of_what_is_not_signed(log: AuditBench):
    await filled(log, 5)
    await log.source("catalog").tell(3).send()
    others = ["0/001", "0/000", "0/000.p/6", "1/000", "2/000.p/1", "8/000.p/1", "0/00x", "0/000.p/0"]
    assert [(await log.get(f"/log/tile/{path}")).status_code for path in others] == [404] * len(others)
    assert (await log.get("/log/tile/0/000.p/5")).status_code == 200


async def test_entries_as_they_were_hashed_are_for_supervisors(log: AuditBench):
    await filled(log, 3)
    party = await log.bench.member()
    assert (await log.get("/log/tile/entries/000.p/3")).status_code == 401
    assert (await log.get("/log/tile/entries/000.p/3", party)).status_code == 403
    assert (await log.get("/log/tile/entries/000.p/3", log.regulator)).status_code == 200


async def test_an_entry_is_sequenced_and_then_checkpointed(log: AuditBench):
    await log.source().tell().send()
    assert (await log.read("/entries/0"))["state"] == "sequenced"
    await log.sign()
    assert (await log.read("/entries/0"))["state"] == "checkpointed"


async def test_an_organisation_sees_the_entries_that_concern_it_and_no_others(log: AuditBench):
    ours, theirs = await log.bench.member(), await log.bench.member()
    source = log.source().tell(2, organisation=ours.participant_id).tell(2, organisation=theirs.participant_id)
    await source.tell(1, organisation=ours.participant_id).send()
    found = (await log.get("/entries", ours)).json()["items"]
    assert [each["index"] for each in found] == [0, 1, 4]
    assert (await log.get("/entries/4", ours)).status_code == 200
    for index in (2, 99):
        answer = await log.get(f"/entries/{index}", ours)
        assert (answer.status_code, answer.json()["code"]) == (404, "no_such_entry")
    nosy = await log.get(f"/entries?organisation={theirs.participant_id}", ours)
    assert nosy.json()["items"] == []


async def test_whoever_has_no_organisation_and_no_office_sees_nothing(log: AuditBench):
    await log.source().tell().send()
    answer = await log.get("/entries", log.bench.staff("operator_business"))
    assert (answer.status_code, answer.json()["code"]) == (403, "not_your_role")
    assert (await log.get("/entries")).status_code == 401


async def test_entries_are_found_by_organisation_and_object_page_by_page(log: AuditBench):
    member, asset = await log.bench.member(), AssetId.new()
    source = log.source()
    for _ in range(3):
        source.tell(1).tell(1, organisation=member.participant_id, asset=asset)
    await source.tell(1, asset=asset).send()
    by_object = await log.read(f"/entries?object={asset}&limit=2")
    assert ([each["index"] for each in by_object["items"]], by_object["next_after_index"]) == ([1, 3], 3)
    rest = await log.read(f"/entries?object={asset}&limit=2&after_index=3")
    assert ([each["index"] for each in rest["items"]], rest["next_after_index"]) == ([5, 6], None)
    both = await log.read(f"/entries?object={asset}&organisation={member.participant_id}")
    assert [each["index"] for each in both["items"]] == [1, 3, 5]


async def test_a_supervisors_reading_is_itself_in_the_log(log: AuditBench):
    await log.source().tell(3).send()
    await log.read("/entries?after_index=0")
    await log.bench.cores["audit"].relay.tick()
    last = (await log.read("/entries/3"))["event"]
    assert '"act":"audit.entries_read"' in last
    assert '"data":{"count":2,"first_index":1,"last_index":2}' in last
    assert log.regulator.subject in last


async def test_a_look_at_one_fact_is_told_each_time_as_a_fact_of_its_own(log: AuditBench):
    source = log.source().tell(1)
    await source.send()
    sought = read_event(source.lines[0]).id
    for _ in range(2):
        assert [each["index"] for each in (await log.read(f"/entries?fact_id={sought}"))["items"]] == [0]
    told = [read_event(each.line.encode()) for each in await log.bench.cores["audit"].feed.after({})]
    assert [each.data["sought_fact_id"] for each in told] == [sought, sought]
    assert len({sought, *(each.id for each in told)}) == 3


async def test_a_supervisors_look_at_an_entry_bundle_is_in_the_log_too(log: AuditBench):
    await filled(log, 300)
    await log.get("/log/tile/entries/001.p/44", log.regulator)
    [told] = await log.bench.cores["audit"].feed.after({})
    assert (told.act, told.data) == ("audit.entries_read", {"count": 44, "first_index": 256, "last_index": 299})


@pytest.mark.parametrize("thing", ["", "asset", "asset_1", "e%CC%81", "asset_" + "0" * 31 + "%EF%BC%90"])
async def test_what_is_no_id_of_a_thing_is_not_looked_for(log: AuditBench, thing: str):
    assert (await log.get(f"/entries?object={thing}", log.regulator)).status_code == 422
    assert await log.bench.cores["audit"].feed.after({}) == []


async def test_an_organisations_reading_of_its_own_entries_is_not_told(log: AuditBench):
    await log.get("/entries", await log.bench.member())
    assert await log.bench.cores["audit"].feed.after({}) == []


async def test_a_bundle_of_a_size_that_was_never_signed_does_not_exist(log: AuditBench):
    assert (await log.get("/bundle", log.regulator)).status_code == 404
    await filled(log, 3)
    assert (await log.get("/bundle?size=2", log.regulator)).json()["code"] == "no_checkpoint"
    assert (await log.get("/bundle", await log.bench.member())).status_code == 403

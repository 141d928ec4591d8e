"""The evidence file, read by somebody who has nothing but it; and the dispute made again from the log's facts alone."""

import base64
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from services.catalog.client import AssessmentView
from services.trading.actions.evidence_log import LoggedEntry
from services.trading.store import dispute as store
from shared.facts import plain
from shared.ids import ContractId, DisputeId
from shared.signing import verifies
from tests.trading.dispute.court import NONCES, Court, a_court
from tests.trading.dispute.test_other_ends import ToldLog, connect
from tests.trading.market import Market, code
from tests.verifier import made_evidence
from tests.verifier.made_logs import LOG
from tests.verifier.mapped_logs import Writer
from verifier import yaosu_verify
from verifier.yaosu_verify import VERIFIED, Report

pytestmark = pytest.mark.parametrize("server", ["sqlite"], indirect=True)


async def a_case(market: Market) -> tuple[Court, dict[str, Any]]:
    """Appealed, decided twice, and carried out."""
    court = await a_court(market)
    dispute = await court.open(8_000)
    await court.see(dispute, court.provider)
    await court.respond(dispute, admitted=800)
    kept = {"kind": "document", "content_hash": "ab" * 32}
    assert (await market.post(court.provider, f"/disputes/{dispute['id']}/evidence", kept)).status_code == 201
    await court.pass_deadline(dispute)
    (arbiter,) = court.seated(await court.see(dispute))
    await market.post(arbiter, f"/disputes/{dispute['id']}/extension", {"length": 2, "reason": "补充鉴定"})
    dispute = (await court.rule(arbiter, dispute, 2_500)).json()
    await court.appeal(court.buyer, dispute)
    dispute = (await court.appeal(court.provider, dispute, "3" * 64)).json()
    leaving, *panel = court.seated(dispute)
    dispute = (await market.post(leaving, f"/disputes/{dispute['id']}/recusal", {"reason": "认识当事人"})).json()
    for member in court.seated(dispute):
        dispute = (await court.rule(member, dispute, 6_000)).json()
    assert panel and dispute["state"] == "ruled_again"
    await market.tick()
    return court, await court.see(dispute)


def unpacked(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {each.name: taken.read() for each in tar if (taken := tar.extractfile(each))}


async def test_every_hash_of_the_evidence_file_is_recomputed_by_a_stranger(market: Market):
    connect(market, ToldLog())
    court, dispute = await a_case(market)
    path = f"/trading/v1/disputes/{dispute['id']}/bundle"
    answer = await market.bench.get(court.buyer, path)
    assert answer.headers["content-type"] == "application/x-tar"
    assert (await market.bench.get(court.provider, path)).content == answer.content, "the same bytes for both"
    files = unpacked(answer.content)

    manifest = json.loads(files.pop("manifest.json"))
    assert [each["name"] for each in manifest["files"]] == sorted(files)
    for each in manifest["files"]:
        assert each["hash"] == hashlib.sha256(files[each["name"]]).hexdigest()
        assert each["bytes"] == len(files[each["name"]])
    texts = {name.removeprefix("texts/").removesuffix(".txt"): text for name, text in files.items() if "texts/" in name}
    assert all(hashlib.sha256(text).hexdigest() == name for name, text in texts.items())

    told = json.loads(files["dispute.json"])
    assert all((piece["content_hash"] in texts) == piece["kept"] for piece in told["evidence"])
    votes = [vote for panel in told["panels"] for vote in panel["votes"]]
    assert len(votes) == 4 and all(vote["reasons_hash"] in texts for vote in votes)
    signed = json.loads(files["contract/signatures.json"])
    assert signed["terms_hash"] == hashlib.sha256(files["contract/terms.json"]).hexdigest()
    message = b"yaosu contract v1\n" + signed["terms_hash"].encode()
    for each in signed["signatures"]:
        key, signature = (base64.b64decode(each[part]) for part in ("public_key", "signature"))
        assert verifies(key, message, signature) and not verifies(key, message + b"0", signature)
    assert len(signed["signatures"]) == 2
    for number, panel in enumerate(told["panels"]):
        seed = bytes.fromhex(panel["seed"])
        commitment = hashlib.sha256(b"yaosu arbiter draw v1\n" + seed).hexdigest()
        assert commitment == told["commitments"][number]
    stranger = await market.buyer()
    assert code(await market.bench.get(stranger, path)) == (404, "no_such_dispute")


class OwnLog(ToldLog):
    """A log that has taken every fact of trading's, and signs it."""

    def __init__(self, market: Market, folder: Path) -> None:
        super().__init__()
        self.market, self.folder = market, folder

    async def bundle_of(self, about: Sequence[str], documents: Mapping[str, bytes]) -> bytes | None:
        writer, positions = Writer(), dict[int, int]()
        while changes := await self.market.bench.cores["trading"].feed.after(positions):
            for change in changes:
                writer.take("trading", change.stripe, change.line.encode())
            positions |= {change.stripe: change.seq for change in changes}
        subjects = [
            (role, str(each)) for each in about for role in ("obj", "ctr") if role == "obj" or "contract_" in each
        ]
        made = made_evidence.about(writer, None, None, *subjects)
        made.drop_tail()
        return made.write(self.folder).read_bytes()


async def test_the_hardest_case_is_made_again_from_the_log_by_whoever_has_the_file_alone(
    market: Market, tmp_path: Path
):
    connect(market, OwnLog(market, tmp_path))
    court, dispute = await a_case(market)
    report = await verified(court, dispute, tmp_path)
    assert (report.exit_code(), report.findings) == (VERIFIED, []), report.as_text()
    assert (report.counts["case"], report.counts["texts"]) == (20, 10)
    assert dispute["state"] == "enforced"


async def settled(court: Court, dispute: dict[str, Any]) -> None:
    for who, claimant in ((court.buyer, 4_000), (court.provider, 3_000), (court.buyer, 3_000)):
        assert (await court.settle(who, dispute, claimant)).is_success


async def withdrawn(court: Court, dispute: dict[str, Any]) -> None:
    assert (await court.withdraw(court.buyer, dispute)).is_success


async def not_answered(court: Court, dispute: dict[str, Any]) -> None:
    await court.see(dispute, court.provider)
    await court.pass_deadline(dispute)


async def appealed_alone(court: Court, dispute: dict[str, Any]) -> None:
    """By a side whose other did not pay; the arbiter's number came of the log for a side that said none."""
    await court.pass_deadline(dispute)
    await court.pass_deadline(dispute)
    (arbiter,) = court.seated(await court.see(dispute))
    assert (await court.rule(arbiter, dispute, 2_500)).is_success
    assert (await court.appeal(court.buyer, dispute)).is_success


ENDS = {"settled": settled, "withdrawn": withdrawn, "defaulted": not_answered, "appeal": appealed_alone}


@pytest.mark.parametrize("end", ENDS)
async def test_however_a_case_stands_its_file_proves_it(market: Market, tmp_path: Path, end: str):
    log = OwnLog(market, tmp_path)
    connect(market, log)
    log.root = "be" * 32
    court = await a_court(market, arbiters=2)
    dispute = await court.open()
    await ENDS[end](court, dispute)
    assert (await court.see(dispute))["state"] == end
    report = await verified(court, dispute, tmp_path)
    assert (report.exit_code(), report.findings) == (VERIFIED, []), report.as_text()


async def verified(court: Court, dispute: dict[str, Any], folder: Path) -> Report:
    path, asked = folder / "dispute.tar", f"/trading/v1/disputes/{dispute['id']}/bundle"
    path.write_bytes((await court.market.bench.get(court.buyer, asked)).content)
    return yaosu_verify.verify(str(path), LOG.key.text())


class BusyLog(ToldLog):
    """While it is asked, the parties go on: so many times."""

    def __init__(self, court: Court, dispute: dict[str, Any], times: int) -> None:
        super().__init__()
        self.court, self.dispute, self.times = court, dispute, times

    async def bundle_of(self, about: Sequence[str], documents: Mapping[str, bytes]) -> bytes | None:
        if self.times:
            self.times -= 1
            assert (await self.court.settle(self.court.buyer, self.dispute, self.times)).is_success
        return b"as the log made it"


@pytest.mark.parametrize("times, told", [(0, 0), (2, 1), (3, None)])
async def test_the_case_and_the_log_are_of_one_moment(market: Market, times: int, told: int | None):
    court = await a_court(market)
    dispute = await court.open()
    connect(market, BusyLog(court, dispute, times))
    answer = await market.bench.get(court.buyer, f"/trading/v1/disputes/{dispute['id']}/bundle")
    if told is None:
        assert code(answer) == (503, "moved_meanwhile") and answer.headers["retry-after"] == "1"
    else:
        assert len(json.loads(unpacked(answer.content)["dispute.json"])["offers"]) == told


class NamingLog(ToldLog):
    """A log with an entry that names what it is told to, and one that no checkpoint covers yet."""

    def __init__(self, proven: str, pending: str) -> None:
        super().__init__()
        self.leaves, self.given = (proven, pending), dict[str, bytes]()

    async def entries_of(self, contract_id: ContractId) -> Sequence[LoggedEntry]:
        proven, pending = self.leaves
        return [LoggedEntry(7, proven, ("ab" * 32,), "checkpoint"), LoggedEntry(8, pending, (), "checkpoint")]

    async def bundle_of(self, about: Sequence[str], documents: Mapping[str, bytes]) -> bytes | None:
        self.given = dict(documents)
        return b"as the log made it" if documents else None


async def test_the_logs_own_file_has_what_a_proven_entry_names_and_nothing_that_it_says_nothing_of(market: Market):
    court = await a_court(market)
    dispute = await court.open()
    contract = await market.read(court.buyer, f"/contracts/{court.order['contract_id']}")
    statement = hashlib.sha256("字段缺失".encode()).hexdigest()
    path = f"/trading/v1/disputes/{dispute['id']}/bundle"
    for proven, pending, given in (
        (contract["terms_hash"], statement, {"terms.json"}),
        (statement, contract["terms_hash"], {f"{statement[:20]}.txt"}),
        ("", "", set[str]()),
    ):
        connect(market, log := NamingLog(proven, pending))
        files = unpacked((await market.bench.get(court.buyer, path)).content)
        assert log.given.keys() == given and files.get("evidence.tar") == (b"as the log made it" if given else None)


@pytest.mark.parametrize("assessed", ["known", "nothing", "not now"])
async def test_the_report_on_what_was_sold_is_evidence_and_no_claim_waits_for_it(market: Market, assessed: str):
    court = await a_court(market)
    listing = await market.read(market.provider, f"/listings/{court.order['listing_id']}")
    report = AssessmentView(report={"score_basis_points": 9_100, "rows": 3}, digest="cd" * 32)
    if assessed != "nothing":
        market.neighbours.assessments[listing["version_id"]] = report if assessed == "known" else None
    dispute = await court.open()
    (quality,) = (each["content_hash"] for each in dispute["evidence"] if each["kind"] == "quality")
    told = await market.bench.get(court.provider, f"/trading/v1/disputes/{dispute['id']}/texts/{quality}")
    found = json.loads(told.text)
    assert found["version_id"] == listing["version_id"]
    assert (found.get("report"), found.get("report_digest")) == (
        (report.report, report.digest) if assessed == "known" else (None, None)
    )


async def test_reasons_are_in_no_file_before_all_votes_are_in(market: Market):
    court = await a_court(market)
    dispute = await court.heard()
    (arbiter,) = court.seated(dispute)
    dispute = (await court.rule(arbiter, dispute, 5_000)).json()
    await court.appeal(court.buyer, dispute)
    dispute = (await court.appeal(court.provider, dispute)).json()
    first = court.seated(dispute)[0]
    assert (await court.rule(first, dispute, 1_234)).is_success
    untold = hashlib.sha256("理由 1234".encode()).hexdigest()
    files = unpacked((await market.bench.get(court.buyer, f"/trading/v1/disputes/{dispute['id']}/bundle")).content)
    assert f"texts/{untold}.txt" not in files and untold not in files["dispute.json"].decode()
    text = f"/trading/v1/disputes/{dispute['id']}/texts/{untold}"
    assert code(await market.bench.get(court.buyer, text)) == (404, "no_such_dispute")
    assert [len(panel["votes"]) for panel in (await court.see(dispute))["panels"]] == [1, 0]


# --- made again from facts


def made_again(facts: list[dict[str, Any]]) -> dict[str, Any]:
    """The dispute as its facts tell it, by someone who has read docs/facts.md and nothing of our code."""
    opened, *rest = facts
    made: dict[str, Any] = opened | {"evidence": [], "panels": [], "rulings": [], "offers": [], "extensions": []}
    made["id"], made["revision"] = made.pop("dispute_id"), 1
    made["commitments"] = [made.pop("commitment")]
    made["nonces"] = [{"claimant": made.pop("nonce"), "respondent": ""}]
    for fact in rest:
        made |= {name: fact[name] for name in ("state", "provisional", "revision")}
        for name in ("deadline", "reason_code"):
            made.pop(name, None)
            made |= {name: fact[name]} if name in fact else {}
        _take(made, fact)
    return made


def _take(made: dict[str, Any], fact: dict[str, Any]) -> None:
    panels = {panel["number"]: panel for panel in made["panels"]}
    made |= {name: fact[name] for name in ("notice", "answer", "appeal") if name in fact}
    if "answer" in fact:
        made["nonces"][0] = made["nonces"][0] | {"respondent": fact["nonce"]}
    if "appeal" in fact:
        made["nonces"] = [made["nonces"][0], fact["nonces"]]
    made["evidence"] += fact.get("pieces", [])
    made["extensions"] += [fact["extension"]] if "extension" in fact else []
    if "offer" in fact:
        standing = [each for each in made["offers"] if each["side"] != fact["offer"]["side"]]
        made["offers"] = [*standing, fact["offer"]]
    if "seed" in fact:
        names = ("size", "seed", "nonces", "eligible", "drawn_at")
        panel: dict[str, Any] = {name: fact[name] for name in names} | {
            "number": fact["round"],
            "gone": [],
            "votes": [],
        }
        panel["order"] = _drawn(made["id"], panel)
        made["panels"].append(panel)
    if "gone" in fact:
        panels[fact["round"]]["gone"].append(fact["gone"])
    if "ruling" in fact:
        made["rulings"].append(fact["ruling"])
        made["offers"] = []
        made["commitments"] += [fact["commitment"]] if "commitment" in fact else []
        panels[fact["ruling"]["number"]]["votes"] = fact["votes"]
    if "result" in fact:
        made["outcome"] = fact["result"]


def _drawn(dispute_id: str, panel: dict[str, Any]) -> list[str]:
    def lot(arbiter: str) -> str:
        said = {
            "arbiter": arbiter, "dispute": dispute_id, "nonces": panel["nonces"], "round": panel["number"],
            "seed": panel["seed"],
        }  # fmt: skip
        said |= {"beacon": panel["beacon"]} if panel.get("beacon") else {}
        line = json.dumps(said, separators=(",", ":"), sort_keys=True).encode()
        return hashlib.sha256(b"yaosu arbiter draw v1\n" + line).hexdigest()

    return sorted(panel["eligible"], key=lot)


ACTS = (
    "dispute_opened", "dispute_moved_on", "dispute_notice_proven", "dispute_answered", "dispute_evidence_added",
    "arbiters_drawn", "arbiter_left", "arbiter_voted", "dispute_ruled", "dispute_deadline_extended",
    "dispute_appealed", "settlement_offered", "dispute_withdrawn", "dispute_ended",
)  # fmt: skip


async def test_the_facts_alone_give_the_dispute_that_is_kept(market: Market):
    _, seen = await a_case(market)
    made = made_again(await market.facts(*ACTS))
    async with market.trading.database.read() as tx:
        kept = plain(await store.dispute(tx, DisputeId(seen["id"])))
    assert {name: made.get(name) for name in kept} == kept
    assert made["nonces"][0] == {"claimant": NONCES[0], "respondent": NONCES[1]}


async def test_a_vote_is_held_to_what_was_committed_to(market: Market):
    await a_case(market)
    voted = [
        json.loads(change.line)
        for change in await market.bench.cores["trading"].feed.after({})
        if change.act == "trading.arbiter_voted"
    ]
    ruled = await market.facts("dispute_ruled")
    votes = [vote for fact in ruled for vote in fact["votes"]]
    assert len(voted) == len(votes) == 4
    by_arbiter = {(vote["arbiter_id"]): vote for vote in votes}
    for line in voted:
        vote = by_arbiter[line["data"]["arbiter_id"]]
        told = json.dumps(vote, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
        salted = hmac_of(bytes.fromhex(vote["salt"]), b"\x11vote\x00" + told.encode())
        assert line["pd"]["vote"] == salted


def hmac_of(key: bytes, message: bytes) -> str:
    """RFC 2104, written out."""
    padded = key.ljust(64, b"\x00")
    inner = hashlib.sha256(bytes(each ^ 0x36 for each in padded) + message).digest()
    return hashlib.sha256(bytes(each ^ 0x5C for each in padded) + inner).hexdigest()

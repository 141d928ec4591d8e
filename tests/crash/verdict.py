"""What must hold after any kill: by the API, by the tables, and by a bundle of the log, verified offline.

Reads the tables by SQL of its own and hashes the log by a tree of its own: nothing here is judged by the code that it
judges, but for the one verifier that imports nothing of ours either.
"""

import asyncio
import base64
import hashlib
import json
import re
import sqlite3
import tarfile
from collections import Counter, defaultdict
from contextlib import closing
from io import BytesIO
from typing import Any

from sqlalchemy import text

from shared.clock import SystemClock
from shared.database import Database
from shared.settings import SERVICES
from tests.crash.servers import Servers
from tests.crash.workload import Sent, Workload
from verifier import yaosu_verify

DRAIN_SECONDS_MAX = 60
GENESIS = bytes(32)
# What each act leaves: a row of this table, and a fact that names it. One without the other is half a commit.
TOLD = (
    ("trading", "bids", "id", "trading.bid_placed", "bid_id"),
    ("trading", "instructions", "id", "trading.instruction_given", "instruction_id"),
    ("trading", "orders", "id", "trading.order_placed", "order_id"),
    ("trading", "entitlements", "id", "trading.entitlement_granted", "entitlement_id"),
    ("pricing", "quotes", "id", "pricing.quote_given", "quote_id"),
    ("delivery", "uploads", "id", "delivery.upload_declared", "upload_id"),
    ("catalog", "assets", "id", "catalog.asset_drafted", "asset_id"),
)
ROUTES = (  # what an acknowledged write has left
    (re.compile(r"/trading/v1/auctions/[^/]+/bids"), "trading", "bids"),
    (re.compile(r"/trading/v1/wallet/pay-ins"), "trading", "instructions"),
    (re.compile(r"/trading/v1/orders"), "trading", "orders"),
    (re.compile(r"/pricing/v1/quotes"), "pricing", "quotes"),
    (re.compile(r"/delivery/v1/uploads"), "delivery", "uploads"),
    (re.compile(r"/catalog/v1/assets"), "catalog", "assets"),
)
Rows = list[tuple[Any, ...]]


async def rows(servers: Servers, service: str, query: str) -> Rows:
    if servers.dsn is None:
        path = servers.folder / "market" / f"{service}.db"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            return connection.execute(query).fetchall()
    database = Database(servers.dsn, schema=service, clock=SystemClock())
    try:
        async with database.read() as tx:
            return [tuple(row) for row in await tx.execute(text(query))]
    finally:
        await database.close()


async def everything_holds(servers: Servers, workload: Workload) -> Counter[str]:
    """Requires that the workload has finished and that every server runs. Returns what was looked at, counted."""
    assert not workload.unexplained, workload.unexplained[:5]
    heads = await drained(servers)
    seen = Counter[str]()
    facts = await the_log_has_every_fact_once(servers, heads, seen)
    await the_tree_is_one(servers, seen)
    await every_row_has_its_fact(servers, facts, seen)
    await every_acknowledged_write_is_there(servers, workload, seen)
    await the_bids_are_those_that_were_sent(servers, workload, seen)
    await the_money_adds_up(servers, workload, seen)
    await the_bundle_verifies(servers, workload, seen)
    for service in SERVICES if servers.dsn is None else ():
        assert await rows(servers, service, "PRAGMA integrity_check") == [("ok",)]
    return seen


async def drained(servers: Servers) -> dict[tuple[str, int], int]:
    """How far each stripe was; once the log has all of that, and the custodian has decided everything."""
    heads: dict[tuple[str, int], int] = {}
    for service in SERVICES:
        found = await rows(servers, service, "SELECT stripe, max(seq) FROM outbox_facts GROUP BY stripe")
        heads |= {(service, stripe): seq for stripe, seq in found}
    open_states = "SELECT count(*) FROM instructions WHERE state IN ('pending', 'sent')"
    behind: list[str] = []
    for _ in range(DRAIN_SECONDS_MAX * 5):
        behind = []
        for (service, stripe), seq in heads.items():
            unsent = f"SELECT count(*) FROM outbox_facts WHERE stripe = {stripe} AND seq <= {seq} AND log_index IS NULL"
            if (count := (await rows(servers, service, unsent))[0][0]) > 0:
                behind.append(f"{service} {stripe}: {count}")
        undecided = (await rows(servers, "trading", open_states))[0][0]
        if not behind and not undecided:
            return heads
        behind += [f"instructions: {undecided}"]
        await asyncio.sleep(0.2)
    raise AssertionError(f"the log or the custodian never caught up: {behind}")


async def the_log_has_every_fact_once(
    servers: Servers, heads: dict[tuple[str, int], int], seen: Counter[str]
) -> list[dict[str, Any]]:
    """Every stripe is a chain without gaps, and the log has each of its facts, once, at the place that is kept here."""
    logged: dict[tuple[str, int, int], tuple[int, bytes]] = {}
    query = "SELECT service, stripe, seq, log_index, leaf FROM entries ORDER BY log_index"
    for place, (service, stripe, seq, index, leaf) in enumerate(await rows(servers, "audit", query)):
        assert index == place, f"the log has a gap at {place}"
        assert (service, stripe, seq) not in logged
        logged[service, stripe, seq] = index, bytes(leaf).split(b"\n")[1]
    facts: list[dict[str, Any]] = []
    for service in SERVICES:
        chains: dict[int, tuple[int, bytes]] = defaultdict(lambda: (0, GENESIS))
        found = await rows(
            servers, service, "SELECT stripe, seq, line, hash, log_index FROM outbox_facts ORDER BY stripe, seq"
        )
        for stripe, seq, line, told, index in found:
            before, previous = chains[stripe]
            assert seq == before + 1, f"{service} stripe {stripe} has no fact {before + 1}"
            line = bytes(line)
            linked = hashlib.sha256(b"\x10" + previous + seq.to_bytes(8, "big") + line).digest()
            assert linked == bytes(told), f"{service} {stripe}:{seq} is not chained to the one before"
            chains[stripe] = seq, linked
            facts.append(json.loads(line))
            if seq <= heads.get((service, stripe), 0):
                assert logged[service, stripe, seq] == (index, line), f"{service} {stripe}:{seq} stands elsewhere"
        seen["facts"] += len(found)
        assert all(logged_seq <= chains[stripe][0] for svc, stripe, logged_seq in logged if svc == service)
    return facts


async def the_tree_is_one(servers: Servers, seen: Counter[str]) -> None:
    """The head's root is that of the leaves; and so is each checkpoint's at its size: no two can contradict."""
    [(size, root)] = await rows(servers, "audit", "SELECT size, root FROM log")
    notes = await rows(servers, "audit", "SELECT size, note FROM checkpoints ORDER BY size")
    signed = {size: bytes(note).decode().split("\n") for size, note in notes}
    peaks: list[tuple[int, bytes]] = []
    leaves = await rows(servers, "audit", "SELECT leaf FROM entries ORDER BY log_index")
    for at, (leaf,) in enumerate(leaves, 1):
        width, node = 1, hashlib.sha256(b"\x00" + bytes(leaf)).digest()
        while peaks and peaks[-1][0] == width:
            node = hashlib.sha256(b"\x01" + peaks.pop()[1] + node).digest()
            width *= 2
        peaks.append((width, node))
        if at in signed:
            assert signed[at][1] == str(at)
            assert base64.b64decode(signed[at][2]) == _folded(peaks), f"the checkpoint at {at} is of another log"
        if at == size:
            assert bytes(root) == _folded(peaks), "the head is not that of the leaves"
    assert size <= len(leaves) and max(signed, default=0) <= len(leaves)
    seen["checkpoints"] += len(signed)
    seen["entries"] += len(leaves)


def _folded(peaks: list[tuple[int, bytes]]) -> bytes:
    node = peaks[-1][1]
    for _, left in reversed(peaks[:-1]):
        node = hashlib.sha256(b"\x01" + left + node).digest()
    return node


async def every_row_has_its_fact(servers: Servers, facts: list[dict[str, Any]], seen: Counter[str]) -> None:
    for service, table, column, act, member in TOLD:
        told = Counter(fact["data"][member] for fact in facts if fact["act"] == act)
        kept = Counter(row[0] for row in await rows(servers, service, f"SELECT {column} FROM {table}"))
        if differing := (told - kept) + (kept - told):
            raise AssertionError(f"{table}: row and fact do not go together: {dict(differing)}")
        seen[table] += len(kept)


async def every_acknowledged_write_is_there(servers: Servers, workload: Workload, seen: Counter[str]) -> None:
    """By its id, and by its key: once."""
    kept: dict[tuple[str, str], set[str]] = {}
    for _, service, table in ROUTES:
        kept[service, table] = {row[0] for row in await rows(servers, service, f"SELECT id FROM {table}")}
    keys = dict[str, Counter[str]]()
    for service in ("catalog", "pricing", "trading", "delivery"):
        answers = await rows(servers, service, "SELECT key_digest FROM idempotency_answers")
        keys[service] = Counter(row[0] for row in answers)
    ids = defaultdict[str, set[str]](set)
    for sent in workload.acknowledged:
        service = sent.path.split("/")[1]
        digest = hashlib.sha256(sent.key.encode()).hexdigest()
        assert keys[service][digest] == 1, f"{sent.path} was acknowledged and its key is kept {keys[service][digest]}×"
        for route, _, table in ROUTES:
            if route.fullmatch(sent.path):
                assert sent.answer["id"] in kept[service, table], f"{sent.path}: {sent.answer['id']} was acknowledged"
                assert sent.answer["id"] not in ids[table], "two keys have the same effect"
                ids[table].add(sent.answer["id"])
    seen["acknowledged writes"] += len(workload.acknowledged)


async def the_bids_are_those_that_were_sent(servers: Servers, workload: Workload, seen: Counter[str]) -> None:
    """Each bid is an acknowledged one, or one that was given up: never one twice. Numbers run without gaps."""
    query = "SELECT auction_id, sequence, id, participant_id, maximum_minor FROM bids ORDER BY auction_id, sequence"
    found = await rows(servers, "trading", query)
    acknowledged = {sent.answer["id"]: sent for sent in workload.acknowledged if sent.path.endswith("/bids")}
    given_up = Counter(_bid_of(workload, sent) for sent in workload.given_up if sent.path.endswith("/bids"))
    numbers = Counter[str]()
    for auction, sequence, bid, who, minor in found:
        numbers[auction] += 1
        assert sequence == numbers[auction], f"{auction}: after {numbers[auction] - 1} comes {sequence}"
        if bid in acknowledged:
            assert acknowledged[bid].answer["sequence"] == sequence
            continue
        seen["bids whose sender gave up"] += 1
        assert given_up[auction, who, minor] > 0, f"{bid} was neither acknowledged nor given up"
        given_up[auction, who, minor] -= 1
    listed = await workload.get("alpha", f"/trading/v1/auctions/{workload.market.things['auction']}/bids?limit=100")
    in_order = {row[2]: row[1] for row in found}
    assert all(in_order[bid["id"]] == bid["sequence"] for bid in listed["items"])


def _bid_of(workload: Workload, sent: Sent) -> tuple[str, str, int]:
    return sent.path.split("/")[4], workload.market.people[sent.who].participant_id, sent.body["maximum"]["minor"]


async def the_money_adds_up(servers: Servers, workload: Workload, seen: Counter[str]) -> None:
    """The books are balanced by the API and by the transfers, and the custodian's book says the same."""
    balance = await workload.get("regulator", "/trading/v1/ledger/trial-balance")
    assert set(balance["totals_minor"].values()) <= {0} and balance["drifting_accounts"] == [], balance
    folded = Counter[str]()
    pending = {row[0]: row[1:] for row in await rows(servers, "trading", "SELECT id, debit, credit FROM transfers")}
    query = "SELECT debit, credit, amount_minor, phase, pending_id FROM transfers"
    ended = Counter[str]()
    for debit, credit, minor, phase, pending_id in await rows(servers, "trading", query):
        if pending_id:
            ended[pending_id] += 1
            assert pending[pending_id] == (debit, credit)
        if phase in {"posted", "post"}:
            folded[debit] -= minor
            folded[credit] += minor
    assert max(ended.values(), default=1) == 1, "a promise ended twice"
    assert sum(folded.values()) == 0
    accounts = "SELECT id, credits_posted - debits_posted FROM accounts WHERE kind IN ('wallet', 'deposit', 'escrow')"
    kept = dict(await rows(servers, "trading", accounts))
    assert all(folded[account] == minor >= 0 for account, minor in kept.items())
    seen["transfers"] += len(pending)
    file = servers.folder / "market" / "custodian.jsonl"
    decided = [json.loads(line) for line in file.read_text().splitlines()]
    done = Counter(order["asked"]["id"] for order in decided if order["state"] == "confirmed")
    assert max(done.values(), default=1) == 1, "the custodian moved money twice for one instruction"
    ours = await rows(servers, "trading", "SELECT id, state FROM instructions")
    assert {told for told, state in ours if state == "confirmed"} == set(done)
    seen["instructions"] += len(done)


async def the_bundle_verifies(servers: Servers, workload: Workload, seen: Counter[str]) -> None:
    await workload.log_in_again(at_once=True)
    path, told = servers.folder / "bundle.tar", set[str]()
    sent = {each.answer["id"] for each in workload.acknowledged if each.path.endswith(("/bids", "/pay-ins", "/orders"))}
    for _ in range(DRAIN_SECONDS_MAX):
        path.write_bytes(await workload.market.people["regulator"].download("/audit/v1/bundle"))
        told = ids_in(path.read_bytes())
        if sent <= told:
            break
        await asyncio.sleep(1)  # until the next checkpoint
    assert sent <= told, f"acknowledged, and not in the bundle: {sorted(sent - told)[:5]}"
    report = yaosu_verify.verify(str(path))
    assert report.exit_code() == 0, report
    seen["writes in the bundle"] += len(sent)


def ids_in(bundle: bytes) -> set[str]:
    """What the facts of a bundle name as placed or given."""
    found = set[str]()
    members = {"trading.bid_placed": "bid_id", "trading.instruction_given": "instruction_id"}
    members["trading.order_placed"] = "order_id"
    with tarfile.open(fileobj=BytesIO(bundle)) as tar:
        for member in tar:
            if not member.name.startswith("tile/entries/"):
                continue
            file = tar.extractfile(member)
            assert file
            for leaf in leaves_of(file.read()):
                event = json.loads(leaf.split(b"\n")[1])
                if event["act"] in members:
                    found.add(event["data"][members[event["act"]]])
    return found


def leaves_of(tile: bytes) -> list[bytes]:
    """The entries of a C2SP entry bundle: each after its length in two bytes."""
    found: list[bytes] = []
    while tile:
        length = int.from_bytes(tile[:2], "big")
        found.append(tile[2 : 2 + length])
        tile = tile[2 + length :]
    return found

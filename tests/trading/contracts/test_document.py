"""The document of a contract: what it says, read back out of the PDF; and how it is printed, kept and given."""

import asyncio
import json
import subprocess
import sys
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from services.trading.actions import document as document_actions
from services.trading.actions.document import TEMPLATE
from services.trading.rules import contract as rules
from services.trading.rules.contract import ACTIVE, DRAFTED, FULFILLED, LAPSED, TERMINATED, Contract, Signature, draft
from services.trading.rules.contract_document import NoDocument, content_of, made_at
from services.trading.rules.contract_text import clauses_of
from services.trading.store import contract as store
from services.trading.store.contract import add_contract
from services.trading.tables.contracts import contract_documents
from shared.database import Transaction
from shared.ids import KeyId
from shared.typesetting import typeset
from tests.support.pdf import text_of
from tests.trading.contracts.dealing import ON_ONE_DATABASE
from tests.trading.contracts.generated import known_deal
from tests.trading.made import MICROSECOND, NOON
from tests.trading.market import Market, code

ROOT = Path(__file__).parents[3]
KEY = KeyId("key_" + "7" * 32)


def signed(contract: Contract, *sides: rules.Side) -> Contract:
    for number, side in enumerate(sides):
        party, at = (contract.buyer_id if side == "buyer" else contract.provider_id), NOON + MICROSECOND * number
        contract = rules.sign(contract, Signature(side, party, KEY, "A" * 43 + "=", "B" * 86 + "==", at), at)
    return contract


def printed(contract: Contract) -> bytes:
    return typeset(TEMPLATE, content_of(contract), made_at(contract))


def test_a_document_says_the_whole_text_and_what_was_signed_by_whom():
    contract = signed(draft(*known_deal()), "buyer", "provider")
    terms, said = json.loads(contract.terms), "".join(text_of(printed(contract)).split())
    for clause in clauses_of(terms):
        for told in (clause.title, *clause.paragraphs, clause.gist):
            assert "".join(told.split()) in said
    for told in (
        contract.id, contract.order_id, contract.terms_hash, terms["text"]["text_hash"], KEY, "A" * 43 + "=",
        "B" * 86 + "==", "阿尔法科技有限公司·91310000MA1K00001A", "人民币1,000.05元", "壹仟元零伍分",
        "双方已签署", "2030年1月1日20:00:00（北京时间）",
    ):  # fmt: skip
        assert told in said
    assert said.count(KEY) == 2


def test_another_process_in_another_time_zone_prints_the_same_bytes():
    script = "from tests.trading.contracts import test_document as here; print(here.known_hash())"
    told = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True,
        env={"TZ": "America/St_Johns", "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert told.stdout.strip() == known_hash()


def known_hash() -> str:
    return sha256(printed(signed(draft(*known_deal()), "provider", "buyer"))).hexdigest()


def test_what_the_template_is_given_of_a_known_contract():
    content = content_of(signed(draft(*known_deal()), "buyer"))
    assert [(line["name"], line["value"]) for line in content["summary"]] == [
        ("合同编号 Contract", "contract_" + "4" * 32), ("订单编号 Order", "order_" + "3" * 32),
        ("甲方 Provider", "participant_" + "b" * 32),
        ("乙方 Buyer", "阿尔法科技有限公司 · 91310000MA1K00001A · participant_" + "a" * 32),
        ("标的 Subject", "全国机场"), ("价款 Price", "人民币 1,000.05 元"), ("大写 In words", "壹仟元零伍分"),
        ("成交时间 Awarded", "2030年1月1日20:00:00（北京时间）"), ("条款摘要 Terms", content["terms_hash"]),
        ("文本摘要 Text", json.loads(draft(*known_deal()).terms)["text"]["text_hash"]),
    ]  # fmt: skip
    assert [[line["name"] for line in lines] for lines in content["signatures"]] == [
        ["乙方 Buyer", "密钥 Key", "公钥 Public key", "签名 Signature", "签署时间 Signed"]
    ]
    named = ("exchange", "title", "title_english", "contract_id", "terms_hash")
    assert [content[name] for name in named] == [
        "要素 Yaosu", "数据提供合同", "Data Provision Contract", "contract_" + "4" * 32, draft(*known_deal()).terms_hash
    ]  # fmt: skip
    first = content["clauses"][0]
    assert (first["number"], first["title"], first["title_english"]) == ("1", "合同标的", "Subject")


def test_keeping_a_document_is_an_act_of_its_own():
    active = signed(draft(*known_deal()), "buyer", "provider")
    kept = rules.keep_document(active, "ab" * 32)
    assert (kept.document_hash, kept.revision, kept.lacks_document) == ("ab" * 32, active.revision + 1, False)


@pytest.mark.parametrize("sides, standing, at", [
    ((),                    "未经双方签署 not signed by both", NOON),
    (("buyer",),            "未经双方签署 not signed by both", NOON),
    (("provider", "buyer"), "双方已签署 signed by both",       NOON + MICROSECOND),
])  # fmt: skip
def test_a_draft_says_that_it_is_one(sides: tuple[rules.Side, ...], standing: str, at: object):
    contract = signed(draft(*known_deal()), *sides)
    content = content_of(contract)
    assert (content["standing"], len(content["signatures"]), made_at(contract)) == (standing, len(sides), at)


def test_what_becomes_of_a_contract_changes_nothing_in_its_document():
    active = signed(draft(*known_deal()), "buyer", "provider")
    others = [rules.end(active, "why"), rules.end(active, "why", fulfilled=True), rules.keep_document(active, "ab")]
    assert all(content_of(each) == content_of(active) for each in others)


def test_a_hostile_title_is_printed_as_it_is():
    order, listing, grounds = known_deal()
    title = "#let x = 1 $a$ *b* @c \\ ` // /* <d> " + "机场" * 60 + "W" * 60
    said = text_of(printed(draft(order, replace(listing, title=title), grounds)))
    assert "".join(said.split()).count("".join(title.split())) == 2, "in the summary and in the first clause"


def test_terms_of_the_first_version_have_no_document():
    contract = draft(*known_deal())
    old = {name: told for name, told in json.loads(contract.terms).items() if name not in {"text", "odrl"}}
    with pytest.raises(NoDocument):
        content_of(replace(contract, terms=json.dumps(old)))


@pytest.mark.parametrize("state, text_hash, document_hash, lacks", [
    (DRAFTED,    "ab", None, False),
    (LAPSED,     "ab", None, False),
    (ACTIVE,     "ab", None, True),
    (FULFILLED,  "ab", None, True),
    (TERMINATED, "ab", None, True),
    (rules.SUPERSEDED, "ab", None, True),
    (ACTIVE,     "ab", "cd", False),
    (ACTIVE,     None, None, False),
])  # fmt: skip
def test_what_both_signed_lacks_its_document_until_it_is_kept(
    state: rules.State, text_hash: str | None, document_hash: str | None, lacks: bool
):
    contract = replace(draft(*known_deal()), state=state, text_hash=text_hash, document_hash=document_hash)
    assert contract.lacks_document == lacks


async def document(market: Market, who: Any, contract_id: str) -> Any:
    return await market.bench.get(who, f"/trading/v1/contracts/{contract_id}/document")


async def test_a_document_is_kept_once_both_have_signed_and_its_hash_is_in_the_log(market: Market):
    buyer, order = await market.won()
    contract_id = order["contract_id"]
    first = await document(market, buyer, contract_id)
    assert (first.status_code, first.headers["content-type"]) == (200, "application/pdf")
    assert "未经双方签署" in text_of(first.content)
    await market.signed(buyer, order)
    unkept = await document(market, buyer, contract_id)
    await market.tick()
    kept = await document(market, market.provider, contract_id)
    assert kept.content == unkept.content, "printed again to the same bytes"
    contract = await market.read(buyer, f"/contracts/{contract_id}")
    (told,) = await market.facts("contract_documented")
    told_hash = sha256(kept.content).hexdigest()
    assert told_hash == contract["document_hash"] == told["document_hash"] == kept.headers["etag"].strip('"')
    assert (told["terms_hash"], told["text_hash"]) == (contract["terms_hash"], contract["text_hash"])
    assert told["document_bytes"] == len(kept.content)
    assert contract["policy"]["uid"] == f"urn:yaosu:{contract_id}"
    assert contract["terms_hash"] in text_of(kept.content)


@ON_ONE_DATABASE
async def test_a_document_is_for_the_two_and_for_who_supervises(market: Market):
    buyer, order = await market.won()
    stranger, contract_id = await market.buyer(), order["contract_id"]
    for who in (buyer, market.provider, market.bench.staff("regulator"), market.bench.staff("operator_audit")):
        assert (await document(market, who, contract_id)).status_code == 200
    assert code(await document(market, stranger, contract_id)) == (404, "no_such_contract")
    assert code(await document(market, market.bench.staff("operator_business"), contract_id))[0] == 403
    assert (await document(market, None, contract_id)).status_code == 401


async def test_whoever_is_stopped_between_signing_and_printing_prints_afterwards_and_once(
    market: Market, monkeypatch: pytest.MonkeyPatch
):
    buyer, order = await market.won()
    with monkeypatch.context() as stopped:
        stopped.setattr(document_actions, "_printed", _killed)
        await market.signed(buyer, order)
        await market.tick()
    assert await market.facts("contract_documented") == []
    await asyncio.gather(*(document_actions.keep(market.trading, order["contract_id"]) for _ in range(5)))
    await market.tick()
    assert len(await market.facts("contract_documented")) == 1


@ON_ONE_DATABASE
async def test_what_is_kept_stays_as_it_was_whatever_the_typesetter_makes_of_it_later(
    market: Market, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    buyer, order = await market.won()
    await market.signed(buyer, order)
    await market.tick()
    kept = await document(market, buyer, order["contract_id"])
    other = tmp_path / "contract.typ"
    other.write_text(TEMPLATE.read_text().replace("17pt", "18pt"))
    monkeypatch.setattr(document_actions, "TEMPLATE", other)
    assert (await document(market, buyer, order["contract_id"])).content == kept.content
    async with market.trading.database.read() as tx:
        assert await tx.scalar(select(contract_documents.c.content)) == kept.content


async def test_a_contract_of_the_first_version_is_read_and_signed_still_and_has_no_document(
    market: Market, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(store, "add_contract", add_as_of_old)
    buyer, order = await market.won()
    path = f"/contracts/{order['contract_id']}"
    await market.signed(buyer, order)
    await market.tick()
    contract = await market.read(buyer, path)
    assert (contract["state"], contract["policy"], contract["text_hash"]) == ("active", None, None)
    assert code(await document(market, buyer, order["contract_id"])) == (404, "no_document")
    assert await market.facts("contract_documented") == []


async def add_as_of_old(tx: Transaction, contract: Contract) -> None:
    terms = json.loads(contract.terms)
    old = json.dumps({name: told for name, told in terms.items() if name not in {"text", "odrl", "parties"}})
    terms_hash = sha256(old.encode()).hexdigest()
    await add_contract(tx, replace(contract, terms=old, terms_hash=terms_hash, text_hash=None))


async def _killed(_: Contract) -> Any:
    raise RuntimeError("the process was killed")

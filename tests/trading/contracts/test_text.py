"""The legal text: every value of the terms stands in it, what does not apply does not, and a version never changes."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings

from services.trading.rules import contract_text
from services.trading.rules.contract import draft
from services.trading.rules.contract_text import UnknownText, clauses_of, hash_of, text_of
from services.trading.rules.contract_words import days, moment_text, percent, yuan_text
from services.trading.rules.listing import Listing
from services.trading.rules.order import Order
from shared.capitals import in_capitals
from shared.facts import microseconds
from shared.grades import Flag, Mode
from shared.money import Money
from tests.trading.contracts.generated import contract_of, deals, known_deal
from tests.trading.made import NOON


def terms_of(order: Order, listing: Listing) -> dict[str, Any]:
    return json.loads(contract_of(order, listing).terms)


def known_terms() -> dict[str, Any]:
    return json.loads(draft(*known_deal()).terms)


def all_of(terms: dict[str, Any]) -> str:
    return "\n".join("\n".join(clause.paragraphs) for clause in clauses_of(terms))


def clause(number: int, terms: dict[str, Any]) -> str:
    return "\n".join(clauses_of(terms)[number - 1].paragraphs)


def test_the_clauses_follow_the_model_contract():
    clauses = clauses_of(known_terms())
    assert [each.number for each in clauses] == list(range(1, 13))
    model = {1: "合同标的", 2: "产权安排", 5: "交付", 6: "费用与支付", 7: "验收"}
    assert {number: clauses[number - 1].title for number in model} == model
    assert all(each.paragraphs and each.gist and each.title_english for each in clauses)


def variant(**changes: Any) -> dict[str, Any]:
    """The known terms, but for these members; those of `right` and `subject` are changed one by one."""
    terms = known_terms()
    for name, value in changes.items():
        terms[name] = terms[name] | value if name in {"right", "grading", "windows"} else value
    return terms


FREE = {"minor": 0, "currency": "CNY"}
EVERY = ["critical_infrastructure", "geographic", "minor", "personal", "public_data", "sensitive_personal"]
BEFORE = {"contract_id": "contract_" + "9" * 32, "terms_hash": "ab" * 32}
ORIGINS = {name: f"{name}_made" for name in ("auction_id", "inquiry_id", "negotiation_id", "call_auction_id")}


@pytest.mark.parametrize("changes, digest", [
    ({}, "b45305d8f913665e"),
    ({"mode": "compute", "price": FREE, "origin": ORIGINS, "columns_digest": None}, "46b4f6a1f844cc5a"),
    ({"mode": "api", "grading": {"flags": EVERY, "grade": "G4"}, "right": {"kind": "limited", "copies": 7}},
     "c8b52f9c55699bc6"),
    ({"mode": "desensitised", "right": {"kind": "unlimited"}, "grading": {"flags": []}, "renews": "contract_x"},
     "8d47647339142858"),
    ({"supersedes": BEFORE, "amended_at": 0, "co_owners": [1], "acceptance": {"a": 1}}, "ec5597019bae09e0"),
])  # fmt: skip
def test_the_first_version_of_the_text_is_never_changed(changes: dict[str, Any], digest: str):
    """Whoever signed it must find it: write another version beside it."""
    assert hash_of(clauses_of(variant(**changes)))[:16] == digest


@settings(deadline=None, max_examples=60)
@given(deal=deals())
def test_every_limit_of_the_deal_is_said(deal: tuple[Order, Listing]):
    order, listing = deal
    said, right = all_of(terms_of(order, listing)), listing.right
    for value in (
        *listing.purposes, listing.title, listing.content_hash, listing.version_id, right.field, right.territory,
        f"{right.period_days}日", f"{listing.quota_uses}次", order.contract_id, order.id, in_capitals(order.price),
    ):  # fmt: skip
        assert value in said
    assert "{" not in said and "None" not in said


@settings(deadline=None, max_examples=60)
@given(deal=deals())
def test_what_does_not_apply_is_not_said(deal: tuple[Order, Listing]):
    order, listing = deal
    said = all_of(terms_of(order, listing))
    personal = bool(listing.flags & {Flag.PERSONAL, Flag.SENSITIVE_PERSONAL, Flag.MINOR})
    assert ("不得以任何方式重新识别" in said) == personal
    assert ("不得就同一资产另行授予" in said) == order.exclusive
    assert ("数据不出平台" in said) == ("不离开平台" in said) == (listing.mode is Mode.COMPUTE)
    assert ("删除其取得的标的数据" in said) == (listing.mode is not Mode.COMPUTE)
    assert ("约定字段名集合" in said) == (order.columns is not None)
    assert ("最早自" in said) == (listing.right.starts_at is not None)
    assert ("本合同无须付款" in said) == order.is_free
    assert ("监管账户的" not in said) and (("付入存管机构的监管账户" in said) == (not order.is_free))
    assert ("保证金依竞价规则处理" in said) == (order.auction_id is not None)
    assert ("高于备案的最高限价" in said) == (Flag.PUBLIC_DATA in listing.flags)
    for absent in ("co_owners", "取代合同", "续期自合同"):
        assert absent not in said


def test_what_the_terms_may_hold_besides_is_referred_to_by_its_hash():
    plain = known_terms()
    shared = plain | {"co_owners": [{"participant_id": "participant_" + "c" * 32, "basis_points": 5_000}]}
    assert "co_owners 的记载为准" in clause(6, shared) and clause(7, shared) == clause(7, plain)
    other = plain | {"co_owners": [{"participant_id": "participant_" + "c" * 32, "basis_points": 5_001}]}
    assert clause(6, other) != clause(6, shared)
    inspected = plain | {"acceptance": {"use_accepts": True}}
    assert "acceptance 的记载为准" in clause(7, inspected) and clause(6, inspected) == clause(6, plain)
    assert "acceptance" not in clause(7, {name: told for name, told in plain.items() if name != "acceptance"})


def test_what_supersedes_or_renews_another_contract_says_which():
    before = {"contract_id": "contract_" + "9" * 32, "terms_hash": "ab" * 32}
    amended = known_terms() | {"supersedes": before, "amended_at": microseconds(NOON)}
    assert f"取代合同{before['contract_id']}（条款摘要{'ab' * 32}）" in clause(9, amended)
    assert "2030年1月1日20:00:00（北京时间）变更时生成" in clause(12, amended)
    assert f"续期自合同{before['contract_id']}" in clause(9, known_terms() | {"renews": before["contract_id"]})


def test_terms_of_the_first_version_have_no_text_and_an_unknown_version_is_refused():
    terms = known_terms()
    assert text_of(terms) == clauses_of(terms)
    assert text_of({name: value for name, value in terms.items() if name != "text"}) is None
    with pytest.raises(UnknownText):
        text_of(terms | {"text": {"text_version": 2}})


@pytest.mark.parametrize("seconds, said", [
    (86_400, "1日"), (7 * 86_400, "7日"), (86_401, "86401秒"), (90_000, "25小时"), (3_600, "1小时"), (3_540, "59分钟"),
    (120, "2分钟"), (119, "119秒"),
])  # fmt: skip
def test_a_time_is_said_in_its_largest_whole_unit(seconds: int, said: str):
    assert days(seconds) == said


@pytest.mark.parametrize("minor, figures, capitals", [
    (0,        "0.00",                  "零元整"),
    (1,        "0.01",                  "壹分"),
    (10,       "0.10",                  "壹角"),
    (100_005,  "1,000.05",              "壹仟元零伍分"),
    (10**15 - 1, "9,999,999,999,999.99", "玖万玖仟玖佰玖拾玖亿玖仟玖佰玖拾玖万玖仟玖佰玖拾玖元玖角玖分"),
    (10**15,   "10,000,000,000,000.00", "壹拾万亿元整"),
])  # fmt: skip
def test_amounts_in_figures_and_in_capitals(minor: int, figures: str, capitals: str):
    assert (yuan_text(Money(minor)), in_capitals(Money(minor))) == (figures, capitals)


@pytest.mark.parametrize("amount", [Money(-1), Money(10**18), Money(1, "USD")])
def test_no_capitals_for_what_they_do_not_fit(amount: Money):
    with pytest.raises(ValueError, match="only an amount of yuan"):
        in_capitals(amount)


@pytest.mark.parametrize("basis_points, said", [(0, "0.00%"), (5, "0.05%"), (250, "2.50%"), (10_000, "100.00%")])
def test_rates(basis_points: int, said: str):
    assert percent(basis_points) == said


def test_a_moment_is_that_of_beijing():
    assert moment_text(microseconds(NOON.replace(hour=23, minute=5, second=9))) == "2030年1月2日07:05:09（北京时间）"


def test_a_title_is_text_whatever_it_holds():
    order, listing, grounds = known_deal()
    hostile = "#let x = 1 $a$ *b* @c \\ ` {listing} %s"
    assert hostile in clause(1, json.loads(draft(order, replace(listing, title=hostile), grounds).terms))


def test_a_hash_is_of_the_whole_text():
    clauses = clauses_of(known_terms())
    changed = (replace(clauses[0], gist="another"), *clauses[1:])
    assert len({hash_of(clauses), hash_of(changed), hash_of(clauses[1:])}) == 3
    assert contract_text.structure_of(known_terms()) == "provision"


@pytest.mark.parametrize("origin, words", [
    ("quote_id", "接受报价"), ("auction_id", "经竞价"), ("inquiry_id", "经询价"), ("negotiation_id", "经协商"),
    ("call_auction_id", "经集合竞价"), ("double_auction_id", "经双向密封报价"), ("block_deal_id", "经大宗协议"),
])  # fmt: skip
def test_by_which_way_of_trading_a_deal_was_made_is_said(origin: str, words: str):
    assert f"{words}number_7成交，" in all_of(variant(origin={origin: "number_7"}))

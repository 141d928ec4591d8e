"""Cells of texts that are kept: what hides them, and what does not."""

import duckdb
import pytest

from services.delivery.rules.masking import HIDDEN
from services.delivery.rules.remark import cleared

DATABASE = duckdb.connect(":memory:")


def shown(text: str | None, *, persons: bool = True) -> str | None:
    query = f"SELECT {cleared('v', persons=persons)} FROM (SELECT CAST(? AS VARCHAR) AS v)"
    return DATABASE.execute(query, [text]).fetchall()[0][0]


@pytest.mark.parametrize("text", [
    "客户身份证11010519491231002X，已核对",
    "id 11010519491231002x ok",
    "１１０１０５１９４９１２３１００２Ｘ",
    "110105 19491231 002X",
    "call 13812341234 at night",
    "联系13812341234",
    "_13812341234_",
    "138-1234-1234",
    "138 1234 1234",
    "＋８６１３８１２３４１２３４",
    "１３８１２３４１２３４",
    "tel:+8613812341234",
    "写给 ada@example.cn 的信",
    "ada＠example.cn",
    "a@b.cn",
    "a＠b.cn",
    "a\n13812341234\nb",
    "13812341234,13999999999",
])  # fmt: skip
@pytest.mark.parametrize("persons", [True, False])
def test_whose_number_it_is_can_be_told_anywhere(text: str, persons: bool):
    assert shown(text, persons=persons) == HIDDEN


@pytest.mark.parametrize("text", [
    "卡号 6222021234567890 已停用",
    "卡号６２２２０２１２３４５６７８９０",
    "６２２２０２１２３４５６７８９０",
    "card: 6222-0212-3456-7890!",
    "护照E12345678过期",
    "passport EA1234567, expired",
    "车牌京A12345违停",
    "停在京A·D12345旁",
    "from 203.0.113.77 today",
    "@1.1.1.1",
    "via 2001:db8:0:1::1 again",
    "座机 010-62345678 无人",
])  # fmt: skip
def test_among_words_more_can_be_told_where_persons_are(text: str):
    assert shown(text) == HIDDEN and shown(text, persons=False) == text


@pytest.mark.parametrize("text", [
    None, "", "王府井大街", "order 2026112612345678", "13.8123412340", "2026-11-26 13:45:00", "a1b2c313812341234ff",
    "12345678901234567890123", "6222021234567890", "E12345678", "v1.2", "0.138", "ICAO ZBAA",
    "202609206720308027", "order 330305200013308027", "order 330305200012328027",  # no days that anybody was born on
])  # fmt: skip
def test_other_cells_stay(text: str | None):
    assert shown(text) == text

"""The words of a contract's text for what the terms say in codes, and how it writes time and money."""

from collections.abc import Iterable, Mapping
from datetime import timedelta, timezone
from typing import Any

from shared import canonical
from shared.facts import moment, plain
from shared.money import Money

Body = tuple[tuple[str, ...], str]  # the paragraphs of a clause, and its gist
BEIJING = timezone(timedelta(hours=8))
PERSONAL = frozenset({"personal", "sensitive_personal", "minor"})
DAY, HOUR, MINUTE = 86_400, 3_600, 60

GRADES = {
    "G1": "一般数据 1 级", "G2": "一般数据 2 级", "G3": "一般数据 3 级", "G4": "一般数据 4 级", "G5": "重要数据",
    "G6": "核心数据",
}  # fmt: skip
FLAGS = {
    "personal": "含个人信息", "sensitive_personal": "含敏感个人信息", "minor": "含不满十四周岁未成年人信息",
    "public_data": "公共数据", "geographic": "地理信息", "critical_infrastructure": "关键信息基础设施",
}  # fmt: skip
MODES = {
    "raw": "原始数据文件", "api": "数据接口调用", "desensitised": "脱敏数据文件",
    "compute": "平台内计算（数据不出平台，仅提供计算结果）",
}  # fmt: skip
KINDS = {
    "exclusive": "独家使用许可", "limited": "限定份数的使用许可（至多{copies}份）", "unlimited": "普通使用许可",
}  # fmt: skip
SOURCES = {
    "personal": "标的数据含个人信息的，甲方保证已依法告知并取得个人的单独同意，或者具有其他合法性基础（《中华人民共和国"
                "个人信息保护法》第二十三条）。",
    "sensitive_personal": "标的数据含敏感个人信息的，甲方保证已完成个人信息保护影响评估（《中华人民共和国个人信息"
                          "保护法》第二十九条、第五十五条）。",
    "minor": "标的数据含不满十四周岁未成年人个人信息的，甲方保证已取得其父母或者其他监护人的同意（《中华人民共和国"
             "个人信息保护法》第三十一条）。",
    "public_data": "标的数据属于公共数据的，其价格不高于备案的最高限价（发改价格〔2025〕65号）。",
}  # fmt: skip
ORIGINS = {
    "quote_id": "乙方接受报价{}成交，", "auction_id": "经竞价{}成交，", "inquiry_id": "经询价{}成交，",
    "negotiation_id": "经协商{}成交，", "call_auction_id": "经集合竞价{}成交，",
    "double_auction_id": "经双向密封报价{}成交，", "block_deal_id": "经大宗协议{}成交，",
    "bundle_quote_id": "乙方接受组合报价{}成交，本合同为组合的一部分，各部分价款一并支付，",
}  # fmt: skip


def body(gist: str, *paragraphs: str) -> Body:
    """The clause of these paragraphs, without those that do not apply."""
    return tuple(filter(None, paragraphs)), gist


def party(known: Mapping[str, Any]) -> str:
    """Who a party was known to be."""
    uscc = f"，统一社会信用代码{known['uscc']}" if "uscc" in known else ""
    return f"{known.get('name', '平台登记的市场主体')}（编号{known['participant_id']}{uscc}）"


def as_recorded(what: str, member: str, agreed: object) -> str:
    """Refers to a member of the terms that says more than words do."""
    return f"{what}以机器可读条款中 {member} 的记载为准，其 SHA-256 摘要为{canonical.digest(plain(agreed))}。"


def as_bought(terms: Mapping[str, Any]) -> str:
    """By which way of trading the deal was made."""
    return "".join(ORIGINS[name].format(made_by) for name, made_by in terms["origin"].items())


def listed(words: Iterable[str]) -> str:
    return "、".join(words)


def days(seconds: int) -> str:
    """A time in the largest unit that it is a whole number of."""
    for unit, word in ((DAY, "日"), (HOUR, "小时"), (MINUTE, "分钟")):
        if seconds % unit == 0:
            return f"{seconds // unit}{word}"
    return f"{seconds}秒"


def yuan_text(amount: Money) -> str:
    """With two decimals, and a comma before every third digit."""
    yuan, fen = divmod(amount.minor, 100)
    return f"{yuan:,}.{fen:02}"


def moment_text(microseconds: int) -> str:
    """To the second, in the time of Beijing."""
    told = moment(microseconds).astimezone(BEIJING)
    return f"{told.year}年{told.month}月{told.day}日{told:%H:%M:%S}（北京时间）"


def percent(basis_points: int) -> str:
    return f"{basis_points // 100}.{basis_points % 100:02}%"

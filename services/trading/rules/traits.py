"""What a version is like, as far as a need can ask for it, and how a wanted field is found among its fields by name.

Promises: a name is found by its words alone: cut at signs and capitals, folded in width and case, each word counted as
its synonyms are; a wanted field is found where all of its words are; the same names give the same finds, for ever.
Does not: look at values, guess at misspellings, or know a language. What is not in the table of synonyms is itself.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from unicodedata import normalize

FIELDS_KEPT_MAX = 200
SYNONYMS = (
    ("address", "addr", "地址", "住址"),
    ("age", "年龄"),
    ("amount", "amt", "金额", "数额"),
    ("average", "avg", "mean", "平均", "均值"),
    ("category", "class", "类别", "分类", "种类"),
    ("city", "城市"),
    ("code", "代码", "编码"),
    ("company", "corporation", "corp", "enterprise", "firm", "公司", "企业", "单位"),
    ("country", "国家"),
    ("date", "day", "日期"),
    ("description", "desc", "描述", "说明"),
    ("email", "mail", "邮箱", "电子邮件"),
    ("gender", "sex", "性别"),
    ("height", "altitude", "elevation", "海拔", "高度"),
    ("id", "identifier", "no", "编号", "标识", "标识符"),
    ("industry", "sector", "行业"),
    ("latitude", "lat", "纬度"),
    ("longitude", "lon", "lng", "long", "经度"),
    ("month", "月份"),
    ("name", "title", "名称", "姓名", "名字"),
    ("number", "num", "quantity", "qty", "count", "cnt", "数量", "个数"),
    ("phone", "mobile", "tel", "telephone", "cellphone", "手机", "手机号", "手机号码", "电话", "电话号码"),
    ("postcode", "zipcode", "zip", "邮编", "邮政编码"),
    ("price", "cost", "价格", "单价"),
    ("province", "state", "省份"),
    ("rate", "ratio", "percentage", "pct", "比率", "比例"),
    ("region", "area", "地区", "区域"),
    ("speed", "velocity", "速度"),
    ("status", "状态"),
    ("temperature", "temp", "气温", "温度"),
    ("time", "timestamp", "datetime", "时间", "时刻"),
    ("type", "kind", "类型"),
    ("weight", "重量"),
    ("year", "年份"),
)
_ONE_WORD = {word: group[0] for group in SYNONYMS for word in group}
_HAN_WORDS = sorted((word for word in _ONE_WORD if not word.isascii()), key=lambda word: (-len(word), word))
_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_PART = re.compile(r"[^\W\d_]+|\d+")


@dataclass(frozen=True, slots=True)
class Traits:
    """As the catalogue said when the version was listed. `update_cycle` is its word; None is what nobody said."""

    theme: str | None = None
    rows: int | None = None
    update_cycle: str | None = None
    fields: tuple[str, ...] = ()


def found(wanted: str, fields: Sequence[str]) -> str | None:
    """The field that has every word of the wanted name, and the fewest beside them; the earlier of two such."""
    asked = words(wanted)
    if not asked:
        return None
    having = [field for field in fields if asked <= words(field)]
    return min(having, key=lambda field: len(words(field)), default=None)


@lru_cache(maxsize=20_000)
def words(name: str) -> frozenset[str]:
    """The words of a field's name, each as the first of its synonyms."""
    folded = normalize("NFKC", _CAPITAL.sub(" ", normalize("NFKC", name))).casefold()
    return frozenset(_ONE_WORD.get(word, word) for part in _PART.findall(folded) for word in _cut(part))


def _cut(part: str) -> Iterator[str]:
    """A run of letters as its words: of Latin ones one, in the singular; of others those that are in the table, the
    longest first, and whatever stands between them."""
    if part.isascii():
        singular = part[:-1] if len(part) > 3 and part.endswith("s") and not part.endswith("ss") else part
        yield singular if part not in _ONE_WORD else part
        return
    start = rest = 0
    while start < len(part):
        word = next((word for word in _HAN_WORDS if part.startswith(word, start)), None)
        if word is None:
            start += 1
            continue
        if rest < start:
            yield part[rest:start]
        yield word
        start = rest = start + len(word)
    if rest < len(part):
        yield part[rest:]

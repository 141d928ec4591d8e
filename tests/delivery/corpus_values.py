"""Values for made tables, each made by its own standard's rule and not by the recognisers that are tested with it."""

import random
from collections.abc import Callable, Sequence
from datetime import date, timedelta

Make = Callable[[random.Random], str]

SURNAMES = "王 李 张 刘 陈 杨 黄 赵 吴 周 徐 孙 马 朱 胡 郭 何 高 林 郑 谢 罗 梁 宋 唐 许 邓 冯 韩 曹 曾 彭 萧 蔡 潘 田 董 袁 于 余".split()
GIVEN = (
    "伟 芳 秀英 敏 静 丽 强 磊 洋 艳 勇 军 杰 娟 涛 明 超 秀兰 霞 平 刚 桂英 子涵 浩然 一诺 宇轩 欣怡 梓萱 建国 国华 志强 雨桐 思远 俊杰 晓燕 海燕 "
    "文博 佳琪 若曦 天宇 立新 春梅 小红 玉兰 晨曦 诗涵 泽宇 嘉豪 雅婷 丹 鹏飞 婷婷 振华 淑珍 卫东 红梅"
).split()
FIRST = "James Mary Robert Patricia John Jennifer Michael Linda David Elizabeth William Barbara Richard Susan Emma Liam Olivia Noah Ava Grace".split()  # fmt: skip
LAST = "Smith Johnson Williams Brown Jones Garcia Miller Davis Rodriguez Wilson Anderson Taylor Moore Jackson Lee Thompson White Harris Clark Lewis".split()  # fmt: skip
PINYIN = ["Zhang Wei", "Wang Xiaoming", "Li Na", "LIU YANG", "Chen Jing", "Yang Guang", "Zhao Lei", "Xiaofeng Huang", "Zhou Jie", "Xu Meiling"]  # fmt: skip
UIGHUR = ["买买提·吐尔逊", "古丽娜尔·阿不都热合曼", "阿依努尔·艾山", "迪丽热巴·迪力木拉提", "努尔买买提·卡德尔"]
STREETS = "中山路 人民路 解放大道 建设街 长江路 文化巷 和平里 朝阳北路 学院路 延安西路".split()
TOWNS = [
    "北京市朝阳区",
    "上海市浦东新区",
    "广东省深圳市南山区",
    "浙江省杭州市西湖区",
    "四川省成都市武侯区",
    "湖北省武汉市洪山区",
]
REGIONS = "110105 310115 440305 330106 510107 420111 370203 610113 230103 150102".split()
RETIRED = "310103 110103 110104 420123 510202 422322".split()  # places whose numbers are no more; persons keep them
COMPANIES = ["北京云帆科技有限公司", "上海博远贸易有限公司", "深圳市鑫达电子厂", "杭州青禾农业合作社", "武汉长江轮船股份公司", "成都蜀香餐饮管理有限公司"]  # fmt: skip
CHECK_WEIGHTS, CHECK_DIGITS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2), "10X98765432"
USCC_LETTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def one_of(*values: str) -> Make:
    return lambda rng: rng.choice(values)


def digits(rng: random.Random, count: int) -> str:
    return "".join(rng.choice("0123456789") for _ in range(count))


def number(pattern: str) -> Make:
    """`#` is any digit."""
    return lambda rng: "".join(rng.choice("0123456789") if sign == "#" else sign for sign in pattern)


def day(first: str, last: str, pattern: str = "%Y-%m-%d") -> Make:
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    return lambda rng: (start + timedelta(rng.randrange((end - start).days + 1))).strftime(pattern)


def decimal(low: float, high: float, places: int) -> Make:
    return lambda rng: f"{rng.uniform(low, high):.{places}f}"


def chinese_name(rng: random.Random) -> str:
    return rng.choice(SURNAMES) + rng.choice(GIVEN)


def english_name(rng: random.Random) -> str:
    return f"{rng.choice(FIRST)} {rng.choice(LAST)}"


def turned_name(rng: random.Random) -> str:
    return f"{rng.choice(LAST)}, {rng.choice(FIRST)}"


def resident_id(regions: Sequence[str] = REGIONS, first: str = "1950-01-01", last: str = "2005-12-31") -> Make:
    """GB 11643-1999: place, birth date, sequence, check digit by ISO 7064 MOD 11-2."""
    born = day(first, last, "%Y%m%d")

    def make(rng: random.Random) -> str:
        body = rng.choice(regions) + born(rng) + digits(rng, 3)
        return body + CHECK_DIGITS[sum(int(a) * b for a, b in zip(body, CHECK_WEIGHTS, strict=True)) % 11]

    return make


def old_id(rng: random.Random) -> str:
    """Of fifteen digits, as issued until 1999."""
    return rng.choice(REGIONS) + day("1940-01-01", "1985-12-31", "%y%m%d")(rng) + digits(rng, 3)


def uscc(rng: random.Random) -> str:
    """GB 32100-2015, with its check character."""
    body = "91" + rng.choice(REGIONS) + "".join(rng.choice(USCC_LETTERS) for _ in range(9))
    total = sum(USCC_LETTERS.index(sign) * pow(3, index, 31) for index, sign in enumerate(body))
    return body + USCC_LETTERS[(31 - total % 31) % 31]


def mobile(rng: random.Random) -> str:
    return rng.choice("138 139 150 151 186 187 177 133 199 135 158 180".split()) + digits(rng, 8)


def luhn(prefix: str, length: int) -> Make:
    """ISO/IEC 7812: digits behind a prefix, the last of which is the check digit."""

    def make(rng: random.Random) -> str:
        body = prefix + digits(rng, length - len(prefix) - 1)
        doubled = [int(sign) * (2 if index % 2 == 0 else 1) for index, sign in enumerate(reversed(body))]
        return body + str(-sum(value // 10 + value % 10 for value in doubled) % 10)

    return make


def chinese_address(rng: random.Random) -> str:
    return f"{rng.choice(TOWNS)}{rng.choice(STREETS)}{rng.randrange(1, 300)}号{rng.randrange(1, 30)}栋{rng.randrange(101, 2500)}室"


def english_address(rng: random.Random) -> str:
    street = rng.choice(["Main St", "Oak Avenue", "Maple Drive", "King's Road", "W 34th Street", "Sunset Blvd"])
    return f"{rng.randrange(1, 9999)} {street}, {rng.choice(['Apt 4B, ', ''])}{rng.choice(['Springfield, IL 62704', 'London SW3'])}"


def plate(rng: random.Random) -> str:
    return (
        rng.choice("京沪粤浙川鄂") + rng.choice("ABCDE") + "".join(rng.choice("ABCDEFGH0123456789") for _ in range(5))
    )


def green_plate(rng: random.Random) -> str:
    return rng.choice("京沪粤浙") + rng.choice("ABC") + rng.choice("DF") + digits(rng, 5)


def email(rng: random.Random) -> str:
    return f"{rng.choice(FIRST).lower()}.{rng.choice(LAST).lower()}{rng.randrange(99)}@{rng.choice(['example.com', 'qq.com', '163.com'])}"


def ipv4(rng: random.Random) -> str:
    return f"{rng.randrange(1, 223)}.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(1, 255)}"


def ipv6(rng: random.Random) -> str:
    return "2001:db8:" + ":".join(f"{rng.randrange(65536):x}" for _ in range(4)) + "::1"


def angle(rng: random.Random) -> str:
    return f"{rng.randrange(20, 50)}°{rng.randrange(60):02}′{rng.randrange(60):02}″N {rng.randrange(80, 130)}°{rng.randrange(60):02}′{rng.randrange(60):02}″E"


def note(rng: random.Random) -> str:
    return rng.choice(["货已到仓库", "按时完成，无异常", "客户要求周末配送", "包装完好", "请轻放", "已核对数量", "待复核", "退回重做", "ok, shipped"])  # fmt: skip


def rarely(planted: Callable[[random.Random], str], every: int, other: Make = note) -> Make:
    """The planted value once in so many, on the average; a table of `every` rows or more holds it at least once."""
    count = iter(range(10**9))
    return lambda rng: planted(rng) if next(count) % every == every - 1 else other(rng)


def within(text: str, make: Make, every: int = 1) -> Make:
    """The value inside a sentence, in which `{}` stands for it."""
    return rarely(lambda rng: text.format(make(rng)), every)

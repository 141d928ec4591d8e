"""Recognisers: the pattern of each kind of thing in DuckDB's regular expressions, and the proof of a candidate.

Promises: a pattern picks candidates in columns, cheaply; only a candidate's check digit, numbering plan or grammar
makes it valid. What is found is counted, never kept: no value leaves this module.
Does not: decide that a column holds a kind (`rules/detection.py` does).
Sources: GB 11643 (resident id), GB 32100 (credit code), ISO/IEC 7812 (cards, Luhn), GA 36 (plates).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address

import phonenumbers
from stdnum import luhn
from stdnum.cn import ric, uscc
from stdnum.exceptions import ValidationError

from services.delivery.rules.detection import THRESHOLDS, Kind, kinds_named, names_person
from services.delivery.rules.masking import literal

# The surnames that some 98 % bear, single ones, and the compound ones still met.
SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦"
    "付傅方白邹孟熊秦邱江尹薛闫阎段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤温康施文牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申"
    "欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷曲盛冉翁蓝路游辛靳欧阳管柴蒙鲍华喻祁蒲房滕屈饶解牟艾尤时阳阎穆农司卓古"
    "吉缪简车项连芦麦褚娄窦戚岑景党宫费卜冷晏席卫米柏宗瞿桂全佟应臧闵苟邬边卞姬师和仇栾隋商刁沙荣巫寇桑郎甄丛仲虞敖巩明佘池查麻苑迟邝官"
)
COMPOUND_SURNAMES = "欧阳|上官|司马|诸葛|司徒|东方|皇甫|尉迟|公孙|慕容|令狐|夏侯|端木|南宫|百里|独孤"
PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
PHONE_REGION = "CN"


@dataclass(frozen=True, slots=True)
class Recogniser:
    """The first group of `pattern` is the candidate. Without a `proof` there is nothing to check."""

    pattern: str
    proof: Callable[[str], bool] | None = None

    def candidate(self, column: str) -> str:
        """The SQL of what a quoted column of texts holds of this kind, '' if nothing."""
        return f"regexp_extract({column}, {literal(self.pattern)}, 1)"


def _resident_id(candidate: str) -> bool:
    # Not `ric.is_valid`: it also wants today's list of places, and people keep the number of a place that is no more.
    try:
        ric.get_birth_date(candidate)
    except ValidationError:
        return False
    return ric.calc_check_digit(candidate) == candidate[-1].upper()


def _phone(candidate: str) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(candidate, PHONE_REGION))
    except phonenumbers.NumberParseException:
        return False


def _card(candidate: str) -> bool:
    return luhn.is_valid(candidate.replace(" ", "").replace("-", ""))


def _address(candidate: str) -> bool:
    try:
        return not ip_address(candidate).is_unspecified
    except ValueError:
        return False


def _coordinates(candidate: str) -> bool:
    numbers = [float(part) for part in candidate.split(",")]
    return all(abs(number) <= 180 for number in numbers) and (len(numbers) == 1 or min(map(abs, numbers)) <= 90)


# Patterns between these edges are found inside longer text too: a remark that quotes a number is a find.
_EDGE, _END = r"(?:^|[^0-9A-Za-z])", r"(?:$|[^0-9A-Za-z])"
_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_RESIDENT_ID = r"([1-9]\d{5}(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx])"
_MOBILE = r"(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}"
_LANDLINE = r"(?:0\d{2,3}[- ]|\(0\d{2,3}\) ?)\d{7,8}"
_ABROAD = r"\+[1-9]\d{0,2}(?:[- ]?\d){6,12}"
_PHONES = rf"{_MOBILE}|{_LANDLINE}|{_ABROAD}"
_CARD = r"((?:62|4\d|5[1-5]|9\d|3[457])\d{2}[ -]?\d{4}[ -]?\d{4}[ -]?\d{3,4}(?:[ -]?\d{1,3})?)"
_PLATE = rf"([{PROVINCES}][A-HJ-NP-Z][·\s]?[A-HJ-NP-Z0-9]{{4,5}}[A-HJ-NP-Z0-9学警港澳挂领])"
_EMAIL = r"([A-Za-z0-9._%+-]+@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,24})"
_IP = r"(\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7})"
_COORDINATES = r"(-?\d{1,3}(?:\.\d+)?|-?\d{1,3}\.\d{3,},\s*-?\d{1,3}\.\d{3,})"
_NAME = rf"((?:{COMPOUND_SURNAMES})\p{{Han}}{{1,2}}|[{SURNAMES}]\p{{Han}}{{1,3}})"
_ADDRESS = r"(\p{Han}{2,}[省市区县州旗].*(?:路|街|巷|弄|号|座|栋|幢|室|村|镇|乡|胡同|大道).*)"
_BIRTH_DATE = rf"((?:19|20)\d{{2}}[-/.年]?(?:0?[1-9]|1[0-2])[-/.月]?{_DAY}(?:日| 00:00:00)?)"


def _whole(pattern: str) -> str:
    return rf"^\s*{pattern}\s*$"


# fmt: off
RECOGNISERS: Mapping[Kind, Recogniser] = {
    Kind.RESIDENT_ID: Recogniser(_EDGE + _RESIDENT_ID + _END, _resident_id),
    Kind.USCC:        Recogniser(_whole(r"([0-9A-HJ-NP-RTUW-Y]{2}\d{6}[0-9A-HJ-NP-RTUW-Y]{10})"), uscc.is_valid),
    Kind.PHONE:       Recogniser(f"{_EDGE}({_PHONES}){_END}", _phone),
    Kind.BANK_CARD:   Recogniser(_whole(_CARD), _card),
    Kind.PASSPORT:    Recogniser(_whole(r"([DEGPS][A-HJ-NP-Z]?\d{7,8})")),
    Kind.PLATE:       Recogniser(_whole(_PLATE)),
    Kind.EMAIL:       Recogniser(_EDGE + _EMAIL + _END),
    Kind.IP_ADDRESS:  Recogniser(_whole(_IP), _address),
    Kind.COORDINATES: Recogniser(_whole(_COORDINATES), _coordinates),
    Kind.NAME:        Recogniser(_whole(_NAME)),
    Kind.ADDRESS:     Recogniser(_whole(_ADDRESS)),
    Kind.BIRTH_DATE:  Recogniser(_whole(_BIRTH_DATE)),
    Kind.HEALTH:      Recogniser(r"^([^*]+)$"),
    Kind.RELIGION:    Recogniser(r"^([^*]+)$"),
    Kind.BIOMETRIC:   Recogniser(r"^([^*]+)$"),
}
# fmt: on
# A landline without its hyphen is any number, unless the column says that it holds numbers to call.
PHONE_NUMBER = Recogniser(rf"{_EDGE}({_PHONES}|0\d{{9,11}}){_END}", _phone)
PERSON_NAME = Recogniser(
    r"^\s*(\p{Han}{2,4}|\p{Han}{1,10}(?:[·•]\p{Han}{1,10}){1,3}|[A-Z][\p{L}'.-]*(?:\s+[A-Z][\p{L}'.-]*){0,4})\s*$"
)


def recognisers_for(column: str) -> dict[Kind, Recogniser]:
    """Those worth running on a column of this name."""
    named = kinds_named(column)
    wanted = {kind: one for kind, one in RECOGNISERS.items() if kind in named or THRESHOLDS[kind].alone is not None}
    if Kind.PHONE in named:
        wanted[Kind.PHONE] = PHONE_NUMBER
    # Capitalised words are anything (an airport, a product), unless the column says that they are a person's name.
    if names_person(column):
        wanted[Kind.NAME] = PERSON_NAME
    return wanted

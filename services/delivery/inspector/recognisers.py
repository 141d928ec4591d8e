"""Recognisers: the pattern of each kind of thing in DuckDB's regular expressions, and the proof of a candidate.

Promises: a pattern picks candidates in columns, cheaply; only a candidate's check digit, numbering plan or grammar
makes it valid (`proofs.py`). What is found is counted, never kept: no value leaves the inspector.
Does not: decide that a column holds a kind (`rules/detection.py` does).
Sources: GB 11643 (resident id), GB 32100 (credit code), ISO/IEC 7812 (cards), GA 36 (plates), PIPL art. 28 (minors).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from services.delivery.inspector import proofs
from services.delivery.inspector.people import COMPOUND_SURNAMES, FORMS_OF_ADDRESS, LATIN, MINORITY, SURNAMES, is_name
from services.delivery.rules.column_names import (
    kinds_named,
    names_degrees,
    names_nobody_ill,
    names_person,
    names_serials,
    names_things,
)
from services.delivery.rules.detection import MINOR_UNDER_YEARS, THRESHOLDS
from services.delivery.rules.masking import literal
from shared.kinds import Kind

PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
# Digits and signs as Chinese input methods widen them, and what they are.
WIDE, NARROW = "０１２３４５６７８９Ｘｘ＋－＠．（）　", "0123456789Xx+-@.() "


@dataclass(frozen=True, slots=True)
class Recogniser:
    """The first group of `pattern` is the candidate. Without a `proof` there is nothing to check.

    `narrowed`: from the SQL of a candidate, the SQL of it where it counts, '' elsewhere.
    """

    pattern: str
    proof: Callable[[str], bool] | None = None
    narrowed: Callable[[str], str] | None = None

    def candidate(self, text: str) -> str:
        """The SQL of what a folded text holds of this kind, '' if nothing."""
        found = f"regexp_extract({text}, {literal(self.pattern)}, 1)"
        return self.narrowed(found) if self.narrowed else found


def folded(text: str) -> str:
    """The SQL of a text with its wide digits made plain. To translate costs ten times what it costs to look first."""
    is_plain = f"strlen({text}) = length({text}) OR NOT regexp_matches({text}, {literal(f'[{WIDE}]')})"
    return f"CASE WHEN {is_plain} THEN {text} ELSE translate({text}, {literal(WIDE)}, {literal(NARROW)}) END"


# Patterns between these edges are found inside longer text too: a remark that quotes a number is a find. The decimals
# of a number are no number of their own.
_EDGE, _END = r"(?:^|[^0-9A-Za-z.]|[^0-9]\.)", r"(?:$|[^0-9A-Za-z])"
_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_MONTH = r"(?:0?[1-9]|1[0-2])"
_MONTH_NAME = r"(?i:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[A-Za-z]*\.?"
_CENTURY = r"(?:18|19|20)\d{2}"
_RESIDENT_ID = r"[1-9]\d{5} ?(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]) ?\d{3}[\dXx]"
_OLD_ID = r"[1-9]\d{14}"
_SOCIAL_SECURITY = r"\d{3}-\d{2}-\d{4}"
_TAIWAN_ID = r"[A-Z][1289]\d{8}"
_MOBILE = r"(?:(?:\+|00)?86[- ]?|\(\+?86\) ?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}"
_LANDLINE = r"(?:(?:\+|00)86[- ]?)?(?:0\d{2,3}[- ]|\(0\d{2,3}\) ?)[2-9]\d{6,7}"
_ABROAD = r"\+[1-9]\d{0,2}(?:[- .]?\(?\d\)?){6,12}"
_AMERICAN = r"(?:(?:\+|00)?1[- .])?(?:\([2-9]\d{2}\) ?|[2-9]\d{2}[-.])[2-9]\d{2}[-.]\d{4}"
_PHONES = rf"(?:{_MOBILE}|{_LANDLINE}|{_AMERICAN}|{_ABROAD}|\d{{11}})(?:[xX转]\d{{1,6}})?"
_CARD = r"(?:62|60|4\d|5[1-5]|95|3[4-7])\d{2}[ -]?\d{4}[ -]?\d{4}[ -]?\d{3,4}(?:[ -]?\d{1,3})?"
_IBAN = r"[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?"
_PLATE = rf"[{PROVINCES}][A-HJ-NP-Z][-·\s]?[A-HJ-NP-Z0-9]{{4,5}}[A-HJ-NP-Z0-9学警港澳挂领]"
_EMAIL = r"[A-Za-z0-9._%+-]+@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,24}"
_IP = r"\d{1,3}(?:\.\d{1,3}){3}|(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}|[0-9A-Fa-f:]*::[0-9A-Fa-f:]*"
_DEGREES = r"-?(?:180|1[0-7]\d|\d{1,2})(?:\.\d+)?°?"
_PRECISE = r"-?(?:180|1[0-7]\d|\d{1,2})\.\d{4,}"
_ANGLE = (
    r"(?:[NSEW]|[北南]纬|[东西]经)?\s*\d{1,3}\s*[°º度]\s*\d{1,2}(?:\.\d+)?\s*['′’分]\s*"
    r"(?:\d{1,2}(?:\.\d+)?\s*(?:[\"″”秒]|''))?\s*[NSEWnsew北南东西]?"
)
# Degrees on a side of the globe that is said, by decimals (three are about 100 m) or with minutes and seconds.
_SIDED = (
    r"(?:[NSEW]|[北南]纬|[东西]经)\s*\d{1,3}\.\d{3,}\s*[°º度]?|\d{1,3}\.\d{3,}\s*[°º度]?\s*[NSEW]"
    r"|\d{1,3}[ :-]\d{1,2}[ :-]\d{1,2}(?:\.\d+)?\s*[NSEW]"
)
_MEMBER = r"(?i:\"(?:lat|lng|lon|latitude|longitude|x|y)\")\s*:\s*\"?-?\d{1,3}\.\d{3,}\"?"
_PLACE = (
    r"[\[(]?-?\d{1,3}\.\d{3,}\s*[,，;/ ]\s*-?\d{1,3}\.\d{3,}[\])]?|(?i:(?:SRID=\d+;)?POINT) ?Z? ?\([-\d. ]+\)"
    rf"|{_ANGLE}(?:[,，;\s]*{_ANGLE})?|(?:{_SIDED})(?:[,，;/\s]*(?:{_SIDED}))?"
    r"|\{.*\"coordinates\"\s*:\s*\[[-\d., ]+\].*\}"
    rf"|\{{\s*{_MEMBER}\s*,\s*{_MEMBER}\s*\}}"
)
_ADDRESSED = f"(?:{'|'.join(sorted(FORMS_OF_ADDRESS))})?"
_NAME = rf"(?:(?:{COMPOUND_SURNAMES}) ?\p{{Han}}{{1,2}}|[{SURNAMES}] ?\p{{Han}}{{1,2}}){_ADDRESSED}|{MINORITY}|{LATIN}"
_PERSON = (
    rf"\p{{Han}}{{2,4}}|\p{{Han}}{{1,3}} +\p{{Han}}{{1,3}}|{MINORITY}|"
    rf"\p{{Lu}}[\p{{Latin}}'’.-]*(?:,?\s+\p{{Latin}}[\p{{Latin}}'’.-]*){{0,4}}|"
    r"\p{Latin}+(?:(?:,? +|\^)\p{Latin}+){1,4}"  # DICOM parts a name by carets
)
_STREETS = "路|街|巷|弄|号|座|栋|幢|室|村|镇|乡|胡同|大道"
_ABROAD_STREET = (
    r"\d{1,6}[A-Za-z]?,? (?:[A-Z0-9][\w'.]* ){1,4}(?:St|Street|Ave|Avenue|Rd|Road|Blvd|Boulevard|Ln|Lane|Dr|Drive|Ct|"
    r"Court|Way|Pl|Place|Sq|Square|Ter|Terrace|Hwy|Highway|Pkwy|Parkway|Close|Crescent|Gardens)\b.*"
    r"|(?:Flat|Apt|Unit|\d)[^\n]{5,80}(?:, [A-Z]{2} \d{5}(?:-\d{4})?|[, ][A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2})"
)
_ADDRESS = (
    rf"\p{{Han}}{{2,}}[省市区县州旗].*(?:{_STREETS}).*|\p{{Han}}+(?:路|街|大道|巷|弄|胡同|村)\d+(?:号|弄|组).*|"
    rf"{_ABROAD_STREET}"
)
_BIRTH_DATE = (
    rf"{_CENTURY}[-/.年 ]?{_MONTH}(?:[-/.月 ]?{_DAY}日?|月)?|{_CENTURY}年?|\d{{1,2}}[-/. ]\d{{1,2}}[-/. ]{_CENTURY}|"
    rf"{_DAY}[ -]{_MONTH_NAME}[ ,-]+{_CENTURY}|{_MONTH_NAME} {_DAY},? {_CENTURY}"
)
_TIME = r"(?:[T ]\d{1,2}:\d{2}.*)?"
_DISEASES = (
    "糖尿病|高血压|冠心病|肿瘤|癌|肝炎|结核|艾滋|梅毒|抑郁|精神分裂|白血病|肺炎|胃炎|肾炎|关节炎|哮喘|癫痫|贫血|骨折|心肌梗|脑梗|"
    "脑卒中|心力衰竭|阑尾炎|支气管炎|甲亢|痛风|肝硬化|尿毒症|过敏性|上呼吸道感染"
)
_ILLNESSES = (
    r"(?i:diabetes|hypertension|asthma|cancer|carcinoma|tuberculosis|pneumonia|leukemia|epilepsy|anemia|migraine|dementia|"
    r"influenza|insomnia|glaucoma|cataract|caries|[a-z]{3,}itis\b)"
)
_DIAGNOSIS = rf"[A-TV-Z]\d{{2}}(?:\.[0-9A-Z]{{1,4}})?|[^\n]{{0,20}}(?:{_DISEASES}|{_ILLNESSES})[^\n]{{0,20}}"
_RELIGION = (
    "佛教|道教|基督教|天主教|伊斯兰教|东正教|Buddhis[tm]|Christian(?:ity)?|Catholic|Islam|Muslim|Hindu(?:ism)?|Jewish"
)


def without_prices(found: str) -> str:
    """The SQL of a candidate, '' where it is a number with the decimals of money."""
    return f"CASE WHEN regexp_full_match({found}, '\\d+[.]\\d{{1,2}}') THEN '' ELSE {found} END"


def _whole(pattern: str) -> str:
    return rf"^\s*({pattern})\s*$"


def _within(pattern: str) -> str:
    return f"{_EDGE}({pattern}){_END}"


# fmt: off
RECOGNISERS: Mapping[Kind, Recogniser] = {
    # Fifteen digits have no check digit, so a whole column of them must fit.
    Kind.RESIDENT_ID: Recogniser(
        _within(f"{_RESIDENT_ID}|^{_OLD_ID}$|^{_SOCIAL_SECURITY}$|^{_TAIWAN_ID}$"), proofs.resident_id),
    Kind.USCC:        Recogniser(_whole(r"[0-9A-HJ-NP-RTUW-Y]{2}\d{6}[0-9A-HJ-NP-RTUW-Y]{10}"), proofs.credit_code),
    Kind.PHONE:       Recogniser(_within(_PHONES), proofs.phone),
    Kind.BANK_CARD:   Recogniser(_within(f"{_CARD}|{_IBAN}"), proofs.card),
    Kind.PASSPORT:    Recogniser(_whole(r"E[A-HJ-NP-Z]?\d{7,8}|G\d{8}"), proofs.passport),
    Kind.PLATE:       Recogniser(f"(?:^|[^0-9A-Za-z])({_PLATE}){_END}"),
    Kind.EMAIL:       Recogniser(_within(_EMAIL), proofs.email),
    Kind.IP_ADDRESS:  Recogniser(rf"(?:^|[^0-9A-Za-z.:/]|//)({_IP})(?:$|[^0-9A-Za-z.])", proofs.address_of_a_machine),
    Kind.COORDINATES: Recogniser(_whole(_PLACE), proofs.degrees),
    Kind.NAME:        Recogniser(_whole(_NAME), is_name),
    Kind.ADDRESS:     Recogniser(_whole(_ADDRESS), proofs.postal_address),
    Kind.BIRTH_DATE:  Recogniser(rf"^\s*({_BIRTH_DATE}){_TIME}\s*$"),
    Kind.HEALTH:      Recogniser(_whole(_DIAGNOSIS), proofs.diagnosis),
    Kind.RELIGION:    Recogniser(_whole(_RELIGION)),
}
# Those of a column whose name says what it holds: less will do.
NAMED: Mapping[Kind, Recogniser] = {
    Kind.RESIDENT_ID: Recogniser(
        _within(rf"{_RESIDENT_ID}|{_OLD_ID}|{_SOCIAL_SECURITY}|{_TAIWAN_ID}|[A-Z]{{1,2}}\d{{6}}\([0-9A]\)"),
        proofs.resident_id),
    Kind.PHONE:       Recogniser(
        rf"{_EDGE}({_PHONES}|[(+]?\d[\d ().-]{{5,18}}\d){_END}", proofs.phone, without_prices),
    Kind.BANK_CARD:   Recogniser(_within(rf"{_CARD}|{_IBAN}|\d{{12,19}}"), proofs.card),
    Kind.PASSPORT:    Recogniser(_whole(r"[A-Z]{1,3}\d{6,8}|[A-Z]\d{9,10}|\d{8,9}|\d{2}[A-Z]{2}\d{5}")),
    Kind.HEALTH:      Recogniser(r"^([^*]+)$"),
    Kind.RELIGION:    Recogniser(r"^([^*]+)$"),
    Kind.BIOMETRIC:   Recogniser(r"^([^*]+)$"),
    Kind.COORDINATES: Recogniser(_whole(f"{_PRECISE}|{_PLACE}")),
}
# fmt: on
# Text of any length is searched for these over all rows, for one of them in a million matters.
EXACT = (Kind.RESIDENT_ID, Kind.PHONE, Kind.EMAIL, Kind.BANK_CARD)
PLACE_NUMBER = Recogniser(_whole(f"{_DEGREES}|{_PLACE}"))
PERSON_NAME = Recogniser(_whole(_PERSON))
LATITUDE = r"^(?:[4-9]|[1-4]\d|5[0-3])\.\d{5,}$"  # of China, its sea included
LONGITUDE = r"^(?:7[3-9]|[89]\d|1[0-2]\d|13[0-5])\.\d{5,}$"
WIDE_NUMBER = "[０-９]{7}"  # what an exact kind may be once it is folded
BIRTH_FORMATS = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%Y年%m月%d日", "%Y-%m", "%Y年%m月", "%m/%d/%Y", "%d/%m/%Y",
    "%d.%m.%Y", "%d-%m-%Y", "%b %d, %Y", "%B %d, %Y", "%d %b %Y", "%d %B %Y", "%d-%b-%Y",
)  # fmt: skip


def recognisers_for(column: str, today: date) -> dict[Kind, Recogniser]:
    """Those worth running on a column of this name."""
    named = kinds_named(column)
    wanted = {kind: one for kind, one in RECOGNISERS.items() if kind in named or THRESHOLDS[kind].alone is not None}
    wanted |= {kind: one for kind, one in NAMED.items() if kind in named}
    if names_things(column):
        del wanted[Kind.NAME]
    if names_nobody_ill(column):
        del wanted[Kind.HEALTH]
    if names_serials(column) and Kind.PASSPORT not in named:
        del wanted[Kind.PASSPORT]
    # Capitalised words are anything (an airport, a product), unless the column says that they are a person's name.
    if names_person(column):
        wanted[Kind.NAME] = PERSON_NAME
    if Kind.COORDINATES in named and names_degrees(column):
        wanted[Kind.COORDINATES] = PLACE_NUMBER
    return wanted | {Kind.MINOR: minors_by_birth(today) if Kind.BIRTH_DATE in named else minors_by_id(today)}


def minors_by_id(today: date) -> Recogniser:
    """Ids of persons under 14. Nobody born after `today` is counted."""
    after, until = _bounds(today)

    def narrowed(found: str) -> str:
        born = f"substr(replace({found}, ' ', ''), 7, 8)"
        return f"CASE WHEN {born} > {literal(after)} AND {born} <= {literal(until)} THEN {found} ELSE '' END"

    return Recogniser(_within(_RESIDENT_ID), proofs.resident_id, narrowed)


def minors_by_birth(today: date) -> Recogniser:
    """Birth dates of persons under 14, in each spelling that has a day or a month."""
    after, until = _bounds(today)
    formats = ", ".join(map(literal, BIRTH_FORMATS))

    def narrowed(found: str) -> str:
        born = f"strftime(try_strptime({found}, [{formats}]), '%Y%m%d')"
        return f"CASE WHEN {born} > {literal(after)} AND {born} <= {literal(until)} THEN {found} ELSE '' END"

    return Recogniser(RECOGNISERS[Kind.BIRTH_DATE].pattern, None, narrowed)


def _bounds(today: date) -> tuple[str, str]:
    # As text, so that the 29th of February needs no rule: whoever was born on the day 14 years ago is 14 today.
    return f"{today.year - MINOR_UNDER_YEARS:04}{today:%m%d}", f"{today:%Y%m%d}"

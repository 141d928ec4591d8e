"""What proves a candidate: its check digit, numbering plan or grammar.

Promises: a proof raises nothing, whatever the text, and keeps nothing of it.
Sources: GB 11643 (resident id), ISO/IEC 7812 (cards, Luhn), ISO 13616 (IBAN), ICAO 9303 (passports), WHO ICD-10.
"""

import re
from collections.abc import Collection, Mapping
from datetime import date
from ipaddress import IPv6Address, ip_address

import phonenumbers
from stdnum import iban, luhn
from stdnum.cn import ric, uscc
from stdnum.exceptions import ValidationError

PHONE_REGION = "CN"
BARE_DIGITS = 11  # a number of so many digits without any other sign is a mobile's, or none
OLD_IDS_FROM = "30"  # who was born earlier is hardly among the living; numbers that begin with this century's year are
# fmt: off
CARDS: Mapping[str, Collection[int]] = {  # first digits, and how many there are: a device's number passes Luhn too
    "62": range(16, 20), "60": range(16, 20), "95": range(16, 20), "4": (16, 19), "34": (15,), "37": (15,), "35": (16,),
    "36": (16,), **{f"5{second}": (16,) for second in range(1, 6)},
}
# fmt: on
TAIWAN_AREAS = "ABCDEFGHJKLMNPQRSTUVXYWZIO"  # from 10 on
TAIWAN_WEIGHTS = (1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1)
PICTURES = frozenset("png jpg jpeg gif webp svg bmp ico css js html pdf mp".split())
_PROVINCE = re.compile("1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3]|9[1-9]")
_number = re.compile(r"-?\d+(?:\.\d+)?")
_address_end = re.compile(
    r"[0-9A-Za-z一二三四五六七八九十甲乙丙]\s*(?:号|室|栋|幢|弄|楼|单元|座|层|组|户)|(?:路|街|巷|弄|村|镇|乡|组|室|小区|花园|苑|胡同|大道)$"
)
_street = re.compile(r"^\d{1,6}[A-Za-z]?,? .*[A-Za-z]{2}")
_post_code = re.compile(r"\b[A-Z]{2} \d{5}(?:-\d{4})?$|\b[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}$")
_social_security = re.compile(r"(?!000|666|9)\d{3}-(?!00)\d\d-(?!0000)\d{4}")
_extension = re.compile(r"[xX转]\d+$")
_undivided = re.compile(r"[A-Z]\d{2}")
_year = re.compile("(?:19|20)\\d\\d")


def resident_id(candidate: str) -> bool:
    # Not `ric.is_valid`: it also wants today's list of places, and people keep the number of a place that is no more.
    digits = candidate.replace(" ", "")
    if digits[0].isalpha():
        return digits.isalnum() and _of_taiwan(digits)
    if "-" in digits:  # of the United States, where areas and groups of zeros are never given
        return bool(_social_security.fullmatch(digits))
    if not _PROVINCE.match(digits):
        return False
    if len(digits) == 15:  # before 1999: two digits of the year, and no check digit
        return digits[6:8] >= OLD_IDS_FROM and _is_day(f"19{digits[6:12]}")
    try:
        return _is_day(digits[6:14]) and ric.calc_check_digit(digits) == digits[-1].upper()
    except (ValidationError, ValueError):
        return False


def _of_taiwan(candidate: str) -> bool:
    area = TAIWAN_AREAS.index(candidate[0]) + 10
    digits = [area // 10, area % 10, *map(int, candidate[1:])]
    return sum(digit * weight for digit, weight in zip(digits, TAIWAN_WEIGHTS, strict=True)) % 10 == 0


def credit_code(candidate: str) -> bool:
    """Whether it is an organisation's, and no person's id that passes for one by chance."""
    return uscc.is_valid(candidate) and not (candidate.isdigit() and _is_day(candidate[6:14]))


def phone(candidate: str) -> bool:
    candidate = _extension.sub("", candidate)
    region = "US" if re.match(r"\(?[2-9]\d\d[).-]", candidate) and "+" not in candidate else PHONE_REGION
    if candidate.startswith("00"):
        candidate = "+" + candidate[2:]
    try:
        number = phonenumbers.parse(candidate, region)
    except phonenumbers.NumberParseException:
        return False
    if candidate.startswith("+"):  # written as a number to call, though its range may be young, or kept for films
        return phonenumbers.is_possible_number(number)
    if len(candidate) == BARE_DIGITS and candidate.isdigit() and candidate[0] != "1":
        return False
    return phonenumbers.is_valid_number(number)


def card(candidate: str) -> bool:
    digits = candidate.replace(" ", "").replace("-", "")
    if digits[0].isalpha():
        return bool(iban.is_valid(digits))
    if not any(digits.startswith(first) and len(digits) in lengths for first, lengths in CARDS.items()):
        return False
    return bool(luhn.is_valid(digits)) and not (len(digits) == 18 and resident_id(digits))


def email(candidate: str) -> bool:
    return candidate.rpartition(".")[2].lower() not in PICTURES


def address_of_a_machine(candidate: str) -> bool:
    """Whether an IP address: four small numbers are rather a version."""
    try:
        found = ip_address(candidate)
    except ValueError:
        return False
    if isinstance(found, IPv6Address):
        return not found.is_unspecified
    first, *rest = found.packed
    return max(found.packed) >= 64 or (first == 10 and max(rest) >= 20)


def degrees(candidate: str) -> bool:
    """Whether two numbers lie on the globe, the one as a latitude; what says degrees, or a side of it, always does."""
    if re.search(r"[°º度纬经]|(?<![A-Z])[NSEW](?![A-Z])", candidate):
        return True
    numbers = [abs(float(text)) for text in _number.findall(candidate.partition(";")[2] or candidate)]
    return len(numbers) >= 2 and min(numbers[:2]) <= 90 and 15 < max(numbers[:2]) <= 180


def passport(candidate: str) -> bool:
    """Whether it is no serial number that begins with a year."""
    return not _year.match(candidate.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))


def postal_address(candidate: str) -> bool:
    return any(shape.search(candidate) for shape in (_address_end, _street, _post_code))


def diagnosis(candidate: str) -> bool:
    """Whether a disease by name, or a code with its subdivision: without one it may be a seat, or a shelf."""
    return not _undivided.fullmatch(candidate)


def _is_day(digits: str) -> bool:
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:8])).year >= 1850
    except ValueError:
        return False

"""The kinds of personal or sensitive things that a field may hold.

Owns: their names, which stand in reports, in facts and in what is kept: delivery finds them, catalog grades by them.
Does not: say how a kind is recognised, what it does to a grade, or how it is masked.
Sources: GB/T 35273-2020 annexes A and B, GB/T 45574-2025.
"""

from enum import StrEnum


class Kind(StrEnum):
    RESIDENT_ID = "resident_id"  # 身份证号, GB 11643
    USCC = "uscc"  # 统一社会信用代码, GB 32100: names an organisation, not a person
    PHONE = "phone"
    BANK_CARD = "bank_card"
    PASSPORT = "passport"
    PLATE = "plate"  # 车牌
    EMAIL = "email"
    IP_ADDRESS = "ip_address"
    COORDINATES = "coordinates"
    NAME = "name"
    ADDRESS = "address"
    BIRTH_DATE = "birth_date"
    HEALTH = "health"
    RELIGION = "religion"
    BIOMETRIC = "biometric"
    MINOR = "minor"  # of a person under 14 (PIPL art. 28), seen in an id or a birth date beside its own kind

"""Texts that are kept: what of a person may be quoted in them, and then hides the whole cell.

Owns: the patterns, in the regular expressions of DuckDB, and the SQL that clears a text column.
Promises: a number of a person that is written exactly enough to be told (identity number, mobile number, e-mail
address; among other words also card, landline, passport, plate, network address) is in no text of a desensitised
content, also in full-width digits, with a lower-case x, or in groups. Columns are judged by their detections; this is
for the cells that are too few to make a column one of persons.
Does not: find names or addresses in a sentence, or tell a card's number that fills its cell from an order's.
"""

from services.delivery.rules.masking import HIDDEN, literal

_DIGIT = "[0-9０-９]"
_EDGE, _END = "(?:^|[^0-9A-Za-z０-９])", "(?:$|[^0-9A-Za-z０-９])"
_GAP = r"[ \-－]?"
_CENTURY = "(?:[1１][89８９]|[2２][0０])"
_BORN = f"{_CENTURY}{_DIGIT}{{2}}(?:[0０][1-9１-９]|[1１][0-2０-２])(?:[0０][1-9１-９]|[12１２]{_DIGIT}|[3３][01０１])"
_IDENTITY = f"{_DIGIT}{{6}}{_GAP}{_BORN}{_GAP}{_DIGIT}{{3}}[0-9０-９XxＸｘ]"
_MOBILE = f"(?:[+＋]?(?:86|８６){_GAP})?[1１][3-9３-９]{_DIGIT}{_GAP}{_DIGIT}{{4}}{_GAP}{_DIGIT}{{4}}"
_EMAIL = r"[A-Za-z0-9._%+\-][@＠](?:[A-Za-z0-9\-]+[.．])+[A-Za-z]{2,24}"
_LANDLINE = rf"[0０]{_DIGIT}{{2,3}}[ \-－]{_DIGIT}{{7,8}}"
_CARD = (
    rf"(?:[6６][2２]|[4４9９]{_DIGIT}|[5５][1-5１-５]|[3３][457４５７]){_DIGIT}{{2}}{_GAP}{_DIGIT}{{4}}{_GAP}{_DIGIT}{{4}}{_GAP}"
    rf"{_DIGIT}{{3,4}}(?:{_GAP}{_DIGIT}{{1,3}})?"
)
_PASSPORT = f"[DEGPSＤＥＧＰＳ][A-HJ-NP-Z]?{_DIGIT}{{7,8}}"
_PLATE = r"\p{Han}[A-HJ-NP-Z][·\s]?[A-HJ-NP-Z0-9]{4,5}[A-HJ-NP-Z0-9学警港澳挂领]"
_NETWORK = rf"{_DIGIT}{{1,3}}(?:[.．]{_DIGIT}{{1,3}}){{3}}|" r"[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{0,4}){3,7}"

ANYWHERE = f"{_EDGE}(?:{_IDENTITY}|{_MOBILE}){_END}|{_EMAIL}"
# A plate begins with a Chinese character, which is no edge in a Chinese sentence.
AMONG_WORDS = f"{_EDGE}(?:{_LANDLINE}|{_CARD}|{_PASSPORT}|{_NETWORK}){_END}|{_PLATE}{_END}"
# What fills its cell is judged with its column, as far as the detections read it: in plain digits.
_ALONE = rf"\s*(?:{_LANDLINE}|{_CARD}|{_PASSPORT}|{_NETWORK}|{_PLATE})\s*".replace(_DIGIT, "[0-9]")
BYTES_MIN = 8  # of what is told, but for an e-mail address


def cleared(value: str, *, persons: bool) -> str:
    """The SQL of a text that is kept unless it quotes somebody's number. `persons`: the content is about persons."""
    return f"CASE WHEN {_quotes(value, persons)} THEN {literal(HIDDEN)} ELSE {value} END"


def cleared_bytes(value: str, *, persons: bool) -> str:
    """The same of bytes, which may be a text: nothing is left of those that quote somebody's number."""
    return f"CASE WHEN {_quotes(f'CAST({value} AS VARCHAR)', persons)} THEN NULL ELSE {value} END"


def _quotes(text: str, persons: bool) -> str:
    # A cheap look first, because most columns of texts are short words.
    long_enough = f"(strlen({text}) >= {BYTES_MIN} OR contains({text}, '@'))"
    return f"{long_enough} AND {_matches(text, persons)}"


def _matches(text: str, persons: bool) -> str:
    anywhere = f"regexp_matches({text}, {literal(ANYWHERE)})"
    if not persons:
        return anywhere
    either = f"regexp_matches({text}, {literal(f'{ANYWHERE}|{AMONG_WORDS}')})"
    alone = f"regexp_full_match({text}, {literal(_ALONE)})"
    return f"{either} AND ({anywhere} OR NOT {alone})"

"""The words that the bodies of `identity` share.

Promises: a credit code that passes has the form and the check digit of GB 32100-2015; a name reads the same to
everyone.
"""

from typing import Annotated, Literal
from unicodedata import category

from pydantic import AfterValidator, Field, SecretStr, StringConstraints

from services.identity.rules.role import Role
from services.identity.rules.user import PASSWORD_LENGTH_MAX, PASSWORD_LENGTH_MIN
from shared.grades import Clearance

ONE_LINE = r"^\S(.*\S)?$"
HIDDEN = {"Cc", "Cf", "Zl", "Zp"}  # controls, zero widths and directions, other ends of a line
BLANKS = {" ", "\u3000"}  # of the spaces, those that names are written with: others look the same
# Letters, marks and signs that are blank: of Default_Ignorable_Code_Point (UAX 44), and an empty Braille cell.
BLANK = {
    *map(chr, (0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0)),
    *map(chr, (*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xFFF0, 0xFFF9), *range(0xE0000, 0xE1000))),
}


def _credit_code(text: str) -> str:
    """As it is printed on a licence: the library alone would also take it with blanks or in small letters."""
    from stdnum.cn import uscc  # with the first organisation that is named: it brings much along

    if not uscc.is_valid(text) or uscc.compact(text) != text:
        raise ValueError("not a unified social credit code (GB 32100-2015)")
    return text


def _visible(text: str) -> str:
    """Requires a name that reads the same to everyone: without what is not seen, or breaks the line."""
    if any(_is_unseen(sign) for sign in text):
        raise ValueError("a name has no signs that cannot be seen")
    return text


def _is_unseen(sign: str) -> bool:
    kind = category(sign)
    return kind in HIDDEN or sign in BLANK or (kind == "Zs" and sign not in BLANKS)


CreditCode = Annotated[str, AfterValidator(_credit_code)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=ONE_LINE), AfterValidator(_visible)]
Login = Annotated[str, Field(min_length=1, max_length=200)]
Password = Annotated[SecretStr, Field(min_length=PASSWORD_LENGTH_MIN, max_length=PASSWORD_LENGTH_MAX)]
Reason = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"\S")]
ReasonCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{2,63}$")]
Cleared = Annotated[Clearance, Field(strict=False)]
TradingRoles = Annotated[list[Literal["buyer", "provider"]], Field(min_length=1, max_length=2)]


def roles_of(names: TradingRoles) -> frozenset[Role]:
    return frozenset(map(Role, names))

"""Documents as PDF (typst), in the one font that is shipped with us (文泉驿微米黑 WenQuanYi Micro Hei).

Promises: the same template and the same content give the same bytes, in any process, time zone or place; content comes
in as data and is never read as markup; no font of the system and nothing from the network is used; whatever typst
warns of is a failure, for a glyph that is left out leaves no trace; a character that the font lacks is shown by its
number, so that nothing signed is unseen. Takes some hundredths of a second: call it in a thread.
"""

import json
import struct
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from unicodedata import category

if TYPE_CHECKING:
    import typst

FONTS = Path(__file__).parent / "fonts"
FONT = FONTS / "wqy-microhei.ttc"
UNSEEN = frozenset({"Cc", "Cf", "Zl", "Zp"})  # controls, formats, separators of lines
NOWHERE = FONTS / "packages"  # there are none: a template that asks for a package fails


class NotTypeset(RuntimeError):
    """The template cannot be set without a fault."""


def typeset(template: Path, content: Mapping[str, object], made_at: datetime) -> bytes:
    """The PDF of a template that reads `json(bytes(sys.inputs.content))`. Raises NotTypeset."""
    import typst  # with the first document

    inputs = {"content": json.dumps(_shown(content), ensure_ascii=False, sort_keys=True)}
    try:
        made, warnings = typst.compile_with_warnings(
            str(template), root=str(template.parent), format="pdf", font_paths=_fonts(), ignore_system_fonts=True,
            sys_inputs=inputs, timestamp=int(made_at.timestamp()), package_path=str(NOWHERE),
            package_cache_path=str(NOWHERE),
        )  # fmt: skip
    except typst.TypstError as error:
        raise NotTypeset(str(error)) from error
    if warnings:
        raise NotTypeset("; ".join(str(warning) for warning in warnings))
    return made


def shown(text: str) -> str:
    """The text with its number in the place of each character that could not be seen: the font lacks it, or it has no
    picture at all."""
    known = _characters()
    return "".join(
        one if ord(one) in known and category(one) not in UNSEEN else f"[U+{ord(one):04X}]" for one in text
    )  # fmt: skip


def _shown(value: object) -> Any:
    match value:
        case str():
            return shown(value)
        case Mapping():
            return {name: _shown(member) for name, member in cast(Mapping[str, object], value).items()}
        case Sequence():
            return [_shown(member) for member in cast(Sequence[object], value)]
        case _:
            return value


@cache
def _fonts() -> "typst.Fonts":
    import typst

    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(FONTS)])


@cache
def _characters() -> frozenset[int]:
    """What the first face of the font has a glyph for: the subtable in format 12 of OpenType's `cmap`."""
    told = FONT.read_bytes()
    (face,) = struct.unpack_from(">I", told, 12)
    (count,) = struct.unpack_from(">H", told, face + 4)
    records = (struct.unpack_from(">4sIII", told, face + 12 + 16 * number) for number in range(count))
    (start,) = (offset for tag, _, offset, _ in records if tag == b"cmap")
    (count,) = struct.unpack_from(">H", told, start + 2)
    subtables = (start + struct.unpack_from(">I", told, start + 8 + 8 * number)[0] for number in range(count))
    whole = next(at for at in subtables if told[at : at + 2] == b"\x00\x0c")
    (groups,) = struct.unpack_from(">I", told, whole + 12)
    ranges = struct.iter_unpack(">III", told[whole + 16 : whole + 16 + 12 * groups])
    return frozenset(one for first, last, _ in ranges for one in range(first, last + 1))

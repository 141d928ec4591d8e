"""Tables for spreadsheets: text that a spreadsheet shows, and never runs.

Promises: no cell begins a formula, in full-width form either; numbers stay numbers; a comma, a quote or a line break
within a cell stays within it (RFC 4180).
"""

import re
from collections.abc import Iterable, Sequence

# What a spreadsheet would run, also in full-width form, and what it would not.
FORMULA = r"^[=+\-@\t\r＝＋－＠]"
NUMBER = r"[+-]?\d[\d,]*(\.\d+)?([eE][+-]?\d+)?%?"
QUOTE = "'"
BYTE_ORDER_MARK = "\ufeff"  # without it a common spreadsheet takes Chinese for something else


def guarded_cell(text: str) -> str:
    """The text, led by an apostrophe if a spreadsheet would take it for a formula."""
    return QUOTE + text if re.match(FORMULA, text) and not re.fullmatch(NUMBER, text) else text


def csv_text(rows: Iterable[Sequence[str]], *, marked: bool = True) -> str:
    """The rows as one CSV text, every cell guarded and in quotes. `marked` is for a reader that knows no UTF-8."""
    lines = (",".join('"' + guarded_cell(cell).replace('"', '""') + '"' for cell in row) for row in rows)
    return (BYTE_ORDER_MARK if marked else "") + "".join(f"{line}\r\n" for line in lines)

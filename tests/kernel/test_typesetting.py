"""Documents: the same bytes everywhere, nothing read as markup, nothing left out, and no fault passed over."""

import subprocess
import sys
import tomllib
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from shared import typesetting
from shared.typesetting import FONT, NotTypeset, shown, typeset
from tests.support.pdf import text_of

ROOT = Path(typesetting.__file__).parent.parent
NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
TEMPLATE = """
#let told = json(bytes(sys.inputs.content))
#set document(title: told.title, date: none)
#set text(font: "WenQuanYi Micro Hei", lang: "zh", region: "cn", fallback: false)
#told.title
"""
HOSTILE = (
    r"""#let x = 1 $a^2$ *b* _c_ @d <e> \ ` ``` = f - g + h / i // j /* k */ ~ "l" 'm' [n] {o} #panic() -- ... 机场"""
)
ELSEWHERE = """
import sys
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from shared.typesetting import typeset
made_at = datetime.fromisoformat("2030-01-01T12:00:00Z")
print(sha256(typeset(Path(sys.argv[1]), {"title": "机场"}, made_at)).hexdigest())
"""


@pytest.fixture
def template(tmp_path: Path) -> Path:
    path = tmp_path / "template.typ"
    path.write_text(TEMPLATE)
    return path


def test_the_same_content_has_the_same_bytes_in_another_process_and_time_zone(template: Path):
    here = sha256(typeset(template, {"title": "机场"}, NOON)).hexdigest()
    for zone in ("Asia/Shanghai", "America/St_Johns"):
        told = subprocess.run(
            [sys.executable, "-c", ELSEWHERE, str(template)], check=True, capture_output=True, text=True,
            env={"TZ": zone, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        assert told.stdout.strip() == here


def test_content_is_text_and_never_markup(template: Path):
    said = text_of(typeset(template, {"title": HOSTILE}, NOON))
    assert said == HOSTILE


def test_what_cannot_be_seen_is_shown_by_its_number(template: Path):
    assert shown("机场 A1（）。") == "机场 A1（）。"
    assert shown("😀\u202e\u200b\n𠮷\u2028") == "[U+1F600][U+202E][U+200B][U+000A][U+20BB7][U+2028]"
    assert text_of(typeset(template, {"title": "a\u202eb😀"}, NOON)) == "a[U+202E]b[U+1F600]"


def test_values_inside_of_lists_and_objects_are_shown_so_too(template: Path):
    template.write_text(TEMPLATE.replace("#told.title", "#told.lines.at(0).value"))
    said = text_of(typeset(template, {"title": "x", "lines": [{"value": "😀", "number": 1}]}, NOON))
    assert said == "[U+1F600]"


@pytest.mark.parametrize("fault, why", [
    ('#set text(font: "Nowhere")\n#told.title', "unknown font family"),
    ('#import "@preview/cetz:0.3.4"\n#told.title', "package"),
    ('#read("/etc/passwd")', "file not found|denied|outside"),
    ("#told.nothing", "nothing"),
])  # fmt: skip
def test_a_template_with_a_fault_makes_no_document(template: Path, fault: str, why: str):
    template.write_text(TEMPLATE.replace("#told.title\n", fault + "\n"))
    with pytest.raises(NotTypeset, match=why):
        typeset(template, {"title": "机场"}, NOON)


def test_the_font_is_the_one_whose_licence_lies_beside_it():
    assert sha256(FONT.read_bytes()).hexdigest() == "2420e8078af796b19a3f6ef13de527a1a91c1e7171eea115926c614ced1009b3"
    told = (FONT.parent / "LICENSE.txt").read_text()
    assert "WenQuanYi Micro Hei" in told and "Apache License" in told and "END OF TERMS AND CONDITIONS" in told


def test_whatever_of_ours_is_no_code_goes_into_a_wheel_too():
    packed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    found = (path for folder in ("services", "shared") for path in (ROOT / folder).rglob("*") if path.is_file())
    other = {path.relative_to(ROOT) for path in found if path.suffix not in {".py", ".pyc"}}
    going = {
        path.relative_to(ROOT)
        for package, names in packed.items()
        for name in names
        for path in (ROOT / package.replace(".", "/")).glob(name)
    }
    assert going == other

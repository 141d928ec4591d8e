"""The whole permission table over HTTP, against a second one that is written by hand.

The tables here are read off the grade overlay and the matrix (reliability.md 5.2, market-rules.md B8.2), not off the
code: grade by grade, the lowest clearance that may have it, and what must be on record beside it. Walked are every
grade, clearance and mode, each kind of person in the data, and nothing, everything, and all but one thing on record.
"""

from collections.abc import Iterator

import pytest

from services.delivery.actions import desensitisation
from shared import rest
from shared.grades import Clearance, Condition, Flag, Grade, Mode
from tests.delivery.desk import ONE_DATABASE, Desk
from tests.delivery.made_files import PLACES
from tests.support.bench import Person

pytestmark = ONE_DATABASE
LOWEST = {
    #                G1    G2    G3    G4    G5    G6
    "raw":          "C1    C2    C3    -     -     -",
    "desensitised": "C1    C1    C2    C4    -     -",
    "api":          "C1    C2    C3    C4    -     -",
    "compute":      "C1    C1    C2    C3    C5    -",
}  # fmt: skip
NEEDED = {  # beside the smallest group and a person's review of the result, which computing keeps to whoever asks
    ("G4", "desensitised"): {"effect_report"},
    ("G4", "api"): {"limited_queries"},
    ("G5", "compute"): {"order_approval", "risk_assessment"},
}
PERSONS = {  # who is in the data: the flags that say so, and what must be on record before it leaves as it is
    "nobody": ((), set[str]()),
    "the public's": (("public_data",), set[str]()),
    "persons": (("personal",), {"separate_consent"}),
    "their secrets": (("personal", "sensitive_personal"), {"separate_consent", "impact_assessment"}),
    "children": (("personal", "minor"), {"separate_consent", "guardian_consent"}),
}
LEAVES_AS_IT_IS = {"raw", "api"}
AS_FILES = {"raw", "desensitised"}
REAL_FROM = {"G1": "C1", "G2": "C1"}
MASKED_FROM = {"G1": "C1", "G2": "C1", "G3": "C2"}
CELLS = [(grade, mode, persons) for grade in Grade for mode in LOWEST for persons in PERSONS]


def expected(grade: str, mode: str, persons: str, clearance: str, on_record: set[str]) -> bool:
    lowest = LOWEST[mode].split()[list(Grade).index(Grade(grade))]
    if lowest == "-" or clearance < lowest:
        return False
    if not NEEDED.get((grade, mode), set()) <= on_record:
        return False
    _, consents = PERSONS[persons]
    if mode == "raw" and consents and grade == "G3":
        return False
    if persons == "persons" and "other_basis" in on_record:
        return True
    return mode not in LEAVES_AS_IT_IS or consents <= on_record


def records(grade: str, mode: str, persons: str) -> Iterator[set[str]]:
    """What may be on record: nothing, everything, and everything but each thing that this cell asks for."""
    everything = {str(condition) for condition in Condition}
    yield set()
    yield everything
    for one in sorted(NEEDED.get((grade, mode), set()) | PERSONS[persons][1]):
        yield everything - {one}
        yield everything - {one, "other_basis"}


async def no_report(*_: object) -> bool:
    return False


async def test_every_cell_of_the_table_is_as_it_is_written(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    # What is on record is what the catalogue says: our own report on the first file would open the cells after it.
    monkeypatch.setattr(desensitisation, "effect_report_on_record", no_report)
    version_id = await desk.stocked(await desk.bench.member("provider"), PLACES, Grade.G1)
    asking: dict[tuple[Clearance, str], tuple[str, dict[str, str]]] = {}
    for clearance in Clearance:
        buyer = await desk.bench.member("buyer", clearance=clearance)
        headers = {"Authorization": f"Bearer {desk.bench.token(buyer)}"}
        for mode in LOWEST:
            right = await desk.grant(buyer, version_id, Mode(mode))
            asking[clearance, mode] = f"/delivery/v1/entitlements/{right}/content", headers
    wrong: list[object] = []
    refused = 0
    async with rest.connect(desk.app) as connection:
        for grade, mode, persons in CELLS:
            for on_record in records(grade, mode, persons):
                desk.shelf.grade(version_id, grade, *map(Flag, PERSONS[persons][0]))
                desk.shelf.change(version_id, on_record=[Condition(one) for one in sorted(on_record)])
                for clearance in Clearance:
                    may = expected(grade, mode, persons, clearance, on_record)
                    path, headers = asking[clearance, mode]
                    status = (await connection.request("HEAD", path, headers=headers)).status_code
                    # What is allowed, but not as a file, says so: 405.
                    if status != ((200 if mode in AS_FILES else 405) if may else 403):
                        wrong.append((grade, mode, persons, clearance, sorted(on_record), status))
                    refused += not may
    assert not wrong, wrong[:10]
    assert refused == len(await desk.facts("delivery_refused")) > 1000  # not one refusal is unrecorded


async def test_rows_are_shown_before_the_sale_as_it_is_written(desk: Desk):
    provider = await desk.bench.member("provider")
    version_id = await desk.stocked(provider, PLACES, Grade.G1)
    for clearance in Clearance:
        buyer = await desk.bench.member("buyer", clearance=clearance)
        for grade in Grade:
            for persons, (flags, _) in PERSONS.items():
                desk.shelf.grade(version_id, grade, *map(Flag, flags))
                real = grade in REAL_FROM and clearance >= REAL_FROM[grade] and not PERSONS[persons][1]
                masked = grade in MASKED_FROM and clearance >= MASKED_FROM[grade]
                assert await _shown(desk, buyer, version_id) == ("real" if real else "desensitised" if masked else None)


async def _shown(desk: Desk, buyer: Person, version_id: str) -> str | None:
    answer = await desk.bench.get(buyer, f"/delivery/v1/versions/{version_id}/sample")
    assert answer.status_code in {200, 403, 404, 405, 409}
    return answer.json()["kind"] if answer.status_code == 200 else None

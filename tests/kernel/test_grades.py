"""Who may have what in which form: the kernel's tables against a second table, written by hand from the rules.

The tables below are copied from the rule texts (matrix and overlays of the permission rules, grade overlay of the
authorisation matrix), not from the code: `C3` from that clearance on, `-` for nobody, and after that what must be on
record.
"""

from collections.abc import Iterator, Set
from itertools import chain, combinations, product

import pytest

from shared.grades import (
    POLICY_VERSION,
    Clearance,
    Condition,
    Flag,
    Grade,
    Mode,
    Sample,
    Visibility,
    decide,
    possible,
    sample,
    visibility,
)

MATRIX_BY_HAND = """
| grade | raw | desensitised     | api                | compute                                                        |
|-------|-----|------------------|--------------------|----------------------------------------------------------------|
| G1    | C1  | C1               | C1                 | C1                                                             |
| G2    | C2  | C1               | C2                 | C1                                                             |
| G3    | C3  | C2               | C3                 | C2                                                             |
| G4    | -   | C4 effect_report | C4 limited_queries | C3 smallest_group                                              |
| G5    | -   | -                | -                  | C5 smallest_group order_approval risk_assessment result_review |
| G6    | -   | -                | -                  | -                                                              |
"""  # The smallest group is not in the row of G5, but what G4 asks a stricter grade cannot forgo (invariant M2).
OVERLAYS_BY_HAND = """
| flag                    | raw up to G2                       | raw from G3 | api                                |
|-------------------------|------------------------------------|-------------|------------------------------------|
| personal                | separate_consent/other_basis       | -           | separate_consent/other_basis       |
| sensitive_personal      | separate_consent impact_assessment | -           | separate_consent impact_assessment |
| minor                   | separate_consent guardian_consent  | -           | separate_consent guardian_consent  |
| public_data             |                                    |             |                                    |
| geographic              |                                    |             |                                    |
| critical_infrastructure |                                    |             |                                    |
"""  # One or the other; and nothing of the kind for what leaves desensitised, or does not leave at all.
VISIBLE_BY_HAND = {  # who sees the entry: nobody admitted, C1, C2, C3, C4, C5
    "G1": "full   full   full   full   full   full",
    "G2": "full   full   full   full   full   full",
    "G3": "title  title  full   full   full   full",
    "G4": "none   none   none   full   full   full",
    "G5": "none   none   none   none   none   none",
    "G6": "none   none   none   none   none   none",
}
SAMPLE_BY_HAND = {  # of data without persons; `-` is refused
    "G1": "-  real  real          real          real          real",
    "G2": "-  real  real          real          real          real",
    "G3": "-  -     desensitised  desensitised  desensitised  desensitised",
    "G4": "-  -     -             not_offered   not_offered   not_offered",
    "G5": "-  -     -             -             -             -",
    "G6": "-  -     -             -             -             -",
}
CLEARANCES = (None, *Clearance)
ALL_FLAGS = [frozenset(chosen) for size in range(7) for chosen in combinations(Flag, size)]
EVERYTHING = frozenset(Condition)
EACH_ALONE, EACH_MISSING = [{one} for one in Condition], [EVERYTHING - {one} for one in Condition]
RECORDS = [frozenset(record) for record in (set[Condition](), EVERYTHING, *EACH_ALONE, *EACH_MISSING)]
PERSONS = {Flag.PERSONAL, Flag.SENSITIVE_PERSONAL, Flag.MINOR}


def cells(table: str) -> dict[tuple[str, str], list[str]]:
    """The words of each cell, by the names of its row and its column."""
    (_, *columns), _, *lines = (
        [cell.strip() for cell in line.strip("|").split("|")] for line in table.split("\n")[1:-1]
    )
    return {(name, column): cell.split() for name, *row in lines for column, cell in zip(columns, row, strict=True)}


MATRIX, OVERLAYS = cells(MATRIX_BY_HAND), cells(OVERLAYS_BY_HAND)


def overlay(grade: Grade, mode: Mode, flag: Flag) -> list[str]:
    if mode == "raw":
        return OVERLAYS[flag, "raw up to G2" if grade in {"G1", "G2"} else "raw from G3"]
    return OVERLAYS[flag, "api"] if mode == "api" else []


def allowed_by_hand(grade: Grade, mode: Mode, clearance: Clearance | None, flags: Set[Flag], record: Set[str]) -> bool:
    least, *needed = MATRIX[grade, mode]
    needed += [word for flag in flags for word in overlay(grade, mode, flag)]
    if "-" in (least, *needed) or clearance is None or clearance.value < least:
        return False
    return all(set(word.split("/")) & {str(condition) for condition in record} for word in needed)


def test_the_tables_by_hand_leave_nothing_out():
    assert set(MATRIX) == set(product(Grade, Mode))
    assert {flag for flag, _ in OVERLAYS} == set(Flag)
    assert {*VISIBLE_BY_HAND} == {*SAMPLE_BY_HAND} == set(Grade)


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("grade", Grade)
def test_every_decision_is_the_one_written_by_hand(grade: Grade, mode: Mode):
    for clearance, flags, record in product(CLEARANCES, ALL_FLAGS, RECORDS):
        decision = decide(grade, mode, clearance, flags, record)
        expected = allowed_by_hand(grade, mode, clearance, flags, record)
        assert decision.allowed is expected, (grade, mode, clearance, flags, record, decision)


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("grade", Grade)
def test_a_listing_is_possible_where_someone_could_have_it(grade: Grade, mode: Mode):
    for flags in ALL_FLAGS:
        assert possible(grade, mode, flags).allowed == allowed_by_hand(grade, mode, Clearance.C5, flags, EVERYTHING)


@pytest.mark.parametrize("grade", Grade)
def test_entries_are_seen_as_written_by_hand(grade: Grade):
    seen = [visibility(grade, clearance) for clearance in CLEARANCES]
    assert seen == [Visibility(word) for word in VISIBLE_BY_HAND[grade].split()]


@pytest.mark.parametrize("grade", Grade)
def test_samples_are_shown_as_written_by_hand_and_persons_never_as_they_are(grade: Grade):
    for flags, (clearance, word) in product(ALL_FLAGS, zip(CLEARANCES, SAMPLE_BY_HAND[grade].split(), strict=True)):
        kind = "desensitised" if word == "real" and flags & PERSONS else word
        assert sample(grade, clearance, flags) == (None if kind == "-" else Sample(kind))


def subsets(of: Set[Condition]) -> Iterator[frozenset[Condition]]:
    sizes = (combinations(sorted(of), size) for size in range(len(of) + 1))
    return map(frozenset, chain.from_iterable(sizes))


SOME_FLAGS = [frozenset[Flag](), *(frozenset({flag}) for flag in Flag), frozenset(Flag)]


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("grade", list(Grade)[:-1])
def test_raising_the_grade_never_allows(grade: Grade, mode: Mode):
    stricter = list(Grade)[list(Grade).index(grade) + 1]
    for clearance, flags, record in product(CLEARANCES, SOME_FLAGS, subsets(EVERYTHING)):
        if decide(stricter, mode, clearance, flags, record).allowed:
            assert decide(grade, mode, clearance, flags, record).allowed, (clearance, flags, record)


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("grade", Grade)
def test_lowering_the_clearance_or_the_record_or_adding_a_flag_never_allows(grade: Grade, mode: Mode):
    for index, flags, record in product(range(1, len(CLEARANCES)), ALL_FLAGS, RECORDS):
        if not decide(grade, mode, CLEARANCES[index], flags, record).allowed:
            assert not decide(grade, mode, CLEARANCES[index - 1], flags, record).allowed
            assert not any(decide(grade, mode, CLEARANCES[index], flags | {flag}, record).allowed for flag in Flag)
            assert not any(decide(grade, mode, CLEARANCES[index], flags, record - {one}).allowed for one in Condition)


@pytest.mark.parametrize("grade", Grade)
def test_whoever_may_have_it_raw_may_have_it_in_every_weaker_form(grade: Grade):
    for clearance, flags, record in product(CLEARANCES, ALL_FLAGS, RECORDS):
        if decide(grade, Mode.RAW, clearance, flags, record).allowed:
            assert all(decide(grade, mode, clearance, flags, record).allowed for mode in Mode)


def test_raising_the_grade_never_shows_more():
    more = {Visibility.NONE: 0, Visibility.TITLE: 1, Visibility.FULL: 2}
    real = {None: 0, Sample.NOT_OFFERED: 1, Sample.DESENSITISED: 2, Sample.REAL: 3}
    for clearance, flags in product(CLEARANCES, ALL_FLAGS):
        shown = [more[visibility(grade, clearance)] for grade in Grade]
        rows = [real[sample(grade, clearance, flags)] for grade in Grade]
        assert shown == sorted(shown, reverse=True)
        assert rows == sorted(rows, reverse=True)


@pytest.mark.parametrize("grade, mode, clearance, flags, record, reason", [
    ("G6", "compute", "C5", [],           Condition, "core_data_not_tradable"),
    ("G5", "raw",     "C5", [],           Condition, "mode_not_allowed_for_grade"),
    ("G3", "raw",     "C2", [],           Condition, "clearance_too_low"),
    ("G1", "raw",     None, [],           Condition, "clearance_too_low"),
    ("G3", "raw",     "C3", ["personal"], Condition, "personal_information_not_raw"),
    ("G2", "api",     "C2", ["personal"], [],        "separate_consent_missing"),
    ("G2", "raw",     "C2", ["sensitive_personal"], ["separate_consent"], "impact_assessment_missing"),
    ("G2", "raw",     "C2", ["minor"],              ["separate_consent"], "guardian_consent_missing"),
    ("G4", "desensitised", "C4", [],      [],        "effect_report_missing"),
])  # fmt: skip
def test_a_denial_names_the_first_rule_that_denied(
    grade: str, mode: str, clearance: str | None, flags: list[str], record: list[Condition], reason: str
):
    decision = decide(
        Grade(grade), Mode(mode), clearance and Clearance(clearance) or None,
        frozenset(map(Flag, flags)), frozenset(map(Condition, record)),
    )  # fmt: skip
    assert (decision.allowed, decision.reason_code, decision.policy_version) == (False, reason, POLICY_VERSION)


def test_a_decision_names_every_rule_it_consulted():
    decision = decide(Grade.G4, Mode.COMPUTE, Clearance.C3, frozenset({Flag.PERSONAL}), EVERYTHING)
    assert (decision.allowed, decision.reason_code) == (True, None)
    assert decision.rules == (
        "matrix.G4.compute", "overlay.personal_raw", "overlay.pipl_23", "overlay.pipl_29_55", "overlay.pipl_31",
        "condition.smallest_group",
    )  # fmt: skip

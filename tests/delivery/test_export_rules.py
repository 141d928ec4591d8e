"""Which path a content takes abroad: the table of CAC Order 16, at each of its boundaries, first hit first."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.delivery.rules import export as rules
from services.delivery.rules.export import (
    Crossing,
    Export,
    ExportClearance,
    Ground,
    Instrument,
    Path,
    is_abroad,
    path,
    rule,
)
from shared.grades import G2, G3, G4, G5, G6, Condition, Flag, Grade
from shared.ids import EntitlementId, ExportClearanceId

NOW = datetime(2030, 6, 1, tzinfo=UTC)
PI, SPI = frozenset({Flag.PERSONAL}), frozenset({Flag.PERSONAL, Flag.SENSITIVE_PERSONAL})
CONSENTED = frozenset({Condition.SEPARATE_CONSENT, Condition.IMPACT_ASSESSMENT})
ASSESSED, CONTRACT, CERTIFIED = Instrument


def crossing(**facts: Any) -> Crossing:
    told: dict[str, Any] = {
        "grade": G3, "admitted": True, "personal": True, "sensitive": False, "infrastructure": False, "ground": None,
        "persons": 0, "sensitive_persons": 0,
    }  # fmt: skip
    return Crossing(**(told | facts))


def cleared(persons: int = 10, sensitive: int = 0, instrument: Instrument | None = None, **more: Any) -> Export:
    told: dict[str, Any] = {"ground": None, "valid_until": NOW + timedelta(days=1)} | more
    earlier = {name: told.pop(name) for name in list(told) if name.startswith("earlier")}
    covers = told.pop("covers", None)
    number = "N-1" if instrument else None
    ids = (ExportClearanceId.new(), EntitlementId.new())
    clearance = ExportClearance(
        *ids, persons, sensitive, told["ground"], instrument, number, told["valid_until"], "checked", "user", NOW,
        covers,
    )  # fmt: skip
    return Export(clearance, **earlier)


def said(
    export: Export, flags: frozenset[Flag] = PI, grade: Grade | None = G3,
    on_record: frozenset[Condition] = CONSENTED, admitted: bool = True,
) -> str | None:  # fmt: skip
    """Why it may not go; None if it may."""
    return rule(grade, admitted, flags, on_record, export, NOW).reason_code


@pytest.mark.parametrize("persons, sensitive, found", [
    (0,         0,      rules.FEW_PERSONS),
    (99_999,    0,      rules.FEW_PERSONS),
    (100_000,   0,      rules.CONTRACT),     # 以上 includes the number
    (999_999,   0,      rules.CONTRACT),
    (1_000_000, 0,      rules.ASSESSMENT),
    (1,         1,      rules.CONTRACT),
    (9_999,     9_999,  rules.CONTRACT),
    (10_000,    10_000, rules.ASSESSMENT),
    (99_999,    1,      rules.CONTRACT),
    (999_999,   9_999,  rules.CONTRACT),
])  # fmt: skip
def test_the_boundaries_of_the_table(persons: int, sensitive: int, found: Path):
    assert path(crossing(persons=persons, sensitive_persons=sensitive, sensitive=sensitive > 0)) == found


@pytest.mark.parametrize("facts, found", [
    ({"grade": G6},                                            rules.NOT_TRADABLE),
    ({"grade": None},                                          rules.UNKNOWN),
    ({"admitted": False},                                      rules.BARRED),
    ({"grade": G6, "admitted": False},                         rules.NOT_TRADABLE),
    ({"grade": G5},                                            rules.IMPORTANT),
    ({"grade": G5, "personal": False},                         rules.IMPORTANT),   # no exemption applies
    ({"grade": G5, "ground": Ground.EMERGENCY},                rules.IMPORTANT),
    ({"personal": False},                                      rules.EXEMPT),
    ({"personal": False, "persons": None},                     rules.EXEMPT),
    ({"personal": False, "infrastructure": True},              rules.EXEMPT),
    *(({"ground": ground, "persons": None}, rules.EXEMPT) for ground in rules.EXEMPTING),
    *(({"ground": ground, "infrastructure": True}, rules.EXEMPT) for ground in rules.EXEMPTING),
    ({"ground": Ground.ZONE_OR_SECTOR, "persons": 100_000},    rules.CONTRACT),
    ({"infrastructure": True},                                 rules.ASSESSMENT),  # by one person
    ({"infrastructure": True, "persons": None},                rules.ASSESSMENT),
    ({"persons": None},                                        rules.UNKNOWN),
    ({"persons": 2_000_000, "sensitive_persons": None},        rules.UNKNOWN),
])  # fmt: skip
def test_the_first_row_that_applies_decides(facts: dict[str, Any], found: Path):
    assert path(crossing(**facts)) == found


@pytest.mark.parametrize("grade, flags, export, reason", [
    (G4,   frozenset[Flag](), Export(),                                  None),
    (G5,   frozenset[Flag](), Export(),                                  "security_assessment_missing"),
    (G5,   frozenset[Flag](), cleared(0, 0, CONTRACT),                   "security_assessment_missing"),
    (G5,   frozenset[Flag](), cleared(0, 0, ASSESSED),                   None),
    (G5,   frozenset[Flag](), cleared(0, ground=Ground.ZONE_OR_SECTOR),  "security_assessment_missing"),
    (G6,   frozenset[Flag](), cleared(0, 0, ASSESSED),                   "core_data_not_tradable"),
    (None, frozenset[Flag](), cleared(0, 0, ASSESSED),                   "needs_info"),
    (G2,   PI,                Export(),                                  "needs_info"),
    (G2,   PI,                cleared(99_999),                           None),
    (G2,   PI,                cleared(100_000),                          "standard_contract_or_certification_missing"),
    (G2,   PI,                cleared(100_000, 0, CONTRACT),             None),
    (G2,   PI,                cleared(100_000, 0, CERTIFIED),            None),
    (G2,   PI,                cleared(100_000, 0, ASSESSED),             None),
    (G2,   PI,                cleared(1_000_000, 0, CONTRACT),           "security_assessment_missing"),
    (G2,   PI,                cleared(1_000_000, 0, ASSESSED),           None),
    (G2,   PI,                cleared(5, ground=Ground.ZONE_OR_SECTOR),  None),
    (G2,   PI,                cleared(100_000, ground=Ground.ZONE_OR_SECTOR), "needs_review"),
    (G2,   PI,                cleared(2_000_000, ground=Ground.EMERGENCY),    None),
    (G2,   PI,                cleared(0),                                "needs_info"),   # persons found, none counted
    (G3,   SPI,               cleared(10),                               "needs_info"),
    (G3,   SPI,               cleared(10, 10),                           "standard_contract_or_certification_missing"),
    (G3,   PI | {Flag.MINOR}, cleared(10),                               "needs_info"),   # minors are sensitive
    (G3,   PI | {Flag.CRITICAL_INFRASTRUCTURE}, cleared(1, 0, CONTRACT), "security_assessment_missing"),
    (G3,   frozenset[Flag](), cleared(100_000),                          "standard_contract_or_certification_missing"),
    (G2,   PI,                cleared(10, valid_until=NOW),              "needs_info"),   # run out
    (G5,   frozenset[Flag](), cleared(0, 0, ASSESSED, valid_until=NOW),  "security_assessment_missing"),
])  # fmt: skip
def test_what_is_on_record_opens_the_path_that_it_is_for(
    grade: Grade | None, flags: frozenset[Flag], export: Export, reason: str | None
):
    assert said(export, flags, grade) == reason


@pytest.mark.parametrize("persons, earlier, reason", [
    (1,      99_998,  None),
    (1,      99_999,  "standard_contract_or_certification_missing"),
    (1,      999_998, "standard_contract_or_certification_missing"),
    (1,      999_999, "security_assessment_missing"),
])  # fmt: skip
def test_what_the_provider_sent_earlier_this_year_is_added(persons: int, earlier: int, reason: str | None):
    assert said(cleared(persons, earlier_persons=earlier)) == reason


@pytest.mark.parametrize("unknown", ["earlier_persons", "earlier_sensitive_persons"])
def test_what_was_sent_by_nobody_knows_whom_is_not_guessed(unknown: str):
    facts: dict[str, Any] = {unknown: None}
    assert said(cleared(1, **facts)) == "needs_info"
    assert said(cleared(1, ground=Ground.EMERGENCY, **facts)) is None


@pytest.mark.parametrize("persons, earlier, covers, reason", [
    (100_000, 0,      100_000, None),
    (100_001, 0,      100_000, "beyond_assessed_scope"),
    (60_000,  40_000, 100_000, None),
    (60_000,  40_001, 100_000, "beyond_assessed_scope"),
    (900_000, 0,      None,    None),
    (50_000,  0,      10,      None),  # so few that no instrument is needed
])  # fmt: skip
def test_no_more_persons_go_than_the_instrument_was_issued_for(
    persons: int, earlier: int, covers: int | None, reason: str | None
):
    ruling = rule(
        G3, True, PI, CONSENTED, cleared(persons, 0, CONTRACT, earlier_persons=earlier, covers=covers), NOW
    )  # fmt: skip
    assert ruling.reason_code == reason
    if reason:
        assert ruling.rules == ("export.contract_or_certification", "export.assessed_scope")
        assert ruling.article == "网络数据安全管理条例 art. 38" and not ruling.counts


def test_a_scope_that_cannot_be_compared_is_not_assumed_to_hold():
    unknown = cleared(1, 0, ASSESSED, covers=10, earlier_persons=None)
    infrastructure = PI | {Flag.CRITICAL_INFRASTRUCTURE}
    assert said(unknown, infrastructure) == "beyond_assessed_scope"


@pytest.mark.parametrize("grade, flags, export, article", [
    (G6,   PI,                cleared(),                         "数据安全法 art. 21"),
    (G5,   PI,                cleared(),                         "网络数据安全管理条例 art. 37"),
    (None, PI,                cleared(),                         "个人信息保护法 art. 38"),
    (G3,   frozenset[Flag](), Export(),                          "CAC Order 16 arts 3–5"),
    (G3,   PI,                cleared(10**6),                    "CAC Order 16 art. 7"),
    (G3,   PI,                cleared(10**5),                    "CAC Order 16 art. 8"),
    (G3,   PI,                cleared(10),                       "CAC Order 16 art. 5(4)"),
])  # fmt: skip
def test_a_ruling_names_the_article_that_it_rests_on(
    grade: Grade | None, flags: frozenset[Flag], export: Export, article: str
):
    assert rule(grade, True, flags, CONSENTED, export, NOW).article == article


def test_a_missing_duty_is_named_by_its_own_article():
    assert rule(G3, True, PI, frozenset(), cleared(), NOW).article == "个人信息保护法 art. 39"
    assessed = frozenset({Condition.SEPARATE_CONSENT})
    assert rule(G3, True, PI, assessed, cleared(), NOW).article == "个人信息保护法 art. 55"
    assert rule(G3, False, PI, CONSENTED, cleared(), NOW).article == "个人信息保护法 art. 42"


def test_the_numbers_are_those_in_force_on_the_day():
    [law] = rules.THRESHOLDS
    began, instant = law.effective_from, timedelta(microseconds=1)
    assert began == datetime(2024, 3, 21, 16, tzinfo=UTC)  # the day begins in Beijing
    assert rules.thresholds_at(began) is law
    assert rules.thresholds_at(began - instant) is None
    stricter = replace(law, id="later", effective_from=NOW, persons_contracted_from=10)
    assert rules.thresholds_at(NOW - instant, [stricter, law]) is law
    assert rules.thresholds_at(NOW, [stricter, law]) is stricter
    assert path(crossing(persons=10), stricter) == rules.CONTRACT
    assert path(crossing(persons=9), stricter) == rules.FEW_PERSONS
    assert path(crossing(persons=1), None) == rules.UNKNOWN


def test_sensitive_persons_are_added_too():
    more: dict[str, Any] = {"earlier_persons": 9_999, "earlier_sensitive_persons": 9_999}
    assert said(cleared(1, 1, CONTRACT, **more), SPI) == "security_assessment_missing"
    assert said(cleared(1, 1, CONTRACT), SPI) is None
    assert said(cleared(1, 0, **more)) == "standard_contract_or_certification_missing"  # by those of before


@pytest.mark.parametrize(
    "export", [cleared(10), cleared(10, ground=Ground.CONTRACT_NECESSITY), cleared(10**6, 0, ASSESSED)]
)
def test_no_path_lifts_the_duties_of_consent_and_assessment(export: Export):
    assert said(export, on_record=frozenset()) == "separate_consent_missing"
    assert said(export, on_record=CONSENTED - {Condition.IMPACT_ASSESSMENT}) == "impact_assessment_missing"
    assert said(export) is None


def test_only_what_no_exemption_covers_counts_for_the_year():
    counts = {
        "few": cleared(10), "contract": cleared(100_000, 0, CONTRACT), "assessed": cleared(10**6, 0, ASSESSED),
        "exempt": cleared(10, ground=Ground.HUMAN_RESOURCES),
    }  # fmt: skip
    counted = {name for name, export in counts.items() if rule(G3, True, PI, CONSENTED, export, NOW).counts}
    assert counted == {"few", "contract", "assessed"}
    assert not rule(G3, True, frozenset(), CONSENTED, Export(), NOW).counts


@given(
    st.integers(0, 2_000_000), st.integers(0, 20_000), st.integers(0, 10**6), st.integers(0, 20_000),
    st.sampled_from(list(product([*Instrument, None], [*Ground, None]))),
)  # fmt: skip
def test_more_persons_never_open_a_path(
    persons: int, sensitive: int, more: int, more_sensitive: int, held: tuple[Instrument | None, Ground | None]
):
    export = cleared(persons + 1, sensitive + 1, held[0], ground=held[1])
    larger = cleared(persons + 1 + more, sensitive + 1 + more_sensitive, held[0], ground=held[1])
    assert said(export, SPI) is None or said(larger, SPI) is not None


@pytest.mark.parametrize("territory, abroad", [
    ("CN", False), ("CN-GD", False), ("CN-44", False),
    ("CN-HK", True), ("CN-MO", True), ("CN-TW", True), ("CN-71", True), ("CN-91", True), ("CN-ZZ", True),
    ("HK", True), ("US", True), ("SG", True), (None, True), ("", True), ("cn", True),
])  # fmt: skip
def test_abroad_is_all_that_is_not_known_to_be_mainland_china(territory: str | None, abroad: bool):
    assert is_abroad(territory) is abroad


def test_mainland_china_has_thirty_one_parts():
    letters, digits = (
        [part for part in rules.MAINLAND if len(part) == 5 and part[3:].isdigit() is it] for it in (False, True)
    )
    assert len(letters) == len(digits) == 31


@pytest.mark.parametrize("moment, year", [
    (datetime(2029, 12, 31, 15, 59, 59, 999_999, UTC), 2029),
    (datetime(2029, 12, 31, 16, tzinfo=UTC),           2030),  # midnight in Beijing
])  # fmt: skip
def test_the_year_begins_in_beijing(moment: datetime, year: int):
    assert rules.year_of(moment) == year


@pytest.mark.parametrize("part, changes", [
    ("number",            {"number": "N-1"}),
    ("number",            {"instrument": CONTRACT}),
    ("covers_persons",    {"covers_persons": 10}),
    ("sensitive_persons", {"persons": 1, "sensitive_persons": 2}),
    ("valid_until",       {"valid_until": NOW}),
    ("valid_until",       {"valid_until": NOW + rules.VALID_AT_MOST + timedelta(seconds=1)}),
    (None,                {"valid_until": NOW + rules.VALID_AT_MOST}),
    (None,                {"instrument": CONTRACT, "number": "N-1"}),
    (None,                {"instrument": CONTRACT, "number": "N-1", "covers_persons": 10}),
])  # fmt: skip
def test_a_clearance_that_contradicts_itself_is_none(part: str | None, changes: dict[str, Any]):
    told: dict[str, Any] = {
        "id": ExportClearanceId.new(), "entitlement_id": EntitlementId.new(), "persons": 2, "sensitive_persons": 1,
        "ground": None, "instrument": None, "number": None, "valid_until": NOW + timedelta(days=1), "reason": "checked",
        "recorded_by": "user", "recorded_at": NOW,
    }  # fmt: skip
    clearance = ExportClearance(**(told | changes))
    if part is None:
        assert rules.check_clearance(clearance) is clearance
        return
    with pytest.raises(rules.ClearanceContradicts) as refused:
        rules.check_clearance(clearance)
    assert refused.value.facts["part"] == part

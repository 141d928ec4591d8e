"""Which costs of data are capitalised, which are expensed, and how that is told."""

import csv
from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.pricing.rules import cost_sheet as rules
from services.pricing.rules.cost_sheet import (
    CAPITALISED,
    DEVELOPMENT,
    ITEMS,
    MARK,
    NEVER,
    RECOGNITION,
    RULE_VERSION,
    UNRECOGNISED,
    Condition,
    CostSheet,
    Holding,
    Kind,
    Line,
    Narrative,
    Reason,
    Stage,
    StageDoesNotFit,
    Statement,
)
from shared import canonical
from shared.ids import CostSheetId, ParticipantId, VersionId
from shared.money import Money, total
from shared.spreadsheet import csv_text

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
ALL = frozenset(Condition)
PURCHASED, DEVELOPED, BOUGHT, PROCESSED = Holding


def a_line(kind: Kind = Kind.ANNOTATION, minor: int = 100, stage: Stage | None = None, direct: bool = True) -> Line:
    return Line(kind, "标注", Money(minor), direct, stage)


def stated(holding: Holding, *lines: Line, conditions: frozenset[Condition] = ALL) -> Statement:
    return Statement(VersionId.new(), holding, conditions, lines, Narrative())


def drawn(statement: Statement) -> CostSheet:
    treated = rules.treat(statement)
    return CostSheet(CostSheetId.new(), ParticipantId.new(), statement, treated, "{}", "ab" * 32, NOON)


# What the rule lets into the cost of data that are had so; by hand, from its text.
#                     purchased developed bought processed
BY_HAND = {
    "purchase":            "yes  no   yes  yes",
    "taxes":               "yes  yes  yes  yes",
    "insurance":           "no   no   yes  yes",
    "collection":          "no   yes  no   yes",
    "desensitisation":     "yes  yes  no   yes",
    "cleaning":            "yes  yes  no   yes",
    "annotation":          "yes  yes  no   yes",
    "integration":         "yes  yes  no   yes",
    "analysis":            "yes  yes  no   yes",
    "visualisation":       "yes  yes  no   yes",
    "title_certification": "yes  yes  yes  yes",
    "quality_assessment":  "yes  yes  yes  yes",
    "registration":        "yes  yes  yes  yes",
    "security":            "yes  yes  yes  yes",
    "administration":      "no   no   no   no",
    "promotion":           "no   no   no   no",
    "training":            "no   no   no   no",
    "maintenance":         "no   no   no   no",
}  # fmt: skip


@pytest.mark.parametrize("kind", Kind)
def test_each_kind_of_cost_is_treated_as_the_rule_says(kind: Kind):
    for holding, expected in zip(Holding, BY_HAND[kind].split(), strict=True):
        stage = Stage.DEVELOPMENT if holding is DEVELOPED else None
        [treated] = rules.treat(stated(holding, a_line(kind, stage=stage)))
        reason = Reason.PERIOD_COST if kind in NEVER else Reason.NOT_OF_THIS_HOLDING
        assert treated.is_capitalised is (expected == "yes"), holding
        assert treated.reason is (Reason.COST_OF_ASSET if expected == "yes" else reason), holding


@pytest.mark.parametrize("holding, line, conditions, reason", [
    (PURCHASED, a_line(),                                   ALL,                 Reason.COST_OF_ASSET),
    (PURCHASED, a_line(),                                   RECOGNITION,         Reason.COST_OF_ASSET),
    (PURCHASED, a_line(direct=False),                       ALL,                 Reason.NOT_ATTRIBUTABLE),
    (PURCHASED, a_line(Kind.TRAINING, direct=False),        ALL,                 Reason.PERIOD_COST),
    (PURCHASED, a_line(Kind.COLLECTION, direct=False),      ALL,                 Reason.NOT_ATTRIBUTABLE),
    (PROCESSED, a_line(),                                   DEVELOPMENT,         Reason.NOT_RECOGNISED),
    (PROCESSED, a_line(Kind.TRAINING),                      frozenset[Condition](), Reason.NOT_RECOGNISED),
    (DEVELOPED, a_line(stage=Stage.RESEARCH),               ALL,                 Reason.RESEARCH_STAGE),
    (DEVELOPED, a_line(stage=Stage.RESEARCH),               RECOGNITION,         Reason.RESEARCH_STAGE),
    (DEVELOPED, a_line(Kind.PURCHASE, stage=Stage.RESEARCH), ALL,                Reason.NOT_OF_THIS_HOLDING),
    (DEVELOPED, a_line(stage=Stage.DEVELOPMENT),            ALL,                 Reason.COST_OF_ASSET),
    (DEVELOPED, a_line(stage=Stage.DEVELOPMENT),            RECOGNITION,         Reason.DEVELOPMENT_NOT_QUALIFYING),
    *((DEVELOPED, a_line(stage=Stage.DEVELOPMENT), ALL - {missing}, Reason.DEVELOPMENT_NOT_QUALIFYING)
      for missing in sorted(DEVELOPMENT)),
    *((DEVELOPED, a_line(stage=Stage.DEVELOPMENT), ALL - {missing}, Reason.NOT_RECOGNISED)
      for missing in sorted(RECOGNITION)),
], ids=range(20))  # fmt: skip
def test_worked_treatments(holding: Holding, line: Line, conditions: frozenset[Condition], reason: Reason):
    [treated] = rules.treat(stated(holding, line, conditions=conditions))
    assert (treated.reason, treated.is_capitalised) == (reason, reason is Reason.COST_OF_ASSET)
    assert treated.line is line


@pytest.mark.parametrize(
    "holding, stage", [(DEVELOPED, None), (PURCHASED, Stage.RESEARCH), (BOUGHT, Stage.DEVELOPMENT)]
)
def test_a_stage_is_told_for_what_is_developed_alone(holding: Holding, stage: Stage | None):
    with pytest.raises(StageDoesNotFit) as refused:
        rules.treat(stated(holding, a_line(stage=stage), conditions=frozenset()))
    assert refused.value.facts == {"holding": holding, "kind": Kind.ANNOTATION}


@given(
    st.sampled_from([PURCHASED, BOUGHT, PROCESSED]),
    st.lists(st.builds(a_line, st.sampled_from(Kind), st.integers(0, 10**12), st.none(), st.booleans()), max_size=8),
    st.frozensets(st.sampled_from(Condition)),
)
def test_capitalised_and_expensed_add_up_to_all_costs(
    holding: Holding, lines: list[Line], conditions: frozenset[Condition]
):
    sheet = drawn(stated(holding, *lines, conditions=conditions))
    assert sheet.capitalised + sheet.expensed == total([line.amount for line in lines])
    assert sheet.capitalised == Money(0) or conditions >= RECOGNITION
    assert [each.line for each in sheet.treated] == lines


def test_it_stands_in_the_balance_sheet_only_if_it_is_recognised():
    for holding in Holding:
        assert rules.item_of(stated(holding)) == ITEMS[holding]
        assert rules.item_of(stated(holding, conditions=ALL - {Condition.CONTROLLED})) == UNRECOGNISED
    assert len(set(ITEMS.values())) == len(CAPITALISED) == 4


@pytest.mark.parametrize("minor, text", [(0, "0.00"), (5, "0.05"), (123_456, "1234.56"), (100, "1.00")])
def test_yuan_are_told_with_their_fen(minor: int, text: str):
    assert rules.yuan(Money(minor)) == text


def test_an_export_tells_each_cost_the_sums_and_the_words_and_runs_nothing():
    lines = (a_line(Kind.PURCHASE, 123_456), replace(a_line(Kind.TRAINING, 5), description="=1+1"))
    statement = replace(stated(PURCHASED, *lines), narrative=Narrative(use="@风控", loss_of_right="无"))
    sheet = drawn(statement)
    item, off, on = ITEMS[PURCHASED], "费用化 · expensed", "资本化 · capitalised"
    read = list(csv.reader(StringIO(csv_text(rules.table(sheet)).removeprefix("\ufeff"), newline=""), strict=True))
    assert read == [
        [MARK, RULE_VERSION, "ab" * 32],
        list(rules.HEADER),
        [item, "purchase", "标注", on, "cost_of_asset", "1234.56"],
        [item, "training", "'=1+1", off, "period_cost", "0.05"],
        [item, "合计 · total", "", on, "", "1234.56"],
        [item, "合计 · total", "", off, "", "0.05"],
        ["应用场景 · use", "'@风控"],
        ["失去权利 · loss of right", "无"],
    ]


def test_a_document_tells_what_was_stated_and_what_follows():
    statement = stated(DEVELOPED, a_line(stage=Stage.RESEARCH), a_line(minor=7, stage=Stage.DEVELOPMENT))
    told = rules.document(statement, rules.treat(statement))
    assert canonical.encode(told)
    assert (told["mark"], told["rule_version"], told["item"]) == (MARK, RULE_VERSION, ITEMS[DEVELOPED])
    assert told["capitalised"] == {"minor": 7, "currency": "CNY"}
    assert told["expensed"] == {"minor": 100, "currency": "CNY"}
    assert told["treated"] == [
        {"is_capitalised": False, "reason": "research_stage"}, {"is_capitalised": True, "reason": "cost_of_asset"},
    ]  # fmt: skip
    assert told["statement"]["conditions"] == sorted(Condition)


def test_the_reasons_stay_as_they_were_hashed():
    assert (
        list(Reason)
        == (
            "cost_of_asset not_recognised period_cost not_attributable not_of_this_holding research_stage "
            "development_not_qualifying"
        ).split()
    )

"""What crosses the wire of cost sheets: what an owner states, and what is disclosed of it."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field as Limits

from services.pricing.rules.cost_sheet import (
    LINES_MAX,
    MARK,
    RULE_VERSION,
    Condition,
    CostSheet,
    Holding,
    Kind,
    Line,
    Narrative,
    Reason,
    Stage,
    Statement,
)
from services.pricing.schemas.words import Amount, Sentence
from shared.ids import CostSheetId, ParticipantId, VersionId
from shared.money import Money
from shared.web import Request, View

ChosenHolding = Annotated[Holding, Limits(strict=False)]
ChosenKind = Annotated[Kind, Limits(strict=False)]
ChosenStage = Annotated[Stage, Limits(strict=False)]
ChosenCondition = Annotated[Condition, Limits(strict=False)]
Sha256 = Annotated[str, Limits(pattern=r"^[0-9a-f]{64}$")]
Words = Annotated[str, Limits(min_length=1, max_length=1_000, pattern=r"\S")]


class NewLine(Request):
    """A cost. `is_attributable`: directly, to making the data ready for use or sale. `stage` for `intangible_developed`
    alone, and there always."""

    kind: ChosenKind
    description: Sentence
    amount: Amount
    is_attributable: bool = True
    stage: ChosenStage | None = None
    evidence_hash: Sha256 | None = None


class NewNarrative(Request):
    """What the rule asks to be told in words (财会〔2023〕11号, 三)."""

    use: Words | None = None
    source: Words | None = None
    scale: Words | None = None
    ownership: Words | None = None
    processing: Words | None = None
    restrictions: Words | None = None
    loss_of_right: Words | None = None
    useful_life: Words | None = None


class NewCostSheet(Request):
    """What a version of yours cost, how you have it, and which conditions of recognition you can show to be met."""

    version_id: VersionId
    holding: ChosenHolding
    conditions: Annotated[list[ChosenCondition], Limits(max_length=len(Condition))]
    lines: Annotated[list[NewLine], Limits(min_length=1, max_length=LINES_MAX)]
    narrative: NewNarrative = NewNarrative()

    def statement(self) -> Statement:
        lines = tuple(
            Line(line.kind, line.description, line.amount.money(), line.is_attributable, line.stage, line.evidence_hash)
            for line in self.lines
        )
        return Statement(
            self.version_id, self.holding, frozenset(self.conditions), lines, Narrative(**dict(self.narrative))
        )


class TreatedView(View):
    """A cost, whether it is part of the asset's cost, and by which reason."""

    kind: Kind
    description: str
    amount: Money
    is_attributable: bool
    stage: Stage | None
    evidence_hash: str | None
    is_capitalised: bool
    reason: Reason


class NarrativeView(View):
    use: str | None
    source: str | None
    scale: str | None
    ownership: str | None
    processing: str | None
    restrictions: str | None
    loss_of_right: str | None
    useful_life: str | None


class CostSheetView(View):
    """Never changes; an aid, and no auditor's opinion. `item` is where in the balance sheet it stands. `document` is
    the canonical JSON that `document_hash`, its SHA-256, is of."""

    id: CostSheetId
    mark: str = MARK
    rule_version: str = RULE_VERSION
    provider_id: ParticipantId
    version_id: VersionId
    holding: Holding
    conditions: list[Condition]
    item: str
    lines: list[TreatedView]
    capitalised: Money
    expensed: Money
    narrative: NarrativeView
    document: str
    document_hash: str
    drawn_at: datetime

    @classmethod
    def of(cls, sheet: CostSheet) -> Self:
        statement = sheet.statement
        return cls(
            id=sheet.id, provider_id=sheet.provider_id, version_id=statement.version_id, holding=statement.holding,
            conditions=sorted(statement.conditions), item=sheet.item,
            lines=[
                TreatedView(
                    kind=each.line.kind, description=each.line.description, amount=each.line.amount,
                    is_attributable=each.line.is_attributable, stage=each.line.stage,
                    evidence_hash=each.line.evidence_hash, is_capitalised=each.is_capitalised, reason=each.reason,
                )
                for each in sheet.treated
            ],
            capitalised=sheet.capitalised, expensed=sheet.expensed,
            narrative=NarrativeView.model_validate(statement.narrative), document=sheet.document,
            document_hash=sheet.document_hash, drawn_at=sheet.drawn_at,
        )  # fmt: skip

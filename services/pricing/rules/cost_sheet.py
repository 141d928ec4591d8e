"""A cost sheet for data in the books (数据资源入表): what is capitalised, what is expensed, and by which rule.

Owns: the kinds of cost that the rule names, how each is treated for each way of having the data, and what follows for
the disclosure.
Promises: every line has one treatment with its reason; capitalised and expensed add up to all costs; what is not
recognised as an asset capitalises nothing; spreadsheets show an export and never run it.
Does not: keep books, amortise, or decide whether the conditions are met. Its owner and its auditor do.
Sources: 企业数据资源相关会计处理暂行规定 (财会〔2023〕11号), 一 to 三; 企业会计准则第6号——无形资产 arts 4, 7, 9, 12;
企业会计准则第1号——存货 arts 4 to 9. The official texts decide.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from shared.errors import Malformed, NotFound
from shared.facts import plain
from shared.ids import CostSheetId, ParticipantId, VersionId
from shared.money import Money, total

RULE_VERSION = "财会〔2023〕11号 2026-11"
MARK = "会计处理参考，不替代审计意见 · accounting aid, not an auditor's opinion"
LINES_MAX = 100


class Holding(StrEnum):
    """How the data are had, and as what: 确认为无形资产 or 存货."""

    INTANGIBLE_PURCHASED = "intangible_purchased"  # 外购的数据资源无形资产
    INTANGIBLE_DEVELOPED = "intangible_developed"  # 自行开发的数据资源无形资产
    INVENTORY_PURCHASED = "inventory_purchased"  # 外购的数据资源存货
    INVENTORY_PROCESSED = "inventory_processed"  # 自行加工的数据资源存货


class Kind(StrEnum):
    PURCHASE = "purchase"  # 购买价款
    TAXES = "taxes"  # 相关税费
    INSURANCE = "insurance"  # 保险费
    COLLECTION = "collection"  # 数据采集
    DESENSITISATION = "desensitisation"  # 脱敏
    CLEANING = "cleaning"  # 清洗
    ANNOTATION = "annotation"  # 标注
    INTEGRATION = "integration"  # 整合
    ANALYSIS = "analysis"  # 分析
    VISUALISATION = "visualisation"  # 可视化
    TITLE_CERTIFICATION = "title_certification"  # 数据权属鉴证
    QUALITY_ASSESSMENT = "quality_assessment"  # 质量评估
    REGISTRATION = "registration"  # 登记结算
    SECURITY = "security"  # 安全管理
    ADMINISTRATION = "administration"  # 管理费用
    PROMOTION = "promotion"  # 广告与推广
    TRAINING = "training"  # 培训
    MAINTENANCE = "maintenance"  # 达到预定用途后的运维


class Stage(StrEnum):
    RESEARCH = "research"  # 研究阶段
    DEVELOPMENT = "development"  # 开发阶段


class Condition(StrEnum):
    """What must be so before anything of it is an asset; the last five for development (准则第6号 art. 9)."""

    CONTROLLED = "controlled"  # 合法拥有或控制
    BENEFIT_PROBABLE = "benefit_probable"  # 经济利益很可能流入
    COST_RELIABLE = "cost_reliable"  # 成本能够可靠计量
    FEASIBLE = "feasible"  # 技术上可行
    INTENDED = "intended"  # 有完成并使用或出售的意图
    USEFUL = "useful"  # 能证明产生经济利益的方式
    RESOURCED = "resourced"  # 有足够的资源支持
    EXPENDITURE_RELIABLE = "expenditure_reliable"  # 开发支出能够可靠计量


class Reason(StrEnum):
    COST_OF_ASSET = "cost_of_asset"
    NOT_RECOGNISED = "not_recognised"
    PERIOD_COST = "period_cost"
    NOT_ATTRIBUTABLE = "not_attributable"
    NOT_OF_THIS_HOLDING = "not_of_this_holding"
    RESEARCH_STAGE = "research_stage"
    DEVELOPMENT_NOT_QUALIFYING = "development_not_qualifying"


RECOGNITION = frozenset({Condition.CONTROLLED, Condition.BENEFIT_PROBABLE, Condition.COST_RELIABLE})
DEVELOPMENT = frozenset(Condition) - RECOGNITION
NEVER = frozenset({Kind.ADMINISTRATION, Kind.PROMOTION, Kind.TRAINING, Kind.MAINTENANCE})
_WORK = frozenset({
    Kind.DESENSITISATION, Kind.CLEANING, Kind.ANNOTATION, Kind.INTEGRATION, Kind.ANALYSIS, Kind.VISUALISATION,
})  # fmt: skip
_SERVICES = frozenset({Kind.TITLE_CERTIFICATION, Kind.QUALITY_ASSESSMENT, Kind.REGISTRATION, Kind.SECURITY})
CAPITALISED: Mapping[Holding, frozenset[Kind]] = {
    Holding.INTANGIBLE_PURCHASED: _WORK | _SERVICES | {Kind.PURCHASE, Kind.TAXES},
    Holding.INTANGIBLE_DEVELOPED: _WORK | _SERVICES | {Kind.COLLECTION, Kind.TAXES},
    Holding.INVENTORY_PURCHASED:  _SERVICES | {Kind.PURCHASE, Kind.TAXES, Kind.INSURANCE},
    Holding.INVENTORY_PROCESSED:  _WORK | _SERVICES | {Kind.PURCHASE, Kind.TAXES, Kind.INSURANCE, Kind.COLLECTION},
}  # fmt: skip
ITEMS: Mapping[Holding, str] = {
    Holding.INTANGIBLE_PURCHASED: "无形资产——其中：数据资源（外购） · intangible assets, of which data: purchased",
    Holding.INTANGIBLE_DEVELOPED: "无形资产——其中：数据资源（自行开发） · intangible assets, of which data: developed",
    Holding.INVENTORY_PURCHASED: "存货——其中：数据资源（外购） · inventories, of which data: purchased",
    Holding.INVENTORY_PROCESSED: "存货——其中：数据资源（自行加工） · inventories, of which data: processed",
}
UNRECOGNISED = "未作为无形资产或存货确认的数据资源 · data not recognised as an asset"


@dataclass(frozen=True, slots=True)
class Line:
    """`is_attributable`: directly, to making the data ready for use or sale. `stage` is told for development alone."""

    kind: Kind
    description: str
    amount: Money
    is_attributable: bool = True
    stage: Stage | None = None
    evidence_hash: str | None = None


@dataclass(frozen=True, slots=True)
class Narrative:
    """What 三 asks to be told in words; the names of its items in the order of the rule."""

    use: str | None = None  # 应用场景或业务模式
    source: str | None = None  # 来源及构成
    scale: str | None = None  # 规模、类型
    ownership: str | None = None  # 权属
    processing: str | None = None  # 加工维护和安全保护
    restrictions: str | None = None  # 使用受到的限制
    loss_of_right: str | None = None  # 失去权利的情况
    useful_life: str | None = None  # 使用寿命及摊销方法


@dataclass(frozen=True, slots=True)
class Statement:
    """What an owner says of its data and what they cost."""

    version_id: VersionId
    holding: Holding
    conditions: frozenset[Condition]
    lines: tuple[Line, ...]
    narrative: Narrative


@dataclass(frozen=True, slots=True)
class Treated:
    line: Line
    is_capitalised: bool
    reason: Reason


@dataclass(frozen=True, slots=True)
class CostSheet:
    """Never changes; another one follows it. `document` is the canonical JSON that the hash is of."""

    id: CostSheetId
    provider_id: ParticipantId
    statement: Statement
    treated: tuple[Treated, ...]
    document: str
    document_hash: str
    drawn_at: datetime

    @property
    def capitalised(self) -> Money:
        return summed(self.treated, is_capitalised=True)

    @property
    def expensed(self) -> Money:
        return summed(self.treated, is_capitalised=False)

    @property
    def item(self) -> str:
        return item_of(self.statement)


class NoSuchCostSheet(NotFound):
    """There is no such cost sheet, or it is not yours."""


class StageDoesNotFit(Malformed):
    """A stage is told for each cost of data that are developed, and for no other."""


def treat(statement: Statement) -> tuple[Treated, ...]:
    """Each line with its treatment, in their order. Raises StageDoesNotFit."""
    return tuple(_treat(statement, line) for line in statement.lines)


def is_recognised(statement: Statement) -> bool:
    return statement.conditions >= RECOGNITION


def summed(treated: Iterable[Treated], *, is_capitalised: bool) -> Money:
    return total([each.line.amount for each in treated if each.is_capitalised is is_capitalised])


def item_of(statement: Statement) -> str:
    """Where in the balance sheet it stands, or that it does not."""
    return ITEMS[statement.holding] if is_recognised(statement) else UNRECOGNISED


def document(statement: Statement, treated: Sequence[Treated]) -> dict[str, Any]:
    """What was stated and what follows, as canonical JSON can carry it."""
    told = {
        "mark": MARK, "rule_version": RULE_VERSION, "statement": statement, "item": item_of(statement),
        "treated": [{"is_capitalised": each.is_capitalised, "reason": each.reason} for each in treated],
        "capitalised": summed(treated, is_capitalised=True), "expensed": summed(treated, is_capitalised=False),
    }  # fmt: skip
    return plain(told)


HEADER = ("项目 · item", "类别 · kind", "说明 · description", "处理 · treatment", "理由 · reason", "金额（元） · yuan")
NARRATED: Mapping[str, str] = {
    "use": "应用场景 · use", "source": "来源 · source", "scale": "规模与类型 · scale", "ownership": "权属 · ownership",
    "processing": "加工维护 · processing", "restrictions": "使用限制 · restrictions",
    "loss_of_right": "失去权利 · loss of right", "useful_life": "使用寿命及摊销 · useful life",
}  # fmt: skip
TREATMENT = {True: "资本化 · capitalised", False: "费用化 · expensed"}
SUMS = "合计 · total"


def table(sheet: CostSheet) -> list[tuple[str, ...]]:
    """The disclosure as rows of text: its mark, each cost with its treatment, the sums, and what is told in words."""
    rows: list[tuple[str, ...]] = [(MARK, RULE_VERSION, sheet.document_hash), HEADER]
    for each in sheet.treated:
        line = each.line
        rows.append(
            (sheet.item, line.kind, line.description, TREATMENT[each.is_capitalised], each.reason, yuan(line.amount))
        )
    for is_capitalised, amount in ((True, sheet.capitalised), (False, sheet.expensed)):
        rows.append((sheet.item, SUMS, "", TREATMENT[is_capitalised], "", yuan(amount)))
    told = ((label, getattr(sheet.statement.narrative, name)) for name, label in NARRATED.items())
    return rows + [(label, text) for label, text in told if text]


def yuan(amount: Money) -> str:
    return f"{amount.minor // 100}.{amount.minor % 100:02}"


def _treat(statement: Statement, line: Line) -> Treated:
    develops = statement.holding is Holding.INTANGIBLE_DEVELOPED
    if develops is (line.stage is None):
        raise StageDoesNotFit(holding=statement.holding, kind=line.kind)
    if not is_recognised(statement):
        return Treated(line, False, Reason.NOT_RECOGNISED)
    if line.kind in NEVER:
        return Treated(line, False, Reason.PERIOD_COST)
    if not line.is_attributable:
        return Treated(line, False, Reason.NOT_ATTRIBUTABLE)
    if line.kind not in CAPITALISED[statement.holding]:
        return Treated(line, False, Reason.NOT_OF_THIS_HOLDING)
    if line.stage is Stage.RESEARCH:
        return Treated(line, False, Reason.RESEARCH_STAGE)
    if develops and not statement.conditions >= DEVELOPMENT:
        return Treated(line, False, Reason.DEVELOPMENT_NOT_QUALIFYING)
    return Treated(line, True, Reason.COST_OF_ASSET)

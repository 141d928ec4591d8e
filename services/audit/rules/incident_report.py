"""What is told of an incident: drafts of the reports, filled as far as the register knows, each part by its article.

Promises: every part that the law lists is in the draft, in its order, also where nothing is known of it yet: then it
says so, and may be told later (办法 art. 7: what cannot be determined in time is told first in outline). Does not: send
anything, or keep what was sent; the register keeps hashes.
Sources: 国家网络安全事件报告管理办法 arts 7 (first report), 8 (final report); PIPL art. 57 (persons and authority).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from services.audit.rules.incident import Incident, Kind, Report, To
from services.audit.rules.severity import REPORTED_TO, Severity

BEIJING = timezone(timedelta(hours=8))
UNKNOWN = "待补充（尚未查明）"
KINDS: Mapping[Kind, str] = {
    Kind.DATA_LEAK: "数据泄露", Kind.TAMPERING: "数据篡改", Kind.LOSS: "数据毁损、丢失", Kind.OUTAGE: "运行中断",
    Kind.INTRUSION: "网络入侵", Kind.RANSOMWARE: "勒索软件攻击", Kind.OTHER: "其他",
}  # fmt: skip
SEVERITIES: Mapping[Severity | None, str] = {
    None: "研判中", Severity.ORDINARY: "一般", Severity.LARGER: "较大", Severity.MAJOR: "重大",
    Severity.EXTREME: "特别重大",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Part:
    """A part that must be in the report; `text` is None where the register cannot know it."""

    title: str
    article: str
    text: str | None


@dataclass(frozen=True, slots=True)
class Draft:
    title: str
    recipient: str
    due: datetime | None
    parts: tuple[Part, ...]


def draft(incident: Incident, report: Report, to: To) -> Draft:
    """The report as far as it can be written from the register."""
    if to is To.PERSONS or to is To.PARTICIPANTS:
        return Draft("个人信息安全事件告知", "受影响的个人及相关方", incident.deadline, _to_persons(incident))
    title = f"网络安全事件{'总结报告' if report is Report.FINAL else '报告'}"
    parts = _final(incident) if report is Report.FINAL else _first(incident)
    operator_type = incident.graded.operator_type
    recipient = REPORTED_TO[operator_type] if operator_type else UNKNOWN
    return Draft(title, "公安机关" if to is To.POLICE else recipient, incident.deadline, parts)


def text(found: Draft) -> str:
    """The draft as one text, in the order of its parts."""
    lines = [found.title, f"致：{found.recipient}", ""]
    for number, part in enumerate(found.parts, 1):
        lines += [f"{number}. {part.title}（{part.article}）", part.text or UNKNOWN, ""]
    return "\n".join(lines)


def _first(incident: Incident) -> tuple[Part, ...]:
    article = "报告管理办法第七条"
    ransom = [Part("勒索金额、方式、日期", article, None)] if incident.kind is Kind.RANSOMWARE else []
    return (
        Part("涉事单位名称及网络和系统的基本情况", article, None),
        Part("发现或发生时间、地点", article, _beijing(incident.discovered_at)),
        Part("事件类型、级别", article, f"{KINDS[incident.kind]}，{SEVERITIES[incident.severity]}"),
        Part("已造成的影响和危害", article, _measured(incident)),
        Part("已采取的措施及效果", article, None),
        *ransom,
        Part("事态发展趋势及可能造成的进一步影响和危害", article, None),
        Part("事件原因初步分析", article, incident.summary),
        Part("溯源调查工作线索", article, f"审计日志告警：{incident.source}" if incident.source else None),
        Part("拟进一步采取的应对措施及请求支援事项", article, None),
        Part("事件现场保护情况", article, "审计日志只增不改，检查点与证明可离线核验"),
        Part("其他应当报告的情况", article, None),
    )


def _final(incident: Incident) -> tuple[Part, ...]:
    article = "报告管理办法第八条"
    return (
        Part("事件原因", article, incident.summary),
        Part("应急处置措施", article, _told(incident)),
        Part("造成的危害", article, _measured(incident)),
        Part("责任处理", article, None),
        Part("完善整改情况", article, None),
        Part("教训", article, None),
    )


def _to_persons(incident: Incident) -> tuple[Part, ...]:
    article = "个人信息保护法第五十七条"
    return (
        Part("信息种类、原因和可能造成的危害", article, f"{KINDS[incident.kind]}：{incident.summary}"),
        Part("已采取的补救措施", article, None),
        Part("个人可以采取的减轻危害的措施", article, None),
        Part("个人信息处理者的联系方式", article, None),
    )


def _measured(incident: Incident) -> str | None:
    signs = incident.graded.signs
    known: Sequence[tuple[str, int | None]] = (
        ("整体中断（分钟）", signs.outage_minutes), ("主要功能中断（分钟）", signs.main_function_outage_minutes),
        ("受影响人数", signs.affected), ("占一省人口百分比", signs.province_share_percent),
        ("泄露个人信息人数", signs.persons), ("直接经济损失（分）", signs.loss_minor),
    )  # fmt: skip
    return "；".join(f"{name}：{number}" for name, number in known if number is not None) or None


def _told(incident: Incident) -> str | None:
    lines = [f"{_beijing(each.sent_at)} 已向{each.recipient}报告（{each.channel}）" for each in incident.told]
    return "；".join(lines) or None


def _beijing(moment: datetime) -> str:
    return moment.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S（北京时间）")

"""The legal text of a contract (合同文本): numbered clauses in Chinese, each with an English gist, out of the terms.

Promises: a function of the terms alone, so that whoever has the terms can write the text again and compare its hash,
which the terms pin together with the version of the text; a version that was ever signed is never changed, another one
is added beside it; the Chinese text is the one that binds.
The structure is that of 数据提供合同, one of the four model contracts of 国家数据局 and 市场监管总局 (2025-07-04), with
its numbers where we know them: § 1 标的, § 2 产权安排, § 5 交付, § 6 费用, § 7 验收. The wording is ours. Every deal
here takes that structure, computing included: a provider lets its own data be used by a buyer. None of the other three
fits the two parties of a deal: nobody entrusts data of their own to be processed (委托处理), no two parties pool theirs
(融合开发), and the exchange's own service (中介服务) is the matter of its rules.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from services.trading.rules.contract_duties import breach, care, disputes, others, term
from services.trading.rules.contract_words import (
    FLAGS,
    GRADES,
    KINDS,
    MODES,
    SOURCES,
    Body,
    as_bought,
    as_recorded,
    body,
    days,
    listed,
    party,
    percent,
    yuan_text,
)
from shared import canonical
from shared.capitals import in_capitals
from shared.facts import plain
from shared.money import Money

TEXT_VERSION = 1
PROVISION = "provision"  # 数据提供合同


@dataclass(frozen=True, slots=True)
class Clause:
    """`gist` says in English what the paragraphs say; it does not bind."""

    number: int
    title: str
    title_english: str
    paragraphs: tuple[str, ...]
    gist: str


class UnknownText(ValueError):
    """The terms pin a version of the text that this code does not have."""


def structure_of(_: Mapping[str, Any]) -> str:
    """Which of the four model contracts a deal follows."""
    return PROVISION


def text_of(terms: Mapping[str, Any]) -> tuple[Clause, ...] | None:
    """The clauses in the version that the terms pin. None for terms of version 1, which had no text."""
    if "text" not in terms:
        return None
    if terms["text"]["text_version"] != TEXT_VERSION:
        raise UnknownText(terms["text"]["text_version"])
    return clauses_of(terms)


def clauses_of(terms: Mapping[str, Any]) -> tuple[Clause, ...]:
    """The clauses in the newest version. Requires plain terms, with or without their policy and their pin."""
    return tuple(
        Clause(number, title, english, *write(terms)) for number, (title, english, write) in enumerate(CLAUSES, start=1)
    )


def hash_of(clauses: tuple[Clause, ...]) -> str:
    """SHA-256 of the clauses in canonical JSON, in hex."""
    return canonical.digest(plain(clauses))


def _subject(terms: Mapping[str, Any]) -> Body:
    subject, grading, parties = terms["subject"], terms["grading"], terms["parties"]
    flags = listed([FLAGS[flag] for flag in grading["flags"]]) or "无"
    return body(
        "The provider lets the buyer have one immutable version, named by its hash, at the stated grade and policy.",
        f"甲方（提供方）：{party(parties['provider'])}。乙方（需求方）：{party(parties['buyer'])}。",
        f"甲方向乙方提供名为“{subject['title']}”的数据（以下称“标的数据”）。标的数据为资产{subject['asset_id']}的版本"
        f"{subject['version_id']}，内容一经登记不再变更，其内容的 SHA-256 摘要为{subject['content_hash']}。",
        f"标的数据的级别为{grading['grade']}（{GRADES[grading['grade']]}），分级修订号{grading['grade_revision']}；"
        f"特别标识：{flags}。乙方的资质等级为{grading.get('buyer_clearance', '未定')}，许可规则版本为"
        f"{grading['decision']['policy_version']}。",
    )


def _rights(terms: Mapping[str, Any]) -> Body:
    right = terms["right"]
    alone = "在授权领域、地域和期限内，甲方不得就同一资产另行授予与本授权重叠的权利。"
    return body(
        "The provider keeps the rights to hold and to operate; the buyer may use, and may not sub-license.",
        "甲方保留标的数据的持有权和经营权，授予乙方标的数据的使用权。授权性质为"
        f"{KINDS[right['kind']].format(copies=right.get('copies', 0))}。",
        alone if right["kind"] == "exclusive" else "",
        "乙方依照本合同使用标的数据所形成的数据和产品，其权益由乙方享有，法律、行政法规另有规定的除外。本合同不转让标的数据"
        "的持有权，不授予乙方再许可的权利。",
    )


def _purpose(terms: Mapping[str, Any]) -> Body:
    right, columns = terms["right"], terms.get("columns_digest")
    return body(
        "Use is limited to the stated purposes, field, territory and number of uses; more needs an amendment.",
        f"乙方仅可为下列目的使用标的数据：{listed(terms['purposes'])}。授权领域为{right['field']}，授权地域为"
        f"{right['territory']}，使用次数不超过{terms['quota_uses']}次。",
        f"乙方仅可就约定的字段提出请求，约定字段名集合的 SHA-256 摘要为{columns}。" if columns else "",
        "乙方改变使用目的、方式或者范围的，应当事先与甲方变更本合同。",
    )


def _source(terms: Mapping[str, Any]) -> Body:
    return body(
        "The provider answers for a lawful source; the exchange has verified both parties and keeps the records.",
        "甲方说明并保证标的数据来源合法，有权按照本合同提供；标的数据的登记、分级和质量报告以平台记载为准。",
        *(SOURCES[flag] for flag in terms["grading"]["flags"] if flag in SOURCES),
        "平台已核验双方身份，并留存审核、交易记录（《中华人民共和国数据安全法》第三十三条）。",
    )


def _delivery(terms: Mapping[str, Any]) -> Body:
    return body(
        "Delivery runs through the exchange and is decided anew each time; what is not delivered in time is refunded.",
        f"交付方式为{MODES[terms['mode']]}。标的数据通过平台交付，每次交付前平台依当时的级别、资质和用途重新作出许可决定，"
        "并在发送第一个字节之前予以记录。",
        "标的数据已存于平台。乙方应当自付款之日起（授权另有起始日的，自该日起）"
        f"{days(terms['windows']['delivery_seconds'])}内取用；届时未交付的，全部价款退还乙方，本合同终止。",
        "级别调升致本合同的交付方式不再被允许的，交付中止，直至许可恢复。以文件方式交付的数据无法收回。",
    )


def _price(terms: Mapping[str, Any]) -> Body:
    price, fees, windows = Money(**terms["price"]), terms["fees"], terms["windows"]
    made = f"{as_bought(terms)}合同价款为人民币{yuan_text(price)}元（大写：{in_capitals(price)}）。"
    if not price.minor:
        return body("The deal costs nothing.", made, "本合同无须付款，双方签署后即授予使用权。")
    shared, meter = terms.get("co_owners"), terms.get("meter")
    return body(
        "The whole price is paid into escrow at the custodian, and shared out after acceptance by the fixed schedule.",
        made,
        f"合同价款为最高额，按实际使用次数计价：使用期限届满或者乙方关闭计量时，按已用次数（至多{meter['units_max']}次）确定"
        "价款，预留而未使用的部分当即退还乙方，验收期自此起算。"
        if meter
        else "",
        as_recorded("计价方式", "meter", meter) if meter else "",
        f"乙方应当自双方签署之日起{days(windows['payment_seconds'])}内将全部价款付入存管机构的监管账户。平台不经手、不归集"
        "资金，仅向存管机构发出指令。",
        f"验收后，价款扣除平台服务费（费率{percent(fees['provider_fee_basis_points'])}）及其税费"
        f"（税率{percent(fees['tax_basis_points'])}）后付给甲方，费率表编号{fees['id']}，此后的费率变动不影响本合同。"
        f"存管机构应当在{days(windows['settling_seconds'])}内完成划付。",
        as_recorded("甲方所得由共有人分配，份额", "co_owners", shared) if shared else "",
    )


def _acceptance(terms: Mapping[str, Any]) -> Body:
    agreed, seconds = terms.get("acceptance"), terms["windows"]["acceptance_seconds"]
    return body(
        "The buyer inspects within the stated time; a yes, or silence until its end, accepts.",
        f"乙方应当自首次交付之日起{days(seconds)}内验收。标的数据与登记的内容摘要、字段和质量报告相符的，为合格。",
        "乙方在验收期内确认，或者验收期届满而未提出异议的，视为验收合格。",
        as_recorded("验收的其他约定", "acceptance", agreed) if agreed else "",
    )


Writer = Callable[[Mapping[str, Any]], Body]
CLAUSES: tuple[tuple[str, str, Writer], ...] = (
    ("合同标的", "Subject", _subject),
    ("产权安排", "Rights", _rights),
    ("使用目的与范围", "Purpose and scope", _purpose),
    ("数据来源与合规", "Source and lawfulness", _source),
    ("交付", "Delivery", _delivery),
    ("费用与支付", "Price and payment", _price),
    ("验收", "Acceptance", _acceptance),
    ("保密与数据安全", "Confidentiality and security", care),
    ("期限、变更与解除", "Term, amendment, termination", term),
    ("违约责任", "Breach", breach),
    ("争议解决", "Disputes", disputes),
    ("其他", "Other matters", others),
)

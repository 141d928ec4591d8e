"""The clauses of a contract that say what the parties owe each other beyond the deal itself (see `contract_text`)."""

from collections.abc import Mapping
from typing import Any

from services.trading.rules.contract_words import PERSONAL, Body, body, days, moment_text


def care(terms: Mapping[str, Any]) -> Body:
    deletes = "授权终止后，乙方应当立即停止使用并删除其取得的标的数据及其副本，乙方依约形成的数据和产品除外。"
    stays = "标的数据不离开平台。乙方不得以构造查询等方式还原标的数据，授权终止后不得再提出计算请求。"
    return body(
        "No redistribution, no identifying of persons; security fit for the grade; copies are deleted at the end.",
        "乙方不得向任何第三方转让、出借、公开或者以其他方式再分发标的数据。",
        "乙方不得以任何方式重新识别标的数据所涉的自然人，不得将标的数据与其他信息结合以识别特定自然人。"
        if PERSONAL & set(terms["grading"]["flags"])
        else "",
        "乙方应当采取与标的数据级别相适应的技术和管理措施，发生或者可能发生数据安全事件的，应当立即采取补救措施并通知甲方和平台。",
        stays if terms["mode"] == "compute" else deletes,
        "双方对因本合同知悉的商业秘密负有保密义务，该义务不因本合同终止而消灭。",
    )


def term(terms: Mapping[str, Any]) -> Body:
    right, before, renewed = terms["right"], terms.get("supersedes"), terms.get("renews")
    begins = f"，最早自{moment_text(right['starts_at'])}起" if "starts_at" in right else ""
    return body(
        "The right runs from its grant; an amendment is a new contract; the two may end it by agreement.",
        f"授权期限为{right['period_days']}日，自授权授予之日起算{begins}。",
        f"本合同自双方签署时起取代合同{before['contract_id']}（条款摘要{before['terms_hash']}），已使用的次数和已经过的期限"
        "继续计算。"
        if before
        else "",
        f"本合同续期自合同{renewed}。" if renewed else "",
        "已签署的合同不作修改；变更以双方签署新合同的方式进行，新合同取代原合同。续期应当依当时的报价另行订立合同。",
        "一方提出解除的，应当说明理由；另一方可以同意或者提出异议，均应说明理由，"
        f"{days(terms['windows']['signing_seconds'])}内未答复的，视为不同意。合意解除时尚未交付的，价款全部退还；已经交付的，"
        "授权向将来终止，已付价款不予退还。",
    )


def breach(terms: Mapping[str, Any]) -> Body:
    return body(
        "Whoever breaks the contract cures it or pays for it; overuse and redistribution may cost the right.",
        "一方违反本合同的，应当继续履行、采取补救措施或者赔偿损失。",
        "乙方竞得后不签署或者不付款的，其保证金依竞价规则处理。" if "auction_id" in terms["origin"] else "",
        "乙方超出目的、领域、地域、次数或者期限使用，或者再分发标的数据的，甲方有权请求停止使用、删除并赔偿损失；平台可以依裁决"
        "中止授权并记入信用记录。",
        "标的数据来源不合法或者与登记内容不符的，甲方应当退还相应价款并赔偿损失。",
    )


def disputes(_: Mapping[str, Any]) -> Body:
    return body(
        "Disputes may go to the exchange's own ruling, which is no statutory award; the courts stay open.",
        "因本合同发生争议的，双方可以协商，也可以提交平台依其规则裁决；裁决期间，监管账户中的争议款项不予划付。",
        "平台裁决为双方约定的合同处理机制，不是仲裁裁决。任何一方不服的，可以依法申请仲裁（双方另有书面仲裁协议时）或者向有管辖权的"
        "人民法院起诉。本合同适用中华人民共和国法律。",
    )


def others(terms: Mapping[str, Any]) -> Body:
    changed = terms.get("amended_at")
    made = f"{moment_text(changed)}变更" if changed else f"{moment_text(terms['awarded_at'])}成交"
    return body(
        "Both sign the hash of the machine-readable terms, which pin this text; the Chinese binds, the gists do not.",
        f"本合同由平台于{made}时生成，合同编号{terms['contract_id']}，订单编号{terms['order_id']}。",
        "双方以其在平台登记的密钥对机器可读条款的摘要签署，该条款载有本文本的版本和摘要，签署即及于本文本。可靠的电子签名与手写签名"
        "或者盖章具有同等的法律效力（《中华人民共和国电子签名法》第十三条、第十四条）。",
        "机器可读条款与本文本不一致的，以机器可读条款为准；英文要旨仅供参考。",
    )

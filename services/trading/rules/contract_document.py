"""What the PDF of a contract says: its text, who is bound, the hashes that are signed, and the signatures.

Promises: a function of the terms and the signatures alone, so that a signed contract has one document for ever, what
becomes of it later notwithstanding; money and time are written here, and the template only sets what it is given.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.trading.rules.contract import Contract, Person, Signature
from services.trading.rules.contract_text import text_of
from services.trading.rules.contract_words import moment_text, yuan_text
from shared import canonical
from shared.capitals import in_capitals
from shared.errors import NotFound
from shared.facts import microseconds
from shared.money import Money

EXCHANGE = "要素 Yaosu"
TITLES = {"provision": ("数据提供合同", "Data Provision Contract")}
SIDES = {"provider": "甲方 Provider", "buyer": "乙方 Buyer"}
Line = dict[str, str]


class NoDocument(NotFound):
    """This contract was made under terms that had no text, and has no document."""


def content_of(contract: Contract) -> Mapping[str, Any]:
    """What the template is given. Raises NoDocument for a contract whose terms pin no text."""
    terms = canonical.decode(contract.terms)
    clauses = text_of(terms)
    if clauses is None:
        raise NoDocument()
    title, english = TITLES[terms["text"]["structure"]]
    missing = [side for side in SIDES if side not in contract.signed]
    return {
        "exchange": EXCHANGE,
        "title": title,
        "title_english": english,
        "contract_id": contract.id,
        "terms_hash": contract.terms_hash,
        "standing": "未经双方签署 not signed by both" if missing else "双方已签署 signed by both",
        "summary": _summary(contract, terms),
        "clauses": [
            {
                "number": str(clause.number), "title": clause.title, "title_english": clause.title_english,
                "paragraphs": list(clause.paragraphs), "gist": clause.gist,
            }
            for clause in clauses
        ],
        "signatures": [_signed(terms, signature) for signature in contract.signatures],
    }  # fmt: skip


def made_at(contract: Contract) -> datetime:
    """The moment that the document is of: its last signature, or else its draft."""
    return max((signature.signed_at for signature in contract.signatures), default=contract.drafted_at)


def _summary(contract: Contract, terms: Mapping[str, Any]) -> list[Line]:
    price = Money(**terms["price"])
    return [
        _line("合同编号 Contract", contract.id),
        _line("订单编号 Order", contract.order_id),
        *(_line(SIDES[side], _party(terms, side)) for side in SIDES),
        _line("标的 Subject", terms["subject"]["title"]),
        _line("价款 Price", f"人民币 {yuan_text(price)} 元"),
        _line("大写 In words", in_capitals(price)),
        _line("成交时间 Awarded", moment_text(terms["awarded_at"])),
        _line("条款摘要 Terms", contract.terms_hash),
        _line("文本摘要 Text", terms["text"]["text_hash"]),
    ]


def _signed(terms: Mapping[str, Any], signature: Signature) -> list[Line]:
    return [
        _line(SIDES[signature.side], _party(terms, signature.side)),
        *(_by_person(signature.person) if signature.person else _by_key(signature)),
        _line("签署时间 Signed", moment_text(microseconds(signature.signed_at))),
    ]


def _by_key(signature: Signature) -> list[Line]:
    told = {
        "密钥 Key": signature.key_id,
        "公钥 Public key": signature.public_key,
        "签名 Signature": signature.signature,
    }
    return [_line(name, value) for name, value in told.items() if value]


def _by_person(person: Person) -> list[Line]:
    return [
        _line("签署人 Signatory", person.user_id),
        _line("核验方式 Proved by", person.authenticated_by),
        _line("核验时间 Proved at", moment_text(microseconds(person.authenticated_at))),
    ]


def _party(terms: Mapping[str, Any], side: str) -> str:
    known = terms["parties"][side]
    told = (known.get("name"), known.get("uscc"), known["participant_id"])
    return " · ".join(each for each in told if each)


def _line(name: str, value: str) -> Line:
    return {"name": name, "value": value}

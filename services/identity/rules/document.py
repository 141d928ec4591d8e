"""A document of an admission: what an organisation shows of itself, and what came of checking it.

Promises: of a document its hash is kept, of a person the result alone, never a name, number or image (L-19); a check
says by which method, by whom and until when, and is worth half a year at most, and never more than the document
itself; of one kind an organisation has one document waiting and one in force; whatever is no longer proven counts by
its time, whether or not a job has noticed.
Does not: read a document, or know which ones an admission takes (`merchant`).
Source: E-commerce Law art. 27 (verify, register, and verify again); Network Data Security Regulation art. 43.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from shared.errors import Conflict, NotFound
from shared.ids import DocumentId, ParticipantId
from shared.lifecycle import IllegalMove, Lifecycle

CHECKED_WITHIN = timedelta(days=30)
CHECK_LASTS = timedelta(days=183)  # 网络交易监督管理办法 art. 24: verified anew at least every six months
NOT_CHECKED, EXPIRED, REPLACED_BY_NEWER = "not_checked_in_time", "proof_expired", "replaced_by_newer"


class Kind(StrEnum):
    BUSINESS_LICENCE = "business_licence"  # 营业执照
    REPRESENTATIVE_IDENTITY = "representative_identity"  # 法定代表人实名核验: the result only
    AUTHORISATION = "authorisation"  # 经办人授权委托书
    UNDERTAKING = "undertaking"  # 合规承诺书
    STATEMENT_OF_PURPOSE = "statement_of_purpose"  # 数据使用目的说明
    SECURITY_CAPABILITY = "security_capability"  # 等保二级 or DSMM 2
    PROTECTION_LEVEL_THREE = "protection_level_three"  # 等保三级
    CONSENT_TO_AUDIT = "consent_to_audit"  # 接受审计承诺书
    APPROVAL_BY_AUTHORITY = "approval_by_authority"  # 主管部门意见
    PROFESSIONAL_QUALIFICATION = "professional_qualification"  # 专业资质


WITHOUT_FILE = frozenset({Kind.REPRESENTATIVE_IDENTITY})


class Method(StrEnum):
    BY_HAND = "by_hand"
    REGISTER = "register"  # 国家企业信用信息公示系统, by name and credit code
    NETWORK_IDENTITY = "network_identity"  # 国家网络身份认证公共服务, by a credential that is good once


class State(StrEnum):
    FILED = "filed"
    VERIFIED = "verified"
    REJECTED = "rejected"
    REPLACED = "replaced"
    LAPSED = "lapsed"


FILED, VERIFIED, REJECTED, REPLACED, LAPSED = State
DOCUMENT = Lifecycle(start=FILED, moves={
    FILED:    {VERIFIED, REJECTED, REPLACED, LAPSED},
    VERIFIED: {VERIFIED, REJECTED, REPLACED, LAPSED},  # looked at again before its time is up
    REJECTED: set(),
    REPLACED: set(),
    LAPSED:   set(),
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Check:
    """What one look at a document found. `reference`: the number under which the other side keeps its answer."""

    method: Method
    passed: bool
    reference: str
    checked_by: str
    checked_at: datetime


@dataclass(frozen=True, slots=True)
class Document:
    """`deadline`: until when it must be checked; once it is verified, until when that is worth something."""

    id: DocumentId
    participant_id: ParticipantId
    kind: Kind
    content_hash: str | None  # SHA-256; None where only a result is kept
    issued_at: datetime | None
    valid_until: datetime | None
    filed_at: datetime
    state: State
    deadline: datetime | None
    check: Check | None = None
    reason_code: str | None = None
    revision: int = 1

    @property
    def next_actor(self) -> str | None:
        return {FILED: "operator_security", VERIFIED: "participant"}.get(self.state)


@dataclass(frozen=True, slots=True)
class Proofs:
    """What is proven of an organisation at a moment: until when for each kind, and who looked; and, where it takes a
    sponsor, until when one vouches for it, if any does."""

    until: Mapping[Kind, datetime]
    checked_by: Mapping[Kind, str]
    takes_sponsor: bool = False
    sponsored_until: datetime | None = None


class NoSuchDocument(NotFound):
    """There is no such document, or you may not see it."""


class DocumentNotInForce(Conflict):
    """This document is not yet, or no longer, valid; file one that is."""


class ResultOnly(Conflict):
    """Of a person's identity no document is taken: send a credential of the national network identity, or have the
    exchange look at the papers and keep the result."""


class DocumentLapsed(Conflict):
    """The time for this document is up; file a new one."""


class MethodDoesNotFit(Conflict):
    """By this method something else is verified."""


def file(
    document_id: DocumentId, participant_id: ParticipantId, kind: Kind, content_hash: str,
    issued_at: datetime, valid_until: datetime | None, now: datetime,
) -> Document:  # fmt: skip
    """Waiting for its check. Requires the SHA-256 of what the operator will be shown."""
    if kind in WITHOUT_FILE:
        raise ResultOnly(kind=kind)
    if issued_at > now or (valid_until is not None and valid_until <= now):
        raise DocumentNotInForce(issued_at=issued_at, valid_until=valid_until)
    deadline = _earlier(now + CHECKED_WITHIN, valid_until)
    return Document(
        document_id, participant_id, kind, content_hash, issued_at, valid_until, now, DOCUMENT.start, deadline
    )


def identify(document_id: DocumentId, participant_id: ParticipantId, now: datetime) -> Document:
    """That the representative is who they say: nothing is kept of them but what the check will have found."""
    kind, deadline = Kind.REPRESENTATIVE_IDENTITY, now + CHECKED_WITHIN
    return Document(document_id, participant_id, kind, None, None, None, now, DOCUMENT.start, deadline)


def check(document: Document, found: Check, reason_code: str | None) -> Document:
    """Verified until its time is up, or rejected. Requires a reason for a rejection.

    Raises IllegalMove for one that has ended, DocumentLapsed for one whose time is up, MethodDoesNotFit.
    """
    to = VERIFIED if found.passed else REJECTED
    DOCUMENT.move(document.state, to)
    if found.method is Method.REGISTER and document.kind is not Kind.BUSINESS_LICENCE:
        raise MethodDoesNotFit(kind=document.kind)
    if found.method is Method.NETWORK_IDENTITY and document.kind is not Kind.REPRESENTATIVE_IDENTITY:
        raise MethodDoesNotFit(kind=document.kind)
    if document.deadline is not None and found.checked_at >= document.deadline:
        raise DocumentLapsed(deadline=document.deadline)
    deadline = _earlier(found.checked_at + CHECK_LASTS, document.valid_until) if found.passed else None
    return _change(document, state=to, deadline=deadline, check=found, reason_code=reason_code)


def replace_by_newer(document: Document) -> Document:
    state = DOCUMENT.move(document.state, REPLACED)
    return _change(document, state=state, deadline=None, reason_code=REPLACED_BY_NEWER)


def pass_deadline(document: Document) -> Document:
    """Requires that its deadline has passed."""
    reason_code = NOT_CHECKED if document.state is FILED else EXPIRED
    return _change(document, state=DOCUMENT.move(document.state, LAPSED), deadline=None, reason_code=reason_code)


def proofs_of(documents: Iterable[Document], now: datetime) -> Proofs:
    """What stands at this moment."""
    until, checked_by = dict[Kind, datetime](), dict[Kind, str]()
    for each in documents:
        if each.state is VERIFIED and each.check and each.deadline is not None and now < each.deadline:
            until[each.kind] = each.deadline
            checked_by[each.kind] = each.check.checked_by
    return Proofs(until, checked_by)


def require_open(document: Document) -> None:
    """Raises IllegalMove for a document that nothing more can come of."""
    if not DOCUMENT.moves[document.state]:
        raise IllegalMove(state=document.state, to=VERIFIED)


def _earlier(one: datetime, other: datetime | None) -> datetime:
    return one if other is None else min(one, other)


def _change(document: Document, **changes: object) -> Document:
    return replace(document, revision=document.revision + 1, **changes)  # pyright: ignore[reportArgumentType]

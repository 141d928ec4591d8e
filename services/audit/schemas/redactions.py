"""What stands behind commitments, and what is taken away of it."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from services.audit.rules.redaction import KeyState
from services.audit.rules.redaction import State as RedactionState
from services.audit.schemas.log import Hash
from services.audit.schemas.words import LegalBasis, ReasonCode, Words
from shared import web
from shared.facts import Retention
from shared.ids import FactId, RedactionId

Name = Annotated[str, Field(pattern="^[a-z][a-z_]{0,63}$")]


SubjectId = Annotated[str, Field(pattern="^(user|client|participant|consent)_[0-9a-f]{32}$")]


class NewDisclosure(web.Request):
    """What a service's own commitment stands for: kept sealed, under the key of its subject and purpose."""

    fact_id: FactId
    name: Name
    value: Annotated[str, Field(min_length=1, max_length=4_000)]
    salt: Hash
    subject: SubjectId
    purpose: Name


class FieldView(web.View):
    """A committed field of an entry."""

    index: int
    name: str


class OpenedFieldView(web.View):
    """承诺字段 · A committed field as a case opens it: with value and salt, which anyone can check, or why without."""

    name: str
    commitment: str
    state: Literal["disclosed", "withheld", "restricted", "erased"]
    value: str | None
    salt: str | None


class NewRedaction(web.Request):
    """删除 · What is kept of a subject for a purpose is to be restricted, or, once it is restricted, erased."""

    subject: SubjectId
    purpose: Name
    to: Literal["restricted", "erased"]
    legal_basis: LegalBasis
    reason: Words

    def told(self) -> tuple[str, str, KeyState, str, str]:
        return self.subject, self.purpose, KeyState(self.to), self.legal_basis, self.reason


class RedactionRefusal(web.Request):
    reason_code: ReasonCode
    reason: Words


class RedactionView(web.View):
    id: RedactionId
    state: RedactionState
    next_actor: str | None
    deadline: datetime | None
    subject: str
    purpose: str
    to: KeyState
    legal_basis: str
    reason: str
    proposed_by: str
    decided_by: str | None
    reason_code: str | None
    field_count: int | None
    revision: int


class RedactionCountView(web.View):
    """At how many redactions that were done an operator had a hand."""

    operator: str
    count: int


class RetentionView(web.View):
    """存证期限 · For each class the days that an entry is kept (none: without end), and from which index on all are."""

    policy_id: str
    days: dict[Retention, int | None]
    minimum_index: int

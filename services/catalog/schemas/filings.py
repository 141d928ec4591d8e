"""What crosses the wire about filings, objections and what is under public notice."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field as Limits
from pydantic import model_validator

from services.catalog.rules.asset import Description, NextActor, UpdateCycle
from services.catalog.rules.filing import Change, Filing, FilingState, Licence, Particulars, Type
from services.catalog.rules.objection import Ground, Objection, ObjectionState
from services.catalog.schemas.assets import AssetChange, NewRight, Prose, RightView
from services.catalog.schemas.versions import Sentence, Sha256
from shared.ids import AssetId, FilingId, ObjectionId, ParticipantId, VersionId
from shared.web import Moment, Request, View

Rights = Annotated[list[NewRight], Limits(min_length=1, max_length=3)]
ChosenGround = Annotated[Ground, Limits(strict=False)]


class NewLicence(Request):
    """Of the holder's rights, to whom, for what, until when. The licensee consents before it is reviewed."""

    licensee_id: ParticipantId
    scope: Sentence
    valid_until: Moment

    def particulars(self) -> Particulars:
        return Particulars(licence=Licence(self.licensee_id, self.scope, self.valid_until))


class NewTransfer(Request):
    """Of the rights on the certificate, to another participant, who consents before it is reviewed.

    The asset stays with its provider, who goes on offering it.
    """

    new_holder_id: ParticipantId

    def particulars(self) -> Particulars:
        return Particulars(new_holder_id=self.new_holder_id)


class ChangeRequest(Request):
    """What is to stand on the register instead: of the description what is named, the rights as a whole."""

    about: AssetChange | None = None
    rights: Rights | None = None

    @model_validator(mode="after")
    def _each_right_once(self) -> Self:
        if self.rights and len({right.kind for right in self.rights}) < len(self.rights):
            raise ValueError("each right is declared once")
        return self

    def particulars(self, present: Description) -> Particulars:
        about = self.about.onto(present) if self.about else None
        rights = None if self.rights is None else tuple(right.right() for right in self.rights)
        return Particulars(change=Change(about, rights))


class Note(Request):
    note: Sentence


class Because(Request):
    reason: Sentence


class NewObjection(Request):
    """`evidence_hash` is the SHA-256 of what proves it."""

    ground: ChosenGround
    statement: Prose
    evidence_hash: Sha256


class LicenceView(View):
    licensee_id: ParticipantId
    scope: str
    valid_until: datetime


class AboutView(View):
    title: str
    title_english: str | None
    description: str
    theme: str
    keywords: list[str]
    region: str | None
    update_cycle: UpdateCycle


class ChangeView(View):
    about: AboutView | None
    rights: list[RightView] | None


class GroundsView(View):
    reason_code: str
    reason: str


class FilingView(View):
    """A filing for its parties and the staff. What its type does not ask for is null.

    `operators` says how many have agreed so far.
    """

    id: FilingId
    type: Type
    asset_id: AssetId
    version_id: VersionId | None
    provider_id: ParticipantId
    applicant_id: ParticipantId | None
    filed_at: datetime
    state: FilingState
    next_actor: NextActor | None
    deadline: datetime | None
    notice_ends_at: datetime | None
    reason_code: str | None
    operators: int
    licence: LicenceView | None
    new_holder_id: ParticipantId | None
    change: ChangeView | None
    grounds: GroundsView | None

    @classmethod
    def of(cls, filing: Filing) -> Self:
        asked = filing.particulars
        return cls(
            id=filing.id, type=filing.type, asset_id=filing.asset_id, version_id=filing.version_id,
            provider_id=filing.provider_id, applicant_id=filing.applicant_id, filed_at=filing.filed_at,
            state=filing.state, next_actor=filing.next_actor, deadline=filing.deadline,
            notice_ends_at=filing.notice_ends_at, reason_code=filing.reason_code, operators=len(filing.operators),
            licence=asked.licence and LicenceView.model_validate(asked.licence), new_holder_id=asked.new_holder_id,
            change=asked.change and ChangeView.model_validate(asked.change),
            grounds=asked.grounds and GroundsView.model_validate(asked.grounds),
        )  # fmt: skip


class NoticeView(View):
    """公示: what is about to be registered, for whoever may see its title; of a first one, with its `content_hash`."""

    id: FilingId
    type: Type
    asset_id: AssetId
    title: str
    theme: str
    provider_id: ParticipantId
    applicant_id: ParticipantId | None
    counterparty_id: ParticipantId | None
    content_hash: str | None
    state: FilingState
    notice_ends_at: datetime | None

    @classmethod
    def of(cls, filing: Filing, title: str, theme: str, content_hash: str | None) -> Self:
        return cls(
            id=filing.id, type=filing.type, asset_id=filing.asset_id, title=title, theme=theme,
            provider_id=filing.provider_id, applicant_id=filing.applicant_id, counterparty_id=filing.counterparty_id,
            content_hash=content_hash, state=filing.state, notice_ends_at=filing.notice_ends_at,
        )  # fmt: skip


class ObjectionView(View):
    """An objection for its objector, the provider and the staff. Without `filing_id`, it is to the entry itself."""

    id: ObjectionId
    asset_id: AssetId
    filing_id: FilingId | None
    objector_id: ParticipantId
    ground: Ground
    statement: str
    evidence_hash: str
    raised_at: datetime
    state: ObjectionState
    next_actor: NextActor | None
    deadline: datetime | None
    reason_code: str | None
    reason: str | None

    @classmethod
    def of(cls, objection: Objection) -> Self:
        return cls.model_validate(objection)

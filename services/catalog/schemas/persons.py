"""What crosses the wire about single consents, and about what persons ask for by the receipt of one."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field as Limits

from services.catalog.rules.consent import Consent, Kind, Signature, State, Text
from services.catalog.rules.personal_request import Kind as RequestKind
from services.catalog.rules.personal_request import PersonalRequest, Words
from services.catalog.rules.personal_request import State as RequestState
from services.catalog.schemas.access import Purpose
from services.catalog.schemas.versions import Code, Sha256
from shared.ids import AssetId, ConsentId, ParticipantId, PersonalRequestId, VersionId
from shared.web import Moment, Request, View

PERSONS_MAX = 50  # all of them stand in one fact of 16 KiB
Receipt = Annotated[str, Limits(pattern=r"^[0-9a-f]{64}$")]
Written = Annotated[str, Limits(min_length=1, max_length=1000, pattern=r"\S")]


class Consenting(Request):
    """`subject`: HMAC-SHA-256 in hex of who the person is, under a salt that stays with you. `receipt_hash`: SHA-256 of
    a receipt of 256 random bits, written as 64 hex digits, that the person's own device draws and keeps."""

    subject: Sha256
    receipt_hash: Sha256


class NewConsents(Request):
    """同意 · What these persons agreed to: by which article, for which purpose, to be given to whom, on which text.
    Without a recipient, to whomever the text describes."""

    kind: Annotated[Kind, Limits(strict=False)]
    purpose: Purpose
    recipient_id: ParticipantId | None = None
    text_version: Annotated[str, Limits(min_length=1, max_length=40, pattern=r"\S")]
    text_hash: Sha256
    valid_until: Moment
    persons: Annotated[list[Consenting], Limits(min_length=1, max_length=PERSONS_MAX)]

    def text(self) -> Text:
        return Text(
            self.kind, self.purpose, self.recipient_id, self.text_version, self.text_hash, self.valid_until
        )  # fmt: skip

    def signatures(self) -> list[Signature]:
        return [Signature(each.subject, each.receipt_hash) for each in self.persons]


class ShownReceipt(Request):
    """The receipt itself, as the person keeps it."""

    receipt: Receipt


class NewPersonalRequest(ShownReceipt):
    """What you ask for, in your words. Do not write more of yourself than the answer needs."""

    kind: Annotated[RequestKind, Limits(strict=False)]
    details: Written


class RequestGrant(Request):
    """`answer` is what the person reads; `answer_hash` is SHA-256 in hex of what was sent to them beside it."""

    answer: Written
    answer_hash: Sha256 | None = None


class RequestRefusal(Request):
    """`reason` is what the person reads."""

    reason_code: Code
    reason: Written


class MyConsentView(View):
    """A consent, as whoever gave it sees it."""

    id: ConsentId
    asset_id: AssetId
    version_id: VersionId
    provider_id: ParticipantId
    kind: Kind
    purpose: str
    recipient_id: ParticipantId | None
    text_version: str
    text_hash: str
    state: State
    next_actor: str | None
    deadline: datetime | None
    given_at: datetime
    ended_at: datetime | None
    reason_code: str | None

    @classmethod
    def of(cls, consent: Consent) -> Self:
        return cls.model_validate(_told(consent))


class ConsentView(MyConsentView):
    """As its provider sees it: with the commitment to who gave it."""

    subject: str

    @classmethod
    def of(cls, consent: Consent) -> Self:
        return cls.model_validate(_told(consent) | {"subject": consent.by.subject})


class ConsentsView(View):
    """In the order of the persons."""

    items: list[ConsentView]


class PersonalRequestView(View):
    """Who answers it, and until when. `deadline_is_provisional`: the holidays on the way are not announced yet."""

    id: PersonalRequestId
    kind: RequestKind
    consent_id: ConsentId
    asset_id: AssetId
    version_id: VersionId
    provider_id: ParticipantId
    state: RequestState
    next_actor: str | None
    deadline: datetime | None
    deadline_is_provisional: bool
    escalations: int
    answer_hash: str | None
    reason_code: str | None
    received_at: datetime
    ended_at: datetime | None

    @classmethod
    def of(cls, request: PersonalRequest) -> Self:
        return cls.model_validate(_asked(request))


class PersonalRequestFileView(PersonalRequestView):
    """With the words of both sides; null once they are forgotten."""

    details: str | None
    answer: str | None

    @classmethod
    def with_words(cls, request: PersonalRequest, words: Words) -> Self:
        return cls.model_validate(_asked(request) | {"details": words.details, "answer": words.answer})


def _told(consent: Consent) -> dict[str, object]:
    text = consent.text
    return {
        "id": consent.id, "asset_id": consent.asset_id, "version_id": consent.version_id,
        "provider_id": consent.provider_id, "kind": text.kind, "purpose": text.purpose,
        "recipient_id": text.recipient_id, "text_version": text.text_version, "text_hash": text.text_hash,
        "state": consent.state, "next_actor": consent.next_actor, "deadline": consent.deadline,
        "given_at": consent.given_at, "ended_at": consent.ended_at, "reason_code": consent.reason_code,
    }  # fmt: skip


def _asked(request: PersonalRequest) -> dict[str, object]:
    return {
        "id": request.id, "kind": request.kind, "consent_id": request.consent_id, "asset_id": request.asset_id,
        "version_id": request.version_id, "provider_id": request.provider_id, "state": request.state,
        "next_actor": request.next_actor, "deadline": request.deadline,
        "deadline_is_provisional": bool(request.due and request.due.provisional),
        "escalations": request.escalations, "answer_hash": request.answer_hash, "reason_code": request.reason_code,
        "received_at": request.received_at, "ended_at": request.ended_at,
    }  # fmt: skip

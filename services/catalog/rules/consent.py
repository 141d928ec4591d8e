"""A person's consent (同意): who agreed to what, for which purpose and recipient, on which text, until it is withdrawn.

Owns: the ledger of single consents, by whom each was given, and what a version loses once one of them stands no more.
Promises: a person stands here as a commitment of the provider's alone, and never by name; they withdraw by themselves,
with a receipt of which only the hash is kept, and no reason is asked for; a withdrawal counts from its commit on, for
whoever the consent was for; a consent given before it never makes up for it.
Sources: PIPL arts 14 (a change of purpose needs a new consent), 15 and 16 (withdrawal), 23, 29, 31, 39 (separate
consent to provision, sensitive information, minors under 14, transfer abroad), 47 (what follows); Network Data Security
Regulation arts 23, 24.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from shared.errors import Conflict, Malformed, NotFound
from shared.grades import Condition
from shared.ids import AssetId, ConsentId, ParticipantId, VersionId
from shared.lifecycle import Lifecycle


class State(StrEnum):
    GIVEN = "given"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


GIVEN, WITHDRAWN, EXPIRED = State
CONSENT = Lifecycle(start=GIVEN, moves={
    GIVEN:     {WITHDRAWN, EXPIRED},
    WITHDRAWN: set(),  # a new consent is a new entry
    EXPIRED:   set(),
})  # fmt: skip
VALID_AT_MOST = timedelta(days=3 * 365)
BY_PERSON, ERASED, TIME_IS_UP = "withdrawn_by_person", "erased_on_request", "valid_until_passed"


class Kind(StrEnum):
    """What a separate consent is for, by the article that demands it."""

    PROVISION = "provision"  # PIPL 23: to another, who is named
    SENSITIVE = "sensitive"  # PIPL 29
    GUARDIAN = "guardian"  # PIPL 31: by the parents of persons under 14
    EXPORT = "export"  # PIPL 39


NEEDED_FOR: Mapping[Kind, Condition] = {
    Kind.PROVISION: Condition.SEPARATE_CONSENT,
    Kind.SENSITIVE: Condition.SEPARATE_CONSENT,
    Kind.EXPORT: Condition.SEPARATE_CONSENT,
    Kind.GUARDIAN: Condition.GUARDIAN_CONSENT,
}


@dataclass(frozen=True, slots=True)
class Text:
    """What was agreed to. `text_hash` is SHA-256 in hex of the words as they were shown. Without a recipient, it is a
    consent to whatever recipient the text describes."""

    kind: Kind
    purpose: str
    recipient_id: ParticipantId | None
    text_version: str
    text_hash: str
    valid_until: datetime


@dataclass(frozen=True, slots=True)
class Signature:
    """`subject`: a salted commitment to who the person is, whose salt stays with the provider. `receipt`: SHA-256 of
    the 256 random bits that the person keeps."""

    subject: str
    receipt: str


@dataclass(frozen=True, slots=True)
class Consent:
    id: ConsentId
    asset_id: AssetId
    version_id: VersionId
    provider_id: ParticipantId
    text: Text
    by: Signature
    state: State
    given_at: datetime
    ended_at: datetime | None = None
    reason_code: str | None = None
    revision: int = 1

    @property
    def deadline(self) -> datetime | None:
        return self.text.valid_until if self.state is GIVEN else None

    @property
    def next_actor(self) -> str | None:
        return "person" if self.state is GIVEN else None


class NoSuchConsent(NotFound):
    """No consent belongs to this receipt."""


class ConsentValidityOutOfRange(Malformed):
    """A consent is valid until a moment to come, three years away at most."""


class ReceiptTaken(Conflict):
    """A receipt is of one consent: this one is of another already."""


class RecipientIsProvider(Malformed):
    """Who provides the data is not their recipient."""


def give(
    consent_id: ConsentId, version: tuple[AssetId, VersionId], provider_id: ParticipantId, text: Text, by: Signature,
    now: datetime,
) -> Consent:  # fmt: skip
    """Requires a version of the provider's own."""
    if text.recipient_id == provider_id:
        raise RecipientIsProvider()
    if not now < text.valid_until <= now + VALID_AT_MOST:
        raise ConsentValidityOutOfRange(valid_until=text.valid_until, valid_days_max=VALID_AT_MOST.days)
    return Consent(consent_id, *version, provider_id, text, by, CONSENT.start, now)


def withdraw(consent: Consent, reason_code: str, now: datetime) -> Consent:
    return _move(consent, WITHDRAWN, reason_code=reason_code, ended_at=now)


def expire(consent: Consent) -> Consent:
    """Requires that its time is up."""
    return _move(consent, EXPIRED, reason_code=TIME_IS_UP, ended_at=consent.text.valid_until)


def stands(consent: Consent, now: datetime) -> bool:
    return consent.state is GIVEN and now < consent.text.valid_until


def lost(consents: Iterable[Consent], recipient_id: ParticipantId | None, now: datetime) -> frozenset[Condition]:
    """What a version cannot be said to have any more, towards this recipient; without one, towards all.

    Requires every consent to the version of each person of whom one stands no more. It makes no difference that others
    still consent: the content is whole, and they who do not are in it.
    """
    known = [one for one in consents if one.text.recipient_id in (None, recipient_id)]
    standing = [one for one in known if stands(one, now)]
    return frozenset(
        NEEDED_FOR[over.text.kind]
        for over in known
        if not stands(over, now) and not any(_makes_up_for(new, over) for new in standing)
    )


def receipt_hash(receipt: str) -> str:
    """What is kept of a receipt. Requires 256 random bits: only these make a plain hash safe."""
    return hashlib.sha256(receipt.encode()).hexdigest()


def _makes_up_for(new: Consent, over: Consent) -> bool:
    """A consent of the same person to the same, given after the withdrawal; or any, where only time had run out."""
    same = (new.by.subject, new.text.kind, new.text.purpose) == (over.by.subject, over.text.kind, over.text.purpose)
    covers = new.text.recipient_id in (None, over.text.recipient_id)
    withdrawn_at = over.ended_at if over.state is WITHDRAWN else None
    return same and covers and (withdrawn_at is None or new.given_at > withdrawn_at)


def _move(consent: Consent, to: State, **changes: Any) -> Consent:
    return replace(consent, state=CONSENT.move(consent.state, to), revision=consent.revision + 1, **changes)

"""What crosses the wire about sponsorships."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import StringConstraints

from services.identity.rules.merchant import MerchantClass
from services.identity.rules.participant import Participant
from services.identity.rules.sponsorship import Sponsorship, State
from services.identity.schemas.words import Reason, ReasonCode
from shared.ids import KeyId, ParticipantId, SponsorshipId
from shared.web import Moment, Request, View

Signed = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]{86}==$")]


class NewSponsorship(Request):
    """Whom one asks to vouch for one's own organisation, and until when."""

    sponsor_id: ParticipantId
    ends_at: Moment


class SignedSponsorship(Request):
    """`finding`: what the sponsor looked into, and found. `signature`: Ed25519 by the key, in base64, over `yaosu
    sponsorship v1`, a line feed and `terms_hash`."""

    finding: Reason
    key_id: KeyId
    signature: Signed


class DeclinedSponsorship(Request):
    reason_code: ReasonCode


class EndedSponsorship(Request):
    reason_code: ReasonCode
    reason: Reason


class SponsorSignatureView(View):
    key_id: KeyId
    signature: str
    signed_at: datetime


class SponsorshipView(View):
    """保荐 · sponsorship. `terms_hash` is SHA-256, in hex, of the canonical JSON of `sponsorship_id` (here `id`),
    `sponsor_id`, `sponsored_id`, `sponsored_name`, `sponsored_uscc` and `ends_at`, in microseconds since 1970."""

    id: SponsorshipId
    sponsor_id: ParticipantId
    sponsored_id: ParticipantId
    sponsored_name: str
    sponsored_uscc: str
    ends_at: datetime
    terms_hash: str
    state: State
    deadline: datetime | None
    next_actor: str | None
    signature: SponsorSignatureView | None
    reason_code: str | None

    @classmethod
    def of(cls, sponsorship: Sponsorship) -> Self:
        return cls.model_validate(sponsorship, from_attributes=True)


class SponsorView(View):
    """保荐机构 · one that may vouch for others."""

    id: ParticipantId
    name: str
    uscc: str
    classes: list[MerchantClass]

    @classmethod
    def of(cls, sponsor: Participant) -> Self:
        return cls(id=sponsor.id, name=sponsor.name, uscc=sponsor.uscc, classes=sorted(sponsor.classes))

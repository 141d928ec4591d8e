"""What crosses the wire about participants: applications, decisions, and who is whose affiliate."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field, model_validator

from services.identity.rules.merchant import MerchantClass
from services.identity.rules.participant import Participant, Status
from services.identity.rules.role import Role
from services.identity.schemas.documents import NewDocument
from services.identity.schemas.words import Cleared, CreditCode, Login, Name, Password, Reason, ReasonCode, TradingRoles
from shared.grades import Clearance
from shared.ids import ParticipantId, SanctionId
from shared.web import Request, View

Classes = Annotated[list[Annotated[MerchantClass, Field(strict=False)]], Field(min_length=1, max_length=6)]
DOCUMENTS_MAX = 10


class Administrator(Request):
    login: Login
    password: Password


class NewApplication(Request):
    name: Name
    uscc: CreditCode
    roles: TradingRoles
    contact: Name | None = None
    classes: Classes = [MerchantClass.PARTY]
    documents: Annotated[list[NewDocument], Field(max_length=DOCUMENTS_MAX)] = []
    administrator: Administrator

    @model_validator(mode="after")
    def _one_of_a_kind(self) -> Self:
        if len({each.kind for each in self.documents}) < len(self.documents):
            raise ValueError("one document of each kind")
        return self


class Admission(Request):
    clearance: Cleared
    reason: Reason


class Decision(Request):
    reason_code: ReasonCode
    reason: Reason


class NewAffiliation(Request):
    affiliate_id: ParticipantId


class SanctionView(View):
    """A joint sanction that binds a participant: trading has all of it under this id."""

    sanction_id: SanctionId
    until: datetime
    reason: str


class ParticipantView(View):
    """`contact` is how the operator reaches the organisation; only its own people and the platform's staff see it.
    `sanction` stands beside the status: until its end, whoever is admitted is suspended in every service."""

    id: ParticipantId
    name: str
    uscc: str
    roles: list[Role]
    contact: str | None
    status: Status
    clearance: Clearance | None
    proposed_clearance: Clearance | None
    reason_code: str | None
    classes: list[MerchantClass]
    verified_until: datetime | None
    deadline: datetime | None
    next_actor: Role | None
    sanction: SanctionView | None

    @classmethod
    def of(cls, participant: Participant) -> Self:
        return cls.model_validate(participant, from_attributes=True)


class DirectoryView(View):
    """What members know of each other: no clearance, no contact, and no reason for a suspension."""

    id: ParticipantId
    name: str
    uscc: str
    classes: list[MerchantClass]
    roles: list[Role]
    status: Status

    @classmethod
    def of(cls, participant: Participant, status: Status) -> Self:
        return cls(
            id=participant.id, name=participant.name, uscc=participant.uscc, classes=sorted(participant.classes),
            roles=sorted(participant.roles), status=status,
        )  # fmt: skip


class AffiliationView(View):
    participant_id: ParticipantId
    affiliate_id: ParticipantId

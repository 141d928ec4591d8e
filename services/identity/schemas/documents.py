"""What crosses the wire about the documents of an admission, and about what each kind of merchant must show.

Promises: of a person nothing is shown but that they were verified, how, and until when.
"""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, StringConstraints, model_validator

from services.identity.rules.document import WITHOUT_FILE, Document, Kind, Method, State
from services.identity.rules.merchant import SPONSORS, Catalogue, MerchantClass
from services.identity.schemas.words import ReasonCode
from shared.grades import Clearance
from shared.ids import DocumentId, ParticipantId
from shared.web import Moment, Request, View

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Reference = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]*$")]
OnFile = Annotated[Kind, Field(strict=False)]
CREDENTIAL_LENGTH_MAX = 4096


class NewDocument(Request):
    """The content stays with the organisation, and is shown to the exchange by its hash."""

    kind: OnFile
    content_hash: Sha256
    issued_at: Moment
    valid_until: Moment | None = None


class NewIdentity(Request):
    """What the national network identity gave the representative for this one look."""

    credential: Annotated[SecretStr, Field(min_length=1, max_length=CREDENTIAL_LENGTH_MAX)]


class Seen(Request):
    """What an operator found. Requires a reason where that is not what it should be."""

    passed: bool
    reference: Reference
    reason_code: ReasonCode | None = None

    @model_validator(mode="after")
    def _says_why_not(self) -> Self:
        if self.passed == (self.reason_code is not None):
            raise ValueError("what failed has a reason_code, and what passed has none")
        return self


class NewCheck(Request):
    """By hand, with what was found; or by the company register, which says so itself."""

    method: Literal["by_hand", "register"]
    passed: bool | None = None
    reference: Reference | None = None
    reason_code: ReasonCode | None = None

    @model_validator(mode="after")
    def _says_what_was_found(self) -> Self:
        found = self.passed, self.reference, self.reason_code
        if self.method == "register":
            if found != (None, None, None):
                raise ValueError("what the register finds, it says itself")
        elif self.passed is None or self.reference is None:
            raise ValueError("whoever looks by hand says whether it passed, and under which reference")
        elif self.passed == (self.reason_code is not None):
            raise ValueError("what failed has a reason_code, and what passed has none")
        return self

    def seen(self) -> Seen | None:
        """What was found by hand; None where the register is to be asked."""
        if self.passed is None or self.reference is None:
            return None
        return Seen(passed=self.passed, reference=self.reference, reason_code=self.reason_code)


class CheckView(View):
    method: Method
    passed: bool
    reference: str
    checked_at: datetime


class DocumentView(View):
    id: DocumentId
    participant_id: ParticipantId
    kind: Kind
    content_hash: str | None
    issued_at: datetime | None
    valid_until: datetime | None
    filed_at: datetime
    state: State
    deadline: datetime | None
    next_actor: str | None
    check: CheckView | None
    reason_code: str | None

    @classmethod
    def of(cls, document: Document) -> Self:
        return cls.model_validate(document, from_attributes=True)


class CatalogueView(View):
    """Which proofs an admission takes: those of every clearance up to its own, and those of each class. Whoever sells,
    and is of no class that is not `sponsored`, takes a sponsor of one of the classes that `sponsors` names."""

    version: str
    in_force_from: datetime
    by_clearance: dict[Clearance, list[Kind]]
    by_class: dict[MerchantClass, list[Kind]]
    result_only: list[Kind]
    sponsored: list[MerchantClass]
    sponsors: list[MerchantClass]

    @classmethod
    def of(cls, catalogue: Catalogue, sponsored: frozenset[MerchantClass]) -> Self:
        return cls(
            version=catalogue.version, in_force_from=catalogue.in_force_from,
            by_clearance={each: sorted(kinds) for each, kinds in catalogue.by_clearance.items()},
            by_class={each: sorted(kinds) for each, kinds in catalogue.by_class.items()},
            result_only=sorted(WITHOUT_FILE), sponsored=sorted(sponsored), sponsors=sorted(SPONSORS),
        )  # fmt: skip

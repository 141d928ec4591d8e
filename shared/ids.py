"""Ids that say what they name: `asset_` and a UUIDv7, so that they sort by age.

Promises: an id of one kind is never taken for another, neither by the type checker nor at run time.
Every kind stands here, because ids are the one thing that crosses every border.
"""

import re
from typing import Any, ClassVar, Self

from pydantic_core import core_schema
from uuid_utils import uuid7


class Id(str):
    """Requires text of its own kind."""

    __slots__ = ()
    kind: ClassVar[str]
    _form: ClassVar[re.Pattern[str]]

    def __init_subclass__(cls) -> None:
        cls._form = re.compile(rf"{cls.kind}_[0-9a-f]{{32}}")

    def __new__(cls, text: str) -> Self:
        if not cls.names(text):
            raise ValueError(f"not the id of a {cls.kind}")
        return super().__new__(cls, text)

    @classmethod
    def names(cls, text: str) -> bool:
        """Whether the text is an id of this kind."""
        return cls._form.fullmatch(text) is not None

    @classmethod
    def new(cls) -> Self:
        return super().__new__(cls, f"{cls.kind}_{uuid7().hex}")

    @classmethod
    def __get_pydantic_core_schema__(cls, *_: Any) -> core_schema.CoreSchema:
        text = core_schema.str_schema(pattern=rf"^{cls.kind}_[0-9a-f]{{32}}$", strict=True)
        return core_schema.no_info_after_validator_function(cls, text)


# identity


class ParticipantId(Id):
    kind = "participant"


class DocumentId(Id):
    kind = "document"


class DelegationId(Id):
    kind = "delegation"


class SponsorshipId(Id):
    kind = "sponsorship"


class AssignmentId(Id):
    kind = "assignment"


class UserId(Id):
    kind = "user"


class InvitationId(Id):
    kind = "invitation"


class ApiClientId(Id):
    kind = "client"


class KeyId(Id):
    kind = "key"


class ClientKeyId(Id):
    kind = "client_key"


class TokenId(Id):
    kind = "token"


class TokenFamilyId(Id):
    kind = "family"


# catalog


class AssetId(Id):
    kind = "asset"


class VersionId(Id):
    kind = "version"


class CertificateId(Id):
    kind = "certificate"


class AccessRequestId(Id):
    kind = "access_request"


class RecordId(Id):
    kind = "record"


class ConsentId(Id):
    kind = "consent"


class PersonalRequestId(Id):
    kind = "personal_request"


class CatalogueSnapshotId(Id):
    kind = "catalogue_snapshot"


class PetitionId(Id):
    kind = "petition"


class FilingId(Id):
    kind = "filing"


class AuthorityFilingId(Id):
    kind = "authority_filing"


class RegradingId(Id):
    kind = "regrading"


class ObjectionId(Id):
    kind = "objection"


# delivery


class UploadId(Id):
    kind = "upload"


class ContentId(Id):
    kind = "content"


class DeliveryId(Id):
    kind = "delivery"


class ExportClearanceId(Id):
    kind = "clearance"


class QueryId(Id):
    kind = "query"


class CubeId(Id):
    kind = "cube"


class ResultReviewId(Id):
    kind = "result_review"


# pricing


class PlanId(Id):
    kind = "plan"


class QuoteId(Id):
    kind = "quote"


class PriceCapId(Id):
    kind = "price_cap"


class RevenueShareId(Id):
    kind = "revenue_share"


class ValuationId(Id):
    kind = "valuation"


class CostSheetId(Id):
    kind = "cost_sheet"


# trading


class ListingId(Id):
    kind = "listing"


class NeedId(Id):
    kind = "need"


class InquiryId(Id):
    kind = "inquiry"


class NegotiationId(Id):
    kind = "negotiation"


class AuctionId(Id):
    kind = "auction"


class RegistrationId(Id):
    kind = "registration"


class BidId(Id):
    kind = "bid"


class OfferId(Id):
    kind = "offer"


class CallAuctionId(Id):
    kind = "call_auction"


class BlockDealId(Id):
    kind = "block_deal"


class DoubleAuctionId(Id):
    kind = "double_auction"


class UnitOrderId(Id):
    kind = "unit_order"


class ReceivableId(Id):
    kind = "receivable"


class OrderId(Id):
    kind = "order"


class ContractId(Id):
    kind = "contract"


class CreditId(Id):
    kind = "credit"


class TerminationId(Id):
    kind = "termination"


class EntitlementId(Id):
    kind = "entitlement"


class UseId(Id):
    kind = "use"


class TransferId(Id):
    kind = "transfer"


class DisputeId(Id):
    kind = "dispute"


class InstructionId(Id):
    kind = "instruction"


class PayoutProposalId(Id):
    kind = "payout_proposal"


class FreezeId(Id):
    kind = "freeze"


class ComplaintId(Id):
    kind = "complaint"


class CreditEntryId(Id):
    kind = "credit_entry"


class CreditAppealId(Id):
    kind = "credit_appeal"


class SanctionId(Id):
    kind = "sanction"


# audit


class EvidenceId(Id):
    kind = "evidence"


class CaseId(Id):
    kind = "case"


class SamplingId(Id):
    kind = "sampling"


class IncidentId(Id):
    kind = "incident"


class VulnerabilityId(Id):
    kind = "vulnerability"


class DataKeyId(Id):
    kind = "data_key"


class RedactionId(Id):
    kind = "redaction"


# every service


class FactId(Id):
    kind = "fact"


class RequestId(Id):
    kind = "request"


class LeaseId(Id):
    kind = "lease"

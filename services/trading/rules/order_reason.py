"""Why an order is where it is, as a code."""

from enum import StrEnum


class Reason(StrEnum):
    NOT_SIGNED = "not_signed"
    NOT_SIGNED_BY_BUYER = "not_signed_by_buyer"
    NOT_SIGNED_BY_PROVIDER = "not_signed_by_provider"
    PAYMENT_OVERDUE = "payment_overdue"
    NOT_DELIVERED = "not_delivered"
    ACCEPTED_BY_BUYER = "accepted_by_buyer"
    ACCEPTED_BY_DEADLINE = "accepted_by_deadline"
    ACCEPTED_BY_USE = "accepted_by_use"
    OBJECTED_BY_BUYER = "objected_by_buyer"
    DELIVERED_ANEW = "delivered_anew"
    PART_OFFERED = "part_offered"
    OBJECTION_REJECTED = "objection_rejected"
    PART_DECLINED = "part_declined"
    CLAIM_CONCEDED = "claim_conceded"
    PROVIDER_SILENT = "provider_silent"
    PART_TAKEN = "part_taken"
    PART_TAKEN_BY_DEADLINE = "part_taken_by_deadline"
    OBJECTION_WITHDRAWN = "objection_withdrawn"
    OBJECTION_NOT_PURSUED = "objection_not_pursued"
    DISPUTED = "disputed"
    DISPUTED_UNDELIVERED = "disputed_undelivered"
    DISPUTE_ENDED = "dispute_ended"
    TERMINATED_BY_AGREEMENT = "terminated_by_agreement"
    BUNDLE_BROKEN = "bundle_broken"  # another part of the same bundle cannot be had, and so none was paid

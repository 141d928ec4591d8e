"""The tables of inquiries. The keys are rules too: only who was invited seals an offer, and once; only what was sealed
is opened, and once; neither is ever changed; a need becomes one inquiry. Whose an inquiry is stands in its own row
(`invited`): a policy that looked into invitations, whose policy looks here, would have no end.
"""

from sqlalchemy import JSON, Column, ForeignKey, ForeignKeyConstraint, Index, Integer, String, Table
from sqlalchemy import PrimaryKeyConstraint as PrimaryKey

from services.trading.rules.inquiry import INQUIRY
from services.trading.tables.base import metadata
from services.trading.tables.needs import needs
from shared.database import IdOf, Moment
from shared.ids import InquiryId, NeedId, ParticipantId

inquiries = Table(
    "inquiries",
    metadata,
    Column("id", IdOf(InquiryId), primary_key=True),
    Column("buyer_id", IdOf(ParticipantId), nullable=False),
    Column("need_id", IdOf(NeedId), ForeignKey(needs.c.id), unique=True),
    Column("terms", JSON, nullable=False),
    Column("invited", JSON(none_as_null=True)),
    Column("budget_salt", String),
    Column("state", String, nullable=False),
    Column("published_at", Moment, nullable=False),
    Column("last_at", Moment, nullable=False),
    Column("deadline", Moment),
    Column("judgement", JSON),
    Column("reason_code", String),
    Column("revision", Integer, nullable=False),
    Index("inquiries_by_buyer", "buyer_id", "id"),
)
_running = inquiries.c.state.in_(INQUIRY.open_states())
Index("inquiries_due", inquiries.c.deadline, sqlite_where=_running, postgresql_where=_running)

invitations = Table(
    "inquiry_invitations",
    metadata,
    Column("inquiry_id", IdOf(InquiryId), ForeignKey("inquiries.id"), nullable=False),
    Column("provider_id", IdOf(ParticipantId), nullable=False),
    PrimaryKey("inquiry_id", "provider_id"),
    Index("inquiries_by_invited", "provider_id", "inquiry_id"),
)

sealed_offers = Table(
    "sealed_offers",
    metadata,
    Column("inquiry_id", IdOf(InquiryId), nullable=False),
    Column("provider_id", IdOf(ParticipantId), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("commitment", String, nullable=False),
    Column("sealed_at", Moment, nullable=False),
    PrimaryKey("inquiry_id", "provider_id"),
    ForeignKeyConstraint(
        ["inquiry_id", "provider_id"], [invitations.c.inquiry_id, invitations.c.provider_id], name="only_invited_offer"
    ),
    Index("one_sealed_offer_per_number", "inquiry_id", "sequence", unique=True),
)

opened_offers = Table(
    "opened_offers",
    metadata,
    Column("inquiry_id", IdOf(InquiryId), nullable=False),
    Column("provider_id", IdOf(ParticipantId), nullable=False),
    Column("proposal", JSON, nullable=False),
    Column("salt", String, nullable=False),
    Column("opened_at", Moment, nullable=False),
    PrimaryKey("inquiry_id", "provider_id"),
    ForeignKeyConstraint(
        ["inquiry_id", "provider_id"], [sealed_offers.c.inquiry_id, sealed_offers.c.provider_id],
        name="only_sealed_is_opened",
    ),
)  # fmt: skip

APPEND_ONLY = (invitations, sealed_offers, opened_offers)

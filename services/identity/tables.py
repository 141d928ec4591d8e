"""The tables of `identity`. The partial index is the rule that an organisation has at most one living application.

Nothing here lets anyone in who reads it: passwords are argon2id, secrets and refresh tokens are digests, and the names
that were tried in vain are digests too, for people type their passwords there; what an authenticator app shares with us
is sealed under a key that the database does not have, and a recovery code is a digest under another.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
)

from services.identity.rules.administration import OPEN
from services.identity.rules.assignment import IN_FORCE as ASSIGNED
from services.identity.rules.delegation import DELEGATION
from services.identity.rules.document import DOCUMENT, FILED, VERIFIED
from services.identity.rules.participant import PARTICIPANT
from services.identity.rules.sponsorship import ASKED, IN_FORCE, SPONSORSHIP
from shared import changes, disclosing, idempotency, mirrored, outbox, owners
from shared.database import IdOf, Moment
from shared.ids import (
    ApiClientId,
    AssetId,
    AssignmentId,
    ClientKeyId,
    DelegationId,
    DocumentId,
    InvitationId,
    KeyId,
    ParticipantId,
    SanctionId,
    SponsorshipId,
    TokenFamilyId,
    UserId,
)

metadata = MetaData()

participants = Table(
    "participants",
    metadata,
    Column("id", IdOf(ParticipantId), primary_key=True),
    Column("name", String, nullable=False),
    Column("uscc", String, nullable=False),
    Column("roles", String, nullable=False),
    Column("contact", String),
    Column("status", String, nullable=False),
    Column("deadline", Moment),
    Column("clearance", String),
    Column("proposed_clearance", String),
    Column("proposed_by", String),
    Column("reason_code", String),
    Column("revision", Integer, nullable=False),
    Column("classes", String, nullable=False, server_default="party"),
    Column("warned_at", Moment),
    Column("sanction_id", IdOf(SanctionId)),
    Column("sanctioned_until", Moment),
    Column("sanction_reason", String),
    Index("participants_by_status", "status", "id"),
)
living = participants.c.status.in_(PARTICIPANT.open_states())
Index("one_living_application", participants.c.uscc, unique=True, sqlite_where=living, postgresql_where=living)
Index("participants_by_deadline", participants.c.deadline, sqlite_where=living, postgresql_where=living)

affiliations = Table(
    "affiliations",
    metadata,
    Column("one_id", IdOf(ParticipantId), primary_key=True),
    Column("other_id", IdOf(ParticipantId), primary_key=True),
    Index("affiliations_by_other", "other_id"),
)

sanctions = Table(
    "sanctions",
    metadata,
    Column("id", IdOf(SanctionId), primary_key=True),
    Column("participant_id", IdOf(ParticipantId), nullable=False),
    Column("uscc", String, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("ends_at", Moment),
    Column("reason", String, nullable=False),
    Index("sanctions_by_uscc", "uscc"),
)

documents = Table(
    "documents",
    metadata,
    Column("id", IdOf(DocumentId), primary_key=True),
    Column("participant_id", IdOf(ParticipantId), nullable=False),
    Column("kind", String, nullable=False),
    Column("content_hash", String),
    Column("issued_at", Moment),
    Column("valid_until", Moment),
    Column("filed_at", Moment, nullable=False),
    Column("state", String, nullable=False),
    Column("deadline", Moment),
    Column("method", String),
    Column("passed", Boolean),
    Column("reference", String),
    Column("checked_by", String),
    Column("checked_at", Moment),
    Column("reason_code", String),
    Column("revision", Integer, nullable=False),
    Index("documents_by_participant", "participant_id", "id"),
)
for state in (FILED, VERIFIED):
    is_so = documents.c.state == state
    names = (documents.c.participant_id, documents.c.kind)
    Index(f"one_{state}_document_of_a_kind", *names, unique=True, sqlite_where=is_so, postgresql_where=is_so)
alive = documents.c.state.in_(DOCUMENT.open_states())
Index("documents_by_deadline", documents.c.deadline, sqlite_where=alive, postgresql_where=alive)

delegations = Table(
    "delegations",
    metadata,
    Column("id", IdOf(DelegationId), primary_key=True),
    Column("principal_id", IdOf(ParticipantId), nullable=False),
    Column("agent_id", IdOf(ParticipantId), nullable=False),
    Column("acts", JSON, nullable=False),
    Column("begins_at", Moment, nullable=False),
    Column("ends_at", Moment, nullable=False),
    Column("asset_ids", JSON(none_as_null=True)),
    Column("listing_ids", JSON(none_as_null=True)),
    Column("amount_max_minor", BigInteger),
    Column("amount_max_currency", String),
    Column("state", String, nullable=False),
    Column("deadline", Moment),
    Column("reason_code", String),
    Column("revision", Integer, nullable=False),
    Index("delegations_by_principal", "principal_id", "id"),
    Index("delegations_by_agent", "agent_id", "id"),
)
under_way = delegations.c.state.in_(DELEGATION.open_states())
Index("delegations_by_deadline", delegations.c.deadline, sqlite_where=under_way, postgresql_where=under_way)

sponsorships = Table(
    "sponsorships",
    metadata,
    Column("id", IdOf(SponsorshipId), primary_key=True),
    Column("sponsor_id", IdOf(ParticipantId), nullable=False),
    Column("sponsored_id", IdOf(ParticipantId), nullable=False),
    Column("sponsored_name", String, nullable=False),
    Column("sponsored_uscc", String, nullable=False),
    Column("ends_at", Moment, nullable=False),
    Column("state", String, nullable=False),
    Column("deadline", Moment),
    Column("key_id", IdOf(KeyId)),
    Column("signature", String),
    Column("signed_at", Moment),
    Column("reason_code", String),
    Column("revision", Integer, nullable=False),
    CheckConstraint("sponsor_id <> sponsored_id", name="nobody_vouches_for_themselves"),
    CheckConstraint(f"state <> '{IN_FORCE}' OR signature IS NOT NULL", name="in_force_only_if_signed"),
    Index("sponsorships_by_sponsor", "sponsor_id", "state", "sponsored_id"),
    Index("sponsorships_by_sponsored", "sponsored_id", "id"),
)
vouched, waiting = sponsorships.c.state == IN_FORCE, sponsorships.c.state == ASKED
Index("one_sponsor", sponsorships.c.sponsored_id, unique=True, sqlite_where=vouched, postgresql_where=vouched)
sides = (sponsorships.c.sponsored_id, sponsorships.c.sponsor_id)
Index("asked_once_at_a_time", *sides, unique=True, sqlite_where=waiting, postgresql_where=waiting)
lasting = sponsorships.c.state.in_(SPONSORSHIP.open_states())
Index("sponsorships_by_deadline", sponsorships.c.deadline, sqlite_where=lasting, postgresql_where=lasting)

assignments = Table(
    "assignments",
    metadata,
    Column("id", IdOf(AssignmentId), primary_key=True),
    Column("highest", String, nullable=False),
    Column("business_officer_id", IdOf(UserId), nullable=False),
    Column("security_officer_id", IdOf(UserId)),
    Column("asset_id", IdOf(AssetId)),
    Column("provider_id", IdOf(ParticipantId)),
    Column("reason", String, nullable=False),
    Column("assigned_by", String, nullable=False),
    Column("ends_at", Moment, nullable=False),
    Column("state", String, nullable=False),
    Column("deadline", Moment),
    Column("reason_code", String),
    Column("revision", Integer, nullable=False),
    CheckConstraint("(asset_id IS NULL) <> (provider_id IS NULL)", name="of_an_entry_or_of_a_provider"),
    CheckConstraint(
        "highest = 'G4' AND security_officer_id IS NULL"
        " OR highest = 'G5' AND security_officer_id IS NOT NULL AND security_officer_id <> business_officer_id",
        name="two_persons_from_g5",
    ),
    Index("assignments_of_business_officer", "business_officer_id", "id"),
    Index("assignments_of_security_officer", "security_officer_id", "id"),
)
assigned = assignments.c.state == ASSIGNED
Index("assignments_by_deadline", assignments.c.deadline, sqlite_where=assigned, postgresql_where=assigned)

users = Table(
    "users",
    metadata,
    Column("id", IdOf(UserId), primary_key=True),
    Column("login", String, nullable=False, unique=True),
    Column("password_hash", String, nullable=False),
    Column("roles", String, nullable=False),
    Column("participant_id", IdOf(ParticipantId)),
    Column("is_administrator", Boolean, nullable=False),
    Column("disabled_at", Moment),
    Column("disabled_by", String),
    Column("password_set_at", Moment),
    Index("users_by_participant", "participant_id", "id"),
)

invitations = Table(
    "invitations",
    metadata,
    Column("id", IdOf(InvitationId), primary_key=True),
    Column("participant_id", IdOf(ParticipantId), nullable=False),
    Column("token_digest", LargeBinary, nullable=False, unique=True),
    Column("roles", String, nullable=False),
    Column("is_administrator", Boolean, nullable=False),
    Column("invited_by", String, nullable=False),
    Column("invited_at", Moment, nullable=False),
    Column("state", String, nullable=False),
    Column("deadline", Moment),
    Column("user_id", IdOf(UserId)),
    Index("invitations_by_participant", "participant_id", "id"),
)
is_open = invitations.c.state == OPEN
Index("invitations_by_deadline", invitations.c.deadline, sqlite_where=is_open, postgresql_where=is_open)

api_clients = Table(
    "api_clients",
    metadata,
    Column("id", IdOf(ApiClientId), primary_key=True),
    Column("participant_id", IdOf(ParticipantId), nullable=False),
    Column("name", String, nullable=False),
    Column("secret_digest", LargeBinary, nullable=False),
    Column("roles", String, nullable=False),
    Column("disabled_at", Moment),
    Index("api_clients_by_participant", "participant_id", "id"),
)

signing_keys = Table(
    "signing_keys",
    metadata,
    Column("id", IdOf(KeyId), primary_key=True),
    Column("participant_id", IdOf(ParticipantId), nullable=False),
    Column("algorithm", String, nullable=False),
    Column("public_key", String, nullable=False, unique=True),
    Column("registered_at", Moment, nullable=False),
    Column("revoked_at", Moment),
    Index("signing_keys_by_participant", "participant_id", "id"),
)

token_families = Table(
    "token_families",
    metadata,
    Column("id", IdOf(TokenFamilyId), primary_key=True),
    Column("user_id", IdOf(UserId), nullable=False),
    Column("authenticated_by", String, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("revoked_at", Moment),
    Column("authenticated_at", Moment),
    Index("token_families_by_user", "user_id"),
    Index("token_families_by_expiry", "expires_at"),
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("family_id", IdOf(TokenFamilyId), nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("consumed_at", Moment),
    Index("refresh_tokens_by_family", "family_id"),
)

log_in_throttles = Table(
    "log_in_throttles",
    metadata,
    Column("name_digest", LargeBinary, primary_key=True),
    Column("attempts", Integer, nullable=False),
    Column("window_ends_at", Moment, nullable=False),
    Index("log_in_throttles_by_end", "window_ends_at"),
)

second_factors = Table(
    "second_factors",
    metadata,
    Column("user_id", IdOf(UserId), primary_key=True),
    Column("secret", LargeBinary),
    Column("confirmed_at", Moment),
    Column("last_step", BigInteger),
    Column("pending", LargeBinary),
    Column("pending_until", Moment),
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("user_id", IdOf(UserId), primary_key=True),
    Column("digest", LargeBinary, primary_key=True),
    Column("used_at", Moment),
)

client_keys = Table(
    "client_keys",
    metadata,
    Column("id", IdOf(ClientKeyId), primary_key=True),
    Column("client_id", IdOf(ApiClientId), nullable=False),
    Column("algorithm", String, nullable=False),
    Column("public_key", String, nullable=False),
    Column("thumbprint", String, nullable=False, unique=True),
    Column("registered_at", Moment, nullable=False),
    Column("revoked_at", Moment),
    Index("client_keys_by_client", "client_id", "id"),
)

client_assertions = Table(
    "client_assertions",
    metadata,
    Column("client_id", IdOf(ApiClientId), primary_key=True),
    Column("jti_digest", LargeBinary, primary_key=True),
    Column("expires_at", Moment, nullable=False),
    Index("client_assertions_by_expiry", "expires_at"),
)

account_uses = Table(
    "account_uses",
    metadata,
    Column("subject", String, primary_key=True),
    Column("participant_id", IdOf(ParticipantId)),
    Column("used_at", Moment, nullable=False),
    Column("told_at", Moment),
    Index("account_uses_by_participant", "participant_id", "subject"),
    Index("account_uses_by_use", "used_at"),
)

epochs = Table(
    "epochs",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("begun_at", Moment, nullable=False),
)

outbox.tables(metadata)
mirrored.tables(metadata)
disclosing.tables(metadata)
idempotency.tables(metadata)
changes.tables(metadata)

OWNED = {
    assignments: owners.of(),
    participants: owners.decided_by_all("id"),
    sanctions: owners.decided_by_all("participant_id"),  # an organisation is bound by those of its former self
    users: owners.of("participant_id"),
    api_clients: owners.of("participant_id"),
    signing_keys: owners.of("participant_id"),
    client_keys: owners.through(api_clients, "client_id"),
    documents: owners.of("participant_id"),
    delegations: owners.of("principal_id", "agent_id"),
    sponsorships: owners.decided_by_all("sponsor_id", "sponsored_id"),  # a new sponsor ends what another signed
    invitations: owners.of("participant_id"),
    account_uses: owners.of("participant_id"),
}
LOG_IN = "found by whoever brings the secret whose digest is the key"
OF_A_PERSON = "of one person, who may be of no organisation, and found by who they are"
NOBODYS = {
    affiliations: "announced to every service",
    token_families: LOG_IN, refresh_tokens: LOG_IN, log_in_throttles: LOG_IN,
    second_factors: OF_A_PERSON, recovery_codes: OF_A_PERSON,
    client_assertions: "what was used up, and found by whoever brings it again",
    epochs: "when the tables were set back to a backup, which concerns everyone",
}  # fmt: skip
owners.declare(metadata, OWNED, NOBODYS)
APPEND_ONLY = (affiliations, epochs)
FORGOTTEN = (
    refresh_tokens, token_families, log_in_throttles, second_factors, recovery_codes, client_assertions,
    account_uses, metadata.tables[disclosing.disclosures_table.name],
)  # fmt: skip

"""Whose the rows of `catalog` are, or why nobody's: docs/decisions/0022."""

from services.catalog.tables.access import access_requests
from services.catalog.tables.base import metadata
from services.catalog.tables.entries import assets, versions
from services.catalog.tables.evidence import certificates, fingerprint_members, gradings, version_fields
from services.catalog.tables.files import authority_filings, catalogue_snapshots, petitions, records, regradings
from services.catalog.tables.filings import filings, objections
from services.catalog.tables.lineage import licences, lineage_edges
from services.catalog.tables.persons import consents, personal_requests
from services.catalog.tables.quality import quality_reports
from services.catalog.tables.search import offers, prices, search_index
from shared.owners import HeldBy, decided_by_all, declare, of

OWNED = {
    access_requests: of("buyer_id", "provider_id"),
    petitions: of("provider_id"),
    records: of("provider_id"),
    consents: of("provider_id"),
    personal_requests: of("provider_id"),
    regradings: of("provider_id"),
    # Who objects stops a filing of others, and all objections decide what goes on. Notices are read for everyone.
    filings: decided_by_all("provider_id", "applicant_id", "counterparty_id"),
    objections: decided_by_all("objector_id", held=HeldBy(assets, "asset_id", "provider_id")),
}
PUBLIC = "of a catalogue that everyone may search, each entry by its grade"
NOBODYS = {
    assets: PUBLIC, versions: PUBLIC, version_fields: PUBLIC, gradings: PUBLIC, quality_reports: PUBLIC,
    licences: PUBLIC, lineage_edges: PUBLIC, offers: PUBLIC, prices: PUBLIC, search_index: PUBLIC,
    certificates: "anyone may look a certificate up",
    fingerprint_members: "what is alike is found in everybody's",
    authority_filings: "of the platform's staff",
    catalogue_snapshots: "of the platform's staff",
}  # fmt: skip
declare(metadata, OWNED, NOBODYS)

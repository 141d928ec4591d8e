"""Whose the rows of `delivery` are, or why nobody's: docs/decisions/0022."""

from services.delivery.tables.base import metadata
from services.delivery.tables.cubes import cube_answers, cube_charges, cube_draws, cube_releases, cubes
from services.delivery.tables.deliveries import deliveries
from services.delivery.tables.desensitisation import desensitisation_plans, effect_reports, sample_views
from services.delivery.tables.exports import export_clearances, exports
from services.delivery.tables.queries import queries, query_attempts
from services.delivery.tables.uploads import renditions, uploads
from shared.owners import decided_by_all, declare, of

OWNED = {
    deliveries: of("buyer_id", "provider_id"),
    queries: of("buyer_id", "provider_id"),
    exports: decided_by_all("buyer_id", "provider_id"),
    sample_views: of("participant_id"),
    # Whoever was found to have a right to a version has its content and its plan read for everyone.
    uploads: of("provider_id"),
    desensitisation_plans: of("provider_id"),
}
MADE = "made of a content, and found by nobody who has not read its upload"
SERVED = "asked by whoever has a right to compute on the version, which trading alone knows"
BUDGET = "what was told of a cube counts whoever asked"
NOBODYS = {
    renditions: MADE, effect_reports: MADE,
    cubes: SERVED, cube_releases: SERVED, cube_answers: BUDGET, cube_draws: BUDGET, cube_charges: BUDGET,
    query_attempts: "counted by the use that they belong to",
    export_clearances: "of the platform's staff",
}  # fmt: skip
declare(metadata, OWNED, NOBODYS)

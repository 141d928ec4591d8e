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
}
SERVED = "served from to whoever has a right to the version"
BUDGET = "what was told of a cube counts whoever asked"
NOBODYS = {
    uploads: SERVED, renditions: SERVED, desensitisation_plans: SERVED, effect_reports: SERVED,
    cubes: SERVED, cube_releases: SERVED, cube_answers: BUDGET, cube_draws: BUDGET, cube_charges: BUDGET,
    query_attempts: "counted by the use that they belong to",
    export_clearances: "of the platform's staff",
}  # fmt: skip
declare(metadata, OWNED, NOBODYS)

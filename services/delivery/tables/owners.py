"""Whose the rows of `delivery` are, or why nobody's: docs/decisions/0022."""

from services.delivery.tables.base import metadata
from services.delivery.tables.cubes import cube_answers, cube_charges, cube_draws, cube_releases, cubes
from services.delivery.tables.deliveries import deliveries
from services.delivery.tables.desensitisation import desensitisation_plans, effect_reports, sample_views
from services.delivery.tables.exports import export_clearances, exports
from services.delivery.tables.queries import queries, query_attempts
from services.delivery.tables.result_reviews import result_reviews
from services.delivery.tables.uploads import renditions, uploads
from shared.owners import decided_by_all, declare, of, through

OWNED = {
    deliveries: of("buyer_id", "provider_id"),
    queries: of("buyer_id", "provider_id"),
    result_reviews: of("buyer_id", "provider_id"),
    exports: decided_by_all("buyer_id", "provider_id"),
    sample_views: of("participant_id"),
    # Whoever was found to have a right to a version has its content and its plan read for everyone.
    uploads: of("provider_id"),
    desensitisation_plans: of("provider_id"),
    renditions: through(uploads, "version_id", by="version_id"),
    effect_reports: through(uploads, "version_id", by="version_id"),
    # So is a cube, by whoever was found to have a right to compute, which trading alone knows.
    cubes: of("provider_id"),
    cube_releases: through(cubes, "cube_id"),
    cube_answers: through(cubes, "cube_id"),
    cube_draws: through(cubes, "cube_id"),
    cube_charges: through(cubes, "cube_id"),
}
NOBODYS = {
    query_attempts: "counted by the use that they belong to",
    export_clearances: "of the platform's staff",
}  # fmt: skip
declare(metadata, OWNED, NOBODYS)

"""How desensitisation is kept: plans in revisions and effect reports, added once and never changed; counts of samples.

Promises: of two plans declared at once one is told to look again; a report is added with its rendition or not at all;
however many samples are asked for at once, no more are counted than the limit.
"""

from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Row, insert, select
from sqlalchemy.exc import IntegrityError

from services.delivery.rules.desensitisation import Plan, Wishes
from services.delivery.rules.effect import EffectReport
from services.delivery.tables.desensitisation import desensitisation_plans, effect_reports, sample_views
from shared.database import Transaction, insert_into
from shared.errors import Conflict
from shared.ids import ParticipantId, VersionId

WISHES: TypeAdapter[Wishes] = TypeAdapter(Wishes)
REPORTS: TypeAdapter[EffectReport] = TypeAdapter(EffectReport)


class PlanChangedMeanwhile(Conflict):
    """Another plan was declared for this version just now; look again."""


async def newest_plan(tx: Transaction, version_id: VersionId) -> Plan | None:
    query = select(*desensitisation_plans.c).where(desensitisation_plans.c.version_id == version_id)
    row = (await tx.execute(query.order_by(desensitisation_plans.c.revision.desc()).limit(1))).one_or_none()
    return None if row is None else _plan(row)


async def add_plan(tx: Transaction, plan: Plan) -> None:
    values = {
        "version_id": plan.version_id, "revision": plan.revision, "provider_id": plan.provider_id,
        "wishes": WISHES.dump_json(plan.wishes).decode(), "declared_at": plan.declared_at,
    }  # fmt: skip
    try:
        await tx.execute(insert(desensitisation_plans).values(values))
    except IntegrityError as error:
        raise PlanChangedMeanwhile() from error


async def effect_report(tx: Transaction, version_id: VersionId, policy_digest: str) -> EffectReport | None:
    this = (effect_reports.c.version_id == version_id, effect_reports.c.policy_digest == policy_digest)
    told = await tx.scalar(select(effect_reports.c.report).where(*this))
    return None if told is None else REPORTS.validate_json(told)


async def add_effect_report(tx: Transaction, report: EffectReport, made_at: datetime) -> None:
    """Requires that its rendition was added in this transaction."""
    values = {
        "version_id": report.version_id, "policy_digest": report.policy_digest, "digest": report.digest,
        "report": REPORTS.dump_json(report).decode(), "passes": report.passes, "made_at": made_at,
    }  # fmt: skip
    await tx.execute(insert(effect_reports).values(values))


async def samples_shown(tx: Transaction, version_id: VersionId, participant_id: ParticipantId, day: str) -> int:
    """How many samples of a version an organisation was shown on that day."""
    this = (
        sample_views.c.version_id == version_id, sample_views.c.participant_id == participant_id,
        sample_views.c.day == day,
    )  # fmt: skip
    return await tx.scalar(select(sample_views.c.shown).where(*this)) or 0


async def count_sample(
    tx: Transaction, version_id: VersionId, participant_id: ParticipantId, day: str, shown_max: int
) -> bool:
    """Count one more, unless there were `shown_max`; whether it was counted."""
    key = {"version_id": version_id, "participant_id": participant_id, "day": day}
    one_more = insert_into(tx, sample_views).values(**key, shown=1)
    one_more = one_more.on_conflict_do_update(
        index_elements=list(key), set_={"shown": sample_views.c.shown + 1}, where=sample_views.c.shown < shown_max
    )
    return (await tx.execute(one_more)).rowcount == 1


def _plan(row: Row[Any]) -> Plan:
    return Plan(row.version_id, row.revision, row.provider_id, WISHES.validate_json(row.wishes), row.declared_at)

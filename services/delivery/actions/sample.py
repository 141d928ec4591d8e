"""What happens when someone asks to see a few rows before buying."""

from contextlib import nullcontext

from services.catalog.client import NoSuchVersion, VersionView
from services.delivery.actions import desensitisation, rendition
from services.delivery.actions.depot import Depot
from services.delivery.events.sample import SampleRefused, SampleShown
from services.delivery.rules import sample as sample_rules
from services.delivery.rules.delivery import ContentMissing
from services.delivery.rules.sample import SHOWN_A_DAY_MAX
from services.delivery.schemas.samples import SampleView
from services.delivery.store import desensitisation as store
from services.delivery.store import uploads
from shared import tenancy
from shared.access import Member
from shared.errors import Forbidden
from shared.grades import POLICY_VERSION, Grade, Sample, Visibility, visibility
from shared.ids import VersionId


async def sample(depot: Depot, caller: Member, version_id: VersionId) -> SampleView:
    """Requires that the version's entry is visible to the caller, or the caller's own: otherwise it is not there."""
    version = await depot.catalog.version(version_id)
    grade = _visible_grade(version, caller)
    depot.standing.require_fresh(grade)
    try:
        kind = sample_rules.kind_for(grade, caller.standing.clearance, frozenset(version.flags))
    except Forbidden as refusal:
        await _refused(depot, caller, version_id, grade, refusal.told_code)
        raise
    own = version.provider_id == caller.participant_id
    with nullcontext() if own else tenancy.for_everyone():
        async with depot.database.read() as tx:
            content = await uploads.content_of(tx, version_id)
    async with depot.database.read() as tx:
        now = await depot.database.now(tx)
        shown = await store.samples_shown(tx, version_id, caller.participant_id, sample_rules.day_of(now))
    if content is None:
        raise ContentMissing()
    if shown >= SHOWN_A_DAY_MAX:
        raise sample_rules.too_many(now)  # before any work; what decides is the count below
    upload, found = content
    treatment = None
    if kind is Sample.DESENSITISED:
        treatment = await desensitisation.treatment_of(depot, version, grade, found)
    rows = await rendition.sample(depot, upload, treatment)
    async with depot.database.transaction() as tx:
        now = await depot.database.now(tx)
        day = sample_rules.day_of(now)
        if not await store.count_sample(tx, version_id, caller.participant_id, day, SHOWN_A_DAY_MAX):
            raise sample_rules.too_many(now)
        fact = SampleShown(version_id, grade, kind, len(rows.rows), POLICY_VERSION)
        await depot.outbox.record(tx, caller.actor, now, fact)
    return SampleView(version_id=version_id, kind=kind, fields=rows.fields, rows=rows.rows)


def _visible_grade(version: VersionView, caller: Member) -> Grade:
    own = version.provider_id == caller.participant_id
    if version.grade is None or (version.asset_state != "registered" and not own):
        raise NoSuchVersion()
    if not own and visibility(version.grade, caller.standing.clearance) is Visibility.NONE:
        raise NoSuchVersion()
    return version.grade


async def _refused(depot: Depot, caller: Member, version_id: VersionId, grade: Grade, reason_code: str) -> None:
    async with depot.database.transaction() as tx:
        refused = SampleRefused(version_id, grade, reason_code, POLICY_VERSION)
        await depot.outbox.record(tx, caller.actor, await depot.database.now(tx), refused)

"""What happens when a provider says how its fields are desensitised, and when somebody asks what that comes to."""

from contextlib import AbstractContextManager, nullcontext

from services.catalog.client import NoSuchVersion, VersionView
from services.delivery.actions import rendition
from services.delivery.actions.depot import Depot
from services.delivery.actions.overseeing import oversees
from services.delivery.events.desensitisation import DesensitisationPlanDeclared
from services.delivery.rules import desensitisation as rules
from services.delivery.rules.delivery import ContentMissing
from services.delivery.rules.desensitisation import Plan, Treatment, Wishes
from services.delivery.rules.effect import EffectReport
from services.delivery.rules.inspection import Inspection
from services.delivery.rules.upload import Upload
from services.delivery.store import desensitisation as store
from services.delivery.store import uploads
from shared import tenancy
from shared.access import Caller, Member
from shared.database import Transaction
from shared.errors import Conflict
from shared.grades import MATRIX, Grade, Mode
from shared.idempotency import Once
from shared.ids import VersionId


class NotGraded(Conflict):
    """How strictly a version is desensitised follows from its grade, and it has none yet."""


class NeverDesensitised(Conflict):
    """Data of this grade are not delivered desensitised."""


async def declare(
    depot: Depot, provider: Member, version_id: VersionId, wishes: Wishes, once: Once
) -> tuple[Plan, Treatment]:
    """Declare the plan of a version of the provider's own; it applies to what is delivered from now on.

    The plan that stands already is no new revision. Raises MaskTooWeak with the minimum where a field is shown more
    than the grade allows.
    """
    version = await depot.catalog.version(version_id)
    if version.provider_id != provider.participant_id:
        raise NoSuchVersion()
    grade = _grade(version)
    depot.standing.require_fresh(grade)
    async with depot.database.transaction() as tx:
        _, inspection = await content(tx, version_id)
        if earlier := await once.recall(tx, Plan):
            return earlier, rules.treatment(inspection, grade, frozenset(version.flags), earlier)
        rules.check(wishes, inspection, grade)
        newest, now = await store.newest_plan(tx, version_id), await depot.database.now(tx)
        plan = Plan(version_id, newest.revision + 1 if newest else 1, provider.participant_id, wishes, now)
        if newest and newest.digest == plan.digest:
            plan = newest
        else:
            await store.add_plan(tx, plan)
        await once.remember(tx, plan)
        if plan is not newest:
            await depot.outbox.record(tx, provider.actor, now, DesensitisationPlanDeclared.of(plan, grade))
    return plan, rules.treatment(inspection, grade, frozenset(version.flags), plan)


async def plan(depot: Depot, caller: Caller, version_id: VersionId) -> tuple[Plan | None, Treatment]:
    """The newest plan and what is done to each field at the present grade. For the provider, a buyer that is entitled
    to the version, and the platform's and the state's supervisors by their offices and from G4 on by name; for others
    there is no such version."""
    version = await _shown(depot, caller, version_id)
    with _reading(caller, version):
        async with depot.database.read() as tx:
            _, inspection = await content(tx, version_id)
            newest = await store.newest_plan(tx, version_id)
    return newest, rules.treatment(inspection, _grade(version), frozenset(version.flags), newest)


async def effect_report(depot: Depot, caller: Caller, version_id: VersionId) -> EffectReport:
    """The report on the present plan at the present grade; the content is desensitised first if it was not yet."""
    version = await _shown(depot, caller, version_id)
    grade = _grade(version)
    if MATRIX[grade][Mode.DESENSITISED] is None:
        raise NeverDesensitised(grade=grade)
    with _reading(caller, version):
        async with depot.database.read() as tx:
            upload, inspection = await content(tx, version_id)
    treatment = await treatment_of(depot, version, grade, inspection)
    made = await rendition.desensitised(depot, upload, inspection, treatment)
    with _reading(caller, version):
        async with depot.database.read() as tx:
            report = await store.effect_report(tx, version_id, made.policy_digest)
    assert report is not None
    return report


async def effect_report_on_record(depot: Depot, version: VersionView) -> bool:
    """Whether there is a report on the version's present plan, at its present grade, and it passes."""
    if version.grade is None:
        return False
    with tenancy.for_everyone():  # it tells whoever asks no more than that there is one
        async with depot.database.read() as tx:
            found = await uploads.content_of(tx, version.id)
            newest = await store.newest_plan(tx, version.id)
            if found is None:
                return False
            treatment = rules.treatment(found[1], version.grade, frozenset(version.flags), newest)
            report = await store.effect_report(tx, version.id, rendition.digest_of(depot, version.id, treatment))
    return report is not None and report.passes


async def treatment_of(depot: Depot, version: VersionView, grade: Grade, inspection: Inspection) -> Treatment:
    """What is done to the version's content by the newest plan, whoever gets it: requires that they may."""
    with tenancy.for_everyone():
        async with depot.database.read() as tx:
            newest = await store.newest_plan(tx, version.id)
    return rules.treatment(inspection, grade, frozenset(version.flags), newest)


async def _shown(depot: Depot, caller: Caller, version_id: VersionId) -> VersionView:
    version = await depot.catalog.version(version_id)
    if oversees(depot, caller, version):
        return version
    if caller.participant_id is None or not depot.standing.of(caller.participant_id).is_admitted:
        raise NoSuchVersion()
    own = version.provider_id == caller.participant_id
    if not own and not depot.watch.is_entitled_to(version_id, caller.participant_id):
        raise NoSuchVersion()
    return version


def _reading(caller: Caller, version: VersionView) -> AbstractContextManager[None]:
    """A provider reads what is its own as its own; whoever else was found to have a right reads it for everyone."""
    return nullcontext() if version.provider_id == caller.participant_id else tenancy.for_everyone()


def _grade(version: VersionView) -> Grade:
    if version.grade is None:
        raise NotGraded()
    return version.grade


async def content(tx: Transaction, version_id: VersionId) -> tuple[Upload, Inspection]:
    """As the store has it. Raises ContentMissing."""
    found = await uploads.content_of(tx, version_id)
    if found is None:
        raise ContentMissing()
    return found

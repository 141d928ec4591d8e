"""What happens when a provider declares what may be computed, and an operator looks at it.

The content is read once, in the inspector's child, before anything is kept, beside those of its kindred: of other
versions with a cube. What is kept is the release alone.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack

from services.catalog.client import NoSuchVersion
from services.delivery.actions import rendition
from services.delivery.actions.depot import Depot
from services.delivery.actions.lasting import Step, outcome
from services.delivery.actions.overseeing import oversees
from services.delivery.actions.staging import seed_of, staged_content
from services.delivery.events.cube import CubeApproved, CubeDeclared, CubeDisapproved, CubeLapsed, CubeReplaced
from services.delivery.rules import cube as cube_rules
from services.delivery.rules import kindred as kindred_rules
from services.delivery.rules import tabulation
from services.delivery.rules.cube import (
    CELLS_MAX,
    Cube,
    CubeChangedMeanwhile,
    CubeTooSmall,
    Declaration,
    Level,
    NoSuchCube,
    Release,
)
from services.delivery.rules.delivery import ContentMissing
from services.delivery.rules.disclosure import Cell
from services.delivery.rules.query import QueryLimit, QueryRejected
from services.delivery.rules.upload import Upload
from services.delivery.sandbox import RunQuery, query
from services.delivery.store import cubes as store
from services.delivery.store import uploads
from shared import tenancy
from shared.access import Caller, Member, Role
from shared.database import Transaction
from shared.grades import Mode
from shared.idempotency import Once
from shared.ids import AssetId, CubeId, ParticipantId, VersionId
from shared.web import Page

ANSWER_BYTES_MAX = 6 * 2**20  # below what a child may say in all


async def declare(depot: Depot, provider: Member, version_id: VersionId, declared: Declaration, once: Once) -> Cube:
    """Requires a graded version of the provider's own. Reads the content, which takes seconds or minutes.

    Raises StillInTheMaking where that is too long for a request: it goes on, and the same request waits on for it.
    """
    async with depot.database.transaction() as tx:
        if earlier := await once.recall(tx, Cube):
            return earlier
    return await outcome(depot.cubes, once, lambda tell: _made(depot, provider, version_id, declared, once, tell))


async def _made(
    depot: Depot, provider: Member, version_id: VersionId, declared: Declaration, once: Once,
    tell: Callable[[Step], None],
) -> Cube:  # fmt: skip
    version = await depot.catalog.version(version_id)
    if version.provider_id != provider.participant_id:
        raise NoSuchVersion()
    if version.grade is None:
        raise ContentMissing()
    depot.standing.require_fresh(version.grade)
    async with depot.database.read() as tx:
        content = await uploads.content_of(tx, version_id)
    if content is None:
        raise ContentMissing()
    upload, found = content
    cube_rules.review(declared, found)
    others, told, uploaded = await _compared(depot, declared, version.provider_id, version_id, version.asset_id, upload)
    cells = await _tabulated(depot, [upload, *uploaded], declared, tell)
    tell(Step.PLANNING)
    releases = await asyncio.to_thread(tabulation.released, declared, cells, told)
    own = [cells[index] for index in sorted(tabulation.held_by(cells, 0))] if others else cells
    if not releases[cube_rules.level_of(version.grade)].groups[0]:
        raise CubeTooSmall(reason_code="nothing_can_be_told")
    async with depot.database.transaction() as tx:
        if earlier := await once.recall(tx, Cube):
            return earlier
        now = await depot.database.now(tx)
        if not await depot.database.claim(tx, f"cubes of {version.provider_id}"):
            raise CubeChangedMeanwhile()
        now_kindred = await _kindred(tx, version.provider_id, version_id, version.asset_id, upload)
        if {one.id for one in now_kindred} != {one.id for one in others}:
            raise CubeChangedMeanwhile()
        before = await store.standing_cube_for_update(tx, version_id)
        replaced: list[Cube] = []
        if before is not None:
            replaced.append(cube_rules.replaced(before, answered=await store.is_answered(tx, before.id)))
            await store.save_cube(tx, replaced[0])
        cube = cube_rules.declare(
            CubeId.new(), version_id, provider.participant_id, content_hash=upload.content_hash, declaration=declared,
            grade=version.grade, cells=tabulation.cells_in(own, others=len(others)),
            rows_left_out=found.rows - sum(cell.rows for cell in own), now=now, asset_id=version.asset_id,
        )  # fmt: skip
        await store.add_cube(tx, cube, releases)
        await once.remember(tx, cube)
        await depot.outbox.record(tx, provider.actor, now, *map(CubeReplaced.of, replaced), CubeDeclared.of(cube))
    return cube


async def decide(depot: Depot, operator: Caller, cube_id: CubeId, reason: str, once: Once, *, approves: bool) -> Cube:
    """An operator's word on a cube that waits, or on one whose version was graded G4 or above meanwhile."""
    async with depot.database.read() as tx:
        seen = await store.cube(tx, cube_id)
    if not oversees(depot, operator, await depot.catalog.version(seen.version_id)):
        raise NoSuchCube()
    async with depot.database.transaction() as tx:
        if earlier := await once.recall(tx, Cube):
            return earlier
        cube = await store.cube_for_update(tx, cube_id)
        now = await depot.database.now(tx)
        cube = cube_rules.approve(cube, now) if approves else cube_rules.refuse(cube, now)
        await store.save_cube(tx, cube)
        await once.remember(tx, cube)
        fact = CubeApproved.of(cube, reason) if approves else CubeDisapproved.of(cube, reason)
        await depot.outbox.record(tx, operator.actor, now, fact)
    return cube


async def cube(depot: Depot, caller: Caller, cube_id: CubeId) -> Cube:
    """Requires that the caller may see it: otherwise it is not there."""
    with tenancy.for_everyone():  # who has a right to it is known once its version is
        async with depot.database.read() as tx:
            found = await store.cube(tx, cube_id)
    if not await _may_see(depot, caller, found.version_id, found.provider_id):
        raise NoSuchCube()
    return found


async def listed(depot: Depot, caller: Caller, version_id: VersionId, page: Page) -> list[Cube]:
    """The version's cubes, oldest first, if the caller may see them: otherwise there are none."""
    with tenancy.for_everyone():
        async with depot.database.read() as tx:
            found = await store.listed_cubes(tx, version_id, page.after_id(CubeId), page.limit + 1)
    seen = found and await _may_see(depot, caller, version_id, found[0].provider_id)
    return found if seen else []


async def pass_deadlines(depot: Depot) -> None:
    """Notice the cubes that nobody has approved in time."""
    async with depot.database.transaction() as tx:
        now = await depot.database.now(tx)
        over = [cube_rules.lapse(late) for late in await store.cubes_past_deadline(tx, now)]
        for lapsed in over:
            await store.save_cube(tx, lapsed)
        await depot.outbox.record(tx, depot.outbox.itself, now, *map(CubeLapsed.of, over))


async def _compared(
    depot: Depot, declared: Declaration, provider_id: ParticipantId, version_id: VersionId, asset_id: AssetId,
    upload: Upload,
) -> tuple[list[Cube], list[Mapping[Level, Release]], list[Upload]]:  # fmt: skip
    """The kindred cubes, what each of them tells, and of which contents. Raises unless they can be compared."""
    async with depot.database.read() as tx:
        others = await _kindred(tx, provider_id, version_id, asset_id, upload)
        kindred_rules.require_alike(cube_rules.digest_of(declared), others)
        told = [{level: await store.release(tx, other.id, level) for level in Level} for other in others]
        contents = [await uploads.content_of(tx, other.version_id) for other in others]
    uploaded = [content[0] for content in contents if content is not None]
    if len(uploaded) < len(others):
        raise kindred_rules.NothingToCompare()
    return others, list(told), uploaded


async def _kindred(
    tx: Transaction, provider_id: ParticipantId, version_id: VersionId, asset_id: AssetId, upload: Upload
) -> list[Cube]:  # fmt: skip
    standing = await store.standing_cubes_of(tx, provider_id)
    return kindred_rules.kindred(standing, version_id, asset_id, upload.content_hash)


async def _tabulated(
    depot: Depot, uploaded: Sequence[Upload], declared: Declaration, tell: Callable[[Step], None]
) -> tuple[Cell, ...]:  # fmt: skip
    contents = len(uploaded)
    tell(Step.READING)
    async with AsyncExitStack() as staging:
        source, *others = [
            await staging.enter_async_context(
                staged_content(depot, await rendition.columnar(depot, upload), seed_of(upload))
            )
            for upload in uploaded
        ]
        job = RunQuery(
            source, tabulation.sql(declared, contents), list(declared.columns), {}, rows_max=CELLS_MAX + 1,
            bytes_max=ANSWER_BYTES_MAX, row_number=tabulation.row_number(declared), others=others,
            source_number=tabulation.source_number(declared) if others else None,
        )  # fmt: skip
        tell(Step.COUNTING)
        try:
            found = await query(depot.inspector, job)
        except QueryLimit as error:
            raise cube_rules.CubeTooFine(reason_code="takes_too_long") from error
        except QueryRejected as error:
            raise cube_rules.CubeRejected(fault="cannot_be_computed") from error
    if found.truncated:
        raise cube_rules.CubeTooFine(cells_max=CELLS_MAX)
    return tabulation.cells_of(declared, found.rows, contents)


async def _may_see(depot: Depot, caller: Caller, version_id: VersionId, provider_id: ParticipantId) -> bool:
    if {Role.OPERATOR_BUSINESS, Role.OPERATOR_AUDIT, Role.REGULATOR} & caller.roles:
        return oversees(depot, caller, await depot.catalog.version(version_id))
    if caller.participant_id is None:
        return False
    own = caller.participant_id == provider_id
    return own or depot.watch.is_entitled_to(version_id, caller.participant_id, Mode.COMPUTE)

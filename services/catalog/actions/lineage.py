"""What happens when a provider says what a version is made from, and when the grade of a parent rises."""

from collections.abc import Callable, Coroutine, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from services.catalog.actions.catalog import Catalog, viewer
from services.catalog.actions.regrading import facts_of_raise, regrade
from services.catalog.events.grading import GradeProposed
from services.catalog.events.lineage import LicenceTermsDeclared, LineageDeclared
from services.catalog.rules import asset as asset_rules
from services.catalog.rules import grading as grading_rules
from services.catalog.rules import lineage as lineage_rules
from services.catalog.rules import registration, viewing
from services.catalog.rules import version as version_rules
from services.catalog.rules.asset import Entry
from services.catalog.rules.lineage import (
    NO_LIMIT,
    NODES_MAX,
    Edge,
    LicenceTerms,
    LineageSettled,
    Parent,
    ParentNotRegistered,
)
from services.catalog.rules.version import NoSuchVersion, Version
from services.catalog.rules.viewing import Viewer
from services.catalog.schemas.lineage import (
    DeclaredLicenceView,
    EdgeView,
    LicenceTermsView,
    LineageView,
    NewLineage,
    NodeView,
)
from services.catalog.store import entries as store
from services.catalog.store import evidence as evidence_store
from services.catalog.store import lineage as lineage_store
from shared.access import Caller, Member
from shared.database import Transaction
from shared.facts import Fact
from shared.grades import Visibility
from shared.idempotency import Once
from shared.ids import VersionId

Step = Callable[[Transaction, list[VersionId]], Coroutine[Any, Any, list[Edge]]]
PARENT_RAISED = "a version that this one was made from was graded higher"


async def declare(
    catalog: Catalog, provider: Member, version_id: VersionId, new: NewLineage, once: Once
) -> LineageView:
    """Requires one's own version that is not registered yet, and registered parents that show to the provider."""
    looking = viewer(catalog, provider)
    async with catalog.database.transaction() as tx:
        if earlier := await once.recall(tx, LineageView):
            return earlier
        before = await _own_pending(tx, version_id, provider)
        now = await catalog.database.now(tx)
        registration.require_in_time(before, now)
        edges = [Edge(version_id, parent.version_id, parent.processing) for parent in new.parents]
        lineage_rules.require_parents(edges)
        parents = await _parents(tx, edges, looking)
        declared = await _declared(tx, version_id)
        in_force = await _in_force(tx, before, declared, parents)
        await lineage_store.replace_parents(tx, version_id, edges, now)
        await lineage_store.save_terms(tx, version_id, declared, in_force, now)
        after = replace(before, asset=replace(before.asset, revision=before.asset.revision + 1))
        facts: list[Fact] = [LineageDeclared.of(after.asset, after.version(version_id), parents, in_force)]
        if after.version(version_id).graded:
            after, proposed = await _graded_again(tx, after, version_id, provider.subject, parents, now)
            facts.append(proposed)
        await store.save_entry(tx, before, after)
        shown = await _graph(tx, looking, version_id, 1, (lineage_store.parents_of,))
        await once.remember(tx, shown)
        await catalog.outbox.record(tx, provider.actor, now, *facts)
    return shown


async def declare_terms(
    catalog: Catalog, provider: Member, version_id: VersionId, declared: LicenceTerms, once: Once
) -> DeclaredLicenceView:
    """Requires one's own version that is not registered yet."""
    async with catalog.database.transaction() as tx:
        if earlier := await once.recall(tx, DeclaredLicenceView):
            return earlier
        before = await _own_pending(tx, version_id, provider)
        now = await catalog.database.now(tx)
        registration.require_in_time(before, now)
        parents = await lineage_store.graded_parents_of(tx, version_id)
        in_force = await _in_force(tx, before, declared, parents)
        await lineage_store.save_terms(tx, version_id, declared, in_force, now)
        after = replace(before, asset=replace(before.asset, revision=before.asset.revision + 1))
        await store.save_entry(tx, before, after)
        shown = _licence_view(version_id, declared, in_force)
        await once.remember(tx, shown)
        told = LicenceTermsDeclared.of(after.asset, after.version(version_id), declared, in_force)
        await catalog.outbox.record(tx, provider.actor, now, told)
    return shown


async def terms(catalog: Catalog, caller: Caller | None, version_id: VersionId) -> DeclaredLicenceView:
    """Raises NoSuchVersion alike for what is not there and for what does not show."""
    async with catalog.database.read() as tx:
        await _shown(tx, viewer(catalog, caller), version_id)
        declared, in_force = (await lineage_store.terms_of(tx, [version_id])).get(version_id, (NO_LIMIT, NO_LIMIT))
    return _licence_view(version_id, declared, in_force)


async def graph(
    catalog: Catalog, caller: Caller | None, version_id: VersionId, depth: int, *, up: bool, down: bool
) -> LineageView:
    """Raises NoSuchVersion alike for what is not there and for what does not show."""
    looking = viewer(catalog, caller)
    steps = (lineage_store.parents_of,) * up + (lineage_store.children_of,) * down
    async with catalog.database.read() as tx:
        await _shown(tx, looking, version_id)
        return await _graph(tx, looking, version_id, depth, steps)


async def raise_lagging(catalog: Catalog) -> None:
    """Raise what stands below a parent whose grade it has to keep, down to the last that derives from it."""
    done = set[VersionId]()
    while True:
        async with catalog.database.read() as tx:
            lagging = [version_id for version_id in await lineage_store.lagging(tx) if version_id not in done]
        if not lagging:
            return
        for version_id in lagging:
            done.add(version_id)
            await _raise(catalog, version_id)


async def _raise(catalog: Catalog, version_id: VersionId) -> None:
    itself = catalog.outbox.itself
    async with catalog.database.transaction() as tx:
        before = await store.entry_of_version_for_update(tx, version_id)
        now = await catalog.database.now(tx)
        grounds, found = await evidence_store.grounds_of(tx, version_id)
        version = before.version(version_id)
        grading = grading_rules.grade(grounds, found, version.rows)
        if version.graded is None or grading.grade <= version.graded.grade:
            return
        version = version_rules.raise_grade(version, grading)
        after, closed = await regrade(tx, before, version, grounds, grading, itself.id, now)
        raised = await facts_of_raise(tx, after, version_id, grading, PARENT_RAISED, now)
        await catalog.outbox.record(tx, itself, now, *raised, *closed)


async def _graded_again(
    tx: Transaction, entry: Entry, version_id: VersionId, given_by: str, parents: tuple[Parent, ...], now: datetime
) -> tuple[Entry, GradeProposed]:
    known, found = await evidence_store.grounds_of(tx, version_id)
    grounds, version = replace(known, derived=parents), entry.version(version_id)
    grading = grading_rules.grade(grounds, found, version.rows)
    version = version_rules.propose_grade(version, grading)
    await evidence_store.add_grading(tx, version, grounds, grading, given_by, now)
    after = entry.replacing(version)
    return after, GradeProposed.of(after.asset, version, grading.reasons)


async def _own_pending(tx: Transaction, version_id: VersionId, provider: Member) -> Entry:
    entry = await store.entry_of_version_for_update(tx, version_id, provider.participant_id)
    asset_rules.require_changeable(entry.asset)
    if not entry.version(version_id).is_pending:
        raise LineageSettled(state=entry.version(version_id).state)
    return entry


async def _parents(tx: Transaction, edges: list[Edge], looking: Viewer) -> tuple[Parent, ...]:
    """Raises NoSuchVersion for a parent that does not show, ParentNotRegistered for one of one's own too early."""
    found = {
        version.id: (entry, version)
        for entry in await store.entries_of_versions(tx, [edge.parent_id for edge in edges])
        for version in entry.versions
    }
    return tuple(_parent(edge, found.get(edge.parent_id), looking) for edge in edges)


def _parent(edge: Edge, found: tuple[Entry, Version] | None, looking: Viewer) -> Parent:
    if found is None or not viewing.shows_version(found[0], found[1], looking):
        raise NoSuchVersion()
    entry, version = found
    if not version.is_registered or version.graded is None:
        raise ParentNotRegistered(version_id=version.id)
    return Parent(version.id, entry.asset.provider_id, edge.processing, version.graded.grade, version.graded.flags)


async def _declared(tx: Transaction, version_id: VersionId) -> LicenceTerms:
    known = (await lineage_store.terms_of(tx, [version_id])).get(version_id)
    return known[0] if known else NO_LIMIT


async def _in_force(tx: Transaction, entry: Entry, declared: LicenceTerms, parents: tuple[Parent, ...]) -> LicenceTerms:
    known = await lineage_store.terms_of(tx, [parent.version_id for parent in parents])
    terms = [(parent, known[parent.version_id][1] if parent.version_id in known else None) for parent in parents]
    return lineage_rules.inherited(declared, entry.asset.provider_id, terms)


async def _shown(tx: Transaction, looking: Viewer, version_id: VersionId) -> None:
    entry = await store.entry_of_version(tx, version_id)
    if not viewing.shows_version(entry, entry.version(version_id), looking):
        raise NoSuchVersion()


async def _graph(
    tx: Transaction, looking: Viewer, version_id: VersionId, depth: int, steps: Iterable[Step]
) -> LineageView:
    """Level by level: what does not show is left out, and nothing is looked for beyond it."""
    nodes = await _nodes(tx, [version_id], looking)
    edges, is_cut = set[Edge](), False
    for step in steps:
        frontier = [version_id]
        for level in range(depth + 1):
            near = await step(tx, frontier)
            ends = {edge.version_id for edge in near} | {edge.parent_id for edge in near}
            fresh = await _nodes(tx, sorted(ends - nodes.keys()), looking)
            room = NODES_MAX - len(nodes) if level < depth else 0  # one level more tells whether there is more
            is_cut = is_cut or len(fresh) > room
            nodes |= dict(sorted(fresh.items())[:room])
            edges |= {edge for edge in near if edge.version_id in nodes and edge.parent_id in nodes}
            frontier = sorted(fresh.keys() & nodes.keys())
            if not frontier:
                break
    return LineageView(
        version_id=version_id, nodes=[nodes[one] for one in sorted(nodes)],
        edges=[EdgeView.of(edge) for edge in sorted(edges, key=lambda edge: (edge.version_id, edge.parent_id))],
        is_cut=is_cut,
    )  # fmt: skip


async def _nodes(tx: Transaction, version_ids: list[VersionId], looking: Viewer) -> dict[VersionId, NodeView]:
    wanted = set(version_ids)
    return {
        version.id: _node(entry, version, looking)
        for entry in await store.entries_of_versions(tx, version_ids)
        for version in entry.versions
        if version.id in wanted and viewing.shows_version(entry, version, looking)
    }


def _node(entry: Entry, version: Version, looking: Viewer) -> NodeView:
    in_full = viewing.version_shown(entry, version, looking) is Visibility.FULL
    return NodeView(
        version_id=version.id, asset_id=entry.asset.id, provider_id=entry.asset.provider_id,
        title=entry.asset.about.title, number=version.number,
        grade=version.graded.grade if in_full and version.graded else None,
    )  # fmt: skip


def _licence_view(version_id: VersionId, declared: LicenceTerms, in_force: LicenceTerms) -> DeclaredLicenceView:
    return DeclaredLicenceView(
        version_id=version_id, declared=LicenceTermsView.of(declared), in_force=LicenceTermsView.of(in_force)
    )

"""What happens whenever someone asks for a content, in whichever mode: the one decision, and the record of a refusal.

Every mode goes the same way: `decided` before anything is charged, `confirmed` in the transaction that records the
delivery (so that two transfers at once are not counted as one), and `requested_now` while it runs.
"""

from collections.abc import Set
from dataclasses import dataclass, replace
from datetime import datetime

from services.catalog.client import VersionView
from services.delivery.actions import desensitisation
from services.delivery.actions.depot import Depot
from services.delivery.events.delivery import DeliveryRefused
from services.delivery.rules import permission, result_review
from services.delivery.rules.delivery import ContentMissing, Entitled, ExportRunning, ModeNotServed, NoSuchEntitlement
from services.delivery.rules.export import is_abroad, year_of
from services.delivery.rules.permission import Requested, agreed_purpose
from services.delivery.store import exports as store
from shared.access import Member
from shared.database import Transaction
from shared.errors import Unavailable
from shared.grades import G5, Condition, Decision, Grade, Mode
from shared.ids import EntitlementId, ParticipantId


class EntitlementsUnknown(Unavailable):
    """Who is entitled to what cannot be confirmed at the moment."""


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision with all that it rests on. `grade` is the version's."""

    entitled: Entitled
    version: VersionView
    grade: Grade
    requested: Requested
    decision: Decision

    @property
    def provider_id(self) -> ParticipantId:
        """Whose transfer abroad it is."""
        return self.entitled.provider_id or self.version.provider_id

    @property
    def own_record(self) -> frozenset[Condition]:
        """What is on record beyond what the catalogue says."""
        return self.requested.on_record - frozenset(self.version.on_record)

    def fulfilling(self, conditions: Set[Condition]) -> "Decided":
        """Decided again, with these conditions and no others fulfilled by the question itself."""
        requested = replace(self.requested, on_record=frozenset(self.version.on_record) | conditions)
        return replace(self, requested=requested, decision=permission.decide(requested))

    def refused(self) -> DeliveryRefused:
        return DeliveryRefused.of(self.entitled, self.version.grade_revision, self.requested, self.decision)

    def require(self) -> None:
        """Raises NotPermitted, ExportBlocked, EntitlementNotActive or QuotaSpent unless the decision allows."""
        if not self.decision.allowed:
            raise permission.refusal(self.requested, self.decision)


async def decided(
    depot: Depot, buyer: Member, entitlement_id: EntitlementId, served: Set[Mode], purpose: str | None, *,
    names_use: bool = False, fulfilled: frozenset[Condition] = frozenset(),
) -> Decided:  # fmt: skip
    """The decision that the buyer may have it; a refusal is recorded and raised. Requires the buyer's own entitlement.

    `served` are the modes that the asker gives out; `purpose` may be left out where the contract has exactly one;
    `names_use` says that a use is tried again; `fulfilled` are the conditions that the question itself fulfils.
    """
    entitled = await _entitled(depot, buyer, entitlement_id)
    version, grade = await graded(depot, entitled)
    depot.standing.require_fresh(grade)
    on_record = frozenset(version.on_record) | await own_record(depot, entitled.mode, version) | fulfilled
    purpose = agreed_purpose(entitled.purposes, purpose)
    if grade >= G5 and await _is_approved(depot, entitled, purpose):
        on_record |= {Condition.ORDER_APPROVAL}
    requested = Requested(
        entitled.mode, grade, buyer.standing.clearance, depot.clock.now(), frozenset(version.flags), on_record,
        entitled.active, entitled.ends_at, entitled.uses_left, names_use, entitled.purposes,
        purpose, entitled.territory,
    )  # fmt: skip
    if is_abroad(entitled.territory):
        async with depot.database.read() as tx:
            requested = await _with_export(depot, tx, entitled, version.provider_id, requested)
    found = Decided(entitled, version, grade, requested, permission.decide(requested))
    if not found.decision.allowed:
        async with depot.database.transaction() as tx:
            await depot.outbox.record(tx, buyer.actor, await depot.database.now(tx), found.refused())
    found.require()
    if entitled.mode not in served:
        raise ModeNotServed(mode=entitled.mode, served=sorted(served))
    return found


async def confirmed(depot: Depot, tx: Transaction, before: Decided, now: datetime) -> Decided:
    """The decision taken again in the transaction that records the delivery; what goes abroad by it is counted there.

    Requires that the use was charged, if one is: trading has then compared the grade. The decision may deny by now;
    then record `refused()` instead, and `require()` after the commit.
    """
    requested = replace(requested_now(depot, before, before.version), at=now)
    if is_abroad(requested.territory):
        if not await depot.database.claim(tx, f"exports of {before.provider_id}"):
            raise ExportRunning(retry_after_seconds=1)
        requested = await _with_export(depot, tx, before.entitled, before.version.provider_id, requested)
    found = replace(before, requested=requested, decision=permission.decide(requested))
    ruling, clearance = permission.ruling_abroad(requested), requested.export.clearance
    if found.decision.allowed and ruling and ruling.counts and clearance:
        what = (before.provider_id, before.entitled.buyer_id, before.entitled.version_id)
        await store.save_export(tx, *what, year_of(now), clearance)
    return found


def requested_now(depot: Depot, before: Decided, version: VersionView) -> Requested:
    """The same request as things are now. What is known of a transfer, and the record kept here, stay as they were."""
    entitled = before.entitled
    known = depot.watch.entitled(entitled.entitlement_id)
    return replace(
        before.requested, grade=version.grade or before.grade, clearance=depot.standing.clearance_of(entitled.buyer_id),
        at=depot.clock.now(), flags=frozenset(version.flags),
        on_record=frozenset(version.on_record) | before.own_record, active=known is not None and known.active,
        names_use=True,
    )  # fmt: skip


async def own_record(depot: Depot, mode: Mode, version: VersionView) -> frozenset[Condition]:
    """What is on record here beside the catalogue's record: a report that passes, and what computing is kept to.

    What a question for rows is kept to, it says itself (`fulfilled`).
    """
    match mode:
        case Mode.DESENSITISED if await desensitisation.effect_report_on_record(depot, version):
            return frozenset({Condition.EFFECT_REPORT})
        case Mode.COMPUTE:
            return result_review.kept_to(version.grade) if version.grade else frozenset()
        case _:
            return frozenset()


async def _is_approved(depot: Depot, entitled: Entitled, purpose: str | None) -> bool:
    """Whether a request of this buyer for access in this mode, for this purpose, stands approved by both levels."""
    approved = await depot.catalog.access(entitled.version_id, entitled.buyer_id)
    return any((one.mode, one.purpose) == (entitled.mode, purpose) for one in approved)


async def graded(depot: Depot, entitled: Entitled) -> tuple[VersionView, Grade]:
    """The version as the catalogue has it now, and its grade. Raises NoSuchVersion, ContentMissing."""
    version = await depot.catalog.version_for(entitled.version_id, entitled.buyer_id)
    if version.grade is None:
        raise ContentMissing()
    return version, version.grade


async def _entitled(depot: Depot, buyer: Member, entitlement_id: EntitlementId) -> Entitled:
    entitled = await depot.watch.heard_of(entitlement_id, buyer.participant_id)
    if entitled is None and depot.watch.is_stale:
        raise EntitlementsUnknown(retry_after_seconds=5)
    if entitled is None:
        raise NoSuchEntitlement()
    return entitled


async def _with_export(
    depot: Depot, tx: Transaction, entitled: Entitled, owner_id: ParticipantId, requested: Requested
) -> Requested:
    what = (entitled.entitlement_id, entitled.provider_id or owner_id, entitled.version_id)
    return replace(requested, export=await store.export(tx, *what, year_of(await depot.database.now(tx))))

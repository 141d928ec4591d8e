"""What is on file for an asset's versions, and what follows for them when that changes."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from services.catalog.events.records import ConditionsChanged
from services.catalog.rules import consent as consent_rules
from services.catalog.rules import petition as petition_rules
from services.catalog.rules import records as record_rules
from services.catalog.rules import version as version_rules
from services.catalog.rules.asset import Entry
from services.catalog.rules.consent import Consent
from services.catalog.rules.important_data import OnFile
from services.catalog.rules.petition import Petition
from services.catalog.rules.records import Record
from services.catalog.rules.version import LAPSED
from services.catalog.store import consents as consent_store
from services.catalog.store import important_data as important_store
from services.catalog.store import lineage as lineage_store
from services.catalog.store import petitions as petition_store
from services.catalog.store import records as record_store
from shared.database import Transaction
from shared.grades import Condition
from shared.ids import AssetId, ParticipantId, VersionId

MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Proofs:
    """All of an asset's records and granted petitions; and of the persons of whom a consent to a version does not
    stand any more, every consent to it."""

    records: tuple[Record, ...]
    petitions: tuple[Petition, ...]
    left: Mapping[VersionId, list[Consent]] = field(default_factory=dict[VersionId, list[Consent]])

    @property
    def all(self) -> tuple[Record | Petition, ...]:
        return (*self.records, *self.petitions)

    def proven(
        self, version_id: VersionId, at: datetime, recipient_id: ParticipantId | None = None
    ) -> frozenset[Condition]:
        """What is proven towards a recipient; without one, towards all."""
        by_records = record_rules.proven(self.records, version_id, at)
        lost = consent_rules.lost(self.left.get(version_id, ()), recipient_id, at)
        return (by_records - lost) | petition_rules.proven(self.petitions, version_id, at)

    def having(self, changed: Record | Petition) -> "Proofs":
        """With this one in place of what it was."""
        if isinstance(changed, Record):
            return replace(self, records=(*(one for one in self.records if one.id != changed.id), changed))
        return replace(self, petitions=(*(one for one in self.petitions if one.id != changed.id), changed))


async def proofs_of(tx: Transaction, asset_id: AssetId, now: datetime) -> Proofs:
    records = await record_store.records_of(tx, asset_id)
    petitions = await petition_store.granted_of(tx, asset_id)
    return Proofs(tuple(records), tuple(petitions), await consent_store.of_those_who_left(tx, asset_id, now))


async def on_record(
    tx: Transaction, asset_id: AssetId, version_id: VersionId, now: datetime,
    recipient_id: ParticipantId | None = None,
) -> frozenset[Condition]:  # fmt: skip
    return (await proofs_of(tx, asset_id, now)).proven(version_id, now, recipient_id)


async def on_file(tx: Transaction, entry: Entry, now: datetime) -> OnFile:
    """For the version that may become registered; nothing where there is none."""
    if entry.pending is None:
        return OnFile()
    conditions = await on_record(tx, entry.asset.id, entry.pending.id, now)
    parents = await lineage_store.graded_parents_of(tx, entry.pending.id)
    highest = max((parent.grade for parent in parents), default=None)
    return OnFile(conditions, await important_store.is_filed(tx, entry.pending.id), highest)


async def follow(
    tx: Transaction, before: Entry, changed: Record | Petition, now: datetime
) -> tuple[Entry, list[ConditionsChanged]]:
    """The entry, every version of which has a new grade revision where other conditions are on record than before.

    Requires the locked entry, and that the change is not yet saved. What lapsed is compared with its last moment, so
    that nobody who comes between that and the notice of it hides the change.
    """
    was = await proofs_of(tx, before.asset.id, now)
    will_be, after, facts = was.having(changed), before, list[ConditionsChanged]()
    last = min([now, *(one.deadline - MICROSECOND for one in was.all if one.id == changed.id and one.deadline)])
    for version in before.versions:
        conditions = will_be.proven(version.id, now)
        if version.graded and version.state is not LAPSED and conditions != was.proven(version.id, last):
            kept = version_rules.keep_grade(version)
            after = after.replacing(kept)
            facts.append(ConditionsChanged.of(after.asset, kept, conditions))
    return after, facts

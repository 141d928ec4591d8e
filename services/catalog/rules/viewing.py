"""Who sees which part of an entry.

Promises: a draft is its provider's and the staff's alone; beyond that an entry shows as far as the lowest-graded of its
registered versions does, and each version by its own grade, as its plans and listings do; what does not show is not
there; the same rule decides of one entry and of a list.
Source: reliability 5.2, through the visibility table of `shared.grades`, and for the staff `shared.oversight`; field
names of G4 need an agreement, which is an approved request for access (`rules/access.py`). Why the lowest:
docs/decisions/0009; why the staff sees G4 by name alone: docs/decisions/0056.
"""

from dataclasses import dataclass

from services.catalog.rules.asset import REGISTERED, Asset, Entry
from services.catalog.rules.certificate import Certificate
from services.catalog.rules.evidence import Field
from services.catalog.rules.filing import OBJECTED, UNDER_NOTICE, Filing
from services.catalog.rules.lineage import LicenceTerms
from services.catalog.rules.quality import Gate, Report
from services.catalog.rules.version import Version
from shared.grades import C5, G4, G5, G6, Clearance, Condition, Grade, Visibility, visibility
from shared.ids import ParticipantId, VersionId
from shared.oversight import OFFICES, REGULATOR, Charge, Oversight

NOBODYS = Oversight()
IMPORTANT_FROM = C5  # order by order


@dataclass(frozen=True, slots=True)
class Viewer:
    """Whoever looks. `clearance` is None for anyone without an admitted organisation; `oversight` is what somebody of
    the staff sees by their office, and by name. `approved` are versions of important data in the entry looked at that
    a request of theirs opens."""

    participant_id: ParticipantId | None = None
    clearance: Clearance | None = None
    oversight: Oversight = NOBODYS
    approved: frozenset[VersionId] = frozenset()

    @property
    def is_staff(self) -> bool:
        return bool(self.oversight.by_office)

    def is_inside(self, entry: Entry) -> bool:
        """Whether what is said of the asset is theirs to see: their own, or by their office. What is not in the
        catalogue is of the strictest of its versions, and may turn out to be of any grade."""
        asset = entry.asset
        if self.owns(asset):
            return True
        if asset.state is REGISTERED:
            return self.oversees(asset.grade, asset)
        return all(self.oversees(grade, asset) for grade in (None, *_grades(entry)))

    def owns(self, asset: Asset) -> bool:
        return self.participant_id is not None and self.participant_id == asset.provider_id

    def oversees(self, grade: Grade | None, asset: Asset) -> bool:
        return self.oversight.reaches(grade, asset.id, asset.provider_id)

    def reads_files_of(self, entry: Entry) -> bool:
        """Whether what is filed about all of an entry is theirs to see: each of its versions is."""
        asset = entry.asset
        return self.owns(asset) or self.oversight.reaches_all(_grades(entry), asset.id, asset.provider_id)


ANYONE = Viewer()
EVERYTHING = Viewer(oversight=Oversight(OFFICES, (Charge(REGULATOR, G6, is_of_all=True),)))


@dataclass(frozen=True, slots=True)
class Known:
    """All that a neighbouring service is told of a version, which decides by itself what it shows of it."""

    asset: Asset
    version: Version
    fields: tuple[Field, ...]
    on_record: frozenset[Condition]
    licence: LicenceTerms | None = None
    quality: Report | None = None

    @property
    def quality_gates(self) -> tuple[Gate, ...]:
        return self.quality.gates if self.quality else ()


def shown(entry: Entry, viewer: Viewer) -> Visibility:
    """How much shows of what all versions share: title, description, and what else is said of the asset."""
    asset = entry.asset
    if viewer.is_inside(entry):
        return Visibility.FULL
    if asset.state is not REGISTERED or asset.grade is None:
        return Visibility.NONE
    if viewer.approved and asset.grade is G5:
        return Visibility.FULL
    return visibility(asset.grade, viewer.clearance)


def shows_title(asset: Asset, certificate: Certificate, viewer: Viewer) -> bool:
    """Whether a certificate's title shows: as the asset's entry does."""
    return visibility(asset.grade or certificate.grade, viewer.clearance) is not Visibility.NONE


def is_party(filing: Filing, entry: Entry, viewer: Viewer) -> bool:
    """Whether the whole filing is theirs to see: a party to it, its asset's provider, or who oversees the entry."""
    parties = {filing.provider_id, filing.applicant_id, filing.counterparty_id} - {None}
    return viewer.participant_id in parties or viewer.reads_files_of(entry)


def shows_notice(filing: Filing, entry: Entry, viewer: Viewer) -> bool:
    """Whether an open filing shows to the viewer because it is under notice, and its grades let them see it."""
    if filing.state not in {UNDER_NOTICE, OBJECTED}:
        return False
    noticed = [entry.version(filing.version_id)] if filing.version_id else []
    grades = [entry.asset.grade, *(version.graded.grade for version in noticed if version.graded)]
    return all(visibility(grade, viewer.clearance) is not Visibility.NONE for grade in grades if grade)


def versions_shown(entry: Entry, viewer: Viewer) -> tuple[Version, ...]:
    """The versions of an entry that is shown in full: to others than its provider, those whose own grade shows in full.
    Oldest first."""
    return tuple(each for each in entry.versions if version_shown(entry, each, viewer) is Visibility.FULL)


def registered(entry: Entry) -> tuple[Version, ...]:
    return tuple(version for version in entry.versions if version.is_registered)


def version_shown(entry: Entry, version: Version, viewer: Viewer) -> Visibility:
    """How much of this version is there for the viewer: by its own grade, and outside only once it is registered."""
    if viewer.owns(entry.asset) or viewer.oversees(version.graded and version.graded.grade, entry.asset):
        return Visibility.FULL
    if entry.asset.state is not REGISTERED or not version.is_registered:
        return Visibility.NONE
    if version.id in viewer.approved and may_be_told_of(entry, version, viewer):
        return Visibility.FULL
    return visibility(_grade(version), viewer.clearance)


def may_be_told_of(entry: Entry, version: Version, viewer: Viewer) -> bool:
    """Whether important data, which shows to nobody by clearance, may be asked for by this viewer: whoever is trusted
    enough, and was told of the version by its provider, who alone knows its id."""
    important = entry.asset.state is REGISTERED and version.is_registered and _grade(version) is G5
    return important and viewer.clearance is not None and viewer.clearance >= IMPORTANT_FROM


def shows_version(entry: Entry, version: Version, viewer: Viewer) -> bool:
    return version_shown(entry, version, viewer) is not Visibility.NONE


def grade_shown(entry: Entry, viewer: Viewer) -> Grade | None:
    """The highest grade of the registered versions that show to the viewer. Requires an entry shown in full."""
    shown = versions_shown(entry, viewer)
    return max((_grade(version) for version in shown if version.is_registered), default=None)


def grades_shown(viewer: Viewer, as_much: Visibility) -> frozenset[Grade]:
    """The grades whose registered entries show this much to the viewer, whatever they are of."""
    return frozenset(grade for grade in Grade if _grade_shown(grade, viewer) is as_much)


def grades_shown_of(asset: Asset, viewer: Viewer) -> frozenset[Grade]:
    """The grades of which a registered version of this asset shows in full."""
    charged = {grade for grade in Grade if viewer.owns(asset) or viewer.oversees(grade, asset)}
    return grades_shown(viewer, Visibility.FULL) | charged


def shows_fields(asset: Asset, version: Version, viewer: Viewer) -> bool:
    """Whether the names of a version's fields are shown. Requires a version that is."""
    grade = version.graded and version.graded.grade
    if viewer.owns(asset) or viewer.oversees(grade, asset) or version.id in viewer.approved:
        return True
    return _grade(version) < G4


def _grade_shown(grade: Grade, viewer: Viewer) -> Visibility:
    return Visibility.FULL if grade in viewer.oversight.by_office else visibility(grade, viewer.clearance)


def _grades(entry: Entry) -> set[Grade]:
    return {version.graded.grade for version in entry.versions if version.graded}


def _grade(version: Version) -> Grade:
    """Requires a registered version."""
    assert version.graded
    return version.graded.grade

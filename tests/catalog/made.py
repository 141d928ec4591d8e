"""Assets in every state, for tests: made by the rules themselves."""

from datetime import UTC, datetime

from services.catalog.rules import asset as asset_rules
from services.catalog.rules import registration
from services.catalog.rules import version as version_rules
from services.catalog.rules.asset import Description, Entry, Origin, SourceDeclaration, UpdateCycle
from services.catalog.rules.grading import RULE_VERSION, Grading
from services.catalog.rules.rights import Right, RightKind
from services.catalog.rules.version import Content, Version
from shared.grades import G1, Flag, Grade
from shared.ids import AssetId, CertificateId, ParticipantId, UploadId, VersionId

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
ABOUT = Description("机场", "世界各地的机场", "transport", UpdateCycle.MONTHLY, ("航空", "坐标"))
RIGHTS = (Right(RightKind.HOLDING, "aa" * 32), Right(RightKind.OPERATION, "bb" * 32))
SOURCE = SourceDeclaration(Origin.OWN_PRODUCTION, "自行采集", "数据二十条", "合成数据", rights=RIGHTS)


def a_content() -> Content:
    return Content(UploadId.new(), "ab" * 32, 1_000, 10, "text/csv", "1")


def a_grading(grade: Grade = G1, *flags: Flag) -> Grading:
    return Grading(grade, frozenset(flags), (), RULE_VERSION)


def a_draft(provider_id: ParticipantId | None = None) -> Entry:
    return asset_rules.draft(AssetId.new(), provider_id or ParticipantId.new(), VersionId.new(), ABOUT, NOON)


def with_pending(entry: Entry, grade: Grade = G1, *flags: Flag) -> Entry:
    """The entry with its pending version inspected and graded."""
    version = entry.pending
    assert version
    return entry.replacing(a_graded(version, grade, *flags))


def a_graded(version: Version, grade: Grade = G1, *flags: Flag) -> Version:
    return version_rules.propose_grade(version_rules.report_content(version, a_content()), a_grading(grade, *flags))


def declared(entry: Entry, source: SourceDeclaration = SOURCE) -> Entry:
    return asset_rules.declare_source(entry, source, NOON)


def submitted(entry: Entry) -> Entry:
    return registration.submit(entry, NOON)


def registered(entry: Entry) -> Entry:
    """Registered, by two operators where two are needed."""
    version = entry.pending
    assert version and version.graded
    for operator in ("user_a", "user_b"):
        entry, certificate = registration.register(entry, version.graded.grade, operator, CertificateId.new(), NOON)
        if certificate:
            return entry
    raise AssertionError("two operators suffice")


def a_registered(grade: Grade = G1, *flags: Flag, provider_id: ParticipantId | None = None) -> Entry:
    return registered(submitted(declared(with_pending(a_draft(provider_id), grade, *flags))))

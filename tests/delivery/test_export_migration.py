"""What went abroad before exports were counted of each provider counts as theirs from then on."""

from alembic import command
from sqlalchemy import MetaData, text

from migrations import schema
from services.delivery.store import exports as store
from shared.database import Transaction
from shared.ids import EntitlementId, ParticipantId, UploadId, VersionId
from tests.conftest import MakeDatabase
from tests.delivery.desk import ONE_DATABASE

PROVIDER, BUYER = ParticipantId.new(), ParticipantId.new()
VERSION, FORGOTTEN = VersionId.new(), VersionId.new()
UPLOAD = """
INSERT INTO uploads
(id, version_id, provider_id, media_type, bytes, content_hash, state, declared_at, content_id, revision)
VALUES (:id, :version_id, :provider_id, 'text/csv', 1, '', 'accepted', '2029-01-01 00:00:00.000000', :content_id, 1)
"""
EXPORT = """
INSERT INTO exports (buyer_id, year, version_id, persons, sensitive_persons) VALUES (:buyer, 2030, :version, :n, 1)
"""


@ONE_DATABASE
async def test_exports_of_before_belong_to_who_uploaded_the_version(database: MakeDatabase):
    made = await database("delivery", MetaData())

    async def to(tx: Transaction, revision: str) -> None:
        await tx.run_sync(lambda found: command.upgrade(schema._config("delivery", found), revision))  # pyright: ignore[reportPrivateUsage]

    async with made.transaction() as tx:
        await to(tx, "0006")
        for content_id, provider_id in ((None, ParticipantId.new()), ("content", PROVIDER)):
            told = {"version_id": VERSION, "provider_id": provider_id, "content_id": content_id}
            await tx.execute(text(UPLOAD), told | {"id": UploadId.new()})
        for buyer, version, persons in (
            (BUYER, VERSION, 60),
            (ParticipantId.new(), VERSION, 50),
            (BUYER, FORGOTTEN, 7),
        ):
            await tx.execute(text(EXPORT), {"buyer": buyer, "version": version, "n": persons})
        await to(tx, "head")
    async with made.read() as tx:
        known = await store.export(tx, EntitlementId.new(), PROVIDER, VersionId.new(), 2030)
        assert (known.earlier_persons, known.earlier_sensitive_persons) == (60, 1)  # the version once, by the highest
        assert (await store.export(tx, EntitlementId.new(), PROVIDER, VERSION, 2030)).earlier_persons == 0
        assert (await store.export(tx, EntitlementId.new(), PROVIDER, VersionId.new(), 2029)).earlier_persons == 0
        assert (await store.export(tx, EntitlementId.new(), None, VERSION, 2030)).earlier_persons is None

"""What was registered before filings were kept goes on as it was, and its certificates stay as they were given."""

import json
from datetime import timedelta
from typing import Any

import pytest
from alembic import command
from sqlalchemy import MetaData, text
from sqlalchemy.exc import DBAPIError

from migrations import schema
from services.catalog.rules.certificate import Certificate
from services.catalog.store import entries as store
from services.catalog.store import evidence as evidence_store
from shared.database import Database
from shared.ids import AssetId, CertificateId, ParticipantId, UploadId, VersionId
from tests.catalog.made import NOON
from tests.conftest import MakeDatabase

ASSET, VERSION, CERTIFICATE, PROVIDER = AssetId.new(), VersionId.new(), CertificateId.new(), ParticipantId.new()
ROWS: dict[str, dict[str, Any]] = {
    "assets": {
        "id": ASSET, "provider_id": PROVIDER, "title": "机场", "description": "机场", "theme": "transport",
        "keywords": "[]", "update_cycle": "monthly", "title_folded": "", "text_folded": "", "state": "registered",
        "source": json.dumps({"origin": "purchase", "description": "购入", "legal_basis": "合同"}), "grade": "G1",
        "revision": 6,
    },
    "versions": {
        "id": VERSION, "asset_id": ASSET, "number": 1, "state": "graded", "upload_id": UploadId.new(),
        "content_hash": "ab" * 32, "bytes": 1, "rows": 1, "media_type": "text/csv", "inspector_version": "1",
        "grade": "G1", "flags": "[]", "grade_state": "confirmed", "grade_revision": 1, "rule_version": "1",
        "certificate_id": CERTIFICATE, "revision": 4,
    },
    "certificates": {
        "id": CERTIFICATE, "query_code": "K3XW-9QTM-2C4H", "asset_id": ASSET, "version_id": VERSION,
        "rights_holder_id": PROVIDER, "title": "机场", "content_hash": "ab" * 32, "grade": "G1",
        "registered_at": NOON, "operators": '["user_a"]',
    },
}  # fmt: skip


@pytest.fixture
async def before(database: MakeDatabase) -> Database:
    """The tables of the first revision, with an asset registered in them."""
    made = await database("catalog", MetaData())
    async with made.transaction() as tx:
        await tx.run_sync(lambda found: command.upgrade(schema._config("catalog", found), "0001"))  # pyright: ignore[reportPrivateUsage]
        for table, row in ROWS.items():
            told = {name: value if made.is_sqlite or name != "registered_at" else NOON for name, value in row.items()}
            columns, places = ", ".join(told), ", ".join(
                f"CAST(:{name} AS JSON)" if name in {"keywords", "source", "flags", "operators"} and not made.is_sqlite
                else f":{name}" for name in told
            )  # fmt: skip
            await tx.execute(text(f"INSERT INTO {table} ({columns}) VALUES ({places})"), _plain(told, made))
    return made


def _plain(row: dict[str, Any], database: Database) -> dict[str, Any]:
    moment = NOON.strftime("%Y-%m-%d %H:%M:%S.%f") if database.is_sqlite else NOON
    return {
        name: moment if value == NOON else str(value) if isinstance(value, str) else value
        for name, value in row.items()
    }


async def test_a_certificate_of_before_is_read_as_it_was_and_can_be_followed(before: Database):
    await schema.upgrade(before)
    assert await schema.drift(before) == []
    async with before.transaction() as tx:
        entry = await store.entry(tx, ASSET)
        found = await evidence_store.certificate_by_code(tx, "K3XW-9QTM-2C4H")
        assert await store.due(tx, NOON + timedelta(days=10_000)) == []
    assert entry.asset.source and (entry.asset.source.rights, entry.asset.objected) == ((), False)
    assert (entry.asset.rights_holder_id, entry.asset.valid_until) == (PROVIDER, None)
    assert found.document == "" and found.certificate == Certificate(
        CERTIFICATE, "K3XW-9QTM-2C4H", ASSET, VERSION, PROVIDER, "机场", "ab" * 32, found.certificate.grade, NOON,
        ("user_a",),
    )  # fmt: skip


@pytest.mark.parametrize("table", ["certificates", "fingerprint_members"])
async def test_what_is_only_added_to_stays_so(before: Database, table: str):
    await schema.upgrade(before)
    async with before.transaction() as tx:
        await tx.execute(text("INSERT INTO fingerprint_members VALUES (1, :version)"), {"version": str(VERSION)})
    for change in (f"DELETE FROM {table}", f"UPDATE {table} SET version_id = version_id"):
        with pytest.raises(DBAPIError, match="append-only"):
            async with before.transaction() as tx:
                await tx.execute(text(change))

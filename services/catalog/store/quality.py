"""How quality reports are kept: each beside the ones before it, the last one counts."""

from datetime import datetime

from pydantic import TypeAdapter
from sqlalchemy import func, insert, select

from services.catalog.rules.quality import Report
from services.catalog.tables.entries import versions
from services.catalog.tables.quality import quality_reports
from shared.database import Transaction
from shared.ids import VersionId

DUE_MAX = 100
REPORT = TypeAdapter(Report)


async def add_report(tx: Transaction, version_id: VersionId, report: Report) -> None:
    """Requires that the version's entry is locked by this transaction."""
    its = quality_reports.c.version_id == version_id
    before = await tx.scalar(select(func.max(quality_reports.c.number)).where(its))
    row: dict[str, object] = {
        "version_id": version_id, "number": (before or 0) + 1, "report": REPORT.dump_python(report, mode="json"),
        "made_at": report.made_at, "expires_at": report.expires_at,
    }  # fmt: skip
    await tx.execute(insert(quality_reports).values(row))


async def last_report(tx: Transaction, version_id: VersionId) -> Report | None:
    query = select(quality_reports.c.report).where(quality_reports.c.version_id == version_id)
    found = await tx.scalar(query.order_by(quality_reports.c.number.desc()).limit(1))
    return None if found is None else REPORT.validate_python(found)


async def expired(tx: Transaction, now: datetime) -> list[VersionId]:
    """Registered versions whose last report counts no more; at most a hundred."""
    last = func.max(quality_reports.c.expires_at)
    query = (
        select(quality_reports.c.version_id)
        .join(versions, versions.c.id == quality_reports.c.version_id)
        .where(versions.c.certificate_id.is_not(None))
        .group_by(quality_reports.c.version_id)
        .having(last <= now)
        .order_by(quality_reports.c.version_id)
        .limit(DUE_MAX)
    )
    return list(await tx.scalars(query))

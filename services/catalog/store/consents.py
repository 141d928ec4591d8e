"""How single consents are kept: a row each, found by the hash of its receipt."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, or_, select
from sqlalchemy.exc import IntegrityError

from services.catalog.rules.consent import GIVEN, Consent, Kind, NoSuchConsent, ReceiptTaken, Signature, State, Text
from services.catalog.rules.viewing import Viewer
from services.catalog.store import rows, sight
from services.catalog.tables.entries import versions
from services.catalog.tables.persons import consents
from shared.database import Transaction
from shared.ids import AssetId, ConsentId, VersionId


async def add_consents(tx: Transaction, given: Sequence[Consent]) -> None:
    """Raises ReceiptTaken if a receipt is of another consent."""
    try:
        await tx.execute(insert(consents), [_row(each) for each in given])
    except IntegrityError as error:
        raise ReceiptTaken() from error


async def save_consent(tx: Transaction, consent: Consent) -> None:
    await rows.save(tx, consents, consent, _row(consent))


async def consent(tx: Transaction, consent_id: ConsentId) -> Consent:
    return _consent((await tx.execute(select(*consents.c).where(consents.c.id == consent_id))).one())


async def consent_by_receipt(tx: Transaction, receipt: str) -> Consent:
    """By the hash of a receipt. Raises NoSuchConsent."""
    row = (await tx.execute(select(*consents.c).where(consents.c.receipt == receipt))).one_or_none()
    if row is None:
        raise NoSuchConsent()
    return _consent(row)


async def page_of_consents(
    tx: Transaction, viewer: Viewer, version_id: VersionId, before: str | None, limit: int
) -> list[Consent]:
    """Newest first."""
    seen = sight.readable(consents.c.asset_id, consents.c.provider_id, viewer)
    query = select(*consents.c).where(consents.c.version_id == version_id, seen)
    return [_consent(row) for row in await tx.execute(rows.newest_first(query, consents.c.id, before, limit))]


async def of_those_who_left(
    tx: Transaction, asset_id: AssetId, now: datetime
) -> dict[VersionId, list[Consent]]:  # fmt: skip
    """By version of the asset, every consent to its content of each person of whom one does not stand any more: to
    whichever version the same content was given, so that nobody is brought back by uploading it again."""
    over, mine, theirs = consents.alias("over"), versions.alias("mine"), versions.alias("theirs")
    left = select(over.c.subject).where(
        over.c.version_id == consents.c.version_id, or_(over.c.valid_until <= now, over.c.state != GIVEN)
    )
    same = or_(mine.c.id == theirs.c.id, mine.c.content_hash == theirs.c.content_hash)
    query = (
        select(*consents.c, mine.c.id.label("of_version"))
        .join(theirs, theirs.c.id == consents.c.version_id)
        .join(mine, same)
        .where(mine.c.asset_id == asset_id, consents.c.subject.in_(left))
    )
    found: dict[VersionId, list[Consent]] = {}
    for row in await tx.execute(query):
        found.setdefault(row.of_version, []).append(_consent(row))
    return found


async def due_consents(tx: Transaction, now: datetime) -> list[ConsentId]:
    query = select(consents.c.id).where(consents.c.deadline <= now).order_by(consents.c.deadline)
    return list(await tx.scalars(query.limit(rows.DUE_MAX)))


def _consent(row: Row[Any]) -> Consent:
    text = Text(Kind(row.kind), row.purpose, row.recipient_id, row.text_version, row.text_hash, row.valid_until)
    return Consent(
        row.id, row.asset_id, row.version_id, row.provider_id, text, Signature(row.subject, row.receipt),
        State(row.state), row.given_at, row.ended_at, row.reason_code, row.revision,
    )  # fmt: skip


def _row(consent: Consent) -> dict[str, object]:
    text = consent.text
    return {
        "id": consent.id, "asset_id": consent.asset_id, "version_id": consent.version_id,
        "provider_id": consent.provider_id, "kind": text.kind, "purpose": text.purpose,
        "recipient_id": text.recipient_id, "text_version": text.text_version, "text_hash": text.text_hash,
        "subject": consent.by.subject, "receipt": consent.by.receipt, "state": consent.state,
        "given_at": consent.given_at, "valid_until": text.valid_until, "deadline": consent.deadline,
        "ended_at": consent.ended_at, "reason_code": consent.reason_code, "revision": consent.revision,
    }  # fmt: skip

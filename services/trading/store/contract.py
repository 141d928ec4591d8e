"""How contracts, their signatures and their documents are kept. Terms are written once; each side signs once."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select
from sqlalchemy.exc import IntegrityError

from services.trading.rules.contract import (
    BOUND,
    DRAFTED,
    AlreadySigned,
    AmendmentOpen,
    Contract,
    NoSuchContract,
    Person,
    Signature,
    State,
)
from services.trading.store import rows
from services.trading.tables.contracts import contract_documents
from services.trading.tables.deals import contracts, signatures
from shared.database import Transaction, for_update
from shared.ids import ContractId, OrderId, ParticipantId
from shared.web import Page

DUE_MAX = 100


async def add_contract(tx: Transaction, contract: Contract) -> None:
    """Raises AmendmentOpen if another amendment of the same contract is open, or was signed."""
    row = {
        "id": contract.id, "order_id": contract.order_id, "buyer_id": contract.buyer_id,
        "provider_id": contract.provider_id, "terms": contract.terms, "terms_hash": contract.terms_hash,
        "text_hash": contract.text_hash, "drafted_at": contract.drafted_at, "supersedes": contract.supersedes,
        "proposed_by": contract.proposed_by,
    }  # fmt: skip
    try:
        await rows.add(tx, contracts, row | _changing(contract))
    except IntegrityError as error:
        if contract.supersedes is None:
            raise
        raise AmendmentOpen() from error


async def save_contract(tx: Transaction, contract: Contract) -> None:
    await rows.save(tx, contracts, contract, _changing(contract))


async def add_signature(tx: Transaction, contract_id: ContractId, signature: Signature) -> None:
    row = {
        "contract_id": contract_id, "side": signature.side, "participant_id": signature.participant_id,
        "key_id": signature.key_id, "public_key": signature.public_key, "signature": signature.signature,
        "signed_at": signature.signed_at,
    }  # fmt: skip
    if person := signature.person:
        row |= {
            "user_id": person.user_id, "authenticated_by": person.authenticated_by,
            "authenticated_at": person.authenticated_at,
        }  # fmt: skip
    try:
        await tx.execute(insert(signatures).values(row))
    except IntegrityError as error:
        raise AlreadySigned(side=signature.side) from error


async def contract(tx: Transaction, contract_id: ContractId, party_id: ParticipantId | None = None) -> Contract:
    """One of the party's own contracts: another's is not there. For None, anyone's."""
    own = rows.whose(contracts.c.buyer_id, contracts.c.provider_id, party_id)
    row = (await tx.execute(select(*contracts.c).where(contracts.c.id == contract_id, *own))).one_or_none()
    return await _contract(tx, row)


async def contract_for_update(tx: Transaction, contract_id: ContractId) -> Contract:
    query = select(*contracts.c).where(contracts.c.id == contract_id)
    return await _contract(tx, (await tx.execute(for_update(query, tx))).one_or_none())


async def page_of_contracts(
    tx: Transaction, page: Page, party_id: ParticipantId | None, state: State | None, order_id: OrderId | None
) -> list[Contract]:
    """A party's contracts, on either side. For None, everyone's."""
    query = select(*contracts.c).where(*rows.whose(contracts.c.buyer_id, contracts.c.provider_id, party_id))
    if state is not None:
        query = query.where(contracts.c.state == state)
    if order_id is not None:
        query = query.where(contracts.c.order_id == order_id)
    found = (await tx.execute(rows.newest_first(query, contracts.c.id, ContractId, page))).all()
    return await _contracts(tx, found)


async def amendments_due(tx: Transaction, now: datetime) -> list[ContractId]:
    """Amendments that not both have signed in time, at most a hundred."""
    where = (contracts.c.supersedes.is_not(None), contracts.c.state == DRAFTED, contracts.c.deadline <= now)
    return list(await tx.scalars(select(contracts.c.id).where(*where).order_by(contracts.c.deadline).limit(DUE_MAX)))


async def contracts_without_document(tx: Transaction) -> list[ContractId]:
    """Contracts that bind and have a text, but no document yet, at most a hundred."""
    where = (contracts.c.text_hash.is_not(None), contracts.c.document_hash.is_(None), contracts.c.state.in_(BOUND))
    return list(await tx.scalars(select(contracts.c.id).where(*where).order_by(contracts.c.id).limit(DUE_MAX)))


async def add_document(tx: Transaction, contract: Contract, content: bytes, now: datetime) -> None:
    """Requires the locked contract, which had none."""
    row = {
        "contract_id": contract.id, "document_hash": contract.document_hash, "content": content, "made_at": now
    }  # fmt: skip
    await rows.add(tx, contract_documents, row)


async def document_of(tx: Transaction, contract_id: ContractId) -> bytes | None:
    query = select(contract_documents.c.content).where(contract_documents.c.contract_id == contract_id)
    return await tx.scalar(query)


async def _contract(tx: Transaction, row: Row[Any] | None) -> Contract:
    if row is None:
        raise NoSuchContract()
    return (await _contracts(tx, [row]))[0]


async def _contracts(tx: Transaction, found: Iterable[Row[Any]]) -> list[Contract]:
    """With the signatures of all, in two statements together with the one that found them."""
    kept = list(found)
    query = (
        select(*signatures.c)
        .where(signatures.c.contract_id.in_([row.id for row in kept]))
        .order_by(signatures.c.signed_at, signatures.c.side)
    )
    signed = defaultdict[str, list[Signature]](list)
    for each in await tx.execute(query):
        parts = (each.side, each.participant_id, each.key_id, each.public_key, each.signature, each.signed_at)
        person = each.user_id and Person(each.user_id, each.authenticated_by, each.authenticated_at)
        signed[each.contract_id].append(Signature(*parts, person))
    return [
        Contract(
            id=row.id, order_id=row.order_id, buyer_id=row.buyer_id, provider_id=row.provider_id, terms=row.terms,
            terms_hash=row.terms_hash, state=State(row.state), drafted_at=row.drafted_at, deadline=row.deadline,
            signatures=tuple(signed[row.id]), reason_code=row.reason_code, revision=row.revision,
            text_hash=row.text_hash, document_hash=row.document_hash, supersedes=row.supersedes,
            superseded_by=row.superseded_by, proposed_by=row.proposed_by, reason=row.reason,
        )
        for row in kept
    ]  # fmt: skip


def _changing(contract: Contract) -> dict[str, object]:
    return {
        "state": contract.state, "deadline": contract.deadline, "reason_code": contract.reason_code,
        "reason": contract.reason, "document_hash": contract.document_hash, "superseded_by": contract.superseded_by,
        "revision": contract.revision,
    }  # fmt: skip

"""How contracts and their signatures are kept. Terms are written once; each side signs once."""

from typing import Any

from sqlalchemy import Row, insert, select
from sqlalchemy.exc import IntegrityError

from services.trading.rules.contract import AlreadySigned, Contract, NoSuchContract, Signature, State
from services.trading.store import rows
from services.trading.tables.deals import contracts, signatures
from shared.database import Transaction, for_update
from shared.ids import ContractId, ParticipantId


async def add_contract(tx: Transaction, contract: Contract) -> None:
    row = {
        "id": contract.id, "order_id": contract.order_id, "buyer_id": contract.buyer_id,
        "provider_id": contract.provider_id, "terms": contract.terms, "terms_hash": contract.terms_hash,
        "drafted_at": contract.drafted_at,
    }  # fmt: skip
    await rows.add(tx, contracts, row | _changing(contract))


async def save_contract(tx: Transaction, contract: Contract) -> None:
    await rows.save(tx, contracts, contract, _changing(contract))


async def add_signature(tx: Transaction, contract_id: ContractId, signature: Signature) -> None:
    row = {
        "contract_id": contract_id, "side": signature.side, "participant_id": signature.participant_id,
        "key_id": signature.key_id, "public_key": signature.public_key, "signature": signature.signature,
        "signed_at": signature.signed_at,
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


async def _contract(tx: Transaction, row: Row[Any] | None) -> Contract:
    if row is None:
        raise NoSuchContract()
    query = (
        select(*signatures.c)
        .where(signatures.c.contract_id == row.id)
        .order_by(signatures.c.signed_at, signatures.c.side)
    )
    signed = tuple(
        Signature(each.side, each.participant_id, each.key_id, each.public_key, each.signature, each.signed_at)
        for each in await tx.execute(query)
    )
    return Contract(
        id=row.id, order_id=row.order_id, buyer_id=row.buyer_id, provider_id=row.provider_id, terms=row.terms,
        terms_hash=row.terms_hash, state=State(row.state), drafted_at=row.drafted_at, deadline=row.deadline,
        signatures=signed, reason_code=row.reason_code, revision=row.revision,
    )  # fmt: skip


def _changing(contract: Contract) -> dict[str, object]:
    return {
        "state": contract.state, "deadline": contract.deadline, "reason_code": contract.reason_code,
        "revision": contract.revision,
    }  # fmt: skip

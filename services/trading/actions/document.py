"""The document of a contract: printed when it is asked for, kept once both have signed.

Promises: the document of a contract in force is kept as it was first made, with its hash in the log, whenever the
process was killed: what has none yet is found and printed again, to the same bytes; no row is locked while it is
printed.
"""

import asyncio
import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from services.trading.actions.trading import Trading
from services.trading.events.contracts import ContractDocumented
from services.trading.rules import contract as rules
from services.trading.rules.contract import Contract
from services.trading.rules.contract_document import content_of, made_at
from services.trading.store import contract as store
from shared.ids import ContractId, ParticipantId
from shared.typesetting import typeset

TEMPLATE = Path(__file__).parent.parent / "documents" / "contract.typ"


@dataclass(frozen=True, slots=True)
class Document:
    """A PDF, with the SHA-256 of its bytes in hex."""

    contract_id: ContractId
    content: bytes
    hash: str
    made_at: datetime


async def document(trading: Trading, party_id: ParticipantId | None, contract_id: ContractId) -> Document:
    """The document as it is kept; of a draft, as it is now. Raises NoDocument for terms that had no text."""
    async with trading.database.read() as tx:
        contract = await store.contract(tx, contract_id, party_id)
        kept = await store.document_of(tx, contract_id)
    return await _printed(contract) if kept is None else _document(contract, kept)


async def keep(trading: Trading, contract_id: ContractId) -> None:
    """Print what both have signed, and keep it, if nobody has yet."""
    async with trading.database.read() as tx:
        seen = await store.contract(tx, contract_id)
    printed = await _printed(seen)
    async with trading.database.transaction() as tx:
        contract = await store.contract_for_update(tx, contract_id)
        if not contract.lacks_document:
            return
        now = await trading.database.now(tx)
        contract = rules.keep_document(contract, printed.hash)
        await store.save_contract(tx, contract)
        await store.add_document(tx, contract, printed.content, now)
        await trading.outbox.record(tx, trading.outbox.itself, now, ContractDocumented.of(contract, printed.content))


async def _printed(contract: Contract) -> Document:
    """What it says follows from the terms and the signatures alone, which no longer change once both have signed."""
    said = content_of(contract)
    return _document(contract, await asyncio.to_thread(typeset, TEMPLATE, said, made_at(contract)))


def _document(contract: Contract, content: bytes) -> Document:
    return Document(contract.id, content, hashlib.sha256(content).hexdigest(), made_at(contract))

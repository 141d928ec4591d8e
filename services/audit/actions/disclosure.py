"""What happens when a service tells what its commitment stands for, and when a regulator opens it in a case."""

from dataclasses import dataclass
from typing import Literal

from services.audit import vault
from services.audit.actions import case_reading, oversight
from services.audit.actions.audit import Audit
from services.audit.actions.reading import NoSuchEntry
from services.audit.events.log import FieldsOpened
from services.audit.rules.case import Case
from services.audit.rules.redaction import (
    CommitmentNotOpened,
    DataKey,
    Field,
    FieldErased,
    KeyState,
    NotCommitted,
)
from services.audit.store import entry as entry_store
from services.audit.store.entry import StoredEntry
from services.audit.vault import Kept
from shared import sealing
from shared.access import Caller, ServiceCaller
from shared.database import Transaction
from shared.errors import Conflict, NotOffered
from shared.facts import commit, read_event
from shared.ids import CaseId, DataKeyId, FactId
from shared.sealing import MasterKey, Sealed


class NoDisclosuresKept(NotOffered):
    """This exchange keeps no values behind commitments: its master key is not set."""


class NotInTheLogYet(Conflict):
    """The log does not have this fact yet; send its batch first."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a service tells of a field: its value and salt, whom it is about, and for which purpose it is kept."""

    fact_id: FactId
    name: str
    value: str
    salt: bytes
    subject: str
    purpose: str


@dataclass(frozen=True, slots=True)
class Opened:
    """A committed field as a regulator sees it. `withheld`: no service ever told its value here."""

    name: str
    commitment: str
    state: Literal["disclosed", "withheld", "restricted", "erased"]
    value: str | None = None
    salt: str | None = None


async def disclose(audit: Audit, caller: ServiceCaller, told: Told) -> Field:
    """Keep the value, sealed under the key of its subject and purpose. The same again changes nothing.

    Raises NotCommitted unless it is a field of the caller's own fact, and CommitmentNotOpened if it is another value.
    """
    if audit.master_key is None:
        raise NoDisclosuresKept()
    async with audit.database.transaction() as tx:
        [entry] = await entry_store.find_entries(tx, [], told.fact_id, range(0, 2**53), 1) or [None]
        if entry is None:
            raise NotInTheLogYet(fact_id=told.fact_id)
        field = Field(entry.index, told.name)
        if entry.service != caller.name or told.name not in _commitments(entry):
            raise NotCommitted(fact_id=told.fact_id, name=told.name)
        if commit(told.name, told.value, told.salt).hex != _commitments(entry)[told.name]:
            raise CommitmentNotOpened(name=told.name)
        for kept in await vault.at(tx, [entry.index]):
            if kept.field == field:
                return _as_before(kept)
        key = await _key_of(audit.master_key, tx, told.subject, told.purpose)
        data_key = audit.master_key.unwrap(key.wrapped or b"", key.id.encode())
        sealed = sealing.seal(data_key, told.value.encode(), _about(field))
        await vault.add(tx, Kept(field, key.id, told.salt, sealed.nonce, sealed.ciphertext))
    return field


async def fields(audit: Audit, regulator: Caller, case_id: CaseId, index: int) -> list[Opened]:
    """The committed fields of an entry that the case reaches. Recorded, with the case, before the answer leaves."""
    case = await case_reading.case_to_read(audit, regulator, case_id)
    await oversight.label_entries(audit)
    async with audit.database.transaction() as tx:
        found = await entry_store.entries_between(tx, index, index + 1)
        if not await oversight.reached_by(tx, case.form.scope, found):
            raise NoSuchEntry(index=index)
        opened = await opened_of(audit, tx, case, found[0])
        names = tuple(each.name for each in opened if each.value is not None)
        fact = FieldsOpened(case.id, index, names)
        await audit.outbox.record(tx, regulator.actor, await audit.database.now(tx), fact)
    return opened


async def opened_of(audit: Audit, tx: Transaction, case: Case, entry: StoredEntry) -> list[Opened]:
    """The committed fields of an entry, as far as the case opens them."""
    commitments = _commitments(entry)
    if not commitments:
        return []
    kept = {each.field.name: each for each in await vault.at(tx, [entry.index])}
    keys = await vault.keys_of(tx, [each.data_key_id for each in kept.values()])
    return [
        _opened(audit.master_key, case, name, commitment, kept.get(name), keys)
        for name, commitment in sorted(commitments.items())
    ]


def _opened(
    master_key: MasterKey | None, case: Case, name: str, commitment: str, kept: Kept | None,
    keys: dict[DataKeyId, DataKey],
) -> Opened:  # fmt: skip
    if kept is None or master_key is None:
        return Opened(name, commitment, "withheld")
    key = keys[kept.data_key_id]
    if key.state is KeyState.ERASED:
        return Opened(name, commitment, "erased")
    if key.state is KeyState.RESTRICTED and case.approved_by is None:
        return Opened(name, commitment, "restricted")
    assert key.wrapped and kept.salt and kept.nonce and kept.ciphertext
    data_key = master_key.unwrap(key.wrapped, key.id.encode())
    value = sealing.unseal(data_key, Sealed(kept.nonce, kept.ciphertext), _about(kept.field)).decode()
    return Opened(name, commitment, "disclosed", value, kept.salt.hex())


def _as_before(kept: Kept) -> Field:
    """What was told before opens the same commitment, so it is the same; unless it is gone."""
    if kept.salt is None:
        raise FieldErased(name=kept.field.name)
    return kept.field


async def _key_of(master_key: MasterKey, tx: Transaction, subject: str, purpose: str) -> DataKey:
    if known := await vault.living_key_for_update(tx, subject, purpose):
        return known
    key_id = DataKeyId.new()
    wrapped = master_key.wrap(sealing.new_key(), key_id.encode())
    key = DataKey(key_id, subject, purpose, KeyState.ACTIVE, wrapped)
    await vault.add_key(tx, key)
    return key


def _commitments(entry: StoredEntry) -> dict[str, str]:
    return read_event(entry.leaf.split(b"\n")[1]).pd or {}


def _about(field: Field) -> bytes:
    return f"{field.index}/{field.name}".encode()

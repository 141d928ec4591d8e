"""The evidence file (证据包) of a dispute: one archive, checked offline by one command by whoever judges it elsewhere.

Promises: the same state gives the same bytes (members in order of their names, no times or owners, canonical JSON);
`manifest.json` names every other file with its SHA-256; each text is named by its own hash, as evidence and reasons
name it; the terms are the bytes that both sides signed; `evidence.tar` is what the log holds on contract, order and
dispute. Nothing is in it that no entry of the log binds: `yaosu verify` makes the case again from those entries.
仲裁法 art. 16, 57; 电子签名法 art. 5, 8, 13.
"""

import hashlib
import io
import tarfile
from collections.abc import Mapping, Sequence

from services.trading.actions.dispute import require_reader, untold
from services.trading.actions.evidence_log import LoggedEntry
from services.trading.actions.trading import Trading
from services.trading.rules.dispute import Dispute
from services.trading.store import contract as contract_store
from services.trading.store import dispute as store
from shared import canonical
from shared.access import Caller
from shared.errors import Unavailable
from shared.facts import plain
from shared.ids import DisputeId

FORMAT = "yaosu dispute v2"
ATTEMPTS = 3


class MovedMeanwhile(Unavailable):
    """The dispute went on while its file was made; ask again."""


async def bundle(trading: Trading, caller: Caller, dispute_id: DisputeId) -> bytes:
    """For the parties and those who sit on it. Made anew if the dispute has moved on before the log was read: what the
    log tells and what is told beside it are then of the same moment. Raises MovedMeanwhile."""
    async with trading.database.read() as tx:
        require_reader(caller, await store.dispute(tx, dispute_id), whole=True)
    for _ in range(ATTEMPTS):
        made, of_revision = await _made(trading, dispute_id)
        async with trading.database.read() as tx:
            if (await store.dispute(tx, dispute_id)).revision == of_revision:
                return made
    raise MovedMeanwhile(retry_after_seconds=1)


async def _made(trading: Trading, dispute_id: DisputeId) -> tuple[bytes, int]:
    async with trading.database.read() as tx:
        dispute = await store.dispute(tx, dispute_id)
        contract = await contract_store.contract(tx, dispute.contract_id)
        texts, hidden = await store.texts_of(tx, dispute_id), untold(dispute)
        printed = await contract_store.document_of(tx, contract.id)
    told = {name: content.encode() for name, content in texts.items() if name not in hidden}
    named = {"terms.json": contract.terms.encode(), **{f"{name[:20]}.txt": text for name, text in told.items()}}
    logged = await _logged(trading, dispute, {**named, "contract.pdf": printed} if printed else named)
    files = {
        "dispute.json": _json(dispute.as_told),
        "contract/terms.json": contract.terms.encode(),
        "contract/signatures.json": _json({"terms_hash": contract.terms_hash, "signatures": contract.signatures}),
        **({"evidence.tar": logged} if logged else {}),
        **{f"texts/{name}.txt": content for name, content in told.items()},
    }
    return archive(files), dispute.revision


async def _logged(trading: Trading, dispute: Dispute, documents: Mapping[str, bytes]) -> bytes | None:
    """What the log holds on the case, with those documents that it names. None where there is no log."""
    entries = await trading.log.entries_of(dispute.contract_id)
    about = (dispute.contract_id, dispute.order_id, dispute.id)
    return await trading.log.bundle_of(about, _bound(documents, entries)) if entries else None


def archive(files: Mapping[str, bytes]) -> bytes:
    """One archive of the files and their manifest."""
    listed = [
        {"name": name, "hash": hashlib.sha256(files[name]).hexdigest(), "bytes": len(files[name])}
        for name in sorted(files)
    ]
    manifest = canonical.encode({"format": FORMAT, "files": listed})
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in sorted({**files, "manifest.json": manifest}.items()):
            told = tarfile.TarInfo(name)
            told.size = len(content)
            tar.addfile(told, io.BytesIO(content))
    return written.getvalue()


def _bound(documents: Mapping[str, bytes], entries: Sequence[LoggedEntry]) -> dict[str, bytes]:
    """Those that an entry with a proof names by their hash: the log says nothing yet of the others."""
    proven = [entry.leaf for entry in entries if entry.proof]
    return {
        name: content for name, content in documents.items()
        if any(hashlib.sha256(content).hexdigest() in leaf for leaf in proven)
    }  # fmt: skip


def _json(what: object) -> bytes:
    return canonical.encode(plain(what))

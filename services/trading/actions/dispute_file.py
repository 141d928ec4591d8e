"""The evidence file (证据包) of a dispute: one archive that whoever judges it elsewhere can check without us.

Promises: the same state gives the same bytes (sorted names, no times or owners in the archive, canonical JSON);
`manifest.json` names every other file with its SHA-256; each text is named by its own hash, as evidence and reasons
name it; the terms are the bytes that both sides signed; `evidence.tar` is what the log holds on the contract, which
`yaosu verify` checks offline together with the terms, the document and each text that an entry names by its hash.
仲裁法 art. 16, 57; 电子签名法 art. 5, 8, 13.
"""

import hashlib
import io
import tarfile
from collections.abc import Mapping, Sequence

from services.trading.actions.dispute import require_reader, untold
from services.trading.actions.dispute_evidence import money_of
from services.trading.actions.evidence_log import LoggedEntry
from services.trading.actions.trading import Trading
from services.trading.store import contract as contract_store
from services.trading.store import dispute as store
from shared import canonical
from shared.access import Caller
from shared.facts import plain
from shared.ids import DisputeId

FORMAT = "yaosu dispute v1"


async def bundle(trading: Trading, caller: Caller, dispute_id: DisputeId) -> bytes:
    """For the parties and those who sit on it. The log is asked first; what it holds goes in with its proofs."""
    async with trading.database.read() as tx:
        require_reader(caller, seen := await store.dispute(tx, dispute_id), whole=True)
    entries = await trading.log.entries_of(seen.contract_id)
    async with trading.database.read() as tx:
        dispute = await store.dispute(tx, dispute_id)
        contract = await contract_store.contract(tx, dispute.contract_id)
        texts, money, hidden = await store.texts_of(tx, dispute_id), await money_of(tx, dispute), untold(dispute)
        printed = await contract_store.document_of(tx, contract.id)
    told = {name: content.encode() for name, content in texts.items() if name not in hidden}
    named = {"terms.json": contract.terms.encode(), **{f"{name[:20]}.txt": text for name, text in told.items()}}
    documents = _logged({**named, "contract.pdf": printed} if printed else named, entries)
    logged = await trading.log.bundle_of(contract.id, documents) if entries else None
    files = {
        "dispute.json": _json(dispute.as_told),
        "contract/terms.json": contract.terms.encode(),
        "contract/signatures.json": _json({"terms_hash": contract.terms_hash, "signatures": contract.signatures}),
        "evidence.json": _json(dispute.evidence),
        "money.json": _json(money),
        "log.json": _json(list(entries)),
        **({"evidence.tar": logged} if logged else {}),
        **{f"texts/{name}.txt": content for name, content in told.items()},
    }
    return archive(files)


def archive(files: Mapping[str, bytes]) -> bytes:
    """One archive of the files and their manifest, which stands first."""
    listed = [
        {"name": name, "hash": hashlib.sha256(files[name]).hexdigest(), "bytes": len(files[name])}
        for name in sorted(files)
    ]
    manifest = canonical.encode({"format": FORMAT, "files": listed})
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in (("manifest.json", manifest), *sorted(files.items())):
            told = tarfile.TarInfo(name)
            told.size = len(content)
            tar.addfile(told, io.BytesIO(content))
    return written.getvalue()


def _logged(documents: Mapping[str, bytes], entries: Sequence[LoggedEntry]) -> dict[str, bytes]:
    """Those that an entry with a proof names by their hash: the log says nothing yet of the others."""
    proven = [entry.leaf for entry in entries if entry.proof]
    return {
        name: content for name, content in documents.items()
        if any(hashlib.sha256(content).hexdigest() in leaf for leaf in proven)
    }  # fmt: skip


def _json(what: object) -> bytes:
    return canonical.encode(plain(what))

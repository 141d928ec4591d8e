"""Logs made of the project's own rules and a test key, honest first; a test then does to them what it likes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.audit.rules import bundle, checkpoint, entry, tile, tree
from services.audit.rules.checkpoint import Checkpoint, VerifierKey
from services.audit.rules.entry import Batch, SourceHead
from services.audit.rules.tile import Unfinished
from services.audit.rules.tree import Edge
from shared import facts
from shared.facts import Actor, Category, Fact
from shared.ids import AssetId, ContractId, FactId, ParticipantId, UserId

ORIGIN = "yaosu.example/log"
NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
SECRET = b"s" * 32


@dataclass(frozen=True, slots=True)
class Signer:
    """A log key in the hands of whoever holds it."""

    private: Ed25519PrivateKey
    name: str = ORIGIN

    @property
    def key(self) -> VerifierKey:
        return VerifierKey(self.name, self.private.public_key().public_bytes_raw())

    def sign(self, point: Checkpoint) -> bytes:
        return checkpoint.note_text(point.body(), [(self.key, self.private.sign(point.body().encode()))]).encode()


LOG = Signer(Ed25519PrivateKey.from_private_bytes(b"log".ljust(32)))
STRANGER = Signer(Ed25519PrivateKey.from_private_bytes(b"stranger".ljust(32)))


@dataclass(frozen=True, slots=True)
class ContractSigned(Fact):
    category = Category.TRADE
    asset_id: AssetId
    contract_id: ContractId
    remark: str


ACTORS = [Actor("user", UserId(f"user_{n:032x}"), ParticipantId(f"participant_{n % 2:032x}")) for n in range(3)]


def an_event(number: int, service: str) -> bytes:
    """Event number so-and-so: the same bytes each time."""
    asset, contract = AssetId(f"asset_{number % 5:032x}"), ContractId(f"contract_{number % 3:032x}")
    fact = ContractSigned(asset, contract, f"第 {number} 号")
    at = NOON + timedelta(seconds=number)
    parts = {"fact_id": FactId(f"fact_{number:032x}"), "actor": ACTORS[number % 3], "request_id": None}
    return facts.event_line(fact, service=service, at=at, **parts)  # pyright: ignore[reportArgumentType]


def honest_leaves(count: int) -> list[bytes]:
    """The leaves of a log that took one event after the other from three stripes of two services."""
    sources = [("trading", 0), ("trading", 1), ("catalog", 0)]
    return _leaves((sources[index % 3], an_event(index, sources[index % 3][0])) for index in range(count))


def leaves_of_lines(told: Iterable[tuple[str, bytes]]) -> list[bytes]:
    """The leaves of a log that took these lines, each from the only stripe of its service."""
    return _leaves(((service, 0), line) for service, line in told)


def _leaves(told: Iterable[tuple[tuple[str, int], bytes]]) -> list[bytes]:
    heads: dict[tuple[str, int], SourceHead] = {}
    newest: dict[str, entry.BackLink] = {}
    leaves: list[bytes] = []
    last_its = 0
    for index, (source, line) in enumerate(told):
        head = heads.get(source, SourceHead(*source))
        batch = Batch(*source, head.seq + 1, head.hash, (line,))
        [arrival] = entry.next_in_line(batch, head.seq, head.hash)
        now_us = facts.microseconds(NOON + timedelta(seconds=index, milliseconds=3))
        about = entry.subjects(arrival.event)
        keys = {each: entry.back_link_key(SECRET, *each) for each in about}
        place = {"first_index": index, "now_us": now_us, "last_its": last_its, "epoch": 1 + index // 9}
        composed = entry.compose([arrival], [about], keys, newest, **place)
        leaves += composed.leaves
        newest |= composed.newest
        heads[source], last_its = SourceHead(*source, arrival.seq, arrival.hash), now_us
    return leaves


@dataclass
class MadeLog:
    """Members of a bundle by name; `write` puts them into a tar file."""

    members: dict[str, bytes]
    leaves: list[bytes]
    signer: Signer = LOG
    notes: dict[int, bytes] = field(default_factory=lambda: dict[int, bytes]())

    def write(self, folder: Path) -> Path:
        path = folder / "bundle.tar"
        in_order = sorted(self.members.items())
        path.write_bytes(b"".join(bundle.member(name, content) for name, content in in_order) + bundle.END)
        return path

    def change(self, name: str, at: int, bit: int = 0) -> None:
        """Flip one bit of a member."""
        content = bytearray(self.members[name])
        content[at] ^= 1 << bit
        self.members[name] = bytes(content)

    def replace_entries(self, leaves: Sequence[bytes]) -> None:
        """Put other entries into the entry bundles; hashes and checkpoints stay."""
        for name in [name for name in self.members if name.startswith("tile/entries/")]:
            del self.members[name]
        self.members |= entry_members(leaves)


def a_log(count: int, signed_at: Iterable[int] = (), signer: Signer = LOG) -> MadeLog:
    return of_leaves(honest_leaves(count), signed_at, signer)


def of_leaves(leaves: list[bytes], signed_at: Iterable[int] = (), signer: Signer = LOG) -> MadeLog:
    """A log of these leaves, whatever they are, with everything that is computed from them."""
    hashes = [tree.leaf_hash(leaf) for leaf in leaves]
    _, tiles = tile.grow(Unfinished(), hashes)
    sizes = sorted({*signed_at, len(leaves)})
    notes = {size: signer.sign(Checkpoint(ORIGIN, size, Edge().append(hashes[:size]).root())) for size in sizes}
    members = {f"checkpoints/{size}": note for size, note in notes.items()}
    members |= {"checkpoint": notes[len(leaves)], "policy.json": bundle.policy(signer.key)}
    members |= {f"tile/{each.level}/{each.path()}": content for each, content in tiles.items()}
    return MadeLog(members | entry_members(leaves), leaves, signer, notes)


def entry_members(leaves: Sequence[bytes]) -> dict[str, bytes]:
    packed: dict[str, bytes] = {}
    for each in tile.tiles_of(len(leaves)):
        if each.level == 0:
            start = each.index * tile.WIDTH
            packed[f"tile/entries/{each.path()}"] = tile.entry_bundle(leaves[start : start + each.width])
    return packed

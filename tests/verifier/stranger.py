"""What a stranger writes who has read C2SP tlog-tiles and RFC 6962, and not a line of ours."""

import hashlib
import tarfile
from base64 import b64decode
from pathlib import Path


def tile_name(index: int, width: int) -> str:
    name = f"{index % 1000:03}"
    while index >= 1000:
        index //= 1000
        name = f"x{index % 1000:03}/{name}"
    return name if width == 256 else f"{name}.p/{width}"


def tree_hash(leaf_hashes: list[bytes]) -> bytes:
    if len(leaf_hashes) < 2:
        return leaf_hashes[0] if leaf_hashes else hashlib.sha256().digest()
    k = 1 << (len(leaf_hashes) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + tree_hash(leaf_hashes[:k]) + tree_hash(leaf_hashes[k:])).digest()


def tiles(leaf_hashes: list[bytes]) -> dict[str, bytes]:
    """Every tile of a log with these leaves, by its path."""
    found: dict[str, bytes] = {}
    level, span = 0, 1
    while row := [tree_hash(leaf_hashes[at : at + span]) for at in range(0, len(leaf_hashes) // span * span, span)]:
        for at in range(0, len(row), 256):
            found[f"tile/{level}/{tile_name(at // 256, len(row[at : at + 256]))}"] = b"".join(row[at : at + 256])
        level, span = level + 1, span * 256
    return found


def agrees(path: Path) -> bool:
    """Whether the root of a bundle's checkpoint, and its every tile, are what its entries give."""
    with tarfile.open(path) as tar:
        files = {member.name: file.read() for member in tar if (file := tar.extractfile(member))}
    size, root = int(files["checkpoint"].split(b"\n")[1]), b64decode(files["checkpoint"].split(b"\n")[2])
    leaf_hashes: list[bytes] = []
    for at in range(0, size, 256):
        entries = files[f"tile/entries/{tile_name(at // 256, min(256, size - at))}"]
        while entries:
            end = 2 + int.from_bytes(entries[:2], "big")
            leaf_hashes.append(hashlib.sha256(b"\x00" + entries[2:end]).digest())
            entries = entries[end:]
    given = {name: content for name, content in files.items() if name.startswith(tuple(f"tile/{n}/" for n in range(8)))}
    return len(leaf_hashes) == size and tree_hash(leaf_hashes) == root and tiles(leaf_hashes) == given

"""The tree against the RFC's own definition, and against public vectors, good and bad."""

import json
from base64 import b64decode
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.audit.rules import tree
from services.audit.rules.tree import Edge, Node, OutsideOfTheTree

VECTORS = Path(__file__).parents[2] / "../shared/vectors"
MERKLE = VECTORS / "merkle-rfc6962"
needs_vectors = pytest.mark.skipif(not MERKLE.is_dir(), reason="the public vectors are not here")

sizes = st.integers(1, 70)


def mth(leaves: list[bytes]) -> bytes:
    """The Merkle tree hash, as RFC 6962 section 2.1 defines it."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    k = split(len(leaves))
    return sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def path(m: int, leaves: list[bytes]) -> list[bytes]:
    """The audit path, as RFC 6962 section 2.1.1 defines it."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    return [*path(m, leaves[:k]), mth(leaves[k:])] if m < k else [*path(m - k, leaves[k:]), mth(leaves[:k])]


def subproof(m: int, leaves: list[bytes], known: bool) -> list[bytes]:
    """The consistency proof, as RFC 6962 section 2.1.2 defines it."""
    if m == len(leaves):
        return [] if known else [mth(leaves)]
    k = split(len(leaves))
    if m <= k:
        return [*subproof(m, leaves[:k], known), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], False), mth(leaves[:k])]


def split(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def leaves_of(count: int) -> list[bytes]:
    return [f"leaf {number}".encode() for number in range(count)]


def edge_of(leaves: list[bytes]) -> Edge:
    return Edge().append(map(tree.leaf_hash, leaves))


def subtree_of(leaves: list[bytes]) -> Callable[[Node], bytes]:
    return lambda node: mth(leaves[node.index << node.level : (node.index + 1) << node.level])


@given(old=st.integers(0, 70), grown=st.integers(0, 70))
def test_a_tree_that_grows_has_the_root_of_the_definition_at_every_size(old: int, grown: int):
    leaves = leaves_of(old + grown)
    edge = edge_of(leaves[:old])
    assert edge.root() == mth(leaves[:old])
    assert edge.append(map(tree.leaf_hash, leaves[old:])).root() == mth(leaves)


@given(data=st.data(), size=sizes)
def test_an_inclusion_proof_is_the_path_of_the_definition_and_verifies(data: st.DataObject, size: int):
    index, leaves = data.draw(st.integers(0, size - 1)), leaves_of(size)
    proof = tree.inclusion_proof(index, size, subtree_of(leaves))
    assert proof == path(index, leaves)
    assert tree.verify_inclusion(index, size, mth([leaves[index]]), proof, mth(leaves))


@given(data=st.data(), new=sizes)
def test_a_consistency_proof_is_the_one_of_the_definition_and_verifies(data: st.DataObject, new: int):
    old, leaves = data.draw(st.integers(1, new)), leaves_of(new)
    proof = tree.consistency_proof(old, new, subtree_of(leaves))
    assert proof == subproof(old, leaves, True)
    assert tree.verify_consistency(old, new, mth(leaves[:old]), mth(leaves), proof)


@given(data=st.data(), size=st.integers(2, 40))
def test_a_forged_inclusion_proof_is_refused(data: st.DataObject, size: int):
    leaves = leaves_of(size)
    index = data.draw(st.integers(0, size - 1))
    proof, leaf, root = path(index, leaves), mth([leaves[index]]), mth(leaves)
    other = data.draw(st.integers(0, size - 1).filter(lambda value: value != index))
    for forged in (
        [],
        proof[:-1],
        proof[1:],
        [*proof, root],
        [leaf, *proof],
        proof[::-1] if proof[::-1] != proof else [],
    ):
        assert not tree.verify_inclusion(index, size, leaf, forged, root)
    assert not tree.verify_inclusion(other, size, leaf, proof, root)
    assert not tree.verify_inclusion(size, size, leaf, proof, root)
    assert not tree.verify_inclusion(-1, size, leaf, proof, root)


@given(data=st.data(), new=st.integers(2, 40))
def test_an_old_root_of_other_leaves_is_never_consistent(data: st.DataObject, new: int):
    leaves, old = leaves_of(new), data.draw(st.integers(1, new - 1))
    changed = data.draw(st.integers(0, old - 1))
    rewritten = [*leaves[:changed], b"another", *leaves[changed + 1 :]]
    honest, forged = subproof(old, leaves, True), subproof(old, rewritten, True)
    for proof in (honest, forged):
        assert not tree.verify_consistency(old, new, mth(leaves[:old]), mth(rewritten), proof)
    assert not tree.verify_consistency(old, new, mth(leaves[:old]), mth(leaves), path(changed, leaves[:new]) + [b""])


def test_an_inner_node_is_not_a_leaf():
    leaves = leaves_of(2)
    inner = tree.leaf_hash(leaves[0]) + tree.leaf_hash(leaves[1])
    assert tree.leaf_hash(inner) != mth(leaves)
    assert not tree.verify_inclusion(0, 1, tree.leaf_hash(inner), [], mth(leaves))


def test_appending_reads_no_more_than_the_right_edge():
    edge = edge_of(leaves_of(1000))
    assert len(edge.peaks) == (1000).bit_count()


@pytest.mark.parametrize("index, size", [(0, 0), (5, 5), (-1, 5), (6, 5)])
def test_there_is_no_proof_outside_of_the_tree(index: int, size: int):
    with pytest.raises(OutsideOfTheTree):
        tree.inclusion_parts(index, size)


@pytest.mark.parametrize("old, new", [(0, 5), (6, 5), (-1, 5)])
def test_there_is_no_consistency_with_nothing_or_with_the_future(old: int, new: int):
    with pytest.raises(OutsideOfTheTree):
        tree.consistency_parts(old, new)


def test_the_parts_of_a_proof_are_perfect_subtrees():
    assert tree.perfect_subtrees(4, 7) == [Node(1, 2), Node(0, 6)]


@needs_vectors
def test_the_roots_of_the_public_vectors():
    vectors = json.loads((VECTORS / "c2sp-tlog/vectors.json").read_text())
    leaves = [bytes.fromhex(text) for text in vectors["rfc6962_leaves"]["leaves_hex"]]
    assert edge_of(leaves).root().hex() == vectors["rfc6962_leaves"]["root8_hex"]
    for size, root in vectors["deterministic_log"]["roots_hex"].items():
        entries = [b'{"seq":%d,"ev":"asset.published"}' % number for number in range(int(size))]
        assert edge_of(entries).root().hex() == root


def cases(kind: str) -> list[Any]:
    return [pytest.param(file, id=str(file.relative_to(MERKLE))) for file in sorted((MERKLE / kind).rglob("*.json"))]


def hashes(texts: list[str] | None) -> list[bytes]:
    return [b64decode(text) for text in texts or []]


@pytest.mark.parametrize("file", cases("inclusion"))
def test_public_inclusion_vector(file: Path):
    case: dict[str, Any] = json.loads(file.read_text())
    proof = hashes(case["proof"])
    leaf, root = b64decode(case["leafHash"] or ""), b64decode(case["root"] or "")
    assert tree.verify_inclusion(case["leafIdx"], case["treeSize"], leaf, proof, root) is not case["wantErr"]


@pytest.mark.parametrize("file", cases("consistency"))
def test_public_consistency_vector(file: Path):
    case: dict[str, Any] = json.loads(file.read_text())
    proof = hashes(case["proof"])
    roots = b64decode(case["root1"] or ""), b64decode(case["root2"] or "")
    assert tree.verify_consistency(case["size1"], case["size2"], *roots, proof) is not case["wantErr"]


@needs_vectors
def test_all_the_public_vectors_were_tried():
    assert (len(cases("inclusion")), len(cases("consistency"))) == (98, 98)
